"""Stored dialogues are judged again under an edited standard: tried out, then booked like a changed row."""

import dataclasses
import json
import shutil
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa
import yaml
from filelock import FileLock
from typer.testing import CliRunner

from zhijian.models.records.dialogue import Dialogue, Role, Separation, Utterance, Voice
from zhijian.models.records.recording import Recording
from zhijian.models.records.review import Ruling
from zhijian.models.records.scorecard import Outcome
from zhijian.models.records.span import Span
from zhijian.pipeline import cli
from zhijian.pipeline.ledger.chain import verify
from zhijian.pipeline.ledger.entries import balance, entries
from zhijian.pipeline.ledger.scheme import load_scheme
from zhijian.pipeline.night import Night
from zhijian.pipeline.stages import rescore as stage
from zhijian.pipeline.stages.appeal import decide_appeal, file_appeal
from zhijian.pipeline.stages.book import book
from zhijian.pipeline.stages.judge import judge
from zhijian.pipeline.stages.rescore import lock_files, rescore
from zhijian.pipeline.stages.review import review
from zhijian.pipeline.store.calls import State, register, waiting
from zhijian.pipeline.store.hearings import heard
from zhijian.pipeline.store.judgements import judged, judged_calls, latest_judgement
from zhijian.pipeline.store.tables import hearings, metadata, publications, scorecards
from zhijian.rules.judge import unscorable
from zhijian.rules.rejudge import Rejudge
from zhijian.rules.standard import BUNDLED, load_standard

NOW = datetime(2026, 11, 21, 2, tzinfo=UTC)
GREETS, MUMBLES = "您好,国家电网。", "国家电网,说。"


@pytest.fixture
def url(tmp_path: Path) -> str:
    """What is rejudged and booked is the same on every database: one is enough."""
    return f"sqlite:///{tmp_path}/books/zhijian.db"


@pytest.fixture(scope="module")
def make_standard(tmp_path_factory):
    """The folder of a standard with the items given: id -> (points, phrase that the agent has to say, veto)."""

    def make(version: str, **items: tuple[int, str, bool]) -> Path:
        folder = tmp_path_factory.mktemp("standard")
        sheet = yaml.safe_load((BUNDLED / "standard.yaml").read_text(encoding="utf-8"))
        sheet["judgeable"]["min_speech_ms"] = 1000
        rows = {id.replace("_", ".", 1): item for id, item in items.items()}
        sheet |= {
            "version": version,
            "items": [
                {"id": id, "name": f"说{said}", "points": p, "veto": veto} for id, (p, said, veto) in rows.items()
            ],
        }
        (folder / "standard.yaml").write_text(yaml.safe_dump(sheet, allow_unicode=True), encoding="utf-8")
        shutil.copytree(BUNDLED / "phrases", folder / "phrases")
        for id, (_, phrase, _) in rows.items():
            check = {"says_any": {"within": {"role": "agent"}, "phrases": [phrase], "missing": f"没有说{phrase}"}}
            proof = {"pass": [[{"agent": f"{phrase}。"}]], "fail": [[{"agent": "苹果。"}]]}
            rule = folder / (id.replace(".", "/") + ".yaml")
            rule.parent.mkdir(exist_ok=True)
            rule.write_text(yaml.safe_dump({"check": check, "examples": proof}, allow_unicode=True), encoding="utf-8")
        return folder

    return make


@pytest.fixture(scope="module")
def old(make_standard) -> Path:
    """Everybody says what it asks for."""
    return make_standard("1", opening_unit=(4, "国家电网", False), closing_farewell=(6, "再见", False))


@pytest.fixture(scope="module")
def new(make_standard) -> Path:
    """Asks for a greeting, too."""
    return make_standard("2", opening_greeting=(10, "您好", False), closing_farewell=(6, "再见", False))


def dialogue(opening: str) -> Dialogue:
    said = [(Role.AGENT, opening), (Role.CUSTOMER, "我家门牌甲七,没有电。"), (Role.AGENT, "马上来看,再见。")]
    spans = [Span(3000 * i, 3000 * i + 2500) for i in range(len(said))]
    return Dialogue(
        duration_ms=10_000,
        separation=Separation.CHANNELS,
        engine="test",
        language="zh",
        utterances=tuple(Utterance(role, span, text, 0.9) for span, (role, text) in zip(spans, said, strict=True)),
        voices=tuple(Voice(role, span) for span, (role, _) in zip(spans, said, strict=True)),
    )


@pytest.fixture
def night(db, make_call, old):
    """Hears and judges calls, under the old standard, and books them: call id -> the agent's first words."""

    def night(openings: dict[str, str], source: str = "s", by: Path = old, **more) -> None:
        register(db, [make_call(call_id, source=source, **more) for call_id in openings])
        for task in waiting(db, source):
            sound = Recording(task.call.recording, task.call.call_id.rjust(64, "0"), 8000, 80_000, 2)
            heard(db, task.id, sound, dialogue(openings[task.call.call_id]), "test", 1.0)
        for task in waiting(db, source):
            judge(db, task, load_standard(by))
        book(db, source, [load_scheme("incentive")], actor="machine", now=NOW)

    return night


@pytest.fixture
def five_calls(night) -> None:
    """A day on which two points are booked; under the new standard it is 5 x 100 -> 3 x 100, 2 x 37.5."""
    night({"c1": GREETS, "c2": GREETS, "c3": GREETS, "c4": MUMBLES, "c5": MUMBLES})


def stored(db: sa.Engine) -> dict[str, list]:
    with db.connect() as conn:
        return {table.name: conn.execute(sa.select(table)).all() for table in metadata.sorted_tables}


def booked(db: sa.Engine) -> list[tuple[str, int]]:
    return [(e.entry.kind.value, int(e.entry.points_credited)) for e in entries(db, scheme="incentive")]


def scores(db: sa.Engine) -> dict[str, Decimal | None]:
    """Of the calls that are published."""
    return {c.call.call_id: c.scorecard.score for c in judged_calls(db, "s") if c.scorecard and c.published}


def cards(db: sa.Engine, call_id: str) -> list[str]:
    """The versions of the standard of a call's scorecards, the oldest first."""
    with db.connect() as conn:
        contents = conn.execute(sa.select(scorecards.c.content).order_by(scorecards.c.id)).scalars()
        return [card.standard.version for card in contents if card.call_id == call_id]


def test_a_dry_run_tells_what_would_change_and_writes_nothing(db, five_calls, new):
    before = stored(db)
    found = rescore(db, load_standard(new), dry_run=True)
    assert stored(db) == before
    assert found["counts"] == {"judged": 5, "changed": 5, "left": 0, "failed": 0}
    assert found["items"] == [
        {"id": "opening.greeting", "from": None, "to": "pass", "calls": 3, "lost_before": 0, "lost_after": 0},
        {"id": "opening.greeting", "from": None, "to": "fail", "calls": 2, "lost_before": 0, "lost_after": 20},
        {"id": "opening.unit", "from": "pass", "to": None, "calls": 5, "lost_before": 0, "lost_after": 0},
    ]
    assert found["agents"] == [{"agent_no": "1023", "calls": 5, "mean_before": 100, "mean_after": 75}]
    assert [(call["call_id"], call["score_before"], call["score_after"]) for call in found["calls"]] == [
        *(("c1", 100, 100), ("c2", 100, 100), ("c3", 100, 100), ("c4", 100, 37.5), ("c5", 100, 37.5))
    ]
    assert found["calls"][3]["items"][0] == {
        **{"id": "opening.greeting", "from": None, "to": "fail", "points_before": None, "points_after": 0},
        "veto": False,
    }
    assert found["booked"] is None


def test_new_scorecards_stand_beside_the_old_and_the_day_is_posted_anew(db, five_calls, new):
    tried = rescore(db, load_standard(new), dry_run=True)
    found = rescore(db, load_standard(new))
    assert {name: found[name] for name in ("counts", "items", "agents", "calls")} == {
        name: tried[name] for name in ("counts", "items", "agents", "calls")
    }
    assert {call_id: cards(db, call_id) for call_id in ("c1", "c5")} == {"c1": ["1", "2"], "c5": ["1", "2"]}
    assert scores(db) == {"c1": 100, "c2": 100, "c3": 100, "c4": Decimal("37.5"), "c5": Decimal("37.5")}
    assert booked(db) == [("post", 2), ("reversal", -2)]
    head = verify(db).head
    assert found["booked"] == {
        **{"published": 5, "held": 0, "posted": 1, "reversed": 1},
        **{"entries": head.count, "head_sha256": head.hash},
    }
    assert verify(db).sound


def test_the_same_verdicts_under_a_new_version_are_posted_with_that_version(db, five_calls, make_standard):
    renamed = make_standard("1.1", opening_unit=(4, "国家电网", False), closing_farewell=(6, "再见", False))
    found = rescore(db, load_standard(renamed))
    assert (found["counts"]["changed"], found["items"], found["calls"]) == (0, [], [])
    assert booked(db) == [("post", 2), ("reversal", -2), ("post", 2)]
    assert {card["standard"] for card in entries(db)[-1].details["scorecards"]} == {"95598 1.1"}


def test_judging_again_under_the_standard_that_stands_changes_nothing(db, five_calls, old, new):
    rescore(db, load_standard(new))
    before = stored(db)
    again = rescore(db, load_standard(new))
    assert (again["counts"]["changed"], again["booked"]["posted"], again["booked"]["reversed"]) == (0, 0, 0)
    assert stored(db) == before
    rescore(db, load_standard(old))
    assert balance(db, scheme="incentive") == 2
    assert cards(db, "c1") == ["1", "2", "1"]


def test_equal_verdicts_by_other_rules_are_not_stored_anew(db, five_calls, old):
    """As after an upgrade of the program under a standard that nobody has touched."""
    before, standard = stored(db), load_standard(old)
    items = tuple(dataclasses.replace(item, fingerprint="another") for item in standard.items)
    again = rescore(db, dataclasses.replace(standard, items=items))
    assert (again["counts"]["judged"], again["counts"]["changed"]) == (5, 0)
    assert stored(db) == before


def test_a_suspected_veto_takes_the_call_out_of_the_day(db, five_calls, make_standard):
    strict = make_standard("3", opening_greeting=(4, "您好", True), closing_farewell=(6, "再见", False))
    found = rescore(db, load_standard(strict))
    assert [(call["status_after"], call["score_after"]) for call in found["calls"][3:]] == [("flagged", None)] * 2
    assert set(scores(db)) == {"c1", "c2", "c3"}
    assert (found["booked"]["published"], found["booked"]["held"]) == (3, 2)
    assert booked(db) == [("post", 2), ("reversal", -2)]


def test_a_held_call_that_is_no_longer_in_doubt_is_published(db, night, make_standard, old):
    strict = make_standard("3", opening_greeting=(4, "您好", True), closing_farewell=(6, "再见", False))
    night({"c1": MUMBLES})
    rescore(db, load_standard(strict))
    assert scores(db) == {}
    rescore(db, load_standard(old))
    assert scores(db) == {"c1": 100}


def test_only_days_from_a_day_on(db, night, new):
    night({"early": GREETS}, day=19)
    night({"late": GREETS}, day=20)
    found = rescore(db, load_standard(new), since=datetime(2026, 11, 20).date())
    assert [call["call_id"] for call in found["calls"]] == ["late"]
    assert (cards(db, "early"), cards(db, "late")) == (["1"], ["1", "2"])


def test_calls_of_all_sources_are_judged_and_booked(db, night, new):
    night({"c1": GREETS})
    night({"t1": GREETS}, source="t")
    found = rescore(db, load_standard(new))
    assert [(call["source"], call["call_id"]) for call in found["calls"]] == [("s", "c1"), ("t", "t1")]
    assert found["booked"]["published"] == 2


class TestLeftAsItIs:
    @pytest.fixture(autouse=True)
    def two_calls(self, night):
        night({"c1": GREETS, "c2": GREETS})

    def left(self, db, new) -> dict[str, str]:
        found = rescore(db, load_standard(new))
        assert found["counts"] == {"judged": 2, "changed": 2, "left": len(found["left"]), "failed": 0}
        return {call["call_id"]: call["reason"] for call in found["left"]}

    def test_is_an_unusable_recording(self, db, make_call, old, new):
        register(db, [make_call("broken")])
        (task,) = waiting(db, "s")
        judged(db, task.id, unscorable(task.call, load_standard(old), "录音无法读取"), heard=False)
        book(db, "s", [load_scheme("incentive")], actor="machine", now=NOW)
        assert self.left(db, new) == {"broken": "录音不可评:录音无法读取"}
        assert cards(db, "broken") == ["1"]

    def test_is_what_a_person_has_decided(self, db, night, new):
        night({"c3": MUMBLES})
        call = next(c for c in judged_calls(db, "s") if c.call.call_id == "c3")
        with db.begin() as conn:
            card = conn.execute(sa.select(scorecards.c.id).where(scorecards.c.call == call.id)).scalar_one()
            decision = {"call": call.id, "scorecard": card, "state": "published", "actor": "monitor", "decided_at": NOW}
            conn.execute(publications.insert().values(**decision))
        assert list(self.left(db, new)) == ["c3"]
        assert scores(db)["c3"] == 100

    def test_is_a_corrected_row_that_waits_for_the_night(self, db, night, make_call, new):
        night({"c3": GREETS})
        register(db, [make_call("c3", ring_count=9)])
        assert list(self.left(db, new)) == ["c3"]
        assert next(c.state for c in judged_calls(db, "s") if c.call.call_id == "c3") is State.PULLED


class TestWhatPeopleDecide:
    """On c4, which loses its points for the greeting under the new standard, and maybe while it is judged again."""

    FAREWELL = "closing.farewell"

    def number(self, db) -> int:
        return next(call.id for call in judged_calls(db, "s") if call.call.call_id == "c4")

    def fail_farewell(self, db) -> None:
        with db.connect() as conn:
            seen = latest_judgement(conn, self.number(db))
        ruling = Ruling(item=self.FAREWELL, outcome=Outcome.FAIL, points=Decimal(0), reason="没有说")
        review(db, [load_scheme("incentive")], seen, [ruling], reason="听了录音", actor="monitor", now=NOW)

    def reject_appeal(self, db) -> None:
        said = {"reason": "录音里没有", "now": NOW}
        filed = file_appeal(
            *(db, self.number(db), self.FAREWELL), agent_no="1023", within=timedelta(7), actor="agent", **said
        )
        decide_appeal(db, [load_scheme("incentive")], filed, None, actor="second", **said)

    @pytest.fixture
    def meanwhile(self, db, monkeypatch):
        """Somebody does something while c4 is judged again, and the machine writes after that."""

        def meanwhile(act) -> None:
            judge_again = Rejudge.judge

            def judge_slowly(self, call, *args):
                if call.call_id == "c4":
                    act(db)
                return judge_again(self, call, *args)

            monkeypatch.setattr(Rejudge, "judge", judge_slowly)

        return meanwhile

    def left(self, found) -> list[tuple[str, str]]:
        return [(call["call_id"], call["reason"]) for call in found["left"]]

    def test_while_it_runs_stays(self, db, five_calls, new, meanwhile):
        meanwhile(self.fail_farewell)
        found = rescore(db, load_standard(new))
        assert self.left(found) == [("c4", "已由人工决定,不自动改判")]
        assert found["counts"] == {"judged": 4, "changed": 4, "left": 1, "failed": 0}
        assert scores(db)["c4"] == 40
        assert cards(db, "c4") == ["1", "1"]
        assert verify(db).sound

    @pytest.fixture
    def deduction(self, db, night, make_standard, old):
        """c4 is published with a deduction by the machine."""
        strict = make_standard("1", opening_unit=(4, "国家电网", False), closing_farewell=(6, "祝您愉快", False))
        night({"c4": MUMBLES}, by=strict)

    def test_of_an_appeal_that_they_reject_stays(self, db, deduction, new):
        self.reject_appeal(db)
        assert self.left(rescore(db, load_standard(new))) == [("c4", "已由人工决定,不自动改判")]
        assert scores(db)["c4"] == 40

    def test_of_an_appeal_that_they_reject_while_it_runs_stays(self, db, deduction, new, meanwhile):
        meanwhile(self.reject_appeal)
        assert self.left(rescore(db, load_standard(new))) == [("c4", "已由人工决定,不自动改判")]
        assert scores(db)["c4"] == 40


def test_a_call_that_cannot_be_judged_costs_no_other_one(db, five_calls, new):
    with db.begin() as conn:
        bent = conn.execute(sa.select(hearings.c.id)).scalars().first()
        conn.execute(sa.text("UPDATE hearings SET dialogue = '{}' WHERE id = :id"), {"id": bent})
    found = rescore(db, load_standard(new))
    assert found["counts"] == {"judged": 4, "changed": 4, "left": 0, "failed": 1}
    (failure,) = found["failed"]
    assert "RecordError" in failure["reason"]
    assert cards(db, failure["call_id"]) == ["1"]
    assert scores(db)[failure["call_id"]] == 100


def test_one_that_was_killed_before_it_booked_is_booked_by_the_next(db, five_calls, new, monkeypatch):
    class Killed(BaseException):
        pass

    def die(*_, **__):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(stage, "book", die)
        with pytest.raises(Killed):
            rescore(db, load_standard(new))
    assert booked(db) == [("post", 2)]
    rescore(db, load_standard(new))
    assert booked(db) == [("post", 2), ("reversal", -2)]
    assert {len(cards(db, f"c{i}")) for i in range(1, 6)} == {2}


@pytest.mark.parametrize("name", ["plain", "录音 11月", "50%#?&'x"])
@pytest.mark.parametrize("shared", [False, True])
def test_its_locks_are_those_of_the_nights(open_copy, make_call, tmp_path, monkeypatch, name, shared):
    monkeypatch.setenv("ZHIJIAN_CACHE", str(tmp_path / "cache"))
    if shared:
        monkeypatch.setenv("ZHIJIAN_DATABASE_URL", "sqlite:////elsewhere/zhijian.db")
    nights = [Night(folder=tmp_path / name / i, out=tmp_path, own_database=not shared) for i in ("a", "b")]
    with open_copy() as db:
        register(db, [make_call("c1", source=night.source) for night in nights])
        locks = lock_files(db, tmp_path, own_database=not shared)
    assert set(locks) == {lock for night in nights for lock in night.lock_files}
    assert len(locks) == (3 if shared else 1)


class TestTheCommand:
    @pytest.fixture
    def call(self, db, tmp_path, monkeypatch):
        if db.dialect.name != "sqlite":
            pytest.skip("the command finds the database in the output folder")
        monkeypatch.chdir(tmp_path)
        monkeypatch.delenv("ZHIJIAN_DATABASE_URL", raising=False)
        return lambda *args: CliRunner().invoke(cli.app, ["rescore", "--out", "books", *map(str, args)])

    def test_lists_what_would_change_in_words(self, call, five_calls, new, tmp_path):
        tried = call("--standard", new, "--dry-run")
        assert tried.exit_code == 0
        shown = tried.stdout.splitlines()
        assert shown[0] == "试算,什么也没有写入:标准 95598 2,重评 5 通,有变化 5,不重评 0,失败 0"
        assert "  opening.greeting 说您好\t无此项→扣分\t2\t0→20" in shown
        assert "  1023\t5\t100.0→75.0" in shown
        assert "  c4\t1023\t2026-11-20\t100.0→37.5\topening.greeting 无此项→扣分、opening.unit 合格→无此项" in shown
        assert not (tmp_path / "books" / ".lock").exists()

    def test_judges_and_books(self, db, call, five_calls, new):
        done = call("--standard", new, "--json")
        assert done.exit_code == 0
        assert json.loads(done.stdout)["booked"]["reversed"] == 1
        assert balance(db, scheme="incentive") == 0
        again = call("--standard", new)
        assert again.stdout.splitlines()[0] == "重新评分完成:标准 95598 2,重评 5 通,有变化 0,不重评 0,失败 0"
        assert again.stdout.splitlines()[-1].startswith("发布 0 通,待人处理 0 通;入账 0 条、冲销 0 条")

    def test_shows_no_words_of_the_call(self, call, five_calls, new):
        for how in ([], ["--json"]):
            done = call("--standard", new, "--dry-run", *how)
            assert not any(words in done.output for words in ("甲七", "马上来看"))

    def test_does_nothing_beside_a_night(self, db, call, five_calls, new, tmp_path):
        before = stored(db)
        with FileLock(tmp_path / "books" / ".lock"):
            refused = call("--standard", new)
            assert (refused.exit_code, refused.stdout) == (75, "")
            assert call("--standard", new, "--dry-run").exit_code == 0
        assert stored(db) == before

    def test_names_what_failed(self, db, call, five_calls, new):
        with db.begin() as conn:
            conn.execute(sa.text("UPDATE hearings SET dialogue = '{}'"))
        failed = call("--standard", new)
        assert failed.exit_code == 1
        assert sum(line.startswith("失败 c") for line in failed.stdout.splitlines()) == 5

    def test_refuses_a_standard_with_errors(self, db, call, five_calls, tmp_path):
        before = stored(db)
        refused = call("--standard", tmp_path / "mistyped")
        assert (refused.exit_code, refused.stdout) == (2, "")
        assert "mistyped" in refused.stderr
        assert stored(db) == before


def test_no_database_is_nothing_done(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ZHIJIAN_DATABASE_URL", raising=False)
    refused = CliRunner().invoke(cli.app, ["rescore", "--out", "mistyped"])
    assert (refused.exit_code, refused.stdout) == (3, "")
    assert "--out" in refused.stderr
    assert list(tmp_path.iterdir()) == []
