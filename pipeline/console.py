"""What the commands share: their options, their exit status, and how they say what they have done."""

import json
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import sqlalchemy as sa
import typer
from filelock import FileLock, Timeout

from zhijian.models.engines.weights import WeightsError
from zhijian.pipeline.ledger import anchor, chain
from zhijian.pipeline.ledger.entries import LedgerError
from zhijian.pipeline.ledger.scheme import SchemeError
from zhijian.pipeline.night import DATABASE, own_database_url
from zhijian.pipeline.settings import SettingsError, load_settings
from zhijian.pipeline.stages.table import SourceError
from zhijian.pipeline.store.database import StoreError, open_database
from zhijian.pipeline.store.reviews import StaleReview
from zhijian.rules.language import StandardError

DONE, DONE_WITH_GAPS, WRONG_USE, NOTHING_DONE, LOCKED = 0, 1, 2, 3, 75

AsJson = Annotated[bool, typer.Option("--json", help="以 JSON 输出结果")]
Out = Annotated[Path | None, typer.Option("--out", help="输出文件夹(含个人数据,权限 0700)")]


def settled(command: Callable[..., int]) -> Callable[..., None]:
    """Turns what a command returns, and what it refuses, into its exit status."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:
        try:
            status = command(*args, **kwargs)
        except Timeout:
            status = refuse("另一次作业正在运行,本次不执行", LOCKED)
        except (SettingsError, StandardError, SchemeError) as error:
            status = refuse(error, WRONG_USE)
        except (SourceError, StoreError, LedgerError, StaleReview, WeightsError) as error:
            status = refuse(error, NOTHING_DONE)
        except FileNotFoundError as error:
            status = refuse(f"找不到文件:{error.filename or error}", NOTHING_DONE)
        except OSError as error:
            status = refuse(f"无法读写文件({error}):请检查磁盘空间与权限,再次运行即从中断处继续", NOTHING_DONE)
        except Exception as error:  # a fault of ours; what it says may hold customer data
            where = traceback.extract_tb(error.__traceback__)[-1]
            place = f"{type(error).__name__}({Path(where.filename).name} 第 {where.lineno} 行)"
            status = refuse(f"意外错误,作业没有完成:{place}", NOTHING_DONE)
        raise typer.Exit(status)

    return run


def say(as_json: bool, result: Any, text: str) -> None:
    """A command's result, for people or for programs. That a list is empty is told beside it, which stays empty."""
    if as_json or text:
        print(json.dumps(result, ensure_ascii=False) if as_json else text)
    else:
        print("没有可列出的内容", file=sys.stderr)


def refuse(error: Exception | str, status: int) -> int:
    """Says on standard error why nothing was done, and gives the exit status back."""
    print(f"zhijian: {error}", file=sys.stderr)
    return status


@contextmanager
def holding(locks: Iterable[Path]) -> Iterator[None]:
    """Keeps other runs away. Raises Timeout where one of them is at work."""
    with ExitStack() as held:
        for path in locks:
            held.enter_context(FileLock(path, mode=0o600).acquire(blocking=False))
        yield


def open_books(out: Path | None) -> sa.Engine:
    """The books of an installation, or of an output folder; none are made here, an empty ledger would look sound."""
    settings = load_settings()
    out = out or settings.out
    if settings.database_url is None and not (out / DATABASE).is_file():
        raise StoreError(f"{out} 中没有 {DATABASE}:请用 --out 指明夜间作业的输出文件夹")
    return open_database(settings.database_url or own_database_url(out))


def anchor_file(out: Path | None) -> Path:
    """The anchor of an installation, or of an output folder."""
    settings = load_settings()
    return settings.anchor or (out or settings.out) / anchor.ANCHOR


def add_anchor(engine: sa.Engine, out: Path | None, at: datetime) -> None:
    """The head of the ledger to the anchor file, after something was booked; on standard error why that failed."""
    problem = anchor.keep(anchor_file(out), chain.head(engine), at)
    if problem:
        print(f"zhijian: {problem}", file=sys.stderr)
