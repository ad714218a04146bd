"""The bundled standard: it loads, it proves itself, and it is the standard it says it is."""

import shutil
from decimal import Decimal
from pathlib import Path

import pytest

from zhijian.rules import proof
from zhijian.rules.call.terms import pieces
from zhijian.rules.operators.table import OPERATORS
from zhijian.rules.standard import BUNDLED, load_standard

STANDARD = load_standard()
PROOF = proof.run(STANDARD)
COMBINATORS = {"given", "all", "any", "not"}


@pytest.mark.parametrize("result", PROOF, ids=[f"{r.item_id}: {r.example}" for r in PROOF])
def test_every_example_in_the_rule_files_holds(result: proof.ProofResult) -> None:
    assert result.passed, str(result)


def test_score_sheet() -> None:
    assert (STANDARD.id, STANDARD.version) == ("95598", "1.0")
    assert {item.id: item.points for item in STANDARD.items} == {
        "opening.greeting": Decimal(4),
        "opening.identity": Decimal(6),
        "opening.offer": Decimal(4),
        "opening.late_apology": Decimal(3),
        "closing.more_help": Decimal(4),
        "closing.farewell": Decimal(4),
        "closing.hangup": Decimal(3),
        "hold.notice": Decimal(4),
        "hold.thanks": Decimal(2),
        "language.banned": Decimal(25),
        "language.courtesy": Decimal(4),
        "repeat.issue": Decimal(8),
        "repeat.key_info": Decimal(8),
        "repeat.confirmed": Decimal(4),
        "talk.interruption": Decimal(4),
        "talk.silence": Decimal(4),
        "talk.speed": Decimal(3),
        "process.outage_apology": Decimal(4),
        "process.complaint_thanks": Decimal(3),
        "process.cannot_answer": Decimal(3),
        "process.soothe": Decimal(4),
        "privacy.verify": Decimal(4),
    }
    assert sum(item.points for item in STANDARD.items) == 112
    assert {item.id for item in STANDARD.items if item.veto} == {"closing.hangup", "language.banned", "privacy.verify"}


def test_hash_covers_every_file_and_ignores_line_endings(tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    shutil.copytree(BUNDLED, folder)
    assert load_standard(folder).sha256 == STANDARD.sha256

    phrases = folder / "phrases" / "opening.yaml"
    phrases.write_bytes(phrases.read_bytes().replace(b"\n", b"\r\n"))
    assert load_standard(folder).sha256 == STANDARD.sha256

    phrases.write_bytes(phrases.read_bytes() + b"# changed\n")
    assert load_standard(folder).sha256 != STANDARD.sha256


@pytest.mark.parametrize("name", [name for name in OPERATORS if name not in COMBINATORS])
def test_every_operator_is_used(name: str) -> None:
    assert any(any(pieces(item.rule, OPERATORS[name])) for item in STANDARD.items)
