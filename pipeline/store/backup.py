"""A copy of the database while the night is writing to it, and the way back.

SQLite is copied by its own online backup, PostgreSQL by pg_dump and pg_restore: each sees one moment, whoever writes
meanwhile.
"""

import os
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import sqlalchemy as sa
from psycopg.conninfo import make_conninfo

from zhijian.pipeline.files import DRAFT
from zhijian.pipeline.store.database import StoreError, open_database

_SQLITE_HEADER = b"SQLite format 3\x00"


def backup(engine: sa.Engine, path: Path) -> None:
    """Writes the whole database into one file, readable by its owner only; it appears whole or not at all.

    Raises StoreError for a file that is there already or has no room, and OSError.
    """
    if path.exists():
        raise StoreError(f"{path} 已存在:备份不覆盖任何文件")
    with _draft(path) as draft:
        if engine.dialect.name == "sqlite":
            with closing(sqlite3.connect(str(engine.url.database))) as source:
                _copy(source, draft, path)
        else:
            _run("pg_dump", engine.url, "--format=custom", f"--file={draft}")


def restore(path: Path, url: str) -> sa.Engine:
    """Puts a backup where no database is yet, upgraded to this version, and opens it.

    Raises StoreError: no backup of this kind of database, something there that would be lost, or no room.
    """
    target = sa.make_url(url)
    with path.open("rb") as file:
        is_sqlite = file.read(len(_SQLITE_HEADER)) == _SQLITE_HEADER
    if is_sqlite != (target.get_backend_name() == "sqlite"):
        raise StoreError(f"{path} 不是 {target.get_backend_name()} 数据库的备份")
    if is_sqlite:
        _restore_sqlite(path, Path(str(target.database)))
    else:
        _restore_postgresql(path, target)
    return open_database(url)


def _restore_sqlite(path: Path, target: Path) -> None:
    # a -wal left behind belongs to the lost database, and would be played into the restored one
    for part in (target, *(target.with_name(target.name + end) for end in ("-wal", "-shm"))):
        if part.exists():
            raise StoreError(f"{part} 已存在:恢复不覆盖数据库,请先把它移走")
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _draft(target) as draft, closing(sqlite3.connect(path)) as source:
        if not _is_sound(source):
            raise StoreError(f"{path} 已损坏")
        _copy(source, draft, target)


def _is_sound(source: sqlite3.Connection) -> bool:
    try:
        return bool(source.execute("PRAGMA integrity_check").fetchone() == ("ok",))
    except sqlite3.DatabaseError:
        return False


def _copy(source: sqlite3.Connection, draft: Path, path: Path) -> None:
    """Fills the draft of `path`."""
    try:
        with closing(sqlite3.connect(draft)) as copy:
            source.backup(copy)
            copy.execute("PRAGMA journal_mode = DELETE")  # one file, without -wal and -shm beside it
    except sqlite3.Error as error:
        raise StoreError(f"{path} 写不进去({error}):请检查磁盘空间") from None


def _restore_postgresql(path: Path, target: sa.URL) -> None:
    engine = sa.create_engine(target, hide_parameters=True)
    try:
        if sa.inspect(engine).get_table_names():
            raise StoreError("目标数据库不是空的:恢复不覆盖数据库,请另建一个空库")
    except sa.exc.OperationalError:
        raise StoreError("目标数据库连接不上,请先建一个空库") from None
    finally:
        engine.dispose()
    _run("pg_restore", target, "--single-transaction", "--no-owner", str(path))


@contextmanager
def _draft(path: Path) -> Iterator[Path]:
    """A file that becomes `path` when the block ends well."""
    draft = path.with_name(f".{path.name}{DRAFT}")
    draft.unlink(missing_ok=True)
    try:
        os.close(os.open(draft, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))
        yield draft
        with draft.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def _run(program: str, url: sa.URL, *arguments: str) -> None:
    """Runs a program of PostgreSQL on a database; the password goes by the environment, where others cannot read it."""
    _, address = url.get_dialect()().create_connect_args(url)
    password = address.pop("password", None)  # of the address or of its options
    database = make_conninfo("", **address)
    env = os.environ | ({"PGPASSWORD": str(password)} if password else {})
    try:
        command = [program, f"--dbname={database}", *arguments]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        raise StoreError(f"找不到 {program}:请安装 PostgreSQL 的客户端程序") from None
    if done.returncode:  # further lines may quote rows
        raise StoreError(f"{program} 没有完成:{done.stderr.partition(chr(10))[0]}")
