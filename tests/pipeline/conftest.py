"""A fresh database, calls and scorecards for the tests of the pipeline's books."""

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
import sqlalchemy as sa

from zhijian.models.records.call import Call, Direction
from zhijian.models.records.dialogue import Role
from zhijian.models.records.points import EntryKind, PointsEntry
from zhijian.models.records.scorecard import Evidence, EvidenceKind, ItemResult, Outcome, Scorecard, StandardRef
from zhijian.models.records.span import Span
from zhijian.pipeline.ledger.entries import Posting
from zhijian.pipeline.store.database import open_database

POSTGRESQL = os.environ.get("ZHIJIAN_TEST_POSTGRESQL")  # URL of an empty database that the tests may wipe
BACKENDS = ["sqlite", "postgresql"] if POSTGRESQL else ["sqlite"]

MakeCall = Callable[..., Call]
MakeCard = Callable[..., Scorecard]


@pytest.fixture(params=BACKENDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/books/zhijian.db"
    wiper = sa.create_engine(str(POSTGRESQL))
    with wiper.begin() as conn:
        conn.execute(sa.text("DROP SCHEMA public CASCADE"))
        conn.execute(sa.text("CREATE SCHEMA public"))
    wiper.dispose()
    return str(POSTGRESQL)


@pytest.fixture
def db(url: str) -> Iterator[sa.Engine]:
    engine = open_database(url)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def open_copy(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., AbstractContextManager[sa.Engine]]:
    """For tests of many databases in one process: a copy of an SQLite file (default: empty) that waits for no disk."""
    empty = tmp_path_factory.mktemp("books") / "empty.db"
    open_database(f"sqlite:///{empty}").dispose()

    @contextmanager
    def open_copy(file: Path = empty) -> Iterator[sa.Engine]:
        with tempfile.TemporaryDirectory() as folder:
            engine = open_database(f"sqlite:///{shutil.copy(file, folder)}")
            engine.dispose()
            sa.event.listen(engine, "connect", lambda connection, _: connection.execute("PRAGMA synchronous = OFF"))
            yield engine
            engine.dispose()

    return open_copy


@pytest.fixture(scope="session")
def make_call() -> MakeCall:
    def make(call_id: str, *, agent_no: str = "1023", day: int = 20, hour: int = 9, source: str = "s", **more) -> Call:
        return Call(
            source=source,
            call_id=call_id,
            recording=f"audio/{call_id}.wav",
            started_at=datetime.fromisoformat(f"2026-11-{day:02}T{hour:02}:00:00+08:00"),
            direction=Direction.INBOUND,
            agent_no=agent_no,
            **more,
        )

    return make


@pytest.fixture(scope="session")
def make_card() -> MakeCard:
    def make(call: Call, score: str | None = "95.0", *, doubt: bool = False, veto: bool = False) -> Scorecard:
        """A card with that score; None = the call cannot be judged."""
        return Scorecard(
            call_id=call.call_id,
            agent_no=call.agent_no,
            direction=call.direction,
            started_at=call.started_at,
            scenario=None,
            recording_sha256=None,
            standard=StandardRef("95598", "0.1", "5" * 64),
            reason="录音无法读取" if score is None else None,
            items=() if score is None else _items(Decimal(score), doubt, veto),
        )

    return make


@pytest.fixture(scope="session")
def make_posting() -> Callable[..., Posting]:
    def make(source_id: str = "1", points: str = "2", account: str = "1023", details=None, **changes) -> Posting:
        """A posting of 20 November 2026 that says nothing but what it is told."""
        entry = PointsEntry(
            scheme="incentive",
            account=account,
            period="2026-11",
            item="qa.daily_mean",
            kind=EntryKind.POST,
            source_kind="test",
            source_id=source_id,
            source_revision=1,
            effective_day=date(2026, 11, 20),
            points_raw=Decimal(points),
            points_credited=Decimal(points),
            actor="machine",
            reason="日常质检",
            posted_at=datetime.fromisoformat("2026-11-21T02:00:00+08:00"),
        )
        return Posting(replace(entry, **changes), details or {"source": source_id})

    return make


def _items(score: Decimal, doubt: bool, veto: bool) -> tuple[ItemResult, ...]:
    evidence = (Evidence(EvidenceKind.SEARCHED, Role.AGENT, Span(0, 1000), "您好"),)
    outcome = Outcome.PASS if score == 100 and not veto else Outcome.FAIL
    items = [ItemResult("opening.greeting", outcome, score, Decimal(100), 1.0, "说明", evidence, veto=veto)]
    if doubt:
        items.append(ItemResult("opening.offer", Outcome.UNSURE, None, Decimal(4), 0.5, "听不清"))
    return tuple(items)
