"""What makes a phrase harmless, or no use of it, although it was said."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated

from pydantic import StringConstraints

from zhijian.rules.call.phrases import Hit
from zhijian.rules.call.terms import Phrase, Phrases, Term

NEARBY_CHARS = 12
"""How far from the phrase, within its sentence, something may stand that excuses it."""

Text = Annotated[str, StringConstraints(min_length=1)]


class Excuses(Term):
    """Text right before or after the phrase, phrases near it in its sentence, phrases in its turn: any excuses it."""

    before: tuple[Text, ...] = ()
    after: tuple[Text, ...] = ()
    in_sentence: Phrases = ()
    in_turn: Phrases = ()

    def __bool__(self) -> bool:
        return bool(self.before or self.after or self.in_sentence or self.in_turn)

    def excuse(self, hit: Hit, turn_text: str, has: Callable[[Sequence[Phrase], str], bool]) -> bool:
        """Is there one for this hit? `has` tells whether one of the phrases is said in a raw text."""
        return (
            hit.text.chars[: hit.match.start].endswith(self.before)
            or hit.text.chars[hit.match.end :].startswith(self.after)
            or (bool(self.in_sentence) and has(self.in_sentence, nearby(hit)))
            or (bool(self.in_turn) and has(self.in_turn, turn_text))
        )


NO_EXCUSES = Excuses()


def nearby(hit: Hit) -> str:
    """The raw text around a hit, within its sentence."""
    text, start, end = hit.text, hit.match.start, hit.match.end
    sentence_start, sentence_end = text.sentence_of(start)
    return text.quote(max(sentence_start, start - NEARBY_CHARS), min(sentence_end, end + NEARBY_CHARS))
