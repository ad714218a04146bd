"""Prefect's embedded server: every night has one of its own, which does not survive it."""

import socket
import subprocess
import sys
from collections.abc import Callable

from prefect.server.api.server import SubprocessASGIServer

# waits until the pipe from its parent breaks, which it does however the parent ends
_WATCHER = """
import contextlib, os, signal, sys
sys.stdin.read()
with contextlib.suppress(ProcessLookupError):
    os.kill(int(sys.argv[1]), signal.SIGTERM)
"""
_watchers: list[subprocess.Popen[bytes]] = []  # kept, for a collected one would close its pipe
_reservations: list[socket.socket] = []  # kept likewise, for a collected one would give its port back


def end_with_us(process: subprocess.Popen[bytes]) -> None:
    """Has another process ended when this one is gone, even by SIGKILL."""
    watch = [sys.executable, "-I", "-S", "-c", _WATCHER, str(process.pid)]
    _watchers.append(subprocess.Popen(watch, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True))


def prepare_server() -> None:
    """To be called before a flow runs. An installation's own server, which is not started by us, is left alone.

    Prefect stops the server it embeds at a normal exit only; and it takes a port that is free before the server
    listens on it, so that two nights may choose one port, both use the server of the first, and lose it with that one.
    """
    server = SubprocessASGIServer()  # there is one a process, which Prefect starts with its first client
    if server.port is None:
        server.port = _reserved_port()
    start: Callable[[], subprocess.Popen[bytes]] = server._run_uvicorn_command

    def start_guarded() -> subprocess.Popen[bytes]:
        process = start()
        end_with_us(process)
        return process

    setattr(server, start.__name__, start_guarded)


def _reserved_port() -> int:
    """A free port that from now on nobody is given who does not ask for this very one, as the server does."""
    reservation = socket.socket()
    reservation.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # the server may have it: nobody listens on it
    reservation.bind(("127.0.0.1", 0))
    _reservations.append(reservation)
    port: int = reservation.getsockname()[1]
    return port
