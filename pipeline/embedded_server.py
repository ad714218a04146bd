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
from tempfile import TemporaryDirectory

from zhijian.models.engines.weights import cache_dir

STARTS_WITHIN_S = 120
_HOST = "127.0.0.1"
_API_URL = "PREFECT_API_URL"

# runs a command, lasts as long as it, and ends it when the pipe from its own parent breaks, which it does however the
# parent ends; while Prefect makes its tables it does not listen to SIGTERM
_KEEPER = """
import os, signal, subprocess, sys, threading, time
server = subprocess.Popen(sys.argv[1:], stdin=subprocess.DEVNULL)
signal.signal(signal.SIGTERM, signal.SIG_IGN)

def follow():
    status = server.wait()
    os._exit(status if status >= 0 else 128 - status)

threading.Thread(target=follow).start()
sys.stdin.read()
server.terminate()
time.sleep(3)
server.kill()
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
        """Returns when it serves, and keeps what it has made for later ones. Raises RuntimeError where it does not."""
        end_s = time.monotonic() + STARTS_WITHIN_S
        while not self._serves():
            if self.process.poll() is not None or time.monotonic() > end_s:
                raise RuntimeError(f"Prefect's server does not start (exit status {self.process.poll()})")
            time.sleep(0.05)
        if self.made_now is not None:
            _copy(self.made_now, _example())

    def _serves(self) -> bool:
        with closing(http.client.HTTPConnection(_HOST, self.port, timeout=5)) as connection:
            try:
                connection.request("GET", "/api/health")
                return connection.getresponse().status == 200
            except (OSError, http.client.HTTPException):
                return False


@contextmanager
def embedded_server() -> Iterator[EmbeddedServer | None]:
    """The server of a night, for Prefect to be imported within; None where PREFECT_API_URL names another one.

    PREFECT_HOME is the folder of its database. Tables take it ten seconds to make: it is given a copy of the empty
    ones that the first server of this version has made.
    """
    if os.environ.get(_API_URL):
        yield None
        return
    database = Path(os.environ["PREFECT_HOME"]).expanduser().absolute() / "prefect.db"
    if not database.exists():
        _copy(_example(), database)
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
    """Its keeper's process, in a session of its own, since Ctrl+C is for us.

    The command is gone with the block, and seconds after this process where that is killed.
    """
    keeper = [sys.executable, "-I", "-S", "-c", _KEEPER, *command]
    with subprocess.Popen(keeper, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True) as process:
        try:
            yield process
        finally:
            process.communicate()  # breaks the pipe and waits, after Ctrl+C too


@contextmanager
def _reserved_port() -> Iterator[int]:
    """A free port that meanwhile nobody is given who does not ask for this very one, as the server does."""
    with socket.socket() as reservation:
        reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # the server may have it: nobody listens
        reservation.bind((_HOST, 0))
        yield reservation.getsockname()[1]


def _example() -> Path:
    return cache_dir() / f"prefect-{version('prefect')}.db"


def _copy(database: Path, target: Path) -> None:
    """The whole of it or nothing: where it cannot be read, or not be written there, a server takes its time instead."""
    with suppress(OSError, sqlite3.Error):
        target.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(dir=target.parent) as folder:
            draft = Path(folder, target.name)
            with (
                closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as read,
                closing(sqlite3.connect(draft)) as written,
            ):
                read.backup(written)
                written.execute("PRAGMA journal_mode = DELETE")  # to be read where nothing can be written
            draft.replace(target)
