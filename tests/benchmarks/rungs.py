#!/usr/bin/env python3
"""What each rung of the matching ladder is worth, and to whom the judgement is unfair.

usage: rungs.py SHARED_DIR OUT_DIR [CALLS_DIR]

OUT_DIR is the output folder of `zhijian run CALLS_DIR --out OUT_DIR`; CALLS_DIR, SHARED_DIR/calls/dev if not given,
may be a copy with another sound (changed_calls.py). What was heard is judged four times: with phrases found by their
very characters, also by their sound, with the sound's answers to what remained in doubt, and without the deductions
that are too doubtful to stand. The figures are those of SHARED_DIR's bench/evaluate.py. The last judgement is also
shown by the agent's voice and by thirds of the character error rate.
"""

import dataclasses
import importlib.util
import itertools
import json
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

from judging import heard_calls

from zhijian.models.records.call import Call
from zhijian.models.records.dialogue import Dialogue
from zhijian.pipeline.night import own_database_url
from zhijian.pipeline.stages.outputs import write_scorecards, write_transcript
from zhijian.pipeline.store.database import open_database
from zhijian.rules.judge import judge
from zhijian.rules.standard import Standard, load_standard
from zhijian.rules.words import pinyin

Label = dict[str, Any]
FIGURES = ("false_deductions", "innocent", "missed_faults", "faults", "unsure", "agreement", "banned_recall")
FIGURES += ("banned_precision", "score_mae")


@contextmanager
def only_exact() -> Iterator[None]:
    """Phrases are found by their characters alone."""
    by_sound = pinyin.find

    def exact(*phrase_and_text: Any, **limits: Any) -> tuple[pinyin.Match, ...]:
        return tuple(match for match in by_sound(*phrase_and_text, **limits) if match.exact)

    pinyin.find = exact
    try:
        yield
    finally:
        pinyin.find = by_sound


def deaf(dialogue: Dialogue) -> Dialogue:
    """Without what the sound answered."""
    return dataclasses.replace(dialogue, phrase_scores=())


def letting_all_stand(standard: Standard) -> Standard:
    """No deduction is too doubtful."""
    thresholds = standard.settings.thresholds.model_copy(update={"deduct": 0.0})
    return dataclasses.replace(standard, settings=standard.settings.model_copy(update={"thresholds": thresholds}))


def written(out: Path, calls: Iterable[tuple[Call, Dialogue]], standard: Standard) -> Path:
    """The judgement as evaluate.py reads it."""
    cards = []
    for call, dialogue in calls:
        cards.append((judge(call, dialogue, standard), False))
        write_transcript(out / "transcripts", call.call_id, dialogue)
    write_scorecards(out / "scorecards.jsonl", cards)
    return out


def figures(evaluate: ModuleType, out: Path, labels: list[Label]) -> dict[str, float]:
    found, _, _ = evaluate.evaluate(out, labels)
    return found | {"unsure": round(found["unsure_rate"] * found["items"])}


def by_thirds(labels: list[Label], error_rate: Callable[[Label], float]) -> dict[str, list[Label]]:
    ordered = sorted(labels, key=error_rate)
    bounds = [round(third * len(ordered) / 3) for third in range(4)]
    parts = [ordered[first:last] for first, last in itertools.pairwise(bounds)]
    return {f"CER {error_rate(part[0]):.2f} … {error_rate(part[-1]):.2f}": part for part in parts if part}


def show(rows: dict[str, dict[str, float]]) -> None:
    print(f"{'':22}" + "".join(f"{name:>18}" for name in FIGURES))
    for title, found in rows.items():
        cells = [found[name] for name in FIGURES]
        print(
            f"{title:22}" + "".join(f"{cell:18.4f}" if isinstance(cell, float) else f"{cell!s:>18}" for cell in cells)
        )
    print()


def main(shared: Path, out: Path, calls_folder: Path) -> None:
    spec = importlib.util.spec_from_file_location("evaluate", shared / "bench" / "evaluate.py")
    assert spec
    assert spec.loader
    evaluate = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(evaluate)
    labels = json.loads((calls_folder / "truth.json").read_text(encoding="utf-8"))
    standard = load_standard()
    lax = letting_all_stand(standard)
    calls = list(heard_calls(open_database(own_database_url(out)), calls_folder.as_uri()))
    with tempfile.TemporaryDirectory() as folder:
        texts, sounds, answers, weighed = (Path(folder) / rung for rung in ("exact", "pinyin", "verified", "weighed"))
        with only_exact():
            written(texts, [(call, deaf(dialogue)) for call, dialogue in calls], lax)
        written(sounds, [(call, deaf(dialogue)) for call, dialogue in calls], lax)
        written(answers, calls, lax)
        written(weighed, calls, standard)
        show({rung.name: figures(evaluate, rung, labels) for rung in (texts, sounds, answers, weighed)})
        voices: defaultdict[str, list[Label]] = defaultdict(list)
        for label in labels:
            voices[f"agent {label['agent_voice']}"].append(label)
        thirds = by_thirds(labels, lambda label: figures(evaluate, weighed, [label])["cer"])
        groups = {**dict(sorted(voices.items())), **thirds}
        show({title: figures(evaluate, weighed, group) for title, group in groups.items()})


if __name__ == "__main__":
    if len(sys.argv) not in (3, 4):
        sys.exit(__doc__)
    chosen = Path(sys.argv[1])
    main(chosen, Path(sys.argv[2]), Path(sys.argv[3] if len(sys.argv) == 4 else chosen / "calls" / "dev").resolve())
