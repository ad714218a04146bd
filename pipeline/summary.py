"""What a night says when it is done: one line, then by name what could not be judged."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any


def summary_lines(result: dict[str, Any], out: Path) -> Iterator[str]:
    """Chinese lines for a terminal or a cron mail, from what run.json says."""
    counts, ledger, other_days = result["counts"], result["ledger"], result["other_days"]
    yield (
        f"质检完成:{counts['calls']} 通电话,已评分 {counts['scored']}(发布 {counts['published']}),"
        f"一票否决待确认 {counts['flagged']},不可评 {counts['unscorable']},"
        f"失败 {counts['failed'] + counts['unfinished']},未受理 {counts['refused']};"
        f"本次入账 {ledger['posted']} 条、冲销 {ledger['reversed']} 条;报告:{out / 'report.html'}"
    )
    if ledger["anchor_problem"]:
        yield ledger["anchor_problem"]
    if other_days["judged"] or other_days["failed"]:
        yield f"其他日期的通话:补评 {other_days['judged']} 通,仍未处理 {len(other_days['failed'])} 通"
    for refusal in result["refused"]:
        place = f"{refusal['file']} 第 {refusal['row']} 行" if refusal["row"] else refusal["file"]
        call = f"(通话 {refusal['call_id']})" if refusal["call_id"] else ""
        yield f"未受理 {place}{call}:{refusal['reason']}"
    for card in result["unscorable"]:
        yield f"不可评 {card['call_id']}:{card['reason']}"
    for call in (*result["failed"], *other_days["failed"]):
        yield f"失败 {call['call_id']}:{call['reason'] or '尚未处理'}"
    for call_id in result["revised"]:
        yield f"通话记录有更正 {call_id}:已重新评分"
    for group in result["possible_duplicates"]:
        yield f"录音内容相同:{'、'.join(group)}"
