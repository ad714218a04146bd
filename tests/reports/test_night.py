import dataclasses
import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zhijian.models.records.dialogue import Role
from zhijian.models.records.scorecard import BannedHit, Evidence, ItemResult, Tier
from zhijian.models.records.span import Span
from zhijian.reports.data import AgentName, JudgedCall, NightData, Refusal
from zhijian.reports.night import render_html

DIGITS = "0123456789０１２３４５６７８９零〇幺一二两三四五六七八九"
LONG_NUMBER = re.compile(rf"[{DIGITS}](?:[ ,，、.。—啊嗯-]*[{DIGITS}]){{3,}}")
HOSTILE = "<script>alert('x')</script><img src=x onerror=alert(1)>\"'>{{ 7*7 }}"

Parse = Callable[[str], Any]


def test_the_first_lines_say_what_happened(night: NightData, parsed: Parse) -> None:
    text = parsed(render_html(night)).text
    assert "共 5 通：2 通已发布，1 通疑似一票否决等您确认，1 通有疑问待复核，1 通无法评分。" in text
    assert "1 通处理失败，2 行未受理，见文末。" in text
    assert text.index("先处理") < text.index("失分最多的项目") < text.index("积分入账 坐席") < text.index("全部 5")


def test_a_quiet_night_says_so(night_of: Callable[..., NightData], parsed: Parse) -> None:
    page = parsed(render_html(night_of()))
    assert "这一夜没有新的通话" in page.text
    assert "先处理" not in page.text
    assert not [tag for tag, _ in page.tags if tag in ("svg", "details")]


def test_a_night_of_refused_rows_only(night_of: Callable[..., NightData], parsed: Parse) -> None:
    text = parsed(render_html(night_of(refused=(Refusal(row=3, call_id="a1", reason="日期看不懂"),)))).text
    assert "这一夜没有新的通话" in text
    assert "第 3 行 a1 日期看不懂" in text


def test_a_night_without_anything_serious(
    judged: Callable[..., JudgedCall], night_of: Callable[..., NightData], parsed: Parse
) -> None:
    text = parsed(render_html(night_of(judged("a")))).text
    assert "没有疑似一票否决。" in text
    assert "没有失分。" in text
    assert "先处理" not in text


def test_a_night_of_calls_that_cannot_be_judged(
    judged: Callable[..., JudgedCall], night_of: Callable[..., NightData], parsed: Parse
) -> None:
    text = parsed(render_html(night_of(judged("a", reason="录音打不开", published=False)))).text
    assert "1 通无法评分" in text
    assert "录音打不开" in text
    assert "没有已评分的通话。" in text


def test_every_loss_shows_reason_time_and_quote(night: NightData, parsed: Parse) -> None:
    text = parsed(render_html(night)).text
    for call in night.calls:
        for item in call.scorecard.items:
            if item.outcome == "fail":
                assert f"−{(item.points_max - item.points).normalize():f} / {item.points_max}" in text
    assert "最后三句没有再见或邀请评价 ▶ 听 00:38–00:49 查找范围 · 坐席 已经为您登记报修了" in text
    assert "振铃 6 声未致歉 话务记录 振铃次数 6" in text


def test_doubt_is_marked_and_costs_nothing(night: NightData, parsed: Parse) -> None:
    text = parsed(render_html(night)).text
    assert "待复核 自报单位和工号 不扣分" in text
    assert "似然 0.41" in text


def test_clips_are_played_where_there_are_some(night: NightData, parsed: Parse) -> None:
    page = parsed(render_html(night))
    links = [attributes["href"] for tag, attributes in page.tags if (attributes.get("class") or "") == "play"]
    assert sorted(set(links)) == ["clips/n01-language.banned-0.wav", "clips/n02-closing.farewell-0.wav"]


def test_of_banned_phrases_the_severe_one_stands_on_top(
    judged: Callable[..., JudgedCall], night_of: Callable[..., NightData], failed_item: Callable[..., ItemResult],
    said: Callable[..., Evidence], parsed: Parse,
) -> None:  # fmt: skip
    item = failed_item(
        "language.banned", "0", "两处忌语", said(800, 1500, "您好"), said(46200, 48300, "你去投诉吧"), veto=True
    )
    hits = (
        BannedHit("喂,喂", Tier.MINOR, Span(800, 1500), "您好"),
        BannedHit("你去投诉吧", Tier.SEVERE, Span(46200, 47400), "你去投诉吧"),
    )
    text = parsed(render_html(night_of(judged("a", item, published=False, banned=hits)))).text
    top = text[text.index("先处理") : text.index("失分最多的项目")]
    assert "00:46–00:49 原话 · 坐席 · 严重忌语 你去投诉吧" in top
    assert "轻微忌语" not in top


def test_evidence_is_marked_in_the_transcript(night: NightData, parsed: Parse) -> None:
    page = parsed(render_html(night))
    marked = {text for text, tags in page.nodes if "mark" in tags}
    assert {"你去投诉吧", "您好"} <= marked
    assert not any("已经为您登记报修了" in text for text in marked)  # what was searched is no evidence of a word


def test_states_are_told_in_words(night: NightData, parsed: Parse) -> None:
    page = parsed(render_html(night))
    states = [attributes["data-state"] for tag, attributes in page.tags if (attributes.get("class") or "") == "call"]
    assert states == ["flagged", "published", "held", "published", "unscorable"]
    for words in ("否决待确认", "待复核", "已发布", "无法评分"):
        assert words in page.text


def test_technical_facts_are_at_the_end(night: NightData, parsed: Parse) -> None:
    text = parsed(render_html(night)).text
    footer = text[text.index("只有「扣分」影响分数") :]
    for fact in (
        night.standard.sha256,
        night.ledger_head,
        "1204 条",
        "听写 73.4 秒",
        "实时率 0.142",
        "whisper base int8",
    ):
        assert fact is not None
        assert fact in footer


def test_nothing_is_fetched_from_elsewhere(night: NightData, parsed: Parse) -> None:
    html = render_html(night)
    page = parsed(html)
    policy = next(attributes["content"] for tag, attributes in page.tags if "http-equiv" in attributes)
    assert policy.startswith("default-src 'none';")
    assert "unsafe" not in policy
    assert "http:" not in html
    assert "https:" not in html
    for _, attributes in page.tags:
        assert not [name for name in attributes if name.startswith("on") or name in ("src", "style", "action")]
        assert (attributes.get("href") or "#").startswith(("#call-", "clips/", "#"))


def test_hostile_strings_stay_text(
    judged: Callable[..., JudgedCall], night_of: Callable[..., NightData], failed_item: Callable[..., ItemResult],
    said: Callable[..., Evidence], parsed: Parse,
) -> None:  # fmt: skip
    item = failed_item("closing.farewell", "0", HOSTILE, said(0, 900, HOSTILE, HOSTILE))
    talk = [(Role.AGENT, 0, 900, HOSTILE), (Role.CUSTOMER, 900, 1800, "长" * 50_000)]
    call = judged("a", item, talk=talk, agent_no=HOSTILE, scenario=HOSTILE, clips={("closing.farewell", 0): HOSTILE})
    night = night_of(
        call,
        refused=(Refusal(row=1, call_id=HOSTILE, reason=HOSTILE),),
        agents={HOSTILE: AgentName(name=HOSTILE, team=HOSTILE)},
    )
    page = parsed(render_html(night))
    assert [tag for tag, _ in page.tags].count("script") == 1
    assert "img" not in [tag for tag, _ in page.tags]
    assert HOSTILE in "".join(text for text, _ in page.nodes)
    assert "49" not in page.prose


def test_the_same_night_gives_the_same_page(night: NightData) -> None:
    assert render_html(night) == render_html(dataclasses.replace(night))


def test_several_days_are_named(
    judged: Callable[..., JudgedCall], night_of: Callable[..., NightData], parsed: Parse
) -> None:
    night = night_of(judged("a"), day=date(2026, 7, 16))
    assert "通话日期 2026-07-14" in parsed(render_html(night)).text


SECRETS = {
    "姓名": ("虞紫霄", ["虞紫霄", "虞先生"]),
    "地址": ("石桥镇前进村17号", ["石桥镇前进村17号", "石桥镇前进村十七号", "石桥镇前进村一七号"]),
    "电话": ("18944032817", ["18944032817", "幺八九,四四零三,二八幺七", "１８９４４０３２８１７", "189-4403-2817"]),
    "金额": ("3126.40", ["3126.40元", "三千一百二十六块四", "三千一百二十六元四角"]),
}
FORMS = [form for _, forms in SECRETS.values() for form in forms]
spoken = st.lists(
    st.one_of(st.sampled_from(FORMS), st.sampled_from(["您好,", "是的", "440328", "户号", " "])), max_size=5
).map("".join)


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(spoken, min_size=5, max_size=5))
def test_neither_known_data_nor_long_numbers_are_on_the_page(
    judged: Callable[..., JudgedCall], night_of: Callable[..., NightData], failed_item: Callable[..., ItemResult],
    said: Callable[..., Evidence], parsed: Parse, lines: list[str],
) -> None:  # fmt: skip
    first, second, quote, reason, detail = lines
    talk = [(Role.CUSTOMER, 0, 900, first), (Role.AGENT, 900, 2100, second)]
    item = failed_item("repeat.key_info", "2.67", f"缺:{reason}", said(900, 2100, quote, detail))
    key_info = [(type_, value) for type_, (value, _) in SECRETS.items()]
    call = judged("a", item, talk=talk, key_info=key_info, scenario=first, customer_no="189440")
    html = render_html(night_of(call, refused=(Refusal(row=4, call_id=None, reason=mask_free(second)),)))
    for form in FORMS:
        assert form not in html
    assert not LONG_NUMBER.search(parsed(html).prose)


def mask_free(text: str) -> str:
    """A refused row belongs to no call: of its reason only the numbers can be masked."""
    return "".join(char for char in text if char in DIGITS or char in " ,-")


@pytest.mark.parametrize(("points", "shown"), [("2.00", "+2"), ("-3.00", "−3"), ("0.00", "0")])
def test_booked_points_carry_their_sign(night: NightData, parsed: Parse, points: str, shown: str) -> None:
    booked = (dataclasses.replace(night.booked[0], points=Decimal(points)),)
    assert f"积分入账 {shown} 1 人" in parsed(render_html(dataclasses.replace(night, booked=booked))).text


def test_many_serious_findings_do_not_push_the_rest_off_the_first_screen(
    judged: Callable[..., JudgedCall], night_of: Callable[..., NightData], failed_item: Callable[..., ItemResult],
    said: Callable[..., Evidence], parsed: Parse,
) -> None:  # fmt: skip
    veto = failed_item("closing.hangup", "0", "坐席先挂机", said(0, 900, "您好"), veto=True)
    page = parsed(render_html(night_of(*[judged(f"v{place}", veto, published=False) for place in range(9)])))
    assert "其余 4 条严重问题" in page.text
    cases = [attributes for tag, attributes in page.tags if attributes.get("class") == "serious-case"]
    assert len(cases) == 9
