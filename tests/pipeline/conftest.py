"""For the books: a fresh database, calls and scorecards. For whole nights: the command, and folders of real sound."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import soundfile
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from zhijian.models.records.call import Call, Direction
from zhijian.models.records.dialogue import Role
from zhijian.models.records.points import EntryKind, PointsEntry
from zhijian.models.records.scorecard import Evidence, EvidenceKind, ItemResult, Outcome, Scorecard, StandardRef
from zhijian.models.records.span import Span
from zhijian.pipeline.embedded_server import embedded_server
from zhijian.pipeline.ledger.entries import Posting
from zhijian.pipeline.store.database import MIGRATIONS, open_database

POSTGRESQL = os.environ.get("TEST_POSTGRESQL_URL")  # URL of an empty database that the tests may wipe
NO_POSTGRESQL = os.environ.get("TEST_POSTGRESQL_SKIP", "TEST_POSTGRESQL_URL is not set; ./run test starts a server")

ZHIJIAN = Path(sys.executable).with_name("zhijian")
SAMPLES = Path(__file__).parents[2] / "data_samples"

MakeCall = Callable[..., Call]
MakeCard = Callable[..., Scorecard]
MakeFolder = Callable[[Path, Mapping[str, Mapping[str, Any]]], Path]


@pytest.fixture(scope="session")
def postgresql() -> str | None:
    """The URL of a database that is wiped for each test; every process that runs tests has one of its own."""
    worker = os.environ.get("PYTEST_XDIST_WORKER")
    if POSTGRESQL is None or worker is None:
        return POSTGRESQL
    server = sa.create_engine(POSTGRESQL, isolation_level="AUTOCOMMIT")
    with server.connect() as conn:
        conn.exec_driver_sql(f"DROP DATABASE IF EXISTS test_{worker} WITH (FORCE)")
        conn.exec_driver_sql(f"CREATE DATABASE test_{worker}")
    server.dispose()
    return sa.make_url(POSTGRESQL).set(database=f"test_{worker}").render_as_string(hide_password=False)


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path, postgresql: str | None) -> str:
    """The URL of an empty database."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/books/zhijian.db"
    if postgresql is None:
        pytest.skip(NO_POSTGRESQL)
    wiper = sa.create_engine(postgresql)
    with wiper.begin() as conn:
        conn.execute(sa.text("DROP SCHEMA public CASCADE"))
        conn.execute(sa.text("CREATE SCHEMA public"))
    wiper.dispose()
    return postgresql


@pytest.fixture
def database_of(url: str) -> Callable[[str], AbstractContextManager[sa.Connection]]:
    """A database as the version of that revision made it, to put into what that version did: `url`'s from then on."""

    @contextmanager
    def made_by(revision: str) -> Iterator[sa.Connection]:
        config, engine = Config(), sa.create_engine(url)
        config.set_main_option("script_location", str(MIGRATIONS))
        if engine.dialect.name == "sqlite":
            Path(str(engine.url.database)).parent.mkdir()
        with engine.begin() as conn:
            config.attributes["connection"] = conn
            command.upgrade(config, revision)
            yield conn
        engine.dispose()

    return made_by


@pytest.fixture(scope="session")
def empty_books(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file with all tables and no rows."""
    empty = tmp_path_factory.mktemp("books") / "empty.db"
    open_database(f"sqlite:///{empty}").dispose()
    return empty


@pytest.fixture
def db(url: str, empty_books: Path) -> Iterator[sa.Engine]:
    if (file := sa.make_url(url).database) and url.startswith("sqlite"):
        Path(file).parent.mkdir()
        shutil.copy(empty_books, file)
    engine = open_database(url)
    yield engine
    engine.dispose()


@pytest.fixture(scope="session")
def open_copy(empty_books: Path) -> Callable[..., AbstractContextManager[sa.Engine]]:
    """For tests of many databases in one process: a copy of an SQLite file (default: empty) that waits for no disk."""

    @contextmanager
    def open_copy(file: Path = empty_books) -> Iterator[sa.Engine]:
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


class Zhijian:
    """The console command, each time in a process of its own that leads a process group."""

    def __init__(self, env: Mapping[str, str]) -> None:
        self.env = env
        self.started: list[subprocess.Popen[str]] = []

    def __enter__(self) -> "Zhijian":
        return self

    def __exit__(self, *_: object) -> None:
        for process in self.started:
            if process.poll() is None:
                self.kill(process)

    def start(
        self, *args: object, cwd: Path | None = None, program: tuple[object, ...] = (ZHIJIAN,), **env: object
    ) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [str(word) for word in (*program, *args)],
            cwd=cwd,
            env={**self.env, **{name: str(value) for name, value in env.items()}},
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.started.append(process)
        return process

    def __call__(self, *args: object, **how: Any) -> subprocess.CompletedProcess[str]:
        return self.end(self.start(*args, **how))

    @staticmethod
    def end(process: subprocess.Popen[str]) -> subprocess.CompletedProcess[str]:
        stdout, stderr = process.communicate(timeout=500)
        return subprocess.CompletedProcess(process.args, process.returncode, stdout, stderr)

    @staticmethod
    def kill(process: subprocess.Popen[str]) -> None:
        """SIGKILL to the process and to all that it has started."""
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@pytest.fixture(scope="session")
def zhijian(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zhijian]:
    """The command as on a machine without settings; Prefect's own state stays out of the user's cache."""
    settings = [name for name in os.environ if name.startswith(("PREFECT_", "ZHIJIAN_")) and name != "ZHIJIAN_CACHE"]
    env = {name: value for name, value in os.environ.items() if name not in settings}
    with Zhijian(env | {"PREFECT_HOME": str(tmp_path_factory.mktemp("prefect"))}) as command:
        yield command


@pytest.fixture(scope="session")
def served(zhijian: Zhijian, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Zhijian]:
    """The same on a machine with a Prefect server, where nights start sooner: for what has nothing to do with it."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PREFECT_HOME", str(tmp_path_factory.mktemp("served-prefect")))
        patched.delenv("PREFECT_API_URL", raising=False)
        with embedded_server() as server:
            assert server is not None
            server.wait()
            with Zhijian(zhijian.env | {"PREFECT_API_URL": server.api_url}) as command:
                yield command


@pytest.fixture(scope="session")
def make_folder() -> MakeFolder:
    def make(folder: Path, calls: Mapping[str, Mapping[str, Any]]) -> Path:
        """An input folder with these calls: each names its `sample`, how many `seconds` of it, and other cells."""
        with (SAMPLES / "calls.csv").open(encoding="utf-8", newline="") as file:
            samples = {row["call_id"]: row for row in csv.DictReader(file)}
        (folder / "audio").mkdir(parents=True, exist_ok=True)
        rows = []
        for call_id, call in calls.items():
            row = samples[call["sample"]]
            recording = f"audio/{call_id}.wav"
            rate_hz = soundfile.info(SAMPLES / row["recording"]).samplerate
            frames = int(call["seconds"] * rate_hz) if "seconds" in call else -1
            samples_read, _ = soundfile.read(SAMPLES / row["recording"], frames=frames, dtype="int16")
            soundfile.write(folder / recording, samples_read, rate_hz, subtype="PCM_16")
            cells = {name: value for name, value in call.items() if name not in ("sample", "seconds")}
            rows.append(row | {"call_id": call_id, "recording": recording} | cells)
        with (folder / "calls.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, rows[0])
            writer.writeheader()
            writer.writerows(rows)
        return folder

    return make


@dataclass(frozen=True)
class NightDone:
    """A night over the sample calls: its output folder, what it printed, and its run.json at that time."""

    out: Path
    done: subprocess.CompletedProcess[str]
    run: dict[str, Any]


@pytest.fixture(scope="session")
def sample_night(zhijian: Zhijian, tmp_path_factory: pytest.TempPathFactory) -> NightDone:
    """The night over all sample calls, run once for all tests that look at what it leaves."""
    out = tmp_path_factory.mktemp("night") / "out"
    done = zhijian("run", SAMPLES, "--out", out)
    assert done.returncode == 0, done.stderr
    return NightDone(out, done, json.loads((out / "run.json").read_text(encoding="utf-8")))
