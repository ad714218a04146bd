"""The names a customer gives: 我姓周, 我叫钱大海, 户主吴志明, 刘师傅."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache

from zhijian.rules.datum import AGENT, CUSTOMER, Datum, Place, Turn
from zhijian.rules.pinyin import similarity, sounds_like
from zhijian.rules.text import NormalText, lexicon

TITLES = "先生|女士|小姐|师傅|经理|主任|所长|班长|阿姨|大爷|大姐|大哥|太太"

_ASKED = re.compile("贵姓|称呼|姓名|名字|全名|叫什么|怎么叫|哪位|户主是谁|户主是|户主叫")
_AFTER_NAME = "(?=$|[的吧啊呀呢哦家住电我你他她地在户是号和跟身手就您那这来说要想嘛])"
_NAMED = "(?:[我他她人][叫教]|师傅叫|名叫|叫做|户主(?:的?(?:姓名|名字))?[是叫教]?|(?:户名|姓名|名字)[是叫]?|本人是?)"
_SURNAME_ONLY = re.compile("(?:[我他她也是]|免贵|那个|人)?姓(?P<surname>[\u4e00-\u9fff]{1,2})")


def names(turns: Sequence[Turn]) -> tuple[Datum, ...]:
    """The names the customer gave, of callers and of third persons; a full name takes the place of its surname."""
    found: list[Datum] = []
    for position, turn in enumerate(turns):
        if turn.role != CUSTOMER:
            continue
        for datum in _names_in(turn, _asked_for_name(turns, position)):
            earlier = next((i for i, other in enumerate(found) if _same_person(other.value, datum.value)), None)
            if earlier is None:
                found.append(datum)
            elif len(datum.value) > len(found[earlier].value):
                found[earlier] = replace(datum, places=(*found[earlier].places, *datum.places))
    return tuple(found)


def surname_of(name: str) -> str:
    """The first one or two characters of a name."""
    return name[:2] if name[:2] in _surnames() else name[:1]


def is_surname(chars: str) -> bool:
    return chars in _surnames()


def _names_in(turn: Turn, asked: bool) -> Iterator[Datum]:
    taken = 0
    readings = sorted(_readings(turn.text, asked), key=lambda reading: (reading[1], -len(reading[0])))
    for value, start, confidence in readings:
        if start >= taken:
            taken = start + len(value)
            yield Datum("姓名", value, (Place(turn.index, start, taken),), confidence)


def _readings(text: NormalText, asked: bool) -> Iterator[tuple[str, int, float]]:
    """Every way to find a name in `text`, as (value, start, confidence)."""
    for clause_start, clause_end in text.clauses():
        clause = text.chars[clause_start:clause_end]
        for said in _SURNAME_ONLY.finditer(clause):
            surname, sure = _as_surname(said["surname"], clause[said.end() :], asked)
            if surname:
                yield surname, clause_start + said.start("surname"), 0.95 if sure else 0.6
        for said in re.finditer(f"{_NAMED}(?P<name>{_full_name()}){_AFTER_NAME}", clause):
            if not _is_word(said["name"]):
                yield said["name"], clause_start + said.start("name"), 0.95 if asked else 0.85
        for said in re.finditer(f"(?P<name>{_any_surname()})(?:{TITLES})", clause):
            yield said["name"], clause_start + said.start("name"), 0.85 if asked else 0.6
        if asked:
            for said in re.finditer(f"叫我?[老小](?P<name>{_any_surname()})", clause):
                yield said["name"], clause_start + said.start("name"), 0.8
            said_alone = re.fullmatch(f"我?就?[是叫姓]?(?P<name>{_full_name()}|{_any_surname()})[啊吧呀的]?", clause)
            if said_alone and not _is_word(said_alone["name"]):
                yield said_alone["name"], clause_start + said_alone.start("name"), 0.75


def _as_surname(chars: str, after: str, asked: bool) -> tuple[str, bool]:
    """The surname that `chars` begins with; one that is only heard as such (姓州) is written as the commonest."""
    if chars in _surnames():
        return chars, True
    if chars[0] in _surnames():
        return chars[0], True
    at_end = not (chars[1:] + after)
    if asked and at_end:
        return next((surname for surname in _surnames() if sounds_like(surname, chars[0])), ""), False
    return "", False


def _asked_for_name(turns: Sequence[Turn], position: int) -> bool:
    before = next((turn for turn in reversed(turns[:position]) if turn.role == AGENT), None)
    return before is not None and bool(_ASKED.search(before.text.chars))


def _same_person(one: str, other: str) -> bool:
    """Equal names, or one the surname of the other; by sound, since names are spelt by guess."""
    short, long = sorted((one, other), key=len)
    return similarity(short, long[: len(short)]) == 1 and (len(short) == len(long) or short == surname_of(short))


def _is_word(name: str) -> bool:
    return any(name.startswith(word) for line in lexicon("not_names") for word in line)


@cache
def _surnames() -> dict[str, None]:
    """All surnames, the commonest first."""
    return {surname: None for line in lexicon("surnames") for surname in line}


@cache
def _any_surname() -> str:
    """A pattern of one surname, those of two characters first."""
    return "(?:" + "|".join(sorted(_surnames(), key=len, reverse=True)) + ")"


@cache
def _full_name() -> str:
    return f"{_any_surname()}(?!{TITLES})[\u4e00-\u9fff]{{1,2}}"
