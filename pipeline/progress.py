"""How far a night is: a bar on a terminal, a plain line now and then under cron. Always on standard error."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

LINE_EVERY_S = 30.0


@contextmanager
def progress(label: str, total: int) -> Iterator[Callable[[], None]]:
    """Shows `label` while the block runs; call what it yields once for each call done."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield _Lines(label, total)
        return
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=console, transient=True) as bar:
        task = bar.add_task(label, total=total)
        yield lambda: bar.advance(task)


class _Lines:
    def __init__(self, label: str, total: int) -> None:
        self._label, self._total, self._done, self._said_at = label, total, 0, time.monotonic()

    def __call__(self) -> None:
        self._done += 1
        now = time.monotonic()
        if self._done == self._total or now - self._said_at >= LINE_EVERY_S:
            print(f"{self._label} {self._done}/{self._total}", file=sys.stderr, flush=True)
            self._said_at = now
