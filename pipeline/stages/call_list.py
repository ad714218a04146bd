"""The call list: rows of text to calls, or to the reasons why a row is refused."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from zhijian.models.records.call import CALL_ID, Call, Direction, Party
from zhijian.pipeline.stages.cells import BadCell, check_text, count, yes_no
from zhijian.pipeline.stages.table import Row, echo

# Columns the product does not know hold what people note down: longer, and over several lines.
MAX_EXTRA_CELL = 2_000
EXTRA_WHITESPACE = "\t\r\n"
MAX_FILE_NAME_BYTES = 255
YEARS = range(2000, 2100)


class RowRefused(Exception):
    """The message, Chinese, names every column that is wrong and how to mend it."""


def parse_call(row: Row, *, folder: Path, source: str) -> Call:
    """The call of one row; `folder` is the resolved input folder.

    Raises:
        RowRefused: naming all that is wrong with the row.
    """
    if row.problem:
        raise RowRefused(row.problem)
    values: dict[str, Any] = {}
    problems: list[str] = []
    for column, parse in COLUMNS.items():
        text = row.cells.get(column, "")
        try:
            if text:
                check_text(text)
                values[column] = parse(text)
            elif column in REQUIRED_COLUMNS:
                raise BadCell("不能为空")
        except BadCell as error:
            problems.append(f"{column} {error}")
    extra = {column: text for column, text in row.cells.items() if text and column not in COLUMNS}
    problems += _extra_problems(extra)
    if "recording" in values and not _stays_inside(folder, values["recording"]):
        problems.append("recording 经由链接指向文件夹之外,请把录音放进文件夹")
    if problems:
        raise RowRefused(";".join(problems))
    return Call(source=source, extra=extra, **values)


def repeated_ids(rows: Iterable[Row]) -> dict[int, str]:
    """Line → reason, for the rows whose call_id stands in other rows too.

    Of equal rows the first is kept; where rows differ nobody can say which one is right, so none is kept.
    """
    by_id: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        if row.cells.get("call_id"):
            by_id[row.cells["call_id"]].append(row)
    reasons: dict[int, str] = {}
    for same in by_id.values():
        first, *later = same
        if all(row.cells == first.cells for row in later):
            reasons |= {
                row.line: f"call_id 与第 {first.line} 行重复(内容相同,以第 {first.line} 行为准)" for row in later
            }
        else:
            reasons |= {row.line: _differing(row, same) for row in same}
    return reasons


def recording_path(text: str) -> str:
    """A recording's path as calls hold it: relative, `/` between the parts, no `.` and no `..`.

    Raises:
        BadCell: an absolute path, a path out of the folder or one of another system.
    """
    path = PurePosixPath(text)
    if "\\" in text:
        raise BadCell("须用 / 分隔文件夹,不能用反斜杠")
    if path.is_absolute() or PureWindowsPath(text).drive:
        raise BadCell("须为相对于输入文件夹的路径,不能是绝对路径")
    if ".." in path.parts:
        raise BadCell("不能含有 ..,录音须在输入文件夹之内")
    if not path.parts or any(len(part.encode()) > MAX_FILE_NAME_BYTES for part in path.parts):
        raise BadCell("不是有效的文件名")
    return str(path)


def is_call_id(text: str) -> bool:
    return bool(CALL_ID.fullmatch(text)) and set(text) != {"."}


def _call_id(text: str) -> str:
    if not is_call_id(text):
        raise BadCell(f"{echo(text)} 无效:只能用 1 至 64 个英文字母、数字、点、下划线和连字符")
    return text


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise BadCell(f"{echo(text)} 不是有效时间,应写成 2026-11-01T08:00:00+08:00") from None
    if moment.utcoffset() is None:
        raise BadCell(f"{echo(text)} 没有时区,应写成 2026-11-01T08:00:00+08:00(单元格设为文本)")
    if moment.year not in YEARS:
        raise BadCell(f"的年份不在 {YEARS.start} 至 {YEARS.stop - 1} 之内")
    return moment


def _direction(text: str) -> Direction:
    if text not in list(Direction):
        raise BadCell(f"{echo(text)} 应为 inbound 或 outbound")
    return Direction(text)


def _party(text: str) -> Party:
    if text not in list(Party):
        raise BadCell(f"{echo(text)} 应为 agent 或 customer")
    return Party(text)


COLUMNS: dict[str, Callable[[str], Any]] = {
    "call_id": _call_id,
    "recording": recording_path,
    "started_at": _moment,
    "direction": _direction,
    "agent_no": str,
    "queue": str,
    "customer_no": str,
    "ring_count": count,
    "hangup_side": _party,
    "scenario": str,
    "identity_verified": yes_no,
    "after_call_work_s": count,
    "survey_pushed": yes_no,
    "satisfaction": str,
}
REQUIRED_COLUMNS = ("call_id", "recording", "started_at", "direction", "agent_no")


def _extra_problems(extra: dict[str, str]) -> Iterator[str]:
    for column, text in extra.items():
        try:
            check_text(text, max_length=MAX_EXTRA_CELL, allowed=EXTRA_WHITESPACE)
        except BadCell as error:
            yield f"{echo(column)} 列{error}"


def _stays_inside(folder: Path, recording: str) -> bool:
    try:
        return (folder / recording).resolve().is_relative_to(folder)
    except (OSError, RuntimeError):  # links that lead in a circle
        return False


def _differing(row: Row, same: list[Row]) -> str:
    others = [str(other.line) for other in same if other.line != row.line]
    shown = "、".join(others[:5]) + (" 等" if len(others) > 5 else "")
    return f"call_id 与第 {shown} 行重复而内容不同,无法判断以哪一行为准,请只保留一行"
