"""Makes models/engines/homophones.json from calls that were made up: python models/training/train_homophones.py

It learns which characters follow which in the dialogues of tests/rules/dialogues, of rules/blameless and of scenarios/
and roles/ beside this file. Characters are homophones where the rules hear no difference (rules/words), as far as they
were seen at all; particles, numerals, 您, 你 and 请 have none. What the bundled standard wants literally is written
down with them.

The figures are cross-validated, a file at a time: of its characters one in ten is replaced by a homophone, and all are
spelt anew as if a recogniser were SURE of them. The same corpus gives the same file; nothing here is needed at run
time.
"""

import hashlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

import yaml

from zhijian.models.engines import homophones
from zhijian.models.engines.homophones import NUMERALS, Language, Speller, breaths
from zhijian.rules.call.terms import pieces
from zhijian.rules.operators.banned import BannedPhrase
from zhijian.rules.standard import load_standard
from zhijian.rules.words.pinyin import sound_of
from zhijian.rules.words.sounds import sounds
from zhijian.rules.words.text import FILLER_WORDS, fillers

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
MADE = Path(homophones.__file__).with_name("homophones.json")
FOLDERS = ROOT / "tests" / "rules" / "dialogues", ROOT / "rules" / "blameless", HERE / "scenarios", HERE / "roles"
LEFT_ALONE = frozenset("您你请")
MISSPELT, SURE = 0.1, 0.7

Corpus = Mapping[str, Sequence[str]]


def read_corpus() -> Corpus:
    """What is said in each file, by its path."""
    files = (path for folder in FOLDERS for path in sorted(folder.iterdir()) if path.suffix in (".yaml", ".txt"))
    return {path.relative_to(ROOT).as_posix(): list(_said(path)) for path in files}


def corpus_hash(corpus: Corpus) -> str:
    return hashlib.sha256(json.dumps(corpus, ensure_ascii=False, sort_keys=True).encode()).hexdigest()


def _said(path: Path) -> Iterator[str]:
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".yaml":
        yield from _lines(yaml.load(text, yaml.CSafeLoader))
    else:
        yield from (line.partition(":")[2] or line for line in text.splitlines())


def _lines(content: Any) -> Iterator[str]:
    """What agents and customers say, wherever it stands in a file."""
    if isinstance(content, list):
        for part in content:
            yield from _lines(part)
    elif isinstance(content, dict):
        for name, part in content.items():
            if name in ("agent", "customer") and isinstance(part, str):
                yield part
            else:
                yield from _lines(part)


def learn(texts: Iterable[str]) -> Speller:
    followers: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for text in texts:
        for breath in breaths(text):
            for at in range(2, len(breath)):
                followers[breath[at - 2 : at]][breath[at]] += 1
    seen = {char for chars in followers.values() for char in chars} - {homophones.END, homophones.NUMBER}
    return Speller(Language(followers), groups_of(seen), literal())


def literal() -> list[str]:
    """What rules want by the very characters: banned phrases that sound like other words, words that fill pauses."""
    banned = pieces(tuple(item.rule.check for item in load_standard().items), BannedPhrase)
    wordings = [wording for phrase in banned for wording in phrase.wordings if wording.literal]
    return sorted({*FILLER_WORDS, *(part for wording in wordings for part in wording.parts)})


def groups_of(chars: Iterable[str]) -> list[str]:
    """Those of two characters or more that sound alike."""
    groups: defaultdict[tuple[tuple[int, ...], str], list[str]] = defaultdict(list)
    for char in sorted(set(chars) - set(NUMERALS) - LEFT_ALONE):
        if not any(fillers(char)):
            groups[sound_of(char).symbols, sounds(char)].append(char)
    return sorted("".join(group) for group in groups.values() if len(group) > 1)


def figures(corpus: Corpus, files: Iterable[str]) -> dict[str, float]:
    """Of the misspelt characters of these files the share put right, and of the others the share spoilt."""
    random, counts = Random(1), Counter[str]()
    for file in files:
        speller = learn(text for other, said in corpus.items() if other != file for text in said)
        alike = {char: group.replace(char, "") for group in speller.groups for char in group}
        for text in corpus[file]:
            written = "".join(
                random.choice(alike[char]) if char in alike and random.random() < MISSPELT else char for char in text
            )
            for meant, heard, now in zip(text, written, speller.spelling(written, [SURE] * len(text)), strict=True):
                counts["right" if meant == heard else "misspelt"] += 1
                counts["spoilt"] += heard == meant != now
                counts["put right"] += heard != meant == now
    return {
        "misspelt": counts["misspelt"],
        "put_right": round(counts["put right"] / counts["misspelt"], 3),
        "others": counts["right"],
        "spoilt": round(counts["spoilt"] / counts["right"], 4),
    }


def main() -> None:
    corpus = read_corpus()
    made = learn(text for texts in corpus.values() for text in texts)
    head = {
        "about": "made by models/training/train_homophones.py: what followed two characters, and how often",
        "corpus": corpus_hash(corpus),
        "cross_validation": figures(corpus, corpus),
        "homophones": made.groups,
        "literal": made.literal,
    }
    print(
        json.dumps(head | {"homophones": len(made.groups), "literal": len(made.literal)}, ensure_ascii=False, indent=1)
    )
    rows = [[before, "".join(chars), list(chars.values())] for before, chars in sorted(made.language.followers.items())]
    lines = ",\n".join(json.dumps(row, ensure_ascii=False, separators=(",", ":")) for row in rows)
    start = json.dumps(head, ensure_ascii=False, indent=1).removesuffix("\n}")
    MADE.write_text(f'{start},\n "followers": [\n{lines}\n ]\n}}\n', encoding="utf-8")
    print(f"{MADE.name}: {len(rows)} histories, {MADE.stat().st_size // 1000} kB")


if __name__ == "__main__":
    main()
