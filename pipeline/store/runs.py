"""When the pipeline ran, and what came of it."""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from zhijian.pipeline.store.database import writing
from zhijian.pipeline.store.tables import runs


def start_run(engine: sa.Engine, source: str, now: datetime) -> int:
    """Notes that a run begins; returns its number. A run without an end was killed."""
    with writing(engine) as conn:
        return conn.execute(runs.insert().values(source=source, started_at=now).returning(runs.c.id)).scalar_one()


def end_run(engine: sa.Engine, run: int, now: datetime, result: Mapping[str, Any]) -> None:
    """Notes the end of a run and its result, which must be JSON."""
    with writing(engine) as conn:
        conn.execute(
            runs.update().where(runs.c.id == run).values(ended_at=now, result=json.dumps(result, ensure_ascii=False))
        )
