"""Batches: the work of many threads, shared out without mixing it up."""

from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from threading import Event
from time import monotonic, sleep

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhijian.models.engines.batches import Batches

BLOCKER = -1


def parity(item: int) -> int:
    return item % 2


class Work:
    """Squares; notes its batches, stops at BLOCKER until it is let go, cannot do 13."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.busy, self.go = Event(), Event()

    def __call__(self, items: Sequence[int]) -> list[int]:
        if list(items) == [BLOCKER]:
            self.busy.set()
            assert self.go.wait(10)
            return [0]
        self.batches.append(list(items))
        if 13 in items:
            raise ValueError("13")
        return [item**2 for item in items]


@contextmanager
def waiting(work: Work, batches: Batches[int, int], *lists: list[int]) -> Iterator[list[Future[list[int]]]]:
    """Several threads whose items wait, one thread's after the other's, until its only worker is let go."""
    with ThreadPoolExecutor(len(lists) + 1) as threads:
        try:
            threads.submit(batches.run, [BLOCKER], lambda _: "blocker")
            assert work.busy.wait(10)
            callers = []
            for items in lists:
                total = num_waiting(batches) + len(items)
                callers.append(threads.submit(batches.run, items, parity))
                until_waiting(batches, total)
        finally:
            work.go.set()
        yield callers


def num_waiting(batches: Batches[int, int]) -> int:
    with batches._lock:
        return sum(map(len, batches._waiting.values()))


def until_waiting(batches: Batches[int, int], total: int) -> None:
    deadline = monotonic() + 10
    while num_waiting(batches) != total:
        assert monotonic() < deadline
        sleep(0.001)


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(14, 99), max_size=30), st.integers(1, 3), st.integers(1, 8))
def test_results_come_in_order_in_batches_of_one_kind(items: list[int], workers: int, largest: int) -> None:
    work = Work()
    assert Batches(work, workers=workers, largest=largest).run(items, parity) == [item**2 for item in items]
    assert sorted(item for batch in work.batches for item in batch) == sorted(items)
    for batch in work.batches:
        assert 1 <= len(batch) <= largest
        assert len({parity(item) for item in batch}) == 1


def test_items_of_several_threads_share_a_batch_and_the_longest_waiting_kind_comes_first() -> None:
    work = Work()
    batches = Batches(work, workers=1, largest=4)
    with waiting(work, batches, [2, 4, 3], [6], [5, 8, 10]) as callers:
        assert [caller.result(10) for caller in callers] == [[4, 16, 9], [36], [25, 64, 100]]
    assert work.batches == [[2, 4, 6, 8], [10], [3, 5]]


def test_few_items_are_shared_between_the_workers() -> None:
    work = Work()
    assert Batches(work, workers=2, largest=8).run([2, 4, 6, 8], parity) == [4, 16, 36, 64]
    assert max(map(len, work.batches)) == 2


def test_what_a_batch_raises_reaches_its_callers_only_and_later_batches_go_on() -> None:
    work = Work()
    batches = Batches(work, workers=1, largest=8)
    with waiting(work, batches, [1, 13], [3], [2, 4]) as callers:
        for failed in callers[:2]:
            with pytest.raises(ValueError, match="13"):
                failed.result(10)
        assert callers[2].result(10) == [4, 16]
    assert batches.run([5, 6], parity) == [25, 36]


def test_nothing_to_do_is_done_at_once() -> None:
    assert Batches(Work(), workers=1, largest=1).run([], parity) == []
