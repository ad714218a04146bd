"""An input folder becomes calls and refusals: every row is one or the other, each refusal says what to do."""

import csv
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhijian.models.records.call import Direction, Party
from zhijian.pipeline.stages.pull import Pulled, pull
from zhijian.pipeline.stages.table import SourceError

CHINA = timezone(timedelta(hours=8))
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


def write_csv(folder: Path, rows: list[dict[str, str]], name: str = "calls.csv", encoding: str = "utf-8") -> None:
    columns = list(dict.fromkeys(column for row in rows for column in row))
    with (folder / name).open("w", encoding=encoding, newline="") as file:
        writer = csv.DictWriter(file, columns, restval="")
        writer.writeheader()
        writer.writerows(rows)


def ids(pulled: Pulled) -> list[str]:
    return [call.call_id for call in pulled.calls]


def test_a_full_row_is_typed_and_unknown_columns_are_kept(tmp_path: Path) -> None:
    write_csv(tmp_path, [FULL])
    pulled = pull(tmp_path)
    (call,) = pulled.calls
    assert pulled.refused == ()
    assert pulled.agents is None
    assert call.source == tmp_path.resolve().as_uri()
    assert call.started_at == datetime(2026, 11, 1, 8, tzinfo=CHINA)
    assert call.started_at.utcoffset() == timedelta(hours=8)
    assert (call.direction, call.hangup_side) == (Direction.INBOUND, Party.CUSTOMER)
    assert (call.ring_count, call.after_call_work_s) == (2, 0)
    assert (call.identity_verified, call.survey_pushed) == (True, False)
    assert (call.agent_no, call.customer_no, call.recording) == ("1023", "0012345678", "audio/c-1.wav")
    assert (call.queue, call.scenario, call.satisfaction) == ("停电", "报修", "满意")
    assert call.extra == {"线路": "二号"}


def test_empty_means_not_recorded(tmp_path: Path) -> None:
    write_csv(tmp_path, [{column: GOOD.get(column, " ") for column in FULL}])
    (call,) = pull(tmp_path).calls
    optional = (call.queue, call.customer_no, call.ring_count, call.hangup_side, call.identity_verified)
    assert optional == (None,) * 5
    assert call.extra == {}


def test_the_source_can_be_named(tmp_path: Path) -> None:
    write_csv(tmp_path, [GOOD])
    assert pull(tmp_path, source="sftp://recorder/calls").calls[0].source == "sftp://recorder/calls"


BAD_CELLS = [
    ("call_id", "../x", "call_id “../x”"),
    ("call_id", "..", "call_id “..”"),
    ("call_id", "通话1", "call_id"),
    ("call_id", "a" * 65, "call_id"),
    ("call_id", "", "call_id 不能为空"),
    ("recording", "", "recording 不能为空"),
    ("recording", "../other/a.wav", "recording 不能含有 .."),
    ("recording", "audio/../../a.wav", "recording 不能含有 .."),
    ("recording", "/etc/passwd", "相对"),
    ("recording", "C:/calls/a.wav", "相对"),
    ("recording", "audio\\a.wav", "反斜杠"),
    ("recording", ".", "不是有效的文件名"),
    ("recording", "长" * 100 + ".wav", "不是有效的文件名"),
    ("started_at", "", "started_at 不能为空"),
    ("started_at", "2026-13-01T08:00:00+08:00", "started_at"),
    ("started_at", "2026-11-01T08:00:00", "没有时区"),
    ("started_at", "2026-11-01", "没有时区"),
    ("started_at", "昨天", "started_at “昨天”"),
    ("started_at", "0001-01-01T00:00:00+08:00", "年份"),
    ("direction", "呼入", "inbound 或 outbound"),
    ("direction", "", "direction 不能为空"),
    ("agent_no", "", "agent_no 不能为空"),
    ("ring_count", "-1", "ring_count “-1”"),
    ("ring_count", "二", "ring_count"),
    ("ring_count", "２", "ring_count"),
    ("ring_count", "1.5", "ring_count"),
    ("after_call_work_s", "1e3", "after_call_work_s"),
    ("hangup_side", "both", "agent 或 customer"),
    ("identity_verified", "true", "yes 或 no"),
    ("survey_pushed", "是", "yes 或 no"),
    ("customer_no", "x" * 201, "customer_no 过长"),
    ("agent_no", "10\u200b23", "agent_no 含有"),
    ("queue", "一\n二", "queue 含有"),
    ("scenario", "a\x00b", "scenario 含有"),
    ("线路", "x" * 2001, "“线路” 列过长"),
    ("线路", "a\x1bb", "“线路” 列含有"),
]


@pytest.mark.parametrize(("column", "value", "reason"), BAD_CELLS)
def test_a_bad_cell_refuses_its_row_by_name_and_no_other(tmp_path: Path, column: str, value: str, reason: str) -> None:
    before, after = FULL | {"call_id": "before"}, FULL | {"call_id": "after"}
    write_csv(tmp_path, [before, FULL | {column: value}, after])
    pulled = pull(tmp_path)
    assert ids(pulled) == ["before", "after"]
    (refusal,) = pulled.refused
    assert (refusal.file, refusal.row) == ("calls.csv", 3)
    assert reason in refusal.reason
    if column != "call_id":
        assert refusal.call_id == "c-1"


def test_all_that_is_wrong_with_a_row_is_said_at_once(tmp_path: Path) -> None:
    write_csv(tmp_path, [FULL | {"started_at": "bald", "direction": "in", "ring_count": "x"}])
    (refusal,) = pull(tmp_path).refused
    assert all(column in refusal.reason for column in ("started_at", "direction", "ring_count"))


def test_an_id_that_is_none_is_still_named(tmp_path: Path) -> None:
    write_csv(tmp_path, [GOOD | {"call_id": "../x"}])
    assert pull(tmp_path).refused[0].call_id == "“../x”"


@pytest.mark.parametrize("column", [column for column in FULL if column not in ("call_id", "agent_no")])
def test_customer_data_in_any_column_is_not_repeated(tmp_path: Path, column: str) -> None:
    """Cells slip into other columns; a telephone number must not get into messages from there."""
    number = "13812345678"
    write_csv(tmp_path, [FULL | {"customer_no": number, "direction": "x", column: number + "\x01"}])
    (refusal,) = pull(tmp_path).refused
    assert "138" not in str(refusal)
    write_csv(tmp_path, [FULL | {"customer_no": number, "queue": "x" * 300, column: number}])
    assert all("138" not in str(refusal) for refusal in pull(tmp_path).refused)


def test_equal_rows_count_once_and_differing_rows_not_at_all(tmp_path: Path) -> None:
    write_csv(
        tmp_path,
        [
            GOOD,
            GOOD | {"call_id": "twice"},
            GOOD | {"call_id": "differs"},
            GOOD | {"call_id": "twice"},
            GOOD | {"call_id": "differs", "agent_no": "2"},
            GOOD | {"call_id": "half", "agent_no": "3"},
            GOOD | {"call_id": "half", "agent_no": ""},
        ],
    )
    pulled = pull(tmp_path)
    assert ids(pulled) == ["c-1", "twice"]
    assert [(r.row, r.call_id) for r in pulled.refused] == [
        (4, "differs"),
        (5, "twice"),
        (6, "differs"),
        (7, "half"),
        (8, "half"),
    ]
    reasons = {refusal.row: refusal.reason for refusal in pulled.refused}
    assert "第 6 行重复而内容不同" in reasons[4]
    assert "以第 3 行为准" in reasons[5]
    assert "agent_no 不能为空" in reasons[8]


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path) -> None:
    folder = tmp_path / "in"
    (folder / "audio").mkdir(parents=True)
    (tmp_path / "secret.wav").write_bytes(b"x")
    (folder / "audio" / "file.wav").symlink_to(tmp_path / "secret.wav")
    (folder / "outside").symlink_to(tmp_path)
    (folder / "audio" / "circle.wav").symlink_to("circle.wav")
    (folder / "audio" / "real.wav").write_bytes(b"x")
    (folder / "audio" / "alias.wav").symlink_to("real.wav")
    paths = ["audio/file.wav", "outside/secret.wav", "audio/circle.wav", "audio/real.wav", "audio/alias.wav"]
    write_csv(folder, [GOOD | {"call_id": f"c{i}", "recording": path} for i, path in enumerate(paths)])
    pulled = pull(folder)
    assert ids(pulled) == ["c3", "c4"]
    assert [refusal.call_id for refusal in pulled.refused] == ["c0", "c1", "c2"]
    assert "链接" in pulled.refused[0].reason


def test_a_missing_recording_is_a_matter_of_hearing(tmp_path: Path) -> None:
    write_csv(tmp_path, [GOOD])
    assert not (tmp_path / "audio").exists()
    assert ids(pull(tmp_path)) == ["c-1"]


def test_recordings_without_a_row_are_named(tmp_path: Path) -> None:
    for name in ("audio/c-1.wav", "audio/c-2.wav", "audio/x.WAV", "audio/deep/y.opus", "readme.txt", ".hidden/z.wav"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    for name in ("out/clips/clip.wav", "out/run.json"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    write_csv(
        tmp_path,
        [
            GOOD | {"recording": "./audio//c-1.wav"},
            GOOD | {"call_id": "c-2", "recording": "audio/c-2.wav", "direction": "?"},
        ],
    )
    pulled = pull(tmp_path)
    assert ids(pulled) == ["c-1"]
    unlisted = [refusal for refusal in pulled.refused if refusal.row is None]
    assert [refusal.file for refusal in unlisted] == ["audio/x.WAV", "audio/deep/y.opus"]
    assert all("没有对应的通话记录" in refusal.reason for refusal in unlisted)


def test_names_that_cannot_be_written_down_are_still_reported(tmp_path: Path) -> None:
    write_csv(tmp_path, [GOOD])
    Path(tmp_path, b"\xc2\xbc\n\xd2\xf4.wav".decode("utf-8", "surrogateescape")).write_bytes(b"x")
    (refusal,) = pull(tmp_path).refused
    assert refusal.file.encode("utf-8").endswith(b".wav")
    assert "\n" not in refusal.file


def source_error(folder: Path, **options: Any) -> str:
    with pytest.raises(SourceError) as error:
        pull(folder, **options)
    return str(error.value)


def test_a_folder_without_one_readable_list_is_an_error(tmp_path: Path) -> None:
    assert "不存在" in source_error(tmp_path / "nowhere")
    assert "没有 calls.csv" in source_error(tmp_path)
    (tmp_path / "calls.csv").write_bytes(b"")
    assert "表头" in source_error(tmp_path)
    write_csv(tmp_path, [{column: text for column, text in GOOD.items() if column not in ("agent_no", "direction")}])
    assert "direction、agent_no" in source_error(tmp_path)
    (tmp_path / "calls.csv").write_text(",".join([*GOOD, "queue", "queue"]) + "\n")
    assert "queue 出现了不止一次" in source_error(tmp_path)
    write_csv(tmp_path, [GOOD, GOOD | {"call_id": "c-2", "agent_no": "工号"}], encoding="gbk")
    assert "第 3 行起" in source_error(tmp_path)
    write_csv(tmp_path, [GOOD])
    (tmp_path / "calls.xlsx").touch()
    assert "--calls" in source_error(tmp_path)
    assert "找不到 other.csv" in source_error(tmp_path, calls_file=tmp_path / "other.csv")


def test_a_list_with_a_header_only_is_an_empty_night(tmp_path: Path) -> None:
    (tmp_path / "calls.csv").write_text(",".join(GOOD) + "\n")
    assert pull(tmp_path) == Pulled((), (), None)


def test_the_list_may_lie_elsewhere(tmp_path: Path) -> None:
    folder = tmp_path / "recordings"
    folder.mkdir()
    write_csv(tmp_path, [GOOD, GOOD | {"call_id": "c-2", "direction": "?"}], name="monday.csv")
    pulled = pull(folder, calls_file=tmp_path / "monday.csv")
    assert ids(pulled) == ["c-1"]
    assert pulled.refused[0].file == "monday.csv"


anything = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
CELLS = {
    column: st.one_of(st.just(good), st.just(good), anything, st.sampled_from(["../x", "a", '"', ",", "\n", " ", "٣"]))
    for column, good in FULL.items()
}


@settings(max_examples=150)
@given(st.lists(st.fixed_dictionaries(CELLS), max_size=6))
def test_every_row_is_a_call_or_a_refusal(tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, str]]) -> None:
    folder = tmp_path_factory.mktemp("in")
    (folder / "calls.csv").write_text(",".join(FULL) + "\n", encoding="utf-8")
    with (folder / "calls.csv").open("a", encoding="utf-8", newline="") as file:
        csv.DictWriter(file, list(FULL)).writerows(rows)
    pulled = pull(folder)
    written = [row for row in rows if any(text.strip() for text in row.values())]
    assert len(pulled.calls) + len(pulled.refused) == len(written)
    refused_lines = [refusal.row for refusal in pulled.refused]
    assert len(set(refused_lines)) == len(refused_lines)
    assert len(set(ids(pulled))) == len(pulled.calls)
    assert set(ids(pulled)) <= {row["call_id"].strip() for row in written}
