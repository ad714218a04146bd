"""Killed processes, and many at once: nothing is lost, nothing double, no limit exceeded."""

import random
import subprocess
import sys
import time
from collections import Counter
from decimal import Decimal

from zhijian.pipeline.ledger.chain import head, verify
from zhijian.pipeline.ledger.entries import balance, entries
from zhijian.pipeline.store.database import open_database

ENTRIES, AT_A_TIME, KILLS = 10_000, 100, 20
WORKERS, EACH = 4, 60

POST = """
import sys
from datetime import date, datetime
from decimal import Decimal
from zhijian.models.records.points import EntryKind, PointsEntry
from zhijian.pipeline.ledger.entries import Posting
from zhijian.pipeline.ledger.posting import post
from zhijian.pipeline.ledger.scheme import load_scheme
from zhijian.pipeline.store.database import open_database, writing

engine, first, count, at_a_time = open_database(sys.argv[1]), *map(int, sys.argv[2:5])
scheme, now = load_scheme("incentive"), datetime.fromisoformat("2026-12-01T02:00:00+08:00")

def posting(number):
    entry = PointsEntry(
        scheme="incentive", account=str(1000 + number % 40), period="2026-11", item="conduct.night_shift",
        kind=EntryKind.POST, source_kind="import", source_id=str(number), source_revision=1,
        effective_day=date(2026, 11, 1 + number % 30), points_raw=Decimal("0.25"), points_credited=Decimal(0),
        actor="leader", reason="夜班值守", posted_at=now)
    return Posting(entry, {})

print("ready", flush=True)
for start in range(first, first + count, at_a_time):
    with writing(engine) as conn:
        post(conn, scheme, [posting(number) for number in range(start, min(start + at_a_time, first + count))])
"""


def start(url: str, first: int, count: int, at_a_time: int) -> subprocess.Popen[str]:
    arguments = [sys.executable, "-c", POST, url, *map(str, (first, count, at_a_time))]
    process = subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_killed_in_the_middle_again_and_again(url):
    wait_s = random.Random(7)
    engine = open_database(url)
    seen = []
    for _ in range(KILLS):
        process = start(url, 0, ENTRIES, AT_A_TIME)
        time.sleep(wait_s.uniform(0.02, 0.3))
        process.kill()
        process.wait()
        seen.append(head(engine).count)
    assert seen == sorted(seen)
    assert any(0 < count < ENTRIES for count in seen), "no process was killed in the middle"
    assert all(count % AT_A_TIME == 0 for count in seen), "a transaction was booked in part"
    assert start(url, 0, ENTRIES, AT_A_TIME).wait() == 0
    booked = Counter(entry.entry.source_id for entry in entries(engine))
    assert booked == Counter(map(str, range(ENTRIES)))
    assert verify(engine).sound
    # 250 entries of a quarter each are 62.5; the month has room for 30
    assert {balance(engine, str(1000 + n)) for n in range(40)} == {Decimal(30)}
    engine.dispose()


def test_many_workers_at_once(url):
    engine = open_database(url)
    workers = [start(url, worker * EACH * 40, EACH * 40, 20) for worker in range(WORKERS)]
    assert [worker.wait() for worker in workers] == [0] * WORKERS
    assert head(engine).count == WORKERS * EACH * 40
    assert verify(engine).sound
    assert {balance(engine, str(1000 + n)) for n in range(40)} == {Decimal(30)}
    engine.dispose()
