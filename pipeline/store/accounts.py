"""The people of the workbench: accounts, passwords (argon2), sessions, and how often a login may fail."""

import hmac
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from hashlib import sha256
from threading import Semaphore
from typing import Any

import sqlalchemy as sa
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from zhijian.models.records.account import MACHINE, Account, UserRole
from zhijian.pipeline.store.database import StoreError, writing
from zhijian.pipeline.store.workbench_tables import accounts, holds, login_failures, sessions

PASSWORD_MIN = 10
SESSION_MAX = timedelta(hours=12)
SESSION_IDLE = timedelta(hours=2)
_SEEN_EVERY = timedelta(minutes=5)
# within WINDOW: of one name, so that a password cannot be guessed; of one address, so that many names cannot be tried
FAILURES_PER_NAME, FAILURES_PER_ADDRESS, WINDOW = 5, 30, timedelta(minutes=15)

_hasher = PasswordHasher()
_few_at_a_time = Semaphore(2)  # each takes 64 MB while it works


class LoginRefused(RuntimeError):
    """Chinese; says nothing of whether the name or the password was wrong."""


class TooManyFailures(LoginRefused):
    """Nobody may try this name, or from this address, for a while."""


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who has logged in. `csrf` has to come with everything that changes something."""

    account: Account
    csrf: str


def add_account(
    conn: sa.Connection,
    *,
    name: str,
    role: UserRole,
    now: datetime,
    password: str | None = None,
    agent_no: str | None = None,
    teams: tuple[str, ...] = (),
) -> Account:
    """Adds an account; one without a password comes in through the company's own sign-on only.

    Raises RecordError for what does not fit together, StoreError for a name that is taken, the machine's too, or a
    password that is short.
    """
    made = Account(id=0, name=name, role=role, agent_no=agent_no, teams=teams)
    if name == MACHINE:
        raise StoreError(f"{MACHINE} 是机器的名字,不能用作账号")
    if account_named(conn, name) is not None:
        raise StoreError(f"账号 {name} 已存在")
    row = {"name": made.name, "role": made.role.value, "agent_no": agent_no, "teams": list(teams), "active": True}
    hashed = None if password is None else _hashed(password)
    added = accounts.insert().values(row | {"password_hash": hashed, "created_at": now}).returning(accounts.c.id)
    return Account(id=conn.execute(added).scalar_one(), name=name, role=role, agent_no=agent_no, teams=teams)


def set_password(conn: sa.Connection, account: int, password: str) -> None:
    """Sets a new password and ends all sessions. Raises StoreError for a short one."""
    conn.execute(accounts.update().where(accounts.c.id == account).values(password_hash=_hashed(password)))
    conn.execute(sessions.delete().where(sessions.c.account == account))


def set_active(conn: sa.Connection, account: int, active: bool) -> None:
    """Locks an account out at once, or lets it in again; the calls that it had before it are free."""
    conn.execute(accounts.update().where(accounts.c.id == account).values(active=active))
    conn.execute(holds.delete().where(holds.c.account == account))
    conn.execute(sessions.delete().where(sessions.c.account == account))


def all_accounts(conn: sa.Connection) -> tuple[Account, ...]:
    """By name."""
    return tuple(_account(row) for row in conn.execute(sa.select(accounts).order_by(accounts.c.name)))


def account_named(conn: sa.Connection, name: str) -> Account | None:
    return _one(conn, accounts.c.name == name)


def account_of(conn: sa.Connection, id: int) -> Account | None:
    return _one(conn, accounts.c.id == id)


def log_in(engine: sa.Engine, name: str, password: str, *, address: str, now: datetime) -> Account:
    """The account of that name and password. Raises LoginRefused, TooManyFailures."""
    with writing(engine) as conn:
        _refuse_many_failures(conn, name, address, now)
        # counts until the password is found to fit, so that many tries at once are not all let through
        failure = {"name": name[:64], "address": address, "at_s": int(now.timestamp())}
        tried = conn.execute(login_failures.insert().values(failure).returning(login_failures.c.id)).scalar_one()
        row = conn.execute(sa.select(accounts).where(accounts.c.name == name, accounts.c.active)).one_or_none()
    nobodys = _nobodys_hash()  # whoever it is, so that the answer takes as long for each
    hashed = nobodys if row is None or row.password_hash is None else row.password_hash
    if not _fits(hashed, password) or row is None or row.password_hash is None:
        raise LoginRefused("账号或密码不对")
    with writing(engine) as conn:
        conn.execute(login_failures.delete().where(login_failures.c.id == tried))
    return _account(row)


def open_session(conn: sa.Connection, account: int, now: datetime) -> str:
    """A new session; returns its token, which is stored nowhere."""
    token = secrets.token_urlsafe(32)
    row = {"token_sha256": _digest(token), "account": account, "csrf": secrets.token_urlsafe(32)}
    conn.execute(sessions.insert().values(row | {"opened_at": now, "seen_at": now}))
    return token


def session_of(engine: sa.Engine, token: str, now: datetime) -> Session | None:
    """The session of a token; None where it has ended or its account is locked."""
    of_token = sessions.c.token_sha256 == _digest(token)
    with engine.connect() as conn:
        row = conn.execute(
            sa.select(accounts, sessions.c.csrf, sessions.c.opened_at, sessions.c.seen_at)
            .join_from(sessions, accounts, sessions.c.account == accounts.c.id)
            .where(of_token)
        ).one_or_none()
    if row is None or not row.active or now > row.opened_at + SESSION_MAX or now > row.seen_at + SESSION_IDLE:
        return None
    if now > row.seen_at + _SEEN_EVERY:
        with writing(engine) as conn:
            conn.execute(sessions.update().where(of_token).values(seen_at=now))
    return Session(_account(row), row.csrf)


def close_session(conn: sa.Connection, token: str) -> None:
    conn.execute(sessions.delete().where(sessions.c.token_sha256 == _digest(token)))


def same_secret(given: str, wanted: str) -> bool:
    """Compared in a time that tells nothing."""
    return hmac.compare_digest(given.encode(), wanted.encode())


def _refuse_many_failures(conn: sa.Connection, name: str, address: str, now: datetime) -> None:
    since = int((now - WINDOW).timestamp())
    conn.execute(login_failures.delete().where(login_failures.c.at_s < since))
    for column, value, most in (
        (login_failures.c.name, name[:64], FAILURES_PER_NAME),
        (login_failures.c.address, address, FAILURES_PER_ADDRESS),
    ):
        recent = sa.select(sa.func.count()).where(column == value, login_failures.c.at_s >= since)
        failed = conn.execute(recent).scalar_one()
        if failed >= most:
            raise TooManyFailures(f"失败次数过多,请 {int(WINDOW.total_seconds()) // 60} 分钟后再试")


def _hashed(password: str) -> str:
    if len(password) < PASSWORD_MIN:
        raise StoreError(f"密码至少 {PASSWORD_MIN} 个字符")
    return _hasher.hash(password)


@cache
def _nobodys_hash() -> str:
    """Of no password, verified where there is no such account."""
    return _hasher.hash(secrets.token_urlsafe())


def _fits(hashed: str, password: str) -> bool:
    try:
        with _few_at_a_time:
            return _hasher.verify(hashed, password)
    except (VerificationError, InvalidHashError):
        return False


def _digest(token: str) -> str:
    return sha256(token.encode()).hexdigest()


def _one(conn: sa.Connection, which: sa.ColumnElement[bool]) -> Account | None:
    row = conn.execute(sa.select(accounts).where(which)).one_or_none()
    return None if row is None else _account(row)


def _account(row: sa.Row[Any]) -> Account:
    return Account(
        id=row.id,
        name=row.name,
        role=UserRole(row.role),
        agent_no=row.agent_no,
        teams=tuple(row.teams),
        active=row.active,
    )
