"""Correct: a person puts a line of the transcript right; the call is judged again at once, and booked."""

from collections.abc import Sequence
from datetime import datetime

import sqlalchemy as sa

from zhijian.models.records.dialogue import Role
from zhijian.models.records.review import carried
from zhijian.models.records.rewording import corrected
from zhijian.models.records.span import RecordError
from zhijian.pipeline.ledger.scheme import Scheme
from zhijian.pipeline.stages.book import publish
from zhijian.pipeline.store.access_log import Action, log
from zhijian.pipeline.store.calls import call_task
from zhijian.pipeline.store.corrections import add_correction
from zhijian.pipeline.store.database import StoreError, writing
from zhijian.pipeline.store.hearings import hearing_of
from zhijian.pipeline.store.judgements import Judgement
from zhijian.pipeline.store.reviews import ruled_on
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

    Items that people have ruled on stay as they ruled. Correction, judgement, publication, points and access log are
    one transaction. Raises StaleReview, RecordError where there is no such line, and StoreError where the call was
    judged by another standard: that one is only left when somebody asks for it.
    """
    task = call_task(engine, seen.call)
    if seen.scorecard.standard.sha256 != standard.sha256:
        judged_by = f"{seen.scorecard.standard.id} {seen.scorecard.standard.version}"
        raise StoreError(
            f"这通电话按标准 {judged_by} 评分,工作台启动时的标准是 {standard.id} {standard.version},两者内容不同:"
            "如果启动后换过标准,请重启工作台;如果这通电话是按旧标准评的,请先用 zhijian rescore 重新评分,再更正"
        )
    if task.hearing is None:
        raise RecordError("the call was not heard: there is nothing to correct")
    hearing = hearing_of(engine, task.hearing)
    try:
        dialogue = corrected(hearing.dialogue, utterance, text=text, role=role)
    except IndexError:
        raise RecordError(f"the transcript has no line {utterance}") from None
    card = judge(task.call, dialogue, standard, recording_sha256=hearing.recording.sha256)
    with writing(engine) as conn:
        card = carried(card, seen.scorecard, ruled_on(conn, seen.call))
        decided = add_correction(conn, seen, dialogue, card, utterance=utterance, actor=actor, now=now)
        publish(conn, schemes, [decided], actor=actor, now=now)
        log(conn, Action.CORRECT, actor=actor, now=now, call=seen.call, detail=f"第 {utterance + 1} 句")
    return decided
