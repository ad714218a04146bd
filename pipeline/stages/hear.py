"""Hear: a call's recording to its dialogue, or the reason why it cannot be judged."""

import time
from datetime import UTC, datetime
from pathlib import Path

import sqlalchemy as sa

from zhijian.models.engines.audio import MISSING, AudioError, load
from zhijian.models.engines.ears import Ears
from zhijian.pipeline.store.calls import CallTask, begin, reopen
from zhijian.pipeline.store.hearings import find_hearing, heard, heard_before, hearing_of
from zhijian.pipeline.store.judgements import WithoutSound, judged, without_sound
from zhijian.rules.judge import questions, unscorable
from zhijian.rules.standard import Standard


def reopen_arrived(engine: sa.Engine, folder: Path, source: str) -> None:
    """Gives calls back to hearing whose recording came, or was replaced, after it was found to be no usable sound."""
    waiting = without_sound(engine, source)
    reopen(engine, [call.id for call in waiting if _has_come(folder / call.call.recording, call)])


def _has_come(path: Path, call: WithoutSound) -> bool:
    try:
        changed_at = datetime.fromtimestamp(path.stat().st_ctime, UTC)
    except OSError:
        return False
    return call.reason == MISSING or changed_at > call.found_at


def hear(engine: sa.Engine, folder: Path, task: CallTask, ears: Ears, standard: Standard) -> float:
    """Hears one call and stores what was heard; a sound heard before is not heard again.

    The sound also answers what the standard is in doubt about, as far as it can.

    A recording that is no usable sound makes an unscorable scorecard, unless it was heard before and has been taken
    away since. Any other fault is the caller's: the attempt stays open. Returns the seconds of sound that were heard.
    """
    begin(engine, task.id)
    try:
        return _heard(engine, folder, task, ears, standard)
    except AudioError as error:
        if error.reason == MISSING and task.hearing is not None:
            heard_before(engine, task.id)
        else:
            judged(engine, task.id, unscorable(task.call, standard, error.reason), heard=False)
        return 0.0


def _heard(engine: sa.Engine, folder: Path, task: CallTask, ears: Ears, standard: Standard) -> float:
    sound = load(folder / task.call.recording)
    recording = sound.recording(task.call.recording)
    before = hearing_of(engine, task.hearing) if task.hearing is not None else None
    if before is not None and before.is_corrected and before.recording.sha256 == recording.sha256:
        heard_before(engine, task.id)
        return 0.0
    known = find_hearing(engine, recording.sha256, ears.fingerprint)
    if known is not None:
        heard(engine, task.id, known.recording, known.dialogue, ears.fingerprint, 0.0)
        return 0.0
    started = time.perf_counter()
    dialogue = ears.hear(sound, lambda dialogue: questions(task.call, dialogue, standard))
    heard(engine, task.id, recording, dialogue, ears.fingerprint, time.perf_counter() - started)
    return recording.duration_ms / 1000
