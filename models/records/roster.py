"""Who works where, and when: the rows of a roster, and the source that has brought them."""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True, kw_only=True)
class RosterEntry:
    """An agent in a team from `from_day` to `to_day`, both included; None = open on that side.

    `name` and `team` may be empty. An agent who changes teams has several entries; their days never overlap.
    """

    agent_no: str
    name: str
    team: str
    from_day: date | None = None
    to_day: date | None = None
    active: bool = True

    def covers(self, day: date) -> bool:
        return (self.from_day or date.min) <= day <= (self.to_day or date.max)

    def overlaps(self, other: "RosterEntry") -> bool:
        """The same agent on the same day."""
        return self.agent_no == other.agent_no and (
            max(self.from_day or date.min, other.from_day or date.min)
            <= min(self.to_day or date.max, other.to_day or date.max)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Roster:
    """The agents as one source lists them, in its order."""

    source: str
    entries: tuple[RosterEntry, ...]
