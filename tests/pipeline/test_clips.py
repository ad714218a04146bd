"""Clips beside the report: what was judged and nothing else, with one recording in memory at a time."""

import dataclasses
import wave
import weakref

import numpy as np
import pytest
import soundfile

from zhijian.models.engines.audio import load
from zhijian.pipeline.stages import clips
from zhijian.pipeline.stages.clips import MARGIN_MS, cut_clips


@pytest.fixture
def judged(tmp_path, make_call, make_card):
    """Writes a call's recording and returns the call with a card that rests on its first second."""

    def judge(call_id: str):
        call = make_call(call_id)
        path = tmp_path / call.recording
        path.parent.mkdir(exist_ok=True)
        seed = sum(call_id.encode())
        soundfile.write(path, np.random.default_rng(seed).normal(0, 0.1, (24_000, 2)), 8000, subtype="ALAW")
        sha256 = load(path).sha256
        return call, dataclasses.replace(make_card(call), recording_sha256=sha256)

    return judge


def test_clips_are_pcm_at_16_khz(tmp_path, judged):
    (name,) = set(cut_clips(tmp_path, tmp_path, *judged("a")).values())
    with wave.open(str(tmp_path / name)) as clip:  # refuses everything but PCM
        assert (clip.getframerate(), clip.getnchannels(), clip.getsampwidth()) == (16_000, 2, 2)
        assert clip.getnframes() == (1000 + MARGIN_MS) * 16


def test_no_clip_of_another_sound(tmp_path, judged):
    call, card = judged("a")
    assert cut_clips(tmp_path, tmp_path, call, dataclasses.replace(card, recording_sha256="0" * 64)) == {}


def test_one_recording_is_let_go_before_the_next_is_loaded(tmp_path, judged, monkeypatch):
    loaded = []

    def watched(path):
        assert all(samples() is None for samples in loaded)
        sound = load(path)
        loaded.append(weakref.ref(sound.samples))
        return sound

    calls = [judged(call_id) for call_id in ("a", "b", "c")]
    monkeypatch.setattr(clips, "load", watched)
    assert all([cut_clips(tmp_path, tmp_path, call, card) for call, card in calls])
    assert len(loaded) == 3
