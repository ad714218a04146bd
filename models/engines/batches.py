"""Work of many threads in two steps: each item is prepared by itself, what is prepared is finished in batches."""

from collections import deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from typing import Generic, TypeVar

Item = TypeVar("Item")
Prepared = TypeVar("Prepared")
Result = TypeVar("Result")


@dataclass(frozen=True, eq=False)
class _Job(Generic[Item, Result]):
    item: Item
    kind: Hashable
    future: Future[Result]


class Batches(Generic[Item, Prepared, Result]):
    """Takes items from any number of threads and has `workers` threads do them.

    A batch holds prepared items of one kind, whoever gave them, at most `largest`. Items are prepared as long as there
    are any and no batch is full, so that batches become full; then the fullest one is finished.
    """

    def __init__(
        self,
        *,
        kind: Callable[[Item], Hashable],
        prepare: Callable[[Item], Prepared],
        finish: Callable[[Sequence[Item], Sequence[Prepared]], Sequence[Result]],
        workers: int,
        largest: int,
    ) -> None:
        self._kind, self._prepare, self._finish, self._largest = kind, prepare, finish, largest
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="batch")
        self._lock = Lock()
        self._waiting: deque[_Job[Item, Result]] = deque()
        self._prepared: dict[Hashable, list[tuple[_Job[Item, Result], Prepared]]] = {}

    def run(self, items: Sequence[Item]) -> list[Result]:
        """Waits for the results of `items`, in their order. Raises what the work of one of them raised."""
        jobs: list[_Job[Item, Result]] = [_Job(item, self._kind(item), Future()) for item in items]
        with self._lock:
            self._waiting.extend(jobs)
        for _ in jobs:
            self._pool.submit(self._work)
        return [job.future.result() for job in jobs]

    def _work(self) -> None:
        """Goes on until nothing is left: once the interpreter ends, nobody can be sent for what this one prepared."""
        while True:
            with self._lock:
                job = batch = None
                fullest = max(self._prepared, key=lambda kind: len(self._prepared[kind]), default=None)
                if self._waiting and (fullest is None or len(self._prepared[fullest]) < self._largest):
                    job = self._waiting.popleft()
                elif fullest is not None:
                    batch = self._prepared.pop(fullest)
                    if left := batch[self._largest :]:
                        self._prepared[fullest] = left
            if job:
                self._prepare_one(job)
            elif batch:
                self._finish_batch(batch[: self._largest])
            else:
                return

    def _prepare_one(self, job: _Job[Item, Result]) -> None:
        try:
            prepared = self._prepare(job.item)
            with self._lock:
                self._prepared.setdefault(job.kind, []).append((job, prepared))
        except BaseException as error:
            job.future.set_exception(error)

    def _finish_batch(self, batch: Sequence[tuple[_Job[Item, Result], Prepared]]) -> None:
        jobs, prepared = zip(*batch, strict=True)
        try:
            results = self._finish([job.item for job in jobs], prepared)
            finished = list(zip(jobs, results, strict=True))
        except BaseException as error:
            for job in jobs:
                job.future.set_exception(error)
            return
        for job, result in finished:
            job.future.set_result(result)
