"""How fast the agent speaks."""

from __future__ import annotations

from pydantic import Field

from zhijian.models.records.dialogue import Role, Utterance
from zhijian.models.records.scorecard import Evidence, EvidenceKind, Outcome
from zhijian.rules.call.heard import Heard
from zhijian.rules.call.settings import Settings
from zhijian.rules.call.terms import Scope
from zhijian.rules.operators import sentences
from zhijian.rules.operators.finding import Explanation, Finding, Operator, failed, unsure


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

    def explain(self, settings: Settings) -> Explanation:
        return Explanation(
            asked=(f"坐席平均语速在每分钟 {self.at_least} 至 {self.at_most} 字之间",),
            reasons=("平均语速不在这个范围内",),
            doubts=(
                f"超出范围不到 {self.doubt_ratio:.0%},识别的字数有误差",
                f"坐席说话不足 {sentences.seconds(self.min_speech_ms)}",
            ),
        )


def _characters_a_minute(utterances: tuple[Utterance, ...]) -> float:
    characters = sum(char.isalnum() for utterance in utterances for char in utterance.text)
    return 60_000 * characters / sum(utterance.span.duration_ms for utterance in utterances)
