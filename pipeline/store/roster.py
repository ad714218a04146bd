"""The agents, by team and time: of each source the latest roster (agents.csv), which replaces the one before."""

from collections.abc import Iterable
from dataclasses import asdict
from datetime import date

import sqlalchemy as sa

from zhijian.models.records.roster import Roster, RosterEntry
from zhijian.pipeline.store.database import writing
from zhijian.pipeline.store.tables import roster


def replace_roster(engine: sa.Engine, new: Roster) -> None:
    """Puts a new roster in the place of the one that its source brought before."""
    rows = [{"source": new.source, **asdict(entry)} for entry in new.entries]
    with writing(engine) as conn:
        conn.execute(roster.delete().where(roster.c.source == new.source))
        if rows:
            conn.execute(roster.insert(), rows)


def stored_roster(engine: sa.Engine) -> tuple[RosterEntry, ...]:
    """The rosters of all sources in the order in which they were given.

    An agent whom several name is as the latest of them says: two answers for a day would put him into two teams.
    """
    with engine.connect() as conn:
        rows = [row._asdict() for row in conn.execute(sa.select(roster).order_by(roster.c.id))]
    latest = {row["agent_no"]: row["source"] for row in rows}
    return tuple(
        RosterEntry(**{name: value for name, value in row.items() if name not in ("id", "source")})
        for row in rows
        if row["source"] == latest[row["agent_no"]]
    )


def team_on(entries: Iterable[RosterEntry], agent_no: str, day: date) -> str:
    """The agent's team on a day; empty where the roster does not say."""
    return next((entry.team for entry in entries if entry.agent_no == agent_no and entry.covers(day)), "")
