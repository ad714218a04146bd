"""Hearing: a sound to a dialogue.

The mix of all channels is decoded once: the dialogue is its own context, and what leaks from one side to the other is
not heard twice. The words then go to the speaker whose voice is heard where they end: on two channels by the channels'
levels, on one by diarization. What the mix could not hear — speech without words, speech under the other's speech — is
decoded once more from the speaker's own channel.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from statistics import fmean
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np

from zhijian.models.engines import roles, voice, weights
from zhijian.models.engines.audio import Samples, Sound, resample
from zhijian.models.engines.inventions import suspicion_of_passage
from zhijian.models.engines.utterances import Stretch, give_words, stray_utterance, stretches, utterance_of
from zhijian.models.engines.whisper import LANGUAGE, Passage, Recogniser
from zhijian.models.records.dialogue import Dialogue, Role, Separation, Utterance, Voice, Word
from zhijian.models.records.span import Span, union

if TYPE_CHECKING:
    from zhijian.models.engines.diarization import Diarizer

# to be raised whenever the same sound may be heard differently
HEARING_VERSION = 2
WHISPER, SEGMENTATION, EMBEDDING = "whisper-base", "segmentation-3.0", "campplus"
RATE_HZ = voice.RATE_HZ
# a stretch with fewer characters for its voice was not heard by the mix
UNHEARD_FROM_MS, UNHEARD_CHARACTERS_PER_S = 600, 1.5
BROKEN_OFF_FROM_MS = 3000
OVERLAP_FROM_MS = 600
SECOND_LOOK_PADDING_MS = 200
SECOND_LOOK_LONGEST_MS = 29_000
# the mix may have heard some of the other's words here as well, so a shorter reading may be the right one
SECOND_READING_MIN_RATIO = 0.5
# below, the words are so doubtful that another language may be spoken
DOUBTFUL_WORDS = 0.5
# below, it is not known which of the speakers of one channel is the agent
ROLE_CONFIDENCE_MIN = 0.6


@dataclass(frozen=True, slots=True)
class _Speaker:
    role: Role
    confidence: float


@dataclass(frozen=True)
class Ears:
    """Whisper and, for recordings on one channel, pyannote.audio. Models are loaded when first needed.

    `agent_channel` (0 = left) is where the agent is expected on two channels; what is said overrules it.
    """

    recogniser: Recogniser
    segmentation: Path
    embedding: Path
    agent_channel: int
    _one_at_a_time: Lock = field(default_factory=Lock, repr=False, compare=False)

    @property
    def models(self) -> dict[str, str]:
        """The weights in use: name -> sha256."""
        folders = {"whisper": self.recogniser.folder, "segmentation": self.segmentation, "embedding": self.embedding}
        return {name: weights.fingerprint(folder) for name, folder in folders.items()}

    @cached_property
    def fingerprint(self) -> str:
        """Changes with the weights, the settings that matter and the way of hearing."""
        chosen = self.recogniser
        parts = [HEARING_VERSION, version("faster-whisper"), chosen.beam_size, chosen.compute_type, self.agent_channel]
        return hashlib.sha256(repr((parts, sorted(self.models.items()))).encode()).hexdigest()

    @property
    def engine(self) -> str:
        return f"faster-whisper {version('faster-whisper')} {self.recogniser.folder.name}"

    @cached_property
    def _diarizer(self) -> "Diarizer":
        from zhijian.models.engines.diarization import Diarizer  # torch takes seconds to import, few calls are mono

        return Diarizer(self.segmentation, self.embedding)

    def load(self) -> None:
        """Loads what every recording needs, and what the user brought. Raises weights.WeightsError."""
        self.recogniser.load()
        if self.segmentation != weights.cache_dir() / SEGMENTATION:
            try:
                _ = self._diarizer
            except Exception as error:
                raise weights.WeightsError(f"{self.segmentation} 不能用来区分说话人:{error}") from error

    def hear(self, sound: Sound) -> Dialogue:
        """All that is said in a recording of one or two channels, by whom and when."""
        separation, voices, channels = self._told_apart(voice.distinct_channels(_prepared(sound)))
        mix = channels.samples.mean(axis=0)  # shape: (num_samples,)
        passages = self.recogniser.passages(mix)
        found = stretches(voices)
        stray = _distribute(found, _whole(passages, union(span for spans in voices for span in spans)))
        on_channels = separation is Separation.CHANNELS
        for stretch in found:
            if _unheard(stretch) or (on_channels and _talked_over(stretch, found)):
                self._look_again(stretch, channels.samples[stretch.speaker] if on_channels else mix)
        return self._dialogue(sound.duration_ms, separation, voices, found, stray, mix)

    def _told_apart(self, channels: voice.Channels) -> tuple[Separation, Sequence[Sequence[Span]], voice.Channels]:
        """Where each of the two speakers is heard, and in which channels; all voices as one where that is not known.

        A second channel that carries nobody's own voice is left out if the first turns out to carry two. What a
        telephone leaks of a side that was recorded elsewhere, or not at all, is no speaker.
        """
        voices = voice.voices(channels)
        if channels.separate and voice.are_two_sides(voices):
            return Separation.CHANNELS, voices, channels
        alone = voice.Channels(channels.samples[:1] if voices[0] else channels.samples[-1:])
        with self._one_at_a_time:
            diarization = self._diarizer(alone.samples[0], RATE_HZ)
        speakers = sorted({turn.speaker for turn in diarization.turns})
        parted = [[turn.span for turn in diarization.turns if turn.speaker == speaker] for speaker in speakers]
        if not diarization.separable or voice.is_leak_of_the_other(alone.samples[0], parted[0], parted[1]):
            return Separation.CHANNELS if channels.separate else Separation.NONE, voices, channels
        return Separation.DIARIZATION, parted, alone

    def _look_again(self, stretch: Stretch, channel: Samples) -> None:
        """Decodes a stretch alone, from its speaker's own voice; the new reading counts unless it lost the speech."""
        start_ms = max(0, stretch.span.start_ms - SECOND_LOOK_PADDING_MS)
        end_ms = min(stretch.span.end_ms + SECOND_LOOK_PADDING_MS, len(channel) * 1000 // RATE_HZ)
        decode = self.recogniser.passage if end_ms - start_ms <= SECOND_LOOK_LONGEST_MS else self.recogniser.passages
        samples = np.zeros((end_ms - start_ms) * RATE_HZ // 1000, dtype=np.float32)
        for span in stretch.voiced:
            first, last = (moment * RATE_HZ // 1000 for moment in (span.start_ms, span.end_ms))
            offset = first - start_ms * RATE_HZ // 1000
            samples[offset : offset + last - first] = channel[first:last]
        passages = [p for p in decode(samples) if suspicion_of_passage(p) is None]
        again = [
            Word(word.text, Span(word.span.start_ms + start_ms, word.span.end_ms + start_ms), word.probability)
            for passage in passages
            for word in passage.words
        ]
        if _characters(again) > SECOND_READING_MIN_RATIO * _characters(stretch.words):
            stretch.words, stretch.suspect = again, None

    def _dialogue(
        self,
        duration_ms: int,
        separation: Separation,
        voices: Sequence[Sequence[Span]],
        found: Sequence[Stretch],
        stray: Sequence[Sequence[Word]],
        mix: Samples,
    ) -> Dialogue:
        speakers = _speakers(found, separation, self.agent_channel)
        utterances = [utterance_of(s, speakers[s.speaker].role, speakers[s.speaker].confidence) for s in found]
        utterances = [u for u in utterances if u.text] + [stray_utterance(words) for words in stray]
        invented = [u.span for u in utterances if u.suspect]
        heard = [
            Voice(Role.SYSTEM if any(s.covers(span) for s in invented) else speakers[speaker].role, span)
            for speaker, spans in enumerate(voices)
            for span in spans
        ]
        return Dialogue(
            duration_ms=duration_ms,
            separation=separation,
            engine=self.engine,
            language=self._language(utterances, mix),
            utterances=tuple(sorted(utterances, key=lambda u: u.span)),
            voices=tuple(sorted(heard, key=lambda v: v.span)),
        )

    def _language(self, utterances: Sequence[Utterance], mix: Samples) -> str:
        """Mandarin where the words are clear; else the recogniser is asked, which costs another look at the sound."""
        confidences = [u.confidence for u in utterances if u.suspect is None]
        if not confidences or fmean(confidences) >= DOUBTFUL_WORDS:
            return LANGUAGE
        return self.recogniser.language(mix)


def open_ears(
    *,
    whisper: Path | None,
    diarization: Path | None,
    device: str,
    compute_type: str,
    beam_size: int,
    agent_channel: int,
    threads: int,
    jobs: int,
) -> Ears:
    """Ears with the fetched weights, or with a user's own folders. Raises weights.WeightsError; loads nothing yet."""
    return Ears(
        recogniser=Recogniser(
            folder=whisper or weights.locate(WHISPER),
            device=device,
            compute_type=compute_type,
            beam_size=beam_size,
            threads=threads,
            jobs=jobs,
        ),
        segmentation=diarization or weights.locate(SEGMENTATION),
        embedding=weights.locate(EMBEDDING),
        agent_channel=agent_channel,
    )


def _prepared(sound: Sound) -> Samples:
    """At 16 kHz, without DC, not a sample longer than the recording's whole milliseconds."""
    samples = resample(sound.samples, sound.sample_rate_hz, RATE_HZ)[:, : sound.duration_ms * RATE_HZ // 1000]
    return samples - samples.mean(axis=1, keepdims=True)


def _whole(passages: Sequence[Passage], voiced: Sequence[Span]) -> list[Passage]:
    """The passages that did not break off.

    Whisper now and then ends a window after a sentence, and the times of its words are then anybody's guess. Such a
    passage has far fewer characters than the voice since the one before can have said; its stretches get a second look.
    """
    whole, since_ms = [], 0
    for passage in passages:
        if not passage.words:
            continue
        window = Span(since_ms, max(since_ms, passage.words[-1].span.end_ms))
        voiced_ms = sum(span.overlap_ms(window) for span in voiced)
        if voiced_ms < BROKEN_OFF_FROM_MS or _characters(passage.words) >= UNHEARD_CHARACTERS_PER_S * voiced_ms / 1000:
            whole.append(passage)
        since_ms = window.end_ms
    return whole


def _distribute(found: Sequence[Stretch], passages: Sequence[Passage]) -> list[list[Word]]:
    """Gives the words of the passages to the stretches; returns, by passage, those that nobody can have said."""
    stray = []
    for passage in passages:
        before = [len(stretch.words) for stretch in found]
        if lost := give_words(found, passage.words):
            stray.append(lost)
        if reason := suspicion_of_passage(passage):
            for stretch, count in zip(found, before, strict=True):
                if len(stretch.words) > count:
                    stretch.suspect = reason
    return stray


def _unheard(stretch: Stretch) -> bool:
    """There is voice in it, but the mix heard next to nothing."""
    heard_enough = _characters(stretch.words) >= UNHEARD_CHARACTERS_PER_S * stretch.voiced_ms / 1000
    return stretch.voiced_ms >= UNHEARD_FROM_MS and not heard_enough


def _talked_over(stretch: Stretch, found: Sequence[Stretch]) -> bool:
    """Both speakers are heard at once, so that the mix may have given one's words to the other."""
    others = [span for other in found if other.speaker != stretch.speaker for span in other.voiced]
    return any(own.overlap_ms(other) > OVERLAP_FROM_MS for own in stretch.voiced for other in others)


def _characters(words: Sequence[Word]) -> int:
    return sum(character.isalnum() for word in words for character in word.text)


def _speakers(found: Sequence[Stretch], separation: Separation, agent_channel: int) -> dict[int, _Speaker]:
    """Which speaker is the agent."""
    if separation is Separation.NONE:
        return {0: _Speaker(Role.UNKNOWN, 0.0)}
    texts = ["".join(w.text for s in found if s.speaker == speaker for w in s.words) for speaker in (0, 1)]
    if separation is Separation.CHANNELS:
        swapped = roles.are_swapped(texts[agent_channel], texts[1 - agent_channel])
        return _pair((agent_channel == 0) != swapped, 1.0)
    agent = roles.agent_confidence(texts)
    if max(agent, 1 - agent) < ROLE_CONFIDENCE_MIN:
        return {speaker: _Speaker(Role.UNKNOWN, max(agent, 1 - agent)) for speaker in (0, 1, 2)}
    return _pair(agent >= 0.5, max(agent, 1 - agent))


def _pair(first_is_agent: bool, confidence: float) -> dict[int, _Speaker]:
    """A third voice, an announcement or somebody the call was passed to, is neither."""
    order = (Role.AGENT, Role.CUSTOMER) if first_is_agent else (Role.CUSTOMER, Role.AGENT)
    return {speaker: _Speaker(role, confidence) for speaker, role in enumerate((*order, Role.SYSTEM))}
