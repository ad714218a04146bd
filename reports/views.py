"""A call as the page shows it: plain words and times, ready to print. Expects data that is masked already."""

import dataclasses
from dataclasses import dataclass

from zhijian.models.records.dialogue import Dialogue, Utterance
from zhijian.models.records.scorecard import Evidence, EvidenceKind, ItemResult, Outcome, Tier
from zhijian.reports.data import CallState, JudgedCall, NightData
from zhijian.reports.tables import SeriousFinding, lost
from zhijian.reports.wording import (
    DIRECTIONS,
    EVIDENCE,
    OUTCOMES,
    ROLES,
    SCENARIOS,
    STATES,
    TIERS,
    clock,
    detail_of,
    item_name,
    points,
    stretch,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceView:
    """`tier` is set for a banned phrase; `clip` plays the stretch."""

    kind: str
    role: str
    time: str
    quote: str
    detail: str
    clip: str | None
    tier: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingView:
    """An item that costs points or needs a decision. `cost` = 失 4 / 4, empty while undecided."""

    name: str
    outcome: str
    label: str
    cost: str
    veto: bool
    reason: str
    evidence: tuple[EvidenceView, ...]


@dataclass(frozen=True, slots=True)
class LineView:
    """An utterance of the transcript: pieces of text, marked with the item they are evidence of, or with nothing."""

    role: str
    label: str
    time: str
    pieces: tuple[tuple[str, str], ...]
    suspect: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CallView:
    """`score` is the one before veto, which `score_note` says where it matters.

    `passed` and `na` are names of items, `summary` pairs the names of the others with what they cost.
    """

    call_id: str
    state: str
    state_label: str
    score: str
    score_note: str
    agent_name: str
    agent_no: str
    team: str
    started: str
    kind: str
    duration: str
    summary: tuple[tuple[str, str], ...]
    reason: str
    findings: tuple[FindingView, ...]
    passed: tuple[str, ...]
    na: tuple[str, ...]
    lines: tuple[LineView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SeriousView:
    call: CallView
    finding: FindingView


def call_view(data: NightData, judged: JudgedCall) -> CallView:
    call, card = judged.call, judged.scorecard
    findings = sorted(
        (item for item in card.items if item.outcome in (Outcome.FAIL, Outcome.UNSURE)),
        key=lambda item: (not item.veto, item.outcome is Outcome.UNSURE, -lost(item)),
    )
    score = card.score_before_veto
    agent = data.agents.get(call.agent_no)
    return CallView(
        call_id=call.call_id,
        state=judged.state.value,
        state_label=STATES[judged.state],
        score="—" if score is None else str(score),
        score_note={CallState.FLAGGED: "否决前", CallState.HELD: "暂计"}.get(judged.state, ""),
        agent_name=agent.name if agent else "",
        agent_no=call.agent_no,
        team=agent.team if agent else "",
        started=f"{call.started_at:%m-%d %H:%M}",
        kind=" · ".join(filter(None, (DIRECTIONS[call.direction], SCENARIOS.get(card.scenario or "", card.scenario)))),
        duration=clock(judged.dialogue.duration_ms) if judged.dialogue else "",
        summary=tuple(_in_short(data, item) for item in findings),
        reason=card.reason or "",
        findings=tuple(finding_view(data, judged, item) for item in findings),
        passed=tuple(item_name(data, item.id) for item in card.items if item.outcome is Outcome.PASS),
        na=tuple(item_name(data, item.id) for item in card.items if item.outcome is Outcome.NA),
        lines=_lines(data, judged.dialogue, findings) if judged.dialogue else (),
    )


def serious_view(data: NightData, found: SeriousFinding) -> SeriousView:
    """The call and the finding with the evidence that makes it serious: of banned phrases the severe ones only."""
    finding = finding_view(data, found.judged, found.item)
    severe = tuple(evidence for evidence in finding.evidence if evidence.tier == TIERS[Tier.SEVERE])
    return SeriousView(
        call=call_view(data, found.judged),
        finding=dataclasses.replace(finding, evidence=severe or finding.evidence),
    )


def finding_view(data: NightData, judged: JudgedCall, item: ItemResult) -> FindingView:
    return FindingView(
        name=item_name(data, item.id),
        outcome=item.outcome.value,
        label="疑似一票否决" if item.veto else OUTCOMES[item.outcome],
        cost=f"−{points(lost(item))} / {points(item.points_max)}" if item.outcome is Outcome.FAIL else "",
        veto=item.veto,
        reason=item.reason or "",
        evidence=tuple(_evidence_view(judged, item, index) for index in range(len(item.evidence))),
    )


def _evidence_view(judged: JudgedCall, item: ItemResult, index: int) -> EvidenceView:
    evidence = item.evidence[index]
    return EvidenceView(
        kind=EVIDENCE[evidence.kind],
        role=ROLES[evidence.role] if evidence.role else "",
        time=stretch(evidence.span) if evidence.span else "",
        quote=evidence.quote,
        detail=detail_of(evidence),
        clip=judged.clips.get((item.id, index)),
        tier=_tier(judged, item, evidence),
    )


def _tier(judged: JudgedCall, item: ItemResult, evidence: Evidence) -> str:
    """The tier of the banned phrase that this is evidence of."""
    if item.id != "language.banned" or evidence.span is None:
        return ""
    hits = [hit for hit in judged.scorecard.banned if hit.span.overlap_ms(evidence.span) > 0]
    return TIERS[max(hits, key=lambda hit: list(Tier).index(hit.tier)).tier] if hits else ""


def _in_short(data: NightData, item: ItemResult) -> tuple[str, str]:
    return item_name(data, item.id), f"−{points(lost(item))}" if item.outcome is Outcome.FAIL else "待复核"


def _lines(data: NightData, dialogue: Dialogue, findings: list[ItemResult]) -> tuple[LineView, ...]:
    found = [
        (evidence, item_name(data, item.id))
        for item in findings
        for evidence in item.evidence
        if evidence.kind is EvidenceKind.FOUND and evidence.span is not None
    ]
    return tuple(
        LineView(
            role=utterance.role.value,
            label=ROLES[utterance.role],
            time=clock(utterance.span.start_ms),
            pieces=_pieces(utterance, found),
            suspect=utterance.suspect or "",
        )
        for utterance in dialogue.utterances
    )


def _pieces(utterance: Utterance, found: list[tuple[Evidence, str]]) -> tuple[tuple[str, str], ...]:
    """The text cut where evidence begins and ends: (text, names of the items it is evidence of, or nothing)."""
    names: list[list[str]] = [[] for _ in utterance.text]
    for evidence, name in found:
        if evidence.span is None or not evidence.span.overlap_ms(utterance.span):
            continue
        if evidence.role not in (None, utterance.role):
            continue
        start = utterance.text.find(evidence.quote) if evidence.quote else -1
        # Masking may write the quote and the whole sentence differently; then the sentence is what can be shown.
        start, end = (start, start + len(evidence.quote)) if start >= 0 else (0, len(utterance.text))
        for place in range(start, end):
            if name not in names[place]:
                names[place].append(name)
    pieces: list[tuple[str, str]] = []
    for char, char_names in zip(utterance.text, names, strict=True):
        label = "、".join(char_names)
        if pieces and pieces[-1][1] == label:
            pieces[-1] = (pieces[-1][0] + char, label)
        else:
            pieces.append((char, label))
    return tuple(pieces)
