"""The words and figures of the reports as their readers know them."""

from decimal import ROUND_HALF_UP, Decimal

from zhijian.models.records.call import Direction
from zhijian.models.records.dialogue import Role
from zhijian.models.records.scorecard import Evidence, EvidenceKind, Outcome, Tier
from zhijian.models.records.span import Span
from zhijian.reports.data import CallState, NightData

STATES = {
    CallState.FLAGGED: "否决待确认",
    CallState.HELD: "待复核",
    CallState.PUBLISHED: "已发布",
    CallState.UNSCORABLE: "无法评分",
}
OUTCOMES = {Outcome.PASS: "合格", Outcome.FAIL: "扣分", Outcome.NA: "不适用", Outcome.UNSURE: "待复核"}
ROLES = {Role.AGENT: "坐席", Role.CUSTOMER: "客户", Role.SYSTEM: "系统", Role.UNKNOWN: "未辨明"}
DIRECTIONS = {Direction.INBOUND: "呼入", Direction.OUTBOUND: "呼出"}
TIERS = {Tier.MINOR: "轻微", Tier.MAJOR: "较重", Tier.SEVERE: "严重"}
EVIDENCE = {EvidenceKind.FOUND: "原话", EvidenceKind.SEARCHED: "查找范围", EvidenceKind.RECORD: "话务记录"}
GROUPS = {
    "opening": "开头语",
    "closing": "结束语",
    "hold": "等待",
    "language": "用语",
    "repeat": "复述",
    "talk": "交谈",
    "process": "流程",
    "privacy": "保密",
}
SCENARIOS = {
    "fault": "故障报修",
    "outage": "停电咨询",
    "billing": "电费业务",
    "new_connection": "业扩报装",
    "complaint": "投诉",
    "whistle_blowing": "举报",
    "suggestion": "建议表扬",
    "harassment": "骚扰",
    "callback": "回访",
}
RECORD_FIELDS = {"hangup_side": "挂机方", "ring_count": "振铃次数", "direction": "呼叫方向"}
RECORD_VALUES = {"agent": "坐席", "customer": "客户", "inbound": "呼入", "outbound": "呼出"}
STAGES = {"pull": "收取", "hear": "听写", "judge": "评判", "book": "入账", "report": "报告"}


def detail_of(evidence: Evidence) -> str:
    """What a piece of evidence adds to its quote; facts of the record in the words of their readers."""
    if evidence.kind is not EvidenceKind.RECORD:
        return evidence.detail
    facts = (fact.partition("=") for fact in evidence.detail.split("、"))
    return "、".join(f"{RECORD_FIELDS.get(name, name)}:{RECORD_VALUES.get(value, value)}" for name, _, value in facts)


def one_decimal(value: Decimal) -> Decimal:
    """Rounded half up, as scores are."""
    return value.quantize(Decimal("0.1"), ROUND_HALF_UP)


def points(value: Decimal) -> str:
    """4, 2.67, 0.5: at most two places, no idle zeros."""
    text = f"{value.quantize(Decimal('0.01'), ROUND_HALF_UP):f}"
    return text.rstrip("0").rstrip(".") or "0"


def signed(value: Decimal) -> str:
    return f"+{points(value)}" if value > 0 else points(value).replace("-", "−")


def clock(ms: int) -> str:
    """01:05, or 1:01:05 from an hour on."""
    minutes, seconds = divmod(ms // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes:02d}:{seconds:02d}"


def stretch(span: Span) -> str:
    """From the second it begins in to the second it is over by: 00:12–00:15."""
    return f"{clock(span.start_ms)}–{clock(-(-span.end_ms // 1000) * 1000)}"


def agent_label(data: NightData, agent_no: str) -> str:
    """李敏 1023, or the number alone."""
    agent = data.agents.get(agent_no)
    return f"{agent.name} {agent_no}" if agent and agent.name else agent_no


def item_name(data: NightData, item_id: str) -> str:
    item = data.items.get(item_id)
    return item.name if item else item_id


def group_of(item_id: str) -> str:
    """The part of the standard that an item belongs to."""
    group = item_id.split(".")[0]
    return GROUPS.get(group, group)
