"""What is said of a datum: who said which turn, where in it the datum stands, and the datum itself."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from zhijian.rules.words.text import NormalText

AGENT, CUSTOMER = "agent", "customer"
CORRECTION = re.compile("不对|错了|不是|说错|更正|改成|新的是|新号是?|应该是|应当是")
"""What stands between a wrong value and the right one."""


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of a call: its index in the call, who speaks (`agent` or `customer`), what is said."""

    index: int
    role: str
    text: NormalText


@dataclass(frozen=True, slots=True)
class Place:
    """The characters [start, end) of the normal text of the turn with index `turn`."""

    turn: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Datum:
    """A key datum that the customer gave.

    `kind` is 户号, 电话, 地址, 姓名, 金额 or 时间. `value` is written in one way: digits Arabic, no separators, sums
    of money `126.50`, times as in `rules.keydata.times`, addresses with Arabic numbers, names as they are. `places` has
    one place where the datum was said in one go, several where it came in groups over several turns or was corrected.
    """

    kind: str
    value: str
    places: tuple[Place, ...]
    confidence: float

    @property
    def turn(self) -> int:
        """The index of the turn in which the customer first gave it."""
        return self.places[0].turn

    @property
    def start(self) -> int:
        return self.places[0].start

    @property
    def end(self) -> int:
        return self.places[0].end

    @property
    def last_turn(self) -> int:
        """The index of the turn that completed it: the agent can repeat the whole of it only afterwards."""
        return self.places[-1].turn


def question_before(turns: Sequence[Turn], position: int) -> str:
    """What the agent said last before the turn at `position`, in normal characters; empty if nothing."""
    before = next((turn for turn in reversed(turns[:position]) if turn.role == AGENT), None)
    return before.text.chars if before else ""
