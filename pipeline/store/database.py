"""Opening the database: SQLite (WAL) by file, PostgreSQL by URL; both are brought to the newest version first."""

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError

MIGRATIONS = Path(__file__).parent / "migrations"
SQLITE_BUSY_MS = 60_000
_WRITERS_LOCK = 0x7A686A  # any number, the same in every process: the advisory lock of PostgreSQL's writers


class StoreError(RuntimeError):
    """The database cannot do what was asked; the message says what and, where there is one, the way out."""


def open_database(url: str) -> sa.Engine:
    """The database at an SQLAlchemy URL, e.g. `sqlite:////path/zhijian.db`, created or upgraded where need be.

    A new SQLite file is readable by its owner only (0600, folder 0700). Raises StoreError.
    """
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError:
        raise StoreError("数据库地址不能识别,应写成 sqlite:////folder/zhijian.db 这样") from None
    shown = parsed.render_as_string(hide_password=True)
    try:
        if parsed.get_backend_name() == "sqlite":
            _create_file(parsed.database)
        # parameters hold customer data: they must not get into error messages
        engine = sa.create_engine(parsed, hide_parameters=True)
        if engine.dialect.name == "sqlite":
            sa.event.listen(engine, "connect", _set_pragmas)
            sa.event.listen(engine, "begin", _begin_sqlite)
        _upgrade(engine)
    except CommandError as error:
        raise StoreError(f"数据库 {shown} 由另一版本的 zhijian 写成:{error}") from error
    except (sa.exc.SQLAlchemyError, ImportError, OSError) as error:
        raise StoreError(f"数据库 {shown} 打不开:{_cause(error)}") from error
    return engine


@contextmanager
def writing(engine: sa.Engine) -> Iterator[sa.Connection]:
    """One transaction that may write, one at a time over all processes; all of it or, after an exception, nothing."""
    try:
        with engine.connect() as conn:
            conn.execution_options(zhijian_writes=True)
            with conn.begin():
                if engine.dialect.name == "postgresql":
                    conn.execute(sa.select(sa.func.pg_advisory_xact_lock(_WRITERS_LOCK)))
                yield conn
    except sa.exc.OperationalError as error:
        raise StoreError(f"数据库写不进去:{_cause(error)}") from error


@contextmanager
def one_moment(engine: sa.Engine) -> Iterator[sa.Connection]:
    """A transaction whose questions all see the same state of the database, whoever writes meanwhile."""
    with engine.connect() as conn:
        if engine.dialect.name == "postgresql":
            conn.execution_options(isolation_level="REPEATABLE READ")
        yield conn


def _create_file(database: str | None) -> None:
    if database in (None, "", ":memory:"):
        raise StoreError("数据库须是一个文件,如 sqlite:////folder/zhijian.db")
    path = Path(str(database))
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


def _set_pragmas(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver must not begin transactions of its own: _begin_sqlite does
    connection.execute(f"PRAGMA busy_timeout = {SQLITE_BUSY_MS}")
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")  # a ledger does not lose what it has confirmed
    connection.execute("PRAGMA foreign_keys = ON")


def _begin_sqlite(conn: sa.Connection) -> None:
    # a writer takes its lock before it reads, else it could decide on what another one is changing
    conn.exec_driver_sql("BEGIN IMMEDIATE" if conn.get_execution_options().get("zhijian_writes") else "BEGIN")


def _upgrade(engine: sa.Engine) -> None:
    logging.getLogger("alembic").setLevel(logging.WARNING)
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    with engine.connect() as conn:
        if (
            MigrationContext.configure(conn).get_current_revision()
            == ScriptDirectory.from_config(config).get_current_head()
        ):
            return
    with writing(engine) as conn:
        config.attributes["connection"] = conn
        command.upgrade(config, "head")


def _cause(error: Exception) -> str:
    """What the driver says, without the SQL."""
    return str(getattr(error, "orig", None) or error)
