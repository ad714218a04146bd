"""Lines of transcripts that people have put right. What the machine heard stays; what counts is heard anew by them."""

from datetime import datetime

import sqlalchemy as sa

from zhijian.models.records.dialogue import Dialogue
from zhijian.models.records.scorecard import Scorecard
from zhijian.pipeline.store.hearings import CORRECTION
from zhijian.pipeline.store.judgements import Judgement
from zhijian.pipeline.store.reviews import refuse_stale
from zhijian.pipeline.store.tables import calls, hearings, scorecards
from zhijian.pipeline.store.workbench_tables import corrections


def add_correction(
    conn: sa.Connection,
    seen: Judgement,
    dialogue: Dialogue,
    card: Scorecard,
    *,
    utterance: int,
    actor: str,
    now: datetime,
) -> Judgement:
    """Stores a corrected dialogue and what was judged from it; returns that judgement.

    The connection must come from `database.writing`. Raises StaleReview where `seen` is no longer the latest.
    """
    refuse_stale(conn, seen)
    base = conn.execute(sa.select(scorecards).where(scorecards.c.id == seen.id)).one()._asdict()
    heard = conn.execute(sa.select(hearings).where(hearings.c.id == base["hearing"])).one()._asdict()
    number = conn.execute(sa.select(sa.func.count()).select_from(corrections)).scalar_one() + 1
    own = {
        "engine_fingerprint": f"{heard['engine_fingerprint']}{CORRECTION}{number}",
        "dialogue": dialogue,
        "hearing_s": 0.0,
        "heard_at": now,
    }
    hearing = _insert(conn, hearings, heard | own)
    conn.execute(calls.update().where(calls.c.id == seen.call).values(hearing=hearing))
    judged = {"content": card, "standard_sha256": card.standard.sha256, "hearing": hearing, "judged_at": now}
    result = _insert(conn, scorecards, base | judged)
    row = {"call": seen.call, "scorecard": seen.id, "result": result, "utterance": utterance}
    conn.execute(corrections.insert().values(row | {"actor": actor, "corrected_at": now}))
    return Judgement(result, seen.call, seen.source, seen.revision, card)


def correctors_of(conn: sa.Connection, call: int) -> frozenset[str]:
    """Who has put lines of a call right."""
    return frozenset(conn.execute(sa.select(corrections.c.actor).where(corrections.c.call == call)).scalars())


def _insert(conn: sa.Connection, table: sa.Table, row: dict[str, object]) -> int:
    """The row under a new number."""
    values = {name: value for name, value in row.items() if name != "id"}
    return conn.execute(table.insert().values(values).returning(table.c.id)).scalar_one()
