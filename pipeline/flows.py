"""The night as a Prefect flow. Thin: every step is a plain stage function, correctness lives in the database.

Prefect gives retries, concurrency, a schedule and a picture. A call's task takes what the night was asked to do and an
id, never sound or a dialogue; it can be run again at any time, for what is done is found in the database.
"""

import errno
import logging
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from prefect import flow, task
from prefect.cache_policies import NO_CACHE
from prefect.futures import as_completed
from prefect.task_runners import ThreadPoolTaskRunner

from zhijian.models.engines.ears import Ears, open_ears
from zhijian.models.engines.weights import WeightsError
from zhijian.models.records.account import MACHINE
from zhijian.pipeline.embedded_server import EmbeddedServer
from zhijian.pipeline.ledger.scheme import load_schemes
from zhijian.pipeline.night import Night, Work
from zhijian.pipeline.progress import progress
from zhijian.pipeline.settings import threads_for
from zhijian.pipeline.stages import book, hear, judge, pull, report
from zhijian.pipeline.store.calls import (
    MAX_TRIES,
    CallTask,
    State,
    call_task,
    failed_try,
    postponed,
    recover,
    register,
    waiting,
)
from zhijian.pipeline.store.database import StoreError, open_database
from zhijian.pipeline.store.judgements import judged_calls, known_recordings
from zhijian.pipeline.store.roster import replace_roster
from zhijian.pipeline.store.runs import end_run, start_run
from zhijian.reports.redact import mask_digits, shown_recording
from zhijian.rules.standard import Standard, load_standard

log = logging.getLogger(__name__)

RETRY_DELAY_S = 1


class CallFailed(Exception):
    """A call could not be heard or judged. Says where, never what: an exception's own text may hold customer data."""


@cache
def _engine(night: Night) -> sa.Engine:
    """One for the whole night, wherever the settings point meanwhile."""
    return open_database(night.database_url)


@cache
def _standard(night: Night) -> Standard:
    return load_standard(night.standard)


@cache
def _ears(night: Night) -> Ears:
    """One recogniser a process; its threads are shared by the jobs."""
    chosen = night.hearing
    return open_ears(
        whisper=chosen.whisper,
        diarization=chosen.diarization,
        device=chosen.device,
        compute_type=chosen.compute_type,
        beam_size=chosen.beam_size,
        agent_channel=0 if chosen.agent_channel == "left" else 1,
        threads=threads_for(chosen.threads),
    )


@task(task_run_name="pull", cache_policy=NO_CACHE)
def pull_calls(night: Night) -> Work:
    """Takes the folder's list, and roster, into the database."""
    engine = _engine(night)
    pulled = pull.pull(night.folder, calls_file=night.calls_file)
    if pulled.agents:
        replace_roster(engine, pulled.agents)
    registered = register(engine, pulled.calls)
    hear.reopen_arrived(engine, night.folder, night.source)
    known = known_recordings(engine, night.source)
    return Work(
        started_at=datetime.now().astimezone(),
        new=registered.new,
        revised=registered.revised,
        # a recording that an earlier list has named is no stray
        refused=tuple(_masked(refusal) for refusal in pulled.refused if refusal.row or refusal.file not in known),
    )


def _masked(refusal: pull.Refusal) -> pull.Refusal:
    return replace(refusal, file=mask_digits(refusal.file) if refusal.row else shown_recording(refusal.file))


def _worth_another_try(_task: Any, _run: Any, state: Any) -> bool:
    """Without weights or a database, another try would only hear the call for nothing."""
    return isinstance(state.result(raise_on_failure=False), CallFailed)


@task(
    task_run_name="hear {call_id}",
    retries=MAX_TRIES - 1,
    retry_delay_seconds=RETRY_DELAY_S,
    retry_condition_fn=_worth_another_try,
    cache_policy=NO_CACHE,
)
def hear_call(night: Night, id: int, call_id: str) -> float:
    """Hears one call; returns the seconds of sound that were heard."""
    engine = _engine(night)
    waiting_call = call_task(engine, id)
    if waiting_call.state is not State.PULLED:
        return 0.0
    with _counting_tries(engine, waiting_call):
        return hear.hear(engine, night.folder, waiting_call, _ears(night), _standard(night))


@task(task_run_name="judge", cache_policy=NO_CACHE)
def judge_calls(night: Night) -> None:
    """Judges all that has been heard; a call that cannot be judged costs no other one and waits for the next night."""
    engine = _engine(night)
    for call in _waiting(night):
        if call.state is State.HEARD:
            with suppress(CallFailed), _counting_tries(engine, call):
                judge.judge(engine, call, _standard(night))


@task(task_run_name="book", cache_policy=NO_CACHE)
def book_points(night: Night) -> book.Booked:
    """Publishes, holds and posts."""
    now = datetime.now().astimezone()
    return book.book(_engine(night), night.source, load_schemes(), actor=MACHINE, now=now)


@task(task_run_name="report", cache_policy=NO_CACHE)
def write_reports(night: Night, work: Work) -> dict[str, Any]:
    """Writes the output folder; returns what run.json says."""
    return report.report(_engine(night), night, work, _standard(night), _ears(night).models)


def run_night(night: Night, server: EmbeddedServer | None) -> dict[str, Any]:
    """The flow, hearing as many calls at a time as the night says; returns what run.json says."""
    # what is missing is said before the work begins, and before it waits for Prefect's server
    _engine(night), _ears(night), _standard(night)
    if server:
        server.wait()
    runner: Any = ThreadPoolTaskRunner(max_workers=night.jobs)
    return night_flow.with_options(task_runner=runner)(night)


@flow(name="night", validate_parameters=False)
def night_flow(night: Night) -> dict[str, Any]:
    """One night over one folder: pull, hear, judge, book, report. Returns what run.json says."""
    engine = _engine(night)
    recover(engine, night.source)
    run = start_run(engine, night.source, datetime.now().astimezone())
    seconds: dict[str, float] = {}
    with _timed(seconds, "pull"):
        work = pull_calls(night)
    not_shown = [call for call in _waiting(night) if not night.covers(call.call)]
    with _timed(seconds, "hear"):
        heard_s = _hear_all(night)
    with _timed(seconds, "judge"):
        judge_calls(night)
    with _timed(seconds, "book"):
        booked = book_points(night)
    work = replace(
        work,
        heard_s=heard_s,
        posted=booked.posted,
        reversed=booked.reversed,
        other_days=_what_became_of(engine, night, not_shown),
        seconds=seconds,
    )
    result = write_reports(night, work)
    end_run(engine, run, datetime.now().astimezone(), result)
    return result


def _hear_all(night: Night) -> float:
    """Hears what waits, `night.jobs` calls at a time; returns the seconds of sound heard.

    A call that fails costs no other one; weights or a database that cannot be used would cost them all.
    """
    calls = [call for call in _waiting(night) if call.state is State.PULLED]
    # one that took the process down may do so again: nobody else is heard beside it
    together = [[call for call in calls if not call.crashes], *([call] for call in calls if call.crashes)]
    heard_s = 0.0
    if calls:
        _ears(night).load()
    with progress("听录音", len(calls)) as advance:
        for some in together:
            futures = [hear_call.submit(night, call.id, call.call.call_id) for call in some]
            for future in as_completed(futures):
                result = future.result(raise_on_failure=False)
                if isinstance(result, StoreError | WeightsError):
                    raise result
                heard_s += result if isinstance(result, float) else 0.0
                advance()
    return heard_s


def _waiting(night: Night) -> list[CallTask]:
    """The calls up to the night's day, and whatever was judged before and has changed since."""
    return [call for call in waiting(_engine(night), night.source) if call.known or night.takes(call.call)]


def _what_became_of(engine: sa.Engine, night: Night, tasks: list[CallTask]) -> dict[str, Any]:
    """How many of the calls are judged by now, and why the others are not."""
    numbers, first_day = {task.id for task in tasks}, min((task.call.day for task in tasks), default=None)
    found = [call for call in judged_calls(engine, night.source, first_day) if call.id in numbers] if tasks else []
    unjudged = [call for call in found if call.state in (State.PULLED, State.HEARD, State.FAILED)]
    return {
        "judged": len(found) - len(unjudged),
        "failed": [{"call_id": call.call.call_id, "reason": call.reason} for call in unjudged],
    }


@contextmanager
def _counting_tries(engine: sa.Engine, call: CallTask) -> Iterator[None]:
    """An exception counts as a try of the call and goes on as CallFailed.

    One of the database, of the weights or of a disk is no call's fault.
    """
    try:
        yield
    except (StoreError, WeightsError):
        raise
    except OSError as error:
        log.error("call %s: %s", call.call.call_id, type(error).__name__)
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            postponed(engine, call.id, "磁盘已满,下次再试")
            raise StoreError("磁盘已满(临时文件在 TMPDIR 指明的文件夹):请腾出空间,再次运行即从中断处继续") from None
        postponed(engine, call.id, "录音暂时读不出来,下次再试")
        raise CallFailed(type(error).__name__) from None
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        reason = f"处理时出错:{type(error).__name__}({Path(where.filename).name} 第 {where.lineno} 行)"
        log.error("call %s: %s", call.call.call_id, reason)
        failed_try(engine, call.id, reason)
        raise CallFailed(reason) from None


@contextmanager
def _timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    started = time.perf_counter()
    yield
    seconds[stage] = round(time.perf_counter() - started, 3)
