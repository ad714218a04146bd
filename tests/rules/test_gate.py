"""The false-alarm gate: what is held against the blameless shuts it, and known false alarms are counted openly."""

import dataclasses
from pathlib import Path

import pytest

from zhijian.rules import gate
from zhijian.rules.gate import Gate, Theme
from zhijian.rules.language import StandardError
from zhijian.rules.standard import load_standard

STANDARD = load_standard()
CORPUS = gate.load_corpus()
CURT = {"agent": "这我怎么知道。"}


def judged(*exchanges: object, items: tuple[str, ...] = ("language.banned",)) -> Gate:
    theme = Theme.model_validate({"theme": "试", "items": items, "exchanges": exchanges})
    return gate.run(STANDARD, {"some.yaml": theme})


def exchange(*lines: dict, **more: object) -> dict:
    return {"title": "一段", "dialogue": lines, **more}


def known(item: str, outcome: str) -> list[dict]:
    return [{"item": item, "outcome": outcome, "why": "试"}]


@pytest.fixture(scope="module")
def bundled() -> Gate:
    return gate.run(STANDARD)


def test_nothing_is_held_against_the_blameless(bundled: Gate) -> None:
    assert bundled.wrong == ()


def test_the_false_alarms_that_are_listed_as_known_still_occur(bundled: Gate) -> None:
    assert bundled.gone == ()


def test_the_corpus_is_large_and_every_exchange_has_a_title_of_its_own() -> None:
    whole = [one for theme in CORPUS.values() if theme.items == ("*",) for one in theme.exchanges]
    pieces = [one for theme in CORPUS.values() if theme.items != ("*",) for one in theme.exchanges]
    assert len(whole) >= 20
    assert all(len(one.dialogue) >= 12 for one in whole)
    assert sum(len(one.dialogue) > 1 for one in pieces) >= 180
    titles = [one.title for one in (*whole, *pieces)]
    assert len(set(titles)) == len(titles)


def test_every_item_of_the_standard_judges_and_no_pattern_is_in_vain(bundled: Gate) -> None:
    for theme in CORPUS.values():
        for pattern in theme.items:
            alone = theme.model_copy(update={"items": (pattern,)})
            assert any(alone.is_judged_by(item) for item in STANDARD.items), pattern
    ids = {item.id for item in STANDARD.items}
    assert {verdict.item_id for verdict in bundled.verdicts} == ids
    assert {known.item for theme in CORPUS.values() for one in theme.exchanges for known in one.expected} <= ids


def test_a_deduction_shuts_the_gate() -> None:
    result = judged(exchange({"customer": "几点来电?"}, CURT))
    (wrong,) = result.wrong
    assert wrong.startswith("some.yaml「一段」language.banned 误判为 fail:说了服务忌语")
    assert result.summary == "没有过错的对话 1 段:1 处不符,0 处已知误判,0 处存疑"


def test_the_suspicion_of_a_banned_phrase_shuts_it_too() -> None:
    assert len(judged(exchange(CURT | {"confidence": 0.1})).wrong) == 1


def test_other_doubt_is_counted_and_does_not_shut_it() -> None:
    lines = ({"customer": "我记得写着,"}, {"customer": "写着检修。", "gap_ms": 13_000})
    result = judged(exchange(*lines), items=("talk.silence", "hold.*"))
    assert result.wrong == ()
    assert result.counts["unsure"] == {"hold.notice": 1, "hold.thanks": 1, "talk.silence": 1}
    assert "3 处存疑(hold.notice 1、hold.thanks 1、talk.silence 1)" in result.summary


def test_a_known_false_alarm_is_counted_and_does_not_shut_it() -> None:
    result = judged(exchange(CURT, expected=known("language.banned", "fail")))
    assert result.wrong == ()
    assert len(result.counts["known"]) == 1
    assert "1 处已知误判" in result.summary


@pytest.mark.parametrize(
    ("line", "outcome"), [({"agent": "您请讲。"}, "fail"), (CURT | {"confidence": 0.1}, "fail"), (CURT, "unsure")]
)
def test_a_known_false_alarm_that_does_not_occur_is_named(line: dict, outcome: str) -> None:
    gone = judged(exchange(line, expected=known("language.banned", outcome))).gone
    assert gone == (f"some.yaml「一段」language.banned 已不再误判为 {outcome}",)


def test_a_piece_is_judged_by_its_items_only() -> None:
    said = exchange({"customer": "查一下电费。"}, {"agent": "八十。", "gap_ms": 14_000})
    assert {v.item_id for v in judged(said, items=("talk.silence", "hold.*")).verdicts} == {
        "talk.silence",
        "hold.notice",
        "hold.thanks",
    }
    assert judged(said, items=("language.banned",)).wrong == ()


def test_items_that_a_standard_does_not_have_are_left_out() -> None:
    shorter = dataclasses.replace(STANDARD, items=tuple(i for i in STANDARD.items if i.id == "opening.greeting"))
    assert gate.run(shorter).wrong == ()
    assert {verdict.item_id for verdict in gate.run(shorter).verdicts} == {"opening.greeting"}


def test_a_bare_string_is_what_an_agent_says() -> None:
    result = judged("你们去投诉吧。", "请您放心。")
    assert [verdict.title for verdict in result.verdicts if verdict.alarm] == ["你们去投诉吧。"]


def test_a_broken_corpus_names_file_and_line(tmp_path: Path) -> None:
    (tmp_path / "one.yaml").write_text(
        "theme: 试\nexchanges:\n  - titel: 错\n    dialogue:\n      - agent: 好\n", "utf-8"
    )
    (tmp_path / "two.yaml").write_text("theme: 试\n", "utf-8")
    with pytest.raises(StandardError) as caught:
        gate.load_corpus(tmp_path)
    problems = {(problem.file, problem.line) for problem in caught.value.problems}
    name = tmp_path.name
    assert problems == {(f"{name}/one.yaml", 3), (f"{name}/two.yaml", 1)}
    assert "是不是“title”" in str(caught.value)
