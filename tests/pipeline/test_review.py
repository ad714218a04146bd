"""A person decides on a held call: what is left without doubt is published and booked in the same transaction."""

import json
import threading
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from zhijian.models.records.review import Ruling
from zhijian.models.records.scorecard import Outcome
from zhijian.models.records.span import RecordError
from zhijian.pipeline import cli
from zhijian.pipeline.ledger.chain import verify
from zhijian.pipeline.ledger.entries import balance, entries
from zhijian.pipeline.ledger.scheme import load_schemes
from zhijian.pipeline.night import own_database_url
from zhijian.pipeline.stages.book import book
from zhijian.pipeline.stages.review import in_doubt, queue, review
from zhijian.pipeline.store.access_log import accesses
from zhijian.pipeline.store.calls import State, register, waiting
from zhijian.pipeline.store.database import StoreError, open_database, writing
from zhijian.pipeline.store.judgements import judged, judged_calls
from zhijian.pipeline.store.reviews import StaleReview
from zhijian.pipeline.store.tables import reviews

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=timezone(timedelta(hours=8)))
OFFER = "opening.offer"


@pytest.fixture
def night(make_call, make_card):
    """Judges and books calls of one agent's day: scores, and what keeps each from being published."""

    def night(db, **calls: dict) -> None:
        made = {id: make_call(id) for id in calls}
        register(db, made.values())
        ids = {task.call.call_id: task.id for task in waiting(db, "s")}
        for id, how in calls.items():
            judged(db, ids[id], make_card(made[id], **how))
        book(db, "s", load_schemes(), actor="machine", now=NOW)

    return night


GOOD, DOUBT, VETO = {"score": "95.0"}, {"score": "95.0", "doubt": True}, {"score": "95.0", "veto": True}


def seen(db, call_id: str):
    return next(one for one in queue(db) if one.scorecard.call_id == call_id)


def decide(db, what, *rulings: Ruling, actor="monitor", **how):
    return review(db, load_schemes(), what, rulings, reason="听了录音", actor=actor, now=NOW, **how)


def passes(item: str = OFFER) -> Ruling:
    return Ruling(item=item, outcome=Outcome.PASS, reason="听了录音")


def states(db) -> dict[str, State]:
    return {call.call.call_id: call.state for call in judged_calls(db, "s")}


def test_the_queue_has_vetoes_first(db, night):
    night(db, c1=GOOD, c2=DOUBT, c3=VETO, c4={"score": None})
    assert [one.scorecard.call_id for one in queue(db)] == ["c3", "c2"]
    assert in_doubt(queue(db)[1]) == (OFFER,)


def test_a_doubt_that_is_decided_publishes_the_call_and_books_its_day(db, night):
    night(db, c1=GOOD, c2=GOOD, c3=GOOD, c4=GOOD, c5=DOUBT)
    assert entries(db) == ()
    decided = decide(db, seen(db, "c5"), passes())
    assert states(db)["c5"] is State.PUBLISHED
    assert queue(db) == ()
    assert balance(db, "1023", "incentive") == 2
    listed = [card["scorecard"] for card in entries(db)[0].details["scorecards"]]
    assert (entries(db)[0].entry.actor, decided.id in listed) == ("monitor", True)


def test_what_is_left_in_doubt_stays_held(db, night):
    night(db, c1=DOUBT)
    decided = decide(db, seen(db, "c1"), passes("opening.greeting"))
    assert (states(db)["c1"], in_doubt(decided)) == (State.HELD, (OFFER,))
    assert seen(db, "c1").id == decided.id


def test_a_confirmed_veto_costs_its_points_and_leaves_the_mean(db, night):
    night(db, c1=GOOD, c2=GOOD, c3=GOOD, c4=GOOD, c5=GOOD, c6=VETO)
    confirmed = decide(db, seen(db, "c6"), veto_confirmed=True)
    assert (states(db)["c6"], confirmed.scorecard.score) == (State.PUBLISHED, 0)
    assert {e.entry.item: e.entry.points_credited for e in entries(db, scheme="work_points")} == {
        "qa.daily_mean": 1,
        "qa.veto": -10,
    }
    decide(db, confirmed, veto_confirmed=False, actor="second")
    assert balance(db, "1023", "work_points") == 1
    assert [e.entry.kind for e in entries(db) if e.entry.item == "qa.veto"] == ["post", "reversal"]
    assert len(entries(db, scheme="incentive")[-1].details["scorecards"]) == 6
    assert verify(db).sound


def test_a_published_call_can_be_overruled_and_is_booked_anew(db, night):
    night(db, c1=GOOD, c2=GOOD, c3=GOOD, c4=GOOD, c5=DOUBT)
    published = decide(db, seen(db, "c5"), passes())
    worse = Ruling(item="opening.greeting", outcome=Outcome.FAIL, points=Decimal(10), reason="没有问候")
    decide(db, published, worse, actor="second")
    assert [(e.entry.kind, e.entry.points_credited) for e in entries(db, scheme="incentive")] == [
        ("post", 2),
        ("reversal", -2),
    ]


def test_a_decision_on_an_old_state_is_told_and_nothing_is_lost(db, night, make_call, make_card):
    night(db, c1=DOUBT)
    old = seen(db, "c1")
    decide(db, old, passes("opening.greeting"))
    with pytest.raises(StaleReview, match="重新查看"):
        decide(db, old, passes(), actor="second")
    latest = seen(db, "c1")
    register(db, [make_call("c1", ring_count=9)])
    with pytest.raises(StaleReview):
        decide(db, latest, passes())
    with db.connect() as conn:
        assert conn.execute(sa.select(sa.func.count()).select_from(reviews)).scalar_one() == 1


def test_two_at_once_one_is_told(db, night):
    night(db, c1=DOUBT)
    old, said = seen(db, "c1"), []

    def decide_it(actor: str) -> None:
        try:
            decide(db, old, passes(), actor=actor)
            said.append("decided")
        except StaleReview:
            said.append("told")

    people = [threading.Thread(target=decide_it, args=(actor,)) for actor in ("one", "two")]
    for person in people:
        person.start()
    for person in people:
        person.join()
    assert sorted(said) == ["decided", "told"]


def test_rulings_that_do_not_fit_leave_nothing(db, night):
    night(db, c1=DOUBT)
    before = seen(db, "c1")
    with pytest.raises(RecordError):
        decide(db, before, passes("no.such"))
    assert seen(db, "c1") == before


def test_the_next_night_leaves_what_a_person_has_decided(db, night):
    night(db, c1=GOOD, c2=GOOD, c3=GOOD, c4=GOOD, c5=DOUBT)
    decide(db, seen(db, "c5"), passes())
    before = entries(db)
    book(db, "s", load_schemes(), actor="machine", now=NOW)
    assert (entries(db), states(db)["c5"]) == (before, State.PUBLISHED)


@pytest.mark.parametrize("statement", ["UPDATE reviews SET actor = 'x'", "DELETE FROM reviews"])
def test_the_database_refuses_changes(db, night, statement):
    night(db, c1=DOUBT)
    decide(db, seen(db, "c1"), passes())
    with pytest.raises((sa.exc.DatabaseError, StoreError), match="append-only"), writing(db) as conn:
        conn.exec_driver_sql(statement)


class TestCommands:
    @pytest.fixture
    def call(self, night, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        monkeypatch.delenv("ZHIJIAN_DATABASE_URL", raising=False)
        engine = open_database(own_database_url(tmp_path / "out"))
        night(engine, c1=DOUBT, c2=VETO)
        engine.dispose()

        def call(*args: object, status: int = 0):
            words = ["review", *map(str, args), "--out", str(tmp_path / "out"), "--json"]
            done = CliRunner().invoke(cli.app, words)
            assert done.exit_code == status, done.output
            return json.loads(done.stdout) if done.stdout else done.stderr

        return call

    def test_from_the_queue_to_the_published_score(self, call):
        vetoed, doubtful = call("list")
        assert (vetoed["veto"], doubtful["unsure"]) == (["opening.greeting"], [OFFER])
        assert call("show", doubtful["scorecard"])["call_id"] == "c1"
        why = ("--reason", "听了录音", "--actor", "monitor")
        assert call("decide", doubtful["scorecard"], "--na", OFFER, *why)["published"]
        assert "重新查看" in call("decide", doubtful["scorecard"], "--na", OFFER, *why, status=3)
        assert call("decide", vetoed["scorecard"], "--veto", "reject", *why)["published"]
        assert call("list") == []

    def test_nobody_decides_in_the_name_of_the_machine(self, call):
        """What the machine has decided is judged again by the next rescore."""
        doubtful = call("list")[1]["scorecard"]
        refused = call("decide", doubtful, "--na", OFFER, "--reason", "x", "--actor", "machine", status=3)
        assert "机器的名字" in refused

    def test_looks_and_decisions_are_logged(self, call, tmp_path):
        vetoed, _ = call("list")
        call("show", vetoed["scorecard"])
        call("decide", vetoed["scorecard"], "--veto", "reject", "--reason", "听了录音", "--actor", "monitor")
        engine = open_database(own_database_url(tmp_path / "out"))
        with engine.connect() as conn:
            found = [(one.action, one.actor == "monitor") for one in accesses(conn, limit=9)]
        engine.dispose()
        assert found == [("decide", True), ("unmask", False)]

    def test_a_decision_is_not_refused_for_the_anchors_sake(self, call, tmp_path, monkeypatch):
        monkeypatch.setenv("ZHIJIAN_ANCHOR", str(tmp_path / "away" / "ledger.anchor"))
        assert call("decide", call("list")[0]["scorecard"], "--veto", "reject", "--reason", "听了录音")["published"]

    def test_the_setting_of_two_people_for_a_veto_holds_here_too(self, call, monkeypatch):
        monkeypatch.setenv("ZHIJIAN_REVIEW__VETO_BY_TWO", "true")
        confirm = ("--veto", "confirm", "--reason", "听了录音", "--actor")
        first = call("decide", call("list")[0]["scorecard"], *confirm, "one")
        assert not first["published"]
        assert not call("decide", first["scorecard"], *confirm, "one")["published"]
        assert call("decide", call("list")[0]["scorecard"], *confirm, "two")["published"]

    @pytest.mark.parametrize(
        "wrong", [("--pass", "no.such"), ("--fail", OFFER), ("--fail", f"{OFFER}=99"), ("--veto", "confirm")]
    )
    def test_wrong_use_is_status_2(self, call, wrong):
        doubtful = call("list")[1]["scorecard"]
        assert call("decide", doubtful, *wrong, "--reason", "x", status=2)
        assert call("decide", 999, "--pass", OFFER, "--reason", "x", status=2)
        assert "理由" in call("decide", doubtful, "--pass", OFFER, "--reason", " ", status=2)
        assert len(call("list")) == 2
