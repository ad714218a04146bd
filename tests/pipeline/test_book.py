import itertools
import signal
import subprocess
import sys
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
import sqlalchemy as sa

from zhijian.models.records.roster import RosterEntry
from zhijian.pipeline.ledger.chain import verify
from zhijian.pipeline.ledger.entries import balance, entries
from zhijian.pipeline.ledger.scheme import load_scheme
from zhijian.pipeline.stages.book import Booked, book, close
from zhijian.pipeline.store.calls import State, register, waiting
from zhijian.pipeline.store.database import open_database
from zhijian.pipeline.store.judgements import judged, judged_calls
from zhijian.pipeline.store.tables import publications

SCHEMES = [load_scheme("incentive")]
ROSTER = [RosterEntry(agent_no="1023", name="", team="一班")]
NOW = datetime(2026, 11, 21, 2, 0, tzinfo=timezone(timedelta(hours=8)))


def run(db, source="s") -> Booked:
    return book(db, source, SCHEMES, actor="machine", now=NOW)


@pytest.fixture
def judge(db, make_card):
    """Takes calls into the database and judges them."""

    def judge(*calls, score="95.0", **how) -> None:
        register(db, calls)
        ids = {(task.call.source, task.call.call_id): task.id for c in calls for task in waiting(db, c.source)}
        for call in calls:
            judged(db, ids[call.source, call.call_id], make_card(call, score, **how))

    return judge


def day_of(make_call, count=5, prefix="c", **more):
    return [make_call(f"{prefix}{i}", **more) for i in range(1, count + 1)]


def states(db) -> dict[str, State]:
    return {c.call.call_id: c.state for c in judged_calls(db, "s")}


def booked(db) -> list[tuple]:
    return [(e.entry.kind, e.entry.source_id, int(e.entry.points_credited)) for e in entries(db)]


DECEMBER = NOW.replace(month=12)


class TestScatteredCalls:
    """Days with fewer than five calls wait for the end of the month."""

    def test_they_count_together_when_the_month_is_closed(self, db, make_call, judge):
        judge(*day_of(make_call, 5))
        judge(*day_of(make_call, 4, "d", day=21), score="91.0")
        judge(make_call("e1", day=30), score="100.0")
        judge(*day_of(make_call, 4, "f", agent_no="1024"))
        run(db)
        assert booked(db) == [("post", "1023/2026-11-20", 2)]
        close(db, SCHEMES[0], "2026-11", ROSTER, actor="leader", now=DECEMBER)
        assert booked(db)[1:] == [("post", "1023/2026-11", 1)]
        assert entries(db)[1].entry.reason == "日常质检 2026-11 零散5通 均分92.80"
        assert len(entries(db)[1].details["scorecards"]) == 5

    def test_a_call_that_is_published_after_the_closing_is_settled_in_the_next_month(self, db, make_call, judge):
        judge(*day_of(make_call, 3), *day_of(make_call, 3, "d", day=21))
        run(db)
        close(db, SCHEMES[0], "2026-11", ROSTER, actor="leader", now=DECEMBER)
        judge(make_call("late", day=22), score="60.0")
        run(db)
        assert [(e.entry.period, e.entry.kind, e.entry.points_credited) for e in entries(db)] == [
            ("2026-11", "post", 2),
            ("2026-12", "reversal", -2),
            ("2026-12", "post", 1),
        ]
        judge(*day_of(make_call, 2, "more", day=22), *day_of(make_call, 2, "yet", day=22, hour=10), score="95.0")
        run(db)
        assert [e.entry.points_credited for e in entries(db)[3:]] == [-1, 2]
        assert {e.entry.source_id for e in entries(db)} == {"1023/2026-11"}
        assert verify(db).sound


def test_a_day_is_published_and_posted_once(db, make_call, judge):
    judge(*day_of(make_call))
    assert run(db) == Booked(published=5, held=0, posted=1, reversed=0)
    assert set(states(db).values()) == {State.PUBLISHED}
    assert booked(db) == [("post", "1023/2026-11-20", 2)]
    assert run(db) == Booked(0, 0, 0, 0)
    assert len(booked(db)) == 1


def test_what_a_person_has_to_see_is_held_and_does_not_count(db, make_call, judge):
    judge(*day_of(make_call, 4))
    judge(make_call("doubt"), doubt=True)
    judge(make_call("veto"), veto=True)
    judge(make_call("broken"), score=None)
    assert run(db) == Booked(published=4, held=3, posted=0, reversed=0)
    assert {states(db)[c] for c in ("doubt", "veto", "broken")} == {State.HELD}
    assert booked(db) == []


def test_only_judged_calls_are_booked(db, make_call, judge):
    register(db, [make_call("unheard")])
    judge(*day_of(make_call))
    run(db)
    assert states(db)["unheard"] is State.PULLED


def test_agents_and_days_are_kept_apart(db, make_call, judge):
    judge(*day_of(make_call), score="90.0")
    judge(*day_of(make_call, prefix="d", day=19), score="95.0")
    judge(*day_of(make_call, prefix="e", agent_no="1024"), score="89.0")
    assert run(db) == Booked(15, 0, 2, 0)
    assert booked(db) == [("post", "1023/2026-11-19", 2), ("post", "1023/2026-11-20", 1)]


def test_the_entry_leads_to_the_scorecards(db, make_call, judge):
    judge(*day_of(make_call))
    run(db)
    (entry,) = entries(db)
    covered = [tuple(card.values()) for card in entry.details["scorecards"]]
    fields = list(entry.details["scorecards"][0])
    assert fields == sorted(["scorecard", "source", "call_id", "revision", "score", "standard"])
    with db.connect() as conn:
        stored = conn.execute(sa.select(publications.c.scorecard).order_by(publications.c.scorecard)).scalars().all()
    assert covered == [(f"c{i}", 1, "95.0", stored[i - 1], "s", "95598 0.1") for i in range(1, 6)]
    assert (entry.entry.actor, entry.entry.posted_at) == ("machine", NOW)


def test_a_later_night_adds_to_the_day(db, make_call, judge):
    judge(*day_of(make_call, 3))
    assert run(db) == Booked(3, 0, 0, 0)
    judge(*day_of(make_call, 2, prefix="d"))
    assert run(db) == Booked(2, 0, 1, 0)
    judge(make_call("last"), score="90.0")
    assert run(db) == Booked(1, 0, 1, 1)
    day = "1023/2026-11-20"
    assert booked(db) == [("post", day, 2), ("reversal", day, -2), ("post", day, 1)]


def test_calls_of_all_sources_count(db, make_call, judge):
    judge(*day_of(make_call, 3))
    judge(*day_of(make_call, 3, source="t"))
    run(db)
    assert booked(db) == []
    run(db, "t")
    assert balance(db) == 2
    assert [len(e.details["scorecards"]) for e in entries(db)] == [6]


def test_a_held_call_does_not_disturb_the_day(db, make_call, judge):
    judge(*day_of(make_call))
    run(db)
    judge(make_call("doubt"), doubt=True)
    assert run(db) == Booked(0, 1, 0, 0)
    assert len(booked(db)) == 1


class TestARevisedCall:
    @pytest.fixture(autouse=True)
    def first_night(self, db, make_call, judge):
        judge(*day_of(make_call))
        run(db)

    def test_stays_booked_until_it_is_booked_anew(self, db, make_call):
        register(db, [make_call("c1", ring_count=9)])
        assert run(db) == Booked(0, 0, 0, 0)
        assert balance(db) == 2

    def test_is_posted_anew(self, db, make_call, judge):
        judge(make_call("c1", ring_count=9), score="94.0")
        assert run(db) == Booked(1, 0, 1, 1)
        assert balance(db) == 1
        assert entries(db)[2].details["scorecards"][-1]["revision"] == 2

    def test_that_is_now_in_doubt_no_longer_counts(self, db, make_call, judge):
        judge(make_call("c1", ring_count=9), doubt=True)
        assert run(db) == Booked(0, 1, 0, 1)
        assert balance(db) == 0

    def test_of_another_agent_moves_the_points(self, db, make_call, judge):
        judge(*day_of(make_call, 4, prefix="d", agent_no="1024"))
        run(db)
        judge(make_call("c1", agent_no="1024"))
        assert run(db) == Booked(1, 0, 1, 1)
        assert (balance(db, "1023"), balance(db, "1024")) == (0, 2)

    def test_of_another_day_moves_the_points(self, db, make_call, judge):
        judge(*day_of(make_call, 4, prefix="d", day=30))
        run(db)
        judge(make_call("c1", day=30), score="90.0")
        assert run(db) == Booked(1, 0, 1, 1)
        assert booked(db) == [
            ("post", "1023/2026-11-20", 2),
            ("reversal", "1023/2026-11-20", -2),
            ("post", "1023/2026-11-30", 1),
        ]
        assert entries(db)[1].entry.effective_day.isoformat() == "2026-11-20"


def decisions(db) -> list[tuple]:
    with db.connect() as conn:
        rows = conn.execute(sa.select(publications.c.call, publications.c.scorecard, publications.c.state)).all()
    return sorted(tuple(row) for row in rows)


def outcome(db) -> tuple:
    """All that a night leaves behind."""
    return states(db), decisions(db), booked(db), balance(db), verify(db).first_broken


@pytest.fixture
def two_days(db, make_call, judge, tmp_path) -> Path:
    """The file of a database with a booked day, a revised call that leaves it for a second day, and a held call."""
    if db.dialect.name != "sqlite":
        pytest.skip("the database is copied as a file")
    judge(*day_of(make_call))
    run(db)
    judge(*day_of(make_call, 4, prefix="d", day=21))
    judge(make_call("c1", day=21), score="94.0")
    judge(make_call("doubt"), doubt=True)
    db.dispose()
    return tmp_path / "books" / "zhijian.db"


class Killed(Exception):
    pass


def test_a_night_that_ends_between_any_two_statements_can_be_run_again(open_copy, two_days):
    with open_copy(two_days) as db:
        assert run(db) == Booked(5, 1, 1, 1)
        expected = outcome(db)
    for statements in itertools.count():
        with open_copy(two_days) as db:
            died = run_until_killed(db, statements)
            run(db)
            assert outcome(db) == expected
        if not died:
            break
    assert statements > 20


def run_until_killed(db, statements: int) -> bool:
    left = itertools.count(statements, -1)

    def count_down(*_):
        if next(left) == 0:
            raise Killed

    sa.event.listen(db, "before_cursor_execute", count_down)
    try:
        run(db)
    except Killed:
        return True
    finally:
        sa.event.remove(db, "before_cursor_execute", count_down)
    return False


BOOK = """
import os, signal, sys
from datetime import datetime
import sqlalchemy as sa
from zhijian.pipeline.ledger.scheme import load_scheme
from zhijian.pipeline.stages.book import book
from zhijian.pipeline.store.database import open_database

url, statements_left = sys.argv[1], int(sys.argv[2])
engine = open_database(url)

def count_down(*_):
    global statements_left
    statements_left -= 1
    if statements_left == 0:
        os.kill(os.getpid(), signal.SIGKILL)

sa.event.listen(engine, "after_cursor_execute", count_down)
now = datetime.fromisoformat("2026-11-21T02:00:00+08:00")
book(engine, "s", [load_scheme("incentive")], actor="machine", now=now)
"""


@pytest.mark.parametrize("statements", [12, 27, 38])
def test_a_night_killed_in_the_middle_of_posting_can_be_run_again(open_copy, two_days, statements):
    with open_copy(two_days) as db:
        run(db)
        expected = outcome(db)
    killed = subprocess.run([sys.executable, "-c", BOOK, f"sqlite:///{two_days}", str(statements)])
    assert killed.returncode == -signal.SIGKILL
    db = open_database(f"sqlite:///{two_days}")
    assert verify(db).sound
    run(db)
    assert outcome(db) == expected
    db.dispose()


def test_two_nights_at_once_book_everything_once(db, url, make_call, judge):
    judge(*[make_call(f"{agent}.{i}", agent_no=str(agent)) for agent in range(10) for i in range(5)])
    nights = [subprocess.Popen([sys.executable, "-c", BOOK, url, "-1"]) for _ in range(2)]
    assert [night.wait() for night in nights] == [0, 0]
    assert sorted(booked(db)) == [("post", f"{agent}/2026-11-20", 2) for agent in range(10)]
    assert len(decisions(db)) == 50
    assert verify(db).sound
