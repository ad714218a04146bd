"""Places of a call: which of a role's turns a scope takes, between the words that anchor it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from statistics import fmean

from zhijian.models.records.dialogue import Dialogue, Role, Turn, Utterance
from zhijian.models.records.span import Span
from zhijian.rules.call.phrases import Hit
from zhijian.rules.call.terms import Scope

QUOTE_MAX_CHARS = 120
RUN_CHARS = 4
LAST_THIRD_MIN_TURNS = 3
"""The last third holds at least so many turns of the role: of a short call the letter would leave only the farewell."""


@dataclass(frozen=True, slots=True)
class Place:
    """A searched part of a call: its span, and what `role` is trusted to have said there."""

    role: Role
    span: Span
    utterances: tuple[Utterance, ...]

    @property
    def quote(self) -> str:
        """What was said there, shortened."""
        text = "".join(utterance.text for utterance in self.utterances)
        return text if len(text) <= QUOTE_MAX_CHARS else text[: QUOTE_MAX_CHARS - 1] + "…"

    @property
    def confidence(self) -> float:
        """Mean confidence of the words, by length; 0 where nothing was heard."""
        if not self.num_chars:
            return 0.0
        return fmean(
            [utterance.confidence for utterance in self.utterances],
            weights=[len(utterance.text) for utterance in self.utterances],
        )

    @property
    def num_chars(self) -> int:
        return sum(len(utterance.text) for utterance in self.utterances)

    @property
    def least_clear(self) -> float:
        """The confidence (0..1) of the worst run of characters, so many that a phrase may hide in it."""
        return min((_least_clear(utterance) for utterance in self.utterances), default=0.0)


def _least_clear(utterance: Utterance) -> float:
    clear = [word.probability for word in utterance.words for _ in word.text] or [utterance.confidence]
    return min(fmean(clear[first : first + RUN_CHARS]) for first in range(max(1, len(clear) - RUN_CHARS + 1)))


def place_of(
    scope: Scope, dialogue: Dialogue, turns: Sequence[Turn], *, after: Hit | None = None, before: Hit | None = None
) -> Place:
    """The utterances in scope, between the hits of its anchors; `turns` are those of the dialogue.

    The span runs on to where the other speaker takes over, or the call ends.
    """
    own = [index for index, turn in enumerate(turns) if turn.role is scope.role]
    if scope.last_third:
        own = own[-max(LAST_THIRD_MIN_TURNS, sum(3 * index >= 2 * len(turns) for index in own)) :]
    anchored = [(index, _between(turns[index], after, before)) for index in own]
    chosen = [(index, utterances) for index, utterances in anchored if utterances]
    if scope.first_turns is not None:
        chosen = chosen[: scope.first_turns]
    elif scope.last_turns is not None:
        chosen = chosen[-scope.last_turns :]
    span = _span(scope, dialogue, turns, [index for index, _ in chosen], after, before)
    utterances = tuple(utterance for _, utterances in chosen for utterance in utterances)
    if scope.first_ms is not None or scope.last_ms is not None:
        utterances = tuple(utterance for utterance in utterances if utterance.span.overlap(span))
    return Place(scope.role, span, utterances)


def _between(turn: Turn, after: Hit | None, before: Hit | None) -> tuple[Utterance, ...]:
    """What of a turn comes after one hit and before another: of the other speaker's turns all or nothing."""
    utterances = turn.utterances
    if after is not None:
        if turn.role is after.utterance.role:
            utterances = tuple(rest for one in utterances if (rest := _rest_after(one, after)) is not None)
        elif turn.span.start_ms <= after.span.start_ms:
            utterances = ()
    if before is not None:
        if turn.role is before.utterance.role:
            utterances = tuple(rest for one in utterances if (rest := _rest_before(one, before)) is not None)
        elif turn.span.end_ms >= before.span.end_ms:
            utterances = ()
    return utterances


def _rest_after(utterance: Utterance, hit: Hit) -> Utterance | None:
    if utterance.span.start_ms > hit.utterance.span.start_ms:
        return utterance
    _, end = hit.text.raw_slice(hit.match.start, hit.match.end)
    return _part(utterance, end, len(utterance.text)) if utterance == hit.utterance else None


def _rest_before(utterance: Utterance, hit: Hit) -> Utterance | None:
    if utterance.span.start_ms < hit.utterance.span.start_ms:
        return utterance
    start, _ = hit.text.raw_slice(hit.match.start, hit.match.end)
    return _part(utterance, 0, start) if utterance == hit.utterance else None


def _part(utterance: Utterance, start: int, end: int) -> Utterance | None:
    """`text[start:end]` as an utterance of its own; None where no word is in it.

    Without word times it takes as much of the time as of the text.
    """
    text = utterance.text[start:end]
    if not any(char.isalnum() for char in text):
        return None
    words, offset = [], 0
    for word in utterance.words:
        if kept := word.text[max(0, start - offset) : max(0, end - offset)]:
            words.append(replace(word, text=kept))
        offset += len(word.text)
    if words:
        span = words[0].span.hull(words[-1].span)
    else:
        ms_per_char = utterance.span.duration_ms / len(utterance.text)
        first_ms = utterance.span.start_ms + round(start * ms_per_char)
        span = Span(first_ms, first_ms + round(len(text) * ms_per_char))
    return replace(utterance, span=span, text=text, words=tuple(words))


def _span(
    scope: Scope, dialogue: Dialogue, turns: Sequence[Turn], chosen: list[int], after: Hit | None, before: Hit | None
) -> Span:
    start_ms = after.span.end_ms if after else 0
    end_ms = before.span.start_ms if before else dialogue.duration_ms
    if scope.first_turns is not None and chosen:
        end_ms = min(end_ms, turns[chosen[-1]].span.end_ms)
    if scope.last_turns is not None and chosen:
        start_ms = max(start_ms, turns[chosen[0]].span.start_ms)
    if scope.last_third and turns:
        first = min(-(-2 * len(turns) // 3), len(turns) - 1, *chosen)
        start_ms = max(start_ms, turns[first].span.start_ms)
    if scope.first_ms is not None and turns:
        end_ms = min(end_ms, turns[0].span.start_ms + scope.first_ms)
    if scope.last_ms is not None and turns:
        start_ms = max(start_ms, max(turn.span.end_ms for turn in turns) - scope.last_ms)
    return Span(start_ms, max(start_ms, end_ms))
