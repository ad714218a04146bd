"""Hearing: a sound to a dialogue.

The mix of all channels is decoded once: the dialogue is its own context, and what leaks from one side to the other is
not heard twice. The words then go to the speaker whose voice is heard where they end: on two channels by the channels'
levels, on one by diarization. What the mix could not hear — speech without words, speech under the other's speech, a
speaker who is unclear, a window that went round in a loop — is decoded once more from the speaker's own voice, and what
is still nothing then by itself. Words of the line are spelt as its lexicon spells them, and homophones as they usually
are.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from statistics import fmean
from threading import Lock
from typing import TYPE_CHECKING

from zhijian.models.engines import memory, roles, voice, weights
from zhijian.models.engines.audio import RATE_HZ, Pcm, Sound
from zhijian.models.engines.homophones import as_usually_spelt
from zhijian.models.engines.inventions import LOOPING, suspicion_of_passage, without_loops
from zhijian.models.engines.lexicon import corrected
from zhijian.models.engines.rates import refuse_false_rate
from zhijian.models.engines.utterances import Stretch, give_words, stray_utterance, stretches, utterance_of
from zhijian.models.engines.verifier import phrase_scores
from zhijian.models.engines.whisper import LANGUAGE, Passage, Recogniser
from zhijian.models.engines.windows import Window, pack
from zhijian.models.records.dialogue import Dialogue, Role, Separation, Utterance, Voice, Word
from zhijian.models.records.questions import PhraseQuery
from zhijian.models.records.span import Span, together, union

if TYPE_CHECKING:
    from zhijian.models.engines.diarization import Diarizer, SpeakerTurn

# to be raised whenever the same sound may be heard differently
HEARING_VERSION = 13
WHISPER, SEGMENTATION, EMBEDDING = "whisper-base", "segmentation-3.0", "campplus"
# a stretch with fewer characters for its voice was not heard by the mix
UNHEARD_FROM_MS, UNHEARD_CHARACTERS_PER_S = 600, 1.5
# nor was all of a longer one that has less than this share of what its speaker usually says in the time
THIN_FROM_MS, THIN_RATIO = 3000, 0.5
BROKEN_OFF_FROM_MS = 3000
OVERLAP_FROM_MS = 600
# a speaker whose words are less probable on average is read twice
UNCLEAR_BELOW = 0.8
# the mix may have heard some of the other's words here as well, so a shorter reading may be the right one
SECOND_READING_MIN_RATIO = 0.5
# below, the words are so doubtful that another language may be spoken
DOUBTFUL_WORDS = 0.5
# a machine said it: an announcement, a menu, a queue's message
SYSTEM_FROM = 0.9
# below, it is not known which of the speakers of one channel is the agent
ROLE_CONFIDENCE_MIN = 0.6


# what a judge of the dialogue would have the sound asked
Questions = Callable[[Dialogue], Sequence[PhraseQuery]]


def _none(_: Dialogue) -> Sequence[PhraseQuery]:
    return ()


@dataclass(frozen=True, slots=True)
class _Speaker:
    role: Role
    confidence: float


@dataclass(frozen=True, slots=True)
class _Sides:
    """Where each speaker is heard, and in which channels; all voices as one where the speakers cannot be told apart.

    `turns` are those of a diarization, if that told them apart.
    """

    separation: Separation
    channels: voice.Channels
    voices: Sequence[Sequence[Span]]
    turns: Sequence["SpeakerTurn"] = ()

    @property
    def on_channels(self) -> bool:
        return self.separation is Separation.CHANNELS

    def confidence(self, stretch: Stretch) -> float:
        """How sure it is (0..1) that one speaker said all of it: the mean over its turns."""
        own = [turn for turn in self.turns if turn.speaker == stretch.speaker and turn.span.overlap_ms(stretch.span)]
        seconds = sum(turn.span.duration_ms for turn in own)
        return sum(turn.confidence * turn.span.duration_ms for turn in own) / seconds if seconds else 1.0


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

    def hear(self, sound: Sound, questions: Questions = _none) -> Dialogue:
        """All that is said in a recording of one or two channels, by whom and when; with the answers to `questions`.

        Raises audio.AudioError where the recording makes sense only at another sample rate than its file's.
        """
        sides = self._told_apart(voice.distinct_channels(sound.samples))
        voiced = union(span for spans in sides.voices for span in spans)
        windows = pack(sides.channels.samples, voiced)
        found = stretches(sides.voices)
        passages = self.recogniser.read(windows)
        refuse_false_rate(sound, windows, passages, self.recogniser)
        stray = _distribute(found, _whole(passages, voiced))
        self._look_again(found, sides)
        for stretch in found:
            stretch.words = list(corrected(stretch.words))
        recognised = self._dialogue(sound.duration_ms, sides, found, stray, windows)
        dialogue = as_usually_spelt(recognised)
        # what was meant competes with what the recogniser took it for
        scores = phrase_scores(self.recogniser, windows, recognised, questions(dialogue))
        return replace(dialogue, phrase_scores=scores)

    def _told_apart(self, channels: voice.Channels) -> _Sides:
        """A second channel that carries nobody's own voice is left out if the first turns out to carry two.

        What a telephone leaks of a side that was recorded elsewhere, or not at all, is no speaker.
        """
        voices = voice.voices(channels)
        if channels.separate and voice.are_two_sides(voices):
            return _Sides(Separation.CHANNELS, channels, voices)
        alone = voice.Channels(channels.samples[:1] if voices[0] else channels.samples[-1:])
        with self._one_at_a_time:
            diarization = self._diarizer(alone.samples[0], RATE_HZ)
            memory.give_back_freed()
        speakers = sorted({turn.speaker for turn in diarization.turns})
        parted = [[turn.span for turn in diarization.turns if turn.speaker == speaker] for speaker in speakers]
        if not diarization.separable or voice.is_leak_of_the_other(alone.samples[0], parted[0], parted[1]):
            return _Sides(Separation.CHANNELS if channels.separate else Separation.NONE, channels, voices)
        return _Sides(Separation.DIARIZATION, alone, parted, diarization.turns)

    def _look_again(self, found: Sequence[Stretch], sides: _Sides) -> None:
        """Decodes what was missed, and all of a speaker who was unclear, from the speaker's own voice.

        What was missed gets the new reading unless that lost the speech, the rest only a clearer one.
        """
        # while both are heard the mix may have given one's words to the other
        both = [s for s in together(*sides.voices) if s.duration_ms > OVERLAP_FROM_MS] if sides.on_channels else []
        for speaker in range(len(sides.voices)):
            own = [stretch for stretch in found if stretch.speaker == speaker]
            usual_per_s = _characters_per_s(own)
            missed = [
                s for s in own if s.suspect == LOOPING or _unheard(s, usual_per_s) or any(map(s.span.covers, both))
            ]
            # where nobody was told apart, the same sound would be read the same
            doubted = own if len(sides.voices) > 1 and _clearness(own) < UNCLEAR_BELOW else missed
            samples = sides.channels.samples
            again = self._read_anew(doubted, samples[speaker : speaker + 1] if sides.on_channels else samples)
            for stretch, new in zip(doubted, again, strict=True):
                lost = _characters(new.words) <= SECOND_READING_MIN_RATIO * _believable_characters(stretch)
                if not lost and (stretch in missed or _clearness([new]) > _clearness([stretch])):
                    stretch.words, stretch.suspect = new.words, None

    def _read_anew(self, doubted: Sequence[Stretch], channel: Pcm) -> list[Stretch]:
        """The stretches with what is read where they are, one by one where together that is nothing.

        Whisper now and then writes only the last sentence of a window.
        """
        again = [replace(stretch, words=[], suspect=None) for stretch in doubted]
        voiced = union(span for stretch in again for span in stretch.voiced)
        windows = pack(channel, voiced)
        passages = self.recogniser.read(windows)
        for passage in _whole(passages, voiced):
            if suspicion_of_passage(passage) is None:
                give_words(again, passage.words)
        suspect = [
            window.span
            for window, one in zip(windows, passages, strict=True)
            if suspicion_of_passage(one) not in (None, LOOPING)
        ]
        alone = [
            (stretch, window)
            for stretch in again
            if not stretch.words
            and stretch.voiced_ms >= UNHEARD_FROM_MS
            and not any(map(stretch.span.overlap, suspect))
            for window in pack(channel, stretch.voiced)
        ]
        passages = self.recogniser.read([window for _, window in alone])
        for (stretch, window), passage in zip(alone, passages, strict=True):
            broke_off = passage.words and _broke_off(passage, window.span.start_ms, stretch.voiced)
            if not broke_off and suspicion_of_passage(passage) is None:
                give_words([stretch], passage.words)
        return again

    def _dialogue(
        self,
        duration_ms: int,
        sides: _Sides,
        found: Sequence[Stretch],
        stray: Sequence[Sequence[Word]],
        windows: Sequence[Window],
    ) -> Dialogue:
        speakers = _speakers(found, sides.separation, self.agent_channel)
        utterances = []
        for stretch in found:
            speaker = speakers[stretch.speaker]
            if (machine := roles.system_confidence("".join(word.text for word in stretch.words))) >= SYSTEM_FROM:
                speaker = _Speaker(Role.SYSTEM, machine)
            utterance = utterance_of(stretch, speaker.role, speaker.confidence * sides.confidence(stretch))
            if utterance.text:
                utterances.append(utterance)
        utterances += [stray_utterance(words) for words in stray]
        nobodys = [u.span for u in utterances if u.suspect or u.role is Role.SYSTEM]
        heard = [
            Voice(Role.SYSTEM if any(s.covers(span) for s in nobodys) else speakers[speaker].role, span)
            for speaker, spans in enumerate(sides.voices)
            for span in spans
        ]
        return Dialogue(
            duration_ms=duration_ms,
            separation=sides.separation,
            engine=self.engine,
            language=self._language(utterances, windows),
            utterances=tuple(sorted(utterances, key=lambda u: u.span)),
            voices=tuple(sorted(heard, key=lambda v: v.span)),
        )

    def _language(self, utterances: Sequence[Utterance], windows: Sequence[Window]) -> str:
        """Mandarin where the words are clear; else the recogniser is asked, which costs another look at the sound."""
        confidences = [u.confidence for u in utterances if u.suspect is None]
        if not confidences or fmean(confidences) >= DOUBTFUL_WORDS:
            return LANGUAGE
        return self.recogniser.language(windows[0])


def open_ears(
    *,
    whisper: Path | None,
    diarization: Path | None,
    device: str,
    compute_type: str,
    beam_size: int,
    agent_channel: int,
    threads: int,
) -> Ears:
    """Ears with the fetched weights, or with a user's own folders. Raises weights.WeightsError; loads nothing yet."""
    return Ears(
        recogniser=Recogniser(
            folder=whisper or weights.locate(WHISPER),
            device=device,
            compute_type=compute_type,
            beam_size=beam_size,
            threads=threads,
        ),
        segmentation=diarization or weights.locate(SEGMENTATION),
        embedding=weights.locate(EMBEDDING),
        agent_channel=agent_channel,
    )


def _whole(passages: Sequence[Passage], voiced: Sequence[Span]) -> list[Passage]:
    """The passages that did not break off; the stretches of those that did get a second look."""
    whole, since_ms = [], 0
    for passage in passages:
        if passage.words:
            if not _broke_off(passage, since_ms, voiced):
                whole.append(passage)
            since_ms = max(since_ms, passage.words[-1].span.end_ms)
    return whole


def _broke_off(passage: Passage, since_ms: int, voiced: Sequence[Span]) -> bool:
    """Has a passage, which is not empty, far fewer characters than the voice since the one before can have said?

    Whisper now and then ends a window after a sentence, and the times of its words are then anybody's guess.
    """
    window = Span(since_ms, max(since_ms, passage.words[-1].span.end_ms))
    voiced_ms = sum(span.overlap_ms(window) for span in voiced)
    return voiced_ms >= BROKEN_OFF_FROM_MS and _characters(passage.words) < UNHEARD_CHARACTERS_PER_S * voiced_ms / 1000


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


def _unheard(stretch: Stretch, usual_per_s: float) -> bool:
    """There is voice in it, but the mix heard next to nothing, or far less than its speaker says in such a time."""
    heard_per_s = _characters_per_s([stretch])
    return (stretch.voiced_ms >= UNHEARD_FROM_MS and heard_per_s < UNHEARD_CHARACTERS_PER_S) or (
        stretch.voiced_ms >= THIN_FROM_MS and heard_per_s < THIN_RATIO * usual_per_s
    )


def _characters_per_s(spoken: Sequence[Stretch]) -> float:
    voiced_ms = sum(stretch.voiced_ms for stretch in spoken)
    return 1000 * sum(_characters(stretch.words) for stretch in spoken) / voiced_ms if voiced_ms else 0.0


def _clearness(spoken: Sequence[Stretch]) -> float:
    """The mean probability of the words, 0..1."""
    return fmean([word.probability for stretch in spoken for word in stretch.words] or [0.0])


def _characters(words: Sequence[Word]) -> int:
    return sum(character.isalnum() for word in words for character in word.text)


def _believable_characters(stretch: Stretch) -> int:
    """Without those of a loop."""
    if stretch.suspect != LOOPING:
        return _characters(stretch.words)
    return sum(map(str.isalnum, without_loops("".join(word.text for word in stretch.words))))


def _speakers(found: Sequence[Stretch], separation: Separation, agent_channel: int) -> dict[int, _Speaker]:
    """Which speaker is the agent."""
    if separation is Separation.NONE:
        return {0: _Speaker(Role.UNKNOWN, 0.0)}
    sides = [["".join(w.text for w in s.words) for s in found if s.speaker == speaker] for speaker in (0, 1)]
    if separation is Separation.CHANNELS:
        swapped = roles.are_swapped(sides[agent_channel], sides[1 - agent_channel])
        return _pair((agent_channel == 0) != swapped, 1.0)
    agent = roles.agent_confidence(sides)
    if max(agent, 1 - agent) < ROLE_CONFIDENCE_MIN:
        return {speaker: _Speaker(Role.UNKNOWN, max(agent, 1 - agent)) for speaker in (0, 1, 2)}
    return _pair(agent >= 0.5, max(agent, 1 - agent))


def _pair(first_is_agent: bool, confidence: float) -> dict[int, _Speaker]:
    """A third voice, an announcement or somebody the call was passed to, is neither."""
    order = (Role.AGENT, Role.CUSTOMER) if first_is_agent else (Role.CUSTOMER, Role.AGENT)
    return {speaker: _Speaker(role, confidence) for speaker, role in enumerate((*order, Role.SYSTEM))}
