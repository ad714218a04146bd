"""What does not come from calls: tables of daily records and figures, and what people book by hand."""

import csv
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest

from zhijian.models.records.figures import DayFigures
from zhijian.models.records.roster import Roster, RosterEntry
from zhijian.pipeline.ledger.by_hand import award, take_back
from zhijian.pipeline.ledger.chain import verify
from zhijian.pipeline.ledger.closing import close_month
from zhijian.pipeline.ledger.entries import LedgerError, balance, entries
from zhijian.pipeline.ledger.figures import figures_of
from zhijian.pipeline.ledger.posting import post
from zhijian.pipeline.ledger.records import Record
from zhijian.pipeline.ledger.scheme import load_scheme, load_schemes
from zhijian.pipeline.stages.points import Imported, import_figures, import_records
from zhijian.pipeline.stages.table import SourceError
from zhijian.pipeline.store.database import writing
from zhijian.pipeline.store.roster import replace_roster, stored_roster

NOW = datetime(2026, 12, 3, 2, 0, tzinfo=timezone(timedelta(hours=8)))
DAY = date(2026, 11, 20)
INCENTIVE, WORK_POINTS = load_scheme("incentive"), load_scheme("work_points")


@pytest.fixture(autouse=True)
def roster(db):
    agents = tuple(RosterEntry(agent_no=number, name="", team="一班") for number in ("1023", "1024", "1025"))
    replace_roster(db, Roster(source="s", entries=agents))


@pytest.fixture
def table(tmp_path):
    def table(*rows: dict[str, str], name: str = "records.csv") -> Path:
        columns = list(dict.fromkeys(column for row in rows for column in row))
        if name.endswith(".xlsx"):
            book = openpyxl.Workbook()
            for row in (columns, *([row.get(column) for column in columns] for row in rows)):
                book.active.append(row)
            book.save(tmp_path / name)
        else:
            with (tmp_path / name).open("w", encoding="utf-8", newline="") as file:
                writer = csv.DictWriter(file, columns)
                writer.writeheader()
                writer.writerows(rows)
        return tmp_path / name

    return table


def row(agent_no: str = "1023", item: str = "T21", day: str = "2026-11-20", **more: str) -> dict[str, str]:
    return {"agent_no": agent_no, "day": day, "item": item, **more}


def load(db, path, scheme=INCENTIVE, now=NOW) -> Imported:
    return import_records(db, scheme, path, actor="leader", now=now)


class TestRecords:
    def test_good_rows_are_booked_once(self, db, table):
        path = table(
            row(id="a"), row("1024", "team.honour_company", id="b"), row("1025", item="T14", points="2.5", id="c")
        )
        assert load(db, path) == Imported(3, 0, ())
        assert load(db, path) == Imported(0, 3, ())
        assert [(e.entry.account, e.entry.item, e.entry.points_raw, e.entry.source_kind) for e in entries(db)] == [
            ("1023", "team.good_deed", 3, "import"),
            ("1024", "team.honour_company", 10, "import"),
            ("1025", "team.project", Decimal("2.5"), "import"),
        ]

    def test_a_row_without_an_id_is_known_by_what_it_says(self, db, table):
        assert load(db, table(row(), row(), row(note="第二件"))) == Imported(2, 1, ())
        assert load(db, table(row(note="第二件"), row())) == Imported(0, 2, ())

    def test_one_thing_written_in_three_ways_is_one(self, db, table):
        load(db, table(row(item="T16")))
        assert load(db, table(row(item="team.honour_team", day="2026-11-20T00:00:00", points="3.0"))).posted == 0
        excel = {"agent_no": "1023", "day": date(2026, 11, 20), "item": "T16"}
        assert load(db, table(excel, name="records.xlsx")) == Imported(0, 1, ())
        assert balance(db, "1023") == 3

    def test_a_task_takes_no_points(self, db, table):
        found = load(db, table(row(item="L09", points="99")), WORK_POINTS)
        assert (found.posted, len(found.refused)) == (0, 1)

    def test_from_excel(self, db, table):
        path = table({"agent_no": "1023", "day": date(2026, 11, 20), "item": "T21"}, name="records.xlsx")
        assert load(db, path) == Imported(1, 0, ())
        assert entries(db)[0].entry.effective_day == DAY

    @pytest.mark.parametrize(
        ("wrong", "why"),
        [
            (row("9999"), "不在花名册"),
            (row(day="2026-13-01"), "不是有效日期"),
            (row(day="2026-12-04"), "还没有到"),
            (row(item="T99"), "不是积分激励的项目编号"),
            (row(points="4"), "固定为 3 分"),
            (row(item="T14", points="5.01"), "须写明 1 至 5 分"),
            (row(item="T14", points="1.005"), "两位小数"),
            (row(item="T14", points="NaN"), "不是数字"),
            (row(item="T14", points="many"), "不是数字"),
            (row(item="T14"), "须写明 1 至 5 分"),
            (row(item="Z01"), "由系统计算"),
            (row(item="Z07"), "由系统计算"),
            (row(note="带\u200b隐形字符"), "不可见"),
        ],
    )
    def test_a_bad_row_costs_no_other_one(self, db, table, wrong, why):
        found = load(db, table(row(id="a"), wrong | {"id": "b"}, row("1024", id="c")))
        assert (found.posted, [line for line, _ in found.refused]) == (2, [3])
        assert why in found.refused[0][1]
        assert [e.entry.source_id for e in entries(db)] == ["a", "c"]

    def test_an_id_that_says_something_else_is_refused_until_the_entry_is_reversed(self, db, table):
        load(db, table(row(id="a")))
        others = row("1024", id="a"), row(day="2026-11-21", id="a"), row(note="别的", id="a"), row(item="T16", id="a")
        for wrong in others:
            found = load(db, table(wrong))
            assert found.posted == 0
            assert "已入账(第1号分录)" in found.refused[0][1]
        with writing(db) as conn:
            take_back(conn, INCENTIVE, 1, role="supervisor", reason="工号有误", actor="boss", now=NOW)
        assert load(db, table(row(id="a"))) == Imported(0, 1, ())
        assert load(db, table(row("1024", id="a"))) == Imported(1, 0, ())
        assert (balance(db, "1023"), balance(db, "1024")) == (0, 3)

    def test_one_id_twice_in_a_file_with_different_contents(self, db, table):
        found = load(db, table(row(id="a"), row(id="a", note="别的")))
        assert (found.posted, [line for line, _ in found.refused]) == (1, [3])

    def test_a_file_without_its_columns_is_refused(self, db, table):
        with pytest.raises(SourceError, match="item"):
            load(db, table({"agent_no": "1023", "day": "2026-11-20"}))

    def test_a_file_of_another_program_gives_a_clear_error(self, db, tmp_path):
        (tmp_path / "broken.xlsx").write_bytes(b"\x00\x01")
        with pytest.raises(SourceError, match=r"broken\.xlsx"):
            load(db, tmp_path / "broken.xlsx")


class TestTasks:
    def shared(self, *people: tuple[str, str], task: str = "t1", item: str = "L09") -> list[dict[str, str]]:
        return [row(number, item, id=task, main=main) for number, main in people]

    def points(self, db) -> dict[str, Decimal]:
        return {e.entry.account: e.entry.points_credited for e in entries(db)}

    def test_alone(self, db, table):
        load(db, table(row(item="L09")), WORK_POINTS)
        assert self.points(db) == {"1023": 8}

    def test_the_main_person_and_the_others(self, db, table):
        path = table(*self.shared(("1023", "no"), ("1024", "yes"), ("1025", "")))
        assert load(db, path, WORK_POINTS) == Imported(3, 0, ())
        assert self.points(db) == {"1023": 8, "1024": Decimal("8.80"), "1025": 8}
        assert load(db, path, WORK_POINTS) == Imported(0, 3, ())

    @pytest.mark.parametrize("mains", [("no", "no"), ("yes", "yes")])
    def test_a_shared_task_has_one_main_person(self, db, table, mains):
        rows = self.shared(*zip(("1023", "1024"), mains, strict=True))
        found = load(db, table(*rows, row("1025", "L01", main="yes")), WORK_POINTS)
        assert (found.posted, [line for line, _ in found.refused]) == (1, [2, 3])
        assert "有且只有一人" in found.refused[0][1]

    def test_a_refused_row_holds_back_its_whole_task(self, db, table):
        rows = self.shared(("1023", "yes"), ("9999", "no"))
        assert load(db, table(*rows), WORK_POINTS).posted == 0
        assert load(db, table(rows[0], rows[1] | {"agent_no": "1024"}), WORK_POINTS) == Imported(2, 0, ())
        assert self.points(db) == {"1023": Decimal("8.80"), "1024": 8}

    def test_who_joins_a_booked_task_later_does_not_take_it_as_done_alone(self, db, table):
        load(db, table(*self.shared(("1023", "yes"), ("1024", "no"))), WORK_POINTS)
        before = self.points(db)
        assert load(db, table(*self.shared(("1025", "no"))), WORK_POINTS) == Imported(1, 0, ())
        assert self.points(db) == before | {"1025": before["1024"]}
        assert entries(db)[-1].details["share"] == "other"
        second_main = load(db, table(*self.shared(("1025", "yes"))), WORK_POINTS)
        assert (second_main.posted, "分工有变" in second_main.refused[0][1]) == (0, True)

    def test_nobody_joins_a_task_that_was_booked_as_done_alone(self, db, table):
        load(db, table(*self.shared(("1023", "yes"))), WORK_POINTS)
        both = table(*self.shared(("1023", "yes"), ("1024", "no")))
        found = load(db, both, WORK_POINTS)
        assert (found.posted, [line for line, _ in found.refused]) == (0, [2, 3])
        with writing(db) as conn:
            take_back(conn, WORK_POINTS, 1, role="supervisor", reason="两人合做", actor="boss", now=NOW)
        assert load(db, both, WORK_POINTS) == Imported(2, 0, ())

    def test_one_id_is_one_task(self, db, table):
        load(db, table(*self.shared(("1023", "yes"))), WORK_POINTS)
        found = load(db, table(*self.shared(("1024", "yes"), item="L10")), WORK_POINTS)
        assert found.posted == 0

    def test_points_may_be_negative(self, db, table):
        load(db, table(row(item="Q02")), WORK_POINTS)
        assert balance(db, "1023", "work_points") == -10


class TestByHand:
    def give(
        self, db, item: str, role: str, points: str | None = None, *, scheme=WORK_POINTS, id="r1", note="特殊任务"
    ):
        record = Record(
            source_id=id,
            account="1023",
            item=scheme.item(item),
            day=DAY,
            points=None if points is None else Decimal(points),
            role=role,
            note=note,
        )
        with writing(db) as conn:
            return award(conn, scheme, record, actor="leader", now=NOW)

    def test_awards_and_deducts_with_reason_and_role(self, db):
        self.give(db, "Q05", "shift_leader", "6")
        self.give(db, "Q05", "shift_leader", "-4.5", id="r2")
        assert [e.entry.points_raw for e in entries(db)] == [6, Decimal("-4.5")]
        assert entries(db)[0].own_details == {"scheme_version": "1.0", "role": "shift_leader", "note": "特殊任务"}

    def test_a_request_counts_once(self, db):
        assert self.give(db, "Q05", "shift_leader", "6").seq == 1
        assert self.give(db, "Q05", "shift_leader", "6") is None
        with pytest.raises(LedgerError, match="已入账"):
            self.give(db, "Q05", "shift_leader", "7")

    @pytest.mark.parametrize(
        ("item", "role", "points", "scheme", "why"),
        [
            ("Q05", "monitor", "1", WORK_POINTS, "无权"),
            ("T15", "monitor", "1", INCENTIVE, "无权"),
            ("T15", "admin", "-1", INCENTIVE, "须写明"),
            ("Q05", "admin", "21", WORK_POINTS, "须写明 -20 至 20"),
            ("Z01", "admin", "1", WORK_POINTS, "由系统计算"),
            ("L01", "admin", None, WORK_POINTS, "须说明分工"),
        ],
    )
    def test_what_may_not_be(self, db, item, role, points, scheme, why):
        with pytest.raises(LedgerError, match=why):
            self.give(db, item, role, points, scheme=scheme)
        assert entries(db) == ()

    def test_without_a_reason(self, db):
        with pytest.raises(LedgerError, match="事由"):
            self.give(db, "Q05", "admin", "1", note=" ")

    def test_taking_back(self, db, make_posting):
        self.give(db, "Q05", "shift_leader", "6")
        with pytest.raises(LedgerError, match="无权"), writing(db) as conn:
            take_back(conn, WORK_POINTS, 1, role="monitor", reason="误记", actor="x", now=NOW)
        with writing(db) as conn:
            reversal = take_back(conn, WORK_POINTS, 1, role="admin", reason="误记", actor="boss", now=NOW)
        assert (reversal.entry.points_credited, reversal.entry.reverses, reversal.entry.actor) == (-6, 1, "boss")
        for seq in (1, 2):
            with pytest.raises(LedgerError, match="不能冲销"), writing(db) as conn:
                take_back(conn, WORK_POINTS, seq, role="admin", reason="误记", actor="x", now=NOW)
        with pytest.raises(LedgerError, match="没有第9号"), writing(db) as conn:
            take_back(conn, WORK_POINTS, 9, role="admin", reason="误记", actor="x", now=NOW)
        assert verify(db).sound

    def test_what_was_reckoned_is_corrected_at_its_source(self, db, make_posting):
        with writing(db) as conn:
            post(conn, INCENTIVE, [make_posting("a")])
        with pytest.raises(LedgerError, match="由系统计算"), writing(db) as conn:
            take_back(conn, INCENTIVE, 1, role="admin", reason="误记", actor="x", now=NOW)


class TestFigures:
    def load(self, db, path) -> Imported:
        return import_figures(db, load_schemes(), path, actor="leader", now=NOW)

    def test_good_rows_are_stored_once(self, db, table):
        path = table(
            {"agent_no": "1023", "day": "2026-11-20", "answered": "5", "talk_s": ""},
            {"agent_no": "1024", "day": "2026-11-20", "answered": "7", "talk_s": "900"},
        )
        assert self.load(db, path) == Imported(2, 0, ())
        assert self.load(db, path) == Imported(0, 2, ())
        with db.connect() as conn:
            assert figures_of(conn, [DAY]) == (
                DayFigures("1023", DAY, {"answered": 5}),
                DayFigures("1024", DAY, {"answered": 7, "talk_s": 900}),
            )

    @pytest.mark.parametrize(
        ("wrong", "why"),
        [
            ({"answered": "-1"}, "不小于 0"),
            ({"answered": "1.5"}, "不小于 0"),
            ({"answered": "٣"}, "不小于 0"),
            ({"answered": "9" * 5000}, "不小于 0"),
            ({"answered": ""}, "没有任何指标"),
            ({"agent_no": "7", "answered": "1"}, "不在花名册"),
            ({"agent_no": "1023", "answered": "1"}, "已在第 2 行"),
        ],
    )
    def test_a_bad_row_costs_no_other_one(self, db, table, wrong, why):
        good = {"agent_no": "1023", "day": "2026-11-20", "answered": "5"}
        found = self.load(db, table(good, good | {"agent_no": "1024"} | wrong))
        assert (found.posted, [line for line, _ in found.refused]) == (1, [3])
        assert why in found.refused[0][1]

    def test_a_table_without_figures_is_refused(self, db, table):
        with pytest.raises(SourceError, match="没有指标列"):
            self.load(db, table({"agent_no": "1023", "day": "2026-11-20", "calls": "5"}))

    def test_a_correction_for_a_closed_month_is_settled_at_once(self, db, table):
        figures = {"agent_no": "1023", "day": "2026-11-20", "answered": "98", "offered": "100"}
        self.load(db, table(figures))
        with writing(db) as conn:
            close_month(conn, INCENTIVE, "2026-11", stored_roster(db), actor="leader", now=NOW)
        self.load(db, table(figures | {"answered": "95"}))
        assert [(e.entry.period, e.entry.points_credited) for e in entries(db)] == [
            ("2026-11", 3),
            ("2026-12", -3),
            ("2026-12", 1),
        ]
