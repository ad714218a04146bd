"""What the workbench lists follows what is published, held, drawn and decided."""

from datetime import date, datetime, timedelta, timezone

import pytest

from zhijian.models.records.review import Ruling
from zhijian.models.records.roster import RosterEntry
from zhijian.models.records.sampling import Sampling
from zhijian.models.records.scorecard import Outcome
from zhijian.pipeline.ledger.scheme import load_schemes
from zhijian.pipeline.stages.book import book
from zhijian.pipeline.stages.review import review
from zhijian.pipeline.stages.sample import draw as lots
from zhijian.pipeline.stages.sample import sample
from zhijian.pipeline.store import workbench_tables
from zhijian.pipeline.store.calls import register, waiting
from zhijian.pipeline.store.database import open_database, writing
from zhijian.pipeline.store.judgements import judged, latest_judgement
from zhijian.pipeline.store.samples import add_sample, candidates
from zhijian.pipeline.store.tables import metadata
from zhijian.pipeline.store.worklist import Choice, Listed, Rank, listed

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=timezone(timedelta(hours=8)))
ALL = Choice()
ADDED_ONLY = (
    *("access_log", "veto_votes", "corrections", "appeals", "appeal_decisions"),
    *("samples", "sampled_calls", "calibration_calls", "calibration_verdicts"),
)


@pytest.fixture
def night(make_call, make_card):
    """Judges and books calls; what keeps each from being published."""

    def night(db, **calls: dict) -> None:
        register(db, [make_call(id) for id in calls])
        for task in waiting(db, "s"):
            judged(db, task.id, make_card(task.call, **calls[task.call.call_id]))
        book(db, "s", load_schemes(), actor="machine", now=NOW)

    return night


def the_list(db, choice: Choice = ALL) -> dict[str, Listed]:
    with db.connect() as conn:
        return {one.call_id: one for one in listed(conn, choice, now=NOW, limit=99)}


def ranks(db) -> dict[str, Rank]:
    return {id: one.rank for id, one in the_list(db).items()}


def draw(db, per_agent=1) -> None:
    week = Sampling(from_day=date(2026, 11, 16), to_day=date(2026, 11, 22), per_agent=per_agent, seed=7)
    sample(db, week, actor="lead", now=NOW)


def decide(db, call_id: str, *rulings: Ruling) -> None:
    with db.connect() as conn:
        seen = latest_judgement(conn, the_list(db)[call_id].call)
    review(db, load_schemes(), seen, rulings, reason="听了录音", actor="monitor", now=NOW)


def test_what_is_booked_is_listed_with_what_it_waits_for(db, night):
    night(db, c1={}, c2={"doubt": True}, c3={"veto": True}, c4={"score": None})
    assert ranks(db) == {"c1": Rank.SETTLED, "c2": Rank.DOUBT, "c3": Rank.VETO, "c4": Rank.UNSCORABLE}
    assert list(the_list(db)) == ["c3", "c2", "c4", "c1"]
    assert list(the_list(db, Choice(waiting=True))) == ["c3", "c2", "c4"]
    assert the_list(db)["c2"].items == (("opening.greeting", "fail"), ("opening.offer", "unsure"))
    assert (the_list(db)["c1"].score, the_list(db)["c1"].published) == (95, True)


def test_a_decision_settles_a_call(db, night):
    night(db, c1={"doubt": True})
    decide(db, "c1", Ruling(item="opening.offer", outcome=Outcome.PASS, reason="听了录音"))
    assert ranks(db) == {"c1": Rank.SETTLED}


def test_a_call_that_cannot_be_scored_waits_until_somebody_has_looked(db, night):
    night(db, c1={"score": None})
    decide(db, "c1")
    assert ranks(db) == {"c1": Rank.SEEN}
    assert the_list(db, Choice(waiting=True)) == {}


def test_a_drawn_call_waits_until_somebody_has_looked(db, night, make_call, make_card):
    night(db, c1={}, c2={"doubt": True})
    draw(db, per_agent=2)
    assert ranks(db) == {"c1": Rank.SAMPLED, "c2": Rank.DOUBT}
    judged(db, the_list(db)["c1"].call, make_card(make_call("c1"), "90.0"))
    book(db, "s", load_schemes(), actor="machine", now=NOW)
    assert ranks(db)["c1"] is Rank.SAMPLED
    decide(db, "c1")
    assert ranks(db)["c1"] is Rank.SETTLED


def test_what_was_judged_before_there_was_a_workbench_is_listed_in_it(db, url, night):
    night(db, c1={}, c2={"doubt": True}, c3={"veto": True}, c4={"score": None})
    before = the_list(db)
    with writing(db) as conn:  # back to the books of the version before
        for table in reversed(metadata.sorted_tables):
            if any(table is ours for ours in vars(workbench_tables).values()):
                conn.exec_driver_sql(f"DROP TABLE {table.name}")
        for table in ADDED_ONLY if db.dialect.name == "postgresql" else ():
            conn.exec_driver_sql(f"DROP FUNCTION {table}_refuses")
        conn.exec_driver_sql("ALTER TABLE roster DROP COLUMN source")
        conn.exec_driver_sql("UPDATE alembic_version SET version_num = '0003'")
    upgraded = open_database(url)
    assert the_list(upgraded) == before
    upgraded.dispose()


@pytest.mark.parametrize("table", ADDED_ONLY)
@pytest.mark.parametrize("statement", ["UPDATE {} SET {} = {}", "DELETE FROM {}"])
def test_the_database_keeps_what_was_said(db, night, table, statement):
    """On PostgreSQL the trigger is one of statements; on SQLite of rows, which there have to be."""
    columns = metadata.tables[table].primary_key.columns.keys()
    with db.connect() as conn:
        if db.dialect.name == "sqlite":
            triggers = conn.exec_driver_sql(
                f"SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = '{table}'"
            ).scalars()
            assert {name.removeprefix(f"{table}_") for name in triggers} == {
                "refuses_update",
                "refuses_delete",
                "only_appends",
            }
            return
        with pytest.raises(Exception, match="append-only"):
            conn.exec_driver_sql(statement.format(table, columns[0], columns[0]))


def test_what_is_decided_while_a_draw_goes_on_does_not_wait(db, night):
    night(db, c1={})
    week = Sampling(from_day=date(2026, 11, 16), to_day=date(2026, 11, 22), per_agent=1, seed=7)
    with db.connect() as conn:
        drawn = lots(candidates(conn, week), week)
    decide(db, "c1")
    with writing(db) as conn:
        add_sample(conn, week, drawn, actor="lead", now=NOW)
    assert ranks(db) == {"c1": Rank.SETTLED}


def test_a_team_may_have_thousands_of_people(db, night):
    night(db, c1={})
    everybody = tuple(RosterEntry(agent_no=str(number), name="某", team="一班") for number in range(1000, 4000))
    assert list(the_list(db, Choice(people=everybody))) == ["c1"]
    assert list(the_list(db, Choice(people=everybody[24:]))) == []
