"""The night when things go wrong: killed, started twice, broken input, corrected rows, a full disk, missing parts."""

import errno
import json
import os
import random
import resource
import shlex
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import soundfile

ZHIJIAN = Path(sys.executable).with_name("zhijian")
GOOD = {"sample": "s04", "seconds": 24}
SHORT_CALLS = {"rude": {"sample": "s03", "seconds": 22}, "good": GOOD}
# seven of one agent's day that publish themselves, so that points are booked; they share one sound, heard once. Not cut
# short: without its end a call stays with a reviewer where a single courtesy word is heard badly
BOOKED_IDS = [f"good-{number}" for number in range(1, 8)]
CALLS = {
    "rude": SHORT_CALLS["rude"],
    **{call_id: {"sample": GOOD["sample"]} for call_id in BOOKED_IDS},
    "late": {"sample": "s06", "seconds": 22, "agent_no": "1358"},
}
SOUNDS = 3


def run_json(out: Path) -> dict[str, Any]:
    return json.loads((out / "run.json").read_text(encoding="utf-8"))


def judged(out: Path) -> dict[str, dict[str, Any]]:
    lines = (out / "scorecards.jsonl").read_text(encoding="utf-8").splitlines()
    return {card["call_id"]: card for card in map(json.loads, lines)}


def drafts(out: Path) -> list[str]:
    """Files that somebody began to write and left."""
    return [path.name for path in out.rglob(".*") if path.name != ".lock"]


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    while not condition():
        assert process.poll() is None, "the night ended before it came so far"
        time.sleep(0.005)


def progress(out: Path) -> int:
    """How much of the night is in the database: calls, what was heard, scorecards, publications."""
    tables = ("calls", "hearings", "scorecards", "publications")
    counts = " + ".join(f"(SELECT count(*) FROM {table})" for table in tables)
    try:
        with closing(sqlite3.connect(f"file:{out / 'zhijian.db'}?mode=ro", uri=True)) as database:
            return int(database.execute(f"SELECT {counts}").fetchone()[0])
    except sqlite3.OperationalError:  # there is no database, or no table yet
        return 0


@dataclass(frozen=True)
class Undisturbed:
    """The night that ran while another one was refused."""

    folder: Path
    out: Path
    ends: list[subprocess.CompletedProcess[str]]
    scorecards: bytes
    entries: str


@pytest.fixture(scope="module")
def undisturbed(zhijian, make_folder, tmp_path_factory) -> Undisturbed:
    folder = make_folder(tmp_path_factory.mktemp("two-at-once") / "calls", CALLS)
    out = folder.with_name("out")
    ends = [zhijian.end(night) for night in [zhijian.start("run", folder, "--out", out) for _ in range(2)]]
    entries = zhijian("ledger", "entries", "--out", out)
    assert entries.returncode == 0, entries.stderr
    return Undisturbed(folder, out, ends, (out / "scorecards.jsonl").read_bytes(), entries.stdout)


def test_of_two_nights_at_once_one_is_refused(undisturbed) -> None:
    refused, done = sorted(undisturbed.ends, key=lambda night: -night.returncode)
    assert (refused.returncode, done.returncode) == (75, 0), done.stderr
    assert refused.stdout == ""
    assert refused.stderr.splitlines() == ["zhijian: 另一次作业正在运行,本次不执行"]
    run = run_json(undisturbed.out)
    assert run["counts"]["published"] >= len(BOOKED_IDS)
    assert run["ledger"]["entries"] == len(undisturbed.entries.splitlines()) > 0
    assert run["possible_duplicates"] == [BOOKED_IDS]
    assert f"录音内容相同:{'、'.join(BOOKED_IDS)}" in done.stdout.splitlines()


def test_a_night_killed_again_and_again_ends_as_an_undisturbed_one(zhijian, make_folder, undisturbed, tmp_path) -> None:
    folder, out = make_folder(tmp_path / "calls", CALLS), tmp_path / "out"
    chance = random.Random(95598)
    pulled, heard = len(CALLS), len(CALLS) + SOUNDS
    moments = [  # (what must be in the database, seconds after that), one for each stage
        (pulled, chance.uniform(0, 2)),
        (pulled + chance.randint(1, SOUNDS - 1), chance.uniform(0, 1)),
        (heard + chance.randint(0, pulled - 1), chance.uniform(0, 0.1)),
        (heard + pulled + chance.randint(0, pulled), chance.uniform(0, 0.1)),
    ]
    for mark, delay_s in moments:
        night = zhijian.start("run", folder, "--out", out)
        wait_for(lambda mark=mark: progress(out) >= mark, night)
        time.sleep(delay_s)
        zhijian.kill(night)
        assert night.returncode == -signal.SIGKILL
    last = zhijian("run", folder, "--out", out)
    assert last.returncode == 0, last.stderr
    assert (out / "scorecards.jsonl").read_bytes() == undisturbed.scorecards
    assert zhijian("ledger", "entries", "--out", out).stdout == undisturbed.entries
    verified = zhijian("ledger", "verify", "--out", out)
    assert (verified.returncode, run_json(out)["ledger"]["head_sha256"] in verified.stdout) == (0, True)
    assert drafts(out) == []


def test_a_corrected_row_is_judged_and_booked_again_without_hearing(served, make_folder, undisturbed) -> None:
    corrections = {"good-6": {"hangup_side": "agent"}, "good-7": {"agent_no": "1507"}}
    make_folder(undisturbed.folder, {call_id: call | corrections.get(call_id, {}) for call_id, call in CALLS.items()})
    done = served("run", undisturbed.folder, "--out", undisturbed.out)
    assert done.returncode == 0, done.stderr
    run, cards = run_json(undisturbed.out), judged(undisturbed.out)
    assert (run["revised"], run["counts"]["revised"], run["heard_s"]) == (list(corrections), 2, 0.0)
    assert [f"通话记录有更正 {call_id}:已重新评分" in done.stdout for call_id in corrections] == [True, True]
    before = {card["call_id"]: card for card in map(json.loads, undisturbed.scorecards.splitlines())}
    assert {call_id for call_id, card in cards.items() if card != before[call_id]} == set(corrections)
    assert (before["good-6"]["status"], cards["good-6"]["status"]) == ("scored", "flagged")
    assert (before["good-7"]["agent_no"], cards["good-7"]["agent_no"]) == ("1186", "1507")
    entries = [line.split("\t") for line in served("ledger", "entries", "--out", undisturbed.out).stdout.splitlines()]
    assert {account for _, _, account, _, _ in entries} == {"1186"}
    points = [amount for _, _, _, amount, _ in entries]
    awards = [line.split("\t")[3] for line in undisturbed.entries.splitlines()]
    one_correction = [amount for award in awards for amount in (f"-{award}", award)]
    assert points == awards + one_correction * len(corrections)
    assert run["ledger"]["posted"] == run["ledger"]["reversed"] == len(awards) * len(corrections)
    assert "7通" in entries[0][-1]
    assert "5通" in entries[-1][-1]


def test_what_cannot_be_used_is_named_and_the_rest_is_judged(served, make_folder, tmp_path) -> None:
    unusable = ["cut-off", "text", "empty", "blink", "gone"]
    refused = ["twice", "../escape", "bad-date"]
    calls = SHORT_CALLS | {call_id: SHORT_CALLS["good"] for call_id in [*unusable, *refused[:1], *refused[2:]]}
    folder, out = make_folder(tmp_path / "calls", calls), tmp_path / "out"
    audio = folder / "audio"
    (audio / "cut-off.wav").write_bytes((audio / "good.wav").read_bytes()[:50_000])
    (audio / "text.wav").write_text("这不是录音", encoding="utf-8")
    (audio / "empty.wav").write_bytes(b"")
    soundfile.write(audio / "blink.wav", soundfile.read(audio / "good.wav", frames=1600)[0], 8000)
    (audio / "gone.wav").unlink()
    shutil.copy(audio / "good.wav", audio / "unlisted.wav")
    shutil.copy(audio / "good.wav", audio / "张建国投诉13812345678.wav")
    header, *rows = (folder / "calls.csv").read_text(encoding="utf-8").splitlines()
    twice, bad_date = rows[-2:]
    rows[-1] = bad_date.replace("2026-11-20", "2026-13-20")
    rows += [twice.replace("1186", "1507"), twice.replace("twice,", "../escape,", 1)]
    (folder / "calls.csv").write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")

    done = served("run", folder, "--out", out)
    assert done.returncode == 1, done.stderr
    run, cards, lines = run_json(out), judged(out), done.stdout.splitlines()
    assert {call_id for call_id, card in cards.items() if card["status"] != "unscorable"} == set(SHORT_CALLS)
    assert set(cards) == {*SHORT_CALLS, *unusable}
    assert sorted(card["call_id"] for card in run["unscorable"]) == sorted(unusable)
    for card in run["unscorable"]:
        assert f"不可评 {card['call_id']}:{card['reason']}" in lines
        assert cards[card["call_id"]]["items"] == []
        transcript = json.loads((out / "transcripts" / f"{card['call_id']}.json").read_text(encoding="utf-8"))
        assert transcript["utterances"] == []
    assert [(r["file"], r["call_id"]) for r in run["refused"]] == [
        ("calls.csv", "twice"),
        ("calls.csv", "bad-date"),
        ("calls.csv", "twice"),
        ("calls.csv", "“../escape”"),
        ("audio/unlisted.wav", None),
        ("***.wav", None),
    ]
    assert "未受理 ***.wav:没有对应的通话记录,请在通话清单中补上一行" in lines
    assert "张建国" not in done.stdout + done.stderr + (out / "run.json").read_text(encoding="utf-8")
    for refusal in run["refused"]:
        begin = f"未受理 {refusal['file']}"
        (line,) = [line for line in lines if line.startswith(begin) and line.endswith(refusal["reason"])] or [""]
        assert (refusal["call_id"] or "") in line
    assert not list(tmp_path.rglob("escape*"))


FAILING_EARS = """
from zhijian.models.engines.ears import Ears
from zhijian.pipeline import cli

hear = Ears.hear

def hear_or_fail(ears, sound, questions):
    if sound.duration_ms == 24_000:
        raise RuntimeError("客户电话 16380265197")
    return hear(ears, sound, questions)

Ears.hear = hear_or_fail
cli.main()
"""


def test_a_recording_that_makes_hearing_fail_costs_no_other_call(zhijian, make_folder, tmp_path) -> None:
    folder, out = make_folder(tmp_path / "calls", SHORT_CALLS), tmp_path / "out"
    program = (sys.executable, "-c", FAILING_EARS)
    done = zhijian("run", folder, "--out", out, program=program, PREFECT_HOME=tmp_path / "prefect")
    assert done.returncode == 1, done.stderr
    run = run_json(out)
    (failed,) = run["failed"]
    assert (failed["call_id"], run["counts"]["failed"], run["counts"]["unfinished"]) == ("good", 1, 0)
    assert f"失败 good:{failed['reason']}" in done.stdout.splitlines()
    assert set(judged(out)) == {"rude"}
    with closing(sqlite3.connect(out / "zhijian.db")) as database:
        assert database.execute("SELECT tries FROM calls WHERE call_id = 'good'").fetchone() == (3,)
    everywhere = [done.stdout.encode(), done.stderr.encode()]
    everywhere += [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and folder not in path.parents]
    assert not any(b"16380265197" in content for content in everywhere)


TROUBLED_EARS = """
import os, signal
from zhijian.models.engines.ears import Ears
from zhijian.pipeline import cli

hear = Ears.hear

def hear_or_fail(ears, sound, questions):
    if sound.duration_ms == 24_000 and "ERROR" in os.environ:
        raise OSError(int(os.environ["ERROR"]), "")
    if sound.duration_ms == 22_000 and "KILLED" in os.environ:
        os.kill(os.getpid(), signal.SIGKILL)
    return hear(ears, sound, questions)

Ears.hear = hear_or_fail
cli.main()
"""


def test_what_a_night_has_left_the_next_one_takes_whatever_its_day(served, make_folder, tmp_path) -> None:
    """Of the 19th, one recording cannot be read, and one takes the process down; the crontab goes on to the 20th."""
    calls = {
        "unreadable": SHORT_CALLS["good"] | {"started_at": "2026-11-19T09:00:00+08:00"},
        "killed": SHORT_CALLS["rude"] | {"started_at": "2026-11-19T10:00:00+08:00"},
        "tonight": {"sample": "s06", "seconds": 23, "started_at": "2026-11-20T09:00:00+08:00"},
        "tomorrow": {"sample": "s06", "seconds": 25, "started_at": "2026-11-21T09:00:00+08:00"},
    }
    folder, out = make_folder(tmp_path / "calls", calls), tmp_path / "out"

    def night(day: str, **env: object) -> subprocess.CompletedProcess[str]:
        words = ("night", folder, "--out", out, "--date", day)
        program = (sys.executable, "-c", TROUBLED_EARS)
        return served(*words, program=program, cwd=tmp_path, PREFECT_HOME=tmp_path / "prefect", ZHIJIAN_JOBS=1, **env)

    assert night("2026-11-19", ERROR=errno.EIO, KILLED=1).returncode == -signal.SIGKILL
    done = night("2026-11-20", ERROR=errno.EIO)
    assert done.returncode == 1, done.stderr
    left = {"call_id": "unreadable", "reason": "录音暂时读不出来,下次再试"}
    assert run_json(out)["other_days"] == {"judged": 1, "failed": [left]}
    assert run_json(out)["counts"]["calls"] == 1
    assert done.stdout.splitlines()[1:] == [
        "其他日期的通话:补评 1 通,仍未处理 1 通",
        "失败 unreadable:录音暂时读不出来,下次再试",
    ]
    assert night("2026-11-20").returncode == 0
    assert run_json(out)["other_days"] == {"judged": 1, "failed": []}
    assert set(judged(out)) == {"tonight"}
    with closing(sqlite3.connect(out / "zhijian.db")) as database:
        states = dict(database.execute("SELECT call_id, state FROM calls").fetchall())
    assert states.pop("tomorrow") == "pulled"
    assert set(states.values()) <= {"published", "held"}


def test_no_room_for_temporary_files_stops_the_night_and_costs_no_try(served, make_folder, tmp_path) -> None:
    folder, out = make_folder(tmp_path / "calls", {"good": GOOD}), tmp_path / "out"
    program = (sys.executable, "-c", TROUBLED_EARS)
    stopped = served("run", folder, "--out", out, program=program, ERROR=errno.ENOSPC)
    assert (stopped.returncode, stopped.stdout) == (3, ""), stopped.stderr
    assert "磁盘已满" in stopped.stderr.splitlines()[-1]
    with closing(sqlite3.connect(out / "zhijian.db")) as database:
        columns = "state, tries, crashes, attempt_started_at, reason"
        (call,) = database.execute(f"SELECT {columns} FROM calls").fetchall()
    assert call == ("pulled", 0, 0, None, "磁盘已满,下次再试")


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="no limits can be set to a running process here")
def test_a_database_that_cannot_grow_stops_the_night_and_the_next_one_goes_on(served, make_folder, tmp_path) -> None:
    """As on a full disk: from the first hearing on, no file can grow."""
    folder, out = make_folder(tmp_path / "calls", {"good": GOOD}), tmp_path / "out"
    night = served.start("run", folder, "--out", out)
    wait_for(lambda: progress(out) >= 1, night)
    largest = max(path.stat().st_size for path in out.glob("zhijian.db*"))
    resource.prlimit(night.pid, resource.RLIMIT_FSIZE, (largest, largest))
    stopped = served.end(night)
    assert stopped.returncode == 3, (stopped.stdout, stopped.stderr)
    assert stopped.stdout == ""
    assert "数据库" in stopped.stderr.splitlines()[-1]
    assert "Traceback" not in stopped.stderr
    assert drafts(out) == []
    done = served("run", folder, "--out", out)
    assert done.returncode == 0, (done.stdout, done.stderr)
    assert set(judged(out)) == {"good"}


ON_A_SMALL_DISK = """
mount -t tmpfs -o size={size_kb}k tmpfs {out} && cp {saved}/* {out}/ && exec >{log} 2>&1
{zhijian} run {folder} --out {out}; echo "exit $?"
find {out} -name '.?*' ! -name .lock
mount -o remount,size=64m {out}
{zhijian} run {folder} --out {out} >/dev/null; echo "exit $?"
cp {out}/scorecards.jsonl {out}/report.html {saved}/
"""


def test_a_full_disk_is_said_and_the_next_night_writes_everything(served, sample_night, tmp_path) -> None:
    """A small file system of its own, on which the books have room but not the report."""
    if subprocess.run(["unshare", "-rm", "true"], capture_output=True).returncode:
        pytest.skip("no mounts of one's own on this machine (unshare -rm)")
    saved, out, log = tmp_path / "saved", tmp_path / "out", tmp_path / "log"
    saved.mkdir()
    out.mkdir()
    with (
        closing(sqlite3.connect(sample_night.out / "zhijian.db")) as books,
        closing(sqlite3.connect(saved / "zhijian.db")) as copy,
    ):
        books.backup(copy)
    size_kb = (saved / "zhijian.db").stat().st_size // 1024 + 700
    folder = Path(__file__).parents[2] / "data_samples"
    names = {
        "saved": saved,
        "out": out,
        "log": log,
        "folder": folder,
        "zhijian": Path(sys.executable).with_name("zhijian"),
    }
    script = ON_A_SMALL_DISK.format(size_kb=size_kb, **{name: shlex.quote(str(path)) for name, path in names.items()})
    ended = served("-c", script, program=("unshare", "-rm", "sh"))
    assert ended.returncode == 0, ended.stderr
    lines = log.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line.startswith("exit")] == ["exit 3", "exit 0"], lines
    assert "No space left on device" in lines[lines.index("exit 3") - 1]
    assert not any("Traceback" in line for line in lines)
    assert lines[lines.index("exit 3") + 1 :] == ["exit 0"], "half-written files were left"
    assert (saved / "scorecards.jsonl").read_bytes() == (sample_night.out / "scorecards.jsonl").read_bytes()


def broken_database(folder: Path, out: Path) -> None:
    out.mkdir()
    (out / "zhijian.db").write_text("这不是数据库" * 100, encoding="utf-8")


def database_in_the_way(folder: Path, out: Path) -> None:
    (out / "zhijian.db").mkdir(parents=True)


def no_folder(folder: Path, out: Path) -> None:
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (broken_database, "file is not a database"),
        (database_in_the_way, "zhijian.db 打不开"),
        (no_folder, "输入文件夹不存在"),
    ],
)
def test_where_nothing_can_be_done_one_line_says_why(damage, said, served, make_folder, tmp_path) -> None:
    folder, out = make_folder(tmp_path / "calls", SHORT_CALLS), tmp_path / "out"
    damage(folder, out)
    done = served("run", folder, "--out", out)
    assert (done.returncode, done.stdout) == (3, "")
    (line,) = done.stderr.splitlines()
    assert line.startswith("zhijian: ")
    assert said in line


def test_missing_weights_are_said_with_the_command_that_fetches_them(served, make_folder, tmp_path) -> None:
    folder = make_folder(tmp_path / "calls", SHORT_CALLS)
    done = served("run", folder, "--out", tmp_path / "out", ZHIJIAN_CACHE=tmp_path / "empty")
    assert (done.returncode, done.stdout) == (3, "")
    (line,) = done.stderr.splitlines()
    assert "zhijian models fetch" in line


def test_an_unknown_setting_is_wrong_use(zhijian, tmp_path) -> None:
    (tmp_path / "zhijian.toml").write_text('sorce = "calls"\n', encoding="utf-8")
    done = zhijian("night", cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert "sorce" in line
    assert "zhijian.toml" in line
    assert os.listdir(tmp_path) == ["zhijian.toml"]
