"""Spans: half-open integer milliseconds."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhijian.models.records.span import RecordError, Span, together, union

moments = st.integers(0, 10_000)
spans = st.builds(lambda a, b: Span(min(a, b), max(a, b)), moments, moments)


@pytest.mark.parametrize("bad", [(-1, 5), (5, 4), (0.0, 5), (0, True), (None, 5)])
def test_what_is_no_stretch_of_time_is_refused(bad):
    with pytest.raises(RecordError):
        Span(*bad)


def test_touching_spans_share_nothing_and_leave_no_gap():
    assert Span(0, 10).overlap(Span(10, 20)) is None
    assert Span(0, 10).gap_ms(Span(10, 20)) == 0
    assert Span(0, 10).gap_ms(Span(15, 20)) == 5


@given(spans, spans)
def test_overlap_is_symmetric_lies_in_both_and_agrees_with_its_length(a, b):
    shared = a.overlap(b)
    assert shared == b.overlap(a)
    assert (shared.duration_ms if shared else 0) == a.overlap_ms(b)
    if shared:
        assert a.covers(shared)
        assert b.covers(shared)


@given(spans, spans)
def test_the_hull_covers_both_and_nothing_beyond(a, b):
    hull = a.hull(b)
    assert hull.covers(a)
    assert hull.covers(b)
    assert {hull.start_ms, hull.end_ms} <= {a.start_ms, a.end_ms, b.start_ms, b.end_ms}


@given(st.lists(spans, max_size=8))
def test_a_union_has_the_same_milliseconds_once_each(many):
    merged = union(many)
    assert all(a.end_ms < b.start_ms for a, b in pairwise(merged))
    for moment in {s.start_ms for s in many} | {s.end_ms for s in many}:
        inside = any(s.start_ms <= moment < s.end_ms for s in many)
        assert inside == any(s.start_ms <= moment < s.end_ms for s in merged)


@given(st.lists(spans, max_size=8), st.lists(spans, max_size=8))
def test_what_two_have_together_is_what_each_of_the_one_has_with_each_of_the_other(some, others):
    one, other = union(some), union(others)
    assert list(together(one, other)) == sorted(shared for a in one for b in other if (shared := a.overlap(b)))
