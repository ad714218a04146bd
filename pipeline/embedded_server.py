"""A Prefect server for one night: it starts while the night loads what it needs, and does not survive it."""

import http.client
import os
import socket
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from shutil import copyfile
from tempfile import TemporaryDirectory

from zhijian.models.engines.weights import cache_dir

STARTS_WITHIN_S = 120
_HOST = "127.0.0.1"
_API_URL = "PREFECT_API_URL"

# waits until the pipe from its parent breaks, which it does however the parent ends
_WATCHER = """
import contextlib, os, signal, sys
sys.stdin.read()
with contextlib.suppress(ProcessLookupError):
    os.kill(int(sys.argv[1]), signal.SIGTERM)
"""


@dataclass(frozen=True)
class EmbeddedServer:
    """One that has been started. `made_now` is its database, where it makes one instead of being given a copy."""

    process: subprocess.Popen[bytes]
    port: int
    made_now: Path | None

    @property
    def api_url(self) -> str:
        return f"http://{_HOST}:{self.port}/api"

    def wait(self) -> None:
        """Returns when it serves. Raises RuntimeError where it does not."""
        end_s = time.monotonic() + STARTS_WITHIN_S
        while not self._serves():
            if self.process.poll() is not None or time.monotonic() > end_s:
                raise RuntimeError(f"Prefect's server does not start (exit status {self.process.poll()})")
            time.sleep(0.05)
        if self.made_now is not None:
            _keep_example(self.made_now)

    def _serves(self) -> bool:
        with closing(http.client.HTTPConnection(_HOST, self.port, timeout=STARTS_WITHIN_S)) as connection:
            try:
                connection.request("GET", "/api/health")
                return connection.getresponse().status == 200
            except OSError:
                return False


@contextmanager
def embedded_server() -> Iterator[EmbeddedServer | None]:
    """The server of a night, for Prefect to be imported within; None where PREFECT_API_URL names one that is there.

    PREFECT_HOME is the folder of its database. Tables take it ten seconds to make: it is given a copy of the empty
    ones that the first server of this version has made.
    """
    if os.environ.get(_API_URL):
        yield None
        return
    database = Path(os.environ["PREFECT_HOME"]).expanduser().absolute() / "prefect.db"
    database.parent.mkdir(parents=True, exist_ok=True)
    if not database.exists() and _example().exists():
        copyfile(_example(), database)
    made_now = None if database.exists() else database
    with _reserved_port() as port, _ending_with_us(_command(port)) as process:
        server = EmbeddedServer(process, port, made_now)
        os.environ[_API_URL] = server.api_url
        try:
            yield server
        finally:
            del os.environ[_API_URL]


def _command(port: int) -> list[str]:
    """Without what it does besides answering: schedules, notifications, pages."""
    start = [sys.executable, "-m", "prefect", "server", "start", "--no-services", "--no-ui"]
    return [*start, "--host", _HOST, "--port", str(port)]


@contextmanager
def _ending_with_us(command: list[str]) -> Iterator[subprocess.Popen[bytes]]:
    """A process that is gone with the block, and with this process even where that is killed."""
    quiet = subprocess.DEVNULL
    # sessions of their own: Ctrl+C is for us, who end them
    with subprocess.Popen(command, stdin=quiet, stdout=quiet, start_new_session=True) as process:
        watch = [sys.executable, "-I", "-S", "-c", _WATCHER, str(process.pid)]
        with subprocess.Popen(watch, stdin=subprocess.PIPE, stdout=quiet, start_new_session=True) as watcher:
            try:
                yield process
            finally:
                watcher.communicate()
                with suppress(subprocess.TimeoutExpired):
                    process.wait(timeout=5)
                process.kill()


@contextmanager
def _reserved_port() -> Iterator[int]:
    """A free port that meanwhile nobody is given who does not ask for this very one, as the server does."""
    with socket.socket() as reservation:
        reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # the server may have it: nobody listens
        reservation.bind((_HOST, 0))
        yield reservation.getsockname()[1]


def _example() -> Path:
    return cache_dir() / f"prefect-{version('prefect')}.db"


def _keep_example(database: Path) -> None:
    """A copy of what a server has just made; where there is no place for it, the next one takes its time again."""
    with suppress(OSError, sqlite3.Error):
        _example().parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=_example().parent) as folder:
            draft = Path(folder, database.name)
            with (
                closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as made,
                closing(sqlite3.connect(draft)) as copy,
            ):
                made.backup(copy)
            draft.replace(_example())
