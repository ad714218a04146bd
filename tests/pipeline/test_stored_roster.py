"""The rosters of all sources in the database: each night brings its own, and an older database has one."""

from datetime import UTC, date, datetime

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from zhijian.models.records.roster import Roster, RosterEntry
from zhijian.pipeline.store.database import open_database
from zhijian.pipeline.store.roster import replace_roster, stored_roster
from zhijian.pipeline.store.tables import metadata, runs

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)


def entry(agent_no, team, **days):
    return RosterEntry(agent_no=agent_no, name="", team=team, **days)


def bring_roster(db, source, *entries):
    replace_roster(db, Roster(source=source, entries=entries))


def test_a_new_roster_takes_the_place_of_the_old_one(db):
    first = [RosterEntry(agent_no="1023", name="张三", team="一班", to_day=date(2026, 10, 31))]
    second = [
        RosterEntry(agent_no="1024", name="", team="二班", active=False),
        RosterEntry(agent_no="1023", name="张三", team="二班", from_day=date(2026, 11, 1)),
    ]
    bring_roster(db, "s", *first)
    bring_roster(db, "s", *second)
    assert stored_roster(db) == tuple(second)
    bring_roster(db, "s")
    assert stored_roster(db) == ()


def test_a_roster_replaces_only_that_of_its_own_source(db):
    east, west = entry("1023", "东一班"), entry("2001", "西一班")
    bring_roster(db, "east", east, entry("1024", "东一班"))
    bring_roster(db, "west", west)
    assert stored_roster(db) == (east, entry("1024", "东一班"), west)
    bring_roster(db, "east", east)
    assert stored_roster(db) == (west, east)


def test_an_agent_whom_two_sources_name_is_as_the_latest_says(db):
    bring_roster(db, "east", entry("1023", "东一班", to_day=date(2026, 10, 31)), entry("1023", "东二班"))
    bring_roster(db, "west", entry("1023", "西一班"), entry("2001", "西一班"))
    assert stored_roster(db) == (entry("1023", "西一班"), entry("2001", "西一班"))
    bring_roster(db, "east", entry("1023", "东二班"))
    assert stored_roster(db) == (entry("2001", "西一班"), entry("1023", "东二班"))
    bring_roster(db, "east")
    assert stored_roster(db) == (entry("1023", "西一班"), entry("2001", "西一班"))


def test_a_roster_without_a_source_is_that_of_the_last_run(database_of, url):
    with database_of("0005") as conn:
        for source in ("east", "west"):
            conn.execute(runs.insert().values(source=source, started_at=NOW))
        conn.exec_driver_sql(
            "INSERT INTO roster (agent_no, name, team, from_day, active) "
            "VALUES ('1023', '张三', '一班', '2026-11-01', true), ('1024', '', '二班', NULL, false)"
        )
    engine = open_database(url)
    old = (
        RosterEntry(agent_no="1023", name="张三", team="一班", from_day=date(2026, 11, 1)),
        RosterEntry(agent_no="1024", name="", team="二班", active=False),
    )
    assert stored_roster(engine) == old
    bring_roster(engine, "east", entry("2001", "东一班"))
    assert stored_roster(engine) == (*old, entry("2001", "东一班"))
    bring_roster(engine, "west", old[0])
    assert stored_roster(engine) == (entry("2001", "东一班"), old[0])
    with engine.connect() as conn:
        assert compare_metadata(MigrationContext.configure(conn), metadata) == []
    engine.dispose()
