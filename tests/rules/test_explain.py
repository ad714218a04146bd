"""The rules in words: what `rules explain` prints, and what README.md says of the language."""

import re
from pathlib import Path

import pytest
import yaml

from zhijian.rules.call.terms import pieces
from zhijian.rules.explain import explain
from zhijian.rules.language import Rule
from zhijian.rules.operators.finding import Explanation
from zhijian.rules.operators.table import OPERATORS, Check
from zhijian.rules.standard import Item, load_standard

STANDARD = load_standard()
ITEMS = {item.id: item for item in STANDARD.items}
README = (Path(__file__).parents[2] / "rules" / "README.md").read_text(encoding="utf-8")
CHINESE = re.compile(r"[\u4e00-\u9fff]")

SAYS = {"says_any": {"within": {}, "phrases": ["您好"], "missing": "没有问候"}}
PARAMETERS = {
    "given": {"situation": SAYS, "otherwise": "没有这种情况", "then": SAYS},
    "all": [SAYS, SAYS],
    "any": [SAYS, SAYS],
    "not": {"check": SAYS, "reason": "说了您好"},
    "says_any": SAYS["says_any"],
    "scenario_is": {"any_of": ["outage", "fault"], "missing": "不是停电"},
}
"""Of operators that no item need use; the others are taken from the bundled standard."""


def in_words(check: dict) -> Explanation:
    explanation: Explanation = Check.model_validate(check, context={"lists": {}}).operator.explain(STANDARD.settings)
    return explanation


@pytest.mark.parametrize("item", ITEMS.values(), ids=ITEMS)
def test_every_item_explains_itself_in_chinese(item: Item) -> None:
    explained = explain(item, STANDARD.settings)
    title, *lines = str(explained).splitlines()
    assert title.startswith(f"{item.id} {item.name}:{item.points} 分")
    assert ("一票否决" in title) == item.veto
    assert explained.asked
    assert explained.reasons
    assert explained.doubts
    assert [line for line in lines if line and not CHINESE.search(line)] == []
    assert [line for line in lines if re.search(r"[{}@_]|None|Role|Scenario", line)] == []


@pytest.mark.parametrize("name", OPERATORS)
def test_every_operator_explains_itself(name: str) -> None:
    if name in PARAMETERS:
        explained = in_words({name: PARAMETERS[name]})
    else:
        used = (one for item in ITEMS.values() for one in pieces(item.rule, OPERATORS[name]))
        explained = next(used).explain(STANDARD.settings)
    assert explained.asked
    assert explained.reasons
    assert explained.doubts
    assert all(CHINESE.search(line) for line in (*explained.asked, *explained.reasons, *explained.doubts))


@pytest.mark.parametrize(
    ("within", "words"),
    [
        ({"role": "agent"}, "坐席的话里"),
        ({"role": "customer", "first_turns": 2}, "客户的前 2 句话里"),
        ({"last_turns": 3}, "坐席的最后 3 句话里"),
        ({"last_third": True}, "通话最后三分之一(至少是最后三句)坐席的话里"),
        ({"first_ms": 15_000}, "通话开始 15 秒内坐席的话里"),
        ({"last_ms": 2500}, "通话最后 2.5 秒内坐席的话里"),
        (
            {"first_turns": 1, "after": {"role": "customer", "says": ["气死"], "which": "every"}},
            "客户每一次说「气死」之后,坐席接下来的 1 句话里",
        ),
        ({"before": {"role": "agent", "says": ["再见"]}}, "坐席第一次说「再见」之前,坐席的话里"),
    ],
)
def test_where_is_looked(within: dict, words: str) -> None:
    (asked,) = in_words({"says_any": {"within": within, "phrases": ["抱歉"], "missing": "没有致歉"}}).asked
    assert asked == f"{words},说到其中一种:「抱歉」"


def test_how_often_and_what_excuses() -> None:
    unless = {"before": ["没"], "after": ["吗"], "in_sentence": ["麻烦"], "in_turn": ["登记"]}
    asked, excused = in_words({"says_any": {**SAYS["says_any"], "at_least": 2, "unless": unless}}).asked
    assert "至少 2 处" in asked
    assert excused.strip() == "下列情况不算:紧跟在「没」后面;后面紧接「吗」;同一句里有「麻烦」;同一轮话里有「登记」"


def test_what_is_inside_is_indented_under_it() -> None:
    explained = in_words(
        {"given": {"situation": SAYS, "otherwise": "没问候", "then": {"all": [SAYS, {"not": PARAMETERS["not"]}]}}}
    )
    says = "坐席的话里,说到其中一种:「您好」"
    assert explained.asked == (
        "有这种情况的:",
        f"  {says}",
        "要求:",
        "  各条都符合(不适用的除外):",
        f"    (1) {says}",
        "    (2) 没有下列情况:",
        f"        {says}",
        "没有这种情况的,不适用:没问候",
    )
    assert explained.reasons == ("没有问候", "说了您好")


def test_cases_come_first() -> None:
    explained = explain(ITEMS["opening.late_apology"], STANDARD.settings)
    assert explained.cases == ("外呼:不适用", "未记录振铃次数:不适用", "振铃最多 4 声:不适用")
    explained = explain(ITEMS["closing.farewell"], STANDARD.settings)
    assert explained.cases[0] == "外呼的,改为要求:"
    assert len(explained.reasons) == 2


def operator_table() -> dict[str, set[str]]:
    """Each operator in README.md, and the parameters that it documents."""
    section = README.partition("## Operators")[2].partition("\n## ")[0]
    rows = [line.strip("|").split("|") for line in section.splitlines() if line.startswith("| `")]
    return {row[0].strip(" `"): set(re.findall(r"`(\w+)`", row[2])) for row in rows}


def test_the_readme_documents_every_operator_with_its_parameters() -> None:
    parameters = {name: set(operator.model_fields) for name, operator in OPERATORS.items()}
    parameters["all"] = parameters["any"] = set()  # a list, without names
    assert operator_table() == parameters


def test_the_examples_of_the_readme_are_rules() -> None:
    blocks = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(.*?)```", README, re.S)]
    lists = {"lists": {name: () for name in re.findall(r"@(\w+)", README)}}
    rules = [block for block in blocks if isinstance(block, dict) and "examples" in block]
    checks = [block["check"] for block in blocks if isinstance(block, dict) and "check" in block]
    assert len(rules) == 1
    assert len(checks) == 2
    for rule in rules:
        Rule.model_validate(rule, context=lists)
    for check in checks:
        Check.model_validate(check, context=lists)
