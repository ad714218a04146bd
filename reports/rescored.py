"""What judging again changes: by item, by agent and by call, as rows of plain values and as lines of text."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from statistics import mean
from typing import Any

from zhijian.models.records.call import Call
from zhijian.models.records.scorecard import ItemResult, Outcome, Scorecard, Status
from zhijian.reports.wording import OUTCOMES, one_decimal

STATUSES = {Status.SCORED: "已评分", Status.FLAGGED: "否决待确认", Status.UNSCORABLE: "不可评"}


@dataclass(frozen=True, slots=True)
class ItemChange:
    """An item whose verdict differs; None where that standard does not have it, or the call could not be judged."""

    id: str
    before: ItemResult | None
    after: ItemResult | None


@dataclass(frozen=True, slots=True)
class Rejudged:
    """A call with the scorecard that stood, and the new one."""

    call: Call
    before: Scorecard
    after: Scorecard

    @property
    def changes(self) -> tuple[ItemChange, ...]:
        """The items whose outcome, points or veto differ, in the order of the new standard; what it dropped comes last.

        Other evidence for the same verdict is no change.
        """
        before, after = ({item.id: item for item in card.items} for card in (self.before, self.after))
        both = [ItemChange(id, before.get(id), after.get(id)) for id in dict.fromkeys((*after, *before))]
        return tuple(change for change in both if _verdict(change.before) != _verdict(change.after))


def item_rows(calls: Iterable[Rejudged]) -> list[dict[str, Any]]:
    """One row an item and pair of outcomes: how many calls, and the points they lose before and after."""
    moves: dict[tuple[str, Outcome | None, Outcome | None], list[ItemChange]] = defaultdict(list)
    for rejudged in calls:
        for change in rejudged.changes:
            moves[change.id, _outcome(change.before), _outcome(change.after)].append(change)
    return [
        {
            "id": id,
            "from": before,
            "to": after,
            "calls": len(changes),
            "lost_before": _lost(change.before for change in changes),
            "lost_after": _lost(change.after for change in changes),
        }
        for (id, before, after), changes in sorted(moves.items(), key=lambda move: (move[0][0], -len(move[1])))
    ]


def agent_rows(calls: Iterable[Rejudged]) -> list[dict[str, Any]]:
    """One row an agent: the calls judged again, and the mean of those that have a score, before and after."""
    own: dict[str, list[Rejudged]] = defaultdict(list)
    for rejudged in calls:
        own[rejudged.call.agent_no].append(rejudged)
    return [
        {
            "agent_no": agent_no,
            "calls": len(theirs),
            "mean_before": _mean(rejudged.before for rejudged in theirs),
            "mean_after": _mean(rejudged.after for rejudged in theirs),
        }
        for agent_no, theirs in sorted(own.items())
    ]


def call_rows(calls: Iterable[Rejudged]) -> list[dict[str, Any]]:
    """One row a call whose verdict changes, with the items that do."""
    return [
        {
            "source": rejudged.call.source,
            "call_id": rejudged.call.call_id,
            "agent_no": rejudged.call.agent_no,
            "day": rejudged.call.day.isoformat(),
            "status_before": rejudged.before.status,
            "status_after": rejudged.after.status,
            "score_before": _number(rejudged.before.score),
            "score_after": _number(rejudged.after.score),
            "items": [
                {
                    "id": change.id,
                    "from": _outcome(change.before),
                    "to": _outcome(change.after),
                    "points_before": _points(change.before),
                    "points_after": _points(change.after),
                    "veto": bool(change.after and change.after.veto),
                }
                for change in rejudged.changes
            ],
        }
        for rejudged in calls
        if rejudged.changes
    ]


def lines(result: dict[str, Any], names: dict[str, str]) -> Iterator[str]:
    """What was found, for a terminal; `names` are those of the items by id."""
    counts, standard = result["counts"], result["standard"]
    yield (
        f"{'试算,什么也没有写入' if result['dry_run'] else '重新评分完成'}:标准 {standard['id']} {standard['version']},"
        f"重评 {counts['judged']} 通,有变化 {counts['changed']},不重评 {counts['left']},失败 {counts['failed']}"
    )
    if result["calls"]:
        yield from _changes(result, names)
    for why in ("left", "failed"):
        for call in result[why]:
            yield f"{'失败' if why == 'failed' else '不重评'} {call['call_id']}:{call['reason']}"
    if booked := result["booked"]:
        yield (
            f"发布 {booked['published']} 通,待人处理 {booked['held']} 通;"
            f"入账 {booked['posted']} 条、冲销 {booked['reversed']} 条;报告文件由下一次涵盖这些日子的夜间作业更新"
        )


def _changes(result: dict[str, Any], names: dict[str, str]) -> Iterator[str]:
    yield "项目、改判、通数、失分:"
    for row in result["items"]:
        name = names.get(row["id"], "")
        yield f"  {row['id']} {name}\t{_move(row)}\t{row['calls']}\t{row['lost_before']:g}→{row['lost_after']:g}"
    yield "坐席、重评通数、均分:"
    for row in result["agents"]:
        yield f"  {row['agent_no']}\t{row['calls']}\t{_score(row['mean_before'])}→{_score(row['mean_after'])}"
    yield "通话、坐席、日期、得分、改判的项目:"
    for row in result["calls"]:
        scores = f"{_standing(row, 'before')}→{_standing(row, 'after')}"
        items = "、".join(f"{item['id']} {_move(item)}" for item in row["items"])
        yield f"  {row['call_id']}\t{row['agent_no']}\t{row['day']}\t{scores}\t{items}"


def _verdict(item: ItemResult | None) -> tuple[Outcome, Decimal | None, bool] | None:
    return (item.outcome, item.points, item.veto) if item else None


def _outcome(item: ItemResult | None) -> Outcome | None:
    return item.outcome if item else None


def _lost(items: Iterable[ItemResult | None]) -> float:
    counted = ((item.points_max, item.points) for item in items if item)
    return float(sum(points_max - points for points_max, points in counted if points is not None))


def _mean(cards: Iterable[Scorecard]) -> float | None:
    scores = [card.score for card in cards if card.score is not None]
    return float(one_decimal(mean(scores))) if scores else None


def _points(item: ItemResult | None) -> float | None:
    return _number(item.points) if item else None


def _number(value: Decimal | None) -> float | None:
    return None if value is None else float(value)


def _move(row: dict[str, Any]) -> str:
    before, after = ("无此项" if row[side] is None else OUTCOMES[row[side]] for side in ("from", "to"))
    return f"{before}→{after}"


def _score(score: float | None) -> str:
    return "—" if score is None else f"{score:.1f}"


def _standing(row: dict[str, Any], side: str) -> str:
    """The score, or why there is none."""
    score = row[f"score_{side}"]
    return STATUSES[row[f"status_{side}"]] if score is None else _score(score)
