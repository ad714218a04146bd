"""What a night is asked to do, and what it says it has done."""

from dataclasses import dataclass, field
from datetime import date, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from zhijian.models.engines.weights import cache_dir
from zhijian.models.records.call import Call
from zhijian.pipeline.ledger.anchor import ANCHOR
from zhijian.pipeline.settings import JOBS, Hearing, load_settings

DATABASE = "zhijian.db"


def own_database_url(out: Path) -> str:
    """The database in an output folder."""
    return f"sqlite:///{(out / DATABASE).absolute()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """One run over one folder. `day` and `since` choose calls by their local day, to take and to report on; None = all
    of the list.

    It holds no secret, for Prefect keeps the parameters of its flows: whether the database is the one in the output
    folder is said here, the address of another one stays in the settings.
    """

    folder: Path
    out: Path
    own_database: bool
    calls_file: Path | None = None
    day: date | None = None
    since: date | None = None
    anchor: Path | None = None
    standard: Path | None = None
    hearing: Hearing = field(default_factory=Hearing)
    jobs: int = JOBS

    @property
    def database_url(self) -> str:
        configured = None if self.own_database else load_settings().database_url
        return configured or own_database_url(self.out)

    @property
    def anchor_file(self) -> Path:
        """Where the run says how many entries the ledger has and what its last hash is."""
        return self.anchor or self.out / ANCHOR

    @property
    def lock_files(self) -> tuple[Path, ...]:
        """What a run has to hold: its output folder and, in a shared database, its source."""
        locks = (self.out / ".lock",)
        if self.database_url == own_database_url(self.out):
            return locks
        shared = cache_dir() / "locks"
        shared.mkdir(parents=True, exist_ok=True)
        return *locks, shared / f"{sha256(f'{self.database_url} {self.source}'.encode()).hexdigest()}.lock"

    @property
    def source(self) -> str:
        """The first half of the identity of this folder's calls."""
        return self.folder.resolve().as_uri()

    def takes(self, call: Call) -> bool:
        """Of a call that waits. The run of its own day may have been cut short, or its row has come late."""
        return (self.day is None or call.day <= self.day) and (self.since is None or call.day >= self.since)

    def covers(self, call: Call) -> bool:
        """The report shows the call."""
        return (self.day is None or call.day == self.day) and (self.since is None or call.day >= self.since)


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What the run itself did, as far as the database does not tell. `heard_s` is sound, `seconds` is time by stage;
    `other_days` says what became of calls that waited and that the report does not show.
    """

    started_at: datetime
    new: tuple[str, ...] = ()
    revised: tuple[str, ...] = ()
    refused: tuple[Any, ...] = ()
    heard_s: float = 0.0
    posted: int = 0
    reversed: int = 0
    other_days: dict[str, Any] = field(default_factory=lambda: {"judged": 0, "failed": []})
    seconds: dict[str, float] = field(default_factory=dict)

    @property
    def real_time_factor(self) -> float | None:
        """Seconds of hearing for a second of sound; None where nothing was heard."""
        return self.seconds.get("hear", 0.0) / self.heard_s if self.heard_s else None
