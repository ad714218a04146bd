"""The commands of calibration: `zhijian review calibration …`. Several people judge the same calls blind."""

import getpass
from datetime import datetime
from typing import Annotated, Any

import typer

from zhijian.models.records.calibration import Verdict
from zhijian.models.records.scorecard import Outcome
from zhijian.models.records.span import RecordError
from zhijian.pipeline.console import DONE, AsJson, Out, open_books, say, settled
from zhijian.pipeline.settings import SettingsError
from zhijian.pipeline.store import calibrations as store
from zhijian.pipeline.store.database import writing

app = typer.Typer(no_args_is_help=True, help="校准:几个人各自评同一批通话,结束前互不可见")

Session = Annotated[int, typer.Argument(metavar="SESSION", help="校准号,见 zhijian review calibration list")]
Actor = Annotated[str | None, typer.Option(help="评审人;缺省为系统用户名")]
OUTCOMES = {Outcome.PASS: "合格", Outcome.FAIL: "不合格", Outcome.NA: "不适用"}


@app.command("open")
@settled
def open_session(
    name: Annotated[str, typer.Argument(metavar="NAME", help="校准的名称")],
    scorecards: Annotated[list[int], typer.Argument(metavar="SCORECARD...", help="要评的评分单号")],
    actor: Annotated[str | None, typer.Option(help="发起人;缺省为系统用户名")] = None,
    out: Out = None,
    as_json: AsJson = False,
) -> int:
    """发起一次校准。"""
    with writing(open_books(out)) as conn:
        session = store.open_calibration(conn, name, scorecards, actor=_actor(actor), now=_now())
    say(as_json, {"calibration": session}, f"已发起校准 {session}:{len(scorecards)} 通")
    return DONE


@app.command("judge")
@settled
def judge(
    session: Session,
    scorecard: Annotated[int, typer.Argument(metavar="SCORECARD", help="评分单号")],
    passed: Annotated[list[str] | None, typer.Option("--pass", metavar="ITEM", help="合格的项目,可多次")] = None,
    failed: Annotated[list[str] | None, typer.Option("--fail", metavar="ITEM", help="不合格的项目,可多次")] = None,
    not_applicable: Annotated[
        list[str] | None, typer.Option("--na", metavar="ITEM", help="不适用的项目,可多次")
    ] = None,
    actor: Actor = None,
    out: Out = None,
    as_json: AsJson = False,
) -> int:
    """评一通通话的几个项目;每人每项只评一次,评后不能改。"""
    given = ((Outcome.PASS, passed), (Outcome.FAIL, failed), (Outcome.NA, not_applicable))
    rater = _actor(actor)
    try:
        verdicts = [
            Verdict(scorecard=scorecard, item=item, rater=rater, outcome=outcome)
            for outcome, items in given
            for item in items or ()
        ]
    except RecordError:
        raise SettingsError("评审人不能为空") from None
    if not verdicts:
        raise SettingsError("请用 --pass、--fail、--na 写明项目")
    with writing(open_books(out)) as conn:
        store.judge(conn, session, verdicts, now=_now())
    say(as_json, {"judged": len(verdicts)}, f"已评 {len(verdicts)} 项")
    return DONE


@app.command("close")
@settled
def close(session: Session, out: Out = None, as_json: AsJson = False) -> int:
    """结束一次校准:此后不能再评,各人的评定公开。"""
    with writing(open_books(out)) as conn:
        store.close_calibration(conn, session, now=_now())
    say(as_json, {"calibration": session}, f"校准 {session} 已结束")
    return DONE


@app.command("show")
@settled
def show(session: Session, actor: Actor = None, out: Out = None, as_json: AsJson = False) -> int:
    """一次校准的通话和评定;结束前只显示评审人自己的评定。"""
    with open_books(out).connect() as conn:
        found, cards = store.calibration(conn, session), store.session_scorecards(conn, session)
        if found.closed_at is None:
            said = store.own_verdicts(conn, session, _actor(actor))
        else:
            said = store.all_verdicts(conn, session)
    calls = [{"scorecard": number, "call_id": card.call_id} for number, card in cards.items()]
    rows = [
        {"scorecard": one.scorecard, "item": one.item, "rater": one.rater, "outcome": one.outcome.value} for one in said
    ]
    lines = [
        _line(found),
        *(f"{call['scorecard']}\t{call['call_id']}" for call in calls),
        *("\t".join([str(one.scorecard), one.item, one.rater, OUTCOMES[one.outcome]]) for one in said),
    ]
    say(as_json, {**_row(found), "calls": calls, "verdicts": rows}, "\n".join(lines))
    return DONE


@app.command("list")
@settled
def list_sessions(out: Out = None, as_json: AsJson = False) -> int:
    """列出所有校准:是否结束,各人评了多少项。"""
    with open_books(out).connect() as conn:
        found = store.all_calibrations(conn)
    say(as_json, [_row(one) for one in found], "\n".join(_line(one) for one in found))
    return DONE


def _row(one: store.Calibration) -> dict[str, Any]:
    return {
        "calibration": one.id,
        "name": one.name,
        "opened_by": one.opened_by,
        "opened_at": one.opened_at.isoformat(),
        "closed_at": one.closed_at.isoformat() if one.closed_at else None,
        "scorecards": [*one.scorecards],
        "judged": one.judged,
    }


def _line(one: store.Calibration) -> str:
    judged = "、".join(f"{rater} {items} 项" for rater, items in one.judged.items())
    state = "进行中" if one.closed_at is None else "已结束"
    return "\t".join([str(one.id), one.name, one.opened_by, f"{len(one.scorecards)} 通", state, judged])


def _actor(given: str | None) -> str:
    return getpass.getuser() if given is None else given


def _now() -> datetime:
    return datetime.now().astimezone()
