"""Hear: a call's recording to its dialogue, or the reason why it cannot be judged."""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

import sqlalchemy as sa

from zhijian.models.engines.audio import AudioError, Sound, load
from zhijian.models.records.dialogue import Dialogue
from zhijian.pipeline.store.calls import CallTask, begin, reopen
from zhijian.pipeline.store.hearings import find_hearing, heard
from zhijian.pipeline.store.judgements import judged, without_sound
from zhijian.rules.judge import unscorable
from zhijian.rules.standard import Standard


class Ears(Protocol):
    """What can hear; `fingerprint` changes whenever it would hear something else in the same sound."""

    @property
    def fingerprint(self) -> str: ...

    def hear(self, sound: Sound) -> Dialogue: ...


def reopen_arrived(engine: sa.Engine, folder: Path, source: str) -> None:
    """Gives calls back to hearing whose recording came, or was replaced, after it was found to be no usable sound."""
    unheard = without_sound(engine, source)
    reopen(engine, [id for id, call, judged_at in unheard if _changed_at(folder / call.recording) > judged_at])


def _changed_at(path: Path) -> datetime:
    try:
        return datetime.fromtimestamp(path.stat().st_ctime, UTC)
    except OSError:
        return datetime.min.replace(tzinfo=UTC)


def hear(engine: sa.Engine, folder: Path, task: CallTask, ears: Ears, standard: Standard) -> float:
    """Hears one call and stores what was heard; a sound heard before is not heard again.

    A recording that is no usable sound makes an unscorable scorecard. Any other fault is the caller's: the attempt
    stays open. Returns the seconds of sound that were heard.
    """
    begin(engine, task.id)
    try:
        sound = load(folder / task.call.recording)
    except AudioError as error:
        judged(engine, task.id, unscorable(task.call, standard, error.reason))
        return 0.0
    recording = sound.recording(task.call.recording)
    known = find_hearing(engine, recording.sha256, ears.fingerprint)
    if known is not None:
        heard(engine, task.id, known.recording, known.dialogue, ears.fingerprint, 0.0)
        return 0.0
    started = time.perf_counter()
    dialogue = ears.hear(sound)
    heard(engine, task.id, recording, dialogue, ears.fingerprint, time.perf_counter() - started)
    return recording.duration_ms / 1000
