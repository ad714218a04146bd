from collections.abc import Callable
from decimal import Decimal

from zhijian.models.records.scorecard import BannedHit, Evidence, ItemResult, Outcome, Tier
from zhijian.models.records.span import Span
from zhijian.reports import tables
from zhijian.reports.data import JudgedCall, NightData


def test_every_call_is_counted_in_one_state(night: NightData) -> None:
    facts = tables.overview(night)
    assert (facts.calls, facts.published, facts.held, facts.flagged, facts.unscorable) == (5, 2, 1, 1, 1)
    assert facts.failed == 1
    assert facts.refused == 2


def test_scores_are_of_calls_that_have_one(night: NightData) -> None:
    """A flagged call has no score until a monitor has decided, an unscorable one never has."""
    scores = [call.scorecard.score for call in night.calls if call.scorecard.score is not None]
    facts = tables.overview(night)
    assert facts.scored == len(scores) == 3
    assert facts.mean == (sum(scores) / 3).quantize(Decimal("0.1"))
    assert facts.median == sorted(scores)[1]


def test_mean_is_rounded_half_up(
    judged: Callable[..., JudgedCall], night_of: Callable[..., NightData], failed_item: Callable[..., ItemResult],
    said: Callable[..., Evidence],
) -> None:  # fmt: skip
    night = night_of(judged("a"), judged("b", failed_item("talk.speed", "0", "太快", said(0, 900, "您好"))))
    scores = [call.scorecard.score for call in night.calls]
    assert scores == [Decimal("100.0"), Decimal("95.7")]
    assert tables.overview(night).mean == Decimal("97.9")  # 97.85; to even would be 97.8


def test_lost_points_agree_in_every_table(night: NightData) -> None:
    lost = tables.overview(night).lost
    assert lost > 0
    assert sum(tables.losses_frame(night)["lost"]) == lost
    assert sum(tables.items_frame(night)["lost"]) == lost
    assert sum(tables.calls_frame(night)["lost"]) == lost
    agents = tables.agents_frame(night)
    assert sum(agents["lost"]) == lost
    assert sum(sum(agents[group]) for group in ("开头语", "结束语", "等待", "用语", "复述", "交谈")) == lost


def test_calls_are_listed_flagged_first_then_from_the_lowest_score(night: NightData) -> None:
    order = [call.call.call_id for call in tables.in_order(night.calls)]
    assert order == ["n01", "n03", "n02", "n05", "n04"]
    scores = [call.scorecard.score_before_veto for call in tables.in_order(night.calls)[1:4]]
    assert scores == sorted(scores)


def test_serious_are_unconfirmed_vetoes(night: NightData) -> None:
    (finding,) = tables.serious(night)
    assert finding.judged.call.call_id == "n01"
    assert finding.item.id == "language.banned"


def test_a_severe_phrase_is_serious_even_without_a_veto(
    judged: Callable[..., JudgedCall], night_of: Callable[..., NightData], doubtful_item: Callable[..., ItemResult],
    said: Callable[..., Evidence],
) -> None:  # fmt: skip
    item = doubtful_item("language.banned", "像严重忌语,听不清", said(46200, 48300, "你去投诉吧"))
    hit = BannedHit("你去投诉吧", Tier.SEVERE, Span(46200, 48300), "你去投诉吧")
    night = night_of(judged("a", item, published=False, banned=(hit,)))
    assert [finding.item for finding in tables.serious(night)] == [item]


def test_item_counts_add_up_to_the_judged_calls(night: NightData) -> None:
    items = tables.items_frame(night)
    counts = items[[outcome.value for outcome in Outcome]].sum(axis=1)
    assert set(counts) == {4}  # four calls could be judged
    assert list(items["n"]) == list(items["pass"] + items["fail"])
    rates = items.set_index("item")["rate"]
    assert rates["结束语"] == 0.75
    assert rates["等待前告知"] is None


def test_an_item_unknown_to_the_standard_is_still_counted(
    judged: Callable[..., JudgedCall], night_of: Callable[..., NightData]
) -> None:
    night = night_of(judged("a"), items={})
    assert len(tables.items_frame(night)) == 14
    assert "opening.greeting" in list(tables.items_frame(night)["item"])


def test_agents_from_the_lowest_mean_with_their_own_figures(night: NightData) -> None:
    agents = tables.agents_frame(night).set_index("agent_no")
    assert list(agents.index) == ["1023", "0506", "3318"]
    assert agents.loc["1023", "calls"] == 3  # one of them unscorable
    assert agents.loc["1023", "scored"] == 2
    assert agents.loc["1023", "agent"] == "李敏"
    assert agents.loc["1023", "booked"] == Decimal("2.00")
    assert agents.loc["3318", "mean"] is None
    assert agents.loc["3318", "main_loss"] == "服务忌语"
    assert agents.loc["0506", "main_loss"] is None


def test_a_night_without_calls_keeps_all_columns(night: NightData, night_of: Callable[..., NightData]) -> None:
    makers = (tables.calls_frame, tables.losses_frame, tables.doubts_frame, tables.banned_frame, tables.booked_frame)
    for maker in makers:
        assert maker(night_of()).empty
        assert list(maker(night_of()).columns) == list(maker(night).columns)
    assert tables.agents_frame(night_of()).empty
    assert tables.overview(night_of()).mean is None
