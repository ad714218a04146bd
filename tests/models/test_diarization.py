"""Diarization on real sound with the real models: who spoke when, told apart or said to be not."""

import importlib.util
import json
import sys
import time
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from zhijian.models.engines import weights
from zhijian.models.engines.weights import WeightsError

ROOT = Path(__file__).parents[2]
CALLS = ROOT.parent / "shared/calls/dev"
CLIPS = ROOT.parent / "shared/real"
SAMPLES = ROOT / "data_samples"
RATE_HZ = 8000
ROLES = ("agent", "customer")


@pytest.fixture(scope="module")
def diarizer():
    try:
        folders = weights.locate("segmentation-3.0"), weights.locate("campplus")
    except WeightsError as error:
        pytest.skip(str(error))
    from zhijian.models.engines.diarization import Diarizer

    return Diarizer(*folders)


@pytest.fixture(scope="module")
def conversations():
    """The benchmarks' module that joins clips of real people."""
    if not (CLIPS / "clips.csv").is_file():
        pytest.skip("the clips of real people are not beside the repository")
    spec = importlib.util.spec_from_file_location("conversations", ROOT / "tests/benchmarks/conversations.py")
    sys.modules[spec.name] = module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@dataclass(frozen=True)
class LabelledCall:
    samples: np.ndarray  # shape: (num_samples, num_channels)
    turns: tuple[tuple[str, float, float], ...]  # role, start and end in seconds

    @property
    def mono(self) -> np.ndarray:
        return self.samples.mean(axis=1)

    def only(self, role: str) -> np.ndarray:
        """One side's channel, silent outside its own turns: sound with one voice."""
        own = np.zeros(len(self.samples), dtype=np.float32)
        for _, start, end in (turn for turn in self.turns if turn[0] == role):
            stretch = slice(int(start * RATE_HZ), int(end * RATE_HZ))
            own[stretch] = self.samples[stretch, ROLES.index(role)]
        return own


def labelled_calls(folder: Path, channels: str) -> list[LabelledCall]:
    if not (folder / "truth.json").is_file():
        pytest.skip(f"no labelled calls in {folder.name}")
    calls = [call for call in json.loads((folder / "truth.json").read_text()) if call["channels"] == channels]
    if not calls:
        pytest.skip(f"no {channels} calls in {folder.name}")
    return [_read(folder, call) for call in calls]


def _read(folder: Path, call: dict) -> LabelledCall:
    path = next((folder / "audio").glob(f"{call['call_id']}.*"))
    samples, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
    assert rate_hz == RATE_HZ
    return LabelledCall(samples, tuple((turn["role"], turn["start"], turn["end"]) for turn in call["truth"]))


def wrong_ratio(call: LabelledCall, turns) -> float:
    """Share of the speech of one role alone that is given to the other speaker, under the better mapping."""
    num_frames = len(call.samples) * 100 // RATE_HZ + 1
    spoken, heard = np.zeros((2, num_frames), bool), np.zeros((2, num_frames), bool)
    for role, start, end in call.turns:
        spoken[ROLES.index(role), int(start * 100) : int(end * 100)] = True
    for turn in turns:
        heard[turn.speaker, turn.span.start_ms // 10 : turn.span.end_ms // 10] = True
    alone = spoken.sum(axis=0) == 1
    wrong = [
        sum((alone & spoken[role] & ~heard[speaker] & heard.any(axis=0)).sum() for role, speaker in enumerate(mapping))
        for mapping in ((0, 1), (1, 0))
    ]
    return min(wrong) / alone.sum()


@pytest.mark.parametrize("folder", [CALLS, SAMPLES], ids=["labelled", "samples"])
def test_speech_of_mono_calls_goes_to_the_right_speaker(diarizer, folder):
    call = labelled_calls(folder, "mono")[0]
    found = diarizer(call.mono, RATE_HZ)
    assert found.separable
    assert wrong_ratio(call, found.exclusive) < 0.05


def test_speech_of_stereo_calls_mixed_to_one_channel_goes_to_the_right_speaker(diarizer):
    call = labelled_calls(CALLS, "stereo")[0]
    found = diarizer(call.mono, RATE_HZ)
    assert found.separable
    assert wrong_ratio(call, found.exclusive) < 0.05


@pytest.mark.parametrize("telephone", [False, True], ids=["16 kHz", "telephone"])
def test_speech_of_two_real_people_goes_to_the_right_speaker(diarizer, conversations, telephone):
    heard = conversations.Errors()
    for pair in conversations.joined(CLIPS, telephone=telephone, most=12):
        turns = diarizer(pair.samples, conversations.RATE_HZ).exclusive
        assert {turn.speaker for turn in turns} <= {0, 1}, pair.name
        heard += conversations.errors_of(pair, [(t.speaker, t.span.start_ms, t.span.end_ms) for t in turns])
    assert heard.confused <= 0.05 * heard.spoken
    assert heard.missed <= 0.10 * heard.spoken


def test_an_announcement_before_the_call_is_a_third_voice(diarizer, conversations):
    """A real person's clips, then a labelled call, whose people sound very different."""
    announcement = next(iter(conversations.joined(CLIPS, telephone=True, people=1)))
    call = max(labelled_calls(CALLS, "mono"), key=lambda call: diarizer(call.mono, RATE_HZ).separability)
    rate_hz = conversations.RATE_HZ
    sound = np.concatenate([announcement.samples, soxr.resample(call.mono, RATE_HZ, rate_hz)])
    border_ms = len(announcement.samples) * 1000 // rate_hz
    found = diarizer(sound, rate_hz)
    assert found.separable
    before = {turn.speaker for turn in found.turns if turn.span.end_ms <= border_ms}
    after = {turn.speaker for turn in found.turns if turn.span.end_ms > border_ms}
    assert (before, after) == ({2}, {0, 1})


def test_turns_that_are_their_speakers_are_held_more_certain(diarizer, conversations):
    """Sounds of one voice cut in two are doubtful, of two voices certain."""
    call = labelled_calls(CALLS, "mono")[0]
    two = diarizer(call.mono, RATE_HZ)
    one = diarizer(labelled_calls(CALLS, "stereo")[0].only("agent"), RATE_HZ)
    assert all(0 <= turn.confidence <= 1 for found in (one, two) for turn in (*found.turns, *found.exclusive))
    assert np.median([turn.confidence for turn in two.exclusive]) > 0.95
    assert one.separability is None or np.median([turn.confidence for turn in one.exclusive]) < 0.95


def test_whole_numbers_are_heard_as_fractions_are(diarizer):
    sound = labelled_calls(CALLS, "mono")[0].mono[: 30 * RATE_HZ]
    whole = np.round(sound * 32767).astype(np.int16)
    fractions, numbers = diarizer(whole.astype(np.float32) / 32768, RATE_HZ), diarizer(whole, RATE_HZ)
    assert numbers.separability == pytest.approx(fractions.separability, abs=0.02)
    assert len(numbers.exclusive) == len(fractions.exclusive)


def test_a_second_of_sound_costs_at_most_60_ms(diarizer):
    """CPU seconds a second of sound, on one thread (0.024 measured)."""
    sound = labelled_calls(CALLS, "mono")[0].mono
    started = time.process_time()
    diarizer(sound, RATE_HZ)
    assert time.process_time() - started < 0.06 * len(sound) / RATE_HZ


def test_one_voice_alone_is_said_to_be_inseparable(diarizer):
    call = labelled_calls(CALLS, "stereo")[0]
    assert not diarizer(call.only("agent"), RATE_HZ).separable


def test_turns_are_sorted_inside_the_sound_and_only_the_exclusive_ones_never_overlap(diarizer):
    call = labelled_calls(CALLS, "mono")[0]
    sound = call.mono[: 40 * RATE_HZ + 7]
    found = diarizer(sound, RATE_HZ)
    duration_ms = len(sound) * 1000 // RATE_HZ
    assert found.exclusive[0].speaker == 0
    for turns in (found.turns, found.exclusive):
        assert list(turns) == sorted(turns)
        assert all(turn.span and turn.span.end_ms <= duration_ms for turn in turns)
    assert all(a.span.end_ms <= b.span.start_ms for a, b in pairwise(found.exclusive))
    for speaker in (0, 1):
        own = [turn.span for turn in found.turns if turn.speaker == speaker]
        assert all(a.end_ms < b.start_ms for a, b in pairwise(own))


def test_the_same_sound_gives_the_same_result(diarizer):
    call = labelled_calls(CALLS, "mono")[0]
    beginning = call.mono[: 20 * RATE_HZ]
    assert diarizer(beginning, RATE_HZ) == diarizer(beginning, RATE_HZ)


@pytest.mark.parametrize(
    "samples",
    [
        np.zeros(0, np.float32),
        np.zeros(800, np.float32),
        np.zeros(4 * RATE_HZ, np.float32),
        np.zeros(30 * RATE_HZ, np.float32),
        0.01 * np.random.default_rng(1).standard_normal(12 * RATE_HZ).astype(np.float32),
    ],
    ids=["nothing", "100 ms", "4 s of silence", "30 s of silence", "12 s of noise"],
)
def test_sound_without_speech_is_an_ordinary_case(diarizer, samples):
    found = diarizer(samples, RATE_HZ)
    assert (found.turns, found.exclusive, found.separability) == ((), (), None)
    assert not found.separable


def test_a_few_words_are_one_speaker(diarizer):
    call = labelled_calls(CALLS, "stereo")[0]
    role, start, end = min(call.turns, key=lambda turn: turn[2] - turn[1])
    found = diarizer(call.samples[int((start - 0.2) * RATE_HZ) : int(end * RATE_HZ), ROLES.index(role)], RATE_HZ)
    assert {turn.speaker for turn in found.turns} <= {0}
    assert not found.separable


def test_more_than_one_channel_is_refused(diarizer):
    with pytest.raises(ValueError, match="mono"):
        diarizer(np.zeros((2, RATE_HZ), np.float32), RATE_HZ)


def test_a_users_own_pipeline_says_where_there_is_speech(diarizer, tmp_path, monkeypatch):
    from zhijian.models.engines.diarization import Diarizer

    (tmp_path / "users_own.py").write_text(
        "from types import SimpleNamespace\n"
        "from pyannote.audio import Pipeline\n"
        "from pyannote.core import Annotation, Segment\n"
        "class Own(Pipeline):\n"
        "    def __init__(self, token=None, cache_dir=None):\n"
        "        super().__init__()\n"
        "    def apply(self, file, num_speakers):\n"
        "        alone, both = Annotation(), Annotation()\n"
        "        alone[Segment(2, 5)], alone[Segment(6, 99)] = 'A', 'B'\n"
        "        both[Segment(2, 6.5)], both[Segment(6, 99)] = 'A', 'B'\n"
        "        return SimpleNamespace(exclusive_speaker_diarization=alone, speaker_diarization=both)\n"
    )
    (tmp_path / "config.yaml").write_text("pipeline:\n  name: users_own.Own\n")
    monkeypatch.syspath_prepend(tmp_path)
    call = labelled_calls(CALLS, "mono")[0]
    found = Diarizer(tmp_path, weights.locate("campplus"))(call.mono[: 30 * RATE_HZ], RATE_HZ)
    heard = sorted({turn.span.start_ms for turn in found.exclusive} | {turn.span.end_ms for turn in found.exclusive})
    assert (heard[0], heard[-1]) == (2000, 30_000)
    assert not any(turn.span.start_ms < 6000 and turn.span.end_ms > 5000 for turn in found.exclusive)


def test_a_users_folder_that_holds_no_pipeline_is_refused_without_asking_the_network(diarizer, tmp_path):
    from zhijian.models.engines.diarization import Diarizer

    (tmp_path / "config.yaml").write_text(
        "pipeline:\n  name: pyannote.audio.pipelines.SpeakerDiarization\n  params:\n    segmentation: $model/absent\n"
    )
    with pytest.raises(ValueError, match=r"offline|not in it"):
        Diarizer(tmp_path, weights.locate("campplus"))
