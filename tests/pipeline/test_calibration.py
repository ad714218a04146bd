"""Several people judge the same calls blind: what each said is seen when the session is closed, not before."""

import json
import threading
from datetime import datetime, timedelta, timezone
from decimal import Decimal

import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from zhijian.models.records.account import MACHINE
from zhijian.models.records.calibration import Verdict
from zhijian.models.records.review import Ruling
from zhijian.models.records.scorecard import Outcome
from zhijian.pipeline import cli
from zhijian.pipeline.ledger.scheme import load_schemes
from zhijian.pipeline.night import own_database_url
from zhijian.pipeline.stages.book import book
from zhijian.pipeline.stages.calibrate import machine_precision, session_agreement
from zhijian.pipeline.stages.review import review
from zhijian.pipeline.store import calibrations
from zhijian.pipeline.store.calibrations import CalibrationError
from zhijian.pipeline.store.calls import register, waiting
from zhijian.pipeline.store.database import open_database, writing
from zhijian.pipeline.store.judgements import judged, latest_judgement
from zhijian.pipeline.store.tables import calls
from zhijian.pipeline.store.workbench_tables import calibration_verdicts

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=timezone(timedelta(hours=8)))
GREETING, OFFER = "opening.greeting", "opening.offer"
PASS, FAIL, NA = Outcome.PASS, Outcome.FAIL, Outcome.NA
GOOD, DEDUCTED, DOUBT = {"score": "100"}, {"score": "95.0"}, {"score": "95.0", "doubt": True}


@pytest.fixture
def night(make_call, make_card):
    """Judges and books calls; a call that is there already is judged again."""

    def night(db, day: int = 20, **how: dict) -> None:
        with db.connect() as conn:
            known = set(conn.execute(sa.select(calls.c.call_id)).scalars())
        made = {id: make_call(id, day=day, ring_count=int(id in known)) for id in how}
        register(db, made.values())
        ids = {task.call.call_id: task.id for task in waiting(db, "s")}
        for id, card in how.items():
            judged(db, ids[id], make_card(made[id], **card))
        book(db, "s", load_schemes(), actor="machine", now=NOW)

    return night


def latest(db, call_id: str):
    with db.connect() as conn:
        return latest_judgement(
            conn, conn.execute(sa.select(calls.c.id).where(calls.c.call_id == call_id)).scalar_one()
        )


def rules(db, call_id: str, actor: str = "monitor", **outcomes: Outcome) -> None:
    rulings = [
        Ruling(
            item=f"opening.{item}", outcome=outcome, reason="听了录音", points=Decimal(0) if outcome is FAIL else None
        )
        for item, outcome in outcomes.items()
    ]
    review(db, load_schemes(), latest(db, call_id), rulings, reason="听了录音", actor=actor, now=NOW)


def opens(db, *call_ids: str) -> int:
    with writing(db) as conn:
        return calibrations.open_calibration(
            conn, "十一月", [latest(db, id).id for id in call_ids], actor="lead", now=NOW
        )


def judges(db, session: int, rater: str, call_id: str, **outcomes: Outcome) -> None:
    said = [
        Verdict(scorecard=latest(db, call_id).id, item=f"opening.{item}", rater=rater, outcome=outcome)
        for item, outcome in outcomes.items()
    ]
    with writing(db) as conn:
        calibrations.judge(conn, session, said, now=NOW)


def closes(db, session: int) -> None:
    with writing(db) as conn:
        calibrations.close_calibration(conn, session, now=NOW)


def own(db, session: int, rater: str) -> list[Outcome]:
    with db.connect() as conn:
        return [verdict.outcome for verdict in calibrations.own_verdicts(conn, session, rater)]


def of_all(db, session: int) -> list[tuple[str, Outcome]]:
    with db.connect() as conn:
        return [(verdict.rater, verdict.outcome) for verdict in calibrations.all_verdicts(conn, session)]


class TestSession:
    def test_verdicts_of_others_are_seen_when_it_is_closed(self, db, night):
        night(db, c1=DEDUCTED)
        session = opens(db, "c1")
        judges(db, session, "ann", "c1", greeting=FAIL)
        judges(db, session, "bob", "c1", greeting=PASS)
        assert (own(db, session, "ann"), own(db, session, "bob"), own(db, session, "cid")) == ([FAIL], [PASS], [])
        with pytest.raises(CalibrationError, match="尚未结束"):
            of_all(db, session)
        closes(db, session)
        assert of_all(db, session) == [("ann", FAIL), ("bob", PASS)]

    def test_nobody_judges_after_it_is_closed(self, db, night):
        night(db, c1=DEDUCTED)
        session = opens(db, "c1")
        closes(db, session)
        with pytest.raises(CalibrationError, match="已结束"):
            judges(db, session, "ann", "c1", greeting=FAIL)
        with pytest.raises(CalibrationError, match="早已结束"):
            closes(db, session)
        assert of_all(db, session) == []

    def test_a_second_verdict_is_refused_and_takes_the_rest_with_it(self, db, night):
        night(db, c1=DOUBT)
        session = opens(db, "c1")
        judges(db, session, "ann", "c1", greeting=FAIL)
        with pytest.raises(CalibrationError, match="已评过"):
            judges(db, session, "ann", "c1", offer=PASS, greeting=PASS)
        assert own(db, session, "ann") == [FAIL]
        judges(db, session, "ann", "c1", offer=PASS)
        assert own(db, session, "ann") == [FAIL, PASS]

    def test_of_two_at_once_one_is_refused(self, db, night):
        night(db, c1=DEDUCTED)
        session, said = opens(db, "c1"), []

        def judge(outcome: Outcome) -> None:
            try:
                judges(db, session, "ann", "c1", greeting=outcome)
                said.append(outcome)
            except CalibrationError:
                said.append(None)

        tries = [threading.Thread(target=judge, args=(outcome,)) for outcome in (PASS, FAIL)]
        for one in tries:
            one.start()
        for one in tries:
            one.join()
        assert said.count(None) == 1
        assert own(db, session, "ann") == [outcome for outcome in said if outcome]

    def test_the_database_itself_keeps_one_verdict_only(self, db, night):
        night(db, c1=DEDUCTED)
        session = opens(db, "c1")
        judges(db, session, "ann", "c1", greeting=FAIL)
        with db.connect() as conn:
            row = conn.execute(sa.select(calibration_verdicts)).one()._asdict()
        with pytest.raises(sa.exc.IntegrityError), writing(db) as conn:
            conn.execute(calibration_verdicts.insert().values(row | {"outcome": PASS}))
        with pytest.raises(sa.exc.IntegrityError), writing(db) as conn:
            conn.execute(calibration_verdicts.insert().values(row | {"scorecard": row["scorecard"] + 1}))

    def test_what_does_not_belong_to_it_is_refused(self, db, night):
        night(db, c1=DEDUCTED, c2=DEDUCTED)
        session = opens(db, "c1")
        with pytest.raises(CalibrationError, match="没有评分单"):
            judges(db, session, "ann", "c2", greeting=FAIL)
        with pytest.raises(CalibrationError, match="没有项目"):
            judges(db, session, "ann", "c1", offer=FAIL)
        with pytest.raises(CalibrationError, match="机器"):
            judges(db, session, MACHINE, "c1", greeting=FAIL)
        with pytest.raises(CalibrationError, match="没有校准"):
            judges(db, session + 1, "ann", "c1", greeting=FAIL)

    def test_what_cannot_be_opened(self, db, night):
        night(db, c1=DEDUCTED, silent={"score": None})
        first = latest(db, "c1").id
        night(db, c1=GOOD)
        for wrong in ([], [999], [latest(db, "silent").id], [first, latest(db, "c1").id], [first, first]):
            with pytest.raises(CalibrationError), writing(db) as conn:
                calibrations.open_calibration(conn, "x", wrong, actor="lead", now=NOW)
        with db.connect() as conn:
            assert calibrations.all_calibrations(conn) == ()

    def test_what_is_told_of_an_open_session(self, db, night):
        night(db, c1=DOUBT, c2=GOOD)
        session, other = opens(db, "c1", "c2"), opens(db, "c2")
        judges(db, session, "bob", "c1", greeting=FAIL, offer=PASS)
        judges(db, session, "ann", "c2", greeting=PASS)
        with db.connect() as conn:
            first, second = calibrations.all_calibrations(conn)
        assert (first.id, first.name, first.opened_by, first.opened_at, first.closed_at) == (
            *(session, "十一月", "lead", NOW, None),
        )
        assert (first.scorecards, first.judged) == ((latest(db, "c1").id, latest(db, "c2").id), {"ann": 1, "bob": 2})
        assert (second.id, second.judged) == (other, {})


class TestAgreement:
    def test_the_machine_is_one_more_rater(self, db, night):
        night(db, c1=DOUBT, c2=GOOD)
        session = opens(db, "c1", "c2")
        judges(db, session, "ann", "c1", greeting=FAIL, offer=PASS)
        judges(db, session, "ann", "c2", greeting=PASS)
        judges(db, session, "bob", "c1", greeting=PASS)
        closes(db, session)
        with db.connect() as conn:
            greeting, offer = session_agreement(conn, session).items
        pairs = {(pair.one, pair.other): (pair.same, pair.shared, pair.kappa) for pair in greeting.pairs}
        assert pairs == {("ann", "bob"): (0, 1, 0), ("ann", MACHINE): (2, 2, 1), ("bob", MACHINE): (0, 1, 0)}
        assert (offer.calls, offer.pairs) == (0, ())

    def test_it_counts_with_what_it_said_before_people_did(self, db, night):
        night(db, c1=DEDUCTED)
        rules(db, "c1", greeting=PASS)
        rules(db, "c1", greeting=NA)
        session = opens(db, "c1")
        judges(db, session, "ann", "c1", greeting=FAIL)
        closes(db, session)
        with db.connect() as conn:
            assert [(r.rater, r.same) for r in session_agreement(conn, session).raters] == [("ann", 1), (MACHINE, 1)]

    def test_items_that_nobody_judged_are_left_out(self, db, night):
        night(db, c1=DOUBT)
        session = opens(db, "c1")
        judges(db, session, "ann", "c1", offer=PASS)
        closes(db, session)
        with db.connect() as conn:
            assert [one.item for one in session_agreement(conn, session).items] == [OFFER]

    def test_an_open_session_tells_nothing(self, db, night):
        night(db, c1=DEDUCTED)
        session = opens(db, "c1")
        with db.connect() as conn, pytest.raises(CalibrationError):
            session_agreement(conn, session)


def counted(db) -> list[tuple]:
    with db.connect() as conn:
        return [
            (one.month, one.item, one.right, one.taken_back, one.missed, one.rightly_none, one.unsure)
            for one in machine_precision(conn)
        ]


class TestPrecision:
    def test_only_items_that_a_ruling_names_are_counted(self, db, night):
        night(db, c1=DOUBT, c2=DEDUCTED)
        rules(db, "c1", offer=PASS)
        rules(db, "c2")
        assert counted(db) == [("2026-11", OFFER, 0, 0, 0, 0, 1)]

    def test_the_last_ruling_counts_against_what_the_machine_said(self, db, night):
        night(db, c1=DEDUCTED, c2=DEDUCTED, c3=GOOD, c4=GOOD)
        rules(db, "c1", greeting=PASS)
        assert counted(db) == [("2026-11", GREETING, 0, 1, 0, 0, 0)]
        rules(db, "c1", "second", greeting=FAIL)
        rules(db, "c2", greeting=NA)
        rules(db, "c3", greeting=FAIL)
        rules(db, "c4", greeting=PASS)
        assert counted(db) == [("2026-11", GREETING, 1, 1, 1, 1, 0)]

    def test_a_call_that_was_judged_again_counts_as_it_was_when_it_was_ruled_on(self, db, night):
        night(db, c1=DEDUCTED)
        rules(db, "c1", greeting=FAIL)
        night(db, c1=GOOD)
        assert counted(db) == [("2026-11", GREETING, 1, 0, 0, 0, 0)]
        rules(db, "c1", greeting=FAIL)
        assert counted(db) == [("2026-11", GREETING, 0, 0, 1, 0, 0)]

    def test_nothing_ruled_nothing_said(self, db, night):
        night(db, c1=DEDUCTED)
        assert counted(db) == []


class TestCommands:
    @pytest.fixture
    def call(self, night, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        monkeypatch.delenv("ZHIJIAN_DATABASE_URL", raising=False)
        engine = open_database(own_database_url(tmp_path / "out"))
        night(engine, c1=DEDUCTED, c2=DOUBT)
        engine.dispose()

        def call(*args: object, status: int = 0, as_json: bool = True):
            words = ["review", *map(str, args), "--out", str(tmp_path / "out"), *["--json"] * as_json]
            done = CliRunner().invoke(cli.app, words)
            assert done.exit_code == status, done.output
            return (json.loads(done.stdout) if as_json else done.stdout) if done.stdout else done.stderr

        return call

    def test_from_opening_to_the_agreement(self, call):
        session = call("calibration", "open", "十一月", 1, 2, "--actor", "lead")["calibration"]
        ann, bob = ("--actor", "ann"), ("--actor", "bob")
        assert call("calibration", "judge", session, 1, "--fail", GREETING, *ann) == {"judged": 1}
        call("calibration", "judge", session, 2, "--pass", GREETING, "--na", OFFER, *ann)
        call("calibration", "judge", session, 1, "--fail", GREETING, *bob)
        assert "不能再改" in call("calibration", "judge", session, 1, "--pass", GREETING, *bob, status=3)
        assert [one["rater"] for one in call("calibration", "show", session, *bob)["verdicts"]] == ["bob"]
        assert "尚未结束" in call("agreement", session, status=3)
        call("calibration", "close", session)
        assert len(call("calibration", "show", session, *bob)["verdicts"]) == 4
        assert call("calibration", "list")[0]["judged"] == {"ann": 3, "bob": 1}
        found = call("agreement", session)
        assert [(one["rater"], one["same"], one["shared"]) for one in found["raters"]] == [
            *(("ann", 2, 3), ("bob", 2, 2), (MACHINE, 2, 3)),
        ]

    def test_people_read_it(self, call):
        session = call("calibration", "open", "十一月", 1, "--actor", "lead")["calibration"]
        call("calibration", "judge", session, 1, "--fail", GREETING, "--actor", "ann")
        assert "进行中\tann 1 项" in call("calibration", "list", as_json=False)
        assert "ann\t不合格" in call("calibration", "show", session, "--actor", "ann", as_json=False)
        call("calibration", "close", session)
        assert "ann 对其他人\t一致 1/1\tkappa -" in call("agreement", session, as_json=False)

    def test_precision(self, call):
        assert call("precision") == []
        call("decide", 1, "--pass", GREETING, "--reason", "听了录音", "--actor", "monitor")
        (one,) = call("precision")
        assert (one["month"], one["item"], one["precision"], one["recall"]) == ("2026-11", GREETING, 0, None)
        assert "准确率 0.00\t召回率 -" in call("precision", as_json=False)

    def test_wrong_use(self, call):
        session = call("calibration", "open", "十一月", 1)["calibration"]
        assert call("calibration", "judge", session, 1, status=2)
        assert call("calibration", "judge", session, 1, "--pass", GREETING, "--actor", " ", status=2)
        assert call("calibration", "show", 9, status=3)
        assert call("calibration", "open", "x", 99, status=3)
