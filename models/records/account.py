"""Somebody who uses the review workbench, and what he may see."""

import re
from dataclasses import dataclass
from enum import StrEnum

from zhijian.models.records.span import RecordError

MACHINE = "machine"
"""Who does what needs no person: nobody's name."""

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
            raise RecordError("账号由 1 至 64 个字母、数字或 . _ @ - 组成,以字母或数字开头")
        if (self.role is UserRole.AGENT) != bool(self.agent_no):
            raise RecordError("坐席的账号要写工号,其他角色不写")
        if (self.role is UserRole.SUPERVISOR) != bool(self.teams):
            raise RecordError("主管的账号要写班组,其他角色不写")
