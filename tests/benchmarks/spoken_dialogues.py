#!/usr/bin/env python3
"""The judgement of strangers' dialogues that were spoken and heard, beside their labels.

usage: spoken_dialogues.py OUT_DIR SPOKEN_DIR [--words heard|written] [--misses]

SPOKEN_DIR is made by speak_dialogues.py, OUT_DIR is the output folder of `zhijian run SPOKEN_DIR --out OUT_DIR`. What
was heard is judged again as the rules now stand; `--words written` judges the dialogues' own words instead, which tells
what hearing costs. Prints a line for each rung of the ladder (rungs.py), file of dialogues and item.
"""

import argparse
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from judging import heard_calls, labelled
from rungs import deaf, letting_all_stand, only_exact

from zhijian.models.records.call import Call
from zhijian.models.records.dialogue import Dialogue
from zhijian.models.records.scorecard import ItemResult, Outcome
from zhijian.pipeline.night import own_database_url
from zhijian.pipeline.store.database import open_database
from zhijian.rules.judge import judge
from zhijian.rules.standard import Standard, load_standard

Labels = Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True)
class Verdict:
    call_id: str
    label: Outcome
    result: ItemResult

    @property
    def kind(self) -> str:
        """What became of it, as the table calls it."""
        fault, outcome = self.label is Outcome.FAIL, self.result.outcome
        if outcome is Outcome.UNSURE:
            return "unsure"
        if fault:
            return "found" if outcome is Outcome.FAIL else "missed"
        return "false" if outcome is Outcome.FAIL else "right"


def verdicts(calls: Iterable[tuple[Call, Dialogue]], standard: Standard, labels: Labels) -> list[Verdict]:
    return [
        Verdict(call.call_id, Outcome(wanted[result.id]["outcome"]), result)
        for call, dialogue in calls
        for wanted in [labels[call.call_id]["labels"]]
        for result in judge(call, dialogue, standard).items
        if result.id in wanted
    ]


def of_rungs(calls: Sequence[tuple[Call, Dialogue]], labels: Labels) -> dict[str, list[Verdict]]:
    """As `rungs.py` has them."""
    standard = load_standard()
    lax = letting_all_stand(standard)
    unasked = [(call, deaf(dialogue)) for call, dialogue in calls]
    with only_exact():
        exact = verdicts(unasked, lax, labels)
    return {
        "characters": exact,
        "and sounds": verdicts(unasked, lax, labels),
        "and the sound itself": verdicts(calls, lax, labels),
        "and only sure deductions": verdicts(calls, standard, labels),
    }


def print_table(title: str, groups: Mapping[str, list[Verdict]]) -> None:
    print(f"{title:26} innocent  false          faults  missed         unsure")
    for name, found in groups.items():
        kinds = Counter(one.kind for one in found)
        faults = sum(one.label is Outcome.FAIL for one in found)
        innocent = len(found) - faults
        print(
            f"{name:26} {innocent:8} {kinds['false']:6} {share(kinds['false'], innocent)} "
            f"{faults:8} {kinds['missed']:6} {share(kinds['missed'], faults)} {kinds['unsure']:6} "
            f"{share(kinds['unsure'], len(found))}"
        )
    print()


def share(part: int, whole: int) -> str:
    return f"{part / whole:6.1%}" if whole else "     -"


def quotes(result: ItemResult) -> str:
    return " | ".join(f"{one.role}: {one.quote}" for one in result.evidence if one.quote)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, metavar="OUT_DIR")
    parser.add_argument("spoken", type=lambda text: Path(text).resolve(), metavar="SPOKEN_DIR")
    parser.add_argument("--words", choices=("heard", "written"), default="heard")
    parser.add_argument("--misses", action="store_true", help="list what differs from the labels")
    options = parser.parse_args()
    labels = {call["call_id"]: call for call in json.loads((options.spoken / "truth.json").read_text(encoding="utf-8"))}
    calls = list(heard_calls(open_database(own_database_url(options.out)), options.spoken.as_uri()))
    if options.words == "written":
        calls = [(call, labelled(labels[call.call_id])) for call, _ in calls]
    rungs = of_rungs(calls, labels)
    judged = {one.call_id for found in rungs.values() for one in found}
    print(f"{len(judged)} of {len(labels)} calls can be judged\n")
    (*_, found) = rungs.values()
    by_file, by_item = defaultdict(list), defaultdict(list)
    for one in found:
        by_file[one.call_id.rsplit("-", 1)[0]].append(one)
        by_item[one.result.id].append(one)
    print_table("rung", rungs)
    print_table("file", by_file)
    print_table("item", by_item)
    if options.misses:
        for one in sorted(found, key=lambda one: (one.kind, one.result.id)):
            if one.kind not in ("right", "found"):
                print(one.kind, one.result.id, one.call_id, f"{one.label}: {one.result.reason}", quotes(one.result))


if __name__ == "__main__":
    main()
