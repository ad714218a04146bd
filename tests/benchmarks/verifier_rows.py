#!/usr/bin/env python3
"""Makes models/training/verifier_rows.csv: what the sound answered about phrases that were said, and that were not.

usage: verifier_rows.py OUT_DIR CALLS_DIR [OUT_DIR CALLS_DIR ...]

OUT_DIR is the output folder of `zhijian run CALLS_DIR --out OUT_DIR`, CALLS_DIR a folder with truth.json: the labelled
calls, their noisy copies (changed_calls.py), strangers' dialogues (speak_dialogues.py); a phrase that was heard well
teaches nothing. A row is an answer that the run has stored: the number of the call, the same in all copies, how alike
the stretch sounds, how much better the phrase fits the sound than what was recognised, how probable its own tokens
are, where in the call that is (0 = beginning, 1 = end), and whether it was said, by the label of that place: no text,
no names, no ids.
"""

import csv
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from judging import heard_calls

from zhijian.models.records.dialogue import Dialogue, Utterance
from zhijian.models.records.questions import PhraseScore
from zhijian.pipeline.night import own_database_url
from zhijian.pipeline.store.database import open_database
from zhijian.rules.call.answers import SHORTEST_CHARS
from zhijian.rules.call.phrases import find
from zhijian.rules.call.terms import Phrase
from zhijian.rules.words.text import normalise

ROWS = Path(__file__).parents[2] / "models" / "training" / "verifier_rows.csv"
COLUMNS = ("call", "similarity", "log_likelihood_ratio", "mean_log_probability", "place", "said")
# readings of a number are asked about as well
NUMBER = re.compile("[零一二三四五六七八九十幺0-9]+")
ALIKE_FROM = 0.5
YI_OR_YAO = "一幺"


def similarity(score: PhraseScore, utterance: Utterance) -> float | None:
    """How alike (0..1) the stretch is to the phrase; None where it is no phrase that was asked about."""
    text, phrase = normalise(utterance.text), score.query.wording
    chars = normalise(phrase).chars
    was_recognised = score.log_likelihood_ratio == 0
    if was_recognised or len(chars) < SHORTEST_CHARS or NUMBER.fullmatch(chars):
        return None
    asked = (score.query.start, score.query.end)
    alike = find(Phrase(text=phrase), text, min_similarity=ALIKE_FROM)
    return next((match.similarity for match in alike if text.raw_slice(match.start, match.end) == asked), None)


def was_said(phrase: str, utterance: Utterance, turns: list[dict[str, Any]]) -> bool:
    """Do the labels have it while the utterance lasts?"""
    text = " ".join(
        turn["text"]
        for turn in turns
        if turn["role"] == utterance.role.value
        and turn["start"] * 1000 < utterance.span.end_ms
        and turn["end"] * 1000 > utterance.span.start_ms
    )
    if any(char in phrase for char in YI_OR_YAO):  # the same to the rules, not to the ear
        return normalise(phrase).chars in normalise(text).chars
    return bool(find(Phrase(text=phrase), normalise(text), min_similarity=1))


def rows_of(dialogue: Dialogue, turns: list[dict[str, Any]]) -> Iterator[tuple]:
    for score in dialogue.phrase_scores:
        utterance = dialogue.utterances[score.query.utterance]
        if (alike := similarity(score, utterance)) is not None:
            place = utterance.span.start_ms / dialogue.duration_ms
            said = was_said(score.query.wording, utterance, turns)
            sound_says = round(score.log_likelihood_ratio, 2), round(score.mean_log_probability, 2)
            yield round(alike, 4), *sound_says, round(place, 2), int(said)


def main(folders: list[Path]) -> None:
    numbers: dict[str, int] = {}
    rows: list[tuple] = []
    for out, calls_folder in zip(folders[::2], folders[1::2], strict=True):
        truth = json.loads((calls_folder / "truth.json").read_text(encoding="utf-8"))
        turns = {call["call_id"]: call["truth"] for call in truth}
        for call, dialogue in heard_calls(open_database(own_database_url(out)), calls_folder.resolve().as_uri()):
            number = numbers.setdefault(call.call_id, len(numbers))
            rows += [(number, *row) for row in rows_of(dialogue, turns[call.call_id])]
    if not rows:
        sys.exit("none of these runs has heard these calls")
    with ROWS.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([COLUMNS, *rows])


if __name__ == "__main__":
    if len(sys.argv) < 3 or len(sys.argv) % 2 == 0:
        sys.exit(__doc__)
    main(list(map(Path, sys.argv[1:])))
