"""What all items of a standard share: thresholds, silences, and the phrases to be looked for at once."""

from __future__ import annotations

import re
from functools import cached_property

from pydantic import Field

from zhijian.rules.call.terms import Phrase, Phrases, Term
from zhijian.rules.words.text import without_fillers
from zhijian.rules.words.vocabulary import Vocabulary


class Thresholds(Term):
    """From when something counts; similarities, confidences and ratios are 0..1.

    A phrase at least `said` alike was said; one at least `doubt` alike may have been; one at least `certain` alike may
    oblige the agent to something. A searched place whose words are less than `word_confidence` sure, or in which
    `unheard_ms` and `unheard_ratio` of the speaker's voice brought no words, allows no deduction; nor does one with an
    utterance of `unheard_ms` or more that has less than `sparse_ratio` of the characters its speaker usually says in
    such a time, or, on one channel, `talked_over_ms` in which both speak; nor does one of up to `garbled_among_chars`
    characters of which four in a row are less than `garbled` sure: what is sought may be just those. Below
    `role_confidence` an utterance may be the other's, below `scenario_confidence` the call may be about something else.

    About phrases at least `asked` alike the sound itself is asked. With its answer a phrase was said from a probability
    of `believed` on, and may have been from `possible` on. A deduction that is right with a probability of less than
    `deduct` is none.
    """

    said: float = Field(gt=0, le=1)
    doubt: float = Field(gt=0, le=1)
    certain: float = Field(gt=0, le=1)
    word_confidence: float = Field(ge=0, le=1)
    role_confidence: float = Field(ge=0, le=1)
    unheard_ms: int = Field(ge=0)
    unheard_ratio: float = Field(gt=0, le=1)
    sparse_ratio: float = Field(ge=0, le=1)
    garbled: float = Field(ge=0, le=1)
    garbled_among_chars: int = Field(ge=0)
    talked_over_ms: int = Field(gt=0)
    scenario_confidence: float = Field(ge=0, le=1)
    asked: float = Field(gt=0, le=1)
    believed: float = Field(gt=0, le=1)
    possible: float = Field(gt=0, le=1)
    deduct: float = Field(ge=0, le=1)


class Silences(Term):
    """What tells an announced hold, an unexplained silence and the customer's own wait apart.

    A `notice` that is not part of a `no_notice` announces the silence if the agent says no more than
    `notice_tail_chars` after its sentence and the customer replies with no more than `short_reply_chars`. What the
    customer says who wants to look something up, and what the agent says who `asks` or `requests` something of the
    customer, has to be `context` (0..1) alike; nothing is asked after the agent's `own_deeds`. `sends` are requests to
    go and look or do, after which any short reply agrees, and `asks_result` is what the agent asks when that is done. A
    reply made of `assent` words alone neither ends what the agent says nor tells anything.
    """

    min_ms: int = Field(gt=0)
    notice: Phrases
    no_notice: Phrases
    notice_tail_chars: int = Field(ge=0)
    context: float = Field(gt=0, le=1)
    customer_waits: Phrases
    asks: Phrases
    requests: Phrases
    sends: Phrases
    asks_result: Phrases
    own_deeds: Phrases
    assent: tuple[str, ...] = Field(min_length=1)
    short_reply_chars: int = Field(ge=0)

    def is_assent(self, chars: str) -> bool:
        """Does a normal text hold nothing but words of assent and particles?"""
        return self._assent.fullmatch(without_fillers(chars)) is not None

    @cached_property
    def _assent(self) -> re.Pattern[str]:
        return re.compile(f"(?:{'|'.join(map(re.escape, self.assent))})*")


class Settings(Term):
    """What all items of a standard share; `listens_for` are the phrases of all of them, to be looked for at once."""

    thresholds: Thresholds
    silences: Silences
    listens_for: tuple[Phrase, ...] = ()

    @cached_property
    def vocabulary(self) -> Vocabulary:
        """The clues of the phrases, each from the least similarity on from which it tells anything."""
        tells, least = self.tells, dict[str, float]()
        for phrase in self.listens_for:
            least[phrase.clue] = min(tells, phrase.accept or tells, least.get(phrase.clue, tells))
        return Vocabulary(least)

    @cached_property
    def tells(self) -> float:
        """The least similarity (0..1) that tells anything of a phrase without an `accept` of its own."""
        return min(self.thresholds.said, self.thresholds.doubt, self.thresholds.certain)
