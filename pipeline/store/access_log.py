"""Who looked at what, and who did what. Added only: the database itself refuses changes."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

import sqlalchemy as sa

from zhijian.pipeline.store.workbench_tables import access_log


class Action(StrEnum):
    LOGIN = "login"
    LOGIN_REFUSED = "login_refused"
    LOGOUT = "logout"
    VIEW = "view"
    UNMASK = "unmask"
    LISTEN = "listen"
    DECIDE = "decide"
    CORRECT = "correct"
    ASSIGN = "assign"
    APPEAL = "appeal"
    APPEAL_DECIDED = "appeal_decided"
    ACCOUNT = "account"
    READ_LOG = "read_log"


@dataclass(frozen=True, slots=True)
class Access:
    """`call` is the row id of the call that it is about; `detail` holds ids and names of items, no customer data."""

    id: int
    at: datetime
    actor: str
    action: Action
    call: int | None
    detail: str


def log(
    conn: sa.Connection, action: Action, *, actor: str, now: datetime, call: int | None = None, detail: str = ""
) -> None:
    """Adds to the log. The connection must come from `database.writing`."""
    row = {"at": now, "actor": actor, "action": action.value, "call": call, "detail": detail}
    conn.execute(access_log.insert().values(row))


def last_time(conn: sa.Connection, action: Action, *, actor: str, call: int) -> datetime | None:
    """When somebody last did this with a call."""
    which = (access_log.c.call == call, access_log.c.actor == actor, access_log.c.action == action.value)
    latest = sa.select(access_log.c.at).where(*which).order_by(access_log.c.id.desc()).limit(1)
    return conn.execute(latest).scalar_one_or_none()


def accesses(
    conn: sa.Connection, *, call: int | None = None, actor: str | None = None, limit: int, before: int | None = None
) -> tuple[Access, ...]:
    """The latest first, from `before` (an id) back; of a call or an actor where one is given."""
    which = [
        column == value
        for column, value in ((access_log.c.call, call), (access_log.c.actor, actor))
        if value is not None
    ]
    if before is not None:
        which.append(access_log.c.id < before)
    rows = conn.execute(sa.select(access_log).where(*which).order_by(access_log.c.id.desc()).limit(limit))
    return tuple(Access(row.id, row.at, row.actor, Action(row.action), row.call, row.detail) for row in rows)
