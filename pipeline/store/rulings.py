"""What the machine said before people did, and what they ruled last on its items."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa

from zhijian.models.records.codec import from_dict
from zhijian.models.records.review import Ruling
from zhijian.models.records.scorecard import ItemResult, Scorecard
from zhijian.pipeline.store.tables import reviews, scorecards


@dataclass(frozen=True, slots=True, kw_only=True)
class LastRuling:
    """The latest ruling on an item of a call, the local day of the call, and the item as the machine had judged it
    when the person, or those who decided before him, looked at it.
    """

    day: date
    machine: ItemResult
    ruling: Ruling


def machine_scorecard(conn: sa.Connection, scorecard: int) -> Scorecard:
    """The machine's scorecard that this one (by number) was made of by people's decisions; itself without any."""
    made_of = sa.select(reviews.c.scorecard).where(reviews.c.result == sa.bindparam("result"))
    while (base := conn.execute(made_of, {"result": scorecard}).scalar_one_or_none()) is not None:
        scorecard = base
    return conn.execute(sa.select(scorecards.c.content).where(scorecards.c.id == scorecard)).scalar_one()


def last_rulings(conn: sa.Connection) -> tuple[LastRuling, ...]:
    """Of every call and item that somebody has ruled on. Items that a person saw and said nothing of are not here."""
    machine, days = _judged_by_machine(conn)
    last: dict[tuple[int, str], LastRuling] = {}
    for call, base, ruling in _rulings(conn):
        item = machine[base][ruling.item]
        last[call, ruling.item] = LastRuling(day=days[base], machine=item, ruling=ruling)
    return tuple(last.values())


def _rulings(conn: sa.Connection) -> Iterator[tuple[int, int, Ruling]]:
    """In the order in which they were made: the call, the number of the machine's scorecard, and the ruling."""
    base_of: dict[int, int] = {}
    query = sa.select(reviews.c.call, reviews.c.scorecard, reviews.c.result, reviews.c.rulings).order_by(reviews.c.id)
    for row in conn.execute(query):
        base = base_of[row.result] = base_of.get(row.scorecard, row.scorecard)
        for ruling in row.rulings:
            yield row.call, base, from_dict(Ruling, ruling)


def _judged_by_machine(conn: sa.Connection) -> tuple[dict[int, dict[str, ItemResult]], dict[int, date]]:
    """The items, and the days, of the machine's scorecards that people have decided on."""
    rows = conn.execute(
        sa.select(scorecards.c.id, scorecards.c.day, scorecards.c.content).where(
            scorecards.c.id.in_(sa.select(reviews.c.scorecard)), scorecards.c.id.not_in(sa.select(reviews.c.result))
        )
    ).all()
    items = {row.id: {item.id: item for item in row.content.items} for row in rows}
    return items, {row.id: row.day for row in rows}
