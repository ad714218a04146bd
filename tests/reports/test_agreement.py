"""Kappa and alpha have the values of published examples; the order of raters does not matter."""

from decimal import Decimal
from types import SimpleNamespace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhijian.models.records.account import MACHINE
from zhijian.models.records.calibration import Verdict, machine_verdicts
from zhijian.models.records.scorecard import ItemResult, Outcome
from zhijian.models.records.span import RecordError
from zhijian.reports.agreement import agreement, alpha, kappa

P, F, N = Outcome.PASS, Outcome.FAIL, Outcome.NA


def units(*observers: str) -> list[list[str]]:
    """Written as Krippendorff does, a line for each observer; a point is a missing value."""
    return [[value for value in unit if value != "."] for unit in zip(*observers, strict=True)]


def verdicts(item: str, **said: str) -> list[Verdict]:
    """What each rater says of calls 0, 1, …: p(ass), f(ail), n(a), or nothing."""
    outcomes = {"p": P, "f": F, "n": N}
    return [
        Verdict(scorecard=number, item=item, rater=rater, outcome=outcomes[letter])
        for rater, letters in said.items()
        for number, letter in enumerate(letters)
        if letter != "."
    ]


class TestAlpha:
    """The examples of Krippendorff (2011), https://repository.upenn.edu/asc_papers/43, by section."""

    def test_a_binary_values_of_two_observers(self):
        assert alpha(units("0100000010", "1110010000")) == pytest.approx(0.095, abs=0.0005)

    def test_b_nominal_values_of_two_observers(self):
        assert alpha(units("aabbdcccedda", "babbbccceddd")) == pytest.approx(0.692, abs=0.0005)

    def test_c_nominal_values_of_four_observers_some_missing(self):
        observers = ("123321412...", "1233224125..", ".33323422513", "12332441251.")
        assert alpha(units(*observers)) == pytest.approx(0.743, abs=0.0005)

    def test_nothing_to_agree_on(self):
        assert alpha([]) is None
        assert alpha([[P], [F]]) is None  # no unit has two values
        assert alpha([[P, P], [P, P, P]]) is None

    def test_always_alike_and_never_alike(self):
        assert alpha([[P, P], [F, F]]) == 1
        assert alpha([[P, F], [F, P]]) == pytest.approx(-0.5)

    def test_a_value_alone_in_its_unit_changes_nothing(self):
        pairable = [[P, P], [F, F], [P, F]]
        assert alpha([*pairable, [F]]) == alpha(pairable)

    @given(st.lists(st.lists(st.sampled_from([P, F, N]), max_size=5), max_size=12))
    def test_within_bounds(self, values):
        found = alpha(values)
        assert found is None or -1 <= found <= 1

    @given(st.lists(st.lists(st.sampled_from([P, F, N]), max_size=5), max_size=12), st.randoms())
    def test_order_does_not_matter(self, values, random):
        shuffled = [random.sample(unit, len(unit)) for unit in random.sample(values, len(values))]
        assert alpha(shuffled) == alpha(values)


class TestKappa:
    def test_a_published_example(self):
        # https://en.wikipedia.org/wiki/Cohen%27s_kappa#Simple_example: 50 proposals, read by A and B
        couples = [("yes", "yes")] * 20 + [("yes", "no")] * 5 + [("no", "yes")] * 10 + [("no", "no")] * 15
        assert kappa(couples) == pytest.approx(0.4)

    def test_one_value_only_is_not_defined(self):
        assert kappa([]) is None
        assert kappa([(P, P), (P, P)]) is None

    def test_one_who_always_says_the_same_agrees_by_chance(self):
        assert kappa([(P, P), (P, F)]) == 0

    @given(st.lists(st.tuples(st.sampled_from([P, F, N]), st.sampled_from([P, F, N])), max_size=12))
    def test_symmetric_and_within_bounds(self, couples):
        found = kappa(couples)
        assert found is None or -1 <= found <= 1
        assert found == pytest.approx(kappa([(other, one) for one, other in couples]))


raters = st.lists(st.sampled_from("pfn."), min_size=4, max_size=4).map("".join)


class TestAgreement:
    def test_each_item_each_pair_and_each_rater(self):
        found = agreement([*verdicts("a", ann="ppff", bob="ppfp", machine="pp.."), *verdicts("b", ann="f", bob="f")])
        a, b = found.items
        assert [(p.one, p.other, p.shared, p.same, p.kappa) for p in a.pairs] == [
            ("ann", "bob", 4, 3, pytest.approx(0.5)),
            ("ann", "machine", 2, 2, None),
            ("bob", "machine", 2, 2, None),
        ]
        assert (a.calls, a.alpha) == (4, pytest.approx(1 - 9 * 2 / (100 - 49 - 9)))
        assert (b.calls, b.alpha, [p.kappa for p in b.pairs]) == (1, None, [None])
        assert [(r.rater, r.shared, r.same) for r in found.raters] == [
            ("ann", 7, 6),
            ("bob", 7, 6),
            ("machine", 4, 4),
        ]
        assert found.alpha is not None

    def test_a_rater_alone_has_nobody_to_agree_with(self):
        found = agreement(verdicts("a", ann="pf"))
        assert (found.alpha, found.items[0].calls, found.items[0].pairs) == (None, 0, ())
        assert (found.raters[0].shared, found.raters[0].kappa) == (0, None)

    def test_nobody_judged(self):
        assert (agreement([]).alpha, agreement([]).items, agreement([]).raters) == (None, (), ())

    @given(raters, raters, raters, st.randoms())
    def test_the_order_of_verdicts_does_not_matter(self, ann, bob, machine, random):
        said = [*verdicts("a", ann=ann, bob=bob, machine=machine), *verdicts("b", bob=ann, ann=machine)]
        assert agreement(random.sample(said, len(said))) == agreement(said)

    @given(raters, raters, raters)
    def test_who_is_called_what_does_not_matter(self, first, second, third):
        found = agreement(verdicts("a", ann=first, bob=second, cid=third))
        renamed = agreement(verdicts("a", cid=first, ann=second, bob=third))
        names = {"ann": "cid", "bob": "ann", "cid": "bob"}
        assert renamed.alpha == found.alpha
        assert {(r.rater, r.shared, r.same) for r in renamed.raters} == {
            (names[r.rater], r.shared, r.same) for r in found.raters
        }

    def test_two_verdicts_of_one_rater_on_the_same_are_refused(self):
        with pytest.raises(ValueError, match="two verdicts"):
            agreement([*verdicts("a", ann="p"), *verdicts("a", ann="f")])


class TestVerdict:
    def test_the_machine_says_nothing_where_it_is_unsure(self):
        items = (
            ItemResult("a", Outcome.PASS, Decimal(4), Decimal(4), 1.0, None),
            ItemResult("b", Outcome.UNSURE, None, Decimal(4), 0.5, "听不清"),
            ItemResult("c", Outcome.NA, None, Decimal(4), 1.0, None),
        )
        said = machine_verdicts(5, SimpleNamespace(items=items))
        assert [(one.scorecard, one.item, one.rater, one.outcome) for one in said] == [
            (5, "a", MACHINE, P),
            (5, "c", MACHINE, N),
        ]

    @pytest.mark.parametrize("wrong", [{"rater": " "}, {"outcome": Outcome.UNSURE}], ids=str)
    def test_what_is_no_verdict_is_refused(self, wrong):
        with pytest.raises(RecordError):
            Verdict(**{"scorecard": 1, "item": "a", "rater": "ann", "outcome": P} | wrong)
