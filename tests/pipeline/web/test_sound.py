"""The recording: ranges, clips, waveform — the very samples that were judged, and nothing where they are gone."""

import io
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from time import sleep
from urllib.parse import urlsplit
from urllib.request import url2pathname

import numpy as np
import pytest
import soundfile

from tests.pipeline.web.conftest import NOW
from zhijian.models.engines.audio import load
from zhijian.pipeline.store.access_log import Action, accesses
from zhijian.pipeline.store.calls import call_task
from zhijian.pipeline.web import sound


@pytest.fixture(autouse=True)
def no_sound_is_kept():
    sound._load.cache.clear()


def get(site, path: str, who="monitor", **how):
    return site.as_(who).get(f"/api/calls/{site.numbers['good']}/{path}", **how)


def test_the_whole_recording(site, recorded):
    answer = get(site, "sound")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "audio/wav")
    samples, rate_hz = soundfile.read(io.BytesIO(answer.content), dtype="int16")
    assert rate_hz == 16_000
    assert np.array_equal(samples.T, load(recorded / "audio" / "good.wav").samples)


@pytest.mark.parametrize(
    ("asked", "first", "last"),
    [("0-", 0, (1 << 20) - 1), ("0-0", 0, 0), ("40-50", 40, 50), ("1001-1004", 1001, 1004), ("-7", -7, None)],
)
def test_ranges_are_pieces_of_it(site, asked, first, last):
    whole = get(site, "sound").content
    answer = get(site, "sound", headers={"range": f"bytes={asked}"})
    first, last = (first if first >= 0 else len(whole) + first), last if last is not None else len(whole) - 1
    assert answer.status_code == 206
    assert answer.headers["content-range"] == f"bytes {first}-{last}/{len(whole)}"
    assert answer.content == whole[first : last + 1]


@pytest.mark.parametrize("asked", ["bytes=99999999-", "bytes=9-3", "bytes=x-", "bytes=0-1,3-4", "seconds=0-1"])
def test_what_is_not_there_is_refused(site, asked):
    answer = get(site, "sound", headers={"range": asked})
    assert answer.status_code == 416
    assert answer.headers["content-range"].startswith("bytes */")


def test_a_clip_is_cut_on_the_fly(site, recorded):
    answer = get(site, "clip?start_ms=1000&end_ms=2500")
    samples, rate_hz = soundfile.read(io.BytesIO(answer.content), dtype="int16")
    assert np.array_equal(samples.T, load(recorded / "audio" / "good.wav").samples[:, rate_hz : rate_hz * 5 // 2])
    assert "attachment" in answer.headers["content-disposition"]


@pytest.mark.parametrize("span", ["start_ms=5&end_ms=5", "start_ms=9&end_ms=3", "start_ms=0&end_ms=120001",
                                  "start_ms=30000&end_ms=30001", "start_ms=-1&end_ms=5"])  # fmt: skip
def test_a_clip_that_is_none_is_refused(site, span):
    assert get(site, f"clip?{span}").status_code == 422


def test_the_waveform_has_each_side_where_it_speaks(site):
    shown = get(site, "waveform").json()
    assert shown["duration_ms"] == 30_000
    bucket = {side: np.array(shown[side]) > 0 for side in ("agent", "customer", "other")}
    times = np.arange(len(shown["agent"])) * shown["bucket_ms"]
    assert bucket["agent"][times < 1800].all()
    assert not bucket["agent"][(times > 2000) & (times < 14_900)].any()
    assert bucket["customer"][(times > 2000) & (times < 13_900)].all()
    assert not bucket["other"].any()


def test_another_recording_under_the_same_name_is_not_played(site, monkeypatch):
    monkeypatch.setattr(sound, "load", lambda path: load(path.with_name("doubt.wav")))
    assert get(site, "sound").status_code == 404


def test_a_recording_that_is_gone_is_said_to_be(site, monkeypatch):
    monkeypatch.setattr(sound, "load", lambda path: load(path.with_name("nosuch.wav")))
    answer = get(site, "sound")
    assert (answer.status_code, "录音" in answer.json()["detail"]) == (404, True)


def test_listening_is_logged_once_a_hearing(site):
    get(site, "sound", headers={"range": "bytes=0-100"})
    get(site, "sound", headers={"range": "bytes=101-200"})
    with site.engine.connect() as conn:
        found = accesses(conn, call=site.numbers["good"], limit=10)
    assert [(one.actor, one.action) for one in found] == [("monitor", Action.LISTEN)]


@pytest.mark.parametrize("asked", ["bytes=1-", "bytes=44-", "bytes=-100000"])
def test_listening_from_further_on_is_logged_too(site, make_site, asked):
    get(site, "sound", headers={"range": asked})
    get(site, "sound", headers={"range": asked})
    get(make_site(site.engine, now=NOW + timedelta(hours=2)), "sound", headers={"range": asked})
    with site.engine.connect() as conn:
        found = accesses(conn, call=site.numbers["good"], limit=10)
    assert [(one.action, one.at) for one in found] == [
        (Action.LISTEN, NOW + timedelta(hours=2)),
        (Action.LISTEN, NOW),
    ]


def test_what_is_deleted_is_not_played_from_memory(site, monkeypatch):
    assert get(site, "sound").status_code == 200
    task = call_task(site.engine, site.numbers["good"])
    gone = replace(task, call=replace(task.call, recording="audio/deleted.wav"))
    kept = Path(url2pathname(urlsplit(task.call.source).path))
    copied = kept / gone.call.recording
    shutil.copy(kept / task.call.recording, copied)
    monkeypatch.setattr(sound, "call_task", lambda *_: gone)
    assert get(site, "sound").status_code == 200
    copied.unlink()
    assert get(site, "sound").status_code == 404


def test_a_recording_is_decoded_once_for_all_who_ask_at_once(site, monkeypatch):
    decoded = []

    def slow(path):
        decoded.append(path)
        sleep(0.3)
        return load(path)

    monkeypatch.setattr(sound, "load", slow)
    client = site.as_("monitor")
    path = f"/api/calls/{site.numbers['good']}"
    with ThreadPoolExecutor() as pool:
        answers = list(pool.map(client.get, [f"{path}/sound", f"{path}/waveform", f"{path}/sound"]))
    assert [answer.status_code for answer in answers] == [200] * 3
    assert len(decoded) == 1
