"""The anchor file, the whole audit, and copies of the books."""

import json
import resource
import shutil
import sqlite3
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import pytest
import sqlalchemy as sa

from zhijian.pipeline.ledger import anchor
from zhijian.pipeline.ledger.audit import check_books
from zhijian.pipeline.ledger.chain import GENESIS, Head, append, hash_of, head
from zhijian.pipeline.ledger.entries import LedgerError, entries
from zhijian.pipeline.store.backup import backup, restore
from zhijian.pipeline.store.database import StoreError, writing
from zhijian.pipeline.store.tables import ledger_entries

NOW = datetime.fromisoformat("2026-12-03T02:00:00+08:00")


@pytest.fixture
def run(db, make_posting, tmp_path):
    """Books some entries and anchors the head, as a night does."""

    def run(count: int = 3) -> Head:
        first = head(db).count
        with writing(db) as conn:
            append(conn, [make_posting(str(first + i)) for i in range(count)])
        anchor.add(tmp_path / "anchor", head(db), NOW)
        return head(db)

    return run


class TestAnchor:
    def test_a_line_for_each_new_head(self, db, run, tmp_path):
        anchor.add(tmp_path / "anchor", head(db), NOW)
        heads = [Head(0, GENESIS), run(), run()]
        anchor.add(tmp_path / "anchor", head(db), NOW)
        assert list(anchor.read(tmp_path / "anchor").values()) == heads
        assert stat.S_IMODE((tmp_path / "anchor").stat().st_mode) == 0o600
        assert check_books(db, tmp_path / "anchor", anchored=True).sound

    def test_a_line_that_was_cut_short_is_passed_over(self, db, run, tmp_path):
        first = run()
        with (tmp_path / "anchor").open("a") as file:
            file.write('{"at": "2026-12-0')
        assert anchor.read(tmp_path / "anchor") == {1: first}
        second = run()
        assert anchor.read(tmp_path / "anchor") == {1: first, 3: second}

    @pytest.mark.parametrize("line", [b"{}", b'{"entries": "many", "head": "0"}', b"[1]}", b"\xff\xfe}"])
    def test_a_file_that_is_no_anchor_is_named(self, tmp_path, line):
        (tmp_path / "anchor").write_bytes(line + b"\n")
        with pytest.raises(LedgerError, match="第 1 行"):
            anchor.read(tmp_path / "anchor")

    def test_a_missing_file_that_was_asked_for_is_an_error(self, db, tmp_path):
        with pytest.raises(FileNotFoundError):
            check_books(db, tmp_path / "anchor", anchored=True)
        assert check_books(db, tmp_path / "anchor").sound

    @pytest.mark.parametrize("named", [True, False])
    def test_entries_without_any_anchored_head_are_not_proved(self, db, run, tmp_path, named):
        run()
        (tmp_path / "anchor").write_text("")
        if not named:
            (tmp_path / "anchor").unlink()
        found = check_books(db, tmp_path / "anchor", anchored=named)
        assert (found.chain.sound, found.sound) == (True, False)
        assert "没有锚文件" in str(found)

    def test_an_emptied_file_that_was_named_does_not_prove_an_emptied_ledger(self, db, tmp_path):
        (tmp_path / "anchor").write_text("")
        found = check_books(db, tmp_path / "anchor", anchored=True)
        assert (found.chain.sound, found.sound) == (True, False)

    def test_a_lost_head_is_named_by_its_line_of_the_file(self, db, run, tmp_path):
        run()
        with (tmp_path / "anchor").open("a") as file:
            file.write('{"at": "2026-12-0\n')
        anchor.add(tmp_path / "anchor", Head(9, "9" * 64), NOW)
        assert "锚文件第 3 行" in str(check_books(db, tmp_path / "anchor", anchored=True))


@pytest.fixture
def file(db, request):
    """The database file in the hands of another program, the guards taken off."""
    if db.dialect.name != "sqlite":
        pytest.skip("tampering is tried on the SQLite file")
    db.dispose()
    connection = sqlite3.connect(str(db.url.database))
    for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {name}")
    yield connection
    connection.close()


class TestAgainstTheAnchor:
    def test_a_cut_tail_is_found(self, db, run, file, tmp_path):
        run()
        last = run()
        file.execute("DELETE FROM ledger_entries WHERE seq > 4")
        file.commit()
        found = check_books(db, tmp_path / "anchor")
        assert (found.chain.sound, found.lost) == (True, anchor.Lost(2, last))
        assert "锚文件第 2 行" in str(found)

    def test_a_chain_that_was_rewritten_as_a_whole_is_found(self, db, run, file, tmp_path):
        first = run()
        file.execute("UPDATE ledger_entries SET points_credited_hundredths = 9900 WHERE seq = 1")
        prev_hash = GENESIS
        for seq in (1, 2, 3):
            file.execute("UPDATE ledger_entries SET prev_hash = ? WHERE seq = ?", (prev_hash, seq))
            file.commit()
            with db.connect() as conn:
                row = conn.execute(sa.select(ledger_entries).where(ledger_entries.c.seq == seq)).one()
            prev_hash = hash_of(row._asdict())
            file.execute("UPDATE ledger_entries SET hash = ? WHERE seq = ?", (prev_hash, seq))
            file.commit()
        found = check_books(db, tmp_path / "anchor")
        assert (found.chain.sound, found.lost) == (True, anchor.Lost(1, first))

    def test_an_edit_is_told_with_its_entry(self, db, run, file, tmp_path):
        run()
        file.execute("UPDATE ledger_entries SET actor = 'x' WHERE seq = 2")
        file.commit()
        found = check_books(db, tmp_path / "anchor")
        assert not found.sound
        assert "第 2 号分录" in str(found)
        assert json.dumps(found.as_json)


@pytest.fixture
def empty_url(db, tmp_path):
    """Where the books can be restored to; on PostgreSQL another database of the same server."""
    if db.dialect.name == "sqlite":
        yield f"sqlite:///{tmp_path}/restored/zhijian.db"
        return
    if shutil.which("pg_dump") is None:
        pytest.skip("pg_dump is not installed")
    with db.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        conn.exec_driver_sql(f"CREATE DATABASE {db.url.database}_restored")
    yield db.url.set(database=f"{db.url.database}_restored").render_as_string(hide_password=False)
    with db.connect().execution_options(isolation_level="AUTOCOMMIT") as conn:
        conn.exec_driver_sql(f"DROP DATABASE {db.url.database}_restored WITH (FORCE)")


@contextmanager
def full_disk() -> Iterator[None]:
    """As on a full disk: no file of this process can grow beyond 64 KB, which is less than the books take."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (64 * 1024, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


class TestBackup:
    def test_the_restored_books_are_the_same_and_hold_the_anchor(self, db, run, tmp_path, empty_url):
        run()
        backup(db, tmp_path / "copy")
        assert stat.S_IMODE((tmp_path / "copy").stat().st_mode) == 0o600
        restored = restore(tmp_path / "copy", empty_url)
        assert entries(restored) == entries(db)
        assert check_books(restored, tmp_path / "anchor", anchored=True).sound
        with pytest.raises((sa.exc.DatabaseError, StoreError), match="append-only"), writing(restored) as conn:
            conn.exec_driver_sql("DELETE FROM ledger_entries")
        restored.dispose()

    def test_a_copy_that_is_older_than_the_anchor_is_told(self, db, run, tmp_path, empty_url):
        run()
        backup(db, tmp_path / "copy")
        run()
        restored = restore(tmp_path / "copy", empty_url)
        assert check_books(restored, tmp_path / "anchor").lost is not None
        restored.dispose()

    def test_a_copy_that_is_made_while_others_write_is_one_moment(self, db, run, make_posting, tmp_path, empty_url):
        stop = threading.Event()

        def write() -> None:
            number = 1000
            while not stop.is_set():
                with writing(db) as conn:
                    append(conn, [make_posting(str(number + i)) for i in range(5)])
                number += 5

        writer = threading.Thread(target=write)
        run(200)
        writer.start()
        try:
            for number in range(5):
                backup(db, tmp_path / f"copy{number}")
        finally:
            stop.set()
            writer.join()
        restored = restore(tmp_path / "copy4", empty_url)
        found = check_books(restored, tmp_path / "anchor")
        assert found.sound
        assert found.chain.head.count % 5 == 0
        restored.dispose()

    def test_the_options_of_the_address_are_kept(self, db, tmp_path):
        if db.dialect.name == "sqlite":
            pytest.skip("an SQLite file has no address")
        nowhere = sa.create_engine(db.url.update_query_dict({"options": "-c nosuch_setting=1"}))
        with pytest.raises(StoreError, match="nosuch_setting"):
            backup(nowhere, tmp_path / "copy")

    @pytest.mark.parametrize(
        ("address", "said"),
        [
            ("u:secret@/d?host=/run/x&sslmode=require", {"host=/run/x", "user=u", "dbname=d", "sslmode=require"}),
            ("u@h/d?password=secret", {"host=h", "user=u", "dbname=d"}),
            ("u:secret@/d?host=a:1&host=b:2", {"host=a,b", "port=1,2", "user=u", "dbname=d"}),
        ],
    )
    def test_the_whole_address_is_said_but_the_password(self, tmp_path, monkeypatch, address, said):
        program = tmp_path / "pg_dump"
        program.write_text(f'#!/bin/sh\necho "$PGPASSWORD" > "{tmp_path}/env"\necho "$@" > "{tmp_path}/arguments"\n')
        program.chmod(0o700)
        monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
        monkeypatch.delenv("PGPASSWORD", raising=False)
        backup(sa.create_engine(f"postgresql+psycopg://{address}"), tmp_path / "copy")
        arguments = (tmp_path / "arguments").read_text()
        database = arguments.removeprefix("--dbname=").partition(" --")[0]
        assert set(database.split()) == said
        assert "secret" not in arguments
        assert (tmp_path / "env").read_text() == "secret\n"

    def test_nothing_is_overwritten(self, db, run, tmp_path):
        run()
        (tmp_path / "copy").write_text("precious")
        with pytest.raises(StoreError, match="不覆盖"):
            backup(db, tmp_path / "copy")
        (tmp_path / "copy").unlink()
        backup(db, tmp_path / "copy")
        with pytest.raises(StoreError, match="不覆盖"):
            restore(tmp_path / "copy", db.url.render_as_string(hide_password=False))
        assert len(entries(db)) == 3

    def test_a_full_disk_is_said_and_leaves_nothing(self, db, tmp_path, empty_url):
        if db.dialect.name != "sqlite":
            pytest.skip("pg_dump and pg_restore say it themselves")
        with full_disk(), pytest.raises(StoreError, match=rf"{tmp_path}/copy 写不进去.*磁盘空间"):
            backup(db, tmp_path / "copy")
        backup(db, tmp_path / "copy")
        with full_disk(), pytest.raises(StoreError, match=r"zhijian\.db 写不进去.*磁盘空间"):
            restore(tmp_path / "copy", empty_url)
        assert {path.name for path in tmp_path.iterdir()} == {"books", "copy", "restored"}
        assert list((tmp_path / "restored").iterdir()) == []

    def test_what_is_no_backup_is_refused_and_leaves_nothing(self, db, tmp_path, empty_url):
        (tmp_path / "copy").write_bytes(
            b"SQLite format 3\x00 and then nothing" if db.dialect.name == "sqlite" else b"?"
        )
        with pytest.raises(StoreError):
            restore(tmp_path / "copy", empty_url)
        if db.dialect.name == "sqlite":
            assert list((tmp_path / "restored").iterdir()) == []

    def test_a_backup_of_another_kind_of_database_is_refused(self, db, tmp_path):
        backup(db, tmp_path / "copy")
        other = "postgresql+psycopg://nobody@/nothing" if db.dialect.name == "sqlite" else f"sqlite:///{tmp_path}/x.db"
        with pytest.raises(StoreError, match="不是"):
            restore(tmp_path / "copy", other)
