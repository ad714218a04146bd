"""The calls and how far each has come. Every function is one transaction.

    pulled ──► heard ──► judged ──► published | held
       └─────────┴─────────┴──► failed (after MAX_TRIES exceptions or MAX_CRASHES crashes)

A changed row of the call list is a new revision and starts again at `pulled`; what was published stays published, and
booked, until the new revision is booked.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa

from zhijian.models.records.call import Call
from zhijian.models.records.codec import to_dict
from zhijian.pipeline.store.database import StoreError, writing
from zhijian.pipeline.store.tables import call_revisions, calls, scorecards

MAX_TRIES = 3
MAX_CRASHES = 5


_tasks = sa.select(calls, sa.exists().where(scorecards.c.call == calls.c.id).label("known"))


class State(StrEnum):
    PULLED = "pulled"
    HEARD = "heard"
    JUDGED = "judged"
    PUBLISHED = "published"
    HELD = "held"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Registered:
    """Ids of the calls that were new, whose row had changed, and that were known as they are."""

    new: tuple[str, ...]
    revised: tuple[str, ...]
    unchanged: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CallTask:
    """A call that waits for its next stage.

    `hearing` is the id of what was heard in it, last: a revised call keeps it while it is `pulled` again.
    `known` says that the call had a scorecard before.
    """

    id: int
    call: Call
    revision: int
    state: State
    tries: int
    crashes: int
    hearing: int | None
    known: bool


def register(engine: sa.Engine, rows: Iterable[Call]) -> Registered:
    """Takes rows of a call list into the database: new calls, and new revisions of those whose row has changed."""
    found: dict[str, list[str]] = {"new": [], "revised": [], "unchanged": []}
    with writing(engine) as conn:
        for call in rows:
            found[_register(conn, call, _now())].append(call.call_id)
    return Registered(**{what: tuple(ids) for what, ids in found.items()})


def _register(conn: sa.Connection, call: Call, now: datetime) -> str:
    known = conn.execute(
        sa.select(calls.c.id, calls.c.revision, calls.c.content, calls.c.hearing).where(
            calls.c.source == call.source, calls.c.call_id == call.call_id
        )
    ).one_or_none()
    # compared as written: two times that are equal in different offsets are different local days
    if known is not None and to_dict(known.content) == to_dict(call):
        return "unchanged"
    fresh = {
        "revision": 1 if known is None else known.revision + 1,
        "content": call,
        "day": call.day,
        "state": State.PULLED,
        "tries": 0,
        "crashes": 0,
        "attempt_started_at": None,
        "reason": None,
        # the sound may be in an archive by now: what was heard in it is still true
        "hearing": known.hearing if known is not None and known.content.recording == call.recording else None,
        "updated_at": now,
    }
    if known is None:
        identity = {"source": call.source, "call_id": call.call_id, "first_seen_at": now}
        id = conn.execute(calls.insert().values(**identity, **fresh).returning(calls.c.id)).scalar_one()
    else:
        id = known.id
        conn.execute(calls.update().where(calls.c.id == id).values(**fresh))
    conn.execute(call_revisions.insert().values(call=id, revision=fresh["revision"], content=call, seen_at=now))
    return "new" if known is None else "revised"


def reopen(engine: sa.Engine, ids: Iterable[int]) -> None:
    """Sends calls back to be heard, with all their tries; what was said of them before stays on record."""
    with writing(engine) as conn:
        for id in ids:
            change(conn, id, state=State.PULLED, tries=0, crashes=0, reason=None, hearing=None)


def waiting(engine: sa.Engine, source: str) -> tuple[CallTask, ...]:
    """What a night has to work on: all that is neither published, held nor failed.

    Calls that have failed or crashed before come last, so that a recording that kills the process cannot block the
    others; then by the time of the call.
    """
    with engine.connect() as conn:
        rows = conn.execute(
            _tasks.where(calls.c.source == source, calls.c.state.in_((State.PULLED, State.HEARD, State.JUDGED)))
        )
        tasks = [_task(row) for row in rows]
    return tuple(sorted(tasks, key=lambda t: (t.crashes + t.tries, t.call.started_at, t.call.call_id)))


def call_task(engine: sa.Engine, id: int) -> CallTask:
    """How far one call has come. Raises StoreError for an unknown id."""
    with engine.connect() as conn:
        row = conn.execute(_tasks.where(calls.c.id == id)).one_or_none()
    if row is None:
        raise _unknown(id)
    return _task(row)


def begin(engine: sa.Engine, id: int) -> None:
    """Opens an attempt; `heard`, `judged` or `failed_try` close it.

    One that is still open when the next run starts was a crash.
    """
    with writing(engine) as conn:
        change(conn, id, attempt_started_at=_now())


def recover(engine: sa.Engine, source: str) -> None:
    """Counts the attempts that an earlier run over this source left open as crashes; too many, and a call is given up.

    To be called once, before a night begins.
    """
    with writing(engine) as conn:
        left_open = conn.execute(
            sa.select(calls.c.id, calls.c.crashes).where(
                calls.c.source == source, calls.c.attempt_started_at.is_not(None)
            )
        ).all()
        for row in left_open:
            crashes = row.crashes + 1
            reason = f"处理这通电话时程序中断 (第 {crashes} 次)"
            change(conn, row.id, crashes=crashes, attempt_started_at=None, reason=reason)
            if crashes >= MAX_CRASHES:
                change(conn, row.id, state=State.FAILED)


def failed_try(engine: sa.Engine, id: int, reason: str) -> None:
    """Closes an attempt that ended in an exception; after the last try the call is given up.

    `reason` is shown to users: Chinese, without customer data.
    """
    with writing(engine) as conn:
        tries = conn.execute(sa.select(calls.c.tries).where(calls.c.id == id)).scalar_one() + 1
        change(conn, id, tries=tries, attempt_started_at=None, reason=reason)
        if tries >= MAX_TRIES:
            change(conn, id, state=State.FAILED)


def postponed(engine: sa.Engine, id: int, reason: str) -> None:
    """Closes an attempt that says nothing of the call, e.g. because the disk of the recordings did not answer."""
    with writing(engine) as conn:
        change(conn, id, attempt_started_at=None, reason=reason)


def change(conn: sa.Connection, id: int, **values: object) -> None:
    """Sets columns of a call inside a caller's transaction. Raises StoreError for an unknown id."""
    changed = conn.execute(calls.update().where(calls.c.id == id).values(**values, updated_at=_now()))
    if changed.rowcount != 1:
        raise _unknown(id)


def _task(row: sa.Row[Any]) -> CallTask:
    return CallTask(row.id, row.content, row.revision, State(row.state), row.tries, row.crashes, row.hearing, row.known)


def _unknown(id: int) -> StoreError:
    return StoreError(f"数据库中没有编号为 {id} 的通话")


def _now() -> datetime:
    return datetime.now().astimezone()
