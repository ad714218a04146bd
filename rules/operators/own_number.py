"""工号: whether the agent names the own number."""

from __future__ import annotations

import itertools
import re

from rapidfuzz.distance import Levenshtein

from zhijian.models.records.dialogue import Utterance
from zhijian.rules.call.heard import Heard, found, searched
from zhijian.rules.call.phrases import Hit, find
from zhijian.rules.call.places import Place
from zhijian.rules.call.settings import Settings
from zhijian.rules.call.terms import Phrase, Phrases, Scope
from zhijian.rules.operators import sentences
from zhijian.rules.operators.anchors import over_places
from zhijian.rules.operators.finding import Explanation, Finding, Operator, failed, passed, unsure
from zhijian.rules.words import numbers
from zhijian.rules.words.digits import MIN_DIGITS, UNITS, in_numerals
from zhijian.rules.words.pinyin import Match, similarity
from zhijian.rules.words.text import NormalText, normalise

CUE_CHARS = 6
"""How many characters before or after a number may hold what makes it the agent's own."""
GREETING_NUMBER_MIN_DIGITS = 3
MISSPELT_MIN_DIGITS = 3
_NUMBER_MARK = "号"
"""What one digit needs right behind it to be a number of somebody."""
_MISHEARD_NUMBER = re.compile(f".{{1,4}}?(?<![户账编几信楼门牌]){_NUMBER_MARK}(?![码楼])")
"""客服责案号 for 客服四二二号; no 户号."""
_RADIO = "洞拐勾"
_RADIOED = re.compile(f"(?:{numbers.NUMERAL}|[幺{_RADIO}]){{3,6}}{_NUMBER_MARK}(?![楼院码栋幢单室房杆停是的])")
"""五洞七号, as on the radio."""
_NO_MARK_AFTER = re.compile("[户账编几信楼门牌您你大午上早晚们正最只家问]$")
"""您好,很高兴 has the sounds of 号很高兴."""


class SaysOwnNumber(Operator):
    """The agent names the own number: digits beside a cue, or digits that are like the record's `agent_no`, or as long
    as it and in the very greeting.

    `before` and `after` are the cues on either side of the digits; one digit alone needs a cue with 号 right behind it.
    Which number it is does not matter: the record may be wrong, the recogniser too. After one of `perhaps` what ends
    with 号 may be a number that was misheard. The numbers of `hotlines` are the company's. `missing` is the reason of a
    fail.
    """

    within: Scope
    before: Phrases
    after: Phrases
    perhaps: Phrases
    hotlines: tuple[str, ...]
    missing: str

    def look(self, heard: Heard) -> Finding:
        return over_places(heard, self.within, lambda place: self._in(place, heard))

    def explain(self, settings: Settings) -> Explanation:
        return Explanation(
            asked=(
                f"{sentences.place(self.within)},报自己的工号",
                f"  数字前面有{sentences.listed(self.before)}",
                f"  或数字后面有{sentences.listed(self.after)}",
                "  或数字与话务记录中的工号相同、相近",
                f"  热线号码({'、'.join(self.hotlines)})不算",
            ),
            reasons=(self.missing,),
            doubts=("像是报了工号,但数字听不真切", *sentences.SEARCH_DOUBTS[2:]),
        )

    def _in(self, place: Place, heard: Heard) -> Finding:
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
        if recorded := self._as_recorded(place, heard):
            return passed(recorded)
        if doubtful := in_greeting or heard.said(self.before, place.utterances) or self._misheard(place, heard):
            return unsure("疑似报了工号,但听不真切", doubtful.confidence, found(doubtful))
        return failed(self.missing, place.confidence, searched(place), doubt=heard.distrust_of_phrases(place))

    def _as_recorded(self, place: Place, heard: Heard) -> Hit | None:
        """The number of the call record, where the words sound like it or the sound itself vouches for it."""
        wordings = self._wordings(heard.call.agent_no)
        heard.ask_for(wordings, place.utterances)
        wordings.append(Phrase(text=f"{self.before[0].text}{heard.call.agent_no}"))  # asked of calls heard long ago
        return max(heard.hits(wordings, place.utterances), key=lambda hit: hit.confidence, default=None)

    def _wordings(self, agent_no: str) -> list[Phrase]:
        """How it may be said; without a cue it might be a house's or a day's and has to be just this, or sound so."""
        said = in_numerals(agent_no)
        numbers = dict.fromkeys((said, said.replace("一", "幺")))
        wordings = [Phrase(text=f"{self.before[0].text}{number}") for number in numbers]
        if len(agent_no) >= GREETING_NUMBER_MIN_DIGITS:
            wordings += [Phrase(text=f"{number}{_NUMBER_MARK}", accept=1) for number in numbers]
        return wordings

    def _is_own(self, text: NormalText, number: numbers.Number, heard: Heard) -> bool:
        digits, agent_no = number.digits, heard.call.agent_no
        if digits in self.hotlines:
            return False
        said = heard.settings.thresholds.said
        ahead = normalise(text.quote(max(0, number.start - CUE_CHARS), number.start))
        behind = normalise(text.quote(number.end, min(len(text), number.end + CUE_CHARS)))
        if len(digits) < MIN_DIGITS:  # 七号客服代表
            if digits == agent_no and behind.chars.startswith(_NUMBER_MARK):
                return True
            cues = (cue for cue in self.after if cue.text.startswith(_NUMBER_MARK))
            return any(match.start == 0 for cue in cues for match in find(cue, behind, min_similarity=1))
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

    def _misheard(self, place: Place, heard: Heard) -> Hit | None:
        for cue in heard.hits(self.perhaps, place.utterances):
            if said := _MISHEARD_NUMBER.match(cue.text.chars, cue.match.end):
                return _hit(cue.utterance, cue.match.start, said.end())
        marks = tuple(cue for cue in self.after if cue.text.startswith(_NUMBER_MARK))
        for mark in heard.alike(marks, place.utterances, lambda _: 1):
            clause, _ = mark.text.clause_of(mark.match.end - 1)
            if clause <= mark.match.start and not _NO_MARK_AFTER.search(mark.text.chars[: mark.match.start]):
                return mark
        for utterance in place.utterances[:1]:
            text = normalise(utterance.text)
            for start, end in text.clauses():
                radioed = _RADIOED.search(text.chars, start, end)
                if radioed and not set(_RADIO).isdisjoint(radioed.group()):
                    return _hit(utterance, radioed.start(), radioed.end())
        return None

    def _is_hotline(self, digits: str) -> bool:
        return any(_alike(digits, hotline) for hotline in self.hotlines)

    def _misspelt(self, utterance: Utterance, heard: Heard) -> Hit | None:
        """Words that sound like digits, right after a cue: 公好腰腰武器 for 工号幺幺五七, 三百零幺."""
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
    return char in UNITS or any(similarity(char, digit) == 1 for digit in "零一二三四五六七八九幺")


def _hit(utterance: Utterance, start: int, end: int) -> Hit:
    return Hit("工号", utterance, Match(start, end, 1.0, True))
