"""Some calls of each agent, and all risky ones, are drawn for a person to look at; the same seed draws the same."""

import json
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from hashlib import sha256

import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from zhijian.models.records.sampling import DrawnFor, Risk, Sampling, Triggers
from zhijian.models.records.span import RecordError
from zhijian.pipeline import cli
from zhijian.pipeline.ledger.scheme import load_schemes
from zhijian.pipeline.night import own_database_url
from zhijian.pipeline.stages.book import book
from zhijian.pipeline.stages.review import review
from zhijian.pipeline.stages.sample import draw, sample
from zhijian.pipeline.store.calls import register
from zhijian.pipeline.store.calls import waiting as to_judge
from zhijian.pipeline.store.database import open_database
from zhijian.pipeline.store.judgements import judged, latest_judgement
from zhijian.pipeline.store.samples import Candidate, waiting
from zhijian.pipeline.store.workbench_tables import sampled_calls, samples

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=timezone(timedelta(hours=8)))
CALM = Triggers(scenarios=(), satisfaction=(), score_below=None)


def sampling(per_agent: int = 1, seed: int = 7, **more) -> Sampling:
    return Sampling(from_day=date(2026, 11, 20), to_day=date(2026, 11, 21), per_agent=per_agent, seed=seed, **more)


def candidate(number: int, agent_no: str = "1023", *, risky: bool = False, source: str = "s") -> Candidate:
    risks = (Risk.SCORE,) if risky else ()
    return Candidate(call=number, scorecard=number, source=source, call_id=f"c{number}", agent_no=agent_no, risks=risks)


def named(drawn) -> list[tuple[str, str]]:
    return [(one.candidate.call_id, one.drawn_for) for one in drawn]


populations = st.dictionaries(
    st.integers(1, 40), st.tuples(st.sampled_from(["1023", "1024", "1025"]), st.booleans()), max_size=30
).map(lambda calls: [candidate(number, agent, risky=risky) for number, (agent, risky) in calls.items()])


class TestDraw:
    @given(populations, st.integers(1, 5), st.integers(0, 1000), st.randoms())
    def test_the_same_seed_draws_the_same_in_any_order(self, calls, per_agent, seed, random):
        shuffled = random.sample(calls, len(calls))
        assert draw(calls, sampling(per_agent, seed)) == draw(shuffled, sampling(per_agent, seed))

    @given(populations, st.integers(1, 5), st.integers(0, 1000))
    def test_row_ids_do_not_matter(self, calls, per_agent, seed):
        elsewhere = [
            Candidate(
                call=900 - one.call,
                scorecard=one.scorecard + 5,
                source=one.source,
                call_id=one.call_id,
                agent_no=one.agent_no,
                risks=one.risks,
            )
            for one in calls
        ]
        assert named(draw(calls, sampling(per_agent, seed))) == named(draw(elsewhere, sampling(per_agent, seed)))

    @given(populations, st.integers(1, 5), st.integers(0, 1000))
    def test_so_many_of_each_agent_and_all_risky_ones(self, calls, per_agent, seed):
        drawn = draw(calls, sampling(per_agent, seed))
        for agent in {one.agent_no for one in calls}:
            theirs = [one for one in calls if one.agent_no == agent]
            random = [o for o in drawn if o.candidate.agent_no == agent and o.drawn_for is DrawnFor.RANDOM]
            assert len(random) == min(per_agent, len(theirs))
        assert {one.call for one in calls if one.risks} <= {one.candidate.call for one in drawn}
        assert all(one.candidate.risks for one in drawn if one.drawn_for is DrawnFor.TRIGGER)

    @given(populations, st.integers(1, 5), st.integers(0, 1000))
    def test_whether_calls_are_risky_does_not_change_the_random_ones(self, calls, per_agent, seed):
        calm = [candidate(one.call, one.agent_no) for one in calls]
        random = [one for one in draw(calls, sampling(per_agent, seed)) if one.drawn_for is DrawnFor.RANDOM]
        assert named(random) == named(draw(calm, sampling(per_agent, seed)))

    def test_the_lots_are_those_that_the_docstring_says(self):
        lots = {f"c{number}": sha256(f"7/s/c{number}".encode()).hexdigest() for number in range(20)}
        assert named(draw(map(candidate, range(20)), sampling())) == [(min(lots, key=lots.__getitem__), "random")]

    def test_every_call_is_drawn_about_as_often(self):
        calls = [candidate(number) for number in range(10)]
        often = [one.candidate.call for seed in range(2000) for one in draw(calls, sampling(2, seed))]
        assert all(320 < often.count(number) < 480 for number in range(10))  # 400 expected, 4.5 deviations


class TestRecords:
    def test_risks(self):
        triggers = Triggers()
        quiet = {"scenario": "fault", "satisfaction": "满意", "score": Decimal("60.0")}
        assert triggers.risks(**quiet) == ()
        assert triggers.risks(scenario=None, satisfaction=None, score=None) == ()
        assert triggers.risks(**quiet | {"scenario": "complaint"}) == (Risk.SCENARIO,)
        assert triggers.risks(**quiet | {"satisfaction": "非常不满意"}) == (Risk.SATISFACTION,)
        assert triggers.risks(**quiet | {"score": Decimal("59.9")}) == (Risk.SCORE,)

    @pytest.mark.parametrize(
        "wrong", [{"per_agent": 0}, {"seed": -1}, {"seed": 2**31}, {"to_day": date(2026, 11, 19)}], ids=str
    )
    def test_what_cannot_be_drawn_is_refused(self, wrong):
        good = {"from_day": date(2026, 11, 20), "to_day": date(2026, 11, 21), "per_agent": 1, "seed": 1}
        with pytest.raises(RecordError):
            Sampling(**good | wrong)

    def test_an_empty_word_is_refused(self):
        with pytest.raises(RecordError):
            Triggers(satisfaction=("",))


@pytest.fixture
def night(make_call, make_card):
    """Judges and books calls: what the call list says of each, and how it was judged."""

    def night(db, **made: tuple[dict, dict]) -> None:
        records = {id: make_call(id, **call) for id, (call, _) in made.items()}
        register(db, records.values())
        ids = {task.call.call_id: task.id for task in to_judge(db, "s")}
        for id, (_, card) in made.items():
            judged(db, ids[id], make_card(records[id], **card))
        book(db, "s", load_schemes(), actor="machine", now=NOW)

    return night


def drawn_ids(db, *wanted, **how) -> list[str]:
    _, drawn = sample(db, sampling(*wanted, **how), actor="lead", now=NOW)
    return sorted(one.candidate.call_id for one in drawn)


def waiting_ids(db) -> list[str]:
    with db.connect() as conn:
        return [one.judgement.scorecard.call_id for one in waiting(conn)]


def decide(db, call_id: str) -> None:
    with db.connect() as conn:
        (one,) = (one for one in waiting(conn) if one.judgement.scorecard.call_id == call_id)
    review(db, load_schemes(), one.judgement, [], reason="听了录音", actor="monitor", now=NOW)


class TestStore:
    def test_calls_that_nobody_has_looked_at_are_drawn(self, db, night):
        night(
            db,
            good=({}, {}),
            held=({}, {"doubt": True}),
            silent=({}, {"score": None}),
            early=({"day": 19}, {}),
            last=({"day": 21}, {}),
            late=({"day": 22}, {}),
        )
        assert drawn_ids(db, 9) == ["good", "held", "last"]
        decide(db, "good")
        assert drawn_ids(db, 9) == ["held", "last"]

    def test_risky_ones_come_on_top(self, db, night):
        night(
            db,
            angry=({"satisfaction": "非常不满意", "agent_no": "1024"}, {}),
            complaint=({"scenario": "投诉", "agent_no": "1025"}, {}),
            bad=({"agent_no": "1026"}, {"score": "59.0"}),
            **{f"good{number}": ({"agent_no": str(1024 + number % 3)}, {}) for number in range(60)},
        )
        _, drawn = sample(db, sampling(seed=1), actor="lead", now=NOW)
        risky = {one.candidate.call_id: (one.drawn_for, one.candidate.risks) for one in drawn if one.candidate.risks}
        assert risky == {
            "angry": ("trigger", (Risk.SATISFACTION,)),
            "complaint": ("trigger", (Risk.SCENARIO,)),
            "bad": ("trigger", (Risk.SCORE,)),
        }
        assert len(drawn) == 6
        with db.connect() as conn:
            assert {one.judgement.scorecard.call_id: (one.drawn_for, one.risks) for one in waiting(conn)} == {
                one.candidate.call_id: (one.drawn_for, one.candidate.risks) for one in drawn
            }

    def test_what_was_drawn_is_stored(self, db, night):
        night(db, c1=({}, {}), c2=({}, {}))
        number, (one,) = sample(db, sampling(triggers=CALM), actor="lead", now=NOW)
        with db.connect() as conn:
            row = conn.execute(sa.select(samples)).one()
            assert conn.execute(sa.select(sampled_calls)).all() == [(number, one.candidate.call, "random", [])]
        assert row == (
            *(number, date(2026, 11, 20), date(2026, 11, 21), 1, 7),
            *({"scenarios": [], "satisfaction": [], "score_below": None}, "lead", NOW),
        )

    def test_an_empty_period_draws_nothing(self, db):
        assert drawn_ids(db) == waiting_ids(db) == []

    def test_a_drawn_call_waits_until_a_person_has_decided(self, db, night):
        night(db, c2=({"hour": 11}, {}), c1=({"hour": 10}, {}))
        drawn_ids(db, 2)
        assert waiting_ids(db) == ["c1", "c2"]
        decide(db, "c1")
        assert waiting_ids(db) == ["c2"]

    def test_drawn_twice_it_waits_once(self, db, night):
        night(db, c1=({}, {}))
        (first, _), (second, _) = (sample(db, sampling(seed=seed), actor="lead", now=NOW) for seed in (1, 2))
        with db.connect() as conn:
            assert [one.sample for one in waiting(conn)] == [first]
        assert first != second

    def test_a_call_that_is_judged_again_waits_with_its_new_scorecard(self, db, night, make_call, make_card):
        night(db, c1=({}, {}))
        drawn_ids(db)
        changed = make_call("c1", ring_count=9)
        register(db, [changed])
        assert waiting_ids(db) == drawn_ids(db) == []
        (task,) = to_judge(db, "s")
        judged(db, task.id, make_card(changed, "88.0"))
        book(db, "s", load_schemes(), actor="machine", now=NOW)
        with db.connect() as conn:
            assert [one.judgement for one in waiting(conn)] == [latest_judgement(conn, task.id)]


class TestCommand:
    @pytest.fixture
    def call(self, night, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        monkeypatch.delenv("ZHIJIAN_DATABASE_URL", raising=False)
        engine = open_database(own_database_url(tmp_path / "out"))
        night(engine, c1=({}, {}), c2=({}, {"score": "50.0"}), c3=({}, {}))
        engine.dispose()

        def call(*args: object, status: int = 0, period: tuple[str, str] = ("2026-11-20", "2026-11-20")):
            days = ["--from", period[0], "--to", period[1], "--out", str(tmp_path / "out")]
            done = CliRunner().invoke(cli.app, ["review", "sample", *days, *map(str, args)])
            assert done.exit_code == status, done.output
            return done.stdout

        return call

    def test_the_same_seed_draws_the_same(self, call):
        first = json.loads(call("--per-agent", 1, "--json"))
        again = json.loads(call("--per-agent", 1, "--seed", first["seed"], "--json"))
        assert again == first | {"sample": first["sample"] + 1}
        assert "c2" in [one["call_id"] for one in first["calls"]]

    def test_what_is_drawn_is_listed_with_what_waits(self, call, tmp_path):
        call("--per-agent", 1)
        listed = CliRunner().invoke(cli.app, ["review", "list", "--out", str(tmp_path / "out"), "--json"])
        why = {one["call_id"]: (one["drawn_for"], one["risks"]) for one in json.loads(listed.stdout)}
        assert why.pop("c2")[1] == ["score"]
        assert all(reason == ("random", []) for reason in why.values())

    def test_people_read_why(self, call):
        shown = call("--per-agent", 3)
        assert "3 通" in shown
        assert "c2\t1023\t随机\t低分" in shown

    def test_wrong_use_is_status_2(self, call):
        assert call("--per-agent", 0, status=2) == ""
        assert call("--per-agent", 1, status=2, period=("2026-11-20", "2026-11-19")) == ""
