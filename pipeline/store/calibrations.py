"""Calibration sessions: several people judge the same calls blind. What they say is added, never changed.

While a session is open, each reads only what he has said himself; when it is closed all read everything, and nobody
judges any more.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from zhijian.models.records.account import MACHINE
from zhijian.models.records.calibration import Verdict
from zhijian.models.records.scorecard import Outcome, Scorecard, Status
from zhijian.pipeline.store.database import StoreError
from zhijian.pipeline.store.tables import scorecards
from zhijian.pipeline.store.workbench_tables import calibration_calls, calibration_verdicts, calibrations


class CalibrationError(StoreError):
    """A session does not allow what was asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """A session: `scorecards` are the numbers of those whose calls are judged, `judged` says how many items each
    person has judged so far. `closed_at` is None while it is open.
    """

    id: int
    name: str
    opened_by: str
    opened_at: datetime
    closed_at: datetime | None
    scorecards: tuple[int, ...]
    judged: dict[str, int]


def open_calibration(
    conn: sa.Connection, name: str, of_scorecards: Collection[int], *, actor: str, now: datetime
) -> int:
    """Opens a session on the calls of these scorecards; returns its number. Needs a connection of `database.writing`.

    Raises CalibrationError for no scorecard, one that is not there, that has no items, or whose call is there twice.
    """
    if not of_scorecards:
        raise CalibrationError("校准需要至少一张评分单")
    found = conn.execute(
        sa.select(scorecards.c.id, scorecards.c.call, scorecards.c.content).where(scorecards.c.id.in_(of_scorecards))
    ).all()
    if unknown := set(of_scorecards) - {row.id for row in found}:
        raise CalibrationError(f"没有评分单 {_listed(unknown)}")
    if unscorable := [row.id for row in found if row.content.status is Status.UNSCORABLE]:
        raise CalibrationError(f"无法评分的通话不能校准:评分单 {_listed(unscorable)}")
    if len({row.call for row in found}) < len(of_scorecards):
        raise CalibrationError("同一通话在一次校准中只能有一张评分单")
    session = conn.execute(
        calibrations.insert().values(name=name, opened_by=actor, opened_at=now).returning(calibrations.c.id)
    ).scalar_one()
    conn.execute(calibration_calls.insert(), [{"calibration": session, "scorecard": row.id} for row in found])
    return session


def judge(conn: sa.Connection, session: int, verdicts: Iterable[Verdict], *, now: datetime) -> None:
    """Adds verdicts to an open session, all of them or, after an exception, none. Needs `database.writing`.

    Raises CalibrationError where the session is closed, for a scorecard or an item that is not in it, for a rater who
    is not a person, and for a second verdict of a rater on the same item of a call.
    """
    if calibration(conn, session).closed_at is not None:
        raise CalibrationError(f"校准 {session} 已结束,不能再评")
    cards = session_scorecards(conn, session)
    for verdict in verdicts:
        if verdict.rater == MACHINE:
            raise CalibrationError(f"{MACHINE} 是机器的名字,不能用作评审人")
        if verdict.scorecard not in cards:
            raise CalibrationError(f"校准 {session} 里没有评分单 {verdict.scorecard}")
        if verdict.item not in {item.id for item in cards[verdict.scorecard].items}:
            raise CalibrationError(f"评分单 {verdict.scorecard} 里没有项目 {verdict.item}")
        if _is_there(conn, session, verdict):
            raise CalibrationError(f"{verdict.rater} 已评过评分单 {verdict.scorecard} 的 {verdict.item},不能再改")
        conn.execute(
            calibration_verdicts.insert().values(
                calibration=session,
                scorecard=verdict.scorecard,
                item=verdict.item,
                rater=verdict.rater,
                outcome=verdict.outcome,
                judged_at=now,
            )
        )


def close_calibration(conn: sa.Connection, session: int, *, now: datetime) -> None:
    """Ends the judging and opens the verdicts to all. Needs `database.writing`. Raises CalibrationError if closed."""
    if calibration(conn, session).closed_at is not None:
        raise CalibrationError(f"校准 {session} 早已结束")
    conn.execute(calibrations.update().where(calibrations.c.id == session).values(closed_at=now))


def own_verdicts(conn: sa.Connection, session: int, rater: str) -> tuple[Verdict, ...]:
    """What one rater has said himself, at any time, by scorecard and item. Raises CalibrationError for no session."""
    calibration(conn, session)
    return _verdicts(conn, session, calibration_verdicts.c.rater == rater)


def all_verdicts(conn: sa.Connection, session: int) -> tuple[Verdict, ...]:
    """What all people said, by scorecard, item and rater. Raises CalibrationError while the session is open."""
    if calibration(conn, session).closed_at is None:
        raise CalibrationError(f"校准 {session} 尚未结束,各人的评定互不可见")
    return _verdicts(conn, session)


def session_scorecards(conn: sa.Connection, session: int) -> dict[int, Scorecard]:
    """The scorecards of a session by number."""
    rows = conn.execute(
        sa.select(scorecards.c.id, scorecards.c.content)
        .join_from(calibration_calls, scorecards, calibration_calls.c.scorecard == scorecards.c.id)
        .where(calibration_calls.c.calibration == session)
        .order_by(scorecards.c.id)
    )
    return {row.id: row.content for row in rows}


def calibration(conn: sa.Connection, session: int) -> Calibration:
    """The session with this number. Raises CalibrationError where there is none."""
    found = _calibrations(conn, calibrations.c.id == session)
    if not found:
        raise CalibrationError(f"没有校准 {session}")
    return found[0]


def being_calibrated() -> sa.Select[tuple[int]]:
    """The calls (row ids) that are in a calibration session that is open."""
    return (
        sa.select(scorecards.c.call)
        .join_from(calibration_calls, calibrations, calibration_calls.c.calibration == calibrations.c.id)
        .join(scorecards, scorecards.c.id == calibration_calls.c.scorecard)
        .where(calibrations.c.closed_at.is_(None))
    )


def is_being_calibrated(conn: sa.Connection, call: int) -> bool:
    """A call (row id) is in a session that is open: who rates it must not see what was judged before."""
    return conn.execute(sa.select(being_calibrated().where(scorecards.c.call == call).exists())).scalar_one()


def all_calibrations(conn: sa.Connection) -> tuple[Calibration, ...]:
    """All sessions, in the order in which they were opened."""
    return _calibrations(conn, sa.true())


def _calibrations(conn: sa.Connection, which: sa.ColumnElement[bool]) -> tuple[Calibration, ...]:
    rows = conn.execute(sa.select(calibrations).where(which).order_by(calibrations.c.id)).all()
    return tuple(
        Calibration(**row._asdict(), scorecards=_members(conn, row.id), judged=_judged(conn, row.id)) for row in rows
    )


def _members(conn: sa.Connection, session: int) -> tuple[int, ...]:
    table = calibration_calls.c
    return tuple(sorted(conn.execute(sa.select(table.scorecard).where(table.calibration == session)).scalars()))


def _judged(conn: sa.Connection, session: int) -> dict[str, int]:
    table = calibration_verdicts.c
    counts = sa.select(table.rater, sa.func.count().label("items")).where(table.calibration == session)
    return {row.rater: row.items for row in sorted(conn.execute(counts.group_by(table.rater)))}


def _verdicts(conn: sa.Connection, session: int, *which: sa.ColumnElement[bool]) -> tuple[Verdict, ...]:
    table = calibration_verdicts.c
    rows = conn.execute(
        sa.select(table.scorecard, table.item, table.rater, table.outcome).where(table.calibration == session, *which)
    )
    said = [Verdict(**row._asdict() | {"outcome": Outcome(row.outcome)}) for row in rows]
    return tuple(sorted(said, key=lambda one: (one.scorecard, one.item, one.rater)))


def _is_there(conn: sa.Connection, session: int, verdict: Verdict) -> bool:
    table = calibration_verdicts.c
    same = sa.exists().where(
        table.calibration == session,
        table.scorecard == verdict.scorecard,
        table.item == verdict.item,
        table.rater == verdict.rater,
    )
    return conn.execute(sa.select(same)).scalar_one()


def _listed(numbers: Iterable[int]) -> str:
    return "、".join(map(str, sorted(numbers)))
