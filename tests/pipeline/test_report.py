"""The points that a report shows: of any number of agent-days, at one moment."""

import sqlite3
from datetime import date

import pytest
import sqlalchemy as sa

from zhijian.pipeline.ledger.chain import append
from zhijian.pipeline.ledger.daily_mean import SOURCE_KIND, day_source
from zhijian.pipeline.stages.report import _booked
from zhijian.pipeline.store.database import writing

DAY = date(2026, 11, 20)


@pytest.fixture
def book(db, make_posting):
    def book(agent_no: str) -> None:
        details = {"mean": "95.00", "scorecards": []}
        posting = make_posting(day_source(agent_no, DAY), account=agent_no, source_kind=SOURCE_KIND, details=details)
        with writing(db) as conn:
            append(conn, [posting])

    return book


def test_more_agent_days_than_a_database_takes_values(db, book):
    if db.dialect.name == "sqlite":
        db.dispose()
        # some systems build SQLite with more than it takes by default
        sa.event.listen(db, "connect", lambda file, _: file.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 32_766))
    agents = [f"{number:05}" for number in range(70_000)]
    book(agents[0])
    book(agents[-1])
    assert [points.agent_no for points in _booked(db, {(agent, DAY) for agent in agents})] == [agents[0], agents[-1]]


def test_what_is_booked_meanwhile_is_not_in_it(db, book):
    book("1023")
    waiting = ["1024"]

    def book_meanwhile(_conn, _cursor, statement, *_) -> None:
        if waiting and "ledger_entries" in statement:  # the first question of the report
            book(waiting.pop())

    sa.event.listen(db, "after_cursor_execute", book_meanwhile)
    agent_days = {("1023", DAY), ("1024", DAY)}
    assert [points.agent_no for points in _booked(db, agent_days)] == ["1023"]
    assert [points.agent_no for points in _booked(db, agent_days)] == ["1023", "1024"]
