"""What became of a key datum: said back right, said back wrong, not said back, or not to be told which."""

from __future__ import annotations

import re
from dataclasses import replace
from enum import StrEnum

from zhijian.models.records.dialogue import Role
from zhijian.models.records.span import Span
from zhijian.rules.call.heard import Heard
from zhijian.rules.call.phrases import hits
from zhijian.rules.call.places import Place
from zhijian.rules.call.terms import Phrase
from zhijian.rules.keydata.datum import AGENT, CORRECTION, CUSTOMER, Datum
from zhijian.rules.keydata.datum import Turn as KeyTurn
from zhijian.rules.keydata.repeat_back import RepeatBack, spoken, was_said
from zhijian.rules.operators.repeat.lost_digits import KINDS
from zhijian.rules.words.manner import clauses, manner_of
from zhijian.rules.words.numbers import NUMERAL, numbers
from zhijian.rules.words.text import normalise, without_fillers

_RESEMBLES, _SUM_RESEMBLES = 0.5, 0.75
"""What the agent says something as similar to as this may have been said back, and misheard. Sums sound more alike."""
_ENDING = 8
"""Characters of an address that are compared: before them may be words that are no part of it."""
_OFTEN_SEVERAL = ("金额", "时间")
"""Calls are full of them: another one may be of something else."""
_SOON = 4
"""Turns, of both speakers."""
_PUT_RIGHT = re.compile(f"(?<!是)(?:{CORRECTION.pattern}).{{0,8}}(?:{NUMERAL}|幺){{2}}")
_DENIAL = re.compile("[^不是]{0,3}(?:不对|[你您]?[听说搞弄]错)")
_ANSWERS_NO = re.compile(f"(?:不(?!客气|错)|没(?!错|问题)|哪里|我说)|{_DENIAL.pattern}")
"""A no anywhere, and what is one only in answer to 对吗."""
_HOUSE = re.compile("[号组栋幢座楼单层室弄巷队社排户门](?!客服|话务|工作|员工|键|上午|下午|晚上|之前|前)")
_NO_NAME = re.compile("请问|我是|您家|您是|您说|好的?|那|是|在|嗯")
"""What may stand before a house number without being the misheard name of its street."""
_SHORTEST_NAME = 2


class Verdict(StrEnum):
    """What became of a datum, in the words of the report."""

    RIGHT = "复述正确"
    WRONG = "复述得不一样"
    MISSING = "没有复述"
    DOUBTFUL = "听不准"
    CORRECTED = "客户更正过不能断定"
    ANOTHER = "与客户说的不同但可能指另一项"
    HOUSE_NUMBER = "只听清了门牌号"

    @property
    def is_settled(self) -> bool:
        return self in (Verdict.RIGHT, Verdict.WRONG, Verdict.MISSING)


def verdict_on(heard: Heard, datum: Datum, back: RepeatBack, sure: float) -> Verdict:
    """What the agent's words after it make of it; `sure` (0..1) is how surely both have to be understood."""
    if back.match:
        return Verdict.RIGHT
    if min(datum.confidence, back.confidence) < sure:
        return Verdict.DOUBTFUL
    if back.said_back:
        return _verdict_on_another(heard, datum, back)
    if datum.kind == "地址" and _house_numbers_said(heard, datum):
        return Verdict.HOUSE_NUMBER
    place = place_after(heard, datum)
    return Verdict.DOUBTFUL if _is_resembled(heard, datum, place) or heard.distrust(place) else Verdict.MISSING


def _is_resembled(heard: Heard, datum: Datum, place: Place) -> bool:
    """Does something there sound a little like it?"""
    wording, least_alike = datum.value, _RESEMBLES
    if datum.kind in _OFTEN_SEVERAL:
        wording, least_alike = spoken(datum, heard.key_turns), _SUM_RESEMBLES
    elif datum.kind == "地址":
        wording = datum.value[-_ENDING:]
    phrase = Phrase(text=wording)
    return any(hits(phrase, utterance, min_similarity=least_alike) for utterance in place.utterances)


def _verdict_on_another(heard: Heard, datum: Datum, back: RepeatBack) -> Verdict:
    """Something else was said than the customer gave: instead of it, unless there is another reason to say it."""
    if _is_corrected(heard, datum):
        return Verdict.CORRECTED
    if _customer_said(heard, datum, back) or (datum.kind in _OFTEN_SEVERAL and not _is_denied(heard, datum, back)):
        return Verdict.ANOTHER
    return Verdict.WRONG


def _is_corrected(heard: Heard, datum: Datum) -> bool:
    """Does the customer put a number right, and the agent say one after that? Then what is right may be unclear."""
    for turn in heard.key_turns[datum.turn : datum.last_turn + _SOON]:
        later = heard.key_turns[turn.index + 1 : turn.index + 1 + _SOON]
        is_put_right = _PUT_RIGHT.search(turn.text.chars, datum.start if turn.index == datum.turn else 0)
        if turn.role == CUSTOMER and is_put_right and any(numbers(one.text) for one in later if one.role == AGENT):
            return True
    return False


def _is_denied(heard: Heard, datum: Datum, back: RepeatBack) -> bool:
    """Does the customer say no to what the agent said, or where the agent asks 对吗, the right thing once more?"""
    said = [turn for turn in heard.key_turns if turn.index == back.turn]
    replies = [turn for turn in heard.key_turns if turn.index - 1 == back.turn and turn.role == CUSTOMER]
    asks = any(manner_of(one.text.chars[start:end]).asks for one in said for start, end in clauses(one.text))
    no = _ANSWERS_NO if asks else _DENIAL
    return any(no.match(without_fillers(turn.text.chars)) for turn in replies) or (asks and was_said(datum, replies))


def _house_numbers_said(heard: Heard, datum: Datum) -> bool:
    """Does the agent say all the numbers of an address soon, behind some other name, which may have been misheard?"""
    wanted = set(re.findall("[0-9]+", datum.value))
    for turn in heard.key_turns[datum.last_turn : datum.last_turn + _SOON]:
        said = [one for one in numbers(turn.text) if _HOUSE.match(turn.text.chars, one.end)]
        if turn.role == AGENT and wanted and wanted <= {one.digits for one in said}:
            sentence = turn.text.sentence_of(said[0].start)[0]
            return len(_NO_NAME.sub("", turn.text.chars[sentence : said[0].start])) >= _SHORTEST_NAME
    return False


def _customer_said(heard: Heard, datum: Datum, back: RepeatBack) -> bool:
    """Had the customer said what the agent said, too? Then it may be no wrong form of the datum, but that."""
    if datum.kind in KINDS or back.turn is None or back.value is None:  # whoever corrects a number has said two
        return False
    others = []
    for turn in heard.key_turns[: back.turn]:
        own = [place for place in datum.places if place.turn == turn.index]
        chars = turn.text.chars
        for place in own:
            others += [turn.text.quote(0, place.start), turn.text.quote(place.end, len(chars))]
        if turn.role == CUSTOMER and not own:
            others.append(turn.text.raw)
    said = [KeyTurn(index, CUSTOMER, normalise(words)) for index, words in enumerate(others)]
    return was_said(replace(datum, value=back.value), said)


def place_after(heard: Heard, datum: Datum) -> Place:
    """Where the agent could have said it back."""
    utterances = tuple(
        utterance for turn in heard.turns[datum.last_turn :] if turn.role is Role.AGENT for utterance in turn.utterances
    )
    start_ms = heard.turns[datum.turn].span.end_ms
    return Place(Role.AGENT, Span(start_ms, max(start_ms, heard.dialogue.duration_ms)), utterances)
