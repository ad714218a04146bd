"""Judge: a stored dialogue to a stored scorecard. No sound is touched, and what people have ruled on stays."""

import sqlalchemy as sa

from zhijian.models.records.review import carried
from zhijian.pipeline.store.calls import CallTask
from zhijian.pipeline.store.hearings import hearing_of
from zhijian.pipeline.store.judgements import judged, latest_judgement
from zhijian.pipeline.store.reviews import ruled_on
from zhijian.rules.judge import judge as judge_call
from zhijian.rules.standard import Standard


def judge(engine: sa.Engine, task: CallTask, standard: Standard) -> None:
    """Judges one heard call under the standard and stores the scorecard."""
    if task.hearing is None:
        raise ValueError(f"call {task.call.call_id} has not been heard")
    hearing = hearing_of(engine, task.hearing)
    card = judge_call(task.call, hearing.dialogue, standard, recording_sha256=hearing.recording.sha256)
    with engine.connect() as conn:
        before, by_people = latest_judgement(conn, task.id), ruled_on(conn, task.id)
    if before is not None and before.scorecard.recording_sha256 == card.recording_sha256:
        card = carried(card, before.scorecard, by_people)
    judged(engine, task.id, card)
