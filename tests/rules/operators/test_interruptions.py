"""抢话: what the sound says about who began to speak while the other was speaking."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhijian.models.records.dialogue import Dialogue, Role, Separation, Utterance, Voice
from zhijian.models.records.scorecard import Outcome
from zhijian.models.records.span import Span
from zhijian.rules.call.heard import Heard
from zhijian.rules.language import Example
from zhijian.rules.operators.interruptions import FLOOR_MS, LetsCustomerFinish, interruptions
from zhijian.rules.proof import heard_of
from zhijian.rules.standard import load_standard

STANDARD = load_standard()
RULE = next(item.rule for item in STANDARD.items if item.id == "talk.interruption")
OPERATOR: LetsCustomerFinish = RULE.check.operator
ANY_CALL = heard_of(Example.model_validate({"dialogue": [{"agent": "您好。"}]}), STANDARD.settings).call
A, C = Role.AGENT, Role.CUSTOMER
Stretch = tuple[int, int]


def call(
    agent: list[Stretch],
    customer: list[Stretch],
    *,
    agent_says: str | None = "您先把地址报一下",
    customer_says: str | None = "我家从昨天晚上就没有电",
    separation: Separation = Separation.CHANNELS,
) -> Heard:
    """A call of voices (milliseconds); each says the same in all its stretches, None = no words were heard."""
    spoken = [(Span(*s), A, agent_says) for s in agent] + [(Span(*s), C, customer_says) for s in customer]
    spoken.sort(key=lambda one: one[0])
    return Heard(
        ANY_CALL,
        Dialogue(
            duration_ms=max(span.end_ms for span, _, _ in spoken),
            separation=separation,
            engine="test",
            language="zh",
            utterances=tuple(Utterance(role, span, words, 0.9) for span, role, words in spoken if words),
            voices=tuple(Voice(role, span) for span, role, _ in spoken),
        ),
        STANDARD.settings,
    )


def overlaps_ms(heard: Heard) -> list[int]:
    return [one.span.duration_ms for one in interruptions(heard)]


@pytest.mark.parametrize(
    ("agent", "customer", "overlaps"),
    [
        ([(3_000, 6_000)], [(0, 5_000)], [2_000]),
        ([(3_000, 3_700)], [(0, 5_000)], [700]),  # the customer goes on
        ([(5_000, 8_000)], [(0, 5_000)], []),  # took turns
        ([(0, 5_000)], [(3_000, 6_000)], []),  # the customer talks over the agent
        ([(100, 4_000)], [(0, 5_000)], []),  # both began at once
        ([(3_000, 6_000)], [(0, 2_900), (3_200, 5_000)], [2_000]),  # began in a breath that it cannot have waited for
        ([(3_000, 6_000)], [(0, 2_600), (3_050, 5_000)], []),  # began in a pause, the customer then went on
        ([(3_000, 3_800), (4_200, 6_000)], [(0, 5_000)], [2_000]),  # the agent's own breath
        ([(3_000, 6_000)], [(0, 4_000), (4_300, 5_000)], [2_000]),  # the customer's breath
        ([(0, 1_000), (3_000, 6_000)], [(1_500, 5_000)], [2_000]),
    ],
)
def test_the_agent_begins_while_the_customer_is_speaking(
    agent: list[Stretch], customer: list[Stretch], overlaps: list[int]
) -> None:
    assert overlaps_ms(call(agent, customer)) == overlaps


@pytest.mark.parametrize(
    ("agent_says", "customer_says", "counts"),
    [
        ("您先把地址报一下", "我家从昨天晚上就没有电", True),
        ("嗯嗯好的对", "我家从昨天晚上就没有电", False),
        ("我家从昨晚就没有电", "我家从昨天晚上就没有电", False),  # leaked over
    ],
)
def test_what_is_said_tells_an_interruption_from_assent_and_leak(
    agent_says: str, customer_says: str, counts: bool
) -> None:
    heard = call([(3_000, 6_000)], [(0, 5_000)], agent_says=agent_says, customer_says=customer_says)
    assert bool(overlaps_ms(heard)) is counts


TWICE = [(3_000, 5_000), (13_000, 15_000)], [(0, 6_000), (10_000, 16_000)]


@pytest.mark.parametrize(
    ("agent", "customer", "outcome"),
    [
        (*TWICE, Outcome.FAIL),
        ([(3_000, 5_000)], [(0, 6_000)], Outcome.PASS),  # once
        ([(3_000, 4_001), (13_000, 14_001)], [(0, 6_000), (10_000, 16_000)], Outcome.FAIL),
        ([(3_000, 4_000), (13_000, 14_000)], [(0, 6_000), (10_000, 16_000)], Outcome.UNSURE),  # not over a second
        ([(3_000, 5_000), (13_000, 13_900)], [(0, 6_000), (10_000, 16_000)], Outcome.UNSURE),
        ([(3_000, 3_800), (13_000, 13_800)], [(0, 6_000), (10_000, 16_000)], Outcome.PASS),
    ],
)
def test_channels(agent: list[Stretch], customer: list[Stretch], outcome: Outcome) -> None:
    assert OPERATOR.look(call(agent, customer)).outcome is outcome


@pytest.mark.parametrize(
    ("agent", "outcome"),
    [((3_000, 3_700), Outcome.UNSURE), ((3_000, 3_500), Outcome.PASS), ((6_500, 9_000), Outcome.PASS)],
)
def test_one_suspicion_on_one_channel_is_no_verdict(agent: Stretch, outcome: Outcome) -> None:
    heard = call([agent], [(0, 6_000)], separation=Separation.DIARIZATION)
    assert OPERATOR.look(heard).outcome is outcome


@pytest.mark.parametrize("silent", [{"agent_says": None}, {"customer_says": None}])
def test_voices_without_words_are_not_held_against_the_agent(silent: dict[str, None]) -> None:
    assert OPERATOR.look(call(*TWICE, **silent)).outcome is Outcome.UNSURE


def test_every_deduction_shows_where() -> None:
    heard = call(*TWICE)
    finding = OPERATOR.look(heard)
    assert [evidence.span for evidence in finding.evidence] == [Span(3_000, 5_000), Span(13_000, 15_000)]
    assert "2次" in (finding.reason or "")


stretches = st.lists(st.integers(0, 300), min_size=2, max_size=12, unique=True).map(
    lambda edges: [(100 * a, 100 * b) for a, b in zip(sorted(edges)[::2], sorted(edges)[1::2], strict=False)]
)


@given(stretches, stretches)
def test_an_interruption_lies_where_both_talk_and_the_customer_began(
    agent: list[Stretch], customer: list[Stretch]
) -> None:
    for one in interruptions(call(agent, customer)):
        assert any(start == one.span.start_ms for start, _ in agent)
        assert any(start + FLOOR_MS <= one.span.start_ms for start, _ in customer)
        assert one.span.end_ms <= min(agent[-1][1], customer[-1][1])


@given(stretches, stretches, st.integers(1, 50))
def test_when_the_call_was_recorded_does_not_matter(agent: list[Stretch], customer: list[Stretch], later: int) -> None:
    shift = 100 * later
    moved = [[(start + shift, end + shift) for start, end in spans] for spans in (agent, customer)]
    assert overlaps_ms(call(*moved)) == overlaps_ms(call(agent, customer))
