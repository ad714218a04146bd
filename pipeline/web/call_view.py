"""One call as its page and its JSON show it: facts, transcript, every item with its evidence, and what people said."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from pydantic import BaseModel

from zhijian.models.records.call import Call
from zhijian.models.records.dialogue import Dialogue, Utterance
from zhijian.models.records.review import Ruling
from zhijian.models.records.rewording import reworded
from zhijian.models.records.scorecard import Evidence, ItemResult, Scorecard
from zhijian.pipeline.store.appeals import Appeal
from zhijian.pipeline.store.judgements import Judgement
from zhijian.pipeline.store.reviews import Review
from zhijian.pipeline.web.workbench import Workbench
from zhijian.reports.redact import Redactor, redactor_for
from zhijian.reports.wording import OUTCOMES, SCENARIOS, detail_of, group_of, points


class EvidenceView(BaseModel):
    kind: str
    role: str | None
    start_ms: int | None
    end_ms: int | None
    quote: str
    detail: str


class ItemView(BaseModel):
    """`rule` is what the standard asks, in Chinese sentences; `ruled_by` the person whose verdict it is."""

    id: str
    name: str
    group: str
    outcome: str
    points: float | None
    points_max: float
    confidence: float
    reason: str | None
    veto: bool
    evidence: list[EvidenceView]
    rule: list[str]
    ruled_by: str | None


class WordView(BaseModel):
    text: str
    start_ms: int
    end_ms: int


class UtteranceView(BaseModel):
    role: str
    start_ms: int
    end_ms: int
    text: str
    suspect: str | None
    words: list[WordView]


class EventView(BaseModel):
    """Something that a person has said of the call."""

    at: datetime
    actor: str
    what: str
    reason: str


class AppealView(BaseModel):
    id: int
    item: str
    reason: str
    filed_at: datetime
    upheld: bool | None
    decision: str | None


class CallView(BaseModel):
    """A call. `masked`: customer data are taken out of all texts."""

    call: int
    scorecard: int
    call_id: str
    agent_no: str
    agent: str
    team: str
    started_at: datetime
    direction: str
    scenario: str | None
    customer_no: str | None
    duration_ms: int
    status: str
    published: bool
    score: float | None
    score_before_veto: float | None
    veto: bool
    veto_confirmed: bool | None
    veto_voters: list[str]
    reason: str | None
    standard: str
    masked: bool
    items: list[ItemView]
    utterances: list[UtteranceView]
    events: list[EventView]
    appeals: list[AppealView]
    held_by: str | None
    may_decide: bool
    may_appeal: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """Everything a view is made of."""

    call: Call
    judgement: Judgement
    published: bool
    dialogue: Dialogue | None
    reviews: Sequence[Review]
    appeals: Sequence[Appeal]
    voters: Sequence[str]
    agent: str
    team: str
    held_by: str | None


def call_view(bench: Workbench, shown: Shown, *, masked: bool, may_decide: bool, may_appeal: bool) -> CallView:
    """The call as it is shown; `masked` takes customer data out of all texts."""
    card, call = shown.judgement.scorecard, shown.call
    mask = redactor_for(call, card, dialogue=shown.dialogue) if masked else _as_it_is
    ruled_by = {ruling.item: review.actor for review in shown.reviews for ruling in review.rulings}
    return CallView(
        call=shown.judgement.call,
        scorecard=shown.judgement.id,
        call_id=call.call_id,
        agent_no=card.agent_no,
        agent=shown.agent,
        team=shown.team,
        started_at=card.started_at,
        direction=card.direction.value,
        scenario=card.scenario and (SCENARIOS.get(card.scenario) or mask(card.scenario)),
        customer_no=mask(call.customer_no) if call.customer_no else None,
        duration_ms=shown.dialogue.duration_ms if shown.dialogue else 0,
        status=card.status.value,
        published=shown.published,
        score=_number(card.score),
        score_before_veto=_number(card.score_before_veto),
        veto=card.veto,
        veto_confirmed=card.veto_confirmed,
        veto_voters=list(shown.voters),
        reason=card.reason and mask(card.reason),
        standard=f"{card.standard.id} {card.standard.version}",
        masked=masked,
        items=[_item(bench, item, mask, ruled_by.get(item.id)) for item in card.items],
        utterances=utterance_views(shown.dialogue, mask),
        events=[_event(bench, review, mask) for review in shown.reviews],
        appeals=[_appeal(appeal, mask) for appeal in shown.appeals],
        held_by=shown.held_by,
        may_decide=may_decide,
        may_appeal=may_appeal,
    )


def utterance_views(dialogue: Dialogue | None, mask: Redactor) -> list[UtteranceView]:
    """The transcript, masked; empty where nothing could be heard."""
    return [_utterance(one, mask) for one in dialogue.utterances] if dialogue else []


def changes(bench: Workbench, before: Scorecard, after: Scorecard) -> list[str]:
    """What is judged otherwise, a Chinese line for each item, and the scores where they differ."""
    was = {item.id: item for item in before.items}
    lines = [
        f"{bench.item_name(item.id)}:{_verdict(was[item.id])} → {_verdict(item)}"
        for item in after.items
        if item.id in was and _verdict(was[item.id]) != _verdict(item)
    ]
    if before.score_before_veto != after.score_before_veto:
        lines.append(f"得分:{before.score_before_veto} → {after.score_before_veto}")
    return lines


def _as_it_is(text: str) -> str:
    return text


def _item(bench: Workbench, item: ItemResult, mask: Redactor, ruled_by: str | None) -> ItemView:
    return ItemView(
        id=item.id,
        name=bench.item_name(item.id),
        group=group_of(item.id),
        outcome=item.outcome.value,
        points=_number(item.points),
        points_max=float(item.points_max),
        confidence=item.confidence,
        reason=None if item.reason is None else mask(item.reason),
        veto=item.veto,
        evidence=[_evidence(one, mask) for one in item.evidence],
        rule=bench.rule_lines(item.id),
        ruled_by=ruled_by,
    )


def _evidence(evidence: Evidence, mask: Redactor) -> EvidenceView:
    return EvidenceView(
        kind=evidence.kind.value,
        role=evidence.role and evidence.role.value,
        start_ms=evidence.span.start_ms if evidence.span else None,
        end_ms=evidence.span.end_ms if evidence.span else None,
        quote=mask(evidence.quote),
        detail=mask(detail_of(evidence)),
    )


def _utterance(utterance: Utterance, mask: Redactor) -> UtteranceView:
    said = reworded(utterance, mask(utterance.text))
    return UtteranceView(
        role=said.role.value,
        start_ms=said.span.start_ms,
        end_ms=said.span.end_ms,
        text=said.text,
        suspect=said.suspect,
        words=[WordView(text=w.text, start_ms=w.span.start_ms, end_ms=w.span.end_ms) for w in said.words],
    )


def _event(bench: Workbench, review: Review, mask: Redactor) -> EventView:
    said = [f"{bench.item_name(ruling.item)}:{_ruled(ruling)}" for ruling in review.rulings]
    if review.veto_confirmed is not None:
        said.append("确认一票否决" if review.veto_confirmed else "否定一票否决")
    return EventView(
        at=review.decided_at, actor=review.actor, what="、".join(said) or "同意系统评分", reason=mask(review.reason)
    )


def _appeal(appeal: Appeal, mask: Redactor) -> AppealView:
    decision = appeal.decision
    return AppealView(
        id=appeal.id,
        item=appeal.item,
        reason=mask(appeal.reason),
        filed_at=appeal.filed_at,
        upheld=decision.upheld if decision else None,
        decision=mask(decision.reason) if decision else None,
    )


def _ruled(ruling: Ruling) -> str:
    return OUTCOMES[ruling.outcome] + (f" 得 {points(ruling.points)} 分" if ruling.points is not None else "")


def _verdict(item: ItemResult) -> str:
    return OUTCOMES[item.outcome] + (f" {points(item.points)} 分" if item.points is not None else "")


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)
