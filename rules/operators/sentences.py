"""The pieces of a rule in Chinese words, for the sentences in which operators explain themselves."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from zhijian.models.records.dialogue import Role
from zhijian.rules.call.excuses import Excuses
from zhijian.rules.call.scenario import RECORDED, Scenario
from zhijian.rules.call.terms import Anchor, Phrase, Scope

SHOWN_PHRASES = 8
SEARCH_DOUBTS = (
    "要找的话没有听到,但有一处听来像",
    "要找的话出自说话人分不清的一句",
    "要找的话没有听到,而那一段识别没有把握:文字可疑、把握低、有几个字没有听清、有说话声没有文字,或单声道上两人同时说话",
)
"""What leaves it open whether something was said."""

_WHO = {Role.AGENT: "坐席", Role.CUSTOMER: "客户"}
_WHICH = {"first": "第一次", "last": "最后一次", "every": "每一次"}
_SCENARIOS = {scenario: word for word, scenario in reversed(tuple(RECORDED.items())) if not word.isascii()}


def listed(phrases: Sequence[Phrase]) -> str:
    """The first of them in quotes, and how many there are."""
    shown = "".join(f"「{phrase.text}」" for phrase in phrases[:SHOWN_PHRASES])
    return shown if len(phrases) <= SHOWN_PHRASES else f"{shown}等 {len(phrases)} 种说法"


def indented(lines: Iterable[str]) -> tuple[str, ...]:
    return tuple(f"  {line}" for line in lines)


def seconds(ms: int) -> str:
    return f"{ms / 1000:g} 秒"


def scenarios(names: Iterable[Scenario]) -> str:
    return "、".join(_SCENARIOS[name] for name in names)


def place(scope: Scope) -> str:
    """Where in a call: 客户第一次说「气死」之后,坐席接下来的 1 句话里."""
    who = _WHO[scope.role]
    if scope.first_turns is not None:
        where = f"{who}{'接下来的' if scope.after else '的前'} {scope.first_turns} 句话里"
    elif scope.last_turns is not None:
        where = f"{who}{'此前的' if scope.before else '的最后'} {scope.last_turns} 句话里"
    elif scope.last_third:
        where = f"通话最后三分之一(至少是最后三句){who}的话里"
    elif scope.first_ms is not None:
        where = f"通话开始 {seconds(scope.first_ms)}内{who}的话里"
    elif scope.last_ms is not None:
        where = f"通话最后 {seconds(scope.last_ms)}内{who}的话里"
    else:
        where = f"{who}的话里"
    after = f"{_anchor(scope.after)}之后," if scope.after else ""
    before = f"{_anchor(scope.before)}之前," if scope.before else ""
    return f"{after}{before}{where}"


def _anchor(anchor: Anchor) -> str:
    return f"{_WHO[anchor.role]}{_WHICH[anchor.which]}说{listed(anchor.says)}"


def excuses(unless: Excuses) -> tuple[str, ...]:
    """What makes a phrase not count, as a line; none where nothing does."""
    ways = (
        ("紧跟在{}后面", "".join(f"「{text}」" for text in unless.before)),
        ("后面紧接{}", "".join(f"「{text}」" for text in unless.after)),
        ("同一句里有{}", listed(unless.in_sentence)),
        ("同一轮话里有{}", listed(unless.in_turn)),
    )
    given = [way.format(texts) for way, texts in ways if texts]
    return (f"下列情况不算:{';'.join(given)}",) if given else ()
