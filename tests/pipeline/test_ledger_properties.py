"""Whatever the nights bring, the ledger agrees with a model that knows nothing of entries, reversals or adjustments."""

import sqlite3
from collections import defaultdict
from contextlib import suppress
from datetime import datetime, timedelta, timezone
from fractions import Fraction

import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from zhijian.pipeline.ledger.chain import append, head, verify
from zhijian.pipeline.ledger.entries import balance, entries
from zhijian.pipeline.ledger.scheme import Scheme, load_scheme
from zhijian.pipeline.stages.book import book
from zhijian.pipeline.store.calls import register, waiting
from zhijian.pipeline.store.database import writing
from zhijian.pipeline.store.judgements import judged
from zhijian.pipeline.store.tables import ledger_entries

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=timezone(timedelta(hours=8)))
AGENTS, DAYS, LIMIT, CALLS_MIN = ("1023", "1024"), (19, 20, 21), 5, 2


def small_scheme():
    """The incentive scheme with a day of two calls and a limit that three good days exceed."""
    data = load_scheme("incentive").model_dump()
    data["dimensions"][1]["month_limit"] = str(LIMIT)
    item = next(item for item in data["items"] if item["daily_mean"])
    item["daily_mean"] |= {"calls_min": CALLS_MIN, "examples": [{"scores": [95, 95], "points": 2}]}
    return Scheme.model_validate(data)


SCHEMES = [small_scheme()]

# a row of the call list together with how the call is judged; a repeated id is a revision
rows = st.tuples(
    st.sampled_from([f"c{i}" for i in range(9)]),
    st.sampled_from(AGENTS),
    st.sampled_from(DAYS),
    st.sampled_from(["100.0", "95.0", "94.9", "90.0", "60.0"]),
    st.sampled_from([False, False, False, True]),  # in doubt
)
# what a night judges, and after how many statements of its booking it dies (None = it lives)
nights = st.lists(st.tuples(st.lists(rows, max_size=6), st.none() | st.integers(0, 60)), max_size=6)


class Killed(Exception):
    pass


def book_or_die(db, lives_for):
    left = lives_for

    def count_down(*_):
        nonlocal left
        left -= 1
        if left < 0:
            raise Killed

    if lives_for is not None:
        sa.event.listen(db, "before_cursor_execute", count_down)
    with suppress(Killed):
        book(db, "s", SCHEMES, actor="machine", now=NOW)
    if lives_for is not None:
        sa.event.remove(db, "before_cursor_execute", count_down)


def expected_balances(calls):
    scores = defaultdict(list)
    for agent_no, day, score, doubt in calls.values():
        if not doubt:
            scores[agent_no, day].append(Fraction(score))
    points = dict.fromkeys(AGENTS, 0)
    for (agent_no, _), of_day in scores.items():
        mean = sum(of_day) / len(of_day)
        if len(of_day) >= CALLS_MIN:
            points[agent_no] += 2 if mean >= 95 else 1 if mean >= 90 else 0
    return {agent_no: min(earned, LIMIT) for agent_no, earned in points.items()}


@settings(max_examples=40)
@given(nights)
def test_balances_follow_the_published_calls(open_copy, make_call, make_card, nights):
    calls = {}
    with open_copy() as db:
        for judged_tonight, lives_for in nights:
            for number, (call_id, agent_no, day, score, doubt) in enumerate(judged_tonight):
                call = make_call(call_id, agent_no=agent_no, day=day, extra={"n": str(number)})
                register(db, [call])
                ids = {task.call.call_id: task.id for task in waiting(db, "s")}
                if call_id in ids:  # else the row is the same as before
                    judged(db, ids[call_id], make_card(call, score, doubt=doubt))
                    calls[call_id] = (agent_no, day, score, doubt)
            book_or_die(db, lives_for)
            assert verify(db).sound
            assert all(balance(db, agent_no, "incentive", "2026-11") <= LIMIT for agent_no in AGENTS)
        book_or_die(db, None)
        assert {agent_no: balance(db, agent_no) for agent_no in AGENTS} == expected_balances(calls)
        assert balance(db) == sum(e.entry.points_credited for e in entries(db))
        before = head(db)
        book_or_die(db, None)
        assert head(db) == before == verify(db).head


@settings(max_examples=40)
@given(
    seq=st.integers(1, 5),
    column=st.sampled_from([c.name for c in ledger_entries.c if c.name != "seq"]),
    value=st.integers(-(2**63), 2**63 - 1) | st.text() | st.binary() | st.floats(allow_nan=False),
)
def test_any_change_of_any_column_is_found(open_copy, make_posting, seq, column, value):
    with open_copy() as db:
        with writing(db) as conn:
            append(conn, [make_posting(str(number)) for number in range(5)])
        db.dispose()
        file = sqlite3.connect(db.url.database)
        file.execute("DROP TRIGGER ledger_refuses_update")
        before = file.execute(f"SELECT {column} FROM ledger_entries WHERE seq = ?", (seq,)).fetchone()
        with suppress(sqlite3.IntegrityError, UnicodeEncodeError):
            file.execute(f"UPDATE ledger_entries SET {column} = ? WHERE seq = ?", (value, seq))
        after = file.execute(f"SELECT {column} FROM ledger_entries WHERE seq = ?", (seq,)).fetchone()
        file.commit()
        file.close()
        broken = verify(db).first_broken
        assert (broken is None) if after == before else (broken is not None and broken.seq == seq)
