import csv
import json
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any

import psycopg
import pytest
import sqlalchemy as sa

from zhijian.models.records.codec import to_dict
from zhijian.models.records.points import EntryKind
from zhijian.pipeline.ledger.chain import GENESIS, Broken, Head, append, hash_of, head, verify
from zhijian.pipeline.ledger.entries import LedgerError, balance, entries, export_csv
from zhijian.pipeline.store.database import StoreError, open_database, writing
from zhijian.pipeline.store.tables import ledger_entries

CHINA = timezone(timedelta(hours=8))
NOW = datetime(2026, 11, 21, 2, 0, tzinfo=CHINA)
DAY = date(2026, 11, 20)


@pytest.fixture
def book_some(db, make_posting):
    def book_some(count: int = 6) -> None:
        with writing(db) as conn:
            append(conn, [make_posting(str(i)) for i in range(1, count + 1)])

    return book_some


class TestAppend:
    def test_entries_are_numbered_and_chained(self, db, make_posting):
        with writing(db) as conn:
            booked = append(conn, [make_posting("a"), make_posting("b")])
        assert [(e.seq, e.prev_hash) for e in booked] == [(1, GENESIS), (2, booked[0].hash)]
        assert entries(db) == booked
        assert head(db) == Head(2, booked[1].hash) == verify(db).head
        assert verify(db).sound

    def test_an_empty_ledger_is_sound(self, db):
        assert (head(db), verify(db).head, verify(db).first_broken) == (Head(0, GENESIS), Head(0, GENESIS), None)

    def test_an_entry_comes_back_as_it_was_booked(self, db, make_posting):
        sent = make_posting("a", "1.25", reason="日常质检 “5通”", posted_at=NOW.astimezone(CHINA))
        with writing(db) as conn:
            append(conn, [sent])
        (booked,) = entries(db)
        assert (booked.entry, booked.details) == (sent.entry, sent.details)
        assert booked.entry.posted_at.isoformat() == "2026-11-21T02:00:00+08:00"

    def test_a_repeat_is_skipped(self, db, book_some, make_posting):
        book_some(2)
        later = make_posting("1", posted_at=NOW + timedelta(days=1), actor="someone", points_credited=Decimal(0))
        with writing(db) as conn:
            booked = append(conn, [later, make_posting("2"), make_posting("3"), make_posting("3")])
        assert booked == entries(db)[2:]
        assert [e.entry.source_id for e in entries(db)] == ["1", "2", "3"]
        assert [e.entry.actor for e in entries(db)] == ["machine"] * 3

    @pytest.mark.parametrize(
        "other",
        [
            {"points": "1"},
            {"effective_day": DAY + timedelta(days=1)},
            {"reason": "别的"},
            {"details": {"source": "2"}},
        ],
    )
    def test_another_entry_of_the_same_source_is_an_error(self, db, other, book_some, make_posting):
        book_some(1)
        with pytest.raises(LedgerError, match="第 1 号分录来源相同"), writing(db) as conn:
            append(conn, [make_posting("2"), make_posting("1", **other)])
        assert len(entries(db)) == 1

    def test_points_are_exact(self, db, make_posting):
        with writing(db) as conn:
            append(conn, [make_posting(str(i), "0.1") for i in range(10)])
        assert balance(db) == Decimal(1)

    def test_balances_by_account_scheme_and_period(self, db, make_posting):
        with writing(db) as conn:
            append(
                conn,
                [
                    make_posting("1", "2"),
                    make_posting("2", "-0.5", account="1024"),
                    make_posting("3", "1", period="2026-12", effective_day=date(2026, 12, 1)),
                    make_posting("4", "4", scheme="work_points"),
                ],
            )
        assert balance(db) == Decimal("6.5")
        assert balance(db, "1023", "incentive", "2026-11") == 2
        assert balance(db, account="1024") == Decimal("-0.50")
        assert balance(db, scheme="work_points") == 4
        assert balance(db, period="2026-12") == 1
        assert balance(db, account="nobody") == 0
        assert [e.seq for e in entries(db, account="1023", scheme="incentive")] == [1, 3]


class TestTheDatabaseRefuses:
    @pytest.mark.parametrize(
        "statement",
        [
            "UPDATE ledger_entries SET actor = 'x' WHERE seq = 2",
            "UPDATE ledger_entries SET points_credited_hundredths = points_credited_hundredths",
            "DELETE FROM ledger_entries WHERE seq = 6",
            "DELETE FROM ledger_entries",
        ],
    )
    def test_changes(self, db, statement, book_some):
        book_some()
        before = entries(db)
        with pytest.raises((sa.exc.DatabaseError, StoreError), match="the ledger is append-only"), writing(db) as conn:
            conn.exec_driver_sql(statement)
        assert entries(db) == before

    @pytest.mark.parametrize("verb", ["INSERT", "INSERT OR REPLACE", "INSERT OR IGNORE"])
    @pytest.mark.parametrize("change", [{"seq": 3}, {"seq": 9}, {"source_id": "3"}, {"prev_hash": "f" * 64}])
    def test_what_does_not_follow_the_last_entry(self, db, verb, change, book_some):
        if db.dialect.name == "postgresql" and verb != "INSERT":
            verb = "INSERT"  # ON CONFLICT DO UPDATE meets the trigger against UPDATE
        book_some()
        before = entries(db)
        with db.connect() as conn:
            last = conn.execute(sa.select(ledger_entries).where(ledger_entries.c.seq == 6)).one()._asdict()
        row = last | {"seq": 7, "prev_hash": last["hash"], "source_id": "new"} | change
        insert = (
            ledger_entries.insert().prefix_with(verb.removeprefix("INSERT "))
            if " " in verb
            else ledger_entries.insert()
        )
        with pytest.raises(sa.exc.DBAPIError, match=r"append-only|unique|UNIQUE"), writing(db) as conn:
            conn.execute(insert.values(**row))
        assert entries(db) == before

    def test_truncating(self, db, book_some):
        if db.dialect.name != "postgresql":
            pytest.skip("SQLite has no TRUNCATE")
        book_some()
        with pytest.raises(sa.exc.DatabaseError, match="append-only"), writing(db) as conn:
            conn.exec_driver_sql("TRUNCATE ledger_entries")


@contextmanager
def behind_its_back(db: sa.Engine) -> Iterator[Any]:
    """The database in the hands of another program, the guards taken off."""
    if db.dialect.name == "sqlite":
        connection = sqlite3.connect(str(db.url.database))
        for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            connection.execute(f"DROP TRIGGER {name}")
        yield connection
        connection.commit()
        connection.close()
    else:
        with psycopg.connect(host=db.url.query["host"], user=db.url.username, dbname=db.url.database) as connection:
            connection.execute("ALTER TABLE ledger_entries DISABLE TRIGGER ALL")
            yield Statements(connection)


class Statements:
    """PostgreSQL's connection for statements written for SQLite."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self.connection = connection

    def execute(self, statement: str, parameters: tuple[Any, ...] = ()) -> None:
        self.connection.execute(statement.replace("?", "%s"), parameters)


class TestVerify:
    """Six entries; each test bends one of them."""

    @pytest.mark.parametrize("column", [c.name for c in ledger_entries.c if c.name not in ("seq", "prev_hash")])
    @pytest.mark.parametrize("seq", [1, 3, 6])
    def test_an_edit_is_found(self, db, column, seq, book_some):
        book_some()
        value = 150 if column.endswith(("_hundredths", "revision", "reverses")) else "2026-12-24"
        with behind_its_back(db) as file:
            file.execute(f"UPDATE ledger_entries SET {column} = ? WHERE seq = ?", (value, seq))
        assert verify(db).first_broken == Broken(seq, f"第 {seq} 号分录不是入账时的样子")
        assert verify(db).head.count == seq - 1

    def test_values_that_cannot_be_there_are_found(self, db, book_some):
        if db.dialect.name == "postgresql":
            pytest.skip("PostgreSQL's columns take their type only")
        book_some()
        with behind_its_back(db) as file:
            file.execute("UPDATE ledger_entries SET reason = x'ff00', details = 'no json', kind = 1.5 WHERE seq = 2")
        assert verify(db).first_broken.seq == 2

    def test_an_edit_with_its_hash_made_anew_is_found_at_the_next_entry(self, db, book_some):
        book_some()
        with db.connect() as conn:
            row = conn.execute(sa.select(ledger_entries).where(ledger_entries.c.seq == 3)).one()._asdict()
        row["points_credited_hundredths"] = 9900
        with behind_its_back(db) as file:
            file.execute("UPDATE ledger_entries SET points_credited_hundredths = 9900 WHERE seq = 3")
            file.execute("UPDATE ledger_entries SET hash = ? WHERE seq = 3", (hash_of(row),))
        assert verify(db).first_broken == Broken(4, "第 4 号分录接不上前一条")

    @pytest.mark.parametrize("seq", [1, 3, 5])
    def test_a_deletion_is_found(self, db, seq, book_some):
        book_some()
        with behind_its_back(db) as file:
            file.execute("DELETE FROM ledger_entries WHERE seq = ?", (seq,))
        assert verify(db).first_broken == Broken(seq, f"第 {seq} 号分录缺失")

    def test_a_deletion_with_the_rest_moved_up_is_found(self, db, book_some):
        book_some()
        with behind_its_back(db) as file:
            file.execute("DELETE FROM ledger_entries WHERE seq = 3")
            file.execute("UPDATE ledger_entries SET seq = seq - 1 WHERE seq > 3")
        assert verify(db).first_broken == Broken(3, "第 3 号分录接不上前一条")

    def test_an_insertion_is_found(self, db, book_some):
        book_some()
        with behind_its_back(db) as file:
            file.execute("UPDATE ledger_entries SET seq = -seq - 1 WHERE seq > 3")
            file.execute("UPDATE ledger_entries SET seq = -seq WHERE seq < 0")
            columns = ", ".join(c.name for c in ledger_entries.c if c.name not in ("seq", "source_id"))
            file.execute(f"INSERT INTO ledger_entries (seq, source_id, {columns}) "
                         f"SELECT 4, 'new', {columns} FROM ledger_entries WHERE seq = 3")  # fmt: skip
        assert verify(db).first_broken.seq == 4

    def test_a_forged_entry_at_the_end_is_found(self, db, book_some):
        book_some()
        with behind_its_back(db) as file:
            columns = ", ".join(c.name for c in ledger_entries.c if c.name not in ("seq", "source_id", "prev_hash"))
            file.execute(f"INSERT INTO ledger_entries (seq, source_id, prev_hash, {columns}) "
                         f"SELECT 7, 'new', hash, {columns} FROM ledger_entries WHERE seq = 6")  # fmt: skip
        assert verify(db).first_broken == Broken(7, "第 7 号分录不是入账时的样子")

    def test_a_swap_is_found(self, db, book_some):
        book_some()
        with behind_its_back(db) as file:
            for before, after in ((2, 99), (5, 2), (99, 5)):
                file.execute("UPDATE ledger_entries SET seq = ? WHERE seq = ?", (after, before))
        assert verify(db).first_broken == Broken(2, "第 2 号分录接不上前一条")

    def test_a_cut_tail_changes_the_head(self, db, book_some):
        book_some()
        kept = head(db)
        with behind_its_back(db) as file:
            file.execute("DELETE FROM ledger_entries WHERE seq > 4")
        assert verify(db).sound
        assert verify(db).head != kept


class TestExport:
    def test_every_column_of_every_entry(self, db, tmp_path, book_some, make_posting):
        book_some(2)
        with writing(db) as conn:
            append(conn, [make_posting("回", "-1.5", kind=EntryKind.REVERSAL, reverses=1)])
        export_csv(db, tmp_path / "ledger.csv")
        with open(tmp_path / "ledger.csv", encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
        assert list(rows[0]) == [c.name.removesuffix("_hundredths") for c in ledger_entries.c]
        assert [(r["seq"], r["points_raw"], r["points_credited"], r["reverses"]) for r in rows] == [
            ("1", "2.00", "2.00", ""),
            ("2", "2.00", "2.00", ""),
            ("3", "-1.50", "-1.50", "1"),
        ]
        assert [r["hash"] for r in rows] == [e.hash for e in entries(db)]
        assert json.loads(rows[2]["details"]) == {"source": "回"}
        assert stat.S_IMODE((tmp_path / "ledger.csv").stat().st_mode) == 0o600

    def test_a_failed_export_leaves_the_old_file(self, db, tmp_path, book_some):
        book_some(1)
        export_csv(db, tmp_path / "ledger.csv")
        before = (tmp_path / "ledger.csv").read_bytes()
        with writing(db) as conn:
            conn.exec_driver_sql("DROP TABLE ledger_entries")
        with pytest.raises(sa.exc.DatabaseError):
            export_csv(db, tmp_path / "ledger.csv")
        assert (tmp_path / "ledger.csv").read_bytes() == before
        assert [p.name for p in tmp_path.iterdir() if "ledger" in p.name] == ["ledger.csv"]


APPEND_100 = """
import sys
from zhijian.pipeline.ledger.chain import append
from zhijian.pipeline.ledger.entries import Posting
from zhijian.pipeline.store.database import open_database, writing
from zhijian.models.records.codec import from_dict
from zhijian.models.records.codec import to_dict
from zhijian.models.records.points import PointsEntry
import json
engine = open_database(sys.argv[1])
entry = json.loads(sys.argv[2])
for number in range(100):
    with writing(engine) as conn:
        append(conn, [Posting(from_dict(PointsEntry, entry | {"source_id": str(number)}), {"source": str(number)})])
"""


def test_processes_that_book_the_same_at_once(url, make_posting):
    engine = open_database(url)
    arguments = [sys.executable, "-c", APPEND_100, url, json.dumps(to_dict(make_posting().entry))]
    writers = [subprocess.Popen(arguments) for _ in range(2)]
    assert [writer.wait() for writer in writers] == [0, 0]
    assert sorted(int(e.entry.source_id) for e in entries(engine)) == list(range(100))
    assert verify(engine).sound
    engine.dispose()
