"""The roster: who works where, and when."""

from collections.abc import Iterable
from datetime import date

from zhijian.models.records.roster import RosterEntry
from zhijian.pipeline.stages.cells import BadCell, check_text, yes_no
from zhijian.pipeline.stages.table import Row, echo

REQUIRED_COLUMNS = ("agent_no", "name", "team")


def read_roster(rows: Iterable[Row]) -> tuple[tuple[RosterEntry, ...], dict[int, str]]:
    """The entries, and line → reason (Chinese, without names) for the rows that are refused."""
    entries: dict[int, RosterEntry] = {}
    by_agent: dict[str, list[int]] = {}
    refused: dict[int, str] = {}
    for row in rows:
        try:
            entry = _entry(row)
            lines = by_agent.setdefault(entry.agent_no, [])
            clash = next((line for line in lines if entries[line].overlaps(entry)), None)
            if clash is not None:
                raise BadCell(f"同一坐席的日期与第 {clash} 行重叠(以第 {clash} 行为准),请用 from 和 to 分开")
        except BadCell as error:
            refused[row.line] = str(error)
        else:
            entries[row.line] = entry
            lines.append(row.line)
    return tuple(entries.values()), refused


def _entry(row: Row) -> RosterEntry:
    if row.problem:
        raise BadCell(row.problem)
    cells = row.cells
    for column in ("agent_no", "name", "team"):
        try:
            check_text(cells[column])
        except BadCell as error:
            raise BadCell(f"{column} {error}") from None
    if not cells["agent_no"]:
        raise BadCell("agent_no 不能为空")
    entry = RosterEntry(
        agent_no=cells["agent_no"],
        name=cells["name"],
        team=cells["team"],
        from_day=_day(cells, "from"),
        to_day=_day(cells, "to"),
        active=_active(cells),
    )
    if entry.from_day and entry.to_day and entry.from_day > entry.to_day:
        raise BadCell("from 晚于 to")
    return entry


def _day(cells: dict[str, str], column: str) -> date | None:
    text = cells.get(column, "")
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise BadCell(f"{column} {echo(text)} 不是有效日期,应写成 2026-11-01") from None


def _active(cells: dict[str, str]) -> bool:
    text = cells.get("active", "")
    try:
        return yes_no(text) if text else True
    except BadCell as error:
        raise BadCell(f"active {error}") from None
