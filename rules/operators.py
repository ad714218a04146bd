"""The operators that rule files may use, and the table of their names.

A new operator is a class, a row of `OPERATORS`, a row in README.md and a test.
"""

from __future__ import annotations

import itertools
from typing import Final

from pydantic import Field
from rapidfuzz.distance import Levenshtein

from zhijian.models.records.dialogue import Role, Utterance
from zhijian.models.records.scorecard import Evidence, EvidenceKind, Outcome
from zhijian.rules import numbers
from zhijian.rules.banned import NeverSays
from zhijian.rules.courtesy import UsesCourtesyWords
from zhijian.rules.finding import Finding, Operator, failed, passed, presence, unsure
from zhijian.rules.heard import Heard, Place, found, recorded, searched
from zhijian.rules.holds import AnnouncesHolds, ExplainsSilences, ThanksAfterHolds
from zhijian.rules.phrases import Hit, find
from zhijian.rules.pinyin import Match, similarity
from zhijian.rules.repeats import RepeatsKeyInfo
from zhijian.rules.terms import Phrases, Scope
from zhijian.rules.text import NormalText, normalise

CUE_CHARS = 6
"""How many characters before or after a number may hold what makes it the agent's own."""
GREETING_NUMBER_MIN_DIGITS = 3
MISSPELT_MIN_DIGITS = 3


class SaysAny(Operator):
    """One of the phrases is said within the scope. `missing` is the reason of a fail."""

    within: Scope
    phrases: Phrases
    missing: str

    def look(self, heard: Heard) -> Finding:
        return presence(heard, heard.place(self.within), self.phrases, self.missing)


class SaysOwnNumber(Operator):
    """The agent names the own number: digits beside a cue, or digits that are like the record's `agent_no`, or as long
    as it and in the very greeting.

    `before` and `after` are the cues on either side of the digits. Which number it is does not matter: the record may
    be wrong, the recogniser too. The numbers of `hotlines` are the company's. `missing` is the reason of a fail.
    """

    within: Scope
    before: Phrases
    after: Phrases
    hotlines: tuple[str, ...]
    missing: str

    def look(self, heard: Heard) -> Finding:
        place = heard.place(self.within)
        for utterance in place.utterances:
            text = normalise(utterance.text)
            for number in numbers.numbers(text):
                if self._is_own(text, number, heard):
                    return passed(_hit(utterance, number.start, number.end))
            if misspelt := self._misspelt(utterance, heard):
                return passed(misspelt)
        in_greeting = self._in_greeting(place.utterances[:1])
        if in_greeting and len(in_greeting.quote) == len(heard.call.agent_no):
            return passed(in_greeting)
        if doubtful := in_greeting or heard.said(self.before, place.utterances):
            return unsure("疑似报了工号,但听不真切", doubtful.confidence, found(doubtful))
        return failed(self.missing, place.confidence, searched(place), doubt=heard.distrust(place))

    def _is_own(self, text: NormalText, number: numbers.Number, heard: Heard) -> bool:
        digits, agent_no = number.digits, heard.call.agent_no
        if len(digits) < numbers.MIN_DIGITS or digits in self.hotlines:
            return False
        said = heard.settings.thresholds.said
        ahead = normalise(text.quote(max(0, number.start - CUE_CHARS), number.start))
        behind = normalise(text.quote(number.end, min(len(text), number.end + CUE_CHARS)))
        return (
            _alike(digits, agent_no)
            or (len(agent_no) >= GREETING_NUMBER_MIN_DIGITS and digits.endswith(agent_no))
            or any(find(cue, ahead, min_similarity=said) for cue in self.before)
            or (not self._is_hotline(digits) and any(find(cue, behind, min_similarity=said) for cue in self.after))
        )

    def _in_greeting(self, greeting: tuple[Utterance, ...]) -> Hit | None:
        """A number in the first words that is not the company's can hardly be anything but the agent's."""
        for utterance in greeting:
            for number in numbers.numbers(normalise(utterance.text)):
                if len(number.digits) >= GREETING_NUMBER_MIN_DIGITS and not self._is_hotline(number.digits):
                    return _hit(utterance, number.start, number.end)
        return None

    def _is_hotline(self, digits: str) -> bool:
        return any(_alike(digits, hotline) for hotline in self.hotlines)

    def _misspelt(self, utterance: Utterance, heard: Heard) -> Hit | None:
        """Words that sound like digits, right after a cue: 公好腰腰武器 for 工号幺幺五七."""
        text = normalise(utterance.text)
        for cue in self.before:
            for match in find(cue, text, min_similarity=heard.settings.thresholds.said):
                following = itertools.takewhile(_sounds_like_digit, text.chars[match.end :])
                end = match.end + len(tuple(following))
                if end - match.end >= MISSPELT_MIN_DIGITS:
                    return _hit(utterance, match.start, end)
        return None


def _alike(digits: str, other: str) -> bool:
    """The same digits; one error is allowed where there are at least four."""
    return digits == other or (len(other) >= 4 and Levenshtein.distance(digits, other) <= 1)


def _sounds_like_digit(char: str) -> bool:
    return any(similarity(char, digit) == 1 for digit in "零一二三四五六七八九幺")


def _hit(utterance: Utterance, start: int, end: int) -> Hit:
    return Hit("工号", utterance, Match(start, end, 1.0, True))


class WarnsBeforeHangup(Operator):
    """The agent hung up only after a clear warning to a caller who was abusive or harassing before it.

    For calls in which the agent hung up. A warning to a caller whose abuse was not recognised is no verdict. `missing`
    is the reason of a fail.
    """

    provocation: Phrases
    warning: Phrases
    missing: str

    def look(self, heard: Heard) -> Finding:
        place = heard.place(Scope())
        provocation = _first(heard, self.provocation, heard.place(Scope(role=Role.CUSTOMER)))
        after = [u for u in place.utterances if provocation and u.span.start_ms > provocation.utterance.span.start_ms]
        if provocation and (warning := heard.said(self.warning, after)):
            return passed(provocation, warning)
        if warning := heard.said(self.warning, place.utterances):
            return unsure("坐席警告过才挂机,但之前没有听出客户的辱骂或骚扰", warning.confidence, found(warning))
        nearest = heard.nearest(self.warning, after)
        doubt = f"有一处听来像「{nearest.phrase}」" if nearest else heard.distrust(place)
        evidence = (recorded(heard.call, ("hangup_side",)), searched(place, nearest))
        return failed(self.missing, place.confidence, *evidence, doubt=doubt)


def _first(heard: Heard, phrases: Phrases, place: Place) -> Hit | None:
    """The best hit in the earliest utterance that has one."""
    return next((hit for utterance in place.utterances if (hit := heard.said(phrases, (utterance,)))), None)


class SpeaksAtRate(Operator):
    """The agent's mean rate lies between the bounds, in characters (letters and digits as spoken) a minute.

    The count of characters is as noisy as the transcript: up to `doubt_ratio` beyond a bound, or with less than
    `min_speech_ms` of speech, there is no verdict.
    """

    at_least: int = Field(ge=0)
    at_most: int = Field(ge=1)
    doubt_ratio: float = Field(ge=0, lt=1)
    min_speech_ms: int = Field(ge=1)

    def look(self, heard: Heard) -> Finding:
        place = heard.place(Scope())
        if sum(utterance.span.duration_ms for utterance in place.utterances) < self.min_speech_ms:
            return unsure("坐席说话太少,不足以判断语速", place.confidence)
        rate = _characters_a_minute(place.utterances)
        if self.at_least <= rate <= self.at_most:
            return Finding(outcome=Outcome.PASS, confidence=place.confidence)
        longest = max(place.utterances, key=lambda utterance: utterance.span.duration_ms)
        detail = f"全程平均每分钟 {rate:.0f} 字,最长的这一句每分钟 {_characters_a_minute((longest,)):.0f} 字"
        close = self.at_least * (1 - self.doubt_ratio) <= rate <= self.at_most * (1 + self.doubt_ratio)
        return failed(
            f"平均语速每分钟{rate:.0f}字,要求{self.at_least}至{self.at_most}字",
            place.confidence,
            Evidence(EvidenceKind.FOUND, Role.AGENT, longest.span, longest.text, detail),
            doubt="离标准太近,识别的字数有误差" if close else None,
        )


def _characters_a_minute(utterances: tuple[Utterance, ...]) -> float:
    characters = sum(char.isalnum() for utterance in utterances for char in utterance.text)
    return 60_000 * characters / sum(utterance.span.duration_ms for utterance in utterances)


OPERATORS: Final[dict[str, type[Operator]]] = {
    "says_any": SaysAny,
    "says_own_number": SaysOwnNumber,
    "warns_before_hangup": WarnsBeforeHangup,
    "announces_holds": AnnouncesHolds,
    "thanks_after_holds": ThanksAfterHolds,
    "explains_silences": ExplainsSilences,
    "never_says": NeverSays,
    "uses_courtesy_words": UsesCourtesyWords,
    "repeats_key_info": RepeatsKeyInfo,
    "speaks_at_rate": SpeaksAtRate,
}
