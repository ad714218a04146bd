"""The agents, by team and time: the latest roster (agents.csv), replaced as a whole."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import date

import sqlalchemy as sa

from zhijian.models.records.roster import RosterEntry
from zhijian.pipeline.store.database import writing
from zhijian.pipeline.store.tables import roster


def replace_roster(engine: sa.Engine, entries: Iterable[RosterEntry]) -> None:
    """Puts a new roster in the place of the old one."""
    rows = [asdict(entry) for entry in entries]
    with writing(engine) as conn:
        conn.execute(roster.delete())
        if rows:
            conn.execute(roster.insert(), rows)


def stored_roster(engine: sa.Engine) -> tuple[RosterEntry, ...]:
    """The roster in the order in which it was given."""
    with engine.connect() as conn:
        rows = [row._asdict() for row in conn.execute(sa.select(roster).order_by(roster.c.id))]
    return tuple(RosterEntry(**{name: value for name, value in row.items() if name != "id"}) for row in rows)


def team_on(entries: Iterable[RosterEntry], agent_no: str, day: date) -> str:
    """The agent's team on a day; empty where the roster does not say."""
    return next((entry.team for entry in entries if entry.agent_no == agent_no and entry.covers(day)), "")
