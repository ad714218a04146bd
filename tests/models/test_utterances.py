"""From voices and words to utterances."""

import time

from hypothesis import given
from hypothesis import strategies as st

from zhijian.models.engines.utterances import STRAY_MS, give_words, stray_utterance, stretches, utterance_of
from zhijian.models.engines.voice import are_two_sides
from zhijian.models.records.dialogue import Role, Word
from zhijian.models.records.span import Span, union

starts, lengths = st.integers(0, 64_000), st.integers(1, 4000)
stretch_of_time = st.builds(lambda start, length: Span(start, start + length), starts, lengths)
voiced = st.lists(stretch_of_time, max_size=8)
spoken = st.builds(Word, st.text("您好", min_size=1), stretch_of_time, st.floats(0, 1))


def spans_of(found):
    return [(s.speaker, s.span) for s in found]


def test_a_pause_below_a_second_goes_on_unless_the_other_speaks():
    assert spans_of(stretches([[Span(0, 1000), Span(1900, 3000)], []])) == [(0, Span(0, 3000))]
    assert spans_of(stretches([[Span(0, 1000), Span(2000, 3000)], []])) == [(0, Span(0, 1000)), (0, Span(2000, 3000))]
    assert spans_of(stretches([[Span(0, 1000), Span(1900, 3000)], [Span(1200, 1700)]])) == [
        (0, Span(0, 1000)),
        (1, Span(1200, 1700)),
        (0, Span(1900, 3000)),
    ]


def test_a_word_belongs_where_it_ends():
    found = stretches([[Span(0, 2000)], [Span(2400, 4000)]])
    # timed from the end of the word before it, across the pause
    give_words(found, [Word("吗", Span(1700, 2000), 0.9), Word("对", Span(2000, 2600), 0.9)])
    assert [[w.text for w in s.words] for s in found] == [["吗"], ["对"]]


def test_words_where_nobody_speaks_are_kept_as_inventions():
    found = stretches([[Span(0, 2000)]])
    stray = give_words(found, [Word("您好", Span(500, 900), 0.9), Word("谢谢", Span(9000, 9500), 0.4)])
    assert [w.text for w in stray] == ["谢谢"]
    assert stray_utterance(stray).suspect
    assert stray_utterance(stray).role is Role.SYSTEM


@given(st.lists(voiced, min_size=1, max_size=2), st.lists(spoken, max_size=12))
def test_no_voice_and_no_word_is_lost_or_doubled(voices, words):
    voices = [union(spans) for spans in voices]
    found = stretches(voices)
    stray = give_words(found, words)
    assert sorted((s.speaker, v) for s in found for v in s.voiced) == sorted(
        (speaker, span) for speaker, spans in enumerate(voices) for span in spans
    )
    assert sorted([id(w) for s in found for w in s.words] + [id(w) for w in stray]) == sorted(map(id, words))
    for stretch in found:
        utterance = utterance_of(stretch, Role.AGENT, 1.0)
        assert utterance.text == "".join(w.text for w in stretch.words)
        assert all(utterance.span.covers(w.span) for w in utterance.words)


@given(st.lists(voiced, min_size=1, max_size=2), st.lists(spoken, max_size=12))
def test_no_other_stretch_is_nearer_to_the_end_of_a_word(voices, words):
    found = stretches([union(spans) for spans in voices])
    stray = give_words(found, words)

    def distance_ms(stretch, word):
        return stretch.span.gap_ms(Span(word.span.end_ms, word.span.end_ms))

    for stretch in found:
        for word in stretch.words:
            assert distance_ms(stretch, word) == min(distance_ms(other, word) for other in found) <= STRAY_MS
    assert all(distance_ms(stretch, word) > STRAY_MS for stretch in found for word in stray)


def test_a_day_of_speech_is_told_apart_in_seconds():
    """In the time of each stretch and word nothing looks at all the others."""
    day = [[Span(t + side, t + side + 1100) for t in range(0, 24 * 3600_000, 3000)] for side in (0, 1500)]
    words = [Word("电", Span(t, t + 200), 0.9) for t in range(0, 24 * 3600_000, 300)]
    began_s = time.process_time()
    assert not give_words(stretches(day), words)
    assert are_two_sides(day)
    assert time.process_time() - began_s < 30
