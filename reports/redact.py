"""Taking customers out of what is shown: long numbers, and whatever is known of the customer of the call.

    mask = redactor_for(call, scorecard)
    mask("我姓周,电话幺三八,八六二零零零幺九")         # 我姓某,电话***,***********

What is masked:

* runs of four and more digits, ASCII, full-width or Chinese, read digit by digit, with marks or a 嗯 between them: each
  digit becomes `*`; so do numbers as `rules.words.numbers` reads them (玲玲幺九, 三个八, 洞拐幺两), numbers in many
  groups (一百三十八,八十六,二十,零零), and digits that are all that is said;
* whoever said them: names (户主是张建国), surnames with a title or 老 and 小, addresses, e-mail addresses and account
  names;
* data the customer of that call gave (`key_info`), `customer_no`, and strings named by the caller, written or spoken,
  also where the recogniser wrote other characters of the same sound: names become 某, addresses ‹地址›, amounts ‹金额›,
  times ‹时间›, anything else ‹隐去›; three digits in a row of a known number are masked too. What agent or customer
  said of a person or a place in one utterance of the dialogue is known in all others.

What is not: call ids, agent numbers in columns of their own, times of calls, hashes, and the report's own figures.
Masking twice changes nothing.
"""

import dataclasses
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import PurePath

from zhijian.models.records.call import CALL_ID, Call
from zhijian.models.records.dialogue import Dialogue
from zhijian.models.records.scorecard import BannedHit, Evidence, ItemResult, Scorecard
from zhijian.reports.data import Failure, JudgedCall, NightData, Refusal
from zhijian.reports.spoken import amounts_said, numbers_said, times_said
from zhijian.rules.keydata.addresses import addresses
from zhijian.rules.keydata.datum import CUSTOMER, Datum, Turn
from zhijian.rules.keydata.names import mentioned, names, surname_of, titled, titles
from zhijian.rules.words.digits import digit_strings
from zhijian.rules.words.pinyin import find
from zhijian.rules.words.text import NormalText, normalise

NAME, ADDRESS, AMOUNT, TIME, OTHER = "某", "‹地址›", "‹金额›", "‹时间›", "‹隐去›"
_TOKEN = re.compile(f"({'|'.join((ADDRESS, AMOUNT, TIME, OTHER))})")

_REPEATED = re.compile(rf"{_TOKEN.pattern}(?:[\s,，、的]*\1)+")
_MIN_SIMILARITY = 0.9
"""Of sounds: lets through what speakers and recognisers confuse, keeps 三号楼 and 四号楼 apart."""

_VALUES = {digit: str(value) for value, names in enumerate(
    ("零〇○", "一幺壹", "二两贰貳兩", "三叁參", "四肆", "五伍", "六陆陸", "七柒", "八捌", "九玖")
) for digit in names}  # fmt: skip
_DIGIT = rf"[\d{''.join(_VALUES)}]"
# En dash, colon and slash are left out: they part the ends of a range and the fields of a time, not a number's groups.
_BETWEEN = r"[\s,，、.。．·・;；_\-－‐‑‒—…啊呃嗯哦额]*"
_LONG_NUMBER = re.compile(rf"{_DIGIT}(?:{_BETWEEN}{_DIGIT}){{3,}}")
_THREE_DIGITS = re.compile(rf"{_DIGIT}(?:{_BETWEEN}{_DIGIT}){{2,}}")

_SHORTEST_NUMBER = 4
# What ends a number that was read out: the marks of ranges, times and dates.
_PARTS_NUMBERS = re.compile(r"[^\w\s,，、.。．·・;；\-－‐‑‒—…]")
_DIGITS_ALONE = re.compile(rf"(?![\d.]{{1,3}}$){_BETWEEN}{_DIGIT}(?:{_BETWEEN}{_DIGIT})+{_BETWEEN}[?？!！~～]*")
_GROUP = rf"[十百]?{_DIGIT}(?:{_DIGIT}|[十百])*"
_MANY_GROUPS = re.compile(rf"{_GROUP}(?:[\s,，、.。]+{_GROUP}){{3,}}")
_ACCOUNT_NAME = re.compile(
    r"[\w.+-]+@[\w-]+(?:\.[\w-]+)*|[\w.+-]+点(?:com|cn|net)\b|(?<![A-Za-z0-9_=])(?=[A-Za-z_]{2,}\d)[A-Za-z][\w-]{5,}"
    r"|(?<=微信)(?P<is>号?[是为:：]?\s*)[A-Za-z][A-Za-z0-9_-]{5,}",
    re.ASCII,
)
_MIN_CONFIDENCE = 0.65
"""Of a name or place that nobody asked for: how surely it must be one to be masked."""

_ADDRESS_PART = re.compile(r".+?(?:[省市区县镇乡村组屯庄街道路巷弄院园苑]|号[楼院]?|大[厦楼]|[栋幢楼座]|单元|室)")

Redactor = Callable[[str], str]


def mask_digits(text: str) -> str:
    """Every digit of a run of four and more becomes `*`; what stands between the digits stays."""
    heard = normalise(text)
    chars = list(text)
    for run in digit_strings(heard):
        if len(run.digits) >= _SHORTEST_NUMBER and not _PARTS_NUMBERS.search(heard.quote(run.start, run.end)):
            for place in run.places:
                chars[heard.offsets[place]] = "*"
    for pattern in (_MANY_GROUPS, _LONG_NUMBER):
        for run_of_digits in pattern.finditer(text):
            for place in range(*run_of_digits.span()):
                chars[place] = _stars(chars[place])
    return "".join(chars)


def shown_recording(path: str) -> str:
    """The path of a recording that no row names: people name recordings after customers and their numbers."""
    if re.search(r"[\u4e00-\u9fff]|(?:\d\D*){4}", path):
        return f"***{PurePath(path).suffix}"
    return mask_digits(path)


def redactor_for(
    call: Call, scorecard: Scorecard, extra: Iterable[str] = (), dialogue: Dialogue | None = None
) -> Redactor:
    """The function that masks a text of this call."""
    data = [(datum.type, value) for datum in scorecard.key_info for value in (datum.value, datum.said_back) if value]
    data += [("", string) for string in (call.customer_no, *extra) if string]
    said = dialogue.utterances if dialogue else ()
    data += [(datum.kind, datum.value) for utterance in said for datum in _people_and_places(normalise(utterance.text))]
    known = _phrases(data)
    numbers = tuple(number for type_, value in data for number in _numbers(type_, value))
    surnames = tuple({re.escape(surname_of(value)) for type_, value in data if type_ == "姓名"} - {NAME})

    def once(text: str) -> str:
        pieces = _TOKEN.split(text)
        for place in range(0, len(pieces), 2):  # the odd ones are masks already
            piece = _mask_phrases(_mask_account_names(pieces[place]), known)
            piece = mask_digits(_mask_people_and_places(piece))
            pieces[place] = _mask_surnames(_mask_parts_of_numbers(piece, numbers), surnames)
        return _REPEATED.sub(r"\1", "".join(pieces))

    def redact(text: str) -> str:
        if _DIGITS_ALONE.fullmatch(text):  # a group of a number that is dictated over several turns
            return _stars(text)
        # A mask can bring the two ends of something known together: go on until nothing is left to mask.
        while (masked := once(text)) != text:
            text = masked
        return text

    return redact


def redacted(data: NightData) -> NightData:
    """The same night with every free text masked and the customer's own data gone; ids, numbers and figures stay."""
    return dataclasses.replace(
        data,
        calls=tuple(_redacted_call(judged) for judged in data.calls),
        refused=tuple(Refusal(row=r.row, call_id=_shown_id(r), reason=mask_digits(r.reason)) for r in data.refused),
        failed=tuple(Failure(call_id=f.call_id, reason=mask_digits(f.reason)) for f in data.failed),
    )


@dataclass(frozen=True, slots=True)
class _Phrase:
    """Something known in one of its forms. `by_sound`: other characters of the same sound are meant as well."""

    text: str
    mask: str
    by_sound: bool = False


def _phrases(data: Iterable[tuple[str, str]]) -> tuple[_Phrase, ...]:
    """Every form of every datum, longest first, so that a part never hides the whole."""
    phrases = {phrase for type_, value in data for phrase in _forms(type_, value) if normalise(phrase.text).chars}
    return tuple(sorted(phrases, key=lambda phrase: (-len(phrase.text), phrase.text, phrase.mask)))


def _forms(type_: str, value: str) -> Iterator[_Phrase]:
    """The phrases that stand for one datum or for a telling part of it."""
    if type_ == "姓名":
        if len(value) > 1:
            yield _Phrase(value, NAME, by_sound=True)
        if len(given := value.removeprefix(surname_of(value))) > 1:
            yield _Phrase(given, NAME)
    elif type_ == "地址":
        for part in {value, *_address_parts(value)}:
            yield from (_Phrase(form, ADDRESS, by_sound=True) for form in numbers_said(part))
    elif type_ == "金额":
        yield from (_Phrase(form, AMOUNT) for form in {value, *amounts_said(value)})
    elif type_ == "时间":
        yield from (_Phrase(form, TIME) for form in {value, *times_said(value)})
    else:
        yield _Phrase(value, OTHER)


def _address_parts(address: str) -> set[str]:
    """和平小区3号楼501 → 和平小区, 3号楼, and the tail 3号楼501: what may be said without the rest."""
    starts = [part.span() for part in _ADDRESS_PART.finditer(address)]
    parts = {part for start, end in starts for part in (address[start:end], address[start:])}
    return {part for part in parts if len(part) > 2}


def _numbers(type_: str, value: str) -> list[str]:
    """The numbers in a datum of which three digits in a row tell too much."""
    runs = re.findall(r"\d{3,}", value) if type_ == "地址" else [_digits_of(value)]
    return [] if type_ in ("金额", "时间", "姓名") else [run for run in runs if len(run) > 2]


def _mask_phrases(text: str, phrases: tuple[_Phrase, ...]) -> str:
    for phrase in phrases:
        heard = normalise(text)
        hits = [hit for hit in find(phrase.text, heard, min_similarity=_MIN_SIMILARITY) if hit.exact or phrase.by_sound]
        for hit in reversed(hits):
            start, end = heard.raw_slice(hit.start, hit.end)
            text = text[:start] + phrase.mask + text[end:]
    return text


def _people_and_places(text: NormalText) -> tuple[Datum, ...]:
    """The names and addresses in an utterance that need no question before them."""
    turn = Turn(0, CUSTOMER, text)
    return tuple(datum for datum in (*names([turn]), *addresses([turn])) if datum.confidence >= _MIN_CONFIDENCE)


def _mask_account_names(text: str) -> str:
    return _ACCOUNT_NAME.sub(lambda name: (name["is"] or "") + OTHER, text)


def _mask_people_and_places(text: str) -> str:
    heard = normalise(text)
    found = [(place.start, place.end, ADDRESS if datum.kind == "地址" else NAME)
             for datum in _people_and_places(heard) for place in datum.places]  # fmt: skip
    found += [(start, end, NAME) for start, end in (*titled(heard.chars), *mentioned(heard))]
    before = len(text) + 1
    for start, end, mask in sorted(found, reverse=True):
        raw_start, raw_end = heard.raw_slice(start, end)
        if raw_end <= before:
            text, before = text[:raw_start] + mask + text[raw_end:], raw_start
    return text


def _mask_parts_of_numbers(text: str, numbers: tuple[str, ...]) -> str:
    def stars(run: re.Match[str]) -> str:
        digits = _digits_of(run.group())
        return _stars(run.group()) if any(digits in number for number in numbers) else run.group()

    return _THREE_DIGITS.sub(stars, text)


def _mask_surnames(text: str, surnames: tuple[str, ...]) -> str:
    for surname in surnames:
        text = re.sub(rf"(?<=姓){surname}|{surname}(?={titles()}|[总工哥姐])", NAME, text)
    return text


def _digits_of(text: str) -> str:
    """The digits in it, Arabic: 幺三八,8620 → 1388620."""
    return "".join(_VALUES.get(char) or str(int(char)) for char in re.findall(_DIGIT, text))


def _stars(run: str) -> str:
    return re.sub(_DIGIT, "*", run)


def _shown_id(refusal: Refusal) -> str | None:
    """A refused row may hold anything where its id should be."""
    shown = refusal.call_id
    if shown is None or (refusal.row is not None and CALL_ID.fullmatch(shown)):
        return shown
    return shown_recording(shown) if refusal.row is None else mask_digits(shown)


def _redacted_call(judged: JudgedCall) -> JudgedCall:
    mask = redactor_for(judged.call, judged.scorecard, dialogue=judged.dialogue)
    call, scorecard = judged.call, judged.scorecard
    return dataclasses.replace(
        judged,
        call=dataclasses.replace(
            call, recording="", customer_no=None, extra={}, queue=None, scenario=_maybe(mask, call.scenario)
        ),
        scorecard=dataclasses.replace(
            scorecard,
            reason=_maybe(mask, scorecard.reason),
            scenario=_maybe(mask, scorecard.scenario),
            items=tuple(_redacted_item(item, mask) for item in scorecard.items),
            banned=tuple(BannedHit(hit.entry, hit.tier, hit.span, mask(hit.quote)) for hit in scorecard.banned),
            key_info=(),
        ),
        dialogue=judged.dialogue and _redacted_dialogue(judged.dialogue, mask),
    )


def _redacted_item(item: ItemResult, mask: Redactor) -> ItemResult:
    evidence = tuple(Evidence(e.kind, e.role, e.span, mask(e.quote), mask(e.detail)) for e in item.evidence)
    return dataclasses.replace(item, reason=_maybe(mask, item.reason), evidence=evidence)


def _redacted_dialogue(dialogue: Dialogue, mask: Redactor) -> Dialogue:
    utterances = tuple(dataclasses.replace(u, text=mask(u.text), words=()) for u in dialogue.utterances)
    return dataclasses.replace(dialogue, utterances=utterances)


def _maybe(mask: Redactor, text: str | None) -> str | None:
    return None if text is None else mask(text)
