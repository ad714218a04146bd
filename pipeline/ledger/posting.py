"""Crediting under the limits of a scheme, and reversing.

A pot (a dimension of the scheme, or a level of one) has room for so many points of an account in a month. Entries take
it in the order in which they were booked: each is due its raw points as far as there is room left by the live entries
before it. A reversal gives back everything that its entry had been credited, and what is thereby due to later entries
is credited to them by adjustments. What comes for a month that is closed is booked on the first day of the next open
one and names the day that it is for; its pot is that of the month it is for, so that what is settled anew after a
closing finds the room that its reversal has left, and no more.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

import sqlalchemy as sa

from zhijian.models.records.points import EntryKind, PointsEntry
from zhijian.pipeline.ledger.chain import append
from zhijian.pipeline.ledger.entries import (
    ORIGINAL_DAY,
    LedgerEntry,
    LedgerError,
    Posting,
    from_hundredths,
    select_entries,
)
from zhijian.pipeline.ledger.months import closed_months, first_open_day
from zhijian.pipeline.ledger.scheme import Pot, Scheme
from zhijian.pipeline.ledger.standing import ENTRY_SOURCE, Standing, standing
from zhijian.pipeline.store.tables import ledger_entries

_CARRIED = ledger_entries.c.details.contains(f'"{ORIGINAL_DAY}":')


def post(conn: sa.Connection, scheme: Scheme, postings: Iterable[Posting]) -> tuple[LedgerEntry, ...]:
    """Books entries, each credited as far as its pot has room; returns those that are new.

    `points_credited` as given is ignored. The connection must come from `database.writing`.
    """
    return append(conn, postings, prepare=_Crediting(conn, scheme).credit)


def reverse(
    conn: sa.Connection, scheme: Scheme, live: LedgerEntry, *, reason: str, actor: str, now: datetime
) -> LedgerEntry:
    """Takes a live entry back, for its own day, and re-credits the later ones of its pot; returns the reversal.

    Raises LedgerError for an entry that is not live.
    """
    of_pot = standing(conn, *_pot(scheme, live))
    credited = next((s.credited for s in of_pot if s.booked.seq == live.seq), None)
    if credited is None:
        raise LedgerError(f"第{live.seq}号分录不是有效的入账(已冲销,或本身是冲销或调整),不能冲销")
    closed = closed_months(conn, scheme.id)
    reversal = replace(
        live.entry,
        kind=EntryKind.REVERSAL,
        points_raw=-live.entry.points_raw,
        points_credited=-credited,
        reason=reason,
        actor=actor,
        posted_at=now,
        reverses=live.seq,
    )
    left = [s for s in of_pot if s.booked.seq != live.seq]
    adjustments = _adjustments(scheme.pot_of(live.entry.item), left, reversal)
    carried = [_carried(posting, closed) for posting in (Posting(reversal, _original(live)), *adjustments)]
    return append(conn, carried)[0]


class _Crediting:
    """Credits new entries, one after the other, by what earlier ones have left of each pot.

    What an account has been credited in a month is read once and reckoned on from there.
    """

    def __init__(self, conn: sa.Connection, scheme: Scheme) -> None:
        self.conn, self.scheme = conn, scheme
        self.closed = closed_months(conn, scheme.id)
        self.taken: defaultdict[tuple[str, str, Pot], Decimal] = defaultdict(Decimal)
        self.known: set[tuple[str, str]] = set()

    def credit(self, postings: list[Posting]) -> Iterator[Posting]:
        carried = [_carried(posting, self.closed) for posting in postings]
        self._read({(posting.entry.account, _month(posting)) for posting in carried})
        for posting in carried:
            entry, pot = posting.entry, self.scheme.pot_of(posting.entry.item)
            credited = entry.points_raw
            if pot.month_limit is not None:
                key = entry.account, _month(posting), pot
                credited = _due(entry.points_raw, pot.month_limit - self.taken[key])
                self.taken[key] += credited
            yield replace(posting, entry=replace(entry, points_credited=credited))

    def _read(self, account_months: set[tuple[str, str]]) -> None:
        """Reads what these accounts have been credited for these months, where that is not known yet."""
        new = account_months - self.known
        self.known |= new
        if not new:
            return
        account, period, item = (ledger_entries.c[name] for name in ("account", "period", "item"))
        hundredths = ledger_entries.c.points_credited_hundredths
        of_accounts = (ledger_entries.c.scheme == self.scheme.id, account.in_({account for account, _ in new}))
        in_month = (period.in_({period for _, period in new}), *([~_CARRIED] if self.closed else []))
        credited = sa.select(account, period, item, sa.func.sum(hundredths)).where(*of_accounts, *in_month)
        for row in self.conn.execute(credited.group_by(account, period, item)):
            self._add(new, *row)
        if self.closed:
            for late in select_entries(self.conn, *of_accounts, _CARRIED):
                self._add(new, late.entry.account, _month(late), late.entry.item, int(late.entry.points_credited * 100))

    def _add(self, wanted: set[tuple[str, str]], account: str, month: str, item: str, hundredths: int) -> None:
        if (account, month) in wanted:
            self.taken[account, month, self.scheme.pot_of(item)] += from_hundredths(hundredths)


def _pot(scheme: Scheme, booked: LedgerEntry) -> tuple[sa.ColumnElement[bool], ...]:
    """All entries of an entry's pot."""
    month = _month(booked)
    return (
        ledger_entries.c.account == booked.entry.account,
        ledger_entries.c.scheme == scheme.id,
        ledger_entries.c.item.in_(scheme.pot_of(booked.entry.item).items),
        sa.or_(
            sa.and_(ledger_entries.c.period == month, ~_CARRIED),
            ledger_entries.c.details.contains(f'"{ORIGINAL_DAY}":"{month}-'),
        ),
    )


def _adjustments(pot: Pot, live: Sequence[Standing], cause: PointsEntry) -> list[Posting]:
    """What gives each live entry exactly its due."""
    if pot.month_limit is None:
        return []
    room, postings = pot.month_limit, []
    for s in live:
        due = _due(s.booked.entry.points_raw, room)
        room -= due
        if due != s.credited:
            entry = replace(
                s.booked.entry,
                kind=EntryKind.ADJUSTMENT,
                source_kind=ENTRY_SOURCE,
                source_id=str(s.booked.seq),
                source_revision=s.adjustments + 1,
                points_raw=Decimal(0),
                points_credited=due - s.credited,
                actor=cause.actor,
                reason=f"{pot.name}月度限额重新分配: 第{cause.reverses}号分录已冲销",
                posted_at=cause.posted_at,
            )
            postings.append(Posting(entry, {"after_reversal_of": cause.reverses, **_original(s.booked)}))
    return postings


def _due(points: Decimal, room: Decimal) -> Decimal:
    """What a pot gives: no more than there is room, and nothing is taken away because there is none."""
    return min(points, max(room, Decimal(0))) if points > 0 else points


def _carried(posting: Posting, closed: frozenset[str]) -> Posting:
    """The posting in the month it can be booked into."""
    entry = posting.entry
    day = first_open_day(entry.effective_day, closed)
    if day == entry.effective_day:
        return posting
    original = {ORIGINAL_DAY: posting.booked_for.isoformat()}
    return replace(posting, entry=_on(entry, day), details=dict(posting.details) | original)


def _original(booked: LedgerEntry) -> dict[str, str]:
    """What takes an entry back, or adjusts it, is for the same day."""
    return {name: booked.details[name] for name in (ORIGINAL_DAY,) if name in booked.details}


def _month(posting: Posting) -> str:
    return posting.booked_for.isoformat()[:7]


def _on(entry: PointsEntry, day: date) -> PointsEntry:
    return replace(entry, effective_day=day, period=day.strftime("%Y-%m"))
