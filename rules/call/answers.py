"""What a judge would have the sound asked, and what it answered (models/engines/verifier.py does the listening)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

from zhijian.models.records.dialogue import Dialogue, Role, Utterance
from zhijian.models.records.questions import PhraseQuery, PhraseScore
from zhijian.models.records.span import Span
from zhijian.rules.call.belief import curve
from zhijian.rules.call.phrases import Hit
from zhijian.rules.words.text import normalise

_Key = tuple[Role, Span, str]

SHORTEST_CHARS = 3
"""A shorter phrase is found by its exact sound alone, about which the sound can tell nothing new."""
ASKED_BY_A_CHECK = 4
"""Only the likeliest are worth a tenth of a second of hearing each."""
ASKED_PER_MINUTE = 6


@dataclass(frozen=True)
class Doubts:
    """Those about the words of a dialogue, each with its turn: the likeliest that a check asks before its others."""

    dialogue: Dialogue
    _turns: dict[PhraseQuery, tuple[int, float]] = field(default_factory=dict)
    _which: dict[PhraseQuery, None] = field(default_factory=dict)

    def ask_which(self, queries: Iterable[PhraseQuery]) -> None:
        """About several readings of one stretch, which tell something only together."""
        self._which.update(dict.fromkeys(queries))

    def ask(self, hits: Iterable[Hit]) -> None:
        """About the likeliest of hits of which one would do."""
        unlike = {query: -hit.match.similarity for hit in hits if (query := _query(hit, self._numbers)) is not None}
        for rank, query in enumerate(sorted(unlike, key=unlike.__getitem__)[:ASKED_BY_A_CHECK]):
            turn = rank, unlike[query]
            self._turns[query] = min(turn, self._turns.get(query, turn))

    @property
    def likeliest(self) -> tuple[PhraseQuery, ...]:
        """Of phrases as many as the length of the call allows, and all readings; in order of time."""
        at_most = max(1, round(ASKED_PER_MINUTE * self.dialogue.duration_ms / 60_000))
        chosen = sorted(self._turns, key=self._turns.__getitem__)[:at_most]
        asked = dict.fromkeys((*chosen, *self._which))
        return tuple(sorted(asked, key=lambda query: (query.utterance, query.start)))

    @cached_property
    def _numbers(self) -> dict[_Key, int]:
        return _numbers(self.dialogue)


@dataclass(frozen=True)
class Answers:
    """Those that came with a dialogue."""

    dialogue: Dialogue

    def __bool__(self) -> bool:
        return bool(self.dialogue.phrase_scores)

    def know(self, utterance: Utterance) -> bool:
        """Was a phrase asked about in it?"""
        return bool(self.wordings(utterance))

    def wordings(self, utterance: Utterance) -> frozenset[str]:
        """What was asked about in it, as it would have been said."""
        return self._wordings.get(_key(utterance), frozenset()) if self else frozenset()

    def weighed(self, hit: Hit) -> Hit:
        """The hit with how probable it is by its sound; as it is where that was not asked."""
        query = _query(hit, self._numbers) if self else None
        if query is None or query not in self._scores:
            return hit
        return replace(hit, belief=curve().probability(hit.match.similarity, self._scores[query]))

    def known(self, queries: Sequence[PhraseQuery]) -> list[PhraseScore]:
        """Those to the queries that were asked, in their order. A call heard long ago was asked fewer."""
        return [self._scores[query] for query in queries if query in self._scores]

    def of(self, queries: Sequence[PhraseQuery]) -> list[PhraseScore]:
        """Those to the queries, in their order; empty unless all were asked."""
        known = self.known(queries)
        return known if len(known) == len(queries) else []

    def ratios(self, queries: Sequence[PhraseQuery]) -> list[float]:
        """How much better each fits the sound than what was recognised; empty unless all were asked."""
        return [score.log_likelihood_ratio for score in self.of(queries)]

    @cached_property
    def _scores(self) -> dict[PhraseQuery, PhraseScore]:
        return {score.query: score for score in self.dialogue.phrase_scores}

    @cached_property
    def _wordings(self) -> dict[_Key, frozenset[str]]:
        asked = defaultdict(set)
        for query in self._scores:
            if _is_long_enough(query.wording):
                asked[query.utterance].add(query.wording)
        utterances = self.dialogue.utterances
        return {_key(utterances[number]): frozenset(wordings) for number, wordings in asked.items()}

    @cached_property
    def _numbers(self) -> dict[_Key, int]:
        return _numbers(self.dialogue)


def _is_long_enough(phrase: str) -> bool:
    """To be asked about as a phrase, and not as one of several readings."""
    return len(normalise(phrase)) >= SHORTEST_CHARS


def _query(hit: Hit, numbers: dict[_Key, int]) -> PhraseQuery | None:
    """None for what cannot be asked: too short phrases, parts of utterances."""
    number = numbers.get(_key(hit.utterance))
    if number is None or not _is_long_enough(hit.phrase):
        return None
    return PhraseQuery(number, *hit.text.raw_slice(hit.match.start, hit.match.end), hit.wording)


def _numbers(dialogue: Dialogue) -> dict[_Key, int]:
    return {_key(utterance): number for number, utterance in enumerate(dialogue.utterances)}


def _key(utterance: Utterance) -> _Key:
    """Tells whole utterances from each other, and from parts of them."""
    return utterance.role, utterance.span, utterance.text
