"""Killed processes, and many at once: nothing is lost, nothing double, no limit exceeded."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from decimal import Decimal

from zhijian.pipeline.ledger.chain import head, verify
from zhijian.pipeline.ledger.entries import balance, entries
from zhijian.pipeline.store.database import open_database

ENTRIES, AT_A_TIME, KILLS = 10_000, 100, 20
WORKERS, EACH = 4, 40

POST = """
import os
import sys
from datetime import date, datetime
from decimal import Decimal
from zhijian.models.records.points import EntryKind, PointsEntry
from zhijian.pipeline.ledger.entries import Posting
from zhijian.pipeline.ledger.posting import post
from zhijian.pipeline.ledger.scheme import load_scheme
from zhijian.pipeline.store.database import open_database, writing

scheme, now = load_scheme("incentive"), datetime.fromisoformat("2026-12-01T02:00:00+08:00")

def posting(number):
    entry = PointsEntry(
        scheme="incentive", account=str(1000 + number % 40), period="2026-11", item="conduct.night_shift",
        kind=EntryKind.POST, source_kind="import", source_id=str(number), source_revision=1,
        effective_day=date(2026, 11, 1 + number % 30), points_raw=Decimal("0.25"), points_credited=Decimal(0),
        actor="leader", reason="夜班值守", posted_at=now)
    return Posting(entry, {})

def work(first, count, at_a_time):
    engine = open_database(sys.argv[1])
    for start in range(first, first + count, at_a_time):
        with writing(engine) as conn:
            post(conn, scheme, [posting(number) for number in range(start, min(start + at_a_time, first + count))])

for line in sys.stdin:  # a process for each line: it begins at once, for everything is imported
    child = os.fork()
    if child == 0:
        work(*map(int, line.split()))
        os._exit(0)
    print(child, flush=True)
    _, status = os.waitpid(child, 0)
    print(status, flush=True)
"""


class Worker:
    """Posts in processes of its own, one after the other; each can be killed."""

    def __init__(self, url: str) -> None:
        arguments = [sys.executable, "-c", POST, url]
        self.server = subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def start(self, first: int, count: int, at_a_time: int) -> int:
        """Begins to post; returns the process that does."""
        self.server.stdin.write(f"{first} {count} {at_a_time}\n")
        self.server.stdin.flush()
        return int(self.server.stdout.readline())

    def wait(self) -> int:
        """How the process ended: 0, or the signal."""
        return int(self.server.stdout.readline())

    def end(self) -> None:
        self.server.stdin.close()
        self.server.wait()


def test_killed_in_the_middle_again_and_again(url):
    wait_s = random.Random(7)
    engine = open_database(url)
    worker = Worker(url)
    seen = []
    for _ in range(KILLS):
        process = worker.start(0, ENTRIES, AT_A_TIME)
        time.sleep(wait_s.uniform(0.02, 0.3))
        while not head(engine).count:  # on a slow machine it has not begun by then
            time.sleep(0.005)
        os.kill(process, signal.SIGKILL)
        assert worker.wait() == signal.SIGKILL
        seen.append(head(engine).count)
    assert seen == sorted(seen)
    assert any(0 < count < ENTRIES for count in seen), "no process was killed in the middle"
    assert all(count % AT_A_TIME == 0 for count in seen), "a transaction was booked in part"
    worker.start(0, ENTRIES, AT_A_TIME)
    assert worker.wait() == 0
    worker.end()
    booked = Counter(entry.entry.source_id for entry in entries(engine))
    assert booked == Counter(map(str, range(ENTRIES)))
    assert verify(engine).sound
    # 250 entries of a quarter each are 62.5; the month has room for 30
    assert {balance(engine, str(1000 + n)) for n in range(40)} == {Decimal(30)}
    engine.dispose()


def test_many_workers_at_once(url):
    engine = open_database(url)
    workers = [Worker(url) for _ in range(WORKERS)]
    for number, worker in enumerate(workers):
        worker.start(number * EACH * 40, EACH * 40, 20)
    assert [worker.wait() for worker in workers] == [0] * WORKERS
    for worker in workers:
        worker.end()
    assert head(engine).count == WORKERS * EACH * 40
    assert verify(engine).sound
    assert {balance(engine, str(1000 + n)) for n in range(40)} == {Decimal(30)}
    engine.dispose()
