"""The files that other programs read: scorecards.jsonl, transcripts/ and run.json."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from zhijian.models.records.codec import to_dict
from zhijian.models.records.dialogue import Dialogue, Separation, Utterance
from zhijian.models.records.scorecard import ItemResult, Scorecard
from zhijian.pipeline.files import private_folder, write_whole

SCHEMA = 1


def write_scorecards(path: Path, cards: Iterable[tuple[Scorecard, bool]]) -> None:
    """One JSON object a line for each (scorecard, published)."""
    lines = [_json(scorecard_row(card, published)) for card, published in cards]
    write_whole(path, "".join(f"{line}\n" for line in lines))


def scorecard_row(card: Scorecard, published: bool) -> dict[str, Any]:
    """A scorecard as others read it: points and scores as numbers, derived figures included."""
    return {
        "schema": SCHEMA,
        "call_id": card.call_id,
        "agent_no": card.agent_no,
        "direction": card.direction.value,
        "started_at": card.started_at.isoformat(),
        "scenario": card.scenario,
        "recording_sha256": card.recording_sha256,
        "status": card.status.value,
        "published": published,
        "reason": card.reason,
        "standard": to_dict(card.standard),
        "score": _number(card.score),
        "score_before_veto": _number(card.score_before_veto),
        "veto": card.veto,
        "veto_confirmed": card.veto_confirmed,
        "items": [_item_row(item) for item in card.items],
        "banned": [to_dict(hit) for hit in card.banned],
        "key_info": [{**to_dict(datum), "match": bool(datum.match)} for datum in card.key_info],
    }


def write_transcript(folder: Path, call_id: str, dialogue: Dialogue | None) -> None:
    """`<call_id>.json`; without utterances where nothing could be heard."""
    row = {
        "schema": SCHEMA,
        "call_id": call_id,
        "duration_ms": dialogue.duration_ms if dialogue else 0,
        "separation": (dialogue.separation if dialogue else Separation.NONE).value,
        "engine": dialogue.engine if dialogue else None,
        "utterances": [_utterance_row(u) for u in dialogue.utterances] if dialogue else [],
    }
    write_whole(private_folder(folder) / f"{call_id}.json", _json(row))


def write_run(path: Path, result: dict[str, Any]) -> None:
    write_whole(path, json.dumps(result, ensure_ascii=False, indent=1) + "\n")


def _item_row(item: ItemResult) -> dict[str, Any]:
    row = to_dict(item) | {"points": _number(item.points), "points_max": _number(item.points_max)}
    del row["rule"]  # for rescoring, and nobody else
    return row


def _utterance_row(utterance: Utterance) -> dict[str, Any]:
    return {
        "role": utterance.role.value,
        "start_ms": utterance.span.start_ms,
        "end_ms": utterance.span.end_ms,
        "text": utterance.text,
        "confidence": utterance.confidence,
        "role_confidence": utterance.role_confidence,
        "suspect": utterance.suspect,
        "words": [to_dict(word) for word in utterance.words],
    }


def _number(value: Any) -> float | int | None:
    """A decimal of at most two places as JSON writes numbers: 8, 2.67."""
    if value is None:
        return None
    return int(value) if value == int(value) else float(value)


def _json(row: dict[str, Any]) -> str:
    return json.dumps(row, ensure_ascii=False)
