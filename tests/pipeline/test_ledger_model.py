"""Any sequence of posts, repeats, reversals, closings and crashes leaves what a model in memory says."""

from collections import defaultdict
from contextlib import suppress
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from zhijian.models.records.roster import RosterEntry
from zhijian.pipeline.ledger.chain import verify
from zhijian.pipeline.ledger.closing import close_month
from zhijian.pipeline.ledger.entries import balance, entries
from zhijian.pipeline.ledger.posting import post, reverse
from zhijian.pipeline.ledger.scheme import Scheme
from zhijian.pipeline.ledger.settlement import Claim, settle
from zhijian.pipeline.ledger.standing import credited_from, live_entry, standing
from zhijian.pipeline.store.database import writing

NOW = datetime(2027, 6, 1, 2, 0, tzinfo=timezone(timedelta(hours=8)))
ACCOUNTS, MONTHS, LIMITS = ("1023", "1024"), (10, 11), {"a": 5, "b": 3, "c": None}
EVENTS = 20
CLAIMS = [("1023", "a", 10), ("1023", "a", 11), ("1024", "b", 10), ("1023", "c", 10)]
ROSTER = [RosterEntry(agent_no="1023", name="", team="一班")]
LEVEL = {"id": "b", "name": "乙"}
SCHEME = Scheme.model_validate(
    {
        **{"id": "test", "name": "试验", "version": "1", "accounts": "agent_no"},
        **{"award": ["admin"], "deduct": ["admin"]},
        "dimensions": [
            {"id": "one", "name": "一", "month_limit": LIMITS["a"]},
            {"id": "two", "name": "二", "levels": [LEVEL | {"month_limit": LIMITS["b"]}, {"id": "c", "name": "丙"}]},
        ],
        "items": [
            {"id": "a", "code": "A", "name": "甲", "dimension": "one", "between": [-9, 9]},
            {"id": "b", "code": "B", "name": "乙", "dimension": "two", "level": "b", "between": [-9, 9]},
            {"id": "c", "code": "C", "name": "丙", "dimension": "two", "level": "c", "between": [-9, 9]},
        ],
    }
)  # fmt: skip

events = st.tuples(
    st.sampled_from((*ACCOUNTS, ACCOUNTS[0], ACCOUNTS[0])),
    st.sampled_from("aaabbc"),
    st.sampled_from((10, 10, 11)),
    st.sampled_from([Decimal(points) for points in ("4", "3", "2.25", "1", "-1.5")]),
)
steps = st.lists(
    st.tuples(
        st.one_of(
            st.tuples(st.just("post"), st.lists(st.integers(0, EVENTS - 1), min_size=2, max_size=8)),
            st.tuples(st.just("reverse"), st.integers(0, EVENTS - 1)),
            st.tuples(st.just("close"), st.sampled_from(MONTHS)),
            st.tuples(
                st.just("settle"), st.tuples(st.integers(0, 3), st.sampled_from([Decimal(0), Decimal(2), Decimal(4)]))
            ),
        ),
        st.sampled_from([None] * 6 + [2, 4, 6, 8]),  # the statement at which it dies; None = it lives
    ),
    min_size=6,
    max_size=24,
)


class Killed(Exception):
    pass


class Model:
    """Pots of raw points in booking order; what each gives is reckoned from the beginning every time."""

    def __init__(self):
        self.pots = defaultdict(dict)  # account, month, item -> event -> raw points, live ones only
        self.booked, self.closed, self.claimed = {}, set(), 0

    def post(self, number, account, item, month, points):
        if number not in self.booked:
            self.booked[number] = account, month, item
            self.pots[account, month, item][number] = points

    def reverse(self, number):
        del self.pots[self.booked[number]][number]

    def settle(self, claim, points):
        """Claims are booked as events of their own, the latest of which may be live."""
        account, item, month = CLAIMS[claim]
        pot = self.pots[account, month, item]
        live = next((number for number in pot if number < 0 and -number % len(CLAIMS) == claim), None)
        if live is not None and pot[live] == points:
            return
        if live is not None:
            del pot[live]
        if points:
            self.claimed += 1
            pot[-(self.claimed * len(CLAIMS) + claim)] = points

    @property
    def live(self):
        return sorted(number for pot in self.pots.values() for number in pot if number >= 0)

    def balance(self, account):
        total = Decimal(0)
        for (of, _, item), pot in self.pots.items():
            room = Decimal(LIMITS[item] or 10**6)
            for points in pot.values() if of == account else ():
                due = min(points, max(room, Decimal(0))) if points > 0 else points
                room, total = room - due, total + due
        return total


def apply(conn, make_posting, all_events, kind, what, number):
    if kind == "post":
        postings = []
        for event in what:
            account, item, month, points = all_events[event]
            day = date(2026, month, 1 + event)
            postings.append(
                make_posting(
                    f"event {event}",
                    str(points),
                    account,
                    scheme="test",
                    item=item,
                    effective_day=day,
                    period=f"2026-{month}",
                )
            )
        post(conn, SCHEME, postings)
    elif kind == "reverse":
        live = live_entry(conn, "test", all_events[what][1], "test", f"event {what}")
        reverse(conn, SCHEME, live, reason=f"改判 {number}", actor="monitor", now=NOW)
    elif kind == "settle":
        claim, points = what
        account, item, month = CLAIMS[claim]
        settle(
            conn,
            SCHEME,
            Claim(
                item=SCHEME.item(item),
                account=account,
                source_kind="claim",
                source_id=f"claim {claim}",
                day=date(2026, month, 20),
                points=points,
                reason="核算",
                details={},
            ),
            actor="machine",
            now=NOW,
        )
    else:
        close_month(conn, SCHEME, f"2026-{what}", ROSTER, actor="leader", now=NOW)


@settings(max_examples=150)
@given(st.lists(events, min_size=EVENTS, max_size=EVENTS), steps)
def test_the_ledger_is_what_the_model_says(open_copy, make_posting, all_events, steps):
    model = Model()
    with open_copy() as db:
        for number, (step, dies_at) in enumerate(steps):
            kind, what = step
            if kind == "reverse" and model.live:
                what = model.live[what % len(model.live)]
            elif kind == "reverse" or (kind == "close" and what in model.closed):
                continue
            left = [dies_at]

            def count_down(*_, left=left):
                if left[0] is not None:
                    left[0] -= 1
                    if left[0] < 0:
                        raise Killed

            sa.event.listen(db, "before_cursor_execute", count_down)
            with suppress(Killed):
                with writing(db) as conn:
                    apply(conn, make_posting, all_events, kind, what, number)
                if kind == "post":
                    for event in what:
                        model.post(event, *all_events[event])
                elif kind == "reverse":
                    model.reverse(what)
                elif kind == "settle":
                    model.settle(*what)
                else:
                    model.closed.add(what)
            sa.event.remove(db, "before_cursor_execute", count_down)
            assert {account: balance(db, account) for account in ACCOUNTS} == {
                account: model.balance(account) for account in ACCOUNTS
            }
        assert verify(db).sound
        with db.connect() as conn:
            standing_now = sum(one.credited for one in standing(conn))
            sources = [f"event {event}" for event in range(EVENTS)]
            summed = credited_from(conn, "test", "test", sources)
            summed += credited_from(conn, "test", "claim", [f"claim {claim}" for claim in range(len(CLAIMS))])
            assert summed == standing_now == balance(db)
        assert balance(db) == sum(e.entry.points_credited for e in entries(db))
