#!/usr/bin/env python3
"""Makes models/training/verdict_rows.csv: verdicts on labelled calls, what is known of how far they can be trusted.

usage: verdict_rows.py OUT_DIR CALLS_DIR [OUT_DIR CALLS_DIR ...]

OUT_DIR is the output folder of `zhijian run CALLS_DIR --out OUT_DIR`, CALLS_DIR a folder with truth.json: the labelled
calls first, then their noisy copies (changed_calls.py), then others, such as strangers' dialogues (speak_dialogues.py).
A row is a labelled item of a call before its verdict is weighed: the number of the call, the same in all copies, and of
the folder, the item's outcome and label, and the clues (rules/verdicts.py), none where the call record settles the
item; `operator` is how sure its operator was: no text, no names, no ids.
"""

import csv
import json
import sys
from collections.abc import Iterator
from dataclasses import astuple, fields
from pathlib import Path

from judging import heard_calls

from zhijian.pipeline.night import own_database_url
from zhijian.pipeline.store.database import open_database
from zhijian.rules.call.heard import Heard
from zhijian.rules.judge import judge, unweighed
from zhijian.rules.standard import load_standard
from zhijian.rules.verdicts import Clues, clues

ROWS = Path(__file__).parents[2] / "models" / "training" / "verdict_rows.csv"
COLUMNS = ("call", "folder", "outcome", "label", "operator", *(field.name for field in fields(Clues)))


def rows_of(out: Path, calls_folder: Path, folder: int, numbers: dict[str, int]) -> Iterator[tuple]:
    truth = json.loads((calls_folder / "truth.json").read_text(encoding="utf-8"))
    labels = {call["call_id"]: call["labels"] for call in truth}
    standard = load_standard()
    for call, dialogue in heard_calls(open_database(own_database_url(out)), calls_folder.as_uri()):
        number = numbers.setdefault(call.call_id, len(numbers))
        if not judge(call, dialogue, standard).items:
            print(f"{out}: call {number} cannot be judged", file=sys.stderr)
            continue
        heard = Heard(call, dialogue, standard.settings)
        for item in (item for item in standard.items if item.id in labels[call.call_id]):
            finding = unweighed(item, heard)
            known = clues(finding, heard)
            cells = [round(float(clue), 4) for clue in astuple(known)] if known else [""] * len(fields(Clues))
            label = labels[call.call_id][item.id]["outcome"]
            yield number, folder, finding.outcome.value, label, round(finding.confidence, 4), *cells


def main(folders: list[Path]) -> None:
    numbers: dict[str, int] = {}
    with ROWS.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        for folder, (out, calls_folder) in enumerate(zip(folders[::2], folders[1::2], strict=True)):
            writer.writerows(rows_of(out, calls_folder.resolve(), folder, numbers))


if __name__ == "__main__":
    if len(sys.argv) < 3 or len(sys.argv) % 2 == 0:
        sys.exit(__doc__)
    main(list(map(Path, sys.argv[1:])))
