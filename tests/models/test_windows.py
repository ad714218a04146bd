"""Windows: speech without its pauses, and the way back to the recording's times."""

from itertools import accumulate, pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhijian.models.engines.audio import RATE_HZ, as_floats
from zhijian.models.engines.windows import KEPT_PAUSE_MS, LONGEST_MS, Window, pack
from zhijian.models.records.span import Span

PER_MS = RATE_HZ // 1000
RECORDING_MS = 150_000
NOISE = np.random.default_rng(1).integers(-3000, 3000, (1, RECORDING_MS * PER_MS), dtype=np.int16)

# pauses and the lengths of what is said between them; what would go beyond the recording is left out
gaps = st.one_of(st.integers(0, 1_500), st.integers(0, 20_000))
lengths = st.one_of(st.integers(1, 4_000), st.integers(1, 70_000))


def as_spans(steps: list[tuple[int, int]]) -> list[Span]:
    edges = list(accumulate((ms for step in steps for ms in step), initial=0))[1:]
    return [Span(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True) if b <= RECORDING_MS]


voiced = st.lists(st.tuples(gaps, lengths), max_size=12).map(as_spans)
part_lists = st.lists(st.tuples(st.integers(0, 900), st.integers(1, 900)), min_size=1, max_size=5)


def window_of(steps: list[tuple[int, int]]) -> Window:
    """Its parts do not lie on whole milliseconds."""
    edges = list(accumulate((num for step in steps for num in step), initial=0))[1:]
    return Window(NOISE, tuple(range(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True)))


@settings(max_examples=50, deadline=None)
@given(voiced)
def test_all_speech_is_in_one_window_in_order_and_no_window_is_too_long(spans: list[Span]) -> None:
    windows = pack(NOISE, spans)
    assert all(0 < window.num_samples <= LONGEST_MS * PER_MS for window in windows)
    parts = [part for window in windows for part in window.parts]
    assert all(a.stop <= b.start for a, b in pairwise(parts))
    for span in spans:
        inside = [range(max(p.start, span.start_ms * PER_MS), min(p.stop, span.end_ms * PER_MS)) for p in parts]
        assert sum(map(len, inside)) == span.duration_ms * PER_MS


@settings(max_examples=50, deadline=None)
@given(voiced)
def test_of_each_pause_half_a_second_stays_at_most_and_none_at_the_edges(spans: list[Span]) -> None:
    for window in pack(NOISE, spans):
        assert window.span.start_ms in {span.start_ms for span in spans} or any(
            span.start_ms < window.span.start_ms < span.end_ms for span in spans
        )
        for before, part in pairwise(window.parts):
            heard = [s for s in spans if s.start_ms * PER_MS < part.stop and part.start < s.end_ms * PER_MS]
            pause = max(0, heard[0].start_ms * PER_MS - part.start)
            gap = part.start + pause - before.stop
            assert pause == min(gap, KEPT_PAUSE_MS * PER_MS)


def test_windows_are_as_full_as_they_go() -> None:
    spans = [Span(at, at + 9_000) for at in range(0, 90_000, 9_300)]
    windows = pack(NOISE, spans)
    assert [window.num_samples // PER_MS for window in windows] == [27_600, 27_600, 27_600, 9_000]


def test_of_silence_there_is_no_window() -> None:
    assert pack(NOISE, []) == []


def test_what_lies_beyond_the_recording_is_left_out() -> None:
    (window,) = pack(NOISE[:, : 5_000 * PER_MS], [Span(4_000, 6_000), Span(7_000, 8_000)])
    assert window.span == Span(4_000, 5_000)


@pytest.mark.parametrize("quiet_ms", [15_000, 20_000, 27_000])
def test_speech_that_is_too_long_is_cut_where_it_is_quietest(quiet_ms: int) -> None:
    sound = NOISE.copy()
    sound[:, (quiet_ms - 60) * PER_MS : (quiet_ms + 60) * PER_MS] //= 100
    first, second = pack(sound, [Span(0, 40_000)])
    assert abs(first.span.end_ms - quiet_ms) <= 20
    assert first.parts[-1].stop == second.parts[0].start


def test_channels_are_averaged_and_the_pauses_cut_out() -> None:
    stereo = np.stack([NOISE[0, :8_000], NOISE[0, 8_000:16_000]])
    heard = Window(stereo, (range(100, 200), range(5_000, 5_300))).samples()
    both = as_floats(stereo).mean(axis=0)
    assert heard.dtype == np.float32
    np.testing.assert_allclose(heard, np.concatenate([both[100:200], both[5_000:5_300]]))


@given(part_lists, st.lists(st.floats(-0.1, 1), min_size=2))
def test_moments_are_in_order_and_lie_in_a_part(steps: list[tuple[int, int]], offsets: list[float]) -> None:
    window = window_of(steps)
    moments = [window.moment_ms(offset) for offset in sorted(offsets)]
    assert moments == sorted(moments)
    for moment in moments:
        assert any(p.start // PER_MS <= moment <= p.stop // PER_MS for p in window.parts)


@given(part_lists)
def test_the_first_moment_and_the_last_are_the_window_s(steps: list[tuple[int, int]]) -> None:
    window = window_of(steps)
    assert window.moment_ms(0) == window.span.start_ms
    for offset_s in (window.num_samples / RATE_HZ, window.num_samples / RATE_HZ + 5):
        assert window.moment_ms(offset_s) == window.span.end_ms


def test_a_moment_between_two_parts_belongs_to_the_first() -> None:
    window = Window(NOISE, (range(0, 16_000), range(32_000, 48_000)))
    assert [window.moment_ms(s) for s in (0.5, 1, 1.001, 1.5, 2)] == [500, 1_000, 2_001, 2_500, 3_000]


@given(part_lists, st.data())
def test_after_a_moment_is_what_is_left(steps: list[tuple[int, int]], data: st.DataObject) -> None:
    window = window_of(steps)
    skipped = data.draw(st.integers(0, window.num_samples))
    rest = window.after(skipped / RATE_HZ)
    if skipped == window.num_samples:
        assert rest is None
    else:
        assert rest is not None
        assert rest.num_samples == window.num_samples - skipped
        assert [*map(int, np.concatenate(rest.parts))] == [*map(int, np.concatenate(window.parts)[skipped:])]
        np.testing.assert_array_equal(rest.samples(), window.samples()[skipped:])
