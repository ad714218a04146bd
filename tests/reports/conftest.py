"""A night made by hand: every state a call can be in, hostile strings, and a customer whose data must not show."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any

import pytest

from zhijian.models.records.call import Call, Direction
from zhijian.models.records.dialogue import Dialogue, Role, Separation, Utterance
from zhijian.models.records.scorecard import (
    BannedHit,
    Evidence,
    EvidenceKind,
    ItemResult,
    KeyDatum,
    Outcome,
    Scorecard,
    StandardRef,
    Tier,
)
from zhijian.models.records.span import Span
from zhijian.reports.data import (
    AgentName,
    BookedPoints,
    Failure,
    ItemName,
    JudgedCall,
    NightData,
    Refusal,
    RunFacts,
)

STANDARD = StandardRef("95598", "0.3", "9f2c" * 16)
BEIJING = timezone(timedelta(hours=8))
ITEMS = {
    "opening.greeting": ("问候", 4),
    "opening.identity": ("自报单位和工号", 6),
    "opening.offer": ("主动提供帮助", 4),
    "opening.late_apology": ("迟接致歉", 3),
    "closing.more_help": ("询问其他需求", 4),
    "closing.farewell": ("结束语", 4),
    "closing.hangup": ("客户先挂机", 3),
    "hold.notice": ("等待前告知", 4),
    "hold.thanks": ("等待后致谢", 2),
    "language.banned": ("服务忌语", 25),
    "language.courtesy": ("礼貌用语", 4),
    "repeat.key_info": ("复述关键信息", 8),
    "talk.silence": ("无故静默", 4),
    "talk.speed": ("语速", 3),
}
TALK = [
    (Role.AGENT, 800, 6200, "您好,国家电网九五五九八,工号一零二三,请问有什么可以帮您?"),
    (Role.CUSTOMER, 6600, 12400, "喂,你好,我家里突然没电了,你们能派人来看看吗?"),
    (Role.AGENT, 12800, 16300, "好的,请您说一下具体地址和联系电话。"),
    (Role.CUSTOMER, 16700, 27100, "青石区杨柳小区三号楼二单元五零一,我姓陶,电话幺三五,八八六二,零零幺九。"),
    (Role.AGENT, 27500, 37000, "我跟您核对一下,杨柳小区三号楼二单元五零一,陶先生,电话幺三五,八八六二,零零幺九,对吗?"),
    (Role.CUSTOMER, 37200, 38000, "对,没错。"),
    (Role.AGENT, 38500, 44100, "已经为您登记报修了,抢修人员会在四十五分钟之内到达现场。"),
    (Role.CUSTOMER, 44300, 46000, "这么久啊,我要投诉你们!"),
    (Role.AGENT, 46200, 48300, "你去投诉吧,随便你。"),
    (Role.SYSTEM, 48500, 51000, "请您对本次服务进行评价。"),
]
KEY_INFO = [("地址", "青石区杨柳小区3号楼2单元501"), ("姓名", "陶"), ("电话", "13588620019")]


def found(start_ms: int, end_ms: int, quote: str, detail: str = "", role: Role = Role.AGENT) -> Evidence:
    return Evidence(EvidenceKind.FOUND, role, Span(start_ms, end_ms), quote, detail)


def searched(start_ms: int, end_ms: int, quote: str, detail: str = "") -> Evidence:
    return Evidence(EvidenceKind.SEARCHED, Role.AGENT, Span(start_ms, end_ms), quote, detail)


def fail(item_id: str, earned: str, reason: str, *evidence: Evidence, veto: bool = False) -> ItemResult:
    points_max = Decimal(ITEMS[item_id][1])
    return ItemResult(item_id, Outcome.FAIL, Decimal(earned), points_max, 0.97, reason, evidence, veto)


def unsure(item_id: str, reason: str, *evidence: Evidence) -> ItemResult:
    return ItemResult(item_id, Outcome.UNSURE, None, Decimal(ITEMS[item_id][1]), 0.5, reason, evidence)


def make_call(
    call_id: str,
    *results: ItemResult,
    agent_no: str = "1023",
    published: bool = True,
    na: tuple[str, ...] = ("opening.late_apology", "hold.notice", "hold.thanks"),
    banned: tuple[BannedHit, ...] = (),
    reason: str | None = None,
    talk: list[tuple[Role, int, int, str]] = TALK,
    key_info: list[tuple[str, str]] = KEY_INFO,
    clips: dict[tuple[str, int], str] | None = None,
    hour: int = 9,
    **fields: Any,
) -> JudgedCall:
    """A judged call whose other items pass; the call is heard as `talk` unless it cannot be judged."""
    started = datetime(2026, 7, 14, hour, 12, 5, tzinfo=BEIJING)
    given = {result.id: result for result in results}
    items = tuple(
        given.get(item_id)
        or (
            ItemResult(item_id, Outcome.NA, None, Decimal(points_max), 1.0, None)
            if item_id in na
            else ItemResult(item_id, Outcome.PASS, Decimal(points_max), Decimal(points_max), 0.99, None)
        )
        for item_id, (_, points_max) in ITEMS.items()
    )
    call = Call(
        **{
            "source": "switch",
            "call_id": call_id,
            "recording": f"{call_id}.wav",
            "started_at": started,
            "direction": Direction.INBOUND,
            "agent_no": agent_no,
            "customer_no": "KH-77120934",
            "scenario": "fault",
        }
        | fields
    )
    card = Scorecard(
        call_id=call_id,
        agent_no=agent_no,
        direction=call.direction,
        started_at=started,
        scenario=call.scenario,
        recording_sha256="ab" * 32,
        standard=STANDARD,
        reason=reason,
        items=() if reason else items,
        banned=banned,
        key_info=tuple(KeyDatum(t, v, Span(16700, 27100), v, Span(27500, 37000), True) for t, v in key_info),
    )
    dialogue = Dialogue(
        duration_ms=52_000,
        separation=Separation.CHANNELS,
        engine="whisper base int8",
        language="zh",
        utterances=tuple(Utterance(role, Span(start, end), text, 0.9) for role, start, end, text in talk),
    )
    return JudgedCall(
        call=call,
        scorecard=card,
        published=published,
        dialogue=None if reason else dialogue,
        clips=clips or {},
    )


def make_night(*calls: JudgedCall, **fields: Any) -> NightData:
    return NightData(
        **{
            "day": date(2026, 7, 14),
            "generated_at": datetime(2026, 7, 14, 20, 30, tzinfo=UTC),
            "standard": STANDARD,
            "items": {item_id: ItemName(name=n, points_max=Decimal(p)) for item_id, (n, p) in ITEMS.items()},
            "calls": calls,
        }
        | fields
    )


def flagged_call() -> JudgedCall:
    return make_call(
        "n01",
        fail(
            "language.banned",
            "0",
            "坐席说了严重忌语「你去投诉吧」",
            found(46200, 48300, "你去投诉吧", "建议改为:非常抱歉,我马上为您登记"),
            veto=True,
        ),
        fail("language.courtesy", "2", "五种礼貌用语只用到三种", found(800, 6200, "您好")),
        agent_no="3318",
        published=False,
        banned=(BannedHit("你去投诉吧", Tier.SEVERE, Span(46200, 47400), "你去投诉吧"),),
        clips={("language.banned", 0): "clips/n01-language.banned-0.wav"},
        scenario="complaint",
    )


def held_call() -> JudgedCall:
    return make_call(
        "n02",
        unsure("opening.identity", "工号听不清,像「供号一零二三」", found(800, 6200, "工号一零二三", "似然 0.41")),
        fail("closing.farewell", "0", "最后三句没有再见或邀请评价", searched(38500, 48300, "已经为您登记报修了")),
        published=False,
        clips={("closing.farewell", 0): "clips/n02-closing.farewell-0.wav"},
        hour=10,
    )


def published_call() -> JudgedCall:
    return make_call(
        "n03",
        fail(
            "repeat.key_info",
            "5.33",
            "3 项关键信息,正确复述 2 项:电话 13588620019 说成 13588620079",
            found(27500, 37000, "杨柳小区三号楼二单元五零一,陶先生,电话幺三五,八八六二,零零幺九"),
        ),
        fail(
            "opening.late_apology",
            "0",
            "振铃 6 声未致歉",
            Evidence(EvidenceKind.RECORD, None, None, "", "振铃次数 6"),
        ),
        agent_no="1023",
        hour=11,
    )


def unscorable_call() -> JudgedCall:
    return make_call("n04", reason="录音不足 15 秒", published=False, hour=12)


@pytest.fixture
def night() -> NightData:
    """Five calls, one in each state and two published; rows refused, a call failed, points booked."""
    return make_night(
        flagged_call(),
        held_call(),
        published_call(),
        unscorable_call(),
        make_call("n05", agent_no="0506", hour=13),
        refused=(
            Refusal(row=7, call_id="../etc/13588620019", reason="通话编号含有不允许的字符:13588620019"),
            Refusal(row=None, call_id=None, reason="录音 x9.wav 没有对应的行"),
        ),
        failed=(Failure(call_id="n06", reason="识别引擎内存不足,已试 3 次"),),
        duplicates=(("n03", "n05"),),
        agents={
            "1023": AgentName(name="李敏", team="一班"),
            "3318": AgentName(name="赵强", team="二班"),
        },
        booked=(
            BookedPoints(agent_no="1023", day=date(2026, 7, 14), points=Decimal("2.00"), mean=Decimal("95.6"), calls=6),
            BookedPoints(agent_no="0506", day=date(2026, 7, 14), points=Decimal("1.00"), mean=Decimal("92.1"), calls=5),
        ),
        ledger_count=1204,
        ledger_head="7be1" * 16,
        run=RunFacts(
            seconds_by_stage={"pull": 1.2, "hear": 73.4, "judge": 0.9},
            real_time_factor=0.142,
            versions={"zhijian": "0.1.0", "whisper": "base int8"},
        ),
    )


@pytest.fixture(scope="session")
def judged() -> Callable[..., JudgedCall]:
    """`make_call`: a call id, the items that do not pass, and what else differs."""
    return make_call


@pytest.fixture(scope="session")
def night_of() -> Callable[..., NightData]:
    """`make_night`: calls, and what else differs."""
    return make_night


@pytest.fixture(scope="session")
def failed_item() -> Callable[..., ItemResult]:
    """`fail`: item id, points earned, reason, evidence."""
    return fail


@pytest.fixture(scope="session")
def doubtful_item() -> Callable[..., ItemResult]:
    return unsure


@pytest.fixture(scope="session")
def said() -> Callable[..., Evidence]:
    """`found`: start, end, quote, detail."""
    return found


@pytest.fixture(scope="session")
def parsed() -> Callable[[str], "Page"]:
    def parse(html: str) -> Page:
        page = Page()
        page.feed(html)
        page.close()
        return page

    return parse


class Page(HTMLParser):
    """What a reader sees: `nodes` = (text, tags around it), `tags` = (name, attributes).

    `prose` is the text but for what the report says by itself: ids and hashes (code), times (time), figures (data) and
    charts (svg), and the choice of agents (option) become §.
    """

    OWN = frozenset({"code", "time", "data", "svg", "option"})
    HIDDEN = frozenset({"style", "script", "head"})
    VOID = frozenset({"meta", "br"})
    INLINE = frozenset({"data", "time", "code", "mark", "strong"})

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.nodes: list[tuple[str, tuple[str, ...]]] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)
        self._part(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if self.open.pop() != tag:
            raise ValueError(f"</{tag}> closes what it did not open")
        self._part(tag)

    def _part(self, tag: str) -> None:
        if tag not in self.INLINE:
            self.nodes.append((" ", ()))

    def handle_data(self, data: str) -> None:
        if not self.HIDDEN.intersection(self.open):
            self.nodes.append((data, tuple(self.open)))

    @property
    def text(self) -> str:
        return " ".join("".join(text for text, _ in self.nodes).split())

    @property
    def prose(self) -> str:
        return "".join("§" if self.OWN.intersection(tags) else text for text, tags in self.nodes)
