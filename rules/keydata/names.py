"""The names a customer gives: 我姓周, 我叫钱大海, 户主吴志明, 刘师傅."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cache

from zhijian.rules.keydata.datum import CUSTOMER, Datum, Place, Turn, question_before
from zhijian.rules.words.pinyin import similarity, sounds_like
from zhijian.rules.words.text import NormalText, lexicon

_ASKED = re.compile("贵[姓性]|[称成]呼|[姓性信]名|户名|名字|全名|叫什么|怎么叫|哪位|户主是谁|户主是|户主叫")
_NAME_FOLLOWS = re.compile("的(?:姓名|名字|户名)$|(?:姓名|名字|户名)是$")
_ADDRESSED = re.compile("(?:谢谢|多谢|感谢|麻烦|辛苦|你好|您好|拜托|劳驾)(?:了|你|您|啊|呀|了啊|你啊|您啊|你了|您了)*$")
_GREETED = re.compile("[\u4e00-\u9fff]{1,3}[你您]好")
_AFTER_FULL_NAMES = frozenset(("先生", "女士", "小姐", "太太", "同志"))
_NOT_GIVEN = re.compile("[的是了在我你您他她这那和跟给向对叫让问请找有位个啊呀谢吗呢]")
_NEVER_IN_NAMES = re.compile("[的是了我你您他她这那跟给让问请找个啊呀呢谢吗么]")
_COMMON_SURNAMES = 100
BY_EAR = 0.6
"""The confidence of a surname that is known by its sound alone."""
_ALMOST_SURNAMED = re.compile("我(?P<word>[^想像])(?P<surname>[^问报说讲看查交走挂打])(?=$|电话|手机|联系|地址)")
_LIKE_SURNAMED = 0.5
_AFTER_NAME = "(?=$|[的吧啊呀呢哦家住电我你他她地在户是号和跟身手就您那这来说要想嘛]|对[吗吧不])"
_NAMED = "(?:[我他她人][叫教]|师傅叫|名叫|叫做|户主(?:的?(?:姓名|名字))?[是叫教]?|(?:户名|姓名|名字)[是叫]?|本人是?)"
_SURNAME_ONLY = re.compile("(?:[我他她也是]|免贵|那个|人)?姓(?P<surname>[\u4e00-\u9fff]{1,2})")


def names(turns: Sequence[Turn]) -> tuple[Datum, ...]:
    """The names the customer gave, of callers and of third persons; a full name takes the place of its surname."""
    found: list[Datum] = []
    for position, turn in enumerate(turns):
        if turn.role != CUSTOMER:
            continue
        for datum in _names_in(turn, bool(_ASKED.search(question_before(turns, position)))):
            earlier = next((i for i, other in enumerate(found) if _same_person(other.value, datum.value)), None)
            if earlier is None:
                found.append(datum)
            elif len(datum.value) > len(found[earlier].value):
                found[earlier] = replace(datum, places=(*found[earlier].places, *datum.places))
    return tuple(found)


def surname_of(name: str) -> str:
    """The first one or two characters of a name."""
    return name[:2] if name[:2] in _surnames() else name[:1]


@cache
def titles() -> str:
    """A pattern of the titles that follow a surname: 先生, 师傅, 经理."""
    return "|".join(word for line in lexicon("titles") for word in line)


def titled(chars: str) -> Iterator[tuple[int, int]]:
    """Where names stand before a title: 张 师傅, 许贵兰 女士; the 边 of 那边师傅 and the 司 of 公司经理 are none."""
    for title in re.finditer(titles(), chars):
        end = title.start()
        sizes = (3, 2, 1) if title.group() in _AFTER_FULL_NAMES else (2, 1)
        start = next((end - size for size in sizes if size <= end and _is_before_title(chars[end - size : end])), None)
        if start is not None and not ends_in_no_name(chars[:end]):
            yield start, end


def ends_in_no_name(before_title: str) -> bool:
    """Does what stands before a title end in a word that is no name: 那边师傅, 客户经理?"""
    return any(before_title.endswith(word) for line in lexicon("before_titles") for word in line)


def _is_before_title(name: str) -> bool:
    if is_surname(name):
        return True
    return len(name) == 3 and is_surname(name[0]) and not _is_word(name) and not _NOT_GIVEN.search(name[1:])


def mentioned(text: NormalText) -> Iterator[tuple[int, int]]:
    """Where names may stand that are too uncertain to be data: 老周, 李工, 我找刘建军, 是陈桂花家吗, 我爱人王大伟."""
    for start, end in text.clauses():
        for pattern in _mentions():
            for said in pattern.finditer(text.chars, start, end):
                if not _is_word(said["name"]) and not _NOT_GIVEN.search(said["name"]):
                    yield said.span("name")


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
        named = asked or bool(_NAME_FOLLOWS.search(text.chars[:clause_start]))
        for said in _SURNAME_ONLY.finditer(clause):
            surname, sure = _as_surname(said["surname"], clause[said.end() :], named)
            if surname:
                yield surname, clause_start + said.start("surname"), 0.95 if sure else BY_EAR
        for said in re.finditer(f"{_NAMED}(?P<name>{_full_name()}){_AFTER_NAME}", clause):
            if not _is_word(said["name"]) and not _NEVER_IN_NAMES.search(said["name"][1:]):
                yield said["name"], clause_start + said.start("name"), 0.95 if named else 0.85
        for start, end in titled(clause):
            if named or not (_ADDRESSED.search(clause[:start]) or _GREETED.match(clause, end)):
                yield clause[start:end], clause_start + start, 0.85 if named else 0.5
        if named:
            for said in re.finditer(f"叫我?[老小](?P<name>{_any_surname()})", clause):
                yield said["name"], clause_start + said.start("name"), 0.8
            for said in _ALMOST_SURNAMED.finditer(clause):
                surname, _ = _as_surname(said["surname"], "", named)
                if surname and similarity("姓", said["word"]) >= _LIKE_SURNAMED:
                    yield surname, clause_start + said.start("surname"), BY_EAR
            said_alone = re.fullmatch(f"我?就?[是叫姓]?(?P<name>{_full_name()}|{_any_surname()})[啊吧呀的]?", clause)
            if said_alone and not (_is_word(said_alone["name"]) or _NEVER_IN_NAMES.search(said_alone["name"][1:])):
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
def _mentions() -> tuple[re.Pattern[str], ...]:
    """Nicknames and short titles beside the commonest surnames, full names of three characters in telling places."""
    common = f"(?P<name>[{''.join(list(_surnames())[:_COMMON_SURNAMES])}])"
    full = f"(?P<name>{_any_surname()}(?!{titles()})[\u4e00-\u9fff]{{2}})"
    return (
        re.compile(f"[老小]{common}(?=$|[啊呀吧呢哦和你您他她])"),
        re.compile(f"{common}[总工哥姐](?=$|[啊呀吧呢在吗你您说])"),
        re.compile(f"(?<=是){full}(?=本人|家[吗吧的])"),
        re.compile(f"(?:找|找一下|找下|联系人|爱人|老公|老婆|妻子|丈夫|父亲|母亲|儿子|女儿|叫){full}(?=$)"),
    )


@cache
def _full_name() -> str:
    return f"{_any_surname()}(?!{titles()})(?:(?!对[吗吧不])[\u4e00-\u9fff]){{1,2}}"
