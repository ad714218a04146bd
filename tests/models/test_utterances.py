"""From voices and words to utterances."""

from hypothesis import given
from hypothesis import strategies as st

from zhijian.models.engines.utterances import give_words, stray_utterance, stretches, utterance_of
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
