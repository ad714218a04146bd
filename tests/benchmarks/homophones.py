#!/usr/bin/env python3
"""What putting homophones right is worth: calls are heard once, and spelt as recognised and as is usual.

usage: homophones.py SHARED_DIR CALLS_DIR [HELD_OUT ...]

CALLS_DIR holds audio/ and truth.json, like SHARED_DIR/calls/dev, or calls of tests/rules/dialogues that
speak_dialogues.py has had spoken. What is usual is learnt anew, from all files but those named HELD_OUT: the spelling
of a call may not be learnt from its own words. Prints character error rates (evaluate.py's) by role, and the seconds of
processor that the spelling takes.
"""

import importlib
import json
import sys
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from scaling import open_default

from zhijian.models.engines import ears
from zhijian.models.engines.audio import load
from zhijian.models.engines.homophones import Speller
from zhijian.models.records.dialogue import Dialogue, Utterance
from zhijian.models.training import train_homophones
from zhijian.pipeline.settings import JOBS, threads_for

ROLES = ("agent", "customer")


def heard(calls: Sequence[dict[str, Any]], folder: Path) -> list[Dialogue]:
    ears.as_usually_spelt = lambda dialogue: dialogue
    listener = open_default(threads_for(0))
    paths = [next((folder / "audio").glob(f"{call['call_id']}.*")) for call in calls]
    with ThreadPoolExecutor(JOBS) as pool:
        return list(pool.map(lambda path: listener.hear(load(path)), paths))


def said(utterances: Sequence[Utterance], speller: Speller | None) -> str:
    if speller is None:
        return "".join(utterance.text for utterance in utterances)
    return "".join(word.text for utterance in utterances for word in speller.respelt(utterance.words))


def main(shared: Path, folder: Path, held_out: Sequence[str]) -> None:
    sys.path.append(str(shared / "bench"))
    evaluate = importlib.import_module("evaluate")
    corpus = train_homophones.read_corpus()
    speller = train_homophones.learn(
        text for file, texts in corpus.items() if Path(file).stem not in held_out for text in texts
    )
    calls = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    errors, num_chars, spelling_s = Counter[tuple[str, ...]](), Counter[tuple[str, ...]](), 0.0
    for call, dialogue in zip(calls, heard(calls, folder), strict=True):
        began_s = time.process_time()
        usual = speller if speller.knows([utterance.text for utterance in dialogue.utterances]) else None
        spelt = {
            (role, name): said([one for one in dialogue.trusted if one.role == role], by)
            for role in ROLES
            for name, by in (("recognised", None), ("usual", usual))
        }
        spelling_s += time.process_time() - began_s
        for (role, name), text in spelt.items():
            truth = evaluate.normal("".join(turn["text"] for turn in call["truth"] if turn["role"] == role))
            errors[call["channels"], role, name] += evaluate.edits(truth, evaluate.normal(text))
            num_chars[call["channels"], role, name] += len(truth)
    print(f"{'':18}{'recognised':>12}{'usual':>8}")
    for channels, role in sorted({key[:2] for key in errors}):
        rates = [errors[channels, role, name] / num_chars[channels, role, name] for name in ("recognised", "usual")]
        print(f"{channels:8}{role:10}{rates[0]:12.4f}{rates[1]:8.4f}")
    print(f"{len(calls)} calls, spelt in {spelling_s:.1f} s")


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:])
