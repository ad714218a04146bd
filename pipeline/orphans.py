"""No process survives the night that started it."""

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


def end_with_us(process: subprocess.Popen[bytes]) -> None:
    """Has another process ended when this one is gone, even by SIGKILL."""
    watch = [sys.executable, "-I", "-S", "-c", _WATCHER, str(process.pid)]
    _watchers.append(subprocess.Popen(watch, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True))


def guard_prefects_server() -> None:
    """Prefect stops the server it embeds at a normal exit only: guards it from the moment it is started.

    To be called before a flow runs. An installation's own server, which is not started by us, is left alone.
    """
    server = SubprocessASGIServer()  # there is one a process, which Prefect starts with its first client
    start: Callable[[], subprocess.Popen[bytes]] = server._run_uvicorn_command

    def start_guarded() -> subprocess.Popen[bytes]:
        process = start()
        end_with_us(process)
        return process

    setattr(server, start.__name__, start_guarded)
