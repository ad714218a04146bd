"""Fingerprints of rules: by two that have the same one, a call is judged alike, so that it need not be judged again.

Everything goes in that a verdict depends on beside the call itself: the rule with its lists and points, what all items
share, the program that reads the rules, and the libraries that the program compares words with.
"""

from __future__ import annotations

import hashlib
import unicodedata
from functools import cache
from importlib.metadata import version
from pathlib import Path

from zhijian.models import records
from zhijian.rules.call.terms import pieces
from zhijian.rules.language import Rule, Sheet, SheetLine
from zhijian.rules.operators.banned import NeverSays
from zhijian.rules.operators.repeat.repeats import RepeatsKeyInfo

LENGTH = 16
"""Hexadecimal digits: enough for the few rules that a centre ever writes, on every item of every scorecard."""
LISTS = "+"
_FOLDERS = Path(__file__).parent, Path(records.__file__).parent
_NO_PROGRAM = ("standards", "blameless")
_PROGRAM = (".py", ".json", ".txt")
_LIBRARIES = ("numpy", "opencc", "pypinyin", "rapidfuzz")


def fingerprint(sheet: Sheet, line: SheetLine, rule: Rule) -> str:
    """That of an item; it is the same where only its name, its notes or its examples differ.

    It ends with LISTS where the rule lists on the scorecard what it finds, which does not say what listed it.
    """
    parts = (
        program(),
        sheet.model_dump_json(include={"judgeable", "thresholds", "silences"}),
        line.model_dump_json(exclude={"name"}),
        rule.model_dump_json(exclude={"examples", "note"}, exclude_defaults=True),
    )
    lists = any(any(pieces((rule.cases, rule.check, rule.parts), kind)) for kind in (NeverSays, RepeatsKeyInfo))
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:LENGTH] + LISTS * lists


@cache
def program() -> str:
    """That of everything a rule is read and applied with."""
    digest = hashlib.sha256()
    for folder in _FOLDERS:
        for file in sorted(folder.rglob("*")):
            name = file.relative_to(folder)
            if file.suffix in _PROGRAM and name.parts[0] not in _NO_PROGRAM:
                digest.update(f"{name.as_posix()}\0".encode() + file.read_bytes().replace(b"\r\n", b"\n"))
    libraries = [f"{library} {version(library)}" for library in _LIBRARIES]
    digest.update("\n".join((*libraries, unicodedata.unidata_version)).encode())
    return digest.hexdigest()
