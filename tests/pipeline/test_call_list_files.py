"""The call list as files come: line ends, byte order marks, broken quotes, Excel's numbers and dates."""

import csv
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhijian.pipeline.stages.pull import Pulled, Refusal, pull
from zhijian.pipeline.stages.table import SourceError

GOOD = {
    "call_id": "c-1",
    "recording": "audio/c-1.wav",
    "started_at": "2026-11-01T08:00:00+08:00",
    "direction": "inbound",
    "agent_no": "1023",
}
FULL = GOOD | {
    "queue": "停电",
    "customer_no": "0012345678",
    "ring_count": "2",
    "hangup_side": "customer",
    "scenario": "报修",
    "identity_verified": "yes",
    "after_call_work_s": "0",
    "survey_pushed": "no",
    "satisfaction": "满意",
    "线路": "二号",
}
ROW = ",".join(GOOD.values())
BAD_LINES = {
    "a quote that is never closed": ('c-0,"audio/0.wav,2026-11-01T08:00:00+08:00,inbound,1', "引号"),
    "text after a quote": ('"c-0"x,audio/0.wav,2026-11-01T08:00:00+08:00,inbound,1', "引号"),
    "too few cells": ("c-0,audio/0.wav,2026-11-01T08:00:00+08:00,inbound", "比表头的列少"),
    "too many cells": ("c-0,audio/0.wav,2026-11-01T08:00:00+08:00,inbound,1,2", "没有列名"),
}


def write_csv(folder: Path, rows: list[dict[str, str]], name: str = "calls.csv", encoding: str = "utf-8") -> None:
    columns = list(dict.fromkeys(column for row in rows for column in row))
    with (folder / name).open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        writer.writerows(rows)


def write_xlsx(folder: Path, rows: list[list[Any]]) -> None:
    book = openpyxl.Workbook()
    for row in rows:
        book.worksheets[0].append(row)
    book.save(folder / "calls.xlsx")


def ids(pulled: Pulled) -> list[str]:
    return [call.call_id for call in pulled.calls]


def source_error(folder: Path, **options: Any) -> str:
    with pytest.raises(SourceError) as error:
        pull(folder, **options)
    return str(error.value)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_byte_order_mark_line_ends_and_blank_rows(tmp_path: Path, encoding: str, end: str) -> None:
    lines = [
        "",
        ",".join(GOOD),
        "",
        ",".join(GOOD.values()),
        ",,,,",
        "",
        ",".join((GOOD | {"call_id": "c-2"}).values()),
    ]
    (tmp_path / "calls.csv").write_bytes(end.join(lines).encode(encoding))
    pulled = pull(tmp_path)
    assert ids(pulled) == ["c-1", "c-2"]
    assert pulled.refused == ()


def test_notes_may_run_over_lines(tmp_path: Path) -> None:
    write_csv(tmp_path, [GOOD | {"备注": "第一行\n第二行," * 40}, GOOD | {"call_id": "c-2", "direction": "?"}])
    pulled = pull(tmp_path)
    assert pulled.calls[0].extra["备注"].startswith("第一行\n第二行,第一行")
    assert pulled.refused[0].row == 43


@pytest.mark.parametrize("case", BAD_LINES)
def test_a_broken_line_costs_only_itself(tmp_path: Path, case: str) -> None:
    line, reason = BAD_LINES[case]
    lines = [",".join(GOOD), line] + [ROW.replace("c-1", f"c-{i}") for i in range(1, 90)]
    (tmp_path / "calls.csv").write_text("\n".join(lines), encoding="utf-8")
    pulled = pull(tmp_path)
    assert len(pulled.calls) == 89
    (refusal,) = pulled.refused
    assert refusal.row == 2
    assert reason in refusal.reason


def test_rows_swallowed_by_stray_quotes_are_named(tmp_path: Path) -> None:
    lines = [
        ",".join(GOOD),
        'c-1,"audio/1.wav,2026-11-01T08:00:00+08:00,inbound,1',
        ROW.replace("c-1", "c-2"),
        'c-3,audio/3.wav",2026-11-01T08:00:00+08:00,inbound,1',
        ROW.replace("c-1", "c-4"),
    ]
    (tmp_path / "calls.csv").write_text("\n".join(lines), encoding="utf-8")
    pulled = pull(tmp_path)
    assert ids(pulled) == ["c-4"]
    (refusal,) = pulled.refused
    assert (refusal.row, refusal.call_id) == (2, "c-1")
    assert "recording 含有换行" in refusal.reason
    assert "第 4 行" in refusal.reason


@settings(max_examples=150)
@given(st.lists(st.text(st.sampled_from('c1",, \n\r\t号'), max_size=30), max_size=6), st.integers(0, 6))
def test_any_text_among_good_lines_loses_no_good_line(
    tmp_path_factory: pytest.TempPathFactory, noise: list[str], good: int
) -> None:
    """Whatever stands before them, the rows after the longest possible cell are read."""
    folder = tmp_path_factory.mktemp("in")
    rows = [ROW.replace("c-1", f"c-{i}") for i in range(60 + good)]
    lines = [",".join(GOOD), *noise, *rows]
    (folder / "calls.csv").write_bytes("\n".join(lines).encode())
    pulled = pull(folder)
    assert ids(pulled)[-good:] == [f"c-{i}" for i in range(60, 60 + good)][-good:] or good == 0
    assert all(isinstance(refusal, Refusal) and refusal.reason for refusal in pulled.refused)


@settings(max_examples=60)
@given(st.binary(max_size=200))
def test_any_bytes_are_a_list_or_a_clear_error(tmp_path_factory: pytest.TempPathFactory, content: bytes) -> None:
    folder = tmp_path_factory.mktemp("in")
    (folder / "calls.csv").write_bytes(",".join(GOOD).encode() + b"\n" + content)
    try:
        content.decode()
    except UnicodeDecodeError:
        assert "UTF-8" in source_error(folder)
    else:
        assert pull(folder).calls == ()


def test_excel_and_csv_are_the_same_list(tmp_path: Path) -> None:
    rows = [
        FULL,
        FULL | {"call_id": "c-2", "queue": ""},
        GOOD | {"call_id": "../x"},
        GOOD | {"call_id": "c-3", "direction": "?"},
    ]
    for kind in ("csv", "xlsx"):
        (tmp_path / kind).mkdir()
    write_csv(tmp_path / "csv", rows)
    write_xlsx(tmp_path / "xlsx", [list(FULL), *([row.get(column) or None for column in FULL] for row in rows)])
    from_csv, from_excel = (pull(tmp_path / kind, source="s") for kind in ("csv", "xlsx"))
    assert from_excel.calls == from_csv.calls
    assert [(r.row, r.call_id, r.reason) for r in from_excel.refused] == [
        (r.row, r.call_id, r.reason) for r in from_csv.refused
    ]


def test_excel_numbers_and_dates(tmp_path: Path) -> None:
    columns = [*GOOD, "ring_count", "customer_no", "登记日"]
    good = list(GOOD.values())
    write_xlsx(
        tmp_path,
        [
            columns,
            ["c-1", *good[1:4], 1023.0, 2.0, 4001234567, datetime(2026, 11, 1)],
            ["c-2", good[1], datetime(2026, 11, 1, 8), *good[3:], 2, None, None],
            ["c-3", *good[1:], 2, 123456789012345678, None],
            ["c-4", *good[1:], 2.5, None, None],
            [4, *good[1:], 2, None, None],
            ["c-5", *good[1:]],
        ],
    )
    book = openpyxl.load_workbook(tmp_path / "calls.xlsx")
    book.worksheets[0].cell(2, columns.index("customer_no") + 1).number_format = "000000000000"
    book.save(tmp_path / "calls.xlsx")
    pulled = pull(tmp_path)
    assert ids(pulled) == ["c-1", "4", "c-5"]
    call = pulled.calls[0]
    assert (call.agent_no, call.ring_count, call.customer_no) == ("1023", 2, "004001234567")
    assert call.extra == {"登记日": "2026-11-01T00:00:00"}
    reasons = {refusal.call_id: refusal.reason for refusal in pulled.refused}
    assert "没有时区" in reasons["c-2"]
    assert "超过 15 位" in reasons["c-3"]
    assert "1234" not in reasons["c-3"]
    assert "ring_count" in reasons["c-4"]


@pytest.mark.parametrize("content", [b"", b"call_id,recording\n", b"PK\x03\x04 broken"])
def test_a_workbook_that_is_none_is_a_clear_error(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "calls.xlsx").write_bytes(content)
    assert "calls.xlsx 不是可以读取的 Excel" in source_error(tmp_path)
