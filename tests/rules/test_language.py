"""The rule language: what is wrong in a rule file is reported with file, line and remedy, all at once."""

import shutil
from pathlib import Path

import pytest

from zhijian.rules.language import StandardError
from zhijian.rules.standard import BUNDLED, load_standard

GOOD = """\
check:
  says_any:
    within: {role: agent, first_turns: 2}
    phrases: [您好]
    missing: 没有问候
examples:
  pass:
    - - agent: 您好。
  fail:
    - - agent: 请讲。
"""
MARK = "# 错:"
"""In a broken file: this line has to be reported, with the words that follow."""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A standard of one item."""
    sheet = (BUNDLED / "standard.yaml").read_text(encoding="utf-8")
    head, _, _ = sheet.partition("items:")
    line = "items:\n  - {id: opening.greeting, name: 开头问候, points: 4}\n"
    (tmp_path / "standard.yaml").write_text(head + line, encoding="utf-8")
    shutil.copytree(BUNDLED / "phrases", tmp_path / "phrases")
    (tmp_path / "opening").mkdir()
    write(tmp_path, GOOD)
    return tmp_path


def write(folder: Path, rule: str) -> None:
    (folder / "opening" / "greeting.yaml").write_text(rule, encoding="utf-8")


def problems(folder: Path) -> list[tuple[str, int, str]]:
    with pytest.raises(StandardError) as caught:
        load_standard(folder)
    return [(problem.file, problem.line, problem.message) for problem in caught.value.problems]


def test_lists_of_phrases_may_lie_in_any_file_but_only_in_one(folder: Path) -> None:
    mine = folder / "phrases" / "mine.yaml"
    mine.write_text("lists:\n  mine: [早上好]\n", encoding="utf-8")
    write(folder, GOOD.replace("[您好]", "['@mine']"))
    assert load_standard(folder).items

    mine.write_text("lists:\n  greeting: [早上好]\n", encoding="utf-8")
    (problem,) = problems(folder)
    assert problem[:2] == ("phrases/opening.yaml", 3)
    assert "greeting 在 phrases/mine.yaml 里已经有了" in problem[2]


def test_a_file_of_phrases_that_is_not_read_is_reported(folder: Path) -> None:
    (folder / "phrases" / "mine.yml").write_text("lists:\n  mine: [早上好]\n", encoding="utf-8")
    assert [(file, line) for file, line, _ in problems(folder)] == [("phrases/mine.yml", 1)]


def test_every_broken_file_of_phrases_is_reported(folder: Path) -> None:
    for name in ("a.yaml", "b.yaml"):
        (folder / "phrases" / name).write_text("lists:\n  x: []\n", encoding="utf-8")
    assert [(file, line) for file, line, _ in problems(folder)] == [("phrases/a.yaml", 2), ("phrases/b.yaml", 2)]


def test_a_good_rule_loads(folder: Path) -> None:
    assert [item.id for item in load_standard(folder).items] == ["opening.greeting"]


@pytest.mark.parametrize(
    ("good", "broken", "line", "remedy"),
    [
        ("phrases: [您好]", "phrase: [您好]", 4, "是不是“phrases”"),
        ("says_any:", "says_one:", 2, "是不是“says_any”"),
        ("phrases: [您好]", "phrases: []", 4, "请至少写一项"),
        ("phrases: [您好]", "phrases: ['@nobody']", 4, "没有名为 nobody 的用语表"),
        ("phrases: [您好]", "phrases: ['??']", 4, "没有可以比对的字"),
        ("phrases: [您好]", "phrases: [您好, {text: 早上好, accept: 3}]", 4, "“accept”"),
        ("role: agent", "role: boss", 3, "可以是 agent、customer"),
        ("first_turns: 2", "first_turns: 2, last_third: true", 3, "只能写一个"),
        ("    missing: 没有问候\n", "", 2, "缺少“missing”"),
        ("    missing: 没有问候", "    missing: 没有问候\n    missing: 也没有", 6, "写了两次"),
        ("    - - agent: 请讲。", "    - - agent: 请讲。\n        costumer: 喂", 11, "是不是“customer”"),
        ("  fail:\n    - - agent: 请讲。\n", "", 6, "pass 和 fail 至少各写一例"),
        ("check:", "parts: []\ncases: [{when: {}, outcome: na, reason: 无}]\ncheck:", 2, "when 是空的"),
        ("check:", "cases: [{when: {direction: outbound}, outcome: na}]\ncheck:", 1, "reason 与 outcome 要一起写"),
        ("check:", "cases: [{when: {direction: outwards}, outcome: na, reason: 无}]\ncheck:", 1, "可以是"),
        ("check:", "check: [", 3, "不是正确的 YAML"),
    ],
)
def test_a_broken_rule_names_line_and_remedy(folder: Path, good: str, broken: str, line: int, remedy: str) -> None:
    assert good in GOOD
    write(folder, GOOD.replace(good, broken, 1))
    found = problems(folder)
    assert [(file, at) for file, at, message in found if remedy in message] == [("opening/greeting.yaml", line)], found


BROKEN = sorted((Path(__file__).parent / "broken").glob("*.yaml"))


@pytest.mark.parametrize("path", BROKEN, ids=[path.stem for path in BROKEN])
def test_every_problem_of_a_broken_file_is_reported_in_its_line_with_its_remedy(folder: Path, path: Path) -> None:
    rule = path.read_text(encoding="utf-8")
    write(folder, rule)
    found = problems(folder)
    marked = {number: line for number, line in enumerate(rule.splitlines(), 1) if MARK in line}
    assert sorted({line for _, line, _ in found}) == sorted(marked)
    for number, line in marked.items():
        remedy = line.partition(MARK)[2].strip()
        assert any(at == number and remedy in message for _, at, message in found), (remedy, found)


def test_all_problems_of_all_files_are_reported_at_once(folder: Path) -> None:
    write(folder, GOOD.replace("phrases:", "frases:").replace("agent: 请讲", "agnet: 请讲"))
    (folder / "opening" / "extra.yaml").write_text(GOOD, encoding="utf-8")
    files = [file for file, _, _ in problems(folder)]
    assert files.count("opening/greeting.yaml") >= 2
    assert "opening/extra.yaml" in files


def test_an_item_without_its_rule_file(folder: Path) -> None:
    (folder / "opening" / "greeting.yaml").unlink()
    ((file, _, message),) = problems(folder)
    assert file == "opening/greeting.yaml"
    assert "没有这个文件" in message


def test_parts_have_to_add_up_to_the_item(folder: Path) -> None:
    check = GOOD.partition("examples:")[0].replace("\n", "\n    ").strip()
    write(folder, f"parts:\n  - name: 问候\n    points: 3\n    {check}\nexamples:" + GOOD.partition("examples:")[2])
    assert "各部分共 3 分,评分表上是 4 分" in problems(folder)[0][2]


def test_a_folder_that_does_not_exist(tmp_path: Path) -> None:
    assert "请检查路径" in problems(tmp_path / "nowhere")[0][2]
