"""Rulings make a scorecard of their own; what nobody ruled on stays as it was."""

from datetime import datetime
from decimal import Decimal

import pytest

from zhijian.models.records.call import Direction
from zhijian.models.records.codec import from_dict, to_dict
from zhijian.models.records.dialogue import Role
from zhijian.models.records.review import Ruling, ruled
from zhijian.models.records.scorecard import Evidence, EvidenceKind, ItemResult, Outcome, Scorecard, StandardRef, Status
from zhijian.models.records.span import RecordError, Span

SAID = (Evidence(EvidenceKind.FOUND, Role.AGENT, Span(0, 900), "随便"),)


def item(id: str, outcome: Outcome, points: str | None, **more) -> ItemResult:
    return ItemResult(id, outcome, points and Decimal(points), Decimal(10), 0.9, "说明", SAID, **more)


CARD = Scorecard(
    call_id="c1",
    agent_no="1023",
    direction=Direction.INBOUND,
    started_at=datetime.fromisoformat("2026-11-20T09:00:00+08:00"),
    scenario=None,
    recording_sha256=None,
    standard=StandardRef("95598", "1.0", "5" * 64),
    items=(
        item("a", Outcome.PASS, "10"),
        item("b", Outcome.UNSURE, None),
        item("c", Outcome.FAIL, "0", veto=True),
    ),
)


def rule(id: str, outcome: Outcome, points: str | None = None, reason: str = "听了录音") -> Ruling:
    return Ruling(item=id, outcome=outcome, points=points and Decimal(points), reason=reason)


def test_a_doubt_and_a_veto_decided_publish_the_call():
    card = ruled(CARD, [rule("b", Outcome.PASS)], veto_confirmed=False)
    assert (CARD.status, CARD.score, CARD.publishes_itself) == (Status.FLAGGED, None, False)
    assert (card.status, str(card.score), card.publishes_itself) == (Status.SCORED, "66.7", True)
    assert [(i.outcome, i.points, i.confidence, i.reason) for i in card.items][1] == ("pass", 10, 1.0, "听了录音")
    assert card.items[0] is CARD.items[0]
    assert card.items[1].evidence == SAID


def test_a_confirmed_veto_is_zero_and_keeps_the_score_before_it():
    card = ruled(CARD, [rule("b", Outcome.NA)], veto_confirmed=True)
    assert (card.score, card.score_before_veto, card.publishes_itself) == (0, 50, True)


def test_what_was_decided_of_a_veto_stands_while_nobody_decides_otherwise():
    for said in (True, False):
        decided = ruled(CARD, [rule("b", Outcome.NA)], veto_confirmed=said)
        assert ruled(decided, [rule("a", Outcome.FAIL, "5")]).veto_confirmed is said


def test_a_veto_that_is_overruled_with_its_item_is_gone():
    card = ruled(CARD, [rule("b", Outcome.NA), rule("c", Outcome.PASS)])
    assert (card.veto, card.veto_confirmed, card.score) == (False, None, 100)
    partly = ruled(CARD, [rule("b", Outcome.NA), rule("c", Outcome.FAIL, "4")], veto_confirmed=False)
    assert (partly.score, partly.items[2].points) == (70, 4)


def test_what_is_left_open_stays_open():
    assert ruled(CARD, [rule("b", Outcome.PASS)]).status is Status.FLAGGED
    assert ruled(CARD, [], veto_confirmed=True).in_doubt


def test_it_is_stored_and_read_and_old_scorecards_are_too():
    card = ruled(CARD, [rule("b", Outcome.PASS)], veto_confirmed=True)
    assert from_dict(Scorecard, to_dict(card)) == card
    old = {name: value for name, value in to_dict(CARD).items() if name != "veto_confirmed"}
    assert from_dict(Scorecard, old) == CARD


@pytest.mark.parametrize(
    ("rulings", "veto"),
    [
        ([rule("x", Outcome.PASS)], None),
        ([rule("b", Outcome.PASS), rule("b", Outcome.NA)], None),
        ([rule("c", Outcome.PASS)], True),
        ([rule("b", Outcome.FAIL, "11")], None),
    ],
)
def test_what_does_not_fit_is_refused(rulings, veto):
    with pytest.raises(RecordError):
        ruled(CARD, rulings, veto_confirmed=veto)


@pytest.mark.parametrize(
    "how",
    [
        {"outcome": Outcome.UNSURE},
        {"outcome": Outcome.FAIL},
        {"outcome": Outcome.PASS, "points": "3"},
        {"outcome": Outcome.PASS, "reason": " "},
    ],
)
def test_a_ruling_says_what_and_why(how):
    with pytest.raises(RecordError):
        rule("b", **how)
