#!/usr/bin/env python3
"""Whether the sound has the 对 or 是的 that a recogniser loses at the beginning of a customer's utterance.

usage: lost_yes.py CALLS_DIR ...   (each with audio/ and truth.json; copies with another sound: changed_calls.py)

Of the utterances in which no assent was recognised: how many begin with one by the labels, how many of these the sound
has by each of the limits of confirmations.py, and how many of the rest.
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scaling import open_default

from zhijian.models.engines.audio import load
from zhijian.models.engines.ears import Ears
from zhijian.models.records.dialogue import Dialogue, Role, Utterance
from zhijian.models.records.questions import PhraseQuery, PhraseScore
from zhijian.rules.operators.repeat.confirmations import YES_POSSIBLE, YES_SAID, yes_queries
from zhijian.rules.words.text import normalise

ASSENT = re.compile("[嗯啊哎诶唉哦]*(?:对|是的|是啊|没错|正确|是这样)")
LIMITS = (YES_POSSIBLE, YES_SAID)
SAME_MS = 600
"""A turn of the labels that begins so near to an utterance is the same."""


def is_assent(text: str) -> bool:
    return ASSENT.match(normalise(text).chars) is not None


def asked_about(dialogue: Dialogue) -> Iterator[tuple[int, Utterance]]:
    for number, one in enumerate(dialogue.utterances):
        if one.role is Role.CUSTOMER and not one.suspect and one.words and not is_assent(one.text):
            yield number, one


def answers(ears: Ears, path: Path, turns: list[dict[str, Any]]) -> Iterator[tuple[list[PhraseScore], bool]]:
    """How well a yes fits the beginning of each utterance, and whether it was said."""

    def questions(dialogue: Dialogue) -> list[PhraseQuery]:
        return [query for number, one in asked_about(dialogue) for query in yes_queries(number, one)]

    dialogue = ears.hear(load(path), questions)
    for number, one in asked_about(dialogue):
        scores = [score for score in dialogue.phrase_scores if score.query.utterance == number]
        same = [
            turn["text"]
            for turn in turns
            if turn["role"] == "customer" and abs(turn["start"] * 1000 - one.span.start_ms) < SAME_MS
        ]
        if scores and same:
            yield scores, is_assent(same[0])


def main(folders: list[Path]) -> None:
    ears = open_default(threads=2)
    found: list[tuple[list[PhraseScore], bool]] = []
    for folder in folders:
        for call in json.loads((folder / "truth.json").read_text(encoding="utf-8")):
            (path,) = (folder / "audio").glob(f"{call['call_id']}.*")
            found += answers(ears, path, call["truth"])
    said = [scores for scores, was_said in found if was_said]
    unsaid = [scores for scores, was_said in found if not was_said]
    print(f"{len(found)} utterances without a recognised assent; {len(said)} begin with one")
    for limits in LIMITS:
        right, wrong = (sum(any(map(limits.allow, scores)) for scores in group) for group in (said, unsaid))
        print(f"from {limits} on: {right} of them, {wrong} of the rest")


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(list(map(Path, sys.argv[1:])))
