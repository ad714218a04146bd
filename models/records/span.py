"""A stretch of a recording: integer milliseconds from its start, half-open."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass


class RecordError(ValueError):
    """A record would have broken its own rules; the message says which one."""


@dataclass(frozen=True, order=True, slots=True)
class Span:
    """`[start_ms, end_ms)`. An empty span (start = end) is allowed and falsy.

    >>> Span(0, 1000).overlap(Span(400, 2000))
    Span(start_ms=400, end_ms=1000)
    >>> Span(0, 1000).gap_ms(Span(1500, 2000))
    500
    """

    start_ms: int
    end_ms: int

    def __post_init__(self) -> None:
        if type(self.start_ms) is not int or type(self.end_ms) is not int:
            raise RecordError(f"a span needs integer milliseconds, got {self.start_ms!r}..{self.end_ms!r}")
        if not 0 <= self.start_ms <= self.end_ms:
            raise RecordError(f"a span needs 0 <= start <= end, got {self.start_ms}..{self.end_ms} ms")

    def __bool__(self) -> bool:
        return self.end_ms > self.start_ms

    @property
    def duration_ms(self) -> int:
        return self.end_ms - self.start_ms

    def overlap(self, other: "Span") -> "Span | None":
        """The stretch both cover, or None where they share no millisecond."""
        start, end = max(self.start_ms, other.start_ms), min(self.end_ms, other.end_ms)
        return Span(start, end) if start < end else None

    def overlap_ms(self, other: "Span") -> int:
        return max(0, min(self.end_ms, other.end_ms) - max(self.start_ms, other.start_ms))

    def gap_ms(self, other: "Span") -> int:
        """Milliseconds between the two, 0 where they touch or overlap."""
        return max(0, max(self.start_ms, other.start_ms) - min(self.end_ms, other.end_ms))

    def hull(self, other: "Span") -> "Span":
        """The shortest span that covers both."""
        return Span(min(self.start_ms, other.start_ms), max(self.end_ms, other.end_ms))

    def covers(self, other: "Span") -> bool:
        return self.start_ms <= other.start_ms and other.end_ms <= self.end_ms


def union(spans: Iterable[Span]) -> tuple[Span, ...]:
    """The same milliseconds as sorted spans that neither touch nor overlap; empty spans vanish."""
    merged: list[Span] = []
    for span in sorted(s for s in spans if s):
        if merged and span.start_ms <= merged[-1].end_ms:
            merged[-1] = merged[-1].hull(span)
        else:
            merged.append(span)
    return tuple(merged)


def together(one: Sequence[Span], other: Sequence[Span]) -> Iterator[Span]:
    """The stretches that both have, in order. Each is sorted and does not overlap itself, as a union is."""
    mine, theirs = iter(one), iter(other)
    a, b = next(mine, None), next(theirs, None)
    while a is not None and b is not None:
        if shared := a.overlap(b):
            yield shared
        if a.end_ms < b.end_ms:
            a = next(mine, None)
        else:
            b = next(theirs, None)
