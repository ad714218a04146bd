"""Taking customers out of what is shown: long numbers, and whatever is known of the customer of the call.

    mask = redactor_for(call, scorecard)
    mask("我姓周,电话幺三八,八六二零零零幺九")         # 我姓某,电话***,***********

What is masked:

* runs of four and more digits, ASCII, full-width or Chinese, read digit by digit, with marks or a 嗯 between them: each
  digit becomes `*`;
* data the customer of that call gave (`key_info`), `customer_no`, and strings named by the caller, written or spoken,
  also where the recogniser wrote other characters of the same sound: names become 某, addresses ‹地址›, amounts ‹金额›,
  times ‹时间›, anything else ‹隐去›; three digits in a row of a known number are masked too.

What is not: call ids, agent numbers in columns of their own, times of calls, hashes, and the report's own figures.
Masking twice changes nothing.
"""

import dataclasses
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from zhijian.models.records.call import CALL_ID, Call
from zhijian.models.records.dialogue import Dialogue
from zhijian.models.records.scorecard import BannedHit, Evidence, ItemResult, Scorecard
from zhijian.reports.data import Failure, JudgedCall, NightData, Refusal
from zhijian.reports.spoken import amounts_said, numbers_said, times_said
from zhijian.rules.pinyin import find
from zhijian.rules.text import normalise

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

_TITLES = "先生|女士|小姐|太太|老师|师傅|大爷|大妈|大叔|大姐|大哥|阿姨|叔叔|同志|经理|总|工|哥|姐"
_LONG_SURNAMES = ("欧阳", "司马", "上官", "诸葛", "东方", "皇甫", "尉迟", "公孙", "慕容", "司徒", "夏侯")
_ADDRESS_PART = re.compile(r".+?(?:[省市区县镇乡村组屯庄街道路巷弄院园苑]|号[楼院]?|大[厦楼]|[栋幢楼座]|单元|室)")

Redactor = Callable[[str], str]


def mask_digits(text: str) -> str:
    """Every digit of a run of four and more becomes `*`; what stands between the digits stays."""
    return _LONG_NUMBER.sub(lambda run: _stars(run.group()), text)


def redactor_for(call: Call, scorecard: Scorecard, extra: Iterable[str] = ()) -> Redactor:
    """The function that masks a text of this call."""
    data = [(datum.type, value) for datum in scorecard.key_info for value in (datum.value, datum.said_back) if value]
    data += [("", string) for string in (call.customer_no, *extra) if string]
    known = _phrases(data)
    numbers = tuple(number for type_, value in data for number in _numbers(type_, value))
    surnames = tuple({re.escape(_surname(value)) for type_, value in data if type_ == "姓名"} - {NAME})

    def once(text: str) -> str:
        pieces = _TOKEN.split(text)
        for place in range(0, len(pieces), 2):  # the odd ones are masks already
            piece = _mask_phrases(mask_digits(pieces[place]), known)
            pieces[place] = _mask_surnames(_mask_parts_of_numbers(piece, numbers), surnames)
        return _REPEATED.sub(r"\1", "".join(pieces))

    def redact(text: str) -> str:
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
        refused=tuple(
            Refusal(row=r.row, call_id=_shown_id(r.call_id), reason=mask_digits(r.reason)) for r in data.refused
        ),
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
        if len(given := value.removeprefix(_surname(value))) > 1:
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


def _mask_parts_of_numbers(text: str, numbers: tuple[str, ...]) -> str:
    def stars(run: re.Match[str]) -> str:
        digits = _digits_of(run.group())
        return _stars(run.group()) if any(digits in number for number in numbers) else run.group()

    return _THREE_DIGITS.sub(stars, text)


def _mask_surnames(text: str, surnames: tuple[str, ...]) -> str:
    for surname in surnames:
        text = re.sub(rf"(?<=姓){surname}|{surname}(?={_TITLES})", NAME, text)
    return text


def _surname(name: str) -> str:
    return name[:2] if name[:2] in _LONG_SURNAMES else name[:1]


def _digits_of(text: str) -> str:
    """The digits in it, Arabic: 幺三八,8620 → 1388620."""
    return "".join(_VALUES.get(char) or str(int(char)) for char in re.findall(_DIGIT, text))


def _stars(run: str) -> str:
    return re.sub(_DIGIT, "*", run)


def _shown_id(call_id: str | None) -> str | None:
    """A refused row may hold anything where its id should be."""
    return call_id if call_id is None or CALL_ID.fullmatch(call_id) else mask_digits(call_id)


def _redacted_call(judged: JudgedCall) -> JudgedCall:
    mask = redactor_for(judged.call, judged.scorecard)
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
