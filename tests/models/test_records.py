"""Records: validated when made, the same after a trip through a dictionary, typos refused by place."""

import dataclasses
import json
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhijian.models.records.call import Call, Direction, Party
from zhijian.models.records.codec import from_dict, to_dict
from zhijian.models.records.dialogue import Dialogue, Role, Separation, Utterance, Voice, Word
from zhijian.models.records.points import EntryKind, PointsEntry
from zhijian.models.records.recording import Recording
from zhijian.models.records.scorecard import (
    BannedHit,
    Evidence,
    EvidenceKind,
    ItemResult,
    KeyDatum,
    Outcome,
    Scorecard,
    StandardRef,
    Status,
    Tier,
)
from zhijian.models.records.span import RecordError, Span

BEIJING = timezone(timedelta(hours=8))
spans = st.builds(lambda start, length: Span(start, start + length), st.integers(0, 50_000), st.integers(1, 5_000))
texts = st.text(st.characters(blacklist_categories=["Cs"]), min_size=1, max_size=12)
chances = st.floats(0, 1)
calls = st.builds(
    Call,
    source=texts,
    call_id=st.from_regex(r"[A-Za-z0-9_-]{1,64}", fullmatch=True),
    recording=texts,
    started_at=st.datetimes(timezones=st.sampled_from([UTC, BEIJING])),
    direction=st.sampled_from(Direction),
    agent_no=texts,
    ring_count=st.none() | st.integers(0, 30),
    hangup_side=st.none() | st.sampled_from(Party),
    identity_verified=st.none() | st.booleans(),
    extra=st.dictionaries(texts, texts, max_size=3),
)


@st.composite
def utterances(draw):
    words = tuple(draw(st.lists(st.builds(Word, texts, spans, chances), max_size=4)))
    span = draw(spans)
    for word in words:
        span = span.hull(word.span)
    text = "".join(w.text for w in words) if words else draw(texts)
    return Utterance(draw(st.sampled_from(Role)), span, text, draw(chances), draw(st.none() | texts), words)


@st.composite
def dialogues(draw):
    return Dialogue(
        duration_ms=200_000,
        separation=draw(st.sampled_from(Separation)),
        engine="engine",
        language="zh",
        utterances=tuple(sorted(draw(st.lists(utterances(), max_size=4)), key=lambda u: u.span)),
        voices=tuple(
            sorted(draw(st.lists(st.builds(Voice, st.sampled_from(Role), spans), max_size=6)), key=lambda v: v.span)
        ),
    )


def evidence():
    return Evidence(EvidenceKind.SEARCHED, Role.AGENT, Span(0, 5000), "国家电网", "没有问候语")


def item(outcome=Outcome.PASS, points=4, *, id="opening.greeting", points_max=4, **more):
    told = {"reason": "没有问候", "evidence": (evidence(),)} if outcome in (Outcome.FAIL, Outcome.UNSURE) else {}
    settled = {"reason": None, "confidence": 0.9, **told, **more}
    return ItemResult(
        id=id,
        outcome=outcome,
        points=None if points is None else Decimal(points),
        points_max=Decimal(points_max),
        **settled,
    )


def scorecard(*items, **more):
    return Scorecard(
        call_id="c1",
        agent_no="1001",
        direction=Direction.INBOUND,
        started_at=datetime(2026, 11, 20, 9, tzinfo=BEIJING),
        scenario=None,
        recording_sha256="ab",
        standard=StandardRef("95598", "0.1", "cd"),
        items=items,
        **more,
    )


@given(calls)
def test_a_call_survives_json(call):
    assert from_dict(Call, json.loads(json.dumps(to_dict(call)))) == call


@given(dialogues())
def test_a_dialogue_survives_json(dialogue):
    assert from_dict(Dialogue, json.loads(json.dumps(to_dict(dialogue)))) == dialogue


def test_a_scorecard_with_everything_in_it_survives_json():
    card = scorecard(
        item(),
        item(Outcome.FAIL, "2.67", id="repeat.key_info", points_max=8),
        item(Outcome.UNSURE, None, id="hold.notice"),
        banned=(BannedHit("没办法", Tier.MAJOR, Span(1, 2), "没办法"),),
        key_info=(KeyDatum("电话", "13800000000", Span(1, 2), None, None, None),),
    )
    assert from_dict(Scorecard, json.loads(json.dumps(to_dict(card)))) == card


def test_reading_does_not_touch_what_it_reads():
    row = to_dict(scorecard(item()))
    before = json.dumps(row)
    from_dict(Scorecard, row)
    assert json.dumps(row) == before


@pytest.mark.parametrize(
    ("spoil", "place"),
    [
        (lambda row: row["items"][0].update(colour="red"), "Scorecard.items[0]: unknown key 'colour'"),
        (lambda row: row["items"][0].pop("outcome"), "Scorecard.items[0]: key 'outcome' is missing"),
        (lambda row: row["items"][0].update(outcome="maybe"), "Scorecard.items[0].outcome"),
        (lambda row: row["items"][0].update(points="many"), "Scorecard.items[0].points"),
        (lambda row: row.update(items="all"), "Scorecard.items: expected a list"),
        (lambda row: row.update(started_at="yesterday"), "Scorecard.started_at"),
        (lambda row: row.update(call_id=7), "Scorecard.call_id: expected str, got int"),
        (lambda row: row.update(standard=None), "Scorecard.standard: expected an object"),
    ],
)
def test_a_spoilt_row_is_refused_by_place(spoil, place):
    row = to_dict(scorecard(item()))
    spoil(row)
    with pytest.raises(RecordError) as refused:
        from_dict(Scorecard, row)
    assert str(refused.value).startswith(place)


@pytest.mark.parametrize(
    "change",
    [
        {"call_id": "../x"},
        {"call_id": ".."},
        {"call_id": "a" * 65},
        {"agent_no": ""},
        {"started_at": datetime(2026, 11, 20)},
        {"ring_count": -1},
    ],
)
def test_a_call_that_cannot_be_is_refused(change):
    fields = {
        "source": "s",
        "call_id": "c1",
        "recording": "a.wav",
        "started_at": datetime(2026, 1, 1, tzinfo=UTC),
        "direction": Direction.INBOUND,
        "agent_no": "1",
    }
    with pytest.raises(RecordError):
        Call(**{**fields, **change})


def test_a_call_belongs_to_the_day_of_its_own_offset():
    late = Call(
        source="s",
        call_id="c1",
        recording="a.wav",
        started_at=datetime(2026, 11, 20, 0, 30, tzinfo=BEIJING),
        direction=Direction.INBOUND,
        agent_no="1",
    )
    assert late.day == date(2026, 11, 20)


def test_a_recordings_duration_is_derived():
    assert Recording("a.wav", "ab", 8000, 12_004, 2).duration_ms == 1500
    with pytest.raises(RecordError):
        Recording("a.wav", "ab", 0, 1, 1)


@pytest.mark.parametrize(
    "wrong",
    [
        lambda: item(Outcome.PASS, None),
        lambda: item(Outcome.NA, 0),
        lambda: item(Outcome.PASS, 3),
        lambda: item(Outcome.FAIL, 5),
        lambda: item(Outcome.FAIL, 0, reason=None),
        lambda: item(Outcome.FAIL, 0, evidence=()),
        lambda: item(Outcome.UNSURE, None, reason=""),
        lambda: item(Outcome.PASS, 4, veto=True),
        lambda: item(confidence=1.1),
        lambda: scorecard(item(), item()),
        lambda: scorecard(),
        lambda: scorecard(item(), reason="录音太短"),
    ],
)
def test_a_verdict_that_contradicts_itself_is_refused(wrong):
    with pytest.raises(RecordError):
        wrong()


def test_the_score_counts_only_what_passed_or_failed_and_rounds_half_up():
    card = scorecard(
        item(id="a", points=4, points_max=4),
        item(Outcome.FAIL, 0, id="b", points_max=4),
        item(Outcome.UNSURE, None, id="c", points_max=25),
        item(Outcome.NA, None, id="d", points_max=25),
    )
    assert card.score == Decimal("50.0")
    # 1999 of 2000 points: 99.95 goes up
    eighths = scorecard(item(id="a", points=1998, points_max=1998), item(Outcome.FAIL, 1, id="b", points_max=2))
    assert eighths.score == Decimal("100.0")
    assert not card.publishes_itself
    assert eighths.publishes_itself


def test_nothing_that_counts_is_no_score_rather_than_zero():
    card = scorecard(item(Outcome.NA, None, id="a"))
    assert card.score is None
    assert not card.publishes_itself


def test_a_veto_hides_the_score_until_people_have_decided():
    card = scorecard(item(id="a"), item(Outcome.FAIL, 0, id="b", veto=True))
    assert card.status is Status.FLAGGED
    assert card.score is None
    assert card.score_before_veto == Decimal("50.0")
    assert not card.publishes_itself


@pytest.mark.parametrize(
    "change",
    [
        {"period": "2026-12"},
        {"points_raw": Decimal("0.001")},
        {"points_raw": 1.0},
        {"kind": EntryKind.REVERSAL},
        {"reverses": 3},
        {"posted_at": datetime(2026, 11, 21)},
    ],
)
def test_an_entry_that_cannot_be_booked_is_refused(change):
    good = PointsEntry(
        scheme="incentive",
        account="1001",
        period="2026-11",
        item="qa",
        kind=EntryKind.POST,
        source_kind="agent_day",
        source_id="1001/2026-11-20",
        source_revision=1,
        effective_day=date(2026, 11, 20),
        points_raw=Decimal(2),
        points_credited=Decimal(2),
        actor="machine",
        reason="日常质检",
        posted_at=datetime(2026, 11, 21, tzinfo=UTC),
    )
    with pytest.raises(RecordError):
        dataclasses.replace(good, **change)
