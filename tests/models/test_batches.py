"""Batches: the work of many threads, shared out without mixing it up."""

import subprocess
import sys
from collections.abc import Callable, Hashable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from itertools import chain
from threading import Barrier, Event, Lock, Thread
from time import monotonic, sleep

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhijian.models.engines.batches import Batches

WAIT_S = 10
BLOCKER, NO_KIND, UNHASHABLE_KIND, NOT_PREPARED, NOT_FINISHED = -1, -2, -3, 13, 17

pytestmark = pytest.mark.timeout(30)


def done(items: Sequence[int]) -> list[int]:
    return [item + item**2 for item in items]


def raises(results: list[int]) -> list[int]:
    raise ValueError(f"not finished: {results}")


class Work:
    """Squares a number, then adds it. Notes the numbers it prepares and the batches it finishes, in their order."""

    def __init__(self, *, workers: int = 1, largest: int = 4, spoil: Callable[[list[int]], list[int]] = raises) -> None:
        self.steps: list[int | list[int]] = []
        self._spoil = spoil
        self._busy, self._go = Event(), Event()
        self._batches = Batches(
            kind=self._kind, prepare=self._prepare, finish=self._finish, workers=workers, largest=largest
        )

    @property
    def finished(self) -> list[list[int]]:
        return [step for step in self.steps if isinstance(step, list)]

    def give(self, items: Sequence[int]) -> Future[list[int]]:
        """What a thread of its own gets for `items`. One that hangs keeps no test from ending."""
        future: Future[list[int]] = Future()

        def run() -> None:
            try:
                future.set_result(self._batches.run(items))
            except Exception as error:
                future.set_exception(error)

        Thread(target=run, daemon=True).start()
        return future

    @contextmanager
    def given(self, *lists: Sequence[int]) -> Iterator[list[Future[list[int]]]]:
        """Several threads whose items wait, one thread's after the other's, until the only worker is let go."""
        blocker, callers, total = self.give([BLOCKER]), [], 0
        assert self._busy.wait(WAIT_S)
        for items in lists:
            total += len(items)
            callers.append(self.give(items))
            self._until_waiting(total)
        self._go.set()
        with pytest.raises(ValueError, match=str(BLOCKER)):
            blocker.result(WAIT_S)
        yield callers

    def _until_waiting(self, total: int) -> None:
        deadline = monotonic() + WAIT_S
        while len(self._batches._waiting) != total:
            assert monotonic() < deadline
            sleep(0.001)

    def _kind(self, item: int) -> Hashable:
        if item == NO_KIND:
            raise ValueError(item)
        return [] if item == UNHASHABLE_KIND else item % 2

    def _prepare(self, item: int) -> int:
        if item == BLOCKER:
            self._busy.set()
            assert self._go.wait(WAIT_S)
        if item in (BLOCKER, NOT_PREPARED):
            raise ValueError(item)
        self.steps.append(item)
        return item**2

    def _finish(self, items: Sequence[int], prepared: Sequence[int]) -> list[int]:
        self.steps.append(list(items))
        results = [item + square for item, square in zip(items, prepared, strict=True)]
        return self._spoil(results) if NOT_FINISHED in items else results


@settings(max_examples=50)
@given(st.lists(st.lists(st.integers(20, 99), max_size=20), max_size=3), st.integers(1, 3), st.integers(1, 8))
def test_results_come_in_order_from_batches_of_one_kind(lists: list[list[int]], workers: int, largest: int) -> None:
    work = Work(workers=workers, largest=largest)
    callers = [work.give(items) for items in lists]
    assert [caller.result(WAIT_S) for caller in callers] == [done(items) for items in lists]
    assert sorted(chain(*work.finished)) == sorted(chain(*lists))
    for batch in work.finished:
        assert 1 <= len(batch) <= largest
        assert len({item % 2 for item in batch}) == 1


def test_items_of_several_threads_share_a_batch() -> None:
    work = Work()
    with work.given([2, 4], [6], [8]) as callers:
        assert [caller.result(WAIT_S) for caller in callers] == [done([2, 4]), done([6]), done([8])]
    assert work.finished == [[2, 4, 6, 8]]


def test_a_batch_is_finished_when_it_is_full_or_nothing_else_waits_the_fullest_first() -> None:
    work = Work(largest=3)
    with work.given([2, 3, 4, 6, 8, 5]) as (caller,):
        assert caller.result(WAIT_S) == done([2, 3, 4, 6, 8, 5])
    assert work.steps == [2, 3, 4, 6, [2, 4, 6], 8, 5, [3, 5], [8]]


class YieldingLock:
    """Whoever leaves it lets the others go first."""

    def __init__(self) -> None:
        self._lock = Lock()

    def __enter__(self) -> None:
        self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()
        sleep(0.01)


def test_workers_work_at_the_same_time_and_their_batches_are_not_too_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zhijian.models.engines.batches.Lock", YieldingLock)
    together, finished = Barrier(4, timeout=WAIT_S), []

    def finish(items: Sequence[int], _: Sequence[int]) -> Sequence[int]:
        finished.append(items)
        return items

    batches = Batches[int, int, int](
        kind=lambda _: 0, prepare=lambda _: together.wait(), finish=finish, workers=4, largest=1
    )
    assert batches.run(range(12)) == list(range(12))
    assert sorted(finished) == [[item] for item in range(12)]


def test_what_cannot_be_prepared_reaches_its_own_caller_only() -> None:
    work = Work()
    with work.given([1], [5, NOT_PREPARED], [3, 2]) as (first, failed, last):
        with pytest.raises(ValueError, match=str(NOT_PREPARED)):
            failed.result(WAIT_S)
        assert [first.result(WAIT_S), last.result(WAIT_S)] == [done([1]), done([3, 2])]
    assert work.finished == [[1, 5, 3], [2]]


@pytest.mark.parametrize("spoil", [raises, lambda results: results[:-1], lambda results: [*results, 0]])
def test_a_batch_that_cannot_be_finished_reaches_its_callers_only(spoil: Callable[[list[int]], list[int]]) -> None:
    work = Work(largest=2, spoil=spoil)
    with work.given([1], [NOT_FINISHED], [3, 2]) as (*failed, last):
        for caller in failed:
            with pytest.raises(ValueError, match=r"not finished|argument 2"):
                caller.result(WAIT_S)
        assert last.result(WAIT_S) == done([3, 2])
    assert work.give([5, 6]).result(WAIT_S) == done([5, 6])


def test_of_items_one_of_which_has_no_kind_none_is_worked_on() -> None:
    work = Work()
    with pytest.raises(ValueError, match=str(NO_KIND)):
        work.give([2, NO_KIND]).result(WAIT_S)
    assert work.give([4]).result(WAIT_S) == done([4])
    assert work.steps == [4, [4]]


def test_a_kind_that_cannot_be_told_from_others_is_an_error() -> None:
    work = Work()
    with pytest.raises(TypeError, match="unhashable"):
        work.give([UNHASHABLE_KIND]).result(WAIT_S)
    assert work.give([4]).result(WAIT_S) == done([4])


def test_nothing_to_do_is_done_at_once() -> None:
    assert Work().give([]).result(WAIT_S) == []


def test_work_that_was_given_is_done_though_the_interpreter_ends() -> None:
    program = """
from concurrent.futures import thread
from threading import Event, Thread
from time import sleep
from zhijian.models.engines.batches import Batches

def prepare(item):
    started.set()
    while not thread._shutdown:
        sleep(0.001)
    return item

started = Event()
batches = Batches(kind=int, prepare=prepare, finish=lambda _, prepared: prepared, workers=1, largest=1)
Thread(target=lambda: print(batches.run([5]))).start()
started.wait()
"""
    ended = subprocess.run([sys.executable, "-c", program], timeout=30, check=True, stdout=subprocess.PIPE, text=True)
    assert ended.stdout == "[5]\n"
