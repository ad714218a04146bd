"""The report: without a usable anchor file, what it keeps in memory, the points of any number of agent-days."""

import gc
import json
import sqlite3
from dataclasses import replace
from datetime import date, datetime

import pytest
import sqlalchemy as sa

from zhijian.models.records.dialogue import Dialogue, Role, Separation, Utterance, Word
from zhijian.models.records.recording import Recording
from zhijian.models.records.span import Span
from zhijian.pipeline.ledger.chain import append
from zhijian.pipeline.ledger.daily_mean import SOURCE_KIND, day_source
from zhijian.pipeline.night import Night, Work
from zhijian.pipeline.stages.report import _booked, report
from zhijian.pipeline.store.calls import register, waiting
from zhijian.pipeline.store.database import writing
from zhijian.pipeline.store.hearings import heard
from zhijian.pipeline.store.judgements import judged
from zhijian.pipeline.summary import summary_lines
from zhijian.reports.data import NightData
from zhijian.reports.night import render_html
from zhijian.rules.standard import load_standard

DAY = date(2026, 11, 20)
NOW = datetime.fromisoformat("2026-11-21T02:00:00+08:00")


@pytest.fixture
def night(tmp_path):
    (tmp_path / "calls").mkdir()
    return Night(folder=tmp_path / "calls", out=tmp_path / "out", own_database=True, anchor=tmp_path / "anchor")


@pytest.mark.parametrize("spoil", ["away", "garbage"])
def test_an_anchor_that_cannot_be_used_costs_no_report(db, night, tmp_path, spoil):
    if spoil == "away":
        night = replace(night, anchor=tmp_path / "share" / "anchor")
    else:
        night.anchor.write_text("{}\n")
    result = report(db, night, Work(started_at=NOW), load_standard(), {})
    assert {"report.html", "report.xlsx", "run.json"} <= {path.name for path in night.out.iterdir()}
    said = json.loads((night.out / "run.json").read_text(encoding="utf-8"))["ledger"]["anchor_problem"]
    assert said.startswith("已入账,锚文件写不进去:")
    assert str(night.anchor) in said
    assert said in list(summary_lines(result, night.out))


def test_words_are_written_and_not_kept(db, night, make_call, make_card, monkeypatch):
    call = make_call("c1", source=night.source)
    register(db, [call])
    (task,) = waiting(db, night.source)
    words = tuple(Word(char, Span(100 * i, 100 * i + 100), 0.9) for i, char in enumerate("您好请讲"))
    said = (Utterance(Role.AGENT, Span(0, 400), "您好请讲", 0.9, words=words),)
    dialogue = Dialogue(9000, Separation.CHANNELS, "test", "zh", said)
    heard(db, task.id, Recording(call.recording, "a" * 64, 8000, 72_000, 2), dialogue, "test", 0.1)
    judged(db, task.id, make_card(call))

    def count_words() -> int:
        gc.collect()
        return sum(type(one) is Word for one in gc.get_objects())

    def render(data: NightData) -> str:
        in_memory.append(count_words())
        (shown,) = data.calls
        return render_html(data) + "".join(one.text for one in shown.dialogue.utterances)

    in_memory = [count_words()]
    monkeypatch.setattr("zhijian.pipeline.stages.report.render_html", render)
    report(db, night, Work(started_at=NOW), load_standard(), {})
    transcript = json.loads((night.out / "transcripts" / "c1.json").read_text(encoding="utf-8"))
    assert [word["text"] for word in transcript["utterances"][0]["words"]] == list("您好请讲")
    before, while_rendering = in_memory
    assert while_rendering == before
    assert (night.out / "report.html").read_text(encoding="utf-8").endswith("您好请讲")


@pytest.fixture
def book(db, make_posting):
    def book(agent_no: str) -> None:
        details = {"mean": "95.00", "scorecards": []}
        posting = make_posting(day_source(agent_no, DAY), account=agent_no, source_kind=SOURCE_KIND, details=details)
        with writing(db) as conn:
            append(conn, [posting])

    return book


def test_more_agent_days_than_a_database_takes_values(db, book):
    if db.dialect.name == "sqlite":
        db.dispose()
        # some systems build SQLite with more than it takes by default
        sa.event.listen(db, "connect", lambda file, _: file.setlimit(sqlite3.SQLITE_LIMIT_VARIABLE_NUMBER, 32_766))
    agents = [f"{number:05}" for number in range(70_000)]
    book(agents[0])
    book(agents[-1])
    assert [points.agent_no for points in _booked(db, {(agent, DAY) for agent in agents})] == [agents[0], agents[-1]]


def test_what_is_booked_meanwhile_is_not_in_it(db, book):
    book("1023")
    waiting = ["1024"]

    def book_meanwhile(_conn, _cursor, statement, *_) -> None:
        if waiting and "ledger_entries" in statement:  # the first question of the report
            book(waiting.pop())

    sa.event.listen(db, "after_cursor_execute", book_meanwhile)
    agent_days = {("1023", DAY), ("1024", DAY)}
    assert [points.agent_no for points in _booked(db, agent_days)] == ["1023"]
    assert [points.agent_no for points in _booked(db, agent_days)] == ["1023", "1024"]
