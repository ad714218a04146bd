"""What was heard in a call: words, utterances, and the turns and silences derived from them."""

import itertools
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from statistics import fmean

from zhijian.models.records.questions import PhraseScore
from zhijian.models.records.span import RecordError, Span, union

BACKCHANNELS = frozenset({"嗯", "嗯嗯", "是", "是是", "是的", "对", "对对", "对的", "好", "好的", "哦", "啊", "行"})
BACKCHANNEL_MAX_MS = 1000
_QUESTION_ENDINGS = ("?", "？", "吗", "呢", "吧", "么", "是不是", "对不对", "行不行", "好不好")


class Role(StrEnum):
    AGENT = "agent"
    CUSTOMER = "customer"
    SYSTEM = "system"
    UNKNOWN = "unknown"


class Separation(StrEnum):
    """How the speakers were told apart; NONE = they could not be."""

    CHANNELS = "channels"
    DIARIZATION = "diarization"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Word:
    """`probability` is the recogniser's, 0..1."""

    text: str
    span: Span
    probability: float

    def __post_init__(self) -> None:
        if not 0 <= self.probability <= 1:
            raise RecordError(f"a word's probability lies between 0 and 1, got {self.probability}")


@dataclass(frozen=True, slots=True)
class Utterance:
    """Speech of one role without a pause of a second or a word of the other between; `text` = its words, joined.

    `suspect` says why the text may be invented (None = trusted); suspect text is never evidence.
    `role_confidence` is 0..1: 1 where a channel names the speaker.
    """

    role: Role
    span: Span
    text: str
    confidence: float
    suspect: str | None = None
    words: tuple[Word, ...] = ()
    role_confidence: float = 1.0

    def __post_init__(self) -> None:
        if self.words and "".join(w.text for w in self.words) != self.text:
            raise RecordError("an utterance's text must be its words, joined")
        if any(not self.span.covers(w.span) for w in self.words):
            raise RecordError("a word lies outside its utterance")

    def time_of(self, start: int, end: int) -> Span:
        """The stretch of the recording in which `text[start:end]` was said; the whole utterance without word times."""
        hit, offset = [], 0
        for word in self.words:
            if offset < end and start < offset + len(word.text):
                hit.append(word.span)
            offset += len(word.text)
        return hit[0].hull(hit[-1]) if hit else self.span


@dataclass(frozen=True, slots=True)
class Voice:
    """Somebody's voice, measured on the sound, whether or not words were recognised in it."""

    role: Role
    span: Span


@dataclass(frozen=True)
class Turn:
    """Consecutive trusted utterances of one role. Never empty."""

    role: Role
    utterances: tuple[Utterance, ...]

    @cached_property
    def span(self) -> Span:
        return Span(self.utterances[0].span.start_ms, max(u.span.end_ms for u in self.utterances))

    @cached_property
    def text(self) -> str:
        return "".join(u.text for u in self.utterances)


@dataclass(frozen=True)
class Dialogue:
    """Utterances of all roles ordered by time, overlaps kept; `voices` likewise.

    `language` is the spoken language found (ISO 639-1), `engine` what heard it. `phrase_scores`: what the sound
    answered to the doubts that a standard had about the words.
    """

    duration_ms: int
    separation: Separation
    engine: str
    language: str
    utterances: tuple[Utterance, ...]
    voices: tuple[Voice, ...] = ()
    phrase_scores: tuple[PhraseScore, ...] = ()

    def __post_init__(self) -> None:
        for name, spans in (
            ("utterances", [u.span for u in self.utterances]),
            ("voices", [v.span for v in self.voices]),
        ):
            if spans != sorted(spans):
                raise RecordError(f"{name} must be ordered by time")
            if spans and max(s.end_ms for s in spans) > self.duration_ms:
                raise RecordError(f"{name} must lie inside the recording of {self.duration_ms} ms")

    @cached_property
    def trusted(self) -> tuple[Utterance, ...]:
        """The utterances that may be evidence."""
        return tuple(u for u in self.utterances if u.suspect is None)

    @cached_property
    def clarity(self) -> float:
        """Mean confidence (0..1) of the words of agent or customer, whoever was recognised worse; 0 without words."""
        said = [[u for u in self.trusted if u.role is role and u.text] for role in (Role.AGENT, Role.CUSTOMER)]
        return min((fmean([u.confidence for u in of], [len(u.text) for u in of]) for of in said if of), default=0.0)

    def voice_of(self, role: Role) -> tuple[Span, ...]:
        """Where that role is heard: sorted, merged."""
        return self._voices[role]

    @cached_property
    def _voices(self) -> dict[Role, tuple[Span, ...]]:
        return {role: union(v.span for v in self.voices if v.role is role) for role in Role}

    @property
    def speech_ms(self) -> int:
        """Milliseconds in which anybody but the system speaks."""
        return sum(s.duration_ms for s in self._speech)

    def silences(self, min_ms: int) -> tuple[Span, ...]:
        """Stretches of at least `min_ms` between two speeches in which neither person speaks."""
        speech = self._speech
        pauses = (Span(a.end_ms, b.start_ms) for a, b in itertools.pairwise(speech))
        return tuple(p for p in pauses if p.duration_ms >= min_ms)

    @cached_property
    def _speech(self) -> tuple[Span, ...]:
        return union(v.span for v in self.voices if v.role is not Role.SYSTEM)

    def turns(self) -> tuple[Turn, ...]:
        """Turns of agent and customer. A backchannel neither ends nor makes a turn unless it answers a question."""
        return self._turns

    @cached_property
    def _turns(self) -> tuple[Turn, ...]:
        said = [u for u in self.trusted if u.role in (Role.AGENT, Role.CUSTOMER)]
        turns: list[list[Utterance]] = []
        for index, utterance in enumerate(said):
            if turns and turns[-1][-1].role is utterance.role:
                turns[-1].append(utterance)
            elif not (turns and _is_backchannel(said, index)):
                turns.append([utterance])
        return tuple(Turn(t[0].role, tuple(t)) for t in turns)


def _is_backchannel(said: list[Utterance], index: int) -> bool:
    """A short 嗯 or 对 inside or between the other's speech, which goes on, and not the answer to a question."""
    it, before = said[index], said[index - 1]
    bare = it.text.strip(" ,，.。!！?？、")
    if it.span.duration_ms > BACKCHANNEL_MAX_MS or bare not in BACKCHANNELS:
        return False
    if before.text.rstrip(" ,，.。!！、").endswith(_QUESTION_ENDINGS):
        return False
    after = said[index + 1] if index + 1 < len(said) else None
    inside = it.span.end_ms <= before.span.end_ms
    return inside or (after is not None and after.role is before.role and it.span.overlap_ms(after.span) > 0)
