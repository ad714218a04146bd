"""The machine's deductions against what people ruled, counted by month and item."""

from hypothesis import given
from hypothesis import strategies as st

from zhijian.models.records.scorecard import Outcome
from zhijian.reports.precision import RuledItem, machine_records

P, F, N, U = Outcome.PASS, Outcome.FAIL, Outcome.NA, Outcome.UNSURE


def ruled(machine: Outcome, person: Outcome, month: str = "2026-11", item: str = "a") -> RuledItem:
    return RuledItem(month=month, item=item, machine=machine, person=person)


def test_what_is_counted_and_the_rates():
    said = [(F, F), (F, F), (F, F), (F, P), (F, N), (P, F), (N, F), (P, P), (N, P), (U, F), (U, P)]
    (one,) = machine_records(ruled(*pair) for pair in said)
    assert (one.right, one.taken_back, one.missed, one.rightly_none, one.unsure) == (3, 2, 2, 2, 2)
    assert (one.precision, one.recall) == (3 / 5, 3 / 5)


def test_rates_without_a_base_are_not_defined():
    (one,) = machine_records([ruled(P, P), ruled(U, F)])
    assert (one.precision, one.recall) == (None, None)


def test_by_month_and_item():
    found = machine_records([ruled(F, F, "2026-12"), ruled(F, P, item="b"), ruled(F, F)])
    assert [(one.month, one.item, one.precision) for one in found] == [
        ("2026-11", "a", 1),
        ("2026-11", "b", 0),
        ("2026-12", "a", 1),
    ]


pairs = st.lists(st.tuples(st.sampled_from([P, F, N, U]), st.sampled_from([P, F, N])), min_size=1)


@given(pairs, st.randoms())
def test_every_ruling_is_counted_once_in_any_order(said, random):
    (one,) = machine_records(ruled(*pair) for pair in said)
    assert one.right + one.taken_back + one.missed + one.rightly_none + one.unsure == len(said)
    assert (one,) == machine_records(ruled(*pair) for pair in random.sample(said, len(said)))
