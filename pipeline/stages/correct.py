"""Correct: a person puts a line of the transcript right; the call is judged again at once, and booked."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa

from zhijian.models.records.dialogue import Role
from zhijian.models.records.rewording import corrected
from zhijian.models.records.scorecard import Scorecard
from zhijian.models.records.span import RecordError
from zhijian.pipeline.ledger.scheme import Scheme
from zhijian.pipeline.stages.book import publish
from zhijian.pipeline.store.calls import call_task
from zhijian.pipeline.store.corrections import add_correction
from zhijian.pipeline.store.database import writing
from zhijian.pipeline.store.hearings import hearing_of
from zhijian.pipeline.store.judgements import Judgement
from zhijian.pipeline.store.reviews import reviews_of
from zhijian.rules.judge import judge
from zhijian.rules.standard import Standard


def correct(
    engine: sa.Engine,
    schemes: Sequence[Scheme],
    standard: Standard,
    seen: Judgement,
    utterance: int,
    *,
    text: str,
    role: Role,
    actor: str,
    now: datetime,
) -> Judgement:
    """Judges the call of `seen` again with utterance number `utterance` as the person has heard it.

    Items that people have ruled on stay as they ruled. Correction, judgement, publication and points are one
    transaction. Raises StaleReview, and RecordError where there is no such line.
    """
    task = call_task(engine, seen.call)
    if task.hearing is None:
        raise RecordError("the call was not heard: there is nothing to correct")
    hearing = hearing_of(engine, task.hearing)
    try:
        dialogue = corrected(hearing.dialogue, utterance, text=text, role=role)
    except IndexError:
        raise RecordError(f"the transcript has no line {utterance}") from None
    card = judge(task.call, dialogue, standard, recording_sha256=hearing.recording.sha256)
    with writing(engine) as conn:
        ruled_on = {ruling.item for review in reviews_of(conn, seen.call) for ruling in review.rulings}
        card = _with_rulings(card, seen.scorecard, ruled_on)
        decided = add_correction(conn, seen, dialogue, card, utterance=utterance, actor=actor, now=now)
        publish(conn, schemes, [decided], actor=actor, now=now)
    return decided


def _with_rulings(card: Scorecard, before: Scorecard, ruled_on: set[str]) -> Scorecard:
    """What people have said of items stays, as long as the standard has them."""
    said = {item.id: item for item in before.items if item.id in ruled_on}
    items = tuple(said.get(item.id, item) for item in card.items)
    vetoed, decided_on = ({item.id for item in of if item.veto} for of in (items, before.items))
    # a veto that was not there when somebody decided is nobody's decision yet
    decided = bool(vetoed) and vetoed <= decided_on
    return replace(card, items=items, veto_confirmed=before.veto_confirmed if decided else None)
