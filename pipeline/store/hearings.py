"""What was heard, once for each sound and engine, however many calls share the sound."""

from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa

from zhijian.models.records.dialogue import Dialogue
from zhijian.models.records.recording import Recording
from zhijian.pipeline.store.calls import State, change
from zhijian.pipeline.store.database import StoreError, writing
from zhijian.pipeline.store.tables import calls, hearings

CORRECTION = " correction "  # between the fingerprint of the engine that had heard it and a number


@dataclass(frozen=True, slots=True)
class Hearing:
    """`hearing_s` is how many seconds it took; `recording.uri` is of the call that was heard first."""

    id: int
    engine_fingerprint: str
    recording: Recording
    dialogue: Dialogue
    hearing_s: float

    @property
    def is_corrected(self) -> bool:
        """A person has put lines of it right."""
        return CORRECTION in self.engine_fingerprint


def find_hearing(engine: sa.Engine, recording_sha256: str, engine_fingerprint: str) -> Hearing | None:
    """What that engine heard in that sound, if it has heard it before."""
    with engine.connect() as conn:
        return _one(conn, _of_sound(recording_sha256, engine_fingerprint))


def hearing_of(engine: sa.Engine, hearing: int) -> Hearing:
    """The hearing a call task or scorecard names. Raises StoreError for an unknown id."""
    with engine.connect() as conn:
        found = _one(conn, hearings.c.id == hearing)
    if found is None:
        raise StoreError(f"数据库中没有编号为 {hearing} 的听写记录")
    return found


def heard(
    engine: sa.Engine, id: int, recording: Recording, dialogue: Dialogue, engine_fingerprint: str, hearing_s: float
) -> None:
    """Stores what was heard in a call, moves the call to `heard` and closes the attempt.

    A hearing of the same sound and engine stays.
    """
    with writing(engine) as conn:
        hearing = conn.execute(
            sa.select(hearings.c.id).where(_of_sound(recording.sha256, engine_fingerprint))
        ).scalar_one_or_none()
        if hearing is None:
            hearing = conn.execute(
                hearings.insert()
                .values(
                    recording_sha256=recording.sha256,
                    engine_fingerprint=engine_fingerprint,
                    recording=recording,
                    dialogue=dialogue,
                    hearing_s=hearing_s,
                    heard_at=datetime.now().astimezone(),
                )
                .returning(hearings.c.id)
            ).scalar_one()
        change(conn, id, state=State.HEARD, hearing=hearing, attempt_started_at=None)


def heard_before(engine: sa.Engine, id: int) -> None:
    """Moves a call to `heard` with what was heard in it before, and closes the attempt."""
    with writing(engine) as conn:
        change(conn, id, state=State.HEARD, attempt_started_at=None)


def duplicates(engine: sa.Engine, source: str) -> tuple[tuple[str, ...], ...]:
    """Groups of call ids of a source whose recordings hold the same sound."""
    groups: dict[str, list[str]] = {}
    with engine.connect() as conn:
        for row in conn.execute(
            sa.select(hearings.c.recording_sha256, calls.c.call_id)
            .join_from(calls, hearings)
            .where(calls.c.source == source)
            .order_by(calls.c.call_id)
        ):
            groups.setdefault(row.recording_sha256, []).append(row.call_id)
    return tuple(sorted(tuple(ids) for ids in groups.values() if len(ids) > 1))


def _of_sound(recording_sha256: str, engine_fingerprint: str) -> sa.ColumnElement[bool]:
    return sa.and_(hearings.c.recording_sha256 == recording_sha256, hearings.c.engine_fingerprint == engine_fingerprint)


def _one(conn: sa.Connection, which: sa.ColumnElement[bool]) -> Hearing | None:
    row = conn.execute(sa.select(hearings).where(which)).one_or_none()
    if row is None:
        return None
    return Hearing(row.id, row.engine_fingerprint, row.recording, row.dialogue, row.hearing_s)
