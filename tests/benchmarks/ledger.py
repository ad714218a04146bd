#!/usr/bin/env python3
"""How fast the ledger is: posting, verifying, and asking for one balance among many entries.

usage: ledger.py [--url URL] [--post N] [--verify N]

URL is that of an empty database, default an SQLite file that is removed afterwards. Posts N (100,000) entries of 300
agents over three months under the limits of the incentive scheme, 10,000 to a transaction; fills the ledger up to N
(1,000,000) entries, verifies the whole chain, and asks for balances, ranking and an agent's curve.
"""

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import sqlalchemy as sa

from zhijian.models.records.points import EntryKind, PointsEntry
from zhijian.pipeline.ledger import chain
from zhijian.pipeline.ledger.entries import Posting, balance
from zhijian.pipeline.ledger.posting import post
from zhijian.pipeline.ledger.scheme import load_scheme
from zhijian.pipeline.ledger.sheets import growth, month_sheet
from zhijian.pipeline.store.database import open_database, writing

AGENTS, FIRST_DAY, DAYS, AT_A_TIME, ASKED = 300, date(2026, 9, 1), 91, 10_000, 20
NOW = datetime.fromisoformat("2026-12-01T02:00:00+08:00")


def postings(first: int, count: int) -> Iterator[Posting]:
    items = [item for item in load_scheme("incentive").items if item.points]
    for number in range(first, first + count):
        item, day = items[number % len(items)], FIRST_DAY + timedelta(days=number % DAYS)
        yield Posting(
            PointsEntry(
                scheme="incentive",
                account=f"{1000 + number % AGENTS}",
                period=day.strftime("%Y-%m"),
                item=item.id,
                kind=EntryKind.POST,
                source_kind="import",
                source_id=f"row-{number}",
                source_revision=1,
                effective_day=day,
                points_raw=item.points or Decimal(0),
                points_credited=Decimal(0),
                actor="benchmark",
                reason=item.name,
                posted_at=NOW,
            ),
            {"scheme_version": "1.0"},
        )


def fill(engine: sa.Engine, first: int, count: int) -> None:
    for start in range(first, first + count, AT_A_TIME):
        with writing(engine) as conn:
            post(conn, load_scheme("incentive"), postings(start, min(AT_A_TIME, first + count - start)))


def took_s(work: Callable[[], object]) -> float:
    began_s = time.perf_counter()
    work()
    return time.perf_counter() - began_s


def median_ms(work: Callable[[int], object]) -> float:
    return 1000 * statistics.median(took_s(lambda number=number: work(number)) for number in range(ASKED))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url")
    parser.add_argument("--post", type=int, default=100_000)
    parser.add_argument("--verify", type=int, default=1_000_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        engine = open_database(options.url or f"sqlite:///{Path(folder) / 'zhijian.db'}")
        print(f"{engine.dialect.name}, {AGENTS} agents, {DAYS} days")
        print(f"{took_s(lambda: fill(engine, 0, options.post)):8.1f} s  {options.post} entries posted")
        fill(engine, options.post, options.verify - options.post)
        count = chain.head(engine).count
        print(f"{took_s(lambda: chain.verify(engine)):8.1f} s  {count} entries verified")
        print(f"{median_ms(lambda n: balance(engine, f'{1000 + n}')):8.1f} ms balance of an agent")
        of_month = median_ms(lambda n: balance(engine, f"{1000 + n}", "incentive", "2026-10"))
        print(f"{of_month:8.1f} ms balance of an agent's month")
        with engine.connect() as conn:
            scheme = load_scheme("incentive")
            print(f"{median_ms(lambda n: growth(conn, scheme, f'{1000 + n}')):8.1f} ms an agent's curve")
            print(f"{median_ms(lambda _: month_sheet(conn, scheme, '2026-10', [])):8.1f} ms sheet of a month")
        if not chain.verify(engine).sound:
            sys.exit("the chain is broken")


if __name__ == "__main__":
    main()
