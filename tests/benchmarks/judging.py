#!/usr/bin/env python3
"""The judgement beside the labels: calls that a run has heard are judged again as the rules now stand, and compared.

usage: judging.py OUT_DIR SHARED_DIR [--words heard|labelled] [--standard DIR] [--misses]

OUT_DIR is the output folder of `zhijian run SHARED_DIR/calls/dev --out OUT_DIR`. `--words labelled` judges the labels'
own texts and times instead of what was heard: what the rules would do if nothing were misheard. No sound is touched, so
that a changed rule is measured in seconds. The first line says how fast it goes, in processor time and as the median of
several passes; the figures are those of evaluate.py.
"""

import argparse
import gc
import json
import multiprocessing
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from zhijian.models.records.call import Call
from zhijian.models.records.dialogue import Dialogue, Role, Separation, Utterance, Voice
from zhijian.models.records.span import Span
from zhijian.pipeline.night import own_database_url
from zhijian.pipeline.stages.outputs import write_scorecards, write_transcript
from zhijian.pipeline.store.database import open_database
from zhijian.pipeline.store.hearings import hearing_of
from zhijian.pipeline.store.judgements import judged_calls
from zhijian.rules import proof
from zhijian.rules.judge import judge
from zhijian.rules.standard import load_standard

PASSES = 7


def median_s(work: Callable[[], object], prepare: Callable[[], object]) -> float:
    """Processor seconds. Each pass has a process of its own, for which no text of the calls is one that it knows.

    `prepare` is not counted: it touches the memory that the process shares with its parent until then.
    """
    context = multiprocessing.get_context("fork")
    took_s = context.SimpleQueue()

    def timed() -> None:
        prepare()
        gc.collect()
        began_s = time.process_time()
        work()
        took_s.put(time.process_time() - began_s)

    for _ in range(PASSES):
        process = context.Process(target=timed)
        process.start()
        process.join()
    return statistics.median(took_s.get() for _ in range(PASSES))


def heard_calls(engine: sa.Engine, source: str) -> Iterator[tuple[Call, Dialogue]]:
    for one in judged_calls(engine, source):
        if one.hearing is not None:
            yield one.call, hearing_of(engine, one.hearing).dialogue


def labelled(call: dict[str, Any]) -> Dialogue:
    turns = sorted(call["truth"], key=lambda turn: (turn["start"], turn["end"]))
    spans = [Span(round(1000 * turn["start"]), round(1000 * turn["end"])) for turn in turns]
    roles = [Role(turn["role"]) for turn in turns]
    return Dialogue(
        duration_ms=max(round(1000 * call["seconds"]), max(span.end_ms for span in spans)),
        separation=Separation.CHANNELS if call["channels"] == "stereo" else Separation.DIARIZATION,
        engine="labels",
        language="zh",
        utterances=tuple(
            Utterance(role, span, turn["text"], 1.0) for role, span, turn in zip(roles, spans, turns, strict=True)
        ),
        voices=tuple(Voice(role, span) for role, span in zip(roles, spans, strict=True)),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, metavar="OUT_DIR")
    parser.add_argument("shared", type=lambda text: Path(text).resolve(), metavar="SHARED_DIR")
    parser.add_argument("--words", choices=("heard", "labelled"), default="heard")
    parser.add_argument("--standard", type=Path, metavar="DIR")
    parser.add_argument("--misses", action="store_true", help="list what differs from the labels")
    options = parser.parse_args()
    dev = options.shared / "calls" / "dev"
    labels = {call["call_id"]: call for call in json.loads((dev / "truth.json").read_text(encoding="utf-8"))}
    standard = load_standard(options.standard)
    engine = open_database(own_database_url(options.out))
    calls = list(heard_calls(engine, dev.as_uri()))
    reading_s = median_s(lambda: list(heard_calls(engine, dev.as_uri())), lambda: None)
    if options.words == "labelled":
        calls = [(call, labelled(labels[call.call_id])) for call, _ in calls]
    judging_s = median_s(
        lambda: [judge(call, dialogue, standard) for call, dialogue in calls],
        lambda: proof.run(standard),  # loads dictionaries and phrases, as the first calls of a night do
    )
    cards = [judge(call, dialogue, standard) for call, dialogue in calls]
    print(
        f"{len(calls) / judging_s:.0f} calls judged a second on one core; "
        f"{len(calls) / (reading_s + judging_s):.0f} with reading them from the database"
    )
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        write_scorecards(out / "scorecards.jsonl", [(card, False) for card in cards])
        for call, dialogue in calls:
            write_transcript(out / "transcripts", call.call_id, dialogue)
        misses = ["--misses"] if options.misses else []
        evaluate = [sys.executable, options.shared / "bench" / "evaluate.py", out, dev / "truth.json", *misses]
        print(subprocess.run(evaluate, check=True, capture_output=True, text=True).stdout)


if __name__ == "__main__":
    main()
