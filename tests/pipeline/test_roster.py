"""The roster: who belongs to which team, when; bad rows are refused, the night goes on."""

import csv
from datetime import date
from pathlib import Path

import pytest

from zhijian.pipeline.stages.pull import pull

GOOD = {
    "call_id": "c-1",
    "recording": "audio/c-1.wav",
    "started_at": "2026-11-01T08:00:00+08:00",
    "direction": "inbound",
    "agent_no": "1023",
}
AGENT = {"agent_no": "1023", "name": "张三", "team": "一组", "from": "", "to": "", "active": ""}


def write_csv(folder: Path, rows: list[dict[str, str]], name: str) -> None:
    columns = list(dict.fromkeys(column for row in rows for column in row))
    with (folder / name).open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        writer.writerows(rows)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An input folder whose call list holds one good call."""
    write_csv(tmp_path, [GOOD], name="calls.csv")
    return tmp_path


def test_the_roster(folder: Path) -> None:
    write_csv(
        folder,
        [
            AGENT | {"to": "2026-10-31"},
            AGENT | {"team": "二组", "from": "2026-11-01"},
            AGENT | {"team": "三组", "from": "2026-12-01"},
            AGENT | {"agent_no": "", "name": "李四"},
            AGENT | {"agent_no": "2", "name": "李四", "from": "2026-02-30"},
            AGENT | {"agent_no": "3", "name": "李四", "from": "2026-02-02", "to": "2026-02-01"},
            AGENT | {"agent_no": "4", "name": "李四", "active": "maybe"},
            AGENT | {"agent_no": "5", "name": "李\x07四"},
            AGENT | {"agent_no": "6", "active": "no"},
        ],
        name="agents.csv",
    )
    pulled = pull(folder)
    assert pulled.agents is not None
    assert pulled.agents.source == folder.resolve().as_uri() == pulled.calls[0].source
    assert [(a.agent_no, a.team, a.active) for a in pulled.agents.entries] == [
        ("1023", "一组", True),
        ("1023", "二组", True),
        ("6", "一组", False),
    ]
    first, second, _ = pulled.agents.entries
    assert first.covers(date(2026, 10, 31))
    assert not first.covers(date(2026, 11, 1))
    assert second.covers(date(2026, 11, 1))
    refused = {refusal.row: refusal for refusal in pulled.refused}
    assert {refusal.file for refusal in pulled.refused} == {"agents.csv"}
    for row, reason in {4: "重叠", 5: "agent_no", 6: "from", 7: "from 晚于 to", 8: "active", 9: "name 含有"}.items():
        assert reason in refused[row].reason
    assert "李四" not in str(pulled.refused)


def test_an_unreadable_roster_does_not_stop_the_night(folder: Path) -> None:
    (folder / "agents.csv").write_bytes("工号,姓名".encode("gbk"))
    pulled = pull(folder)
    assert len(pulled.calls) == 1
    assert pulled.agents is None
    assert pulled.refused[0].file == "agents.csv"
