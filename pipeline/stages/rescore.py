"""Rescore: what was heard is judged again under a standard. No sound is touched.

What is new is booked like the judgement of a changed row of the call list: the scorecard stands beside the old one, is
published or held, and the agent's day is reversed and posted anew in one transaction. A run that was killed can be
repeated: what it has judged is booked by the next one, or by the next night.
"""

import logging
import traceback
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from urllib.request import url2pathname

import sqlalchemy as sa

from zhijian.models.records.account import MACHINE
from zhijian.models.records.codec import to_dict
from zhijian.pipeline.ledger import chain
from zhijian.pipeline.ledger.scheme import load_schemes
from zhijian.pipeline.night import Night
from zhijian.pipeline.progress import progress
from zhijian.pipeline.stages.book import book
from zhijian.pipeline.store.calls import State
from zhijian.pipeline.store.database import StoreError
from zhijian.pipeline.store.hearings import hearing_of
from zhijian.pipeline.store.judgements import DecidedMeanwhile, JudgedCall, judged, judged_calls
from zhijian.pipeline.store.tables import calls
from zhijian.reports.rescored import Rejudged, agent_rows, call_rows, item_rows
from zhijian.rules.rejudge import Rejudge
from zhijian.rules.standard import Standard

log = logging.getLogger(__name__)

SCHEMA = 1
BY_PERSON = "已由人工决定,不自动改判"


@dataclass(frozen=True, slots=True)
class Left:
    """A call that is left as it is, and why; `failed` says that it should not have been."""

    call_id: str
    reason: str
    failed: bool = False


def rescore(
    engine: sa.Engine, standard: Standard, *, since: date | None = None, dry_run: bool = False
) -> dict[str, Any]:
    """Judges the calls of the database again, all or those of a local day on; a dry run writes nothing.

    Returns as JSON what changes by item, agent and call, what is left as it is, and what was booked. The locks of the
    nights are the caller's to hold. Raises StoreError.
    """
    sources = _sources(engine)
    stored = [call for source in sources for call in judged_calls(engine, source, since)]
    rejudge, again = Rejudge(standard), list[Rejudged]()
    left: list[Left] = []
    with progress("重新评分", len(stored)) as advance:
        for call in stored:
            found = _judge_again(engine, call, rejudge)
            if isinstance(found, Rejudged) and found.after != found.before and not dry_run:
                found = _stored(engine, call, found)
            if isinstance(found, Left):
                left.append(found)
            else:
                again.append(found)
            advance()
    return {
        "schema": SCHEMA,
        "dry_run": dry_run,
        "standard": to_dict(standard.ref),
        "since": since and since.isoformat(),
        "counts": {
            "judged": len(again),
            "changed": sum(bool(call.changes) for call in again),
            "left": sum(not call.failed for call in left),
            "failed": sum(call.failed for call in left),
        },
        "items": item_rows(again),
        "agents": agent_rows(again),
        "calls": call_rows(again),
        "left": [{"call_id": call.call_id, "reason": call.reason} for call in left if not call.failed],
        "failed": [{"call_id": call.call_id, "reason": call.reason} for call in left if call.failed],
        "booked": None if dry_run else _book(engine, sources),
    }


def lock_files(engine: sa.Engine, out: Path, *, own_database: bool) -> tuple[Path, ...]:
    """The locks of the nights over all folders whose calls are in the database."""
    folders = [Path(url2pathname(urlsplit(source).path)) for source in _sources(engine)]
    nights = [Night(folder=folder, out=out, own_database=own_database) for folder in folders]
    return tuple(sorted({lock for night in nights for lock in night.lock_files}))


def _judge_again(engine: sa.Engine, call: JudgedCall, rejudge: Rejudge) -> Rejudged | Left:
    call_id = call.call.call_id
    if call.scorecard is None or call.state not in (State.JUDGED, State.PUBLISHED, State.HELD):
        return Left(call_id, "尚未评分,或通话记录有更正:由夜间作业评分")
    if (hearing := call.hearing) is None:
        return Left(call_id, f"录音不可评:{call.scorecard.reason}")
    if call.by_person:
        return Left(call_id, BY_PERSON)
    try:
        card = rejudge.judge(call.call, lambda: hearing_of(engine, hearing).dialogue, call.scorecard)
    except StoreError:
        raise
    except Exception as error:  # costs no other call; its text may hold customer data
        where = traceback.extract_tb(error.__traceback__)[-1]
        reason = f"评分时出错:{type(error).__name__}({Path(where.filename).name} 第 {where.lineno} 行)"
        log.error("call %s: %s", call_id, reason)
        return Left(call_id, reason, failed=True)
    return Rejudged(call.call, call.scorecard, card)


def _stored(engine: sa.Engine, call: JudgedCall, found: Rejudged) -> Rejudged | Left:
    """People go on deciding while this runs: what they have decided on by now is left, too."""
    try:
        judged(engine, call.id, found.after, instead_of=call.number)
    except DecidedMeanwhile:
        return Left(call.call.call_id, BY_PERSON)
    return found


def _book(engine: sa.Engine, sources: list[str]) -> dict[str, Any]:
    now = datetime.now().astimezone()
    booked = [book(engine, source, load_schemes(), actor=MACHINE, now=now) for source in sources]
    head = chain.head(engine)
    return {
        "published": sum(one.published for one in booked),
        "held": sum(one.held for one in booked),
        "posted": sum(one.posted for one in booked),
        "reversed": sum(one.reversed for one in booked),
        "entries": head.count,
        "head_sha256": head.hash,
    }


def _sources(engine: sa.Engine) -> list[str]:
    with engine.connect() as conn:
        return list(conn.execute(sa.select(calls.c.source).distinct().order_by(calls.c.source)).scalars())
