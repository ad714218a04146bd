"""抢话: whether the agent begins to speak while the customer is still speaking, and goes on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from pydantic import Field

from zhijian.models.records.dialogue import Role, Separation, Utterance
from zhijian.models.records.scorecard import Evidence, EvidenceKind, Outcome
from zhijian.models.records.span import Span
from zhijian.rules.call.heard import Heard
from zhijian.rules.call.settings import Settings
from zhijian.rules.operators import sentences
from zhijian.rules.operators.finding import Explanation, Finding, Operator, failed, unsure
from zhijian.rules.words.pinyin import similarity
from zhijian.rules.words.text import normalise

BREATH_MS = 500
"""Who goes on after a shorter pause was still speaking."""
FLOOR_MS = 500
"""Who began less than this before the other had not yet taken the floor: both began at once."""
REACTION_MS = 200
"""Who begins within so little of the other's last sound has not waited for a pause."""
LEAK_SIMILARITY = 0.6
"""Words on one channel that are so much alike to what is said on the other at that moment have leaked over."""


@dataclass(frozen=True, slots=True)
class Interruption:
    """A stretch in which both speak, which the agent began; `words` = the agent's, none where they were not heard.

    `clear`: both are heard to say something of their own there.
    """

    span: Span
    words: tuple[Utterance, ...]
    clear: bool

    def evidence(self) -> Evidence:
        quote = "".join(utterance.text for utterance in self.words)
        detail = f"客户还在说话时开口,两人同时说了 {sentences.seconds(self.span.duration_ms)}"
        return Evidence(EvidenceKind.FOUND, Role.AGENT, self.span, quote, detail)


class LetsCustomerFinish(Operator):
    """Fewer than `times` times the agent begins while the customer speaks, and talks on for more than `over_ms`.

    What comes within `doubtful_ms` and `over_ms` may be longer than was measured. On one channel it is not certain who
    speaks in an overlap: anything longer than `suspected_ms` is a suspicion there, and no verdict. `missing` is the
    reason of a fail.
    """

    over_ms: int = Field(gt=0)
    doubtful_ms: int = Field(gt=0)
    suspected_ms: int = Field(gt=0)
    times: int = Field(ge=1)
    missing: str

    def look(self, heard: Heard) -> Finding:
        found = tuple(interruptions(heard))
        if heard.dialogue.separation is not Separation.CHANNELS:
            return self._on_one_channel([one for one in found if one.span.duration_ms > self.suspected_ms])
        certain = [one for one in found if one.clear and one.span.duration_ms > self.over_ms]
        possible = [one for one in found if one.span.duration_ms > self.doubtful_ms]
        if len(certain) >= self.times:
            return failed(f"{self.missing}({len(certain)}次)", 1.0, *_evidence(certain), doubt=None)
        if len(possible) >= self.times:
            return unsure("疑似多次抢话,但时长接近界限或听不清说了什么", 1.0, *_evidence(possible))
        return Finding(outcome=Outcome.PASS, confidence=1.0, evidence=_evidence(certain))

    def _on_one_channel(self, suspected: Sequence[Interruption]) -> Finding:
        if suspected:
            return unsure("单声道录音里疑似抢话,分不清两人各说了什么", 1.0, *_evidence(suspected))
        return Finding(outcome=Outcome.PASS, confidence=1.0)

    def explain(self, settings: Settings) -> Explanation:
        return Explanation(
            asked=(
                f"客户还在说话时,坐席开口并同时说了 {sentences.seconds(self.over_ms)}以上,不到 {self.times} 次",
                "  客户打断坐席的、坐席随口应一声的、线路串过来的声音,都不算",
            ),
            reasons=(self.missing,),
            doubts=(
                f"同时说话 {sentences.seconds(self.doubtful_ms)}至 {sentences.seconds(self.over_ms)},或听不清说了什么,"
                f"算上这些够 {self.times} 次",
                f"单声道录音里有一次 {sentences.seconds(self.suspected_ms)}以上的疑似抢话",
            ),
        )


def interruptions(heard: Heard) -> Iterator[Interruption]:
    """Where the agent begins while the customer speaks, however long; not the agent's 嗯 and 好的, nor leaked voice."""
    customer_voice = heard.dialogue.voice_of(Role.CUSTOMER)
    customer = _talk(customer_voice)
    for agent in _talk(heard.dialogue.voice_of(Role.AGENT)):
        floor = next((one for one in customer if one.start_ms + FLOOR_MS <= agent.start_ms < one.end_ms), None)
        just_before = Span(max(0, agent.start_ms - REACTION_MS), agent.start_ms + 1)
        if floor is None or not any(span.overlap(just_before) for span in customer_voice):
            continue
        span = Span(agent.start_ms, min(agent.end_ms, floor.end_ms))
        own, theirs = _words(heard, Role.AGENT, span), _words(heard, Role.CUSTOMER, span)
        if not _only_assents(heard, own) and not _leaked(own, theirs):
            yield Interruption(span, own, clear=bool(own and theirs) and not _only_assents(heard, theirs))


def _talk(voice: Sequence[Span]) -> list[Span]:
    """Sorted stretches of voice, those joined between which the speaker only takes breath."""
    talk: list[Span] = []
    for span in voice:
        if talk and talk[-1].gap_ms(span) <= BREATH_MS:
            talk[-1] = talk[-1].hull(span)
        else:
            talk.append(span)
    return talk


def _words(heard: Heard, role: Role, span: Span) -> tuple[Utterance, ...]:
    return tuple(u for u in heard.dialogue.trusted if u.role is role and u.span.overlap(span))


def _only_assents(heard: Heard, words: Iterable[Utterance]) -> bool:
    chars = "".join(normalise(utterance.text).chars for utterance in words)
    return bool(chars) and heard.settings.silences.is_assent(chars)


def _leaked(words: Sequence[Utterance], theirs: Sequence[Utterance]) -> bool:
    return any(similarity(one.text, other.text) >= LEAK_SIMILARITY for one in words for other in theirs)


def _evidence(found: Iterable[Interruption]) -> tuple[Evidence, ...]:
    return tuple(one.evidence() for one in found)
