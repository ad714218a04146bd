"""Months: sheet, ranking, bonus, growth, closing, and what comes after it."""

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

import pytest
import sqlalchemy as sa

from zhijian.models.records.figures import DayFigures
from zhijian.models.records.roster import RosterEntry
from zhijian.pipeline.ledger.chain import head, verify
from zhijian.pipeline.ledger.closing import close_month, wrong_closings
from zhijian.pipeline.ledger.entries import LedgerError, balance, entries
from zhijian.pipeline.ledger.figures import add_figures, figures_of, month_values, settle_month
from zhijian.pipeline.ledger.months import closing_of
from zhijian.pipeline.ledger.posting import post, reverse
from zhijian.pipeline.ledger.scheme import Scheme, load_scheme, load_schemes
from zhijian.pipeline.ledger.settlement import Settled
from zhijian.pipeline.ledger.sheets import GrowthDay, growth, month_sheet
from zhijian.pipeline.ledger.standing import live_entry
from zhijian.pipeline.store.database import StoreError, writing

NOW = datetime(2026, 12, 3, 2, 0, tzinfo=timezone(timedelta(hours=8)))
DECEMBER = date(2026, 12, 1)
INCENTIVE = load_scheme("incentive")


def agents(*numbers: str, team: str = "一班") -> list[RosterEntry]:
    return [RosterEntry(agent_no=number, name="", team=team) for number in numbers]


ONE_AGENT = agents("1")


@pytest.fixture
def book(db, make_posting):
    """Books points of an item that has no limit, by account."""

    def book(scheme: Scheme = INCENTIVE, item: str = "team.honour_team", **points: str) -> None:
        with writing(db) as conn:
            count = head(db).count
            post(
                conn,
                scheme,
                [
                    make_posting(f"row {count + i}", value, account[1:], item=item, scheme=scheme.id)
                    for i, (account, value) in enumerate(points.items())
                ],
            )

    return book


def sheet(db, roster, scheme=INCENTIVE, period="2026-11"):
    with db.connect() as conn:
        return month_sheet(conn, scheme, period, roster)


class TestSheet:
    def test_equal_totals_share_a_rank(self, db, book):
        book(_1="5", _2="7", _3="5", _4="1")
        rows = sheet(db, agents("1", "2", "3", "4", "5")).rows
        assert [(row.account, row.total, row.rank) for row in rows] == [
            ("2", 7, 1),
            ("1", 5, 2),
            ("3", 5, 2),
            ("4", 1, 4),
            ("5", 0, 5),
        ]

    @pytest.mark.parametrize(
        ("head_count", "places"), [(1, 0), (6, 0), (7, 1), (13, 1), (14, 2), (20, 3), (100, 15), (107, 16)]
    )
    def test_the_bonus_goes_to_at_most_the_share_of_the_head_count(self, db, book, head_count, places):
        numbers = [str(n) for n in range(1, head_count + 1)]
        book(**{f"_{n}": n for n in numbers})
        found = sheet(db, agents(*numbers))
        assert (found.head_count, found.bonus_places) == (head_count, places)
        best = sorted(numbers, key=int, reverse=True)[:places]
        assert [row.account for row in found.rows if row.bonus] == best

    def test_who_has_as_many_points_as_the_last_one_gets_it_too_and_nobody_without_points(self, db, book):
        book(_1="5", _2="5", _3="5")
        found = sheet(db, agents(*map(str, range(1, 15))))
        assert found.bonus_places == 2
        assert [row.account for row in found.rows if row.bonus] == ["1", "2", "3"]
        assert [row.bonus for row in sheet(db, agents("8", "9"), period="2026-10").rows] == [False, False]

    def test_points_stand_in_their_dimension_and_the_total_is_weighted(self, db, book):
        data = load_scheme("work_points").model_dump()
        data["dimensions"][0]["weight"] = "0.5"
        halved = Scheme.model_validate(data)
        book(halved, item="load.day_shift", _1="10")
        book(halved, item="quality.complaint", _1="-5")
        (row,) = sheet(db, agents("1"), halved).rows
        assert (row.points, row.total) == ((10, -5, 0), 0)

    def test_a_month_has_the_teams_of_that_month(self, db, book):
        book(_1="5")
        moved = [
            RosterEntry(agent_no="1", name="", team="一班", to_day=date(2026, 11, 9)),
            RosterEntry(agent_no="1", name="", team="二班", from_day=date(2026, 11, 10), to_day=date(2026, 12, 9)),
            RosterEntry(agent_no="1", name="", team="三班", from_day=date(2026, 12, 10)),
            RosterEntry(agent_no="2", name="", team="一班", to_day=date(2026, 10, 31)),
            RosterEntry(agent_no="3", name="", team="一班", active=False),
        ]
        teams = {
            period: {row.account: row.team for row in sheet(db, moved, period=period).rows}
            for period in ("2026-10", "2026-11", "2026-12", "2027-01")
        }
        assert teams == {
            "2026-10": {"1": "一班", "2": "一班"},
            "2026-11": {"1": "二班"},
            "2026-12": {"1": "三班"},
            "2027-01": {"1": "三班"},
        }

    def test_an_account_that_the_roster_does_not_know_is_on_it(self, db, book):
        book(_9="5")
        assert [(row.account, row.team) for row in sheet(db, agents("1")).rows] == [("9", ""), ("1", "一班")]


def test_growth_is_cumulative_by_day(db, make_posting):
    days = [("1", "2", 20), ("2", "1", 20), ("3", "0.5", 22)]
    with writing(db) as conn:
        post(
            conn,
            INCENTIVE,
            [make_posting(id, points, effective_day=date(2026, 11, day)) for id, points, day in days],
        )
        assert growth(conn, INCENTIVE, "1023") == (
            GrowthDay(date(2026, 11, 20), Decimal(3), Decimal(3)),
            GrowthDay(date(2026, 11, 22), Decimal("0.5"), Decimal("3.5")),
        )
        assert growth(conn, INCENTIVE, "nobody") == ()


@pytest.mark.parametrize(("points", "stars"), [("99.99", 0), ("100", 1), ("300", 2), ("2199.99", 4), ("9999", 5)])
def test_stars(points, stars):
    assert INCENTIVE.stars_for(Decimal(points)) == stars


def close(db, period="2026-11", roster=ONE_AGENT, scheme=INCENTIVE, now=NOW):
    with writing(db) as conn:
        return close_month(conn, scheme, period, roster, actor="leader", now=now)


class TestClosing:
    def test_the_sheet_is_frozen(self, db, book):
        book(_1="5")
        closing = close(db, roster=agents("1", "2"))
        book(_2="50")
        with db.connect() as conn:
            assert closing_of(conn, "incentive", "2026-11") == closing
        assert [(row["account"], row["total"], row["rank"]) for row in closing.sheet["rows"]] == [
            ("1", "5.00", 1),
            ("2", "0.00", 2),
        ]
        assert (closing.entries, closing.actor) == (1, "leader")

    def test_a_month_that_is_not_over_or_closed_already_is_refused(self, db):
        with pytest.raises(LedgerError, match="还没有结束"):
            close(db, "2026-12")
        with pytest.raises(LedgerError, match="还没有结束"):
            close(db, now=NOW.replace(month=11, day=30, hour=23))
        close(db)
        with pytest.raises(LedgerError, match="已由 leader"):
            close(db)

    def test_schemes_are_closed_one_by_one(self, db, book):
        close(db, scheme=load_scheme("work_points"))
        book(_1="5")
        assert entries(db)[0].entry.period == "2026-11"

    def test_later_entries_take_the_first_open_day_and_name_the_original_one(self, db, book):
        close(db, "2026-11")
        book(_1="5")
        (booked,) = entries(db)
        assert (booked.entry.period, booked.entry.effective_day) == ("2026-12", DECEMBER)
        assert (booked.booked_for, booked.own_details) == (date(2026, 11, 20), {"source": "row 0"})
        close(db, "2026-12", now=NOW.replace(year=2027))
        book(_2="5")
        assert entries(db)[1].entry.effective_day == date(2027, 1, 1)

    def test_a_repeat_of_what_was_booked_before_the_month_was_closed_books_nothing(self, db, make_posting):
        for _ in range(3):
            with writing(db) as conn:
                post(conn, INCENTIVE, [make_posting("a")])
            with db.connect() as conn:
                closed = closing_of(conn, "incentive", "2026-11") is not None
            if not closed:
                close(db)
        assert len(entries(db)) == 1

    def test_a_repeat_of_a_late_entry_books_nothing(self, db, make_posting):
        close(db)
        for _ in range(2):
            with writing(db) as conn:
                post(conn, INCENTIVE, [make_posting("a")])
        assert len(entries(db)) == 1

    def test_a_late_reversal_gives_back_what_the_closed_month_had_credited(self, db, make_posting):
        """Its room is the closed month's: that month's later entries get it, December's limit is untouched."""
        with writing(db) as conn:
            post(conn, INCENTIVE, [make_posting("a", "50"), make_posting("b", "50")])
        close(db)
        with writing(db) as conn:
            first = live_entry(conn, "incentive", "qa.daily_mean", "test", "a")
            reverse(conn, INCENTIVE, first, reason="申诉成立", actor="monitor", now=NOW)
            post(conn, INCENTIVE, [make_posting("c", "70", effective_day=DECEMBER, period="2026-12")])
        assert [(e.entry.kind, e.entry.period, e.entry.points_credited) for e in entries(db)] == [
            ("post", "2026-11", 50),
            ("post", "2026-11", 10),
            ("reversal", "2026-12", -50),
            ("adjustment", "2026-12", 40),
            ("post", "2026-12", 60),
        ]
        assert {e.booked_for for e in entries(db)[2:4]} == {date(2026, 11, 20)}
        assert balance(db, "1023") == 110
        assert verify(db).sound

    def test_what_is_settled_anew_after_the_closing_is_held_to_the_limit_of_its_month(self, db, make_posting):
        with writing(db) as conn:
            post(conn, INCENTIVE, [make_posting(id, "20") for id in "abcd"])
        close(db)
        for id in "abcd":
            with writing(db) as conn:
                live = live_entry(conn, "incentive", "qa.daily_mean", "test", id)
                reverse(conn, INCENTIVE, live, reason="改判", actor="machine", now=NOW)
                post(conn, INCENTIVE, [make_posting(id, "20", source_revision=2)])
            assert balance(db, "1023") == 60
        with writing(db) as conn:
            post(conn, INCENTIVE, [make_posting("e", "70", effective_day=DECEMBER, period="2026-12")])
        assert balance(db, "1023") == 120
        assert verify(db).sound

    @pytest.mark.parametrize(
        ("column", "written", "instead"),
        [
            ("sheet", '"5.00"', '"6.00"'),
            ("sheet", '"rank": 1', '"rank": 2'),
            ("sheet", '"bonus": false', '"bonus": true'),
            ("sheet", '"head_count": 2', '"head_count": 9'),
            ("sheet", '"on_roster": true', '"on_roster": false'),
            ("entries", "", ""),
            ("head", "", ""),
        ],
    )
    def test_a_frozen_sheet_that_is_not_what_the_entries_add_up_to_is_found(self, db, book, column, written, instead):
        book(_1="5")
        close(db, roster=agents("1", "2"))
        book(_1="3")
        with db.connect() as conn:
            assert wrong_closings(conn, load_schemes()) == ()
            guard = "month_closings_refuses" + ("_update" if db.dialect.name == "sqlite" else " ON month_closings")
            conn.exec_driver_sql(f"DROP TRIGGER {guard}")
            changed = {
                "sheet": f"replace(CAST(sheet AS TEXT), '{written}', '{instead}')",
                "entries": "entries - 1",
                "head": "substr(head, 2) || 'f'",
            }[column]
            json = "::json" if column == "sheet" and db.dialect.name == "postgresql" else ""
            conn.exec_driver_sql(f"UPDATE month_closings SET {column} = ({changed}){json}")
            assert wrong_closings(conn, load_schemes()) == ("incentive 2026-11",)

    def test_under_another_version_of_the_scheme_the_points_of_each_account_still_have_to_be_those(self, db, book):
        book(_1="5")
        close(db, roster=agents("1", "2"))
        data = load_scheme("incentive").model_dump() | {"version": "9.9"}
        data["dimensions"][2]["weight"] = "0.5"
        with db.connect() as conn:
            assert wrong_closings(conn, [Scheme.model_validate(data)]) == ()

    def test_a_month_without_anybody_on_the_roster_is_not_frozen(self, db):
        with pytest.raises(LedgerError, match="花名册"):
            close(db, roster=[])
        with db.connect() as conn:
            assert closing_of(conn, "incentive", "2026-11") is None

    def test_a_closed_month_cannot_be_replaced(self, db):
        close(db)
        verb = "INSERT OR REPLACE" if db.dialect.name == "sqlite" else "INSERT"
        columns = "scheme, period, actor, closed_at, entries, head, sheet"
        statement = f"{verb} INTO month_closings (id, {columns}) SELECT 99, {columns} FROM month_closings"
        with pytest.raises(sa.exc.DBAPIError, match=r"append-only|unique"), writing(db) as conn:
            conn.exec_driver_sql(statement)

    @pytest.mark.parametrize("statement", ["UPDATE month_closings SET actor = 'x'", "DELETE FROM month_closings"])
    def test_the_database_refuses_changes(self, db, statement):
        close(db)
        with pytest.raises((sa.exc.DatabaseError, StoreError), match="append-only"), writing(db) as conn:
            conn.exec_driver_sql(statement)


def day(agent_no: str, number: int, month: int = 11, **figures: int) -> DayFigures:
    return DayFigures(agent_no, date(2026, month, number), figures)


def add(db, *figures: DayFigures) -> int:
    with writing(db) as conn:
        return add_figures(conn, figures, actor="leader", now=NOW)


class TestFigures:
    def test_the_latest_of_a_day_count(self, db):
        assert add(db, day("1", 2, answered=5), day("2", 2, answered=7)) == 2
        assert add(db, day("1", 2, answered=5), day("2", 2, answered=8)) == 1
        with db.connect() as conn:
            assert figures_of(conn, [date(2026, 11, 2)]) == (day("1", 2, answered=5), day("2", 2, answered=8))

    def test_what_a_later_file_does_not_tell_of_a_day_stays(self, db):
        add(db, day("1", 2, talk_s=900, answered=5))
        assert add(db, day("1", 2, satisfied=4, answered=6)) == 1
        with db.connect() as conn:
            assert figures_of(conn, [date(2026, 11, 2)]) == (day("1", 2, talk_s=900, answered=6, satisfied=4),)

    def test_a_value_is_that_of_the_sums_of_the_month(self, db):
        add(db, day("1", 2, answered=9, offered=10), day("1", 3, answered=30, offered=30), day("1", 1, 12, answered=9))
        with db.connect() as conn:
            values = {v.item.id: v for v in month_values(conn, INCENTIVE, "2026-11", [])}
        assert str(values["quality.answered_share"].value) == "39/40"
        assert values["quality.answered_share"].figures == {"answered": 39, "offered": 40}
        assert values["quality.satisfaction"].value is None

    def test_efficiency_compares_with_the_team_of_each_day(self, db):
        """The second agent leaves the team after the first day; what the first one shares with it ends there."""
        roster = [
            RosterEntry(agent_no="1", name="", team="一班"),
            RosterEntry(agent_no="2", name="", team="一班", to_day=date(2026, 11, 1)),
            RosterEntry(agent_no="2", name="", team="二班", from_day=date(2026, 11, 2)),
        ]
        same = {"answered": 10, "talk_s": 900, "after_call_s": 100, "signed_in_s": 3600, "scheduled_s": 3600}
        add(db, day("1", 1, **same), day("2", 1, **same | {"answered": 5, "talk_s": 400}), day("1", 2, **same))
        with db.connect() as conn:
            values = {v.agent_no: v for v in month_values(conn, INCENTIVE, "2026-11", roster) if v.item.code == "Z05"}
        assert values["1"].figures["team_answered"] == 25
        # 20/25 of the calls in 2/3 of the time; AHT 100 s, the team's 2500 s / 25 = 100 s
        assert values["1"].value == pytest.approx(1.2)

    def test_what_they_earn_is_booked_with_the_closing(self, db):
        add(db, day("1", 2, answered=98, offered=100), day("2", 2, answered=90, offered=100))
        close(db, roster=agents("1", "2"))
        (booked,) = entries(db)
        assert (booked.entry.account, booked.entry.item, booked.entry.points_credited) == (
            "1",
            "quality.answered_share",
            3,
        )
        assert booked.entry.effective_day == date(2026, 11, 30)
        assert booked.own_details["value"] == "0.9800"
        assert booked.own_details["figures"] == {"answered": 98, "offered": 100}

    def test_settling_again_books_only_what_is_different(self, db):
        add(db, day("1", 2, answered=98, offered=100))
        close(db)
        with writing(db) as conn:
            assert settle_month(conn, INCENTIVE, "2026-11", [], actor="x", now=NOW) == Settled(0, 0)
        add(db, day("1", 2, answered=96, offered=100))
        with writing(db) as conn:
            assert settle_month(conn, INCENTIVE, "2026-11", [], actor="x", now=NOW) == Settled(1, 1)
        assert [(e.entry.period, e.entry.points_credited) for e in entries(db)] == [
            ("2026-11", 3),
            ("2026-12", -3),
            ("2026-12", 1),
        ]
