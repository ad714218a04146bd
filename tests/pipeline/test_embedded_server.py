"""A night has a Prefect server of its own, and what it starts ends with it, however it ends."""

import os
import signal
import socket
import sqlite3
import subprocess
import sys
import time
from contextlib import closing, contextmanager, suppress
from http.server import BaseHTTPRequestHandler, HTTPServer
from importlib.metadata import version
from pathlib import Path
from threading import Thread

import pytest

from zhijian.pipeline.embedded_server import EmbeddedServer, embedded_server

NIGHT = """
import os, sys
from pathlib import Path
from zhijian.pipeline.embedded_server import embedded_server
from zhijian.pipeline.offline import sealed

with sealed(Path(sys.argv[1])), embedded_server() as server:
    from prefect import flow

    @flow
    def night():
        return "done"

    if server:
        server.wait()
    print(os.environ["PREFECT_API_URL"], night() if server else None, flush=True)
    sys.stdin.readline()
print(os.environ.get("PREFECT_API_URL"), flush=True)
"""


@contextmanager
def night(home, cache, **env):
    """A night that is over when it is sent a line; with it comes what it says once its server serves."""
    outside = {name: value for name, value in os.environ.items() if not name.startswith("PREFECT_")}
    command = [sys.executable, "-c", NIGHT, home]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen(command, env=outside | {"ZHIJIAN_CACHE": str(cache)} | env, **pipes) as process:
        yield process, process.stdout.readline().split()


def listens(url: str) -> bool:
    with socket.socket() as other:
        return other.connect_ex(("127.0.0.1", int(url.removeprefix("http://127.0.0.1:").removesuffix("/api")))) == 0


def ends(url: str) -> bool:
    end_s = time.monotonic() + 10
    while listens(url) and time.monotonic() < end_s:
        time.sleep(0.1)
    return not listens(url)


def test_it_serves_on_a_port_of_its_own_and_the_next_one_is_given_its_empty_tables(tmp_path):
    cache = tmp_path / "cache"
    with night(tmp_path / "first", cache) as (process, (url, result)):
        assert (result, listens(url)) == ("done", True)
        assert process.communicate("\n")[0] == "None\n"
    assert (process.returncode, listens(url)) == (0, False)
    assert not (tmp_path / "first").exists()

    (example,) = cache.iterdir()
    with closing(sqlite3.connect(example)) as tables:
        assert tables.execute("SELECT count(*) FROM flow_run").fetchone() == (0,)
        (revision,) = tables.execute("SELECT version_num FROM alembic_version").fetchone()
        tables.execute("CREATE TABLE of_the_example (here)")
    with night(tmp_path / "second", cache) as (process, (url, result)):
        assert (result, listens(url)) == ("done", True)
        with closing(sqlite3.connect(tmp_path / "second" / "prefect.db")) as tables:
            assert tables.execute("SELECT version_num FROM alembic_version").fetchone() == (revision,)
            assert tables.execute("SELECT count(*) FROM of_the_example").fetchone() == (0,)
        process.send_signal(signal.SIGKILL)
    assert ends(url)
    assert [*cache.iterdir()] == [example]


class Healthy(BaseHTTPRequestHandler):
    def do_GET(self) -> None:  # the name that http.server asks for
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


def test_where_its_tables_cannot_be_kept_it_serves_all_the_same(tmp_path, monkeypatch):
    made_now, cache = tmp_path / "prefect.db", tmp_path / "cache"
    sqlite3.connect(made_now).close()
    cache.write_text("a file", encoding="utf-8")
    monkeypatch.setenv("ZHIJIAN_CACHE", str(cache))
    with HTTPServer(("127.0.0.1", 0), Healthy) as serving, subprocess.Popen([sys.executable, "-c", ""]) as process:
        Thread(target=serving.serve_forever, daemon=True).start()
        EmbeddedServer(process, serving.server_port, made_now).wait()
        serving.shutdown()
    assert cache.read_text(encoding="utf-8") == "a file"


def test_tables_that_cannot_be_copied_are_made_anew(tmp_path, monkeypatch):
    monkeypatch.setenv("ZHIJIAN_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "prefect"))
    monkeypatch.setenv("PREFECT_API_URL", "")
    (tmp_path / "cache").mkdir()
    (tmp_path / "cache" / f"prefect-{version('prefect')}.db").write_text("no database" * 1000, encoding="utf-8")
    with embedded_server() as server:
        assert server.made_now == tmp_path / "prefect" / "prefect.db"
        assert list((tmp_path / "prefect").glob("tmp*")) == []


STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
time.sleep(300)
"""


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_one_that_does_not_listen_is_gone_with_the_block(error, tmp_path, monkeypatch):
    """As while it makes its tables."""
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path))
    monkeypatch.setenv("PREFECT_API_URL", "")
    monkeypatch.setattr("zhijian.pipeline.embedded_server._command", lambda _: [sys.executable, "-c", STUBBORN])
    with suppress(error), embedded_server() as server:
        children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children")
        while not (running := children.read_text().split()):
            time.sleep(0.05)
        time.sleep(0.3)  # until it does not listen
        raise error
    assert not Path(f"/proc/{running[0]}").exists()


def test_one_that_does_not_start_is_no_reason_to_wait(tmp_path):
    with socket.socket() as unused, subprocess.Popen([sys.executable, "-c", ""]) as process:
        unused.bind(("127.0.0.1", 0))
        process.wait()
        with pytest.raises(RuntimeError, match="does not start"):
            EmbeddedServer(process, unused.getsockname()[1], None).wait()


def test_an_installation_that_names_a_server_is_given_none(tmp_path):
    named = "http://127.0.0.1:9/api"
    with night(tmp_path / "prefect", tmp_path / "cache", PREFECT_API_URL=named) as (process, words):
        assert words == [named, "None"]
        assert process.communicate("\n")[0] == f"{named}\n"
    assert not (tmp_path / "cache").exists()
