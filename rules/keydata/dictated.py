"""Account and telephone numbers that a customer dictates: 户号 and 电话.

A number may come in groups, over several turns while the agent says 嗯 or repeats the group, and with corrections
(幺三八五五零三,不对,五五零二). What kind it is tells a word before it (户号, 电话, 身份证 …), else its shape, else what
the agent asked for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import groupby

from rapidfuzz.distance import Levenshtein

from zhijian.rules.keydata.datum import AGENT, CORRECTION, CUSTOMER, Datum, Place, Turn, question_before
from zhijian.rules.words.digits import DIGITS, DigitRun, digit_strings, only_digits, without_repetitions
from zhijian.rules.words.numbers import NUMERAL
from zhijian.rules.words.pinyin import find, sounds_like
from zhijian.rules.words.text import NormalText, lexicon

ACCOUNT, PHONE, OTHER = "户号", "电话", "其他"

_FOLLOW_ON = 6  # syllables between two groups of one number: 然后是, 后面还有
_UNIT_AFTER = re.compile("[号元块角毛度年月日点楼栋幢座单层米个天次平千瓦%岁位人户张]")
_ADDRESS_BEFORE = re.compile(f"(?:号楼|单元|[楼栋幢座室弄巷路街]|{NUMERAL}号)$")
_AGREEMENT = re.compile("[好的嗯是对您请继续说讲记下了行哦啊呢然后还有]")
_SHORTEST = {ACCOUNT: 6, PHONE: 7}
_TELLING = 4
"""So many digits tell which number is meant."""
_LONGEST = 14  # an account number with one digit heard twice; identity cards have 18
_WHERE = {"手机": ("里", "上")}
"""What a number is looked up in is no word for it: 户号在手机里."""
_INCOMPLETE = 0.5
_TOGETHER = 0.8
_MISHEARD_DIGITS = 2
_LONGEST_GROUP = 4
_YES = re.compile("[嗯啊哦诶]*(?:对|是的|是啊|没错|正确)")


@dataclass(frozen=True, slots=True)
class _Piece:
    """Digits in one place, and what was said about them there.

    `clear`: its first and last digit are no homophones. `said_back`: the digits of the agent's words right before.
    """

    digits: str
    place: Place
    cue: str | None
    asked: frozenset[str]
    clear: bool
    said_back: str
    corrects: bool
    follows_on: bool


def dictated_numbers(turns: Sequence[Turn]) -> tuple[Datum, ...]:
    """The 户号 and 电话 that the customer gave, in order; numbers of any other kind are left out."""
    found: list[Datum] = []
    kind: str | None = None
    for piece in _pieces(turns):
        last = found[-1] if found else None
        if last and kind == last.kind and (joined := _continued(last, piece)):
            found[-1] = joined
            continue
        kind = _kind(piece)
        if kind is None or kind == OTHER:
            continue
        earlier = next((i for i, datum in enumerate(found) if _same_number(datum, kind, piece)), None)
        if earlier is None:
            found.append(Datum(kind, piece.digits, (piece.place,), _confidence(kind, piece)))
        elif piece.corrects and len(piece.digits) >= len(found[earlier].value):
            found[earlier] = replace(found[earlier], value=piece.digits, places=(*found[earlier].places, piece.place))
    long_enough = (datum for datum in found if len(datum.value) >= _SHORTEST[datum.kind])
    return tuple(datum if is_complete(datum.kind, datum.value) else _completed(datum, turns) for datum in long_enough)


def _completed(datum: Datum, turns: Sequence[Turn]) -> Datum:
    """An incomplete number as the agent's repetition has it, or both together; as it is, and in doubt, without one."""
    for position, turn in enumerate(turns):
        if turn.role != AGENT or turn.index <= datum.last_turn:
            continue
        runs = [run.digits for run in digit_strings(turn.text)]
        for said in dict.fromkeys((*runs, "".join(runs))):
            for value in _readings_of(datum.value, said, confirmed=_is_confirmed(turns, position)):
                if is_complete(datum.kind, value):
                    return replace(datum, value=value, confidence=_TOGETHER)
    return replace(datum, confidence=_INCOMPLETE)


def _readings_of(given: str, said: str, *, confirmed: bool) -> Iterator[str]:
    """What two readings of one number may have been; nothing where they are two numbers.

    They may differ in digits that are the same and run into one, or were doubled; where the customer said yes to the
    agent's, also in one or two more.
    """
    if without_repetitions(given) == without_repetitions(said):
        pairs = zip(groupby(given), groupby(said), strict=True)
        yield "".join(digit * max(len(list(one)), len(list(other))) for (digit, one), (_, other) in pairs)
        yield said
    elif confirmed and Levenshtein.distance(given, said) <= _MISHEARD_DIGITS:
        yield said


def _is_confirmed(turns: Sequence[Turn], position: int) -> bool:
    """Does the customer say yes right after the agent's turn at `position`?"""
    reply = next((turn.text.chars for turn in turns[position + 1 :] if turn.role == CUSTOMER), "")
    return bool(_YES.match(reply)) and not CORRECTION.search(reply)


@lru_cache(maxsize=8192)
def cues(text: NormalText) -> tuple[tuple[int, int, str], ...]:
    """The words in `text` that name a kind of number, as (start, end, kind), in order."""
    hits = (
        (match.start, match.end, kind)
        for kind, *words in lexicon("number_cues")
        for word in words
        for match in find(word, text, min_similarity=1)
        if not text.chars.startswith(_WHERE.get(word, ("里",)), match.end)
    )
    return tuple(sorted(hits))


def is_complete(kind: str, digits: str) -> bool:
    """Can a number of this kind end here? 11 digits for a mobile, 7–8 or 10–12 with the 0 for a landline."""
    if kind == ACCOUNT:
        return len(digits) in (10, 13)
    if digits.startswith("1"):
        return len(digits) == 11
    return len(digits) in (10, 11, 12) if digits.startswith("0") else len(digits) in (7, 8)


def _pieces(turns: Sequence[Turn]) -> list[_Piece]:
    pieces = []
    for position, turn in enumerate(turns):
        if turn.role != CUSTOMER or not digit_strings(turn.text):
            continue
        asked = _asked(turns, position)
        since = 0
        for run in _number_runs(turn.text, asked):
            words = turn.text.chars[since : run.start]
            named = [kind for start, _, kind in cues(turn.text) if since <= start < run.start]
            if since:
                goes_on = not named and len(words) <= _FOLLOW_ON
            else:
                goes_on = not named and not _AGREEMENT.sub("", words) and _only_listening(turns, position)
            corrects = bool(CORRECTION.search(words))
            pieces.append(
                _Piece(
                    digits=_without_echo(run) if corrects else run.digits,
                    place=Place(turn.index, run.start, run.end),
                    cue=named[-1] if named else None,
                    asked=asked,
                    clear=all(_is_clear(turn.text.chars[edge]) for edge in (run.start, run.end - 1)),
                    said_back=only_digits(question_before(turns, position)),
                    corrects=corrects,
                    follows_on=goes_on,
                )
            )
            since = run.end
    return pieces


def _without_echo(run: DigitRun) -> str:
    """The digits of what puts a last group right, without its end that is said apart: 六六五幺,五幺 and 六,二九六."""
    if len(run.groups) == 2 and max(run.groups) <= _LONGEST_GROUP and not is_complete(PHONE, run.digits):
        one, other = (group.digits for group in run.cut(1))
        short, long = sorted((one, other), key=len)
        if len(short) < len(long) and long.endswith(short):
            return long
    return run.digits


def _is_clear(char: str) -> bool:
    """Is it a digit in writing, or what 幺 is always taken for?"""
    return char in DIGITS or sounds_like("幺", char)


def _number_runs(text: NormalText, asked: frozenset[str]) -> list[DigitRun]:
    """The digit strings that can be (part of) a number to dial or look up: no house numbers, sums or dates."""
    runs = []
    for run in digit_strings(text):
        for part in _parts(text, run, asked):
            after_unit = part.end < len(text) and not text.gap(part.end) and _UNIT_AFTER.match(text.chars, part.end)
            before_unit = not text.gap(part.start) and _ADDRESS_BEFORE.search(text.chars[: part.start])
            if len(part.digits) >= _SHORTEST[PHONE] or not (after_unit or before_unit):
                runs.append(part)
    return runs


def _parts(text: NormalText, run: DigitRun, asked: frozenset[str]) -> list[DigitRun]:
    """One run of digits, or several where a pause parts two things: 二单元五零一,幺三四… or an account and a telephone;
    or the last group of a number and the whole of it once more.
    """
    for groups in range(1, len(run.groups)):
        head, tail = run.cut(groups)
        house_number = groups == 1 and _ADDRESS_BEFORE.search(text.chars[: run.start]) and not text.gap(run.start)
        two_numbers = is_complete(ACCOUNT, head.digits) and (is_complete(PHONE, tail.digits) or OTHER in asked)
        all_again = is_complete(ACCOUNT, tail.digits) and tail.digits.endswith(head.digits)
        if house_number or two_numbers or all_again:
            return [head, *_parts(text, tail, asked)]
    return [run]


def _asked(turns: Sequence[Turn], position: int) -> frozenset[str]:
    """The kinds of number that the agent named in the turn before."""
    for turn in reversed(turns[:position]):
        if turn.role == AGENT:
            return frozenset(kind for _, _, kind in cues(turn.text))
    return frozenset()


def _only_listening(turns: Sequence[Turn], position: int) -> bool:
    """Did the agent, since the customer's turn before, only say 嗯 or repeat digits?"""
    between = []
    for turn in reversed(turns[:position]):
        if turn.role == CUSTOMER:
            break
        between.append(turn.text)
    return all(
        len(_AGREEMENT.sub("", "".join(char for char in text.chars if char not in DIGITS))) <= 1 for text in between
    )


def _kind(piece: _Piece) -> str | None:
    """What a number is: by the word before it, by its shape, by what was asked for."""
    shape = _shape(piece.digits)
    if len(piece.digits) > _LONGEST:
        return OTHER
    if piece.cue:
        said = piece.cue == OTHER or shape != PHONE or is_complete(piece.cue, piece.digits)
        return piece.cue if said else PHONE
    wanted = piece.asked - {OTHER}
    if OTHER in piece.asked and len(piece.digits) <= 6:
        return OTHER
    if shape and (shape in wanted or not wanted):
        return shape
    if len(wanted) == 1:
        return next(iter(wanted))
    return shape


def _shape(digits: str) -> str | None:
    if re.fullmatch("1[3-9][0-9]{9}|0[1-9][0-9]{8,10}", digits):
        return PHONE
    return ACCOUNT if len(digits) in (10, 13) else None


def _confidence(kind: str, piece: _Piece) -> float:
    """That of a whole number. What a telephone number begins and ends with is told by its length, too."""
    if kind == ACCOUNT and not piece.clear:
        return _INCOMPLETE
    named = piece.cue == kind or kind in piece.asked
    return 0.95 if named else 0.7


def _continued(datum: Datum, piece: _Piece) -> Datum | None:
    """The datum with the piece joined or its tail corrected; None if the piece is a number of its own."""
    places = (*datum.places, piece.place) if piece.place.turn != datum.last_turn else _stretched(datum, piece)
    if not piece.follows_on and not piece.corrects:
        return None
    if piece.corrects:
        value = datum.value if _puts_right(datum, piece) else _corrected(datum.kind, datum.value, piece.digits)
        sure = _INCOMPLETE if _replaces_unknown(datum, piece.digits) else _TOGETHER
        return replace(datum, value=value, places=places, confidence=min(datum.confidence, sure))
    if is_complete(datum.kind, datum.value) and len(datum.value) >= 10:
        return None
    longest = 13 if datum.kind == ACCOUNT else 12
    joined = datum.value + piece.digits
    return replace(datum, value=joined, places=places) if len(joined) <= longest else None


def _replaces_unknown(datum: Datum, correction: str) -> bool:
    """More than the last group of a whole number, but not all of it: it may have a digit said twice as well."""
    return is_complete(datum.kind, datum.value) and _LONGEST_GROUP < len(correction) < len(datum.value)


def _puts_right(datum: Datum, piece: _Piece) -> bool:
    """Does 不对 mean what the agent said back wrong, so that the customer begins to say the same digits again?"""
    said_wrong = len(piece.said_back) >= _TELLING and datum.value not in piece.said_back
    again = len(piece.digits) >= _TELLING and piece.digits[:_TELLING] in datum.value
    return said_wrong and again and not is_complete(datum.kind, piece.digits)


def _stretched(datum: Datum, piece: _Piece) -> tuple[Place, ...]:
    return (*datum.places[:-1], replace(datum.places[-1], end=piece.place.end))


def _corrected(kind: str, said: str, correction: str) -> str:
    """The number meant when `correction` follows 不对: the whole, its rest from the mistake on, or its last group."""
    lengths = _lengths(kind, said)
    if len(correction) in lengths:
        return correction
    kept = next((length - len(correction) for length in lengths if 0 < length - len(correction) < len(said)), None)
    return said[: len(said) - len(correction) if kept is None else kept] + correction


def _lengths(kind: str, said: str) -> tuple[int, ...]:
    """How long the whole number may be, likeliest first, when it began with `said`."""
    if is_complete(kind, said):
        return (len(said),)
    if kind == ACCOUNT:
        return (10, 13)
    if said.startswith("1"):
        return (11,)
    return (12, 11) if said.startswith("0") else (8, 7)


def _same_number(datum: Datum, kind: str, piece: _Piece) -> bool:
    """Is the piece the number given before, said again in whole or in part?"""
    if datum.kind != kind:
        return False
    if piece.digits in datum.value:
        return True
    return abs(len(datum.value) - len(piece.digits)) <= 1 and Levenshtein.distance(datum.value, piece.digits) <= 2
