"""A file that lies about its sample rate is refused with the rate it should name; nothing else is refused for it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

import numpy as np
import pytest
import soundfile
import soxr

from zhijian.models.engines import voice
from zhijian.models.engines.audio import RATE_HZ, AudioError, Sound, as_floats, load
from zhijian.models.engines.ears import Ears, open_ears
from zhijian.models.engines.rates import SLICE_SAMPLES, refuse_false_rate
from zhijian.models.engines.weights import WeightsError
from zhijian.models.engines.whisper import Passage
from zhijian.models.engines.windows import Window, pack
from zhijian.models.records.call import Call, Direction
from zhijian.models.records.dialogue import Word
from zhijian.models.records.scorecard import Status
from zhijian.models.records.span import Span, union
from zhijian.pipeline.stages.hear import hear
from zhijian.pipeline.store.calls import register, waiting
from zhijian.pipeline.store.database import open_database
from zhijian.pipeline.store.judgements import judged_calls
from zhijian.rules.standard import load_standard

CUT_S = 24


@pytest.fixture(scope="module")
def ears() -> Ears:
    try:
        return open_ears(
            whisper=None, diarization=None, device="cpu", compute_type="int8", beam_size=5, agent_channel=0, threads=2
        )
    except WeightsError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="module")
def conversation(sample_labels, samples_folder) -> Sound:
    """The beginning of a call on two channels."""
    call = next(call for call in sample_labels.values() if call["channels"] == "stereo")
    (path,) = (samples_folder / "audio").glob(f"{call['call_id']}.*")
    return Sound.of(as_floats(load(path).samples)[:, : CUT_S * RATE_HZ], RATE_HZ)


def recorded(sound: Sound, true_hz: int) -> np.ndarray:
    """The sound as a recorder at `true_hz` would have it: (channels, num_samples)."""
    return soxr.resample(as_floats(sound.samples).T, RATE_HZ, true_hz).T


def check_rate(sound: Sound, recogniser) -> None:
    """What hearing does about the rate, without telling speakers apart."""
    windows = windows_of(sound)
    refuse_false_rate(sound, windows, recogniser.read(windows), recogniser)


def windows_of(sound: Sound) -> list[Window]:
    voiced = union(span for spans in voice.voices(voice.Channels(sound.samples)) for span in spans)
    return pack(sound.samples, voiced)


@pytest.mark.parametrize(("true_hz", "stated_hz"), [(16_000, 8_000), (16_000, 48_000), (48_000, 16_000)])
def test_a_false_rate_is_refused_with_the_right_one(ears, conversation, true_hz, stated_hz):
    lie = Sound.of(recorded(conversation, true_hz), stated_hz)
    with pytest.raises(AudioError) as refused:
        check_rate(lie, ears.recogniser)
    assert f"标的是 {stated_hz} Hz,听起来应是 {true_hz} Hz" in refused.value.reason


@pytest.mark.parametrize("speed", [0.85, 1.15])
def test_slow_and_fast_speakers_are_not_refused(ears, conversation, speed):
    check_rate(Sound.of(recorded(conversation, round(RATE_HZ / speed)), RATE_HZ), ears.recogniser)


def test_speech_that_makes_sense_at_no_rate_is_not_refused(ears, conversation):
    check_rate(Sound.of(as_floats(conversation.samples)[:, ::-1], RATE_HZ), ears.recogniser)


def test_a_lying_file_becomes_an_unscorable_call(ears, conversation, tmp_path):
    soundfile.write(tmp_path / "lie.wav", recorded(conversation, 8_000).T, 16_000)
    call = Call(
        source="s",
        call_id="c1",
        recording="lie.wav",
        started_at=datetime(2026, 11, 20, 9, tzinfo=UTC),
        direction=Direction.INBOUND,
        agent_no="1001",
    )
    books = open_database(f"sqlite:///{tmp_path / 'books' / 'zhijian.db'}")
    register(books, [call])
    (task,) = waiting(books, "s")
    hear(books, tmp_path, task, ears, load_standard())
    (judged,) = judged_calls(books, "s")
    assert judged.scorecard.status is Status.UNSCORABLE
    assert judged.scorecard.reason == (
        "录音的采样率标错了(文件标的是 16000 Hz,听起来应是 8000 Hz),请按正确的采样率重新导出"
    )


CLEAR, LOOP = "您好请问有什么可以帮您", "好的"


@dataclass
class Pretender:
    """Reads a loop in what is longer than a slice and clear words in the rest, and remembers how long each was."""

    lengths: list[int] = field(default_factory=list)

    def read(self, windows: list[Window]) -> list[Passage]:
        self.lengths += [window.num_samples for window in windows]
        return [passage(window, LOOP if window.num_samples > SLICE_SAMPLES else CLEAR) for window in windows]


def passage(window: Window, phrase: str) -> Passage:
    """The phrase over and over, four characters a second."""
    text = (phrase * 20)[: window.num_samples * 4 // RATE_HZ]
    compression_ratio = 9.0 if phrase is LOOP else 1.2
    return Passage((Word(text, Span(0, 1), 0.9),), -0.2, 0.1, compression_ratio)


def test_a_long_window_that_ended_in_a_loop_does_not_condemn_clear_speech(conversation):
    recogniser = Pretender()
    windows = windows_of(conversation)
    assert windows[0].num_samples > SLICE_SAMPLES
    refuse_false_rate(conversation, windows, [passage(window, LOOP) for window in windows], recogniser)
    assert recogniser.lengths
    assert max(recogniser.lengths) <= SLICE_SAMPLES


def test_where_one_window_makes_sense_nothing_is_read_again(conversation):
    recogniser = Pretender()
    window = windows_of(conversation)[0]
    refuse_false_rate(conversation, [window, window], [passage(window, LOOP), passage(window, CLEAR)], recogniser)
    assert recogniser.lengths == []
