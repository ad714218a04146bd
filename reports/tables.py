"""The night in figures: an overview and data frames that page and workbook share, so that their numbers agree.

Frames hold records' own values (`Decimal`, `datetime`, spans in ms), None where there is none, and keep their columns
when they are empty.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal
from statistics import mean, median
from typing import Any

import pandas as pd

from zhijian.models.records.scorecard import BannedHit, ItemResult, Outcome, Tier
from zhijian.models.records.span import Span
from zhijian.reports.data import CallState, JudgedCall, NightData
from zhijian.reports.wording import (
    DIRECTIONS,
    SCENARIOS,
    STATES,
    TIERS,
    detail_of,
    group_of,
    item_name,
    one_decimal,
)

_STATE_ORDER = {CallState.FLAGGED: 0, CallState.HELD: 1, CallState.PUBLISHED: 1, CallState.UNSCORABLE: 2}


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """Counts of calls by state, and the scores of the `scored` calls (published or held; flagged ones have none)."""

    calls: int
    published: int
    held: int
    flagged: int
    unscorable: int
    failed: int
    refused: int
    scored: int
    mean: Decimal | None
    median: Decimal | None
    lost: Decimal
    doubts: int
    booked: Decimal
    booked_agents: int


@dataclass(frozen=True, slots=True)
class SeriousFinding:
    """A veto item that the machine found failed, or a severe banned phrase, in a call of the night."""

    judged: JudgedCall
    item: ItemResult


def overview(data: NightData) -> Overview:
    states = [judged.state for judged in data.calls]
    scores = [j.scorecard.score for j in data.calls if j.scorecard.score is not None]
    items = [item for judged in data.calls for item in judged.scorecard.items]
    return Overview(
        calls=len(states),
        published=states.count(CallState.PUBLISHED),
        held=states.count(CallState.HELD),
        flagged=states.count(CallState.FLAGGED),
        unscorable=states.count(CallState.UNSCORABLE),
        failed=len(data.failed),
        refused=len(data.refused),
        scored=len(scores),
        mean=one_decimal(mean(scores)) if scores else None,
        median=one_decimal(median(scores)) if scores else None,
        lost=sum((lost(item) for item in items), Decimal(0)),
        doubts=sum(item.outcome is Outcome.UNSURE for item in items),
        booked=sum((booked.points for booked in data.booked), Decimal(0)),
        booked_agents=len({booked.agent_no for booked in data.booked}),
    )


def lost(item: ItemResult) -> Decimal:
    """The points that an item costs; 0 unless it fails."""
    return Decimal(0) if item.points is None else item.points_max - item.points


def in_order(calls: Iterable[JudgedCall]) -> list[JudgedCall]:
    """Flagged calls first, then by score from the lowest, those that cannot be judged last."""

    def key(judged: JudgedCall) -> tuple[int, Decimal, str]:
        score = judged.scorecard.score_before_veto
        return _STATE_ORDER[judged.state], Decimal(101) if score is None else score, judged.call.call_id

    return sorted(calls, key=key)


def serious(data: NightData) -> list[SeriousFinding]:
    """Vetoes that nobody has confirmed yet and severe banned phrases, worst call first."""
    findings = []
    for judged in in_order(data.calls):
        severe = any(hit.tier is Tier.SEVERE for hit in judged.scorecard.banned)
        for item in judged.scorecard.items:
            if (item.veto and not judged.published) or (item.id == "language.banned" and severe):
                findings.append(SeriousFinding(judged, item))
    return findings


def calls_frame(data: NightData) -> pd.DataFrame:
    """One row a call."""
    rows = []
    for judged in in_order(data.calls):
        card = judged.scorecard
        rows.append(
            _who(data, judged)
            | {
                "started_at": judged.call.started_at,
                "direction": DIRECTIONS[judged.call.direction],
                "scenario": SCENARIOS.get(card.scenario or "", card.scenario),
                "state": STATES[judged.state],
                "score": card.score,
                "score_before_veto": card.score_before_veto,
                "lost": sum((lost(item) for item in card.items), Decimal(0)),
                "fails": sum(item.outcome is Outcome.FAIL for item in card.items),
                "doubts": sum(item.outcome is Outcome.UNSURE for item in card.items),
                "veto": "、".join(item_name(data, item.id) for item in card.items if item.veto) or None,
                "duration_ms": judged.dialogue.duration_ms if judged.dialogue else None,
                "reason": card.reason,
            }
        )
    columns = "started_at direction scenario state score score_before_veto lost fails doubts veto duration_ms reason"
    return _frame(rows, f"call_id agent_no agent team {columns}")


def losses_frame(data: NightData) -> pd.DataFrame:
    """One row a failed item of a call."""
    rows = [
        _who(data, judged) | _finding(data, item) | {"lost": lost(item), "veto": "是" if item.veto else None}
        for judged, item in _items(data, Outcome.FAIL)
    ]
    return _frame(rows, "call_id agent_no agent team group item lost veto reason start_ms end_ms quote detail")


def doubts_frame(data: NightData) -> pd.DataFrame:
    """One row an item that a monitor has to decide; it costs nothing until then."""
    rows = [
        _who(data, judged) | _finding(data, item) | {"points_max": item.points_max, "confidence": item.confidence}
        for judged, item in _items(data, Outcome.UNSURE)
    ]
    columns = "group item points_max confidence reason start_ms end_ms quote detail"
    return _frame(rows, f"call_id agent_no agent team {columns}")


def items_frame(data: NightData) -> pd.DataFrame:
    """One row an item: how often it ended how; `rate` = pass ÷ `n`, `n` = pass + fail, None where nothing counted."""
    judged = [item for call in data.calls for item in call.scorecard.items]
    rows = []
    for item_id in dict.fromkeys((*data.items, *(item.id for item in judged))):
        these = [item for item in judged if item.id == item_id]
        counts = {outcome.value: sum(item.outcome is outcome for item in these) for outcome in Outcome}
        n = counts["pass"] + counts["fail"]
        rows.append(
            counts
            | {
                "group": group_of(item_id),
                "item": item_name(data, item_id),
                "points_max": data.items[item_id].points_max if item_id in data.items else these[0].points_max,
                "n": n,
                "rate": counts["pass"] / n if n else None,
                "lost": sum((lost(item) for item in these), Decimal(0)),
            }
        )
    return _frame(rows, "group item points_max pass fail na unsure n rate lost")


def agents_frame(data: NightData) -> pd.DataFrame:
    """One row an agent with calls, the lowest mean first; one column of lost points for each group of items.

    `mean`, `median`, `lowest`, `highest` are of the `scored` calls, None where there are none; `main_loss` names the
    item that cost most.
    """
    losses, calls = losses_frame(data), calls_frame(data)
    groups = list(dict.fromkeys((*map(group_of, data.items), *losses["group"])))
    rows = []
    for agent_no, own in calls.groupby("agent_no"):
        scores = [score for score in own["score"] if score is not None]
        mine = losses[losses["agent_no"] == agent_no]
        by_item = _sums(mine, "item")
        rows.append(
            {key: own[key].iloc[0] for key in ("agent_no", "agent", "team")}
            | {
                "calls": len(own),
                "scored": len(scores),
                "mean": one_decimal(mean(scores)) if scores else None,
                "median": one_decimal(median(scores)) if scores else None,
                "lowest": min(scores, default=None),
                "highest": max(scores, default=None),
                "lost": sum(by_item.values(), Decimal(0)),
                "main_loss": max(by_item, key=lambda item: by_item[item], default=None),
                "booked": sum((b.points for b in data.booked if b.agent_no == agent_no), Decimal(0)),
            }
            | {group: Decimal(0) for group in groups}
            | _sums(mine, "group")
        )
    rows.sort(key=lambda row: (row["mean"] is None, row["mean"] or 0, row["agent_no"]))
    columns = "agent_no agent team calls scored mean median lowest highest lost main_loss booked"
    return _frame(rows, " ".join(dict.fromkeys((columns, *groups))))


def banned_frame(data: NightData) -> pd.DataFrame:
    """One row a banned phrase that an agent said, the gravest first."""
    hits = [(judged, hit) for judged in in_order(data.calls) for hit in judged.scorecard.banned]
    hits.sort(key=lambda pair: list(Tier).index(pair[1].tier), reverse=True)
    return _frame(
        [_who(data, judged) | _hit(hit) for judged, hit in hits],
        "call_id agent_no agent team tier entry start_ms end_ms quote",
    )


def booked_frame(data: NightData) -> pd.DataFrame:
    """One row an entry of points."""
    rows = [
        {
            "agent_no": booked.agent_no,
            "agent": _agent(data, booked.agent_no)[0],
            "team": _agent(data, booked.agent_no)[1],
            "day": booked.day,
            "points": booked.points,
            "mean": booked.mean,
            "calls": booked.calls,
        }
        for booked in data.booked
    ]
    return _frame(rows, "agent_no agent team day points mean calls")


def refused_frame(data: NightData) -> pd.DataFrame:
    """One row a row of the call list that was refused, or a call that failed technically."""
    rows = [{"kind": "未受理", "row": r.row, "call_id": r.call_id, "reason": r.reason} for r in data.refused]
    rows += [{"kind": "处理失败", "row": None, "call_id": f.call_id, "reason": f.reason} for f in data.failed]
    return _frame(rows, "kind row call_id reason")


def _frame(rows: list[dict[str, Any]], columns: str) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=columns.split(), dtype=object)


def _sums(losses: pd.DataFrame, key: str) -> dict[str, Decimal]:
    return {str(name): sum(part["lost"], Decimal(0)) for name, part in losses.groupby(key, sort=False)}


def _items(data: NightData, outcome: Outcome) -> list[tuple[JudgedCall, ItemResult]]:
    return [
        (judged, item) for judged in in_order(data.calls) for item in judged.scorecard.items if item.outcome is outcome
    ]


def _who(data: NightData, judged: JudgedCall) -> dict[str, Any]:
    name, team = _agent(data, judged.call.agent_no)
    return {"call_id": judged.call.call_id, "agent_no": judged.call.agent_no, "agent": name, "team": team}


def _agent(data: NightData, agent_no: str) -> tuple[str | None, str | None]:
    agent = data.agents.get(agent_no)
    return (agent.name or None, agent.team or None) if agent else (None, None)


def _finding(data: NightData, item: ItemResult) -> dict[str, Any]:
    """Reason and evidence of an item; several pieces of evidence share the cell, the times are the first one's."""
    spans = [evidence.span for evidence in item.evidence if evidence.span is not None]
    return {
        "group": group_of(item.id),
        "item": item_name(data, item.id),
        "reason": item.reason,
        "quote": " / ".join(e.quote for e in item.evidence if e.quote) or None,
        "detail": " / ".join(detail_of(e) for e in item.evidence if e.detail) or None,
    } | _times(spans[0] if spans else None)


def _hit(hit: BannedHit) -> dict[str, Any]:
    return {"tier": TIERS[hit.tier], "entry": hit.entry, "quote": hit.quote} | _times(hit.span)


def _times(span: Span | None) -> dict[str, int | None]:
    return {"start_ms": span.start_ms if span else None, "end_ms": span.end_ms if span else None}
