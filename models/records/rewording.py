"""Another text for what was said: corrected by a person, or with a customer's data masked. Times are kept."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from itertools import pairwise

from zhijian.models.records.dialogue import Dialogue, Role, Utterance, Voice, Word
from zhijian.models.records.span import Span


def reworded(utterance: Utterance, text: str) -> Utterance:
    """The utterance with `text`: words that stay keep their times, new ones take the time of those they replace.

    Without word times, only the text changes.
    """
    if text == utterance.text or not utterance.words:
        return replace(utterance, text=text)
    return replace(utterance, text=text, words=tuple(_words(utterance.words, text)))


def corrected(dialogue: Dialogue, index: int, *, text: str, role: Role) -> Dialogue:
    """The dialogue in which utterance `index` has another text or was said by another role. What is corrected is
    trusted. Raises IndexError.
    """
    before = dialogue.utterances[index]
    after = replace(reworded(before, text), role=role, role_confidence=1.0, confidence=1.0, suspect=None)
    utterances = (*dialogue.utterances[:index], after, *dialogue.utterances[index + 1 :])
    voices = sorted(_spoken_by(dialogue.voices, before, role), key=lambda voice: voice.span)
    return replace(dialogue, utterances=utterances, voices=tuple(voices))


def _words(words: Sequence[Word], text: str) -> Iterator[Word]:
    old = "".join(word.text for word in words)
    owner = [index for index, word in enumerate(words) for _ in word.text]
    for tag, start, end, new_start, new_end in SequenceMatcher(None, old, text, autojunk=False).get_opcodes():
        if new_start == new_end:
            continue
        if tag != "equal":
            yield Word(text[new_start:new_end], _time(words, owner, start, end), 1.0)
            continue
        first = start
        for place in range(start + 1, end + 1):
            if place == end or owner[place] != owner[first]:
                word = words[owner[first]]
                yield Word(old[first:place], word.span, word.probability)
                first = place


def _time(words: Sequence[Word], owner: Sequence[int], start: int, end: int) -> Span:
    """When characters `start..end` were said; the moment between their neighbours where there are none."""
    if start < end:
        return words[owner[start]].span.hull(words[owner[end - 1]].span)
    if 0 < start < len(owner) and owner[start - 1] == owner[start]:  # within one word
        return words[owner[start]].span
    moment = words[owner[start - 1]].span.end_ms if start else words[0].span.start_ms
    return Span(moment, moment)


def _spoken_by(voices: Sequence[Voice], utterance: Utterance, role: Role) -> Iterator[Voice]:
    """The voices, with that of the utterance's role given to another one while it was said; not in order."""
    said = utterance.span
    for voice in voices:
        if voice.role is not utterance.role or not voice.span.overlap_ms(said):
            yield voice
            continue
        inside = {edge for edge in (said.start_ms, said.end_ms) if voice.span.start_ms < edge < voice.span.end_ms}
        for start, end in pairwise(sorted({voice.span.start_ms, voice.span.end_ms} | inside)):
            part = Span(start, end)
            yield Voice(role if said.covers(part) else voice.role, part)
