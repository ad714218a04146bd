"""The commands of the points ledger: `zhijian ledger …`. One command is one function, thin over pipeline/ledger."""

import csv
import getpass
import io
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Annotated
from uuid import uuid4

import typer

from zhijian.models.records.codec import to_dict
from zhijian.pipeline.console import (
    DONE,
    DONE_WITH_GAPS,
    NOTHING_DONE,
    AsJson,
    Out,
    add_anchor,
    anchor_file,
    open_books,
    say,
    settled,
)
from zhijian.pipeline.files import write_whole
from zhijian.pipeline.ledger import chain, entries
from zhijian.pipeline.ledger.audit import check_books
from zhijian.pipeline.ledger.by_hand import award, take_back
from zhijian.pipeline.ledger.closing import sheet_json
from zhijian.pipeline.ledger.figures import month_values
from zhijian.pipeline.ledger.months import closing_of, last_day
from zhijian.pipeline.ledger.records import Record
from zhijian.pipeline.ledger.scheme import load_scheme, load_schemes
from zhijian.pipeline.ledger.sheets import growth, month_sheet
from zhijian.pipeline.settings import SettingsError
from zhijian.pipeline.stages.book import close as close_books
from zhijian.pipeline.stages.points import Imported, import_figures, import_records
from zhijian.pipeline.store.database import writing
from zhijian.pipeline.store.roster import stored_roster

app = typer.Typer(no_args_is_help=True, help="积分台账:余额、分录、记分、导入、月结、校验")

Account = Annotated[str | None, typer.Option(help="工号")]
OfScheme = Annotated[str | None, typer.Option("--scheme", help="方案")]
Period = Annotated[str | None, typer.Option(help="月份 YYYY-MM")]
Month = Annotated[str, typer.Argument(metavar="YYYY-MM", help="月份")]
TheScheme = Annotated[str, typer.Option("--scheme", help="方案,如 incentive、work_points")]
Actor = Annotated[str | None, typer.Option(help="经办人;缺省为系统用户名")]
Role = Annotated[str, typer.Option(help="经办人的角色:shift_leader、supervisor、monitor、admin")]
Table = Annotated[Path, typer.Argument(metavar="FILE", help="表格(.csv 或 .xlsx)")]


@app.command("balance")
@settled
def balance(
    account: Account = None,
    scheme: TheScheme = "incentive",
    period: Period = None,
    out: Out = None,
    as_json: AsJson = False,
) -> int:
    """已计积分之和;指明工号而不限月份时,一并给出星级。"""
    total = entries.balance(open_books(out), account, load_scheme(scheme).id, period and _month(period))
    stars = load_scheme(scheme).stars_for(total) if account and not period else None
    say(as_json, {"balance": str(total), "stars": stars}, f"{total}\t{stars} 星" if stars else str(total))
    return DONE


@app.command("entries")
@settled
def list_entries(
    account: Account = None, scheme: OfScheme = None, period: Period = None, out: Out = None, as_json: AsJson = False
) -> int:
    """列出分录。"""
    ruled_by = scheme and load_scheme(scheme).id
    booked = entries.entries(open_books(out), account, ruled_by, period and _month(period))
    rows = [{"seq": b.seq, **to_dict(b.entry), "details": b.details, "hash": b.hash} for b in booked]
    columns = ("seq", "effective_day", "account", "points_credited", "reason")
    say(as_json, rows, "\n".join("\t".join(str(row[column]) for column in columns) for row in rows))
    return DONE


@app.command("verify")
@settled
def verify(
    anchor_path: Annotated[Path | None, typer.Option("--anchor", help="锚文件;缺省为设置 anchor")] = None,
    out: Out = None,
    as_json: AsJson = False,
) -> int:
    """校验哈希链、锚文件中的历次链头、已月结的月份,指出第一处不符。"""
    found = check_books(open_books(out), anchor_path or anchor_file(out), anchored=anchor_path is not None)
    say(as_json, found.as_json, str(found))
    return DONE if found.sound else NOTHING_DONE


@app.command("post")
@settled
def post_points(
    scheme: TheScheme,
    account: Annotated[str, typer.Option(help="工号")],
    item: Annotated[str, typer.Option(help="项目编号,见 zhijian ledger schemes")],
    reason: Annotated[str, typer.Option(help="事由,不写客户信息")],
    role: Role,
    points: Annotated[str | None, typer.Option(help="分值;固定分值的项目不必写")] = None,
    share: Annotated[str | None, typer.Option(help="工作任务的分工:alone、main、other")] = None,
    day: Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], metavar="YYYY-MM-DD", help="缺省为今天")] = None,
    request: Annotated[str | None, typer.Option(help="请求编号;同一编号只记一次")] = None,
    actor: Actor = None,
    out: Out = None,
    as_json: AsJson = False,
) -> int:
    """由人记分或扣分。"""
    ruled_by, engine, now = load_scheme(scheme), open_books(out), _now()
    given = ruled_by.item(item)
    if given is None:
        raise SettingsError(f"{ruled_by.name}没有项目 {item}")
    if account not in {entry.agent_no for entry in stored_roster(engine)}:
        raise SettingsError("工号不在花名册中")
    if share not in (None, "alone", "main", "other"):
        raise SettingsError(f"分工 {share} 应为 alone、main 或 other")
    if day is not None and day.date() > now.date():
        raise SettingsError("日期还没有到")
    record = Record(
        source_id=request or str(uuid4()),
        account=account,
        item=given,
        day=day.date() if day else now.date(),
        points=_decimal(points),
        share=share,
        role=role,
        note=reason,
    )
    with writing(engine) as conn:
        booked = award(conn, ruled_by, record, actor=actor or getpass.getuser(), now=now)
    add_anchor(engine, out, now)
    result = {"request": record.source_id, "seq": booked and booked.seq}
    text = f"第 {booked.seq} 号分录:{booked.entry.points_credited} 分" if booked else "这个请求已入账,没有重复记分"
    say(as_json, result, text)
    return DONE


@app.command("reverse")
@settled
def reverse(
    seq: Annotated[int, typer.Argument(metavar="SEQ", help="分录号")],
    scheme: TheScheme,
    reason: Annotated[str, typer.Option(help="事由,不写客户信息")],
    role: Role,
    actor: Actor = None,
    out: Out = None,
    as_json: AsJson = False,
) -> int:
    """冲销一条导入或人工的分录。"""
    engine, now, who = open_books(out), _now(), actor or getpass.getuser()
    with writing(engine) as conn:
        booked = take_back(conn, load_scheme(scheme), seq, role=role, reason=reason, actor=who, now=now)
    add_anchor(engine, out, now)
    say(as_json, {"seq": booked.seq}, f"第 {booked.seq} 号分录冲销了第 {seq} 号:{booked.entry.points_credited} 分")
    return DONE


@app.command("import")
@settled
def import_table(file: Table, scheme: TheScheme, actor: Actor = None, out: Out = None, as_json: AsJson = False) -> int:
    """导入每日记录;有错的行逐行说明、不入账,其余的行只记一次。"""
    engine = open_books(out)
    imported = import_records(engine, load_scheme(scheme), file, actor=actor or getpass.getuser(), now=_now())
    add_anchor(engine, out, _now())
    return _say_imported(imported, as_json)


@app.command("figures")
@settled
def figures(file: Table, actor: Actor = None, out: Out = None, as_json: AsJson = False) -> int:
    """导入每日指标(接听量、通话时长、签入时长、满意量……);月结时据此记分。"""
    engine = open_books(out)
    imported = import_figures(engine, load_schemes(), file, actor=actor or getpass.getuser(), now=_now())
    add_anchor(engine, out, _now())
    return _say_imported(imported, as_json)


@app.command("indicators")
@settled
def indicators(period: Month, scheme: TheScheme = "incentive", out: Out = None, as_json: AsJson = False) -> int:
    """按方案中的公式计算一个月的指标(人工效能等)。"""
    engine, ruled_by = open_books(out), load_scheme(scheme)
    with engine.connect() as conn:
        values = month_values(conn, ruled_by, _month(period), stored_roster(engine))
    rows = [
        {
            "agent_no": value.agent_no,
            "item": value.item.id,
            "name": value.item.name,
            "value": None if value.value is None else f"{float(value.value):.4f}",
            "points": str(value.item.month_value.points_for(value.value)) if value.item.month_value else None,
            "figures": dict(value.figures),
        }
        for value in values
    ]
    columns = ("agent_no", "name", "value", "points")
    say(as_json, rows, "\n".join("\t".join(str(row[column] or "-") for column in columns) for row in rows))
    return DONE


@app.command("close")
@settled
def close(period: Month, scheme: TheScheme, actor: Actor = None, out: Out = None, as_json: AsJson = False) -> int:
    """月结:指标记分,月表与排名定格;此后补来的分录记入第一个未结的日子。"""
    engine, ruled_by, now = open_books(out), load_scheme(scheme), _now()
    who, roster = actor or getpass.getuser(), stored_roster(engine)
    closing = close_books(engine, ruled_by, _month(period), roster, actor=who, now=now)
    add_anchor(engine, out, now)
    say(
        as_json,
        closing.sheet,
        f"{ruled_by.name} {period} 已月结:{len(closing.sheet['rows'])} 人,{closing.entries} 条分录",
    )
    return DONE


@app.command("sheet")
@settled
def sheet(
    period: Month,
    scheme: TheScheme,
    file: Annotated[Path | None, typer.Option("--to", metavar="FILE.csv", help="另存为 CSV,供班组公布")] = None,
    out: Out = None,
    as_json: AsJson = False,
) -> int:
    """月表与排名:各维度积分、合计、名次、奖励;已月结的月份为定格的那一张。"""
    engine, ruled_by = open_books(out), load_scheme(scheme)
    with engine.connect() as conn:
        closing = closing_of(conn, scheme, _month(period))
        shown = closing.sheet if closing else sheet_json(month_sheet(conn, ruled_by, period, stored_roster(engine)))
    names = [dimension.name for dimension in ruled_by.dimensions]
    header = ["名次", "工号", "班组", *names, "合计", "奖励"]
    rows = [
        [row["rank"], row["account"], row["team"], *row["points"], row["total"], "是" if row["bonus"] else ""]
        for row in shown["rows"]
    ]
    if file:
        text = io.StringIO()
        csv.writer(text).writerows([header, *rows])
        write_whole(file, text.getvalue().encode("utf-8-sig"))  # Excel knows UTF-8 by its mark only
    say(
        as_json,
        dict(shown) | {"closed": closing is not None},
        "\n".join("\t".join(map(str, row)) for row in [header, *rows]),
    )
    return DONE


@app.command("growth")
@settled
def growth_curve(
    account: Annotated[str, typer.Argument(metavar="AGENT_NO", help="工号")],
    scheme: TheScheme = "incentive",
    out: Out = None,
    as_json: AsJson = False,
) -> int:
    """一名坐席的成长曲线:每天的积分与累计。"""
    with open_books(out).connect() as conn:
        days = growth(conn, load_scheme(scheme), account)
    rows = [{"day": day.day.isoformat(), "credited": str(day.credited), "total": str(day.total)} for day in days]
    say(as_json, rows, "\n".join("\t".join(row.values()) for row in rows))
    return DONE


@app.command("export")
@settled
def export(
    file: Annotated[Path, typer.Argument(metavar="FILE.csv", help="写成的文件")],
    out: Out = None,
    as_json: AsJson = False,
) -> int:
    """全部分录写入一个 CSV 文件。"""
    engine = open_books(out)
    entries.export_csv(engine, file)
    say(as_json, asdict(chain.head(engine)), f"{file}:{chain.head(engine).count} 条分录")
    return DONE


@app.command("schemes")
@settled
def schemes(as_json: AsJson = False) -> int:
    """检查积分方案文件(连同其中的例子)并列出项目。"""
    loaded = load_schemes()
    rows = [
        {"scheme": scheme.id, "version": scheme.version, "code": item.code, "id": item.id, "name": item.name}
        for scheme in loaded
        for item in scheme.items
    ]
    say(as_json, rows, "\n".join("\t".join(row.values()) for row in rows))
    return DONE


def _say_imported(imported: Imported, as_json: bool) -> int:
    refused = [{"row": line, "reason": reason} for line, reason in imported.refused]
    lines = [f"第 {line} 行:{reason}" for line, reason in imported.refused]
    lines.append(f"新记 {imported.posted} 行,已有 {imported.repeated} 行,未受理 {len(refused)} 行")
    say(as_json, {"posted": imported.posted, "repeated": imported.repeated, "refused": refused}, "\n".join(lines))
    return DONE_WITH_GAPS if refused else DONE


def _month(period: str) -> str:
    try:
        return last_day(period).strftime("%Y-%m")
    except ValueError:
        raise SettingsError(f"{period} 不是月份,应写成 2026-11") from None


def _decimal(points: str | None) -> Decimal | None:
    try:
        given = None if points is None else Decimal(points)
    except ArithmeticError:
        given = Decimal("NaN")
    if given is not None and not given.is_finite():
        raise SettingsError(f"分值 {points} 不是数字")
    return given


def _now() -> datetime:
    return datetime.now().astimezone()
