"""Pull: an input folder to its calls, its roster, and everything that had to be refused, by name."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from zhijian.models.records.call import Call
from zhijian.models.records.roster import Roster
from zhijian.pipeline.stages import call_list, roster
from zhijian.pipeline.stages.call_list import RowRefused
from zhijian.pipeline.stages.cells import BadCell
from zhijian.pipeline.stages.table import Row, SourceError, Table, echo, printable, read_table

CALL_LISTS = ("calls.csv", "calls.xlsx")
ROSTER = "agents.csv"
AUDIO_SUFFIXES = frozenset({".wav", ".flac", ".mp3", ".ogg", ".oga", ".opus", ".m4a", ".aac"})
# An output folder may lie inside the input folder; its clips are not recordings.
OUTPUT_MARKS = frozenset({"run.json", "zhijian.db"})


@dataclass(frozen=True, slots=True)
class Refusal:
    """What is not judged, and why.

    `file`: name of the list, or path of a recording within the folder; `row`: line in the list (header = 1);
    `call_id`: as written in the row where it is valid, else shortened and masked; `reason`: Chinese, says how to mend
    it, never holds customer data. A recording's `file` may (people put telephone numbers into names).
    """

    file: str
    row: int | None
    call_id: str | None
    reason: str


@dataclass(frozen=True, slots=True)
class Pulled:
    """Calls in the order of the list; `agents` is None where there is no roster, or none of it can be used."""

    calls: tuple[Call, ...]
    refused: tuple[Refusal, ...]
    agents: Roster | None


def pull(folder: Path, *, calls_file: Path | None = None, source: str | None = None) -> Pulled:
    """Read the call list of `folder` (or `calls_file`), its roster, and look for recordings nobody listed.

    Every row is a call or a refusal. A listed recording is not opened here: hearing finds out whether it exists.
    `source` is whose the roster is and the first half of each call's identity, by default the URI of the resolved
    folder: name it where the folder may move.

    Raises:
        SourceError: no folder, no call list, two of them, or one that cannot be read as a table.
    """
    if not folder.is_dir():
        raise SourceError(f"输入文件夹不存在:{folder}")
    root = folder.resolve()
    source = source or root.as_uri()
    table = read_table(calls_file or _find_call_list(root), required=call_list.REQUIRED_COLUMNS)
    calls, refused = _sort_rows(table, root, source)
    agents, refused_agents = _read_agents(root, source)
    return Pulled(tuple(calls), (*refused, *_unlisted(root, table.rows), *refused_agents), agents)


def _find_call_list(root: Path) -> Path:
    found = [root / name for name in CALL_LISTS if (root / name).is_file()]
    if not found:
        raise SourceError(f"输入文件夹中没有 {' 或 '.join(CALL_LISTS)}")
    if len(found) > 1:
        raise SourceError(f"输入文件夹中同时有 {' 和 '.join(CALL_LISTS)},请只保留一个,或用 --calls 指明")
    return found[0]


def _sort_rows(table: Table, root: Path, source: str) -> tuple[list[Call], list[Refusal]]:
    calls: list[Call] = []
    refused: list[Refusal] = []
    repeated = call_list.repeated_ids(table.rows)
    for row in table.rows:
        reasons = [repeated[row.line]] if row.line in repeated else []
        try:
            call = call_list.parse_call(row, folder=root, source=source)
        except RowRefused as error:
            reasons.append(str(error))
        if reasons and row.last_line > row.line:  # perhaps a stray quote that swallowed other rows
            reasons.append(f"此行因单元格内换行延续至第 {row.last_line} 行")
        if reasons:
            refused.append(Refusal(table.file, row.line, _name(row), ";".join(reasons)))
        else:
            calls.append(call)
    return calls, refused


def _name(row: Row) -> str | None:
    text = row.cells.get("call_id", "")
    if not text:
        return None
    return text if call_list.is_call_id(text) else echo(text)


def _unlisted(root: Path, rows: tuple[Row, ...]) -> list[Refusal]:
    listed = {path for row in rows if (path := _listed_path(row)) is not None}
    return [
        Refusal(printable(path), None, None, "没有对应的通话记录,请在通话清单中补上一行")
        for path in _recordings(root)
        if path not in listed
    ]


def _listed_path(row: Row) -> str | None:
    try:
        return call_list.recording_path(row.cells.get("recording", ""))
    except BadCell:
        return None


def _recordings(root: Path) -> Iterator[str]:
    """Paths of the sound files within `root`, relative to it, in order; hidden and output folders left out."""
    for folder, folders, files in os.walk(root):
        here = Path(folder)
        if here != root and OUTPUT_MARKS & set(files):
            folders.clear()
            continue
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            if not name.startswith(".") and Path(name).suffix.lower() in AUDIO_SUFFIXES:
                yield (here / name).relative_to(root).as_posix()


def _read_agents(root: Path, source: str) -> tuple[Roster | None, list[Refusal]]:
    """The calls can be judged without a roster, so an unreadable one is refused like a row."""
    if not (root / ROSTER).is_file():
        return None, []
    try:
        table = read_table(root / ROSTER, required=roster.REQUIRED_COLUMNS)
    except SourceError as error:
        return None, [Refusal(ROSTER, None, None, str(error))]
    entries, reasons = roster.read_roster(table.rows)
    refused = [Refusal(ROSTER, line, None, reason) for line, reason in reasons.items()]
    return Roster(source=source, entries=entries) if entries else None, refused
