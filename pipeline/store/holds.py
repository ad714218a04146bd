"""Who has a call before him: two people never work on one, and a call that was given to somebody waits for him."""

from datetime import datetime, timedelta

import sqlalchemy as sa

from zhijian.pipeline.store.workbench_tables import holds
from zhijian.pipeline.store.worklist import Choice, next_free

HOLD = timedelta(minutes=20)
"""How long a call is kept for somebody who does not answer any more; an open page asks again every few minutes."""


def take(conn: sa.Connection, call: int, account: int, now: datetime) -> bool:
    """Keeps a call for an account, or goes on keeping it; False where somebody else has it.

    The connection must come from `database.writing`.
    """
    held = conn.execute(sa.select(holds).where(holds.c.call == call)).one_or_none()
    if held is not None and held.account != account and _lasts(held.until_s, now):
        return False
    if held is None or held.account != account or held.until_s is not None:
        _put(conn, call, account, int((now + HOLD).timestamp()))
    return True


def take_next(conn: sa.Connection, choice: Choice, account: int, now: datetime, after: int | None = None) -> int | None:
    """Takes the most urgent call of a choice that is free, and lets go of `after`; None where nothing waits."""
    if after is not None:
        release(conn, after, account)
    call = next_free(conn, choice, account, int(now.timestamp()), after)
    if call is not None:
        take(conn, call, account, now)
    return call


def give(conn: sa.Connection, call: int, account: int) -> None:
    """Gives a call to an account until it is decided, whoever has it before him."""
    _put(conn, call, account, None)


def release(conn: sa.Connection, call: int, account: int | None = None) -> None:
    """Lets go of a call that an account has taken, but not of one that it was given; for all where none is named."""
    which = [holds.c.call == call]
    if account is not None:
        which += [holds.c.account == account, holds.c.until_s.is_not(None)]
    conn.execute(holds.delete().where(*which))


def holder(conn: sa.Connection, call: int, now: datetime) -> int | None:
    """The account that has a call before it now."""
    held = conn.execute(sa.select(holds).where(holds.c.call == call)).one_or_none()
    return held.account if held is not None and _lasts(held.until_s, now) else None


def _put(conn: sa.Connection, call: int, account: int, until_s: int | None) -> None:
    conn.execute(holds.delete().where(holds.c.call == call))
    conn.execute(holds.insert().values(call=call, account=account, until_s=until_s))


def _lasts(until_s: int | None, now: datetime) -> bool:
    return until_s is None or until_s > now.timestamp()
