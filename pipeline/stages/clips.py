"""Clips: the seconds of a recording that a finding rests on, beside the report."""

import re
from pathlib import Path

from zhijian.models.engines.audio import AudioError, Sound, clip_wav, load
from zhijian.models.records.call import Call
from zhijian.models.records.scorecard import Outcome, Scorecard
from zhijian.models.records.span import Span
from zhijian.pipeline.files import private_folder, write_whole

FOLDER = "clips"
MARGIN_MS = 300
# a whole opening or ending that was searched fits; an hour-long one is not worth a copy
LONGEST_MS = 60_000
_NAME = re.compile(r"(?P<call_id>.+)-[0-9a-f]{8}-\d+-\d+\.wav")


def cut_clips(recordings: Path, out: Path, call: Call, card: Scorecard) -> dict[tuple[str, int], str]:
    """Cuts a clip for each piece of evidence of the call's deductions and doubts.

    Returns (item id, index of the evidence) -> path relative to `out`, of the clips that there are. A clip that is
    there already stays; no new one is cut where the recording is gone or no longer the sound that was judged.
    """
    wanted = {
        (item.id, index): Span(evidence.span.start_ms, min(evidence.span.end_ms, evidence.span.start_ms + LONGEST_MS))
        for item in card.items
        if item.outcome in (Outcome.FAIL, Outcome.UNSURE)
        for index, evidence in enumerate(item.evidence)
        if evidence.span
    }
    clips = {key: _name(call.call_id, card.recording_sha256 or "", span) for key, span in wanted.items()}
    missing = [key for key, name in clips.items() if not (out / name).exists()]
    sound = _same_sound(recordings / call.recording, card.recording_sha256) if missing else None
    if sound is not None:
        private_folder(out / FOLDER)
        for key in missing:
            write_whole(out / clips[key], clip_wav(sound, wanted[key], margin_ms=MARGIN_MS))
    return {key: name for key, name in clips.items() if (out / name).exists()}


def remove_other_clips(out: Path, wanted: set[str], call_ids: set[str]) -> None:
    """Deletes the clips of these calls that no finding leads to any more; all other files stay."""
    for path in (out / FOLDER).glob("*.wav"):
        clip = _NAME.fullmatch(path.name)
        if clip and clip["call_id"] in call_ids and f"{FOLDER}/{path.name}" not in wanted:
            path.unlink()


def _name(call_id: str, sha256: str, span: Span) -> str:
    return f"{FOLDER}/{call_id}-{sha256[:8]}-{span.start_ms}-{span.end_ms}.wav"


def _same_sound(path: Path, sha256: str | None) -> Sound | None:
    """The recording, if it can still be read and is still the sound that was judged."""
    try:
        sound = load(path)
    except (AudioError, OSError):
        return None
    return sound if sound.recording(path.name).sha256 == sha256 else None
