"""Drawing calls for a person to look at: so many of each agent at random, and all that are risky.

The lot of a call is the SHA-256 of `seed/source/call_id`, and each agent's calls with the lowest lots are drawn. So the
same seed draws the same of the same calls on every machine and database, in whatever order they are read, and anybody
can check a draw with `printf '%s' 7/source/call | sha256sum`. Risky calls take part like all others, and those that
are not drawn come on top: the random ones stay a fair picture of the agent.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from datetime import datetime
from functools import partial
from hashlib import sha256

import sqlalchemy as sa

from zhijian.models.records.roster import RosterEntry
from zhijian.models.records.sampling import DrawnFor, Sampling
from zhijian.pipeline.store.database import writing
from zhijian.pipeline.store.samples import Candidate, Drawn, add_sample, candidates


def draw(among: Iterable[Candidate], sampling: Sampling) -> tuple[Drawn, ...]:
    """The calls that this sampling draws, by agent, source and call id."""
    in_order = sorted(among, key=lambda one: (one.agent_no, one.source, one.call_id))
    of_agent = defaultdict(list)
    for one in in_order:
        of_agent[one.agent_no].append(one)
    by_lot = partial(_lot, sampling.seed)
    picked = {one.call for theirs in of_agent.values() for one in sorted(theirs, key=by_lot)[: sampling.per_agent]}
    return tuple(
        Drawn(one, DrawnFor.RANDOM if one.call in picked else DrawnFor.TRIGGER)
        for one in in_order
        if one.call in picked or one.risks
    )


def sample(
    engine: sa.Engine,
    sampling: Sampling,
    *,
    actor: str,
    now: datetime,
    people: Collection[RosterEntry] | None = None,
) -> tuple[int, tuple[Drawn, ...]]:
    """Draws, among all calls or those of these stretches of the roster, and stores what was drawn; returns the number
    of the draw and its calls.

    A month of scorecards is read before the transaction that writes, so that nobody waits for it; a call that somebody
    decides on meanwhile does not wait for anybody any more.
    """
    with engine.connect() as conn:
        drawn = draw(candidates(conn, sampling, people), sampling)
    with writing(engine) as conn:
        return add_sample(conn, sampling, drawn, actor=actor, now=now), drawn


def _lot(seed: int, candidate: Candidate) -> bytes:
    return sha256(f"{seed}/{candidate.source}/{candidate.call_id}".encode()).digest()
