"""Points that do not come from calls: tables of daily records and of figures, good rows booked, bad ones refused."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from hashlib import sha256
from pathlib import Path
from typing import TypeVar

import sqlalchemy as sa

from zhijian.models.records.figures import FIGURES, DayFigures
from zhijian.pipeline.ledger.figures import add_figures, settle_month
from zhijian.pipeline.ledger.months import closed_months
from zhijian.pipeline.ledger.records import Record, book_records, booked_shares
from zhijian.pipeline.ledger.scheme import Scheme
from zhijian.pipeline.stages.cells import BadCell, check_text, yes_no
from zhijian.pipeline.stages.table import Row, SourceError, echo, read_table
from zhijian.pipeline.store.database import writing
from zhijian.pipeline.store.roster import stored_roster

T = TypeVar("T")
IMPORT = "import"  # source_kind of what comes from tables


@dataclass(frozen=True, slots=True)
class Imported:
    """`posted` new, `repeated` known already; `refused`: line of the file (header = 1) and why, in Chinese."""

    posted: int
    repeated: int
    refused: tuple[tuple[int, str], ...]


def import_records(engine: sa.Engine, scheme: Scheme, path: Path, *, actor: str, now: datetime) -> Imported:
    """Books the rows of a table of daily records: agent_no, day, item; also id, points, main (yes | no), note.

    Rows of a task that share an id share the task: one of them is `main`. All good rows in one transaction.
    Raises SourceError for a file that cannot be read, StoreError.
    """
    table = read_table(path, required=("agent_no", "day", "item"))
    known = {entry.agent_no for entry in stored_roster(engine)}
    records, refused = _read(table.rows, lambda row: _record(row, scheme, known, now.date()))
    bad_ids = {row.cells.get("id", "") for row in table.rows if row.line in refused} - {""}
    with writing(engine) as conn:
        booked_tasks = booked_shares(conn, scheme, IMPORT, {record.source_id for record in records.values()})
        shared, problems = _with_shares(records, bad_ids, booked_tasks)
        booked = book_records(conn, scheme, list(shared.values()), source_kind=IMPORT, actor=actor, now=now)
    refused |= problems
    lines = list(shared)
    refused |= {lines[position]: reason for position, reason in booked.refused.items()}
    return Imported(len(booked.entries), booked.repeated, tuple(sorted(refused.items())))


def import_figures(engine: sa.Engine, schemes: Sequence[Scheme], path: Path, *, actor: str, now: datetime) -> Imported:
    """Stores the rows of a table of figures: agent_no, day, and columns named as in `FIGURES`; one row an agent's day.

    What they earn is booked when the month is closed; months that are closed already are settled anew.
    Raises SourceError for a file that cannot be read, StoreError.
    """
    table = read_table(path, required=("agent_no", "day"))
    if not FIGURES.keys() & set(table.columns):
        raise SourceError(f"{table.file} 没有指标列;可以有 {'、'.join(FIGURES)}")
    roster = stored_roster(engine)
    known = {entry.agent_no for entry in roster}
    figures, refused = _read(table.rows, lambda row: _figures(row, known, now.date()))
    first: dict[tuple[str, date], int] = {}
    for line, day in list(figures.items()):
        if (before := first.setdefault((day.agent_no, day.day), line)) != line:
            refused[line] = f"同一坐席同一天已在第 {before} 行(以第 {before} 行为准)"
            del figures[line]
    months = {day.day.strftime("%Y-%m") for day in figures.values()}
    with writing(engine) as conn:
        new = add_figures(conn, figures.values(), actor=actor, now=now)
        for scheme in schemes:
            for month in sorted(months & closed_months(conn, scheme.id)):
                settle_month(conn, scheme, month, roster, actor=actor, now=now)
    return Imported(new, len(figures) - new, tuple(sorted(refused.items())))


def _read(rows: Iterable[Row], read: Callable[[Row], T]) -> tuple[dict[int, T], dict[int, str]]:
    """What the rows say, by line, and why the others are refused."""
    good: dict[int, T] = {}
    refused: dict[int, str] = {}
    for row in rows:
        try:
            if row.problem:
                raise BadCell(row.problem)
            good[row.line] = read(row)
        except BadCell as error:
            refused[row.line] = str(error)
    return good, refused


def _record(row: Row, scheme: Scheme, known: set[str], today: date) -> Record:
    cells = row.cells
    account, day = _agent_day(cells, known, today)
    item = scheme.item(cells["item"])
    if item is None:
        raise BadCell(f"item {echo(cells['item'])} 不是{scheme.name}的项目编号")
    for column in ("id", "note"):
        check_text(cells.get(column, ""))
    main = cells.get("main", "")
    record = Record(
        source_id=cells.get("id", ""),
        account=account,
        item=item,
        day=day,
        points=_points(cells.get("points", "")),
        share=("main" if main and yes_no(main) else "other") if item.task else None,
        note=cells.get("note", ""),
    )
    return record if record.source_id else replace(record, source_id=_content_id(record))


def _with_shares(
    records: dict[int, Record], bad_ids: set[str], booked: Mapping[str, Mapping[str, str]]
) -> tuple[dict[int, Record], dict[int, str]]:
    """Who shares a task with whom: who is alone in it did it alone, of several one has to be the main one.

    A task with a refused row (`bad_ids`) waits as a whole: who shared it is not known. Those count who are `booked`
    for it already (source id -> account -> share); what they were booked for must not change by who joins them.
    """
    tasks: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for line, record in records.items():
        if record.share is not None:
            tasks[record.item.id, record.source_id].append(line)
    shared = dict(records)
    refused: dict[int, str] = {}
    for (_, source_id), lines in tasks.items():
        before = booked.get(source_id, {})
        people = {records[line].account for line in lines} | before.keys()
        mains = {records[line].account for line in lines if records[line].share == "main"}
        if len(people) == 1:
            told = {line: replace(records[line], share="alone") for line in lines}
        else:
            told = {line: records[line] for line in lines}
            mains |= {account for account, share in before.items() if share == "main"}
        now = {**before, **{record.account: record.share for record in told.values()}}
        if source_id in bad_ids:
            refused |= dict.fromkeys(lines, "同一项任务有未受理的行,改好后整项重新导入")
        elif any(now[account] != share for account, share in before.items()) or (
            len(people) > 1 and "alone" in before.values()
        ):
            refused |= dict.fromkeys(lines, "这项任务已入账,分工有变:请先冲销它的分录,再整项导入")
        elif len(people) > 1 and len(mains) != 1:
            reason = f"第 {'、'.join(map(str, lines))} 行合做一项任务,须有且只有一人 main 为 yes"
            refused |= dict.fromkeys(lines, reason)
        else:
            shared |= told
    return {line: record for line, record in shared.items() if line not in refused}, refused


def _figures(row: Row, known: set[str], today: date) -> DayFigures:
    agent_no, day = _agent_day(row.cells, known, today)
    figures = {name: _figure(name, row.cells[name]) for name in FIGURES if row.cells.get(name)}
    if not figures:
        raise BadCell("没有任何指标")
    return DayFigures(agent_no, day, figures)


def _agent_day(cells: dict[str, str], known: set[str], today: date) -> tuple[str, date]:
    agent_no = cells["agent_no"]
    if agent_no not in known:
        raise BadCell(f"agent_no {echo(agent_no)} 不在花名册(agents.csv)中")
    try:
        day = date.fromisoformat(cells["day"].removesuffix("T00:00:00"))  # Excel's dates have a time
    except ValueError:
        raise BadCell(f"day {echo(cells['day'])} 不是有效日期,应写成 2026-11-01") from None
    if day > today:
        raise BadCell(f"day {day.isoformat()} 还没有到")
    return agent_no, day


def _figure(name: str, text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise BadCell(f"{name} {echo(text)} 应为不小于 0 的整数,最多九位")
    return int(text)


def _points(text: str) -> Decimal | None:
    try:
        points = Decimal(text) if text else None
    except InvalidOperation:
        points = Decimal("NaN")
    if points is not None and not points.is_finite():
        raise BadCell(f"points {echo(text)} 不是数字")
    return points


def _content_id(record: Record) -> str:
    """For rows without an id: what they say, however it is written (T16 or its name, 3 or 3.0, a date of Excel's)."""
    points = record.item.points if record.points is None else record.points
    shown = "" if points is None else f"{points:.2f}"
    said = [record.account, record.day.isoformat(), record.item.id, shown, record.share or "", record.note]
    return "sha256:" + sha256("\x1f".join(said).encode()).hexdigest()[:32]
