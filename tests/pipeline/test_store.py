import os
import stat
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from zhijian.models.records.dialogue import Dialogue, Role, Separation, Utterance, Voice, Word
from zhijian.models.records.recording import Recording
from zhijian.models.records.span import Span
from zhijian.pipeline.ledger.chain import append, verify
from zhijian.pipeline.ledger.entries import entries
from zhijian.pipeline.store import hearings, judgements, runs
from zhijian.pipeline.store.calls import (
    MAX_CRASHES,
    MAX_TRIES,
    Registered,
    State,
    begin,
    call_task,
    failed_try,
    postponed,
    recover,
    register,
    waiting,
)
from zhijian.pipeline.store.database import StoreError, open_database, writing
from zhijian.pipeline.store.tables import call_revisions, metadata, publications, scorecards
from zhijian.pipeline.store.tables import calls as calls_table
from zhijian.pipeline.store.tables import hearings as hearings_table
from zhijian.pipeline.store.tables import runs as runs_table

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=timezone(timedelta(hours=8)))
DIALOGUE = Dialogue(
    duration_ms=9000,
    separation=Separation.CHANNELS,
    engine="whisper-base int8",
    language="zh",
    utterances=(Utterance(Role.AGENT, Span(0, 800), "您好", 0.9, words=(Word("您好", Span(100, 700), 0.9),)),),
    voices=(Voice(Role.AGENT, Span(0, 800)),),
)


def sound(sha256="a" * 64):
    return Recording("audio/c1.wav", sha256, 8000, 72_000, 2)


def number(db, call_id):
    with db.connect() as conn:
        return conn.execute(sa.select(calls_table.c.id).where(calls_table.c.call_id == call_id)).scalar_one()


def state_of(db, call_id):
    return next(c for c in judgements.judged_calls(db, "s") if c.call.call_id == call_id).state


class TestOpening:
    def test_only_its_owner_may_read_a_new_file(self, tmp_path):
        engine = open_database(f"sqlite:///{tmp_path}/new/zhijian.db")
        with writing(engine) as conn:
            conn.execute(runs_table.insert().values(source="s", started_at=NOW))
            files = sorted((tmp_path / "new").iterdir())
            assert [f.name for f in files] == ["zhijian.db", "zhijian.db-shm", "zhijian.db-wal"]
            assert {stat.S_IMODE(f.stat().st_mode) for f in files} == {0o600}
        assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700
        engine.dispose()

    def test_a_confirmed_transaction_is_on_the_disk(self, tmp_path):
        engine = open_database(f"sqlite:///{tmp_path}/zhijian.db")
        with engine.connect() as conn:
            pragmas = [
                conn.exec_driver_sql(f"PRAGMA {p}").scalar() for p in ("journal_mode", "synchronous", "foreign_keys")
            ]
        assert pragmas == ["wal", 2, 1]
        engine.dispose()

    def test_the_migrations_create_the_tables_of_the_code(self, db):
        with db.connect() as conn:
            assert compare_metadata(MigrationContext.configure(conn), metadata) == []

    def test_the_books_of_the_first_version_are_upgraded(self, database_of, url, make_posting):
        with database_of("0001") as conn:
            append(conn, [make_posting(str(number)) for number in range(5)])
        upgraded = open_database(url)
        assert [entry.entry.source_id for entry in entries(upgraded)] == list("01234")
        assert verify(upgraded).sound
        with upgraded.connect() as conn:
            assert compare_metadata(MigrationContext.configure(conn), metadata) == []
        upgraded.dispose()

    def test_opening_again_keeps_what_is_there(self, db, url, make_call):
        register(db, [make_call("c1")])
        again = open_database(url)
        assert [t.call.call_id for t in waiting(again, "s")] == ["c1"]
        again.dispose()

    def test_several_processes_may_create_it_at_once(self, url):
        script = "import sys; from zhijian.pipeline.store.database import open_database; open_database(sys.argv[1])"
        started = [subprocess.Popen([sys.executable, "-c", script, url]) for _ in range(3)]
        assert [process.wait() for process in started] == [0, 0, 0]

    def test_a_file_that_is_no_database_is_named(self, tmp_path):
        (tmp_path / "zhijian.db").write_text("call_id,recording\n" * 100)
        with pytest.raises(StoreError, match=r"zhijian\.db 打不开:file is not a database"):
            open_database(f"sqlite:///{tmp_path}/zhijian.db")

    def test_a_place_that_cannot_be_written_is_named(self, tmp_path):
        (tmp_path / "file").touch()
        with pytest.raises(StoreError, match="打不开"):
            open_database(f"sqlite:///{tmp_path}/file/zhijian.db")

    def test_a_newer_database_is_not_touched(self, db, url):
        with writing(db) as conn:
            conn.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
        with pytest.raises(StoreError, match="另一版本"):
            open_database(url)

    @pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "zhijian.db", "nosuch://host/books"])
    def test_what_is_no_database_is_refused(self, url):
        with pytest.raises(StoreError):
            open_database(url)

    def test_a_password_is_not_shown(self):
        with pytest.raises(StoreError) as error:
            open_database("postgresql+psycopg://zhijian:geheim@127.0.0.1:1/books")
        assert "geheim" not in str(error.value)

    def test_errors_do_not_quote_customers(self, db, make_call):
        row = {"source": "s", "call_id": "c1", "content": make_call("c1", customer_no="13912345678")}
        with pytest.raises(sa.exc.IntegrityError) as error, writing(db) as conn:
            conn.execute(calls_table.insert().values(**row))
        assert "13912345678" not in str(error.value)
        assert "13912345678" not in repr(error.value)

    def test_an_exception_leaves_nothing_behind(self, db, make_call):
        def rows():
            yield make_call("c1")
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            register(db, rows())
        assert waiting(db, "s") == ()


class TestRegister:
    def test_a_row_is_new_once(self, db, make_call):
        rows = [make_call("c1"), make_call("c2")]
        assert register(db, rows) == Registered(("c1", "c2"), (), ())
        assert register(db, rows) == Registered((), (), ("c1", "c2"))

    def test_one_id_in_two_sources_is_two_calls(self, db, make_call):
        assert register(db, [make_call("c1"), make_call("c1", source="t")]).new == ("c1", "c1")
        assert [t.call.source for t in waiting(db, "t")] == ["t"]

    def test_a_changed_row_is_a_revision_and_starts_again(self, db, make_call, make_card):
        register(db, [make_call("c1")])
        judgements.judged(db, number(db, "c1"), make_card(make_call("c1")))
        assert register(db, [make_call("c1", ring_count=5)]) == Registered((), ("c1",), ())
        (task,) = waiting(db, "s")
        assert (task.revision, task.state, task.call.ring_count) == (2, State.PULLED, 5)
        with db.connect() as conn:
            history = conn.execute(sa.select(call_revisions).order_by(call_revisions.c.revision)).all()
        assert [(r.revision, r.content) for r in history] == [(1, make_call("c1")), (2, make_call("c1", ring_count=5))]

    def test_the_same_moment_on_another_local_day_is_a_change(self, db, make_call):
        call = make_call("c1", hour=1)
        register(db, [call])
        assert register(db, [replace(call, started_at=call.started_at.astimezone(UTC))]).revised == ("c1",)

    def test_a_row_comes_back_as_it_was(self, db, make_call):
        call = make_call("c1", customer_no="1", identity_verified=True, extra={"备注": "“引号”, 逗号"})
        register(db, [call])
        assert waiting(db, "s")[0].call == call


class TestAttempts:
    def test_calls_wait_by_time(self, db, make_call):
        register(db, [make_call("b", hour=9), make_call("c", hour=8), make_call("a", hour=9)])
        assert [t.call.call_id for t in waiting(db, "s")] == ["c", "a", "b"]

    def test_a_call_that_crashed_waits_behind_the_others(self, db, make_call):
        register(db, [make_call("bad", hour=8), make_call("good", hour=9)])
        begin(db, number(db, "bad"))
        recover(db, "s")
        assert [(t.call.call_id, t.crashes) for t in waiting(db, "s")] == [("good", 0), ("bad", 1)]

    def test_it_is_given_up_after_so_many_crashes(self, db, make_call):
        register(db, [make_call("bad")])
        for _ in range(MAX_CRASHES - 1):
            begin(db, number(db, "bad"))
            recover(db, "s")
            assert state_of(db, "bad") is State.PULLED
        begin(db, number(db, "bad"))
        recover(db, "s")
        assert waiting(db, "s") == ()
        assert state_of(db, "bad") is State.FAILED

    def test_a_closed_attempt_is_no_crash(self, db, make_call, make_card):
        register(db, [make_call("c1"), make_call("c2", hour=10)])
        begin(db, number(db, "c1"))
        failed_try(db, number(db, "c1"), "内存不足")
        begin(db, number(db, "c2"))
        judgements.judged(db, number(db, "c2"), make_card(make_call("c2", hour=10)))
        recover(db, "s")
        assert {t.call.call_id: (t.tries, t.crashes) for t in waiting(db, "s")} == {"c1": (1, 0), "c2": (0, 0)}

    def test_it_is_given_up_after_so_many_tries(self, db, make_call):
        register(db, [make_call("bad")])
        for i in range(MAX_TRIES):
            assert state_of(db, "bad") is State.PULLED
            failed_try(db, number(db, "bad"), f"第{i}次")
        (call,) = judgements.judged_calls(db, "s")
        assert (call.state, call.reason, call.scorecard) == (State.FAILED, "第2次", None)

    def test_another_source_s_open_attempt_is_no_crash(self, db, make_call):
        register(db, [make_call("c1")])
        begin(db, number(db, "c1"))
        recover(db, "t")
        assert waiting(db, "s")[0].crashes == 0

    def test_a_disk_that_does_not_answer_costs_no_try(self, db, make_call):
        register(db, [make_call("c1")])
        for _ in range(MAX_TRIES + MAX_CRASHES):
            begin(db, number(db, "c1"))
            postponed(db, number(db, "c1"), "录音暂时读不出来")
            recover(db, "s")
        assert [(t.state, t.tries, t.crashes) for t in waiting(db, "s")] == [(State.PULLED, 0, 0)]

    def test_a_revision_gets_all_its_tries_again(self, db, make_call):
        register(db, [make_call("bad")])
        for _ in range(MAX_TRIES):
            failed_try(db, number(db, "bad"), "坏")
        register(db, [make_call("bad", hour=10)])
        assert [(t.state, t.tries) for t in waiting(db, "s")] == [(State.PULLED, 0)]

    def test_an_unknown_call_is_an_error(self, db):
        with pytest.raises(StoreError, match="编号为 7 的通话"):
            begin(db, 7)
        with pytest.raises(StoreError, match="编号为 7 的通话"):
            call_task(db, 7)

    def test_one_call_can_be_asked_for(self, db, make_call):
        register(db, [make_call("c1"), make_call("c2")])
        assert call_task(db, number(db, "c2")) == waiting(db, "s")[1]


class TestHearings:
    def test_what_was_heard_comes_back(self, db, make_call):
        register(db, [make_call("c1")])
        assert hearings.find_hearing(db, "a" * 64, "engine 1") is None
        hearings.heard(db, number(db, "c1"), sound(), DIALOGUE, "engine 1", 2.5)
        found = hearings.find_hearing(db, "a" * 64, "engine 1")
        assert (found.recording, found.dialogue, found.hearing_s) == (sound(), DIALOGUE, 2.5)
        (task,) = waiting(db, "s")
        assert task.state is State.HEARD
        assert hearings.hearing_of(db, task.hearing) == found

    def test_calls_of_one_sound_share_the_hearing_and_are_duplicates(self, db, make_call):
        register(db, [make_call("c2"), make_call("c1"), make_call("c3"), make_call("c4", source="t")])
        for call_id, sha256 in (("c1", "a" * 64), ("c2", "a" * 64), ("c3", "b" * 64), ("c4", "b" * 64)):
            hearings.heard(db, number(db, call_id), sound(sha256), DIALOGUE, "engine 1", 1.0)
        with db.connect() as conn:
            assert conn.execute(sa.select(sa.func.count()).select_from(hearings_table)).scalar() == 2
        assert hearings.duplicates(db, "s") == (("c1", "c2"),)

    def test_another_engine_hears_for_itself(self, db, make_call):
        register(db, [make_call("c1")])
        hearings.heard(db, number(db, "c1"), sound(), DIALOGUE, "engine 1", 1.0)
        assert hearings.find_hearing(db, "a" * 64, "engine 2") is None

    def test_an_unknown_hearing_is_an_error(self, db):
        with pytest.raises(StoreError, match="编号为 3 的听写"):
            hearings.hearing_of(db, 3)


class TestJudgements:
    def test_the_latest_scorecard_counts_and_the_earlier_stay(self, db, make_call, make_card):
        call = make_call("c1")
        register(db, [call])
        hearings.heard(db, number(db, "c1"), sound(), DIALOGUE, "engine 1", 1.0)
        first = judgements.judged(db, number(db, "c1"), make_card(call, "80.0"))
        second = judgements.judged(db, number(db, "c1"), make_card(call, "90.0"))
        (seen,) = judgements.judged_calls(db, "s")
        assert (seen.scorecard, seen.state, seen.published) == (make_card(call, "90.0"), State.JUDGED, False)
        assert hearings.hearing_of(db, seen.hearing).dialogue == DIALOGUE
        with db.connect() as conn:
            kept = conn.execute(sa.select(scorecards.c.id, scorecards.c.content).order_by(scorecards.c.id)).all()
        assert [(r.id, str(r.content.score)) for r in kept] == [(first, "80.0"), (second, "90.0")]

    def test_a_scorecard_of_an_outdated_row_is_refused(self, db, make_call, make_card):
        register(db, [make_call("c1")])
        register(db, [make_call("c1", agent_no="1024")])
        with pytest.raises(StoreError, match="评分单与通话记录不符"):
            judgements.judged(db, number(db, "c1"), make_card(make_call("c1")))
        assert state_of(db, "c1") is State.PULLED

    def test_calls_are_listed_from_a_day_on(self, db, make_call):
        register(db, [make_call("old", day=19), make_call("late", day=21), make_call("new", day=20)])
        assert [c.call.call_id for c in judgements.judged_calls(db, "s", since=date(2026, 11, 20))] == ["new", "late"]

    def test_published_is_said_of_the_scorecard_that_is_shown(self, db, make_call, make_card):
        call = make_call("c1")
        register(db, [call])
        judgements.judged(db, number(db, "c1"), make_card(call))
        with writing(db) as conn:
            judgements.decide(
                conn, judgements.to_book(conn, "s", judgements.AgentDay("1023", call.day)), actor="machine", now=NOW
            )
        assert [(c.state, c.published) for c in judgements.judged_calls(db, "s")] == [(State.PUBLISHED, True)]
        register(db, [make_call("c1", ring_count=1)])
        assert [(c.state, c.published) for c in judgements.judged_calls(db, "s")] == [(State.PULLED, True)]
        judgements.judged(db, number(db, "c1"), make_card(call, "50.0"))
        assert [(c.state, c.published) for c in judgements.judged_calls(db, "s")] == [(State.JUDGED, False)]
        with db.connect() as conn:
            (decision,) = conn.execute(sa.select(publications)).all()
            still = judgements.published_of(conn, number(db, "c1"))
        assert (decision.actor, decision.decided_at) == ("machine", NOW)
        assert str(still.scorecard.score) == "95.0"


def test_a_run_without_an_end_was_killed(db):
    killed, done = runs.start_run(db, "s", NOW), runs.start_run(db, "s", NOW)
    runs.end_run(db, done, NOW + timedelta(hours=1), {"calls": 8})
    with db.connect() as conn:
        ended = {r.id: (r.ended_at, r.result) for r in conn.execute(sa.select(runs_table))}
    assert ended == {killed: (None, None), done: (NOW + timedelta(hours=1), '{"calls": 8}')}


def test_postgresql():
    if "TEST_POSTGRESQL_URL" not in os.environ:
        pytest.skip("PostgreSQL is not tested: TEST_POSTGRESQL_URL does not name a database that may be wiped")
    engine = open_database(os.environ["TEST_POSTGRESQL_URL"])
    assert engine.dialect.name == "postgresql"
    engine.dispose()
