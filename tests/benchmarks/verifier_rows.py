#!/usr/bin/env python3
"""Makes models/training/verifier_rows.csv: what the sound answered about phrases that were said, and that were not.

usage: verifier_rows.py CALLS_DIR ...   (each with audio/ and truth.json: data_samples, ../shared/calls/dev)

A phrase that was heard well teaches nothing: give the folders, and noisy copies of them (changed_calls.py). A row tells
the number of the call, how alike a stretch sounds, how much better the phrase fits the sound than what was recognised
and how probable its own tokens are, where in the call that is (0 = beginning, 1 = end), and whether it was said, by the
label of that place: no text, no names, no ids.
"""

import csv
import json
import sys
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scaling import open_default

from zhijian.models.engines.audio import Sound, load
from zhijian.models.engines.ears import Ears
from zhijian.models.records.dialogue import Dialogue, Role, Utterance
from zhijian.models.records.questions import PhraseQuery
from zhijian.rules.call.answers import SHORTEST_CHARS
from zhijian.rules.call.phrases import find
from zhijian.rules.call.terms import GAP, Phrase
from zhijian.rules.standard import BUNDLED, phrase_lists
from zhijian.rules.words.text import normalise

ROWS = Path(__file__).parents[2] / "models" / "training" / "verifier_rows.csv"
COLUMNS = ("call", "similarity", "log_likelihood_ratio", "mean_log_probability", "place", "said")
# how alike a stretch is that may be asked about
ALIKE_FROM, ALIKE_TO = 0.55, 0.8
SCRIPTED = ("greeting", "apology", "unit", "offer_of_help", "purpose_of_call", "anything_else", "farewell")
SCRIPTED += ("wait_please", "thanks_for_waiting")


def sought() -> list[list[Phrase]]:
    """The lists of the script; phrases with gaps and very short ones left out."""
    lists = phrase_lists(BUNDLED)
    return [
        [p for p in lists[name] if GAP not in p.text and len(normalise(p.text)) >= SHORTEST_CHARS] for name in SCRIPTED
    ]


def candidate(utterance: Utterance, number: int, phrases: list[Phrase]) -> tuple[float, PhraseQuery] | None:
    """The stretch that is most like one of the phrases, unless it is so much alike that it needs no asking."""
    text = normalise(utterance.text)
    found = [
        (match.similarity, PhraseQuery(number, *text.raw_slice(match.start, match.end), phrase.text))
        for phrase in phrases
        for match in find(phrase, text, min_similarity=ALIKE_FROM)
    ]
    best = max(found, key=lambda one: one[0], default=None)
    return best if best and best[0] < ALIKE_TO else None


def was_said(phrase: str, utterance: Utterance, turns: list[dict[str, Any]]) -> bool:
    """Do the labels have it while the utterance lasts?"""
    text = " ".join(
        turn["text"]
        for turn in turns
        if turn["role"] == utterance.role.value
        and turn["start"] * 1000 < utterance.span.end_ms
        and turn["end"] * 1000 > utterance.span.start_ms
    )
    return bool(find(Phrase(text=phrase), normalise(text), min_similarity=1))


def rows_of(ears: Ears, sound: Sound, turns: list[dict[str, Any]], lists: list[list[Phrase]]) -> Iterator[tuple]:
    alike: dict[PhraseQuery, float] = {}

    def questions(dialogue: Dialogue) -> list[PhraseQuery]:
        for number, utterance in enumerate(dialogue.utterances):
            if utterance.role is Role.AGENT and not utterance.suspect:
                for phrases in lists:
                    if best := candidate(utterance, number, phrases):
                        alike[best[1]] = best[0]
        return list(alike)

    dialogue = ears.hear(sound, questions)
    for score in dialogue.phrase_scores:
        utterance = dialogue.utterances[score.query.utterance]
        place = utterance.span.start_ms / dialogue.duration_ms
        said = was_said(score.query.wording, utterance, turns)
        sound_says = round(score.log_likelihood_ratio, 2), round(score.mean_log_probability, 2)
        yield round(alike[score.query], 4), *sound_says, round(place, 2), int(said)


def main(folders: list[Path]) -> None:
    ears = open_default(threads=2)
    lists = sought()
    rows: defaultdict[int, list[tuple]] = defaultdict(list)
    numbers: dict[str, int] = {}
    for folder in folders:
        for call in json.loads((folder / "truth.json").read_text(encoding="utf-8")):
            number = numbers.setdefault(call["call_id"], len(numbers))
            (path,) = (folder / "audio").glob(f"{call['call_id']}.*")
            rows[number] += rows_of(ears, load(path), call["truth"], lists)
            print(f"{folder.name}, call {number}: {len(rows[number])} rows", file=sys.stderr)
            write(rows)


def write(rows: dict[int, list[tuple]]) -> None:
    with ROWS.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        writer.writerows((number, *row) for number, of_call in rows.items() for row in of_call)


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    main(list(map(Path, sys.argv[1:])))
