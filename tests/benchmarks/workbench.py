"""Monitors at once on the workbench with very many calls: how long each answer takes.

    python tests/benchmarks/workbench.py [--calls 100000] [--monitors 20] [--seconds 60]

The calls are those of a night over the sample calls, multiplied; six of ten are published, four wait. Every monitor
takes the next call, opens its page, asks for waveform and sound, decides, and looks at the queue and at all calls,
over and over, in his own time (`--pause`). Prints the median and the 95th percentile of each kind of answer, in ms.
"""

import argparse
import http.client
import json
import random
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from zhijian.models.records.account import UserRole
from zhijian.pipeline.store.accounts import add_account, open_session, session_of
from zhijian.pipeline.store.database import open_database, writing
from zhijian.pipeline.store.tables import calls, publications, scorecards
from zhijian.pipeline.store.workbench_tables import worklist, worklist_items
from zhijian.pipeline.web.workbench import COOKIE

SAMPLES = Path(__file__).parents[2] / "data_samples"
ZHIJIAN = Path(sys.executable).with_name("zhijian")
AT_A_TIME = 2000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=int, default=100_000)
    parser.add_argument("--monitors", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--pause", type=float, default=1.0, help="mean seconds between a monitor's requests")
    parser.add_argument("--out", type=Path, help="books of a night over the sample calls, else one is run")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        out = arguments.out or Path(folder) / "out"
        if not out.exists():
            subprocess.run([ZHIJIAN, "run", SAMPLES, "--out", out], check=True, stdout=subprocess.DEVNULL)
        engine = open_database(f"sqlite:///{out}/zhijian.db")
        multiply(engine, arguments.calls)
        sessions = [monitor(engine, f"monitor{number}") for number in range(arguments.monitors)]
        port = free_port()
        server = subprocess.Popen([ZHIJIAN, "review", "--out", out, "--port", str(port)], stderr=subprocess.PIPE)
        try:
            assert server.stderr is not None
            server.stderr.readline()
            wait_for(port)
            took = work(port, sessions, arguments.seconds, arguments.pause)
        finally:
            server.terminate()
            server.wait()
    report(took, arguments)


def multiply(engine: sa.Engine, wanted: int) -> None:
    """Copies the calls of the books until there are so many, on the days before."""
    with writing(engine) as conn:
        tables = (calls, scorecards, publications, worklist, worklist_items)
        rows = {table.name: [row._asdict() for row in conn.execute(sa.select(table))] for table in tables}
        last = {table.name: max(row["id"] for row in rows[table.name]) for table in (calls, scorecards, publications)}
        for start in range(0, wanted - len(rows["calls"]), AT_A_TIME * len(rows["calls"])):
            copies: dict[str, list[dict[str, Any]]] = defaultdict(list)
            for number in range(start // len(rows["calls"]) + 1, start // len(rows["calls"]) + 1 + AT_A_TIME):
                if number * len(rows["calls"]) >= wanted:
                    break
                for name, copied in rows.items():
                    copies[name] += [copy(row, number, last) for row in copied]
            for table in tables:
                if copies[table.name]:
                    conn.execute(table.insert(), copies[table.name])


def copy(row: dict[str, Any], number: int, last: dict[str, int]) -> dict[str, Any]:
    """A row of the `number`th copy: other ids, an agent of its own for every twelfth, four minutes earlier each."""
    earlier, moved = timedelta(minutes=4 * number), dict(row)
    for name, table in (("call", "calls"), ("scorecard", "scorecards")):
        if name in moved:
            moved[name] += number * last[table]
    if "id" in moved:
        own = "scorecards" if "judged_at" in row else "publications" if "decided_at" in row else "calls"
        moved["id"] += number * last[own]
    if "call_id" in moved:
        moved["call_id"] = f"{row['call_id']}-{number}"
    if "agent_no" in moved:
        moved["agent_no"] = f"{row['agent_no']}-{number % 12}"
    if "content" in moved:
        content = row["content"]
        changed = {"call_id": f"{content.call_id}-{number}", "agent_no": f"{content.agent_no}-{number % 12}"}
        moved["content"] = replace(content, **changed, started_at=content.started_at - earlier)
        moved["day"] = moved["content"].started_at.date()
    if "started_at" in moved:
        moved["started_at"] = row["started_at"] - earlier
        moved["started_at_utc"] = moved["started_at"].astimezone(UTC).isoformat()
        moved["day"] = moved["started_at"].date()
    return moved


def monitor(engine: sa.Engine, name: str) -> tuple[str, str]:
    """The token of a session and what guards its changes."""
    now = datetime.now().astimezone()
    with writing(engine) as conn:
        token = open_session(conn, add_account(conn, name=name, role=UserRole.MONITOR, now=now).id, now)
    session = session_of(engine, token, now)
    assert session is not None
    return token, session.csrf


def work(port: int, sessions: list[tuple[str, str]], seconds: float, pause: float) -> dict[str, list[float]]:
    """What each kind of request took, in ms."""
    took: dict[str, list[float]] = defaultdict(list)
    end = time.monotonic() + seconds
    threads = [threading.Thread(target=one_monitor, args=(port, *session, end, pause, took)) for session in sessions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return took


def one_monitor(port: int, token: str, csrf: str, end: float, pause: float, took: dict[str, list[float]]) -> None:
    chance = random.Random(token)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    headers = {"Cookie": f"{COOKIE}={token}", "X-CSRF-Token": csrf, "Content-Type": "application/json"}

    def ask(kind: str, method: str, path: str, body: Any = None, **more: str) -> bytes:
        time.sleep(chance.expovariate(1 / pause))
        started = time.perf_counter()
        connection.request(method, path, None if body is None else json.dumps(body), {**headers, **more})
        answer = connection.getresponse()
        content = answer.read()
        took[kind].append(1000 * (time.perf_counter() - started))
        assert answer.status < 400, (kind, answer.status, content[:300])
        return content

    call = None
    while time.monotonic() < end:
        after = f"?after={call}" if call else ""
        call = json.loads(ask("next call", "POST", f"/api/queue/next{after}"))["call"]
        ask("call page", "GET", f"/calls/{call}")
        ask("waveform", "GET", f"/api/calls/{call}/waveform")
        ask("sound (1 MB)", "GET", f"/api/calls/{call}/sound", Range="bytes=0-")
        view = json.loads(ask("call as JSON", "GET", f"/api/calls/{call}"))
        unsure = [item["id"] for item in view["items"] if item["outcome"] == "unsure"]
        rulings = [{"item": item, "outcome": "pass", "reason": "load"} for item in unsure]
        veto = False if view["veto"] and view["veto_confirmed"] is None else None
        decision = {"scorecard": view["scorecard"], "rulings": rulings, "veto_confirmed": veto, "reason": "load"}
        ask("decision", "POST", f"/api/calls/{call}/decisions", decision)
        ask("queue", "GET", f"/queue?page={chance.randint(1, 50)}")
        ask("queue, filtered", "GET", "/queue?item=repeat.key_info&kind=doubt")
        ask("all calls", "GET", f"/calls?page={chance.randint(1, 1000)}")


def report(took: dict[str, list[float]], arguments: argparse.Namespace) -> None:
    print(
        f"{arguments.calls} calls, {arguments.monitors} monitors, {arguments.seconds:.0f} s, pause {arguments.pause} s"
    )
    every = [ms for times in took.values() for ms in times]
    for kind, times in [*took.items(), ("all", every)]:
        percentiles = statistics.quantiles(times, n=20)
        print(f"{kind:18} {len(times):6} x  median {statistics.median(times):7.1f} ms  95 % {percentiles[18]:7.1f} ms")


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def wait_for(port: int) -> None:
    while True:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
            return
        except OSError:
            time.sleep(0.1)


if __name__ == "__main__":
    main()
