"""The hearing stage: each sound once, no usable sound no scandal, a recording that comes late is heard after all."""

import dataclasses
import time
from datetime import UTC, datetime

import numpy as np
import pytest
import soundfile

from zhijian.models.engines.audio import Sound
from zhijian.models.engines.ears import Questions
from zhijian.models.records.call import Call, Direction
from zhijian.models.records.dialogue import Dialogue, Separation
from zhijian.models.records.scorecard import Status
from zhijian.pipeline.ledger.scheme import load_scheme
from zhijian.pipeline.stages.book import book
from zhijian.pipeline.stages.hear import hear, reopen_arrived
from zhijian.pipeline.stages.review import review
from zhijian.pipeline.store.calls import State, register, waiting
from zhijian.pipeline.store.database import open_database
from zhijian.pipeline.store.judgements import judged_calls, latest_judgement
from zhijian.rules.standard import load_standard

STANDARD = load_standard()


@dataclasses.dataclass
class CountingEars:
    """Hears nothing in anything, and counts how often it was asked: the stage is under test, not the hearing."""

    fingerprint: str = "ears"
    asked: int = 0

    def hear(self, sound: Sound, questions: Questions) -> Dialogue:
        self.asked += 1
        dialogue = Dialogue(sound.duration_ms, Separation.CHANNELS, "ears", "zh", ())
        assert questions(dialogue) == ()  # nothing is in doubt where nothing was said
        return dialogue


def call(call_id: str, recording: str) -> Call:
    return Call(
        source="s",
        call_id=call_id,
        recording=recording,
        started_at=datetime(2026, 11, 20, 9, tzinfo=UTC),
        direction=Direction.INBOUND,
        agent_no="1001",
    )


@pytest.fixture
def engine(tmp_path):
    return open_database(f"sqlite:///{tmp_path / 'books' / 'zhijian.db'}")


@pytest.fixture
def write_sound(tmp_path):
    def write(name: str, seed: int = 1) -> None:
        soundfile.write(tmp_path / name, np.random.default_rng(seed).normal(0, 0.1, 16_000), 8000)

    return write


def hear_all(engine, folder, ears):
    for task in waiting(engine, "s"):
        if task.state is State.PULLED:
            hear(engine, folder, task, ears, STANDARD)


def test_two_calls_with_one_sound_are_heard_once(engine, tmp_path, write_sound):
    write_sound("a.wav"), write_sound("b.wav"), write_sound("c.wav", seed=2)
    register(engine, [call("a", "a.wav"), call("b", "b.wav"), call("c", "c.wav")])
    ears = CountingEars()
    hear_all(engine, tmp_path, ears)
    assert ears.asked == 2
    assert {task.state for task in waiting(engine, "s")} == {State.HEARD}


def test_other_ears_hear_anew(engine, tmp_path, write_sound):
    write_sound("a.wav")
    first, second = CountingEars(), CountingEars(fingerprint="other ears")
    register(engine, [call("a", "a.wav")])
    hear_all(engine, tmp_path, first)
    register(engine, [call("b", "a.wav")])
    hear_all(engine, tmp_path, second)
    assert (first.asked, second.asked) == (1, 1)


def test_a_recording_that_comes_late_is_heard_after_all(engine, tmp_path, write_sound):
    register(engine, [call("a", "a.wav")])
    hear_all(engine, tmp_path, CountingEars())
    book(engine, "s", [load_scheme("incentive")], actor="machine", now=datetime.now(UTC))
    (judged,) = judged_calls(engine, "s")
    assert (judged.state, judged.scorecard.status) == (State.HELD, Status.UNSCORABLE)

    reopen_arrived(engine, tmp_path, "s")
    assert waiting(engine, "s") == ()

    time.sleep(0.05)
    write_sound("a.wav")
    reopen_arrived(engine, tmp_path, "s")
    hear_all(engine, tmp_path, CountingEars())
    assert [task.state for task in waiting(engine, "s")] == [State.HEARD]


def test_a_recording_that_was_mended_before_somebody_looked_is_heard_after_all(engine, tmp_path, write_sound):
    (tmp_path / "a.wav").write_bytes(b"broken")
    register(engine, [call("a", "a.wav")])
    time.sleep(0.05)
    hear_all(engine, tmp_path, CountingEars())
    book(engine, "s", [load_scheme("incentive")], actor="machine", now=datetime.now(UTC))
    time.sleep(0.05)
    write_sound("a.wav")
    time.sleep(0.05)
    with engine.connect() as conn:
        seen = latest_judgement(conn, 1)
    for monitor in ("first", "second"):
        seen = review(engine, [], seen, [], reason="没有声音", actor=monitor, now=datetime.now(UTC))
    reopen_arrived(engine, tmp_path, "s")
    assert [task.state for task in waiting(engine, "s")] == [State.PULLED]


def test_a_share_that_was_not_mounted_is_heard_when_it_is_back(engine, tmp_path, write_sound):
    (tmp_path / "share").mkdir()
    write_sound("share/a.wav")
    time.sleep(0.05)
    (tmp_path / "share").rename(tmp_path / "away")
    register(engine, [call("a", "share/a.wav")])
    hear_all(engine, tmp_path, CountingEars())
    book(engine, "s", [load_scheme("incentive")], actor="machine", now=datetime.now(UTC))
    (tmp_path / "away").rename(tmp_path / "share")
    reopen_arrived(engine, tmp_path, "s")
    assert [task.state for task in waiting(engine, "s")] == [State.PULLED]


def test_a_corrected_row_needs_no_recording_that_was_heard_before(engine, tmp_path, write_sound):
    write_sound("a.wav")
    register(engine, [call("a", "a.wav")])
    hear_all(engine, tmp_path, CountingEars())
    (tmp_path / "a.wav").unlink()
    register(engine, [dataclasses.replace(call("a", "a.wav"), satisfaction="满意")])
    ears = CountingEars()
    hear_all(engine, tmp_path, ears)
    (task,) = waiting(engine, "s")
    assert (task.state, task.revision, ears.asked) == (State.HEARD, 2, 0)


def test_a_row_that_names_another_recording_is_heard_anew(engine, tmp_path, write_sound):
    write_sound("a.wav"), write_sound("b.wav", seed=2)
    register(engine, [call("a", "a.wav")])
    hear_all(engine, tmp_path, CountingEars())
    register(engine, [call("a", "b.wav")])
    ears = CountingEars()
    hear_all(engine, tmp_path, ears)
    assert ears.asked == 1
