"""What a monitor does with a call: decide, correct a line of the transcript, keep it or let it go."""

from decimal import Decimal
from typing import Annotated, Literal

from fastapi import APIRouter, HTTPException
from fastapi.responses import Response
from pydantic import BaseModel, Field, StringConstraints

from zhijian.models.records.account import Account
from zhijian.models.records.dialogue import Role
from zhijian.models.records.review import Ruling
from zhijian.models.records.scorecard import Outcome
from zhijian.pipeline.stages.correct import correct
from zhijian.pipeline.stages.review import in_doubt, review
from zhijian.pipeline.store.database import writing
from zhijian.pipeline.store.holds import release, take
from zhijian.pipeline.store.judgements import Judgement
from zhijian.pipeline.store.reviews import StaleReview
from zhijian.pipeline.web.calls import CallNumber
from zhijian.pipeline.web.workbench import Bench, Monitor, Workbench, visible

router = APIRouter()
Reason = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=2000)]


class RulingIn(BaseModel):
    """`points` are given for a fail only: what is left of the item's."""

    item: str = Field(max_length=100)
    outcome: Literal["pass", "fail", "na"]
    points: Decimal | None = Field(None, ge=0, le=100)
    reason: Reason

    def ruling(self) -> Ruling:
        return Ruling(item=self.item, outcome=Outcome(self.outcome), points=self.points, reason=self.reason)


class DecisionIn(BaseModel):
    """A decision on scorecard `scorecard`: where that is no longer the latest of the call, it is refused."""

    scorecard: int = Field(ge=1, lt=2**31)
    rulings: list[RulingIn] = Field(max_length=100)
    veto_confirmed: bool | None = None
    reason: Reason


class CorrectionIn(BaseModel):
    """Line `utterance` of the transcript, from 0, as it was really said."""

    scorecard: int = Field(ge=1, lt=2**31)
    utterance: int = Field(ge=0, lt=100_000)
    text: Line
    role: Literal["agent", "customer", "system"]


class Decided(BaseModel):
    """What counts now, and what is still open."""

    scorecard: int
    published: bool
    score: float | None
    unsure: list[str]
    veto_waiting: bool


@router.post("/api/calls/{call}/decisions")
def decide(bench: Bench, account: Monitor, call: CallNumber, decision: DecisionIn) -> Decided:
    """Decides on a call; what is left without doubt is published and booked in the same transaction."""
    seen = _seen(bench, account, call, decision.scorecard)
    decided = review(
        bench.engine,
        bench.schemes,
        seen,
        [given.ruling() for given in decision.rulings],
        veto_confirmed=decision.veto_confirmed,
        veto_by_two=bench.settings.veto_by_two,
        reason=decision.reason,
        actor=account.name,
        now=bench.now(),
    )
    bench.add_anchor()
    return _decided(bench, decided)


@router.post("/api/calls/{call}/corrections")
def correct_line(bench: Bench, account: Monitor, call: CallNumber, correction: CorrectionIn) -> Decided:
    """Puts a line of the transcript right; the call is judged again at once."""
    seen = _seen(bench, account, call, correction.scorecard)
    decided = correct(
        bench.engine,
        bench.schemes,
        bench.standard,
        seen,
        correction.utterance,
        text=correction.text,
        role=Role(correction.role),
        actor=account.name,
        now=bench.now(),
    )
    bench.add_anchor()
    return _decided(bench, decided)


@router.put("/api/calls/{call}/hold", status_code=204)
def hold(bench: Bench, account: Monitor, call: CallNumber) -> Response:
    """Keeps the call before the monitor; 409 where somebody else has it."""
    visible(bench, account, call)
    with writing(bench.engine) as conn:
        if not take(conn, call, account.id, bench.now()):
            raise HTTPException(409, "这通电话正由别人复核")
    return Response(status_code=204)


@router.delete("/api/calls/{call}/hold", status_code=204)
def let_go(bench: Bench, account: Monitor, call: CallNumber) -> Response:
    """Lets the call go, so that others may take it."""
    visible(bench, account, call)
    with writing(bench.engine) as conn:
        release(conn, call, account.id)
    return Response(status_code=204)


def _seen(bench: Workbench, account: Account, call: int, scorecard: int) -> Judgement:
    """The judgement that was looked at. Raises HTTPException 409 where somebody else has the call before him."""
    seen = visible(bench, account, call)
    if seen.id != scorecard:
        raise StaleReview(f"{seen.scorecard.call_id} 已有新的评分或决定,请重新查看后再定")
    with writing(bench.engine) as conn:
        if not take(conn, call, account.id, bench.now()):
            raise HTTPException(409, "这通电话正由别人复核")
    return seen


def _decided(bench: Workbench, decided: Judgement) -> Decided:
    card = decided.scorecard
    return Decided(
        scorecard=decided.id,
        published=card.publishes_itself,
        score=None if card.score is None else float(card.score),
        unsure=[bench.item_name(item) for item in in_doubt(decided)],
        veto_waiting=card.veto and card.veto_confirmed is None,
    )
