"""Judge: a stored dialogue to a stored scorecard. No sound is touched."""

import sqlalchemy as sa

from zhijian.pipeline.store.calls import CallTask
from zhijian.pipeline.store.hearings import hearing_of
from zhijian.pipeline.store.judgements import judged
from zhijian.rules.judge import judge as judge_call
from zhijian.rules.standard import Standard


def judge(engine: sa.Engine, task: CallTask, standard: Standard) -> None:
    """Judges one heard call under the standard and stores the scorecard."""
    if task.hearing is None:
        raise ValueError(f"call {task.call.call_id} has not been heard")
    hearing = hearing_of(engine, task.hearing)
    card = judge_call(task.call, hearing.dialogue, standard, recording_sha256=hearing.recording.sha256)
    judged(engine, task.id, card)
