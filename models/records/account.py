"""Somebody who uses the review workbench, and what he may see."""

import re
from dataclasses import dataclass
from enum import StrEnum

from zhijian.models.records.span import RecordError

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}")


class UserRole(StrEnum):
    AGENT = "agent"
    MONITOR = "monitor"
    TRAINER = "trainer"
    SUPERVISOR = "supervisor"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """`agent_no` belongs to agents, who see their own calls; `teams` to supervisors, who see theirs."""

    id: int
    name: str
    role: UserRole
    agent_no: str | None = None
    teams: tuple[str, ...] = ()
    active: bool = True

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise RecordError("an account's name is 1 to 64 of A-Z a-z 0-9 . _ @ -, and begins with a letter or digit")
        if (self.role is UserRole.AGENT) != bool(self.agent_no):
            raise RecordError("an agent's account, and only an agent's, has an agent number")
        if (self.role is UserRole.SUPERVISOR) != bool(self.teams):
            raise RecordError("a supervisor's account, and only a supervisor's, has teams")
