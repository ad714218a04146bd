"""Schemes, the mean of a day, and points under the limits of a month."""

from datetime import date, datetime, timedelta, timezone
from decimal import Decimal

import pytest

from zhijian.pipeline.ledger.daily_mean import ScoredCall, day_claim
from zhijian.pipeline.ledger.entries import balance, entries
from zhijian.pipeline.ledger.posting import post, reverse
from zhijian.pipeline.ledger.scheme import SCHEMES, Scheme, SchemeError, load_scheme, read_scheme
from zhijian.pipeline.ledger.settlement import Settled, settle
from zhijian.pipeline.ledger.standing import live_entry
from zhijian.pipeline.store.database import writing

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=timezone(timedelta(hours=8)))
DAY = date(2026, 11, 20)


def limited(month_limit: str | None) -> Scheme:
    """The incentive scheme with another limit for the quality of work."""
    data = load_scheme("incentive").model_dump()
    data["dimensions"][1]["month_limit"] = month_limit
    return Scheme.model_validate(data)


class TestLimits:
    def credits(self, db) -> list[tuple[str, str, Decimal]]:
        return [(e.entry.kind, e.entry.source_id, e.entry.points_credited) for e in entries(db)]

    def test_a_month_has_room_for_its_limit_only(self, db, make_posting):
        with writing(db) as conn:
            for i in range(4):
                post(conn, limited("5"), [make_posting(str(i), "2")])
        assert [(e.entry.points_raw, e.entry.points_credited) for e in entries(db)] == [(2, 2), (2, 2), (2, 1), (2, 0)]

    def test_each_month_and_account_has_its_own(self, db, make_posting):
        with writing(db) as conn:
            post(conn, limited("2"), [make_posting("1")])
            post(conn, limited("2"), [make_posting("1", account="1024")])
            post(conn, limited("2"), [make_posting("2", period="2026-12", effective_day=date(2026, 12, 1))])
        assert balance(db) == 6

    def test_a_reversal_gives_back_and_later_entries_get_their_due(self, db, make_posting):
        scheme = limited("5")
        with writing(db) as conn:
            for i in range(4):
                post(conn, scheme, [make_posting(str(i), "2")])
            first = live_entry(conn, scheme.id, "qa.daily_mean", "test", "0")
            reverse(conn, scheme, first, reason="申诉成立", actor="monitor", now=NOW)
        assert self.credits(db)[4:] == [("reversal", "0", -2), ("adjustment", "3", 1), ("adjustment", "4", 1)]
        assert balance(db) == 5
        reversal = entries(db)[4].entry
        assert (reversal.reverses, reversal.effective_day, reversal.points_raw, reversal.actor) == (
            1,
            DAY,
            -2,
            "monitor",
        )

    def test_a_reversal_of_an_adjusted_entry_gives_back_its_adjustments(self, db, make_posting):
        scheme = limited("3")
        with writing(db) as conn:
            for i in range(3):
                post(conn, scheme, [make_posting(str(i), "2")])
            for i in ("0", "1"):
                live = live_entry(conn, scheme.id, "qa.daily_mean", "test", i)
                reverse(conn, scheme, live, reason="改判", actor="machine", now=NOW)
            assert live_entry(conn, scheme.id, "qa.daily_mean", "test", "1") is None
        assert self.credits(db)[3:] == [
            ("reversal", "0", -2),
            ("adjustment", "2", 1),
            ("adjustment", "3", 1),
            ("reversal", "1", -2),
            ("adjustment", "3", 1),
        ]
        assert balance(db) == 2

    def test_a_dimension_without_a_limit_takes_everything(self, db, make_posting):
        scheme = limited(None)
        with writing(db) as conn:
            post(conn, scheme, [make_posting("1", "1000")])
            live = live_entry(conn, scheme.id, "qa.daily_mean", "test", "1")
            reverse(conn, scheme, live, reason="改判", actor="machine", now=NOW)
        assert self.credits(db) == [("post", "1", 1000), ("reversal", "1", -1000)]


class TestScheme:
    def test_the_mean_is_compared_unrounded(self):
        _, table = load_scheme("incentive").daily_mean
        just_below = [Decimal(95)] * 9_999 + [Decimal("94.9")]
        assert table.points_for(just_below) == 1
        assert table.points_for([Decimal("95.1"), *just_below]) == 2

    @pytest.mark.parametrize(
        ("written", "instead", "complaint"),
        [
            ("calls_min: 5", "calls_mim: 5", r"items\.20\.daily_mean\.calls_mim: Extra inputs"),
            ("calls_min: 5", "calls_min: five", r"items\.20\.daily_mean\.calls_min"),
            ("{at_least: 95, points: 2}", "{at_least: 95, points: 2.005}", r"bands\.0\.points"),
            ("{at_least: 95, points: 2}", "{at_least: 85, points: 2}", "from the highest"),
            (
                "name: 日常质检\n    dimension: quality",
                "name: 日常质检\n    dimension: qualty",
                "dimension qualty, which is not in the file",
            ),
            ("id: conduct", "id: quality", "dimension quality is used twice"),
            ("month_limit: 60", "month_limit: -1", r"dimensions\.1\.month_limit"),
            ('version: "1.0"', 'version: "1.0"\nversion: "1.1"', "key 'version' is given twice"),
            ("accounts: agent_no", "accounts: [", "line"),
        ],
    )
    def test_a_slip_is_named_with_file_and_place(self, tmp_path, written, instead, complaint):
        text = (SCHEMES / "incentive.yaml").read_text("utf-8")
        assert written in text
        (tmp_path / "mine.yaml").write_text(text.replace(written, instead), "utf-8")
        with pytest.raises(SchemeError, match=r"mine\.yaml") as error:
            read_scheme(tmp_path / "mine.yaml")
        assert error.match(complaint)

    def test_a_missing_file_is_named(self):
        with pytest.raises(SchemeError, match="没有积分方案 nosuch"):
            load_scheme("nosuch")


class TestDailyMean:
    def scored(self, *scores: str) -> list[ScoredCall]:
        return [ScoredCall(i, "s", f"c{i}", 1, DAY, Decimal(score), "95598 0.1") for i, score in enumerate(scores, 1)]

    def settle(self, db, *scores: str) -> Settled:
        with writing(db) as conn:
            claim = day_claim(load_scheme("incentive"), "1023", DAY, self.scored(*scores))
            return settle(conn, load_scheme("incentive"), claim, actor="machine", now=NOW)

    def test_the_entry_lists_its_scorecards(self, db):
        assert self.settle(db, "96.0", "94.0", "95.0", "95.0", "95.3") == Settled(1, 0)
        (booked,) = entries(db)
        assert (booked.entry.account, booked.entry.period, booked.entry.points_credited) == ("1023", "2026-11", 2)
        assert booked.entry.reason == "日常质检 2026-11-20 5通 均分95.06"
        assert booked.details["scheme_version"] == "1.0"
        assert booked.details["scorecards"][0] == {
            "scorecard": 1,
            "source": "s",
            "call_id": "c1",
            "revision": 1,
            "score": "96.0",
            "standard": "95598 0.1",
        }
        assert len(booked.details["scorecards"]) == 5

    def test_the_same_day_again_books_nothing(self, db):
        self.settle(db, *["95.0"] * 5)
        assert self.settle(db, *["95.0"] * 5) == Settled(0, 0)
        assert len(entries(db)) == 1

    def test_a_changed_day_is_reversed_and_posted_anew(self, db):
        self.settle(db, *["95.0"] * 5)
        assert self.settle(db, *["95.0"] * 5, "96.0") == Settled(1, 1)
        assert self.settle(db, *["95.0"] * 4) == Settled(0, 1)
        assert self.settle(db, *["91.0"] * 5) == Settled(1, 0)
        assert [(e.entry.kind, e.entry.source_revision, e.entry.points_credited) for e in entries(db)] == [
            ("post", 1, 2),
            ("reversal", 1, -2),
            ("post", 2, 2),
            ("reversal", 2, -2),
            ("post", 3, 1),
        ]

    def test_a_day_that_earns_nothing_has_no_entry(self, db):
        assert self.settle(db, *["89.9"] * 9) == Settled(0, 0)
        assert self.settle(db, *["100.0"] * 4) == Settled(0, 0)
        assert entries(db) == ()

    def test_the_shown_mean_never_shows_a_band_that_was_not_reached(self, db):
        self.settle(db, *["95.0"] * 299, "94.9")
        (booked,) = entries(db)
        assert (booked.entry.points_raw, booked.details["mean"]) == (1, "94.99")
