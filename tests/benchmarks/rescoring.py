#!/usr/bin/env python3
"""How fast `zhijian rescore --dry-run` tells what an edited standard would change.

usage: rescoring.py OUT_DIR

OUT_DIR is the output folder of a `zhijian run`; a copy of its database is judged by the rules as they now stand, and
then tried out with each item edited in turn, with all of them edited, and with none. Calls a second on one core, in
processor time, reading them from the database and telling the changes included.
"""

import multiprocessing
import shutil
import statistics
import sys
import tempfile
from collections.abc import Container
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

from judging import median_s

from zhijian.pipeline.night import own_database_url
from zhijian.pipeline.stages.rescore import rescore
from zhijian.pipeline.store.database import open_database
from zhijian.rules import proof
from zhijian.rules.standard import Standard, load_standard


def judged_as_it_stands(out: Path) -> int:
    """By the rules as they stand; how many calls that are."""
    counts: dict[str, int] = rescore(open_database(own_database_url(out)), load_standard())["counts"]
    return counts["judged"]


def edited(standard: Standard, ids: Container[str]) -> Standard:
    """With another rule for each of these items, as far as scorecards tell; it finds the same and costs the same."""
    items = (
        replace(item, fingerprint=f"edited {item.fingerprint}") if item.id in ids else item for item in standard.items
    )
    return replace(standard, items=tuple(items), sha256="edited")


def main(out: Path) -> None:
    standard = load_standard()
    ids = [item.id for item in standard.items]
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy(out / "zhijian.db", folder)
        engine = open_database(own_database_url(Path(folder)))
        # in a process of its own: a text that has been judged before is judged faster
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as other:
            num_calls = other.submit(judged_as_it_stands, Path(folder)).result()

        def calls_a_second(*changed: str) -> float:
            tried = edited(standard, changed)
            took_s = median_s(
                lambda: rescore(engine, tried, dry_run=True),
                lambda: proof.run(standard),  # loads dictionaries and phrases, as the first calls do
            )
            return num_calls / took_s

        each = {id: calls_a_second(id) for id in ids}
        for id, speed in sorted(each.items(), key=lambda row: row[1]):
            print(f"{id:28}{speed:6.0f}")
        print(f"{num_calls} calls; calls a second with one item edited: median {statistics.median(each.values()):.0f},")
        print(f"least {min(each.values()):.0f}; all edited: {calls_a_second(*ids):.0f}; none: {calls_a_second():.0f}")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(Path(sys.argv[1]))
