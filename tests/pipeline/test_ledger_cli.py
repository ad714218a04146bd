"""The ledger's commands, from a table to a closed month, on books of their own."""

import csv
import json
import shutil

import pytest
from typer.testing import CliRunner

from zhijian.models.records.roster import Roster, RosterEntry
from zhijian.pipeline import cli
from zhijian.pipeline.ledger.entries import entries
from zhijian.pipeline.night import own_database_url
from zhijian.pipeline.store.database import open_database
from zhijian.pipeline.store.roster import replace_roster


@pytest.fixture
def books(tmp_path):
    engine = open_database(own_database_url(tmp_path / "out"))
    agents = tuple(RosterEntry(agent_no=number, name="", team="一班") for number in ("1023", "1024"))
    replace_roster(engine, Roster(source="s", entries=agents))
    yield engine
    engine.dispose()


@pytest.fixture
def call(books, tmp_path, monkeypatch):
    """Calls a command on the books; its exit status, and what it says as JSON."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ZHIJIAN_DATABASE_URL", raising=False)

    def call(*args: object, status: int = 0):
        done = CliRunner().invoke(cli.app, [*map(str, args), "--out", str(tmp_path / "out"), "--json"])
        assert done.exit_code == status, done.output
        call.warned = done.stderr
        return json.loads(done.stdout) if done.stdout else done.stderr

    return call


def write(path, *rows: dict[str, str]):
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return path


def test_a_month_from_tables_to_its_closing(call, books, tmp_path):
    records = write(
        tmp_path / "records.csv",
        {"agent_no": "1023", "day": "2026-10-05", "item": "T21", "id": "a"},
        {"agent_no": "9999", "day": "2026-10-05", "item": "T21", "id": "b"},
    )
    found = call("ledger", "import", records, "--scheme", "incentive", status=1)
    assert (found["posted"], [row["row"] for row in found["refused"]]) == (1, [3])
    figures = write(
        tmp_path / "figures.csv", {"agent_no": "1024", "day": "2026-10-05", "answered": "99", "offered": "100"}
    )
    assert call("ledger", "figures", figures)["posted"] == 1
    shown = {row["name"]: (row["value"], row["points"]) for row in call("ledger", "indicators", "2026-10")}
    assert (shown["接听率"], shown["人工效能"]) == (("0.9900", "3"), (None, "0"))
    closed = call("ledger", "close", "2026-10", "--scheme", "incentive", "--actor", "leader")
    assert [(row["account"], row["total"], row["rank"]) for row in closed["rows"]] == [
        ("1023", "3.00", 1),
        ("1024", "3.00", 1),
    ]
    sheet = call("ledger", "sheet", "2026-10", "--scheme", "incentive", "--to", tmp_path / "sheet.csv")
    assert sheet == closed | {"closed": True}
    lines = (tmp_path / "sheet.csv").read_text("utf-8-sig").splitlines()
    assert lines[:2] == ["名次,工号,班组,日常行为,工作质量,团队建设,合计,奖励", "1,1023,一班,0.00,0.00,3.00,3.00,"]
    assert call("ledger", "growth", "1023") == [{"day": "2026-10-05", "credited": "3.00", "total": "3.00"}]
    assert call("ledger", "close", "2026-10", "--scheme", "incentive", status=3).count("月结") == 1
    audit = call("ledger", "verify", "--anchor", tmp_path / "out" / "ledger.anchor")
    assert (audit["head"]["count"], audit["anchored"]) == (2, 2)


def test_by_hand_and_back(call, books):
    given = ("--scheme", "work_points", "--account", "1023", "--item", "Q05", "--reason", "特殊任务")
    posted = call("ledger", "post", *given, "--points", "-2.5", "--role", "shift_leader", "--request", "r1")
    assert posted == {"request": "r1", "seq": 1}
    assert (
        call("ledger", "post", *given, "--points", "-2.5", "--role", "shift_leader", "--request", "r1")["seq"] is None
    )
    assert call("ledger", "balance", "--scheme", "work_points")["balance"] == "-2.50"
    assert "无权" in call("ledger", "post", *given, "--points", "1", "--role", "monitor", status=3)
    assert "花名册" in call("ledger", "post", *given, "--account", "7", "--role", "admin", status=2)
    back = ("ledger", "reverse", "1", "--scheme", "work_points", "--reason", "误记")
    assert call(*back, "--role", "supervisor") == {"seq": 2}
    assert "不能冲销" in call(*back, "--role", "supervisor", status=3)
    assert call("ledger", "balance", "--scheme", "work_points")["balance"] == "0.00"


@pytest.fixture(params=["away", "garbage", "no text"])
def useless_anchor(request, tmp_path, monkeypatch):
    """The setting `anchor`, of a file that cannot be used."""
    path = tmp_path / "share" / "ledger.anchor"
    if request.param != "away":
        path.parent.mkdir()
        path.write_bytes({"garbage": b"{}\n", "no text": b"\xff\xfe}\n"}[request.param])
    monkeypatch.setenv("ZHIJIAN_ANCHOR", str(path))
    return path


def test_what_was_booked_is_not_refused_for_the_anchors_sake(call, books, tmp_path, useless_anchor):
    def booked(*words: object) -> dict:
        result = call("ledger", *words)
        assert call.warned.startswith("zhijian: 已入账,锚文件写不进去:")
        assert str(useless_anchor) in call.warned
        assert len(call.warned.splitlines()) == 1
        return result

    given = ("--scheme", "work_points", "--account", "1023", "--item", "Q05", "--reason", "特殊任务", "--role", "admin")
    assert booked("post", *given, "--points", "-2")["seq"] == 1
    assert booked("reverse", 1, "--scheme", "work_points", "--reason", "误记", "--role", "admin") == {"seq": 2}
    records = write(tmp_path / "records.csv", {"agent_no": "1023", "day": "2026-10-05", "item": "T21"})
    assert booked("import", records, "--scheme", "incentive")["posted"] == 1
    figures = write(tmp_path / "figures.csv", {"agent_no": "1024", "day": "2026-10-05", "answered": "9"})
    assert booked("figures", figures)["posted"] == 1
    assert len(booked("close", "2026-10", "--scheme", "incentive")["rows"]) == 2
    assert len(entries(books)) == 3


@pytest.mark.parametrize(
    "words",
    [
        ("sheet", "2026-13", "--scheme", "incentive"),
        ("sheet", "2026-10", "--scheme", "incentiv"),
        ("close", "october", "--scheme", "incentive"),
        ("post", "--scheme", "work_points", "--account", "1023", "--item", "Q99", "--reason", "x", "--role", "admin"),
    ],
)
def test_wrong_use_is_status_2(call, words):
    assert call("ledger", *words, status=2)


def test_a_backup_is_restored_beside_and_checked(call, books, tmp_path):
    given = ("--scheme", "work_points", "--account", "1023", "--item", "Q05", "--reason", "特殊任务", "--role", "admin")
    call("ledger", "post", *given, "--points", "2")
    call("backup", tmp_path / "copy")
    assert "不覆盖" in call("backup", tmp_path / "copy", status=3)
    (tmp_path / "other").mkdir()
    shutil.copy(tmp_path / "out" / "ledger.anchor", tmp_path / "other")
    other = CliRunner().invoke(cli.app, ["restore", str(tmp_path / "copy"), "--out", str(tmp_path / "other")])
    assert (other.exit_code, "1 条分录" in other.stdout) == (0, True)
    bare = CliRunner().invoke(cli.app, ["restore", str(tmp_path / "copy"), "--out", str(tmp_path / "bare")])
    assert (bare.exit_code, "没有锚文件" in bare.stdout) == (1, True)
    restored = open_database(own_database_url(tmp_path / "other"))
    assert entries(restored) == entries(books)
    restored.dispose()
    call("ledger", "post", *given, "--points", "3")
    books.dispose()
    for name in ("zhijian.db", "zhijian.db-wal", "zhijian.db-shm"):
        if (tmp_path / "out" / name).exists():
            assert "移走" in call("restore", tmp_path / "copy", status=3)
            (tmp_path / "out" / name).rename(tmp_path / f"lost-{name}")
    older = call("restore", tmp_path / "copy", status=1)
    assert older["lost"]["head"]["count"] == 2


def test_the_schemes_are_read_and_listed():
    listed = CliRunner().invoke(cli.app, ["ledger", "schemes", "--json"])
    codes = [row["code"] for row in json.loads(listed.stdout) if row["scheme"] == "incentive"]
    assert len(codes) == len(set(codes)) == 66


@pytest.mark.parametrize("command", ["balance", "entries"])
@pytest.mark.parametrize(("option", "value"), [("--period", "2026-13"), ("--scheme", "incentives")])
def test_a_mistyped_month_or_scheme_is_no_empty_ledger(call, command, option, value):
    assert value in call("ledger", command, option, value, status=2)


def test_a_file_that_is_not_there_is_named(call, tmp_path):
    missing = tmp_path / "away.anchor"
    assert call("ledger", "verify", "--anchor", missing, status=3).strip().endswith(f"找不到文件:{missing}")
    assert str(tmp_path / "copy") in call("restore", tmp_path / "copy", status=3)
