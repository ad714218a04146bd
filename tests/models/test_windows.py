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


span_lists = st.lists(st.tuples(gaps, lengths), max_size=12).map(as_spans)
part_lists = st.lists(st.tuples(st.integers(0, 900), st.integers(1, 900)), min_size=1, max_size=5)


def is_voiced(spans: list[Span]) -> np.ndarray:
    """(num_samples,)"""
    voiced = np.zeros(NOISE.shape[1], dtype=bool)
    for span in spans:
        voiced[span.start_ms * PER_MS : span.end_ms * PER_MS] = True
    return voiced


def window_of(steps: list[tuple[int, int]]) -> Window:
    """Its parts do not lie on whole milliseconds."""
    edges = list(accumulate((num for step in steps for num in step), initial=0))[1:]
    return Window(NOISE, tuple(range(a, b) for a, b in zip(edges[::2], edges[1::2], strict=True)))


@settings(max_examples=50)
@given(span_lists)
def test_all_speech_is_in_one_window_in_order_and_no_window_is_too_long(spans: list[Span]) -> None:
    windows = pack(NOISE, spans)
    assert all(0 < window.num_samples <= 28_500 * PER_MS for window in windows)
    parts = [part for window in windows for part in window.parts]
    assert all(a.stop <= b.start for a, b in pairwise(parts))
    times_taken = np.zeros(NOISE.shape[1], dtype=int)
    for part in parts:
        times_taken[part.start : part.stop] += 1
    assert (times_taken[is_voiced(spans)] == 1).all()


@settings(max_examples=50)
@given(span_lists)
def test_of_each_pause_half_a_second_stays_at_most_and_none_at_the_edges(spans: list[Span]) -> None:
    voiced = is_voiced(spans)
    for window in pack(NOISE, spans):
        first, *_ = window.parts
        assert voiced[first.start : first.stop].all()
        for before, part in pairwise(window.parts):
            kept = int((~voiced[part.start : part.stop]).sum())
            assert voiced[part.start + kept : part.stop].all()
            assert kept == min(part.start + kept - before.stop, 500 * PER_MS)


@settings(max_examples=50)
@given(span_lists)
def test_what_begins_a_window_did_not_fit_into_the_one_before(spans: list[Span]) -> None:
    for before, after in pairwise(pack(NOISE, spans)):
        pause = min(after.parts[0].start - before.parts[-1].stop, KEPT_PAUSE_MS * PER_MS)
        assert before.num_samples + pause + len(after.parts[0]) > LONGEST_MS * PER_MS


def test_windows_are_as_full_as_they_go() -> None:
    spans = [Span(at, at + 9_000) for at in range(0, 90_000, 9_600)]
    windows = pack(NOISE, spans)
    assert [window.num_samples // PER_MS for window in windows] == [28_000, 28_000, 28_000, 9_000]


@pytest.mark.parametrize("start_ms", [14_000, 14_500, 14_600])
def test_a_window_holds_28_5_s_and_not_a_millisecond_more(start_ms: int) -> None:
    end_ms = 28_500 + max(0, start_ms - 14_500)
    assert len(pack(NOISE, [Span(0, 14_000), Span(start_ms, end_ms)])) == 1
    assert len(pack(NOISE, [Span(0, 14_000), Span(start_ms, end_ms + 1)])) == 2


@pytest.mark.parametrize(("end_ms", "num_windows"), [(28_500, 1), (28_501, 2)])
def test_speech_is_cut_only_if_it_does_not_fit(end_ms: int, num_windows: int) -> None:
    assert len(pack(NOISE, [Span(0, end_ms)])) == num_windows


def test_of_silence_there_is_no_window() -> None:
    assert pack(NOISE, []) == []


def test_what_lies_beyond_the_recording_is_left_out() -> None:
    short = NOISE[:, : 5_000 * PER_MS]
    (window,) = pack(short, [Span(4_000, 6_000), Span(7_000, 8_000)])
    assert window.span == Span(4_000, 5_000)
    assert pack(short, [Span(7_000, 8_000)]) == []


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


def test_the_loudest_channels_do_not_overflow() -> None:
    loudest = np.array([[-32_768, 32_767, -32_768], [-32_768, 32_767, 32_767]], dtype=np.int16)
    np.testing.assert_allclose(Window(loudest, (range(3),)).samples(), [-1, 1, 0], atol=1e-4)


@given(part_lists)
def test_a_window_lies_from_its_first_part_to_its_last(steps: list[tuple[int, int]]) -> None:
    window = window_of(steps)
    recorded = np.concatenate(window.parts)
    assert window.num_samples == len(recorded)
    assert window.span.start_ms == recorded[0] // PER_MS
    assert window.span.end_ms == (recorded[-1] + 1) // PER_MS


@given(part_lists, st.lists(st.floats(-0.1, 1), min_size=2))
def test_moments_are_in_order_and_lie_in_a_part(steps: list[tuple[int, int]], offsets: list[float]) -> None:
    window = window_of(steps)
    moments = [window.moment_ms(offset) for offset in sorted(offsets)]
    assert moments == sorted(moments)
    for moment in moments:
        assert any(p.start // PER_MS <= moment <= p.stop // PER_MS for p in window.parts)


@given(part_lists, st.data())
def test_a_moment_is_where_the_sound_before_it_ended(steps: list[tuple[int, int]], data: st.DataObject) -> None:
    window = window_of(steps)
    recorded = np.concatenate(window.parts)
    num_before = data.draw(st.integers(1, window.num_samples))
    assert window.moment_ms(num_before / RATE_HZ) == (recorded[num_before - 1] + 1) // PER_MS


@given(part_lists, st.floats(0, 5))
def test_moments_beyond_a_window_are_its_edges(steps: list[tuple[int, int]], beyond_s: float) -> None:
    window = window_of(steps)
    assert window.moment_ms(-beyond_s) == window.span.start_ms
    assert window.moment_ms(window.num_samples / RATE_HZ + beyond_s) == window.span.end_ms


def test_a_moment_between_two_parts_belongs_to_the_first() -> None:
    window = Window(NOISE, (range(0, 16_000), range(32_000, 48_000)))
    assert [window.moment_ms(s) for s in (0.5, 1, 1.001, 1.5, 2)] == [500, 1_000, 2_001, 2_500, 3_000]
