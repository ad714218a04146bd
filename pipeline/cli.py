"""The command line. One command is one function, thin over the stages; results go to standard output, nothing else."""

import logging
import sys
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from typer import rich_utils

from zhijian.models.engines import memory, weights
from zhijian.pipeline import ledger_cli, offline, review_cli
from zhijian.pipeline.console import (
    DONE,
    DONE_WITH_GAPS,
    NOTHING_DONE,
    WRONG_USE,
    AsJson,
    Out,
    anchor_file,
    holding,
    open_books,
    refuse,
    say,
    settled,
)
from zhijian.pipeline.embedded_server import embedded_server
from zhijian.pipeline.files import private_folder
from zhijian.pipeline.ledger.audit import check_books
from zhijian.pipeline.night import Night, own_database_url
from zhijian.pipeline.settings import JOBS, SettingsError, load_settings
from zhijian.pipeline.stages.rescore import lock_files
from zhijian.pipeline.stages.rescore import rescore as rescore_calls
from zhijian.pipeline.store.backup import backup, restore
from zhijian.pipeline.summary import summary_lines
from zhijian.pipeline.wrong_use import told
from zhijian.reports import rescored
from zhijian.rules import gate, proof
from zhijian.rules.explain import explain
from zhijian.rules.standard import load_standard

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="质检:录音到评分、积分与报告"
)
models_app = typer.Typer(no_args_is_help=True, help="模型权重:下载、校验、列出")
rules_app = typer.Typer(no_args_is_help=True, help="监听评分标准:检查、自测、列出")
app.add_typer(models_app, name="models")
app.add_typer(rules_app, name="rules")
app.add_typer(ledger_cli.app, name="ledger")
app.add_typer(review_cli.app, name="review")

Date = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d"], metavar="YYYY-MM-DD", help="报告这一天的通话;此前未处理的一并处理"),
]
Since = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], metavar="YYYY-MM-DD", help="从这一天起的通话")]


@app.command()
@settled
def night(
    folder: Annotated[Path | None, typer.Argument(help="输入文件夹;缺省为设置 source")] = None,
    calls: Annotated[Path | None, typer.Option(help="通话清单,缺省为文件夹中的 calls.csv 或 calls.xlsx")] = None,
    out: Out = None,
    date: Date = None,
    since: Since = None,
    as_json: AsJson = False,
) -> int:
    """夜间作业:取录音、听、评分、发布并入账、出报告。可以放心重复执行。"""
    settings = load_settings()
    source = folder or settings.source
    if source is None:
        raise SettingsError("没有输入文件夹:请写在命令里,或设置 source")
    out = out or settings.out
    return _night(
        Night(
            folder=source,
            out=out,
            own_database=settings.database_url is None,
            calls_file=calls,
            day=date.date() if date else None,
            since=since.date() if since else None,
            anchor=settings.anchor,
            standard=settings.standard,
            hearing=settings.hearing,
            jobs=settings.jobs,
        ),
        as_json,
    )


@app.command()
@settled
def run(
    folder: Annotated[Path, typer.Argument(help="输入文件夹")],
    out: Annotated[Path, typer.Option("--out", help="输出文件夹,数据库也在其中")],
    jobs: Annotated[int, typer.Option(min=1, help="同时听几通录音")] = JOBS,
    as_json: AsJson = False,
) -> int:
    """对一个文件夹执行夜间作业,数据库放在输出文件夹中,不读设置文件。"""
    return _night(Night(folder=folder, out=out, own_database=True, jobs=jobs), as_json)


def _night(night: Night, as_json: bool) -> int:
    if night.out.resolve() == night.folder.resolve():
        raise SettingsError("输出文件夹不能就是输入文件夹")
    private_folder(night.out)
    memory.reuse_freed()
    with holding(night.lock_files), offline.sealed(night.out / ".prefect"), embedded_server() as server:
        from zhijian.pipeline.flows import run_night  # Prefect reads its settings when it is imported

        result = run_night(night, server)
    say(as_json, result, "\n".join(summary_lines(result, night.out)))
    counts, other_days = result["counts"], result["other_days"]
    gaps = counts["refused"] or counts["failed"] or counts["unfinished"] or other_days["failed"]
    return DONE_WITH_GAPS if gaps else DONE


@app.command()
@settled
def rescore(
    standard: Annotated[Path | None, typer.Option(help="评分标准的文件夹;缺省为设置 standard")] = None,
    since: Since = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只列出会有什么变化,什么也不写")] = False,
    out: Out = None,
    as_json: AsJson = False,
) -> int:
    """按(改过的)标准重新评判以前的文字稿,不再听录音;结果重新发布、入账。"""
    settings = load_settings()
    ruled_by, engine, out = load_standard(standard or settings.standard), open_books(out), out or settings.out
    own_database = settings.database_url is None
    locks = () if dry_run else lock_files(engine, private_folder(out), own_database=own_database)
    with holding(locks):
        result = rescore_calls(engine, ruled_by, since=since.date() if since else None, dry_run=dry_run)
    say(as_json, result, "\n".join(rescored.lines(result, {item.id: item.name for item in ruled_by.items})))
    return DONE_WITH_GAPS if result["failed"] else DONE


@app.command("backup")
@settled
def back_up(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="备份写成的文件,不覆盖已有的文件")],
    out: Out = None,
    as_json: AsJson = False,
) -> int:
    """备份数据库(含台账),夜间作业运行时也可以。"""
    engine = open_books(out)
    backup(engine, file)
    say(as_json, {"file": str(file), "bytes": file.stat().st_size}, f"{file}:{file.stat().st_size / 1e6:.1f} MB")
    return DONE


@app.command("restore")
@settled
def bring_back(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="备份文件")], out: Out = None, as_json: AsJson = False
) -> int:
    """由备份恢复数据库(目标须为空),并核对台账与锚文件。"""
    settings = load_settings()
    out = private_folder(out or settings.out)
    with holding([out / ".lock"]):
        engine = restore(file, settings.database_url or own_database_url(out))
        checked = check_books(engine, anchor_file(out))
    say(as_json, checked.as_json, str(checked))
    return DONE if checked.sound else DONE_WITH_GAPS


@models_app.command("fetch")
@settled
def models_fetch() -> int:
    """下载缺少的权重并校验;已有的不再下载。"""
    for name in weights.WEIGHTS:
        weights.fetch(name, on_progress=lambda line: print(line, file=sys.stderr, flush=True))
    return DONE


@models_app.command("verify")
@settled
def models_verify(as_json: AsJson = False) -> int:
    """逐个文件校验 sha256。"""
    problems = [problem for name in weights.WEIGHTS for problem in weights.verify(name)]
    say(as_json, {"problems": problems}, "\n".join(problems) if problems else "权重完好")
    return NOTHING_DONE if problems else DONE


@models_app.command("list")
@settled
def models_list(as_json: AsJson = False) -> int:
    """列出权重、所在文件夹与状态。"""
    rows = [{**asdict(line), "folder": str(line.folder)} for line in weights.status()]
    text = "\n".join("\t".join([row["name"], row["title"], row["problem"] or "可用", row["folder"]]) for row in rows)
    say(as_json, rows, text)
    return DONE


@rules_app.command("lint")
@settled
def rules_lint(as_json: AsJson = False) -> int:
    """检查标准文件,一次列出全部错误的文件、行号和改法。"""
    standard = load_standard(load_settings().standard)
    text = f"标准 {standard.id} {standard.version}:{len(standard.items)} 个项目,文件无误"
    say(as_json, asdict(standard.ref), text)
    return DONE


@rules_app.command("test")
@settled
def rules_test(as_json: AsJson = False) -> int:
    """执行标准文件中自带的正反例,再判一遍没有过错的对话,看有没有误判。"""
    standard = load_standard(load_settings().standard)
    results, blameless = proof.run(standard), gate.run(standard)
    failed = [result for result in results if not result.passed]
    known_misses = [result for result in results if result.known_miss and result.passed]
    examples = f"{len(results)} 个例子,{len(known_misses)} 个已知不符,{len(failed)} 个不符"
    text = "\n".join(map(str, [*failed, *blameless.wrong, blameless.summary, examples]))
    rows = {
        "examples": len(results),
        "failed": [str(result) for result in failed],
        "known_misses": [str(result) for result in known_misses],
        "blameless": blameless.counts,
    }
    say(as_json, rows, text)
    return DONE_WITH_GAPS if failed or blameless.wrong else DONE


@rules_app.command("list")
@settled
def rules_list(as_json: AsJson = False) -> int:
    """列出标准的项目。"""
    items = load_standard(load_settings().standard).items
    rows = [{"id": i.id, "name": i.name, "points": str(i.points), "veto": i.veto} for i in items]
    text = "\n".join(f"{i.id}\t{i.name}\t{i.points} 分{'  一票否决' if i.veto else ''}" for i in items)
    say(as_json, rows, text)
    return DONE


@rules_app.command("explain")
@settled
def rules_explain(
    item_id: Annotated[str, typer.Argument(metavar="ID", help="项目编号,如 opening.greeting")],
    as_json: AsJson = False,
) -> int:
    """用文字说明一个项目怎样评分。"""
    standard = load_standard(load_settings().standard)
    item = next((item for item in standard.items if item.id == item_id), None)
    if item is None:
        raise SettingsError(f"评分标准里没有项目 {item_id};可以是 {'、'.join(item.id for item in standard.items)}")
    explained = explain(item, standard.settings)
    say(as_json, {**asdict(explained), "points": str(item.points)}, str(explained))
    return DONE


def main() -> None:
    """Entry point of the console command."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    rich_utils.ARGUMENTS_PANEL_TITLE, rich_utils.OPTIONS_PANEL_TITLE = "参数", "选项"
    rich_utils.COMMANDS_PANEL_TITLE = "命令"
    rich_utils.REQUIRED_LONG_STRING, rich_utils.DEFAULT_STRING = "[必填]", "[缺省:{}]"
    try:
        status = app(prog_name="zhijian", standalone_mode=False)
    except typer.TyperException as error:
        status = refuse(told(error), WRONG_USE) if error.format_message() else WRONG_USE  # help was shown instead
    sys.exit(status)
