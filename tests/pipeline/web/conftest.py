"""A workbench on small books: two teams, calls that are published, in doubt and vetoed, with sound; and people."""

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import sqlalchemy as sa
from fastapi import FastAPI
from starlette.testclient import TestClient

from zhijian.models.engines.audio import load
from zhijian.models.records.account import Account, UserRole
from zhijian.models.records.dialogue import Dialogue, Role, Separation, Utterance, Voice, Word
from zhijian.models.records.roster import Roster, RosterEntry
from zhijian.models.records.span import Span
from zhijian.pipeline.ledger.scheme import load_schemes
from zhijian.pipeline.settings import Review
from zhijian.pipeline.stages.book import book
from zhijian.pipeline.store.accounts import account_named, add_account, open_session, session_of
from zhijian.pipeline.store.backup import backup
from zhijian.pipeline.store.calls import register, waiting
from zhijian.pipeline.store.database import open_database, writing
from zhijian.pipeline.store.hearings import heard
from zhijian.pipeline.store.judgements import Judgement, judged, judged_calls, latest_judgement
from zhijian.pipeline.store.roster import replace_roster
from zhijian.pipeline.web.app import create_app
from zhijian.pipeline.web.workbench import COOKIE, Workbench
from zhijian.rules.standard import load_standard

NOW = datetime(2026, 11, 21, 9, 0, tzinfo=timezone(timedelta(hours=8)))
PEOPLE: dict[str, dict[str, Any]] = {
    "agent": {"role": UserRole.AGENT, "agent_no": "1023"},
    "monitor": {"role": UserRole.MONITOR},
    "second": {"role": UserRole.MONITOR},
    "trainer": {"role": UserRole.TRAINER},
    "supervisor": {"role": UserRole.SUPERVISOR, "teams": ("一班",)},
    "admin": {"role": UserRole.ADMIN},
}
# what keeps each call from being published; agent 1023 is in the supervisor's team, 1024 is not
CALLS: dict[str, dict[str, Any]] = {
    "good": {},
    "doubt": {"doubt": True},
    "veto": {"veto": True},
    "other-good": {"agent_no": "1024"},
    "other-doubt": {"agent_no": "1024", "doubt": True},
}
PHONE = "13812345678"


def add_people(engine: sa.Engine) -> None:
    with writing(engine) as conn:
        for name, who in PEOPLE.items():
            add_account(conn, name=name, now=NOW, **who)


def dialogue() -> Dialogue:
    """Thirty seconds; the customer's number is said in it."""
    said = [(Role.AGENT, 0, "您好请讲"), (Role.CUSTOMER, 2000, f"我的电话是{PHONE}"), (Role.AGENT, 15_000, "好的再见")]
    utterances = []
    for role, start_ms, text in said:
        words = tuple(
            Word(char, Span(start_ms + 100 * place, start_ms + 100 * place + 100), 0.9)
            for place, char in enumerate(text)
        )
        utterances.append(Utterance(role, Span(start_ms, start_ms + 100 * len(text)), text, 0.9, words=words))
    voices = [Voice(Role.AGENT, Span(0, 1900)), Voice(Role.CUSTOMER, Span(2000, 14_000))]
    voices.append(Voice(Role.AGENT, Span(15_000, 29_000)))
    return Dialogue(30_000, Separation.CHANNELS, "test", "zh", tuple(utterances), tuple(voices))


@pytest.fixture(scope="session")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of recordings, half a minute each, every one another noise on two channels."""
    folder = tmp_path_factory.mktemp("recordings")
    (folder / "audio").mkdir()
    for number, call_id in enumerate(CALLS):
        noise = np.random.default_rng(number).normal(0, 0.1, (30 * 8000, 2))
        soundfile.write(folder / "audio" / f"{call_id}.wav", noise, 8000, subtype="PCM_16")
    return folder


@pytest.fixture(scope="session")
def fill(make_call, make_card, recorded, rules) -> Callable[[sa.Engine], None]:
    """Fills empty books: roster, people, calls as the night leaves them."""

    def fill(engine: sa.Engine) -> None:
        source, standard = recorded.resolve().as_uri(), rules["standard"].ref
        people = [("1023", "张三", "一班"), ("1024", "李四", "二班")]
        agents = tuple(RosterEntry(agent_no=n, name=name, team=team) for n, name, team in people)
        replace_roster(engine, Roster(source=source, entries=agents))
        add_people(engine)
        for hour, (call_id, how) in enumerate(CALLS.items(), 9):
            how = dict(how)
            agent_no = how.pop("agent_no", "1023")
            call = make_call(call_id, hour=hour, source=source, agent_no=agent_no, customer_no=PHONE)
            register(engine, [call])
            task = next(task for task in waiting(engine, source) if task.call.call_id == call_id)
            recording = load(recorded / call.recording).recording(call.recording)
            heard(engine, task.id, recording, dialogue(), "test", 0.1)
            known = {"recording_sha256": recording.sha256, "standard": standard}
            judged(engine, task.id, replace(make_card(call, **how), **known))
        book(engine, source, load_schemes(), actor="machine", now=NOW)

    return fill


@dataclass
class Site:
    """The workbench as browsers reach it; `numbers` leads from call ids to the calls' row ids."""

    engine: sa.Engine
    bench: Workbench
    numbers: dict[str, int]

    @cached_property
    def app(self) -> FastAPI:
        return create_app(self.bench)

    def nobody(self) -> TestClient:
        return TestClient(self.app, follow_redirects=False)

    def as_(self, name: str) -> TestClient:
        """Somebody who has logged in; his changes carry the session's token."""
        with writing(self.engine) as conn:
            token = open_session(conn, self.account(name).id, self.bench.now())
        session = session_of(self.engine, token, self.bench.now())
        assert session is not None
        client = self.nobody()
        client.cookies.set(COOKIE, token)
        client.headers["x-csrf-token"] = session.csrf
        return client

    def account(self, name: str) -> Account:
        with self.engine.connect() as conn:
            found = account_named(conn, name)
        assert found is not None
        return found

    def judgement(self, call_id: str) -> Judgement:
        """The latest of a call."""
        with self.engine.connect() as conn:
            found = latest_judgement(conn, self.numbers[call_id])
        assert found is not None
        return found


@pytest.fixture(scope="session")
def rules() -> dict[str, Any]:
    """Read once for all tests."""
    return {"standard": load_standard(), "schemes": tuple(load_schemes())}


@pytest.fixture
def make_site(tmp_path: Path, rules: dict[str, Any]) -> Callable[..., Site]:
    def make(engine: sa.Engine, now: datetime = NOW, **settings: Any) -> Site:
        bench = Workbench(
            engine=engine,
            **rules,
            anchor=tmp_path / "ledger.anchor",
            settings=Review(**settings),
            now=lambda: now,
        )
        with engine.connect() as conn:
            sources = conn.execute(sa.text("SELECT DISTINCT source FROM calls")).scalars().all()
        calls = [call for source in sources for call in judged_calls(engine, source)]
        return Site(engine, bench, {call.call.call_id: call.id for call in calls})

    return make


@pytest.fixture(scope="session")
def filled_books(
    empty_books: Path, fill: Callable[[sa.Engine], None], tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """An SQLite file of filled books."""
    filled = tmp_path_factory.mktemp("filled") / "filled.db"
    shutil.copy(empty_books, filled)
    engine = open_database(f"sqlite:///{filled}")
    fill(engine)
    engine.dispose()
    with closing(sqlite3.connect(filled)) as db:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return filled


@pytest.fixture
def site(filled_books: Path, open_copy, make_site: Callable[..., Site]) -> Iterator[Site]:
    """On filled books of its own."""
    with open_copy(filled_books) as engine:
        yield make_site(engine)


@pytest.fixture
def any_site(db: sa.Engine, fill: Callable[[sa.Engine], None], make_site: Callable[..., Site]) -> Site:
    """The same, on a database of each kind."""
    fill(db)
    return make_site(db)


@pytest.fixture
def heard_site(sample_night, tmp_path: Path, make_site: Callable[..., Site]) -> Iterator[Site]:
    """On the books of a real night over the sample calls, with their recordings."""
    books = open_database(f"sqlite:///{sample_night.out}/zhijian.db")
    backup(books, tmp_path / "zhijian.db")
    books.dispose()
    engine = open_database(f"sqlite:///{tmp_path}/zhijian.db")
    add_people(engine)
    yield make_site(engine)
    engine.dispose()
