import re
from decimal import Decimal
from xml.etree import ElementTree

from hypothesis import given
from hypothesis import strategies as st

from zhijian.reports.charts import WIDTH, AgentMean, agent_means, histogram, pareto

scores = st.lists(st.decimals(0, 100, places=1), min_size=1, max_size=40)
HOSTILE = '<script>alert(1)</script>"&'


def texts(svg: str) -> list[str]:
    return [element.text or "" for element in ElementTree.fromstring(svg).iter("text")]


@given(scores)
def test_histogram_counts_every_score_once(values: list[Decimal]) -> None:
    svg = histogram(values, values[0])
    bars = len([bar for bar in ElementTree.fromstring(svg).iter("rect")])
    counts = [int(text) for text in texts(svg) if text.isdigit()]
    assert sum(counts) == len(values)
    assert bars == len(counts)


@given(scores)
def test_nothing_is_drawn_outside_the_chart(values: list[Decimal]) -> None:
    for bar in ElementTree.fromstring(histogram(values, max(values))).iter("rect"):
        assert float(bar.attrib["x"]) >= 0
        assert float(bar.attrib["x"]) + float(bar.attrib["width"]) <= WIDTH
        assert float(bar.attrib["y"]) >= 0


def test_scores_on_the_edges_of_bars() -> None:
    named = ElementTree.fromstring(histogram([Decimal(s) for s in ("49.9", "50.0", "95.0", "100.0")], Decimal(80)))
    assert "<50 分 1 通，50–54 分 1 通，95–100 分 2 通" in (named.findtext("desc") or "")


def test_pareto_is_sorted_and_ends_at_all() -> None:
    svg = pareto([("结束语", Decimal(4)), ("服务忌语", Decimal(25)), ("问候", Decimal("1.5"))])
    shown = texts(svg)
    assert [text for text in shown if text in ("服务忌语", "结束语", "问候")] == ["服务忌语", "结束语", "问候"]
    shares = [int(text[:-1]) for text in shown if text.endswith("%")]
    assert shares == sorted(shares)
    assert shares[-1] == 100
    assert "1.5" in shown


def test_pareto_gathers_the_small_ones() -> None:
    svg = pareto([(f"项目{place}", Decimal(20 - place)) for place in range(12)])
    assert "其余 5 项" in texts(svg)
    assert "项目7" not in texts(svg)


def agent(label: str, mean: str, n: int = 6) -> AgentMean:
    return AgentMean(
        label=label, n=n, mean=Decimal(mean), lowest=Decimal(mean), highest=Decimal(100), note="失分最多：问候"
    )


def test_agents_lowest_first_and_few_calls_hollow() -> None:
    svg = agent_means([agent("李敏 1023", "95.0"), agent("赵强 3318", "71.2", n=2)])
    assert texts(svg).index("赵强 3318") < texts(svg).index("李敏 1023")
    assert re.findall(r'class="(dot[^"]*)"', svg) == ["dot few", "dot"]


def test_only_the_agents_who_need_help_are_drawn() -> None:
    svg = agent_means([agent(f"坐席 {no}", f"{no}.0") for no in range(60, 80)])
    assert "坐席 60" in texts(svg)
    assert "坐席 79" not in texts(svg)
    assert "另有 14 位坐席平均分更高" in texts(svg)


def test_names_cannot_break_out_and_charts_speak_in_words() -> None:
    for svg in (pareto([(HOSTILE, Decimal(3))]), agent_means([agent(HOSTILE, "80.0")])):
        assert "<script" not in svg
        root = ElementTree.fromstring(svg)
        assert root.attrib["role"] == "img"
        assert HOSTILE in root.attrib["aria-label"]
        assert root.findtext("title")
