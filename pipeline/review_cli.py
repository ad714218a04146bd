"""The commands of reviewing: `zhijian review …`. What waits for a person, and what the person decides."""

import getpass
import random
from collections.abc import Iterable
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Literal

import sqlalchemy as sa
import typer

from zhijian.models.records.review import Ruling
from zhijian.models.records.sampling import MAX_SEED, DrawnFor, Risk, Sampling
from zhijian.models.records.scorecard import ItemResult, Outcome, Status
from zhijian.models.records.span import RecordError
from zhijian.pipeline import account_cli, agreement_cli, calibration_cli
from zhijian.pipeline.console import DONE, AsJson, Out, add_anchor, anchor_file, open_books, say, settled
from zhijian.pipeline.ledger.scheme import load_schemes
from zhijian.pipeline.settings import SettingsError, load_settings
from zhijian.pipeline.stages.outputs import scorecard_row
from zhijian.pipeline.stages.review import in_doubt, queue, review
from zhijian.pipeline.stages.sample import sample
from zhijian.pipeline.store.access_log import Action, log
from zhijian.pipeline.store.database import writing
from zhijian.pipeline.store.judgements import Judgement, judgement_of
from zhijian.pipeline.store.samples import Drawn, Waiting
from zhijian.pipeline.store.samples import waiting as drawn_calls
from zhijian.rules.standard import load_standard

app = typer.Typer(invoke_without_command=True)
app.add_typer(account_cli.app, name="account")
app.add_typer(agreement_cli.app)
app.add_typer(calibration_cli.app, name="calibration")

Scorecard = Annotated[int, typer.Argument(metavar="SCORECARD", help="评分单号,见 zhijian review list")]

RISK_NAMES = {Risk.SCENARIO: "投诉或举报", Risk.SATISFACTION: "客户不满意", Risk.SCORE: "低分"}


@app.callback()
def workbench(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="监听的地址;缺省为设置 review.host")] = None,
    port: Annotated[int | None, typer.Option(help="端口;缺省为设置 review.port")] = None,
    out: Out = None,
) -> None:
    """人工复核:不带子命令时启动网页工作台,直到停止。"""
    if context.invoked_subcommand is None:
        _serve(host, port, out)


@settled
def _serve(host: str | None, port: int | None, out: Path | None) -> int:
    from zhijian.pipeline.web.serve import serve  # what only the workbench needs would slow every other command

    settings = load_settings()
    given = {name: value for name, value in (("host", host), ("port", port)) if value is not None}
    serve(open_books(out), settings.standard, anchor_file(out), settings.review.model_copy(update=given))
    return DONE


@app.command("list")
@settled
def list_waiting(out: Out = None, as_json: AsJson = False) -> int:
    """列出待人工决定的通话:疑似一票否决在前,其次待复核,再次抽查,先来先列。"""
    engine, names = open_books(out), _item_names()
    with engine.connect() as conn:
        drawn = {one.judgement.id: one for one in drawn_calls(conn)}
    held = queue(engine)
    waiting = [*held, *(one.judgement for one in drawn.values() if one.judgement not in held)]
    rows = [
        {
            "scorecard": one.id,
            "call_id": one.scorecard.call_id,
            "agent_no": one.scorecard.agent_no,
            "started_at": one.scorecard.started_at.isoformat(),
            "veto": list(_vetoed(one)),
            "unsure": list(in_doubt(one)),
            "drawn_for": drawn[one.id].drawn_for if one.id in drawn else None,
            "risks": [*drawn[one.id].risks] if one.id in drawn else [],
        }
        for one in waiting
    ]
    say(as_json, rows, "\n".join(_queue_line(one, drawn.get(one.id), names) for one in waiting))
    return DONE


@app.command("show")
@settled
def show(scorecard: Scorecard, out: Out = None, as_json: AsJson = False) -> int:
    """一张评分单:每个项目的判定、得分、理由和证据(含客户原话);查看会记入访问日志。"""
    engine, names = open_books(out), _item_names()
    seen = _judgement(engine, scorecard)
    with writing(engine) as conn:
        log(conn, Action.UNMASK, actor=getpass.getuser(), now=datetime.now().astimezone(), call=seen.call)
    lines = [line for item in seen.scorecard.items for line in _item_lines(item, names.get(item.id, item.id))]
    say(as_json, scorecard_row(seen.scorecard, False), "\n".join(lines))
    return DONE


@app.command("decide")
@settled
def decide(
    scorecard: Scorecard,
    reason: Annotated[str, typer.Option(help="理由,不写客户信息")],
    passed: Annotated[list[str] | None, typer.Option("--pass", metavar="ITEM", help="改判合格的项目,可多次")] = None,
    failed: Annotated[
        list[str] | None, typer.Option("--fail", metavar="ITEM=POINTS", help="改判扣分的项目和所得分,可多次")
    ] = None,
    not_applicable: Annotated[
        list[str] | None, typer.Option("--na", metavar="ITEM", help="改判不适用的项目,可多次")
    ] = None,
    veto: Annotated[Literal["confirm", "reject"] | None, typer.Option(help="确认或否定一票否决")] = None,
    actor: Annotated[str | None, typer.Option(help="复核人;缺省为系统用户名")] = None,
    out: Out = None,
    as_json: AsJson = False,
) -> int:
    """决定一张评分单;没有疑问的即发布并入账。别人已先决定的,不会覆盖。"""
    engine, now = open_books(out), datetime.now().astimezone()
    seen = _judgement(engine, scorecard)
    known = {item.id for item in seen.scorecard.items}
    try:
        rulings = [
            *(Ruling(item=_known(id, known), outcome=Outcome.PASS, reason=reason) for id in passed or ()),
            *(Ruling(item=_known(id, known), outcome=Outcome.NA, reason=reason) for id in not_applicable or ()),
            *(_fail(text, known, reason) for text in failed or ()),
        ]
        decided = review(
            engine,
            load_schemes(),
            seen,
            rulings,
            veto_confirmed=None if veto is None else veto == "confirm",
            veto_by_two=load_settings().review.veto_by_two,
            reason=reason,
            actor=actor or getpass.getuser(),
            now=now,
        )
    except RecordError:
        raise SettingsError("这个决定不能成立,请检查项目、判定、所得分和理由") from None
    add_anchor(engine, out, now)
    published, left = decided.scorecard.publishes_itself, in_doubt(decided)
    still = "、".join(["疑似否决"] * (decided.scorecard.status is Status.FLAGGED) + [*left])
    result = {"scorecard": decided.id, "published": published, "unsure": list(left)}
    text = f"已发布:{decided.scorecard.score} 分" if published else f"仍待决定:{still}"
    say(as_json, result, f"评分单 {decided.id} {text}")
    return DONE


@app.command("sample")
@settled
def draw(
    first: Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], metavar="YYYY-MM-DD", help="首日")],
    last: Annotated[datetime, typer.Option("--to", formats=["%Y-%m-%d"], metavar="YYYY-MM-DD", help="末日,含当日")],
    per_agent: Annotated[int, typer.Option(min=1, help="每个坐席随机抽几通")],
    seed: Annotated[int | None, typer.Option(min=0, max=MAX_SEED, help="随机种子;缺省为随机,结果中给出")] = None,
    actor: Annotated[str | None, typer.Option(help="抽样人;缺省为系统用户名")] = None,
    out: Out = None,
    as_json: AsJson = False,
) -> int:
    """抽样复核:每个坐席随机抽几通没有人看过的通话,另加所有风险通话;同一种子抽到相同的通话。"""
    chosen = random.randint(0, MAX_SEED) if seed is None else seed
    try:
        wanted = Sampling(from_day=first.date(), to_day=last.date(), per_agent=per_agent, seed=chosen)
    except RecordError:
        raise SettingsError("--from 不能晚于 --to") from None
    now = datetime.now().astimezone()
    number, drawn = sample(open_books(out), wanted, actor=actor or getpass.getuser(), now=now)
    rows = [
        {
            "scorecard": one.candidate.scorecard,
            "call_id": one.candidate.call_id,
            "agent_no": one.candidate.agent_no,
            "drawn_for": one.drawn_for,
            "risks": [*one.candidate.risks],
        }
        for one in drawn
    ]
    head = f"抽样 {number}:{len(drawn)} 通,种子 {chosen}"
    say(as_json, {"sample": number, "seed": chosen, "calls": rows}, "\n".join([head, *map(_drawn_line, drawn)]))
    return DONE


def _judgement(engine: sa.Engine, scorecard: int) -> Judgement:
    with engine.connect() as conn:
        found = judgement_of(conn, scorecard)
    if found is None:
        raise SettingsError(f"没有评分单 {scorecard}")
    return found


def _known(item: str, known: Iterable[str]) -> str:
    if item not in known:
        raise SettingsError(f"评分单里没有项目 {item}")
    return item


def _fail(text: str, known: Iterable[str], reason: str) -> Ruling:
    item, _, points = text.partition("=")
    try:
        return Ruling(item=_known(item, known), outcome=Outcome.FAIL, points=Decimal(points), reason=reason)
    except ArithmeticError:
        raise SettingsError(f"--fail {text} 应写成 项目=所得分,如 opening.greeting=0") from None


def _vetoed(judgement: Judgement) -> tuple[str, ...]:
    return tuple(item.id for item in judgement.scorecard.items if item.veto)


def _queue_line(one: Judgement, drawn: Waiting | None, names: dict[str, str]) -> str:
    vetoes = [f"疑似否决:{names.get(id, id)}" for id in _vetoed(one)]
    doubts = [f"待复核:{names.get(id, id)}" for id in in_doubt(one)]
    sampled = [f"抽查:{_why(drawn.drawn_for, drawn.risks)}"] if drawn else []
    return "\t".join([str(one.id), one.scorecard.call_id, one.scorecard.agent_no, *vetoes, *doubts, *sampled])


def _drawn_line(drawn: Drawn) -> str:
    one = drawn.candidate
    return "\t".join([str(one.scorecard), one.call_id, one.agent_no, _why(drawn.drawn_for, one.risks)])


def _why(drawn_for: DrawnFor, risks: Iterable[Risk]) -> str:
    return "\t".join(["随机" if drawn_for is DrawnFor.RANDOM else "风险", *(RISK_NAMES[risk] for risk in risks)])


def _item_lines(item: ItemResult, name: str) -> list[str]:
    points = "-" if item.points is None else f"{item.points}/{item.points_max}"
    head = [item.id, name, item.outcome.value, points, "疑似否决" if item.veto else "", item.reason or ""]
    evidence = [
        f"    {one.span.start_ms / 1000:.1f}–{one.span.end_ms / 1000:.1f} s  {one.quote} {one.detail}"
        if one.span
        else f"    {one.quote} {one.detail}"
        for one in item.evidence
    ]
    return ["\t".join(head), *evidence]


def _item_names() -> dict[str, str]:
    return {item.id: item.name for item in load_standard(load_settings().standard).items}
