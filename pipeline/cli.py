"""The command line. One command is one function, thin over the stages; results go to standard output, nothing else."""

import json
import logging
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import sqlalchemy as sa
import typer
from filelock import FileLock, Timeout

from zhijian.models.engines import weights
from zhijian.models.engines.weights import WeightsError
from zhijian.models.records.codec import to_dict
from zhijian.pipeline import offline
from zhijian.pipeline.files import private_folder
from zhijian.pipeline.ledger import chain
from zhijian.pipeline.ledger import entries as ledger_entries
from zhijian.pipeline.ledger.entries import LedgerError
from zhijian.pipeline.night import DATABASE, Night, own_database_url
from zhijian.pipeline.settings import JOBS, SettingsError, load_settings
from zhijian.pipeline.stages.rescore import lock_files
from zhijian.pipeline.stages.rescore import rescore as rescore_calls
from zhijian.pipeline.stages.table import SourceError
from zhijian.pipeline.store.database import StoreError, open_database
from zhijian.pipeline.summary import summary_lines
from zhijian.reports import rescored
from zhijian.rules import gate, proof
from zhijian.rules.explain import explain
from zhijian.rules.language import StandardError
from zhijian.rules.standard import load_standard

DONE, DONE_WITH_GAPS, WRONG_USE, NOTHING_DONE, LOCKED = 0, 1, 2, 3, 75

app = typer.Typer(
    no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="质检:录音到评分、积分与报告"
)
models_app = typer.Typer(no_args_is_help=True, help="模型权重:下载、校验、列出")
rules_app = typer.Typer(no_args_is_help=True, help="监听评分标准:检查、自测、列出")
ledger_app = typer.Typer(no_args_is_help=True, help="积分台账:余额、分录、校验")
app.add_typer(models_app, name="models")
app.add_typer(rules_app, name="rules")
app.add_typer(ledger_app, name="ledger")

AsJson = Annotated[bool, typer.Option("--json", help="以 JSON 输出结果")]
Out = Annotated[Path | None, typer.Option("--out", help="输出文件夹(含个人数据,权限 0700)")]
Account = Annotated[str | None, typer.Option(help="工号")]
Scheme = Annotated[str | None, typer.Option(help="方案")]
Period = Annotated[str | None, typer.Option(help="月份 YYYY-MM")]
Date = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], metavar="YYYY-MM-DD", help="只处理这一天的通话")]
Since = Annotated[datetime | None, typer.Option(formats=["%Y-%m-%d"], metavar="YYYY-MM-DD", help="从这一天起的通话")]


def _settled(command: Callable[..., int]) -> Callable[..., None]:
    """Turns what a command returns, and what it refuses, into its exit status."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:
        try:
            status = command(*args, **kwargs)
        except Timeout:
            status = _refuse("另一次作业正在运行,本次不执行", LOCKED)
        except (SettingsError, StandardError) as error:
            status = _refuse(error, WRONG_USE)
        except (SourceError, StoreError, LedgerError, WeightsError) as error:
            status = _refuse(error, NOTHING_DONE)
        except OSError as error:
            status = _refuse(f"无法读写文件({error}):请检查磁盘空间与权限,再次运行即从中断处继续", NOTHING_DONE)
        except Exception as error:  # a fault of ours; what it says may hold customer data
            where = traceback.extract_tb(error.__traceback__)[-1]
            place = f"{type(error).__name__}({Path(where.filename).name} 第 {where.lineno} 行)"
            status = _refuse(f"意外错误,作业没有完成:{place}", NOTHING_DONE)
        raise typer.Exit(status)

    return run


def _refuse(error: Exception | str, status: int) -> int:
    print(f"zhijian: {error}", file=sys.stderr)
    return status


@app.command()
@_settled
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
            standard=settings.standard,
            hearing=settings.hearing,
            jobs=settings.jobs,
        ),
        as_json,
    )


@app.command()
@_settled
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
    with _holding(night.lock_files), offline.sealed(night.out / ".prefect"):
        from zhijian.pipeline.flows import run_night  # Prefect reads its settings when it is imported

        result = run_night(night)
    _say(as_json, result, "\n".join(summary_lines(result, night.out)))
    counts = result["counts"]
    return DONE_WITH_GAPS if counts["refused"] or counts["failed"] or counts["unfinished"] else DONE


@contextmanager
def _holding(locks: Iterable[Path]) -> Iterator[None]:
    """Keeps other runs away. Raises Timeout where one of them is at work."""
    with ExitStack() as held:
        for path in locks:
            held.enter_context(FileLock(path, mode=0o600).acquire(blocking=False))
        yield


@app.command()
@_settled
def rescore(
    standard: Annotated[Path | None, typer.Option(help="评分标准的文件夹;缺省为设置 standard")] = None,
    since: Since = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只列出会有什么变化,什么也不写")] = False,
    out: Out = None,
    as_json: AsJson = False,
) -> int:
    """按(改过的)标准重新评判以前的文字稿,不再听录音;结果重新发布、入账。"""
    settings = load_settings()
    ruled_by, engine, out = load_standard(standard or settings.standard), _ledger(out), out or settings.out
    own_database = settings.database_url is None
    locks = () if dry_run else lock_files(engine, private_folder(out), own_database=own_database)
    with _holding(locks):
        result = rescore_calls(engine, ruled_by, since=since.date() if since else None, dry_run=dry_run)
    _say(as_json, result, "\n".join(rescored.lines(result, {item.id: item.name for item in ruled_by.items})))
    return DONE_WITH_GAPS if result["failed"] else DONE


@models_app.command("fetch")
@_settled
def models_fetch() -> int:
    """下载缺少的权重并校验;已有的不再下载。"""
    for name in weights.WEIGHTS:
        weights.fetch(name, on_progress=lambda line: print(line, file=sys.stderr, flush=True))
    return DONE


@models_app.command("verify")
@_settled
def models_verify(as_json: AsJson = False) -> int:
    """逐个文件校验 sha256。"""
    problems = [problem for name in weights.WEIGHTS for problem in weights.verify(name)]
    _say(as_json, {"problems": problems}, "\n".join(problems) if problems else "权重完好")
    return NOTHING_DONE if problems else DONE


@models_app.command("list")
@_settled
def models_list(as_json: AsJson = False) -> int:
    """列出权重、所在文件夹与状态。"""
    rows = [{**asdict(line), "folder": str(line.folder)} for line in weights.status()]
    text = "\n".join("\t".join([row["name"], row["title"], row["problem"] or "可用", row["folder"]]) for row in rows)
    _say(as_json, rows, text)
    return DONE


@rules_app.command("lint")
@_settled
def rules_lint(as_json: AsJson = False) -> int:
    """检查标准文件,一次列出全部错误的文件、行号和改法。"""
    standard = load_standard(load_settings().standard)
    text = f"标准 {standard.id} {standard.version}:{len(standard.items)} 个项目,文件无误"
    _say(as_json, asdict(standard.ref), text)
    return DONE


@rules_app.command("test")
@_settled
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
    _say(as_json, rows, text)
    return DONE_WITH_GAPS if failed or blameless.wrong else DONE


@rules_app.command("list")
@_settled
def rules_list(as_json: AsJson = False) -> int:
    """列出标准的项目。"""
    items = load_standard(load_settings().standard).items
    rows = [{"id": i.id, "name": i.name, "points": str(i.points), "veto": i.veto} for i in items]
    text = "\n".join(f"{i.id}\t{i.name}\t{i.points} 分{'  一票否决' if i.veto else ''}" for i in items)
    _say(as_json, rows, text)
    return DONE


@rules_app.command("explain")
@_settled
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
    _say(as_json, {**asdict(explained), "points": str(item.points)}, str(explained))
    return DONE


@ledger_app.command("balance")
@_settled
def ledger_balance(
    account: Account = None,
    scheme: Scheme = None,
    period: Period = None,
    out: Out = None,
    as_json: AsJson = False,
) -> int:
    """已计积分之和。"""
    balance = str(ledger_entries.balance(_ledger(out), account, scheme, period))
    _say(as_json, {"balance": balance}, balance)
    return DONE


@ledger_app.command("entries")
@_settled
def ledger_list(
    account: Account = None,
    scheme: Scheme = None,
    period: Period = None,
    out: Out = None,
    as_json: AsJson = False,
) -> int:
    """列出分录。"""
    booked = ledger_entries.entries(_ledger(out), account, scheme, period)
    rows = [{"seq": b.seq, **to_dict(b.entry), "details": b.details, "hash": b.hash} for b in booked]
    columns = ("seq", "effective_day", "account", "points_credited", "reason")
    _say(as_json, rows, "\n".join("\t".join(str(row[column]) for column in columns) for row in rows))
    return DONE


@ledger_app.command("verify")
@_settled
def ledger_verify(out: Out = None, as_json: AsJson = False) -> int:
    """校验哈希链,指出第一条不符的分录。"""
    verified = chain.verify(_ledger(out))
    broken = verified.first_broken
    text = f"台账完好:{verified.head.count} 条分录,链头 {verified.head.hash}"
    if broken is not None:
        text = f"第 {broken.seq} 号分录不符:{broken.problem}"
    _say(as_json, asdict(verified), text)
    return NOTHING_DONE if broken else DONE


def _ledger(out: Path | None) -> sa.Engine:
    """The books of an installation, or of an output folder; none are made here, an empty ledger would look sound."""
    settings = load_settings()
    out = out or settings.out
    if settings.database_url is None and not (out / DATABASE).is_file():
        raise StoreError(f"{out} 中没有 {DATABASE}:请用 --out 指明夜间作业的输出文件夹")
    return open_database(settings.database_url or own_database_url(out))


def _say(as_json: bool, result: Any, text: str) -> None:
    """A command's result, for people or for programs; nothing where there is nothing to show people."""
    if as_json or text:
        print(json.dumps(result, ensure_ascii=False) if as_json else text)


def main() -> None:
    """Entry point of the console command."""
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr, format="%(levelname)s %(name)s: %(message)s")
    app()
