"""Hearing real sound with the real models: what is said, by whom, and nothing where nobody speaks."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import median

import numpy as np
import pytest
import soxr
from rapidfuzz.distance import Levenshtein

from zhijian.models.engines.audio import RATE_HZ, Sound, as_floats, level_dbfs, load
from zhijian.models.engines.ears import Ears, _unheard, _whole, open_ears
from zhijian.models.engines.inventions import LOOPING
from zhijian.models.engines.utterances import Stretch
from zhijian.models.engines.whisper import Passage, Recogniser
from zhijian.models.engines.windows import Window
from zhijian.models.records.dialogue import Dialogue, Role, Separation, Word
from zhijian.models.records.questions import PhraseQuery
from zhijian.models.records.span import Span

CUT_MS = 30_000


@pytest.fixture(scope="module")
def ears() -> Ears:
    return open_ears(
        whisper=None,
        diarization=None,
        device="cpu",
        compute_type="int8",
        beam_size=5,
        agent_channel=0,
        threads=2,
    )


@pytest.fixture(scope="module")
def sample(sample_labels, samples_folder):
    """(sound, labels) of the first stereo or mono sample, cut after the last sentence that ends within 30 s."""

    def cut(channels: str) -> tuple[Sound, list[dict]]:
        call = next(call for call in sample_labels.values() if call["channels"] == channels)
        (path,) = (samples_folder / "audio").glob(f"{call['call_id']}.*")
        sentences = [u for u in call["truth"] if u["end"] * 1000 < CUT_MS]
        sound = load(path)
        last = int((max(u["end"] for u in sentences) + 0.2) * RATE_HZ)
        return Sound.of(as_floats(sound.samples)[:, :last], RATE_HZ), sentences

    return cut


@pytest.fixture(scope="module")
def heard_stereo(ears, sample):
    return ears.hear(sample("stereo")[0])


def said(dialogue: Dialogue, role: Role) -> str:
    return "".join(u.text for u in dialogue.trusted if u.role is role)


def error_rate(sentences: list[dict], dialogue: Dialogue, role: Role) -> float:
    """Character error rate; digits are left out, which are written 一 or 1."""

    def bare(text: str) -> str:
        return re.sub(r"[\W\d零一二三四五六七八九幺]+", "", text)

    wanted = bare("".join(u["text"] for u in sentences if u["role"] == role))
    return Levenshtein.distance(wanted, bare(said(dialogue, role))) / len(wanted)


def speaker_at(dialogue: Dialogue, sentence: dict) -> str:
    """Who is heard in the middle of a labelled sentence."""
    middle_ms = (sentence["start"] + sentence["end"]) * 500
    return next(u.role for u in dialogue.utterances if u.span.start_ms <= middle_ms < u.span.end_ms)


def test_two_channels_are_two_roles_with_their_words(heard_stereo, sample):
    _, sentences = sample("stereo")
    assert heard_stereo.separation is Separation.CHANNELS
    assert heard_stereo.language == "zh"
    assert error_rate(sentences, heard_stereo, Role.AGENT) < 0.25
    assert error_rate(sentences, heard_stereo, Role.CUSTOMER) < 0.3


@pytest.mark.parametrize("edge", ["start", "end"])
def test_turns_begin_and_end_where_the_speech_does(heard_stereo, sample, edge):
    _, sentences = sample("stereo")
    errors_ms = []
    for sentence in sentences:
        own = [getattr(u.span, f"{edge}_ms") for u in heard_stereo.utterances if u.role == sentence["role"]]
        errors_ms.append(min(abs(heard_ms - sentence[edge] * 1000) for heard_ms in own))
    assert median(errors_ms) <= 200
    assert max(errors_ms) < 400


def test_words_follow_each_other_inside_their_utterance(heard_stereo):
    for utterance in heard_stereo.utterances:
        assert utterance.text == "".join(word.text for word in utterance.words)
        starts = [word.span.start_ms for word in utterance.words]
        assert starts == sorted(starts)


def test_questions_are_answered_with_the_words(ears, heard_stereo, sample):
    first = heard_stereo.utterances[0]
    asked = [PhraseQuery(0, 0, len(first.text), wording) for wording in (first.text, first.text[::-1])]

    def questions(dialogue: Dialogue) -> list[PhraseQuery]:
        assert dialogue == heard_stereo
        return asked

    dialogue = ears.hear(sample("stereo")[0], questions)
    assert [score.query for score in dialogue.phrase_scores] == asked
    said, nonsense = (score.log_likelihood_ratio for score in dialogue.phrase_scores)
    assert -3 < said <= 0  # below 0 where a homophone was put right
    assert nonsense < -30
    assert replace(dialogue, phrase_scores=()) == heard_stereo


def test_what_an_utterance_begins_with_is_asked_about_like_all_else(ears, sample):
    """Its first word is timed from the voice, and not from the end of the word before as it was read."""

    def questions(dialogue: Dialogue) -> list[PhraseQuery]:
        return [PhraseQuery(n, 0, len(u.text[:4]), u.text[:4]) for n, u in enumerate(dialogue.utterances)]

    dialogue = ears.hear(sample("stereo")[0], questions)
    assert len(dialogue.phrase_scores) == len(dialogue.utterances)
    assert median(score.mean_log_probability for score in dialogue.phrase_scores) > -1


def test_the_same_sound_is_heard_the_same(ears, heard_stereo, sample):
    assert ears.hear(sample("stereo")[0]) == heard_stereo


def test_swapped_channels_are_noticed(ears, sample):
    sound, sentences = sample("stereo")
    swapped = ears.hear(Sound.of(as_floats(sound.samples)[::-1], RATE_HZ))
    assert swapped.separation is Separation.CHANNELS
    assert error_rate(sentences, swapped, Role.AGENT) < 0.25


def test_one_channel_is_diarized_and_the_roles_found_by_what_is_said(ears, sample):
    sound, sentences = sample("mono")
    samples = as_floats(sound.samples)
    for channels in (samples, np.repeat(samples, 2, axis=0)):  # a copy on a second channel is no speaker
        dialogue = ears.hear(Sound.of(channels, RATE_HZ))
        assert dialogue.separation is Separation.DIARIZATION
        assert [speaker_at(dialogue, u) for u in sentences] == [u["role"] for u in sentences]


def test_one_voice_alone_is_not_parted_into_two(ears, sample):
    sound, _ = sample("stereo")  # where the other side speaks, this one carries its leak, 40 dB weaker
    alone = ears.hear(replace(sound, samples=sound.samples[:1]))
    assert alone.separation is Separation.NONE
    assert {u.role for u in alone.trusted} <= {Role.UNKNOWN}


def test_hiss_on_the_second_channel_makes_no_second_side(ears, sample):
    sound, sentences = sample("mono")
    hiss = np.random.default_rng(3).normal(0, 0.001, sound.samples.shape)
    dialogue = ears.hear(Sound.of(np.concatenate([as_floats(sound.samples), hiss]), RATE_HZ))
    assert dialogue.separation is Separation.DIARIZATION
    assert [speaker_at(dialogue, u) for u in sentences] == [u["role"] for u in sentences]


def test_a_direct_current_does_not_hide_the_voice(ears, sample):
    sound, sentences = sample("stereo")
    shifted = as_floats(sound.samples) * 0.3 + np.array([[0.1], [0.0]])
    assert error_rate(sentences, ears.hear(Sound.of(shifted, RATE_HZ)), Role.AGENT) < 0.3


BAD_LINES = {
    "quiet": lambda samples: samples * 10 ** ((-45 - level_dbfs(samples)) / 20),
    "clipped": lambda samples: np.clip(samples * 10, -1, 1),
    "one side 30 dB weaker": lambda samples: samples * np.array([[1.0], [10 ** (-30 / 20)]]),
}


@pytest.mark.parametrize("line", BAD_LINES)
def test_a_bad_line_costs_few_words(ears, sample, line):
    sound, sentences = sample("stereo")
    dialogue = ears.hear(Sound.of(BAD_LINES[line](as_floats(sound.samples)), RATE_HZ))
    assert dialogue.separation is Separation.CHANNELS
    assert error_rate(sentences, dialogue, Role.AGENT) < 0.3
    assert error_rate(sentences, dialogue, Role.CUSTOMER) < 0.35


@pytest.mark.parametrize("dead", [0, 1])
def test_a_dead_channel_is_no_speaker(ears, sample, dead):
    sound, _ = sample("mono")
    both = np.insert(as_floats(sound.samples), dead, 0, axis=0)
    assert ears.hear(Sound.of(both, RATE_HZ)) == ears.hear(sound)


@pytest.mark.parametrize("sample_rate_hz", [11_025, 44_100, 48_000])
def test_a_length_of_no_whole_milliseconds_is_heard(ears, sample, sample_rate_hz):
    sound, _ = sample("stereo")
    last = soxr.resample(as_floats(sound.samples)[:, -6 * RATE_HZ :].T, RATE_HZ, sample_rate_hz).T
    for odd in (1, 2, 3):
        cut = Sound.of(last[:, : last.shape[1] // 1000 * 1000 - odd], sample_rate_hz)
        dialogue = ears.hear(cut)
        assert all(voice.span.end_ms <= cut.duration_ms for voice in dialogue.voices)


def test_the_fingerprint_follows_what_changes_the_hearing(ears):
    def other(**change):
        fixed = {"device": "cpu", "compute_type": "int8", "beam_size": 5, "agent_channel": 0, "threads": 2}
        return open_ears(whisper=None, diarization=None, **(fixed | change)).fingerprint

    assert other(threads=1) == ears.fingerprint
    assert len({ears.fingerprint, other(beam_size=1), other(agent_channel=1)}) == 3


class Skipping(Recogniser):
    """Writes only the last word of a window of more than ten seconds, as Whisper now and then does with a sentence."""

    def read(self, windows: Sequence[Window]) -> list[Passage]:
        return [
            replace(passage, words=passage.words[-1:]) if window.num_samples > 10 * RATE_HZ else passage
            for window, passage in zip(windows, super().read(windows), strict=True)
        ]


def test_what_is_skipped_in_a_window_is_read_alone(ears, sample):
    sound, sentences = sample("stereo")
    skipping = replace(ears, recogniser=Skipping(ears.recogniser.folder))
    assert error_rate(sentences, skipping.hear(sound), Role.AGENT) < 0.35


class Looping(Recogniser):
    """Goes round and round in a window of more than ten seconds, as Whisper now and then does after 喂,喂."""

    def read(self, windows: Sequence[Window]) -> list[Passage]:
        return [
            looped(window.span) if window.num_samples > 10 * RATE_HZ else passage
            for window, passage in zip(windows, super().read(windows), strict=True)
        ]


def looped(span: Span) -> Passage:
    return replace(passage("喂" * 80, span.start_ms, span.end_ms), compression_ratio=20.0)


def test_a_window_that_went_round_in_a_loop_is_read_piece_by_piece(ears, sample):
    sound, sentences = sample("stereo")
    dialogue = replace(ears, recogniser=Looping(ears.recogniser.folder)).hear(sound)
    assert error_rate(sentences, dialogue, Role.AGENT) < 0.35
    assert [utterance.suspect for utterance in dialogue.utterances if "喂喂" in utterance.text] == []


def test_what_goes_round_even_alone_stays_and_is_marked(ears, sample):
    class Always(Recogniser):
        def read(self, windows: Sequence[Window]) -> list[Passage]:
            return [looped(window.span) for window in windows]

    dialogue = replace(ears, recogniser=Always(ears.recogniser.folder)).hear(sample("stereo")[0])
    assert dialogue.utterances
    assert {utterance.suspect for utterance in dialogue.utterances} == {LOOPING}


LONG, SHORT = Span(0, 10_000), Span(20_000, 20_900)


@dataclass(frozen=True)
class Scripted:
    """A recogniser that writes this in windows of these spans, and nothing in others."""

    said: dict[Span, Passage]

    def read(self, windows: Sequence[Window]) -> list[Passage]:
        return [self.said.get(window.span, passage("", 0, 0)) for window in windows]


@pytest.mark.parametrize(
    ("together", "long", "short", "heard"),
    [
        pytest.param("", "四" * 40, "是的", ["四" * 40, "是的"], id="nothing together"),
        pytest.param("", "", "是的", ["", "是的"], id="nothing of one even alone"),
        pytest.param("", "完了", "是的", ["", "是的"], id="broken off again"),
        pytest.param("四" * 40, "五" * 40, "是的", ["四" * 40, "是的"], id="only one together"),
    ],
)
def test_what_is_not_heard_among_others_is_read_alone(ears, together, long, short, heard):
    words = {LONG.hull(SHORT): (together, LONG), LONG: (long, LONG), SHORT: (short, SHORT)}
    scripted = Scripted({span: passage(text, at.start_ms, at.end_ms) for span, (text, at) in words.items()})
    doubted = [Stretch(0, span, [span]) for span in (LONG, SHORT)]
    again = replace(ears, recogniser=scripted)._read_anew(doubted, np.zeros((1, 30 * RATE_HZ), np.int16))
    assert ["".join(word.text for word in stretch.words) for stretch in again] == heard


def passage(text: str, start_ms: int, end_ms: int) -> Passage:
    step = (end_ms - start_ms) // max(1, len(text))
    words = [Word(c, Span(start_ms + i * step, start_ms + (i + 1) * step), 0.8) for i, c in enumerate(text)]
    return Passage(tuple(words), -0.2, 0.1, 1.0)


def test_a_passage_that_broke_off_is_not_believed():
    full, broken = passage("您好,请问有什么可以帮您的吗", 0, 6000), passage("请您留个电话", 28_000, 30_000)
    assert _whole([full, broken], [Span(0, 6000), Span(7000, 30_000)]) == [full]
    assert _whole([full, broken], [Span(0, 6000), Span(27_900, 30_000)]) == [full, broken]


@pytest.mark.parametrize(
    ("characters", "voiced_ms", "usual_per_s", "unheard"),
    [
        (0, 700, 4.0, True),
        (0, 500, 4.0, False),  # a sound, not a word
        (14, 8000, 4.0, True),  # the end of what was said is missing
        (18, 8000, 4.0, False),
        (14, 8000, 3.0, False),  # somebody who speaks slowly
        (4, 2500, 4.0, False),  # a pause for thought makes a short one slow
    ],
)
def test_what_was_heard_in_part_gets_another_look(characters, voiced_ms, usual_per_s, unheard):
    span = Span(0, voiced_ms)
    words = [Word("电" * characters, span, 0.8)] if characters else []
    assert _unheard(Stretch(0, span, [span], words), usual_per_s) is unheard
