"""Report: what is in the database to the output folder. Can be repeated at any time; every file appears whole."""

import platform
import resource
import sys
import time
from collections import Counter
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from importlib.metadata import version
from typing import Any

import sqlalchemy as sa

from zhijian.models.records.dialogue import Dialogue
from zhijian.models.records.scorecard import Scorecard
from zhijian.pipeline.files import private_folder, remove_drafts, whole_file, write_whole
from zhijian.pipeline.ledger import anchor, chain
from zhijian.pipeline.ledger.daily_mean import SOURCE_KIND, day_source
from zhijian.pipeline.ledger.entries import LedgerError, export_csv
from zhijian.pipeline.ledger.standing import Standing, credited_from, standing
from zhijian.pipeline.night import Night, Work
from zhijian.pipeline.stages.clips import FOLDER, cut_clips, remove_other_clips
from zhijian.pipeline.stages.outputs import write_run, write_scorecards, write_transcript
from zhijian.pipeline.store.calls import State
from zhijian.pipeline.store.database import one_moment
from zhijian.pipeline.store.hearings import duplicates, hearing_of
from zhijian.pipeline.store.judgements import JudgedCall, judged_calls
from zhijian.pipeline.store.roster import stored_roster
from zhijian.pipeline.store.tables import ledger_entries
from zhijian.reports import data as shown
from zhijian.reports.night import render_html
from zhijian.reports.workbook import write_xlsx
from zhijian.rules.standard import Standard

PACKAGES = ("zhijian", "faster-whisper", "ctranslate2", "pyannote.audio", "torch", "prefect")
RUN_SCHEMA = 1
_AT_A_TIME = 1000  # agent-days in one question: databases take so many values and no more
SCHEME_SHOWN = "incentive"  # the points that a night's report shows


def report(engine: sa.Engine, night: Night, work: Work, standard: Standard, models: dict[str, str]) -> dict[str, Any]:
    """Writes all files of the output folder; returns what run.json says. `models`: name -> sha256."""
    started = time.perf_counter()
    out = private_folder(night.out)
    remove_drafts(out, out / "transcripts", out / FOLDER)
    since = night.day or night.since
    calls = [call for call in judged_calls(engine, night.source, since) if night.covers(call.call)]
    pages = [_page(engine, night, call, call.scorecard) for call in calls if call.scorecard is not None]
    wanted = {clip for page in pages for clip in page.clips.values()}
    remove_other_clips(out, wanted, {page.call.call_id for page in pages})
    write_scorecards(out / "scorecards.jsonl", [(page.scorecard, page.published) for page in pages])
    export_csv(engine, out / "ledger.csv")
    head = chain.head(engine)
    anchor_problem = anchor.keep(night.anchor_file, head, work.started_at)
    result = _result(engine, night, work, standard, models, calls, head, anchor_problem)
    data = _night_data(engine, work, standard, calls, pages, result)
    write_whole(out / "report.html", render_html(data))
    with whole_file(out / "report.xlsx") as workbook:
        write_xlsx(data, workbook)
    result["seconds"]["report"] = round(time.perf_counter() - started, 3)
    write_run(out / "run.json", result)
    return result


def _page(engine: sa.Engine, night: Night, judged: JudgedCall, card: Scorecard) -> shown.JudgedCall:
    """Writes the call's transcript; returns what the report shows of the call, and holds of all calls at once."""
    dialogue = hearing_of(engine, judged.hearing).dialogue if judged.hearing is not None else None
    write_transcript(night.out / "transcripts", judged.call.call_id, dialogue)
    return shown.JudgedCall(
        call=judged.call,
        scorecard=card,
        published=judged.published,
        dialogue=dialogue and _without_words(dialogue),
        clips=cut_clips(night.folder, night.out, judged.call, card),
    )


def _without_words(dialogue: Dialogue) -> Dialogue:
    """The texts alone: no report shows single words, and they take fifteen times the memory."""
    return replace(dialogue, utterances=tuple(replace(said, words=()) for said in dialogue.utterances))


def _result(
    engine: sa.Engine,
    night: Night,
    work: Work,
    standard: Standard,
    models: dict[str, str],
    calls: list[JudgedCall],
    head: chain.Head,
    anchor_problem: str | None,
) -> dict[str, Any]:
    cards = [call.scorecard for call in calls if call.scorecard is not None]
    states = Counter(call.state for call in calls)
    statuses = Counter(card.status.value for card in cards)
    ids = {call.call.call_id for call in calls}
    return {
        "schema": RUN_SCHEMA,
        "started_at": work.started_at.isoformat(),
        "ended_at": datetime.now().astimezone().isoformat(),
        "source": night.source,
        "counts": {
            "calls": len(calls),
            "scored": statuses["scored"],
            "flagged": statuses["flagged"],
            "unscorable": statuses["unscorable"],
            "published": states[State.PUBLISHED],
            "held": states[State.HELD],
            "failed": states[State.FAILED],
            "unfinished": sum(call.state in (State.PULLED, State.HEARD, State.JUDGED) for call in calls),
            "refused": len(work.refused),
            "new": len(work.new),
            "revised": len(work.revised),
        },
        "refused": [{"file": r.file, "row": r.row, "call_id": r.call_id, "reason": r.reason} for r in work.refused],
        "unscorable": [{"call_id": card.call_id, "reason": card.reason} for card in cards if card.reason],
        "failed": [{"call_id": call.call.call_id, "reason": call.reason} for call in _unjudged(calls)],
        "other_days": work.other_days,
        "revised": list(work.revised),
        "possible_duplicates": [list(group) for group in duplicates(engine, night.source) if ids & set(group)],
        "heard_s": round(work.heard_s, 3),
        "seconds": dict(work.seconds),
        "real_time_factor": None if work.real_time_factor is None else round(work.real_time_factor, 4),
        "peak_memory_mb": _peak_memory_mb(),
        "standard": {"id": standard.id, "version": standard.version, "sha256": standard.sha256},
        "models": models,
        "versions": {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}},
        "ledger": {
            "posted": work.posted,
            "reversed": work.reversed,
            "entries": head.count,
            "head_sha256": head.hash,
            "anchor_problem": anchor_problem,
        },
    }


def _night_data(
    engine: sa.Engine,
    work: Work,
    standard: Standard,
    calls: list[JudgedCall],
    pages: list[shown.JudgedCall],
    result: dict[str, Any],
) -> shown.NightData:
    days = {call.call.day for call in calls}
    return shown.NightData(
        day=max(days, default=work.started_at.date()),
        generated_at=datetime.now().astimezone(),
        standard=standard.ref,
        items={item.id: shown.ItemName(name=item.name, points_max=item.points) for item in standard.items},
        calls=tuple(pages),
        refused=tuple(shown.Refusal(row=r.row, call_id=r.call_id or r.file, reason=r.reason) for r in work.refused),
        failed=tuple(
            shown.Failure(call_id=call.call.call_id, reason=call.reason or "尚未处理") for call in _unjudged(calls)
        ),
        duplicates=tuple(tuple(group) for group in result["possible_duplicates"]),
        agents=_agents(engine, max(days, default=work.started_at.date())),
        booked=_booked(engine, {(call.call.agent_no, call.call.day) for call in calls}),
        ledger_count=result["ledger"]["entries"],
        ledger_head=result["ledger"]["head_sha256"] if result["ledger"]["entries"] else None,
        run=shown.RunFacts(
            seconds_by_stage=work.seconds,
            real_time_factor=work.real_time_factor,
            versions={**result["versions"], **result["models"]},
        ),
    )


def _booked(engine: sa.Engine, agent_days: set[tuple[str, date]]) -> tuple[shown.BookedPoints, ...]:
    """What the agents' days of the report have brought, by the entries that stand for them.

    Raises LedgerError where that is not the sum of all entries about these days.
    """
    days = sorted(day_source(agent_no, day) for agent_no, day in agent_days)
    standing_for: list[Standing] = []
    summed = Decimal(0)
    with one_moment(engine) as conn:
        for start in range(0, len(days), _AT_A_TIME):
            some = days[start : start + _AT_A_TIME]
            standing_for += standing(
                conn,
                ledger_entries.c.source_id.in_(some),
                ledger_entries.c.source_kind == SOURCE_KIND,
                ledger_entries.c.scheme == SCHEME_SHOWN,
            )
            summed += credited_from(conn, SCHEME_SHOWN, SOURCE_KIND, some)
    booked = tuple(
        shown.BookedPoints(
            agent_no=one.booked.entry.account,
            day=one.booked.booked_for,
            points=one.credited,
            mean=Decimal(one.booked.details["mean"]),
            calls=len(one.booked.details["scorecards"]),
        )
        for one in standing_for
    )
    if (total := sum((points.points for points in booked), Decimal(0))) != summed:
        raise LedgerError(f"报告的积分合计 {total} 与台账分录之和 {summed} 不符:请执行 zhijian ledger verify")
    return booked


def _agents(engine: sa.Engine, day: date) -> dict[str, shown.AgentName]:
    """Names and teams by agent number: those of the day where the roster covers it."""
    entries_by_day = sorted(stored_roster(engine), key=lambda entry: entry.covers(day))
    return {entry.agent_no: shown.AgentName(name=entry.name, team=entry.team) for entry in entries_by_day}


def _unjudged(calls: list[JudgedCall]) -> list[JudgedCall]:
    """Calls that a technical fault, so far or for good, has kept from being judged."""
    return [call for call in calls if call.state in (State.FAILED, State.PULLED, State.HEARD)]


def _peak_memory_mb() -> int:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return round(peak / (1024 * 1024 if sys.platform == "darwin" else 1024))
