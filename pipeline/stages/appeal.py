"""Appeal: an agent says that a deduction is wrong; another monitor than the first decides, and that is final."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import sqlalchemy as sa

from zhijian.models.records.review import Ruling
from zhijian.models.records.scorecard import ItemResult, Outcome, Scorecard
from zhijian.pipeline.ledger.scheme import Scheme
from zhijian.pipeline.stages.review import review_in
from zhijian.pipeline.store.access_log import Action, log
from zhijian.pipeline.store.appeals import add_appeal, add_decision, appeal_of, appeals_of_call
from zhijian.pipeline.store.corrections import correctors_of
from zhijian.pipeline.store.database import writing
from zhijian.pipeline.store.judgements import Judgement, published_at, published_of
from zhijian.pipeline.store.reviews import StaleReview, reviews_of


class AppealRefused(RuntimeError):
    """The appeal, or the decision on it, cannot be taken; says why, in Chinese."""


def file_appeal(
    engine: sa.Engine, call: int, item: str, *, agent_no: str, reason: str, within: timedelta, actor: str, now: datetime
) -> int:
    """Stores an agent's appeal against a deduction in an own published call; returns its number.

    `within`: how long after publication it may come. Raises AppealRefused.
    """
    if not reason.strip():
        raise AppealRefused("请写明申诉理由")
    with writing(engine) as conn:
        published = published_of(conn, call)
        if published is None or published.scorecard.agent_no != agent_no:
            raise AppealRefused("只能对本人已发布的通话申诉")
        judged = _item(published.scorecard, item)
        if judged is None or judged.outcome is not Outcome.FAIL:
            raise AppealRefused("只能对扣分的项目申诉")
        if any(appeal.item == item for appeal in appeals_of_call(conn, call)):
            raise AppealRefused("这个项目已申诉过,复议决定为最终决定")
        if now > published_at(conn, published) + within:
            raise AppealRefused(f"已超过申诉期限(发布后 {within.days} 天)")
        log(conn, Action.APPEAL, actor=actor, now=now, call=call, detail=item)
        return add_appeal(
            conn,
            call=call,
            scorecard=published.id,
            item=item,
            agent_no=agent_no,
            reason=reason.strip(),
            actor=actor,
            now=now,
        )


def decide_appeal(
    engine: sa.Engine,
    schemes: Sequence[Scheme],
    appeal: int,
    ruling: Ruling | None,
    *,
    reason: str,
    actor: str,
    now: datetime,
) -> Judgement | None:
    """Decides an open appeal: `ruling` upholds it and is what the item is judged now, None rejects it.

    Decision, new scorecard, publication, reversal and new entries are one transaction. Returns what counts now, None
    where the call is no longer published. Raises AppealRefused, StaleReview, RecordError.
    """
    with writing(engine) as conn:
        filed = appeal_of(conn, appeal)
        if filed is None or filed.decision is not None:
            raise AppealRefused("这件申诉不存在或已有最终决定")
        if not reason.strip():
            raise AppealRefused("请写明复议理由")
        reviewers = {review.actor for review in reviews_of(conn, filed.call)}
        if actor in reviewers | correctors_of(conn, filed.call) | {filed.actor}:
            raise AppealRefused("申诉须由另一位质检员复议")
        published = published_of(conn, filed.call)
        if ruling is not None:
            if published is None:
                raise StaleReview("通话正在重新评分,请稍后再复议")
            _refuse_lower(published.scorecard, filed.item, ruling)
            published = review_in(conn, schemes, published, [ruling], reason=reason, actor=actor, now=now)
        add_decision(conn, appeal, upheld=ruling is not None, reason=reason.strip(), actor=actor, now=now)
        said = f"{filed.item} {'驳回' if ruling is None else '成立'}"
        log(conn, Action.APPEAL_DECIDED, actor=actor, now=now, call=filed.call, detail=said)
        return published


def _refuse_lower(card: Scorecard, item: str, ruling: Ruling) -> None:
    before = _item(card, item)
    if ruling.item != item or before is None:
        raise AppealRefused("复议只能改判申诉的项目")
    if before.outcome is not Outcome.FAIL:
        raise AppealRefused("这个项目现在已不是扣分,请驳回")
    if ruling.points is not None and before.points is not None and ruling.points <= before.points:
        raise AppealRefused("申诉成立须高于原得分;维持或更低请驳回")


def _item(card: Scorecard, item: str) -> ItemResult | None:
    return next((one for one in card.items if one.id == item), None)
