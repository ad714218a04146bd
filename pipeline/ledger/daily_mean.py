"""Points for the mean of an agent's published calls of one day: one entry, which lists its scorecards.

Days with fewer calls than the scheme asks wait for the end of the month, when all their calls count as one day.
No entry for what earns nothing (too few calls, or a mean below the bands): the scorecards and publications show
why, and a ledger of zeros would hide what counts. A day that had points and loses them is reversed.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_FLOOR, Decimal
from typing import Any

from zhijian.pipeline.ledger.months import last_day
from zhijian.pipeline.ledger.scheme import Scheme
from zhijian.pipeline.ledger.settlement import Claim

SOURCE_KIND = "agent_day"
REST_KIND = "agent_month_rest"


@dataclass(frozen=True, slots=True)
class ScoredCall:
    """A published call: `scorecard` is the number of its scorecard, `standard` id and version it was judged under."""

    scorecard: int
    source: str
    call_id: str
    revision: int
    day: date
    score: Decimal
    standard: str


def day_claim(scheme: Scheme, agent_no: str, day: date, published: Sequence[ScoredCall]) -> Claim | None:
    """What an agent's published calls of a day, all of them given, earn; None under a scheme that has no such item."""
    if scheme.daily_mean is None:
        return None
    item, table = scheme.daily_mean
    details = _details(published)
    return Claim(
        item=item,
        account=agent_no,
        source_kind=SOURCE_KIND,
        source_id=day_source(agent_no, day),
        day=day,
        points=table.points_for([call.score for call in published]),
        reason=f"{item.name} {day.isoformat()} {len(published)}通 均分{details['mean']}",
        details=details,
    )


def rest_claim(scheme: Scheme, agent_no: str, period: str, by_day: Mapping[date, Sequence[ScoredCall]]) -> Claim | None:
    """What the calls of a month (`YYYY-MM`) earn that were too few on their own days; all published ones given."""
    if scheme.daily_mean is None:
        return None
    item, table = scheme.daily_mean
    rest = [call for calls in by_day.values() if len(calls) < table.calls_min for call in calls]
    details = _details(rest)
    return Claim(
        item=item,
        account=agent_no,
        source_kind=REST_KIND,
        source_id=f"{agent_no}/{period}",
        day=last_day(period),
        points=table.points_for([call.score for call in rest]),
        reason=f"{item.name} {period} 零散{len(rest)}通 均分{details['mean']}",
        details=details,
    )


def day_source(agent_no: str, day: date) -> str:
    """The source id of an agent's day."""
    return f"{agent_no}/{day.isoformat()}"


def _details(published: Sequence[ScoredCall]) -> dict[str, Any]:
    """The shown mean is rounded down to two places, so that it never shows a band that was not reached."""
    total = sum((call.score for call in published), Decimal(0))
    mean = (total / len(published)).quantize(Decimal("0.01"), ROUND_FLOOR) if published else None
    return {
        "mean": None if mean is None else str(mean),
        "scorecards": [
            {
                "scorecard": call.scorecard,
                "source": call.source,
                "call_id": call.call_id,
                "revision": call.revision,
                "score": str(call.score),
                "standard": call.standard,
            }
            for call in sorted(published, key=lambda call: call.scorecard)
        ],
    }
