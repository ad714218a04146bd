"""The addresses a customer gives: 江北区春晖小区六号楼三单元四零二, 白塔镇小河村村口, 环湖大道营业厅.

An address is a row of parts: named places (…区, …小区, …路, …营业厅) and numbers (…号楼, …单元, …室). Whether a row is
an address that was given, or a place in passing (我们小区), is told by what the agent asked and by what stands before.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

from zhijian.rules.keydata.datum import CORRECTION, CUSTOMER, Datum, Place, Turn, question_before
from zhijian.rules.words.numbers import NUMERAL, tens_by_ear, with_arabic_numbers
from zhijian.rules.words.pinyin import find
from zhijian.rules.words.text import NormalText, fillers, lexicon, normalise

_ASKED = re.compile(
    "地址|位置|哪里|哪儿|哪个小区|哪个村|哪个镇|哪条|哪一片|哪个地方|什么地方|哪个营业厅|哪个供电所|门牌|几号楼|几栋|几单元|几零几"
    "|房号|楼号|哪一?栋|哪一?户|住哪|在哪|地点|哪个区|哪个街"
)
_ASKED_BY_SOUND = ("哪个小区", "具体地址", "详细地址", "家庭住址", "您的地址", "住在哪里", "几号楼几单元")
_SOUNDS_ASKED = 0.9
_ASKED_MORE = re.compile("门牌|几号|几栋|几幢|几单元|几零几|房号|楼号|哪一?栋|哪一?户|具体|详细|哪个单元|几楼|几组")
_LEAD_IN = re.compile("(?:[在住]|住的是?|地址是?|位置是?|(?:我|我们|这里|这边|这儿|就|家)是|[查看]一?下|[你我咱]们)$")
_TRAILING = re.compile("(?:的|这边|那边|这里|这块|附近|停电|没电|断电|那儿|这儿|那里)")

_NAME_STOP = re.compile(
    "[查看]下|一下|我家|家住|家在|住在|就在|是在|地址|位置|你们|我们|他们|咱们|这边|那边|这个|那个|哪个|整个|整条|整片|所在|打算|想在|要在|要到"
    "|[这那][栋幢座排片]|什么|然后|[在是我你他她们的了啊呢哦嗯呃对住叫去到从有没把给跟说查帮就也都还很被让问用交装换修办个]"
)
_NUMBERED = re.compile(
    f"(?<!小)(?!(?<=[这那整每哪])一(?:栋|幢|座|单元|楼|层|户|排))[附第]?(?:{NUMERAL}|幺){{1,4}}"
    "(?:号楼|号院|号店|号车位|号车库|号商铺|号门面|号厂房|号仓库|号|栋|幢|座|单元|楼|层|室|村民小?组|组|期|队|弄|巷|社|排|门|户)"
    "(?![码召称线表机窗柜])|[东西南北中甲乙丙丁]单元|[东西南北中]户"
    "|[a-z](?:座|栋|区|幢)"
    f"|(?<!小){NUMERAL}{{1,3}}[洞动冻懂](?={NUMERAL}{{3,4}}(?!{NUMERAL})|{NUMERAL}单元)"
)
"""小七十二栋 is a 小区 that was misheard, 十洞三零五 a 十栋."""
_HOUSE_NUMBER = re.compile(f"(?:{NUMERAL}|幺)+(?=号)")
_MISHEARD_BUILDING = re.compile("(?<=[0-9])[洞动冻懂]")
_ROOM = re.compile(f"(?:{NUMERAL}|幺){{3,4}}(?!{NUMERAL}|幺|[号元块度年月日个天点])")
_GOES_ON = re.compile(f"{NUMERAL}|幺")
_ANSWER = re.compile("(?:我?[家就]?[在住]|地址是|位置是|就是)(?P<place>[^我你那这哪不没怎咋么啥]{3,14})")
_COMPANYS_OFFICE = re.compile("(?:营业厅|供电所)$")
"""Where customers go, not where they are: a place that is given only to an agent who asks for it."""
_CORRECTED = re.compile(f"(?<!是)(?:{CORRECTION.pattern})")
_NUMBER_FIRST = re.compile("[0-9]+(?P<unit>号[楼院]|[^0-9]?)")
_ONLY_CORRECTION = re.compile(f"(?:{CORRECTION.pattern}|[哦啊哎呃嗯了是在住])+")
_HEARSAY = re.compile("听说|听人说|听别人说|据说")
_LONGEST_NAME = 8
_SHORT = 2
"""Characters: 组里, 药店, 二楼 may be anything that only ends like a place."""
_PROBABLE, _IN_DOUBT = 0.65, 0.5
_SIDE = re.compile("[东西南北中][区院门]")
"""Of a place that was named before; it is none itself."""
_BESIDE = re.compile("的?(?:对面|旁边|附近|隔壁|后面|前面|对过|斜对面)")
_NEXT_PART = 6  # characters between two parts of one address: ,就是那个


@dataclass(frozen=True, slots=True)
class _Part:
    start: int
    end: int
    numbered: bool
    weak: bool


def addresses(turns: Sequence[Turn]) -> tuple[Datum, ...]:
    """The addresses the customer gave, the last one where they correct themselves.

    One that is given bit by bit, or again in full, is one datum.
    """
    found: list[Datum] = []
    for position, turn in enumerate(turns):
        if turn.role != CUSTOMER:
            continue
        question = question_before(turns, position)
        given_to = 0  # where the words end that the last address has its value from
        for datum in _addresses_in(turn, question):
            last = found[-1] if found else None
            between = turn.text.chars[given_to : datum.start] if last and last.turn == datum.turn else ""
            if last and _corrects(between, datum):
                found[-1], given_to = datum, datum.end
            elif last and _CORRECTED.search(between) and (value := _renumbered(last.value, datum.value)):
                if between.endswith("不是") and not turn.text.gap(datum.start):  # 不是三号
                    found[-1] = replace(last, confidence=_IN_DOUBT)
                elif value != last.value:  # else the wrong number is told about: 十九号是我妈那边
                    places = (*last.places, *datum.places)
                    found[-1], given_to = replace(last, value=value, places=places, confidence=_IN_DOUBT), datum.end
            elif last and _says_again(last, datum):
                longer = max(last.value, datum.value, key=len)
                found[-1] = replace(last, value=longer, places=(*last.places, *datum.places))
            elif last and _ASKED_MORE.search(question) and _begins_with_number(datum.value):
                found[-1] = replace(last, value=last.value + datum.value, places=(*last.places, *datum.places))
            else:
                found.append(datum)
                given_to = datum.end
    return tuple(found)


def _is_asked(question: str) -> bool:
    """Does the agent ask for a place, also where it is misheard: 哪个小气?"""
    if _ASKED.search(question):
        return True
    text = normalise(question)
    return any(find(asked, text, min_similarity=_SOUNDS_ASKED) for asked in _ASKED_BY_SOUND)


def _addresses_in(turn: Turn, question: str) -> Iterator[Datum]:
    text = replace(turn.text, chars=tens_by_ear(turn.text.chars))
    found, rows = False, list(_rows(text))
    asked = _is_asked(question) if rows else bool(_ASKED.search(question))
    for parts in rows:
        confidence = _confidence(text, parts, asked)
        if confidence:
            found = True
            bare = asked or not any(part.weak or not part.numbered for part in parts)
            start, end = _with_name_before(text, parts) if bare else parts[0].start, parts[-1].end
            before = _with_house_numbers(text.chars[start : parts[0].start])
            value = before + "".join(
                _written(text.chars[part.start : part.end], part.numbered) for part in _once(parts, text)
            )
            if not _SIDE.fullmatch(value):
                yield Datum("地址", value, (Place(turn.index, start, end),), confidence)
    if asked and not found:
        yield from _answer(turn)


def _once(parts: Sequence[_Part], text: NormalText) -> Iterator[_Part]:
    """兴华街,兴华街四十二号: a name that is said again, or begun anew, is left out the first time.

    So is a number that the next part repeats after a pause: 四号,四号桩.
    """
    for number, part in enumerate(parts, 1):
        words, later = text.chars[part.start : part.end], parts[number:]
        if part.numbered:
            said_again = any(
                text.gap(other.start) and text.chars[other.start : other.end] == words for other in later[:1]
            )
        else:
            said_again = any(text.chars.startswith(words, other.start) for other in later)
        if not said_again:
            yield part


def _written(words: str, numbered: bool) -> str:
    return _MISHEARD_BUILDING.sub("栋", with_arabic_numbers(words)) if numbered else _with_house_numbers(words)


def _with_house_numbers(name: str) -> str:
    """八一路 stays, 十六号院 is 16号院."""
    return _HOUSE_NUMBER.sub(lambda number: with_arabic_numbers(number.group()), name)


def _with_name_before(text: NormalText, parts: Sequence[_Part]) -> int:
    """Where an address begins whose first name does not end like one: 解放十六号院."""
    start = parts[0].start
    if not parts[0].numbered:
        return start
    begin, _ = text.clause_of(start)
    for stop in _NAME_STOP.finditer(text.chars, begin, start):
        begin = stop.end()
    name = text.chars[begin:start]
    return begin if 2 <= len(name) <= _LONGEST_NAME and name not in _words("泛指") else start


def _answer(turn: Turn) -> Iterator[Datum]:
    """What is said where the agent asked for a place: a name that nothing marks as one, or that was misheard."""
    for start, end in turn.text.clauses():
        answer = _ANSWER.fullmatch(turn.text.chars, start, end)
        if answer:
            place = Place(turn.index, answer.start("place"), answer.end("place"))
            yield Datum("地址", with_arabic_numbers(answer["place"]), (place,), _IN_DOUBT)
            return


def _confidence(text: NormalText, parts: Sequence[_Part], asked: bool) -> float:
    """How surely a row of parts is an address that was given; 0 if it is none."""
    places = sum(not part.numbered and not part.weak for part in parts)
    numbers = sum(part.numbered for part in parts)
    if asked:
        if parts[-1].end - parts[0].start <= _SHORT:
            return _IN_DOUBT
        return 0.95 if places else 0.8 if numbers or len(parts) > 1 else 0.6
    if _is_in_passing(text, parts):
        return 0.0
    if places and numbers:
        return 0.85
    if places > 1:
        return _IN_DOUBT
    named = parts[0].weak
    if numbers and not places and (numbers > 1 or named):  # 翠竹园六栋三零二, or a name that was misheard
        start = _with_name_before(text, parts)
        located = (named or start < parts[0].start) and _LEAD_IN.search(text.chars[:start])
        return (_PROBABLE if named and numbers > 1 else _IN_DOUBT) if located else 0.0
    end = parts[-1].end
    ends = end == text.clause_of(end - 1)[1] or _TRAILING.match(text.chars, end)
    located = ends and _LEAD_IN.search(text.chars[: parts[0].start])
    return _PROBABLE if places and located else 0.0


def _is_in_passing(text: NormalText, parts: Sequence[_Part]) -> bool:
    """解放路营业厅几点上班, 听说和平小区也停电了: what a request is about, and what happens to others."""
    start, end = parts[0].start, parts[-1].end
    clause_start, _ = text.clause_of(start)
    return bool(_COMPANYS_OFFICE.search(text.chars, start, end) or _HEARSAY.search(text.chars, clause_start, start))


def _rows(text: NormalText) -> Iterator[list[_Part]]:
    """Parts that follow one another closely, also over a pause; what lies between a place and its number is a part."""
    row: list[_Part] = []
    for part in _parts(text):
        if row and not _adjoins(text, row[-1].end, part.start):
            if part.numbered and not row[-1].numbered and (link := _link(text, row[-1].end, part.start)):
                row.append(link)
            else:
                yield row
                row = []
        row.append(part)
    if row:
        yield row


def _link(text: NormalText, end: int, start: int) -> _Part | None:
    """地下车库 between 东湖花园 and 二十六号车位."""
    between = text.chars[end:start]
    if start - end > _NEXT_PART or text.sentence_of(end) != text.sentence_of(start) or _NAME_STOP.search(between):
        return None
    return _Part(end, start, numbered=False, weak=True)


def _adjoins(text: NormalText, end: int, start: int) -> bool:
    skip = fillers(text.chars)
    between = "".join(text.chars[index] for index in range(end, start) if not skip[index])
    return start - end <= _NEXT_PART and not between.replace("然后", "").strip("的就是还有那在个甲乙丙丁")


def _parts(text: NormalText) -> Iterator[_Part]:
    numbered_to = -1  # where a numbered part ended
    for clause_start, clause_end in text.clauses():
        goes_on = _GOES_ON.match(text.chars, clause_end)  # a number in groups is no room
        at, numbered_before = clause_start, numbered_to == clause_start and not goes_on
        while at < clause_end:
            part = _part_at(text.chars, at, clause_end, numbered_before)
            if part is None:
                break
            yield part
            at, numbered_before = part.end, part.numbered
            numbered_to = part.end if part.numbered else -1


def _part_at(chars: str, at: int, clause_end: int, after_number: bool) -> _Part | None:
    """The first part of an address at or after `at`, or None."""
    number = _NUMBERED.search(chars, at, clause_end)
    room = _ROOM.match(chars, at, clause_end) if after_number else None
    if room and not (number and number.start() == at):
        return _Part(at, room.end(), numbered=True, weak=False)
    place = _place_in(chars, at, clause_end)
    if number and (place is None or number.start() < place.end):
        inside = place is not None and place.start <= number.start() and number.end() <= place.end
        if not inside or (place and number.span() == (place.start, place.end)):  # 六号院 ends like a place, too
            return _Part(number.start(), number.end(), numbered=True, weak=False)
    return place


def _place_in(chars: str, at: int, clause_end: int) -> _Part | None:
    """The first named place: a name of one to eight characters and a word such as 小区 or 路."""
    for ending in _endings().finditer(chars, at, clause_end):
        start = at
        for stop in _NAME_STOP.finditer(chars, at, ending.start()):
            start = stop.end()
        name = chars[start : ending.start()]
        if not 1 <= len(name) <= _LONGEST_NAME or name in _words("泛指") or _is_everyday_word(chars, ending.span()):
            continue
        end = _extended(chars, ending.end(), clause_end)
        if _BESIDE.match(chars, end, clause_end):  # a landmark
            continue
        return _Part(start, end, numbered=False, weak=ending.group() in _words("弱") and end == ending.end())
    return None


def _extended(chars: str, end: int, clause_end: int) -> int:
    """紫竹 and then 小区, 环湖大道 and then 营业厅, 小河村 and then 村口 are one place."""
    more = re.compile(f"(?:[村路巷街桥]口|交叉口|{_endings().pattern})+").match(chars, end, clause_end)
    return more.end() if more else end


def _is_everyday_word(chars: str, ending: tuple[int, int]) -> bool:
    """线路, 城市, 门口: a word that only ends like a place."""
    start, end = ending
    return any(chars[:end].endswith(word) and len(word) > end - start for word in _words("不是"))


def _corrects(between: str, datum: Datum) -> bool:
    """Is nothing but 不对,是 between two addresses, of which the second is no mere number?"""
    corrected = _ONLY_CORRECTION.fullmatch(between) and CORRECTION.search(between)
    return bool(corrected) and not _begins_with_number(datum.value)


def _renumbered(address: str, correction: str) -> str:
    """榕树街19号, put right by 21号3楼: 榕树街21号3楼; empty unless the address has a number with that unit.

    What follows the number stays where the correction is nothing but a number.
    """
    number = _NUMBER_FIRST.match(correction)
    wrong = re.search(f"(?:.*[^0-9])?(?P<number>[0-9]+{number['unit']})", address) if number else None
    if number is None or wrong is None:
        return ""
    rest = address[wrong.end() :] if number.group() == correction else ""
    return address[: wrong.start("number")] + correction + rest


def _says_again(datum: Datum, again: Datum) -> bool:
    short, long = sorted((datum.value, again.value), key=len)
    return short in long


def _begins_with_number(value: str) -> bool:
    return value[:1].isdigit()


@cache
def _words(kind: str) -> frozenset[str]:
    return frozenset(word for name, *words in lexicon("place_words") if name == kind for word in words)


@cache
def _endings() -> re.Pattern[str]:
    words = _words("强") | _words("楼堂") | _words("弱")
    return re.compile("(?:" + "|".join(sorted(words, key=len, reverse=True)) + ")")
