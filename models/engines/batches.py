"""Work of many threads, done in batches."""

from collections import deque
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import Generic, TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")


class Batches(Generic[Item, Result]):
    """Takes items of several kinds from any number of threads and has `workers` threads do them, batch by batch.

    A batch holds items of one kind, whoever gave them, at most `largest`; the kind that has waited longest comes first.
    Where few items wait, they are shared between the workers.
    """

    def __init__(self, work: Callable[[Sequence[Item]], Sequence[Result]], *, workers: int, largest: int) -> None:
        self._work = work
        self._workers, self._largest = workers, largest
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="batch")
        self._waiting: dict[Hashable, deque[tuple[Item, Future[Result]]]] = {}
        self._lock = Lock()

    def run(self, items: Sequence[Item], kind: Callable[[Item], Hashable]) -> list[Result]:
        """Waits for the results of `items`, in their order. Raises what the work of one of them raised."""
        futures: list[Future[Result]] = [Future() for _ in items]
        with self._lock:
            for item, future in zip(items, futures, strict=True):
                self._waiting.setdefault(kind(item), deque()).append((item, future))
        for _ in items:
            self._pool.submit(self._next_batch)
        return [future.result() for future in futures]

    def _next_batch(self) -> None:
        with self._lock:
            if not self._waiting:
                return
            kind, waiting = next(iter(self._waiting.items()))
            share = -(-len(waiting) // self._workers)
            batch = [waiting.popleft() for _ in range(min(share, self._largest))]
            if not waiting:
                del self._waiting[kind]
        try:
            results = self._work([item for item, _ in batch])
        except BaseException as error:
            for _, future in batch:
                future.set_exception(error)
        else:
            for (_, future), result in zip(batch, results, strict=True):
                future.set_result(result)
