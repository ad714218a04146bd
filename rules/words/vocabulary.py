"""Many phrases held against many texts at a time: which of them may be in which text.

Hardly any phrase is in a given text, and to look for each in each takes longer than all else in judging a call. Here
the table that `pinyin.find` draws up for one phrase is drawn up for all of them at once. It only tells how dear each is
at its best, in whole tenths of a syllable.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import numpy as np

from zhijian.rules.words.pinyin import SHORT, TOLERANCE, Sound, sound_of, tenths, wanted_of

Array = np.ndarray[Any, np.dtype[Any]]

_SYLLABLE = 10
"""Tenths of one that is missing, or too many."""
_FORBIDDEN, _ANYTHING = 130, 255
"""Tenths: what no phrase may cost, a byte even with what one may added; and the limit of phrases that could cost it."""
_ROUNDING = 1e-6
_NONE = -1
"""Stands behind the last syllable of a phrase."""


class Vocabulary:
    """Phrases without gaps, each with the least similarity (0..1) from which it is looked for."""

    def __init__(self, least: Mapping[str, float]) -> None:
        """Raises ValueError for a phrase without letters, digits or characters."""
        wanted = {phrase: wanted_of(phrase, 1.0) for phrase in least}
        self.phrases = frozenset(least)
        self._longest_first = sorted(least, key=lambda phrase: -len(wanted[phrase].sound.symbols))
        self._least = np.array([least[phrase] for phrase in self._longest_first])
        self._num_needed = np.array([len(wanted[phrase].needed) for phrase in self._longest_first])
        sounds = [wanted[phrase].sound for phrase in self._longest_first]
        shape = max((len(sound.symbols) for sound in sounds), default=0), len(sounds)
        self._limits_from = cache(self._limits)
        self._symbols, self._dropping = np.full(shape, _NONE), np.zeros(shape, np.uint8)
        for row, sound in enumerate(sounds):
            self._symbols[: len(sound.symbols), row] = sound.symbols
            self._dropping[: len(sound.symbols), row] = _dropping(sound)
        self._needed = np.where(self._dropping, self._symbols, len(tenths()))
        self._longer = np.count_nonzero(self._symbols != _NONE, axis=1)

    def near(self, texts: Sequence[str], *, least: float = 1.0) -> list[dict[str, float]]:
        """Of each of the texts, normal characters, the phrases that may be in it; `pinyin.find` finds no others.

        Each comes with its similarity at most. It counts from its own least one on, or from `least` on where that is
        lower.
        """
        near: list[dict[str, float]] = [{} for _ in texts]
        text_of = [number for number, chars in enumerate(texts) for _ in chars]
        if self.phrases and text_of:
            heard = [sound_of(chars) for chars in texts]
            limits = self._limits_from(least)
            rows = self._possible(heard, limits)
            table = self._table(rows, heard, int(limits.max()))
            places = np.flatnonzero(table <= limits[rows, None])
            at, columns = np.divmod(places, table.shape[1])
            alike = 1 - (table.ravel()[places] / 10 - TOLERANCE) / self._num_needed[rows[at]]
            for row, column, similarity in zip(rows[at].tolist(), columns.tolist(), alike.tolist(), strict=True):
                if column:
                    found, phrase = near[text_of[column - 1]], self._longest_first[row]
                    found[phrase] = max(similarity, found.get(phrase, similarity))
        return near

    def _limits(self, least: float) -> Array:
        """Tenths that the dearest alignment accepted of each phrase costs."""
        limits = 10 * (self._num_needed * (1 - np.minimum(self._least, least)) + TOLERANCE) + _ROUNDING
        limits[self._num_needed <= SHORT] = 0
        limits[limits >= _FORBIDDEN] = _ANYTHING
        return limits.astype(np.uint8)

    def _possible(self, heard: Sequence[Sound], limits: Array) -> Array:
        """The numbers of the phrases that are not too dear for any text, each syllable said where it costs least."""
        least = np.frombuffer(b"".join(sound.least for sound in heard), np.uint8)
        least = np.ascontiguousarray(least.reshape(len(heard), -1).T)
        cost = np.zeros((len(self._longest_first), len(heard)), np.uint8)
        for needed, longer in zip(self._needed, self._longer, strict=True):
            cost[:longer] += least.take(needed[:longer], axis=0)
        return np.flatnonzero((cost <= limits[:, None]).any(axis=1))

    def _table(self, rows: Array, heard: Sequence[Sound], limit: int) -> Array:
        """Tenths of the cheapest alignment of each of the phrases that ends in a column, shape (phrases, 1 + columns).

        The columns are the syllables of all texts in a row; what begins in one text and ends in the next does no harm,
        as it is rare. Nor does a sum of more than a byte: it begins again at 0 and lets through what is too dear.
        """
        symbols = [symbol for sound in heard for symbol in sound.symbols]
        saying = np.full((len(tenths()), 1 + len(symbols)), _FORBIDDEN, np.uint8)
        saying[:, 1:] = tenths()[symbols, :-1].T
        gaps = _gaps(np.array([cost for sound in heard for cost in _dropping(sound)]), limit, len(rows))
        table = np.zeros((len(rows), saying.shape[1]), np.uint8)
        spare = np.empty_like(table)
        for wanted, dropping in zip(self._symbols[:, rows], self._dropping[:, rows], strict=True):
            longer = np.count_nonzero(wanted != _NONE)
            said = saying.take(wanted[:longer], axis=0, out=spare[:longer], mode="clip").ravel()
            row = table[:longer].ravel()  # one after the other, since that is what numpy is fast at
            said[1:] += row[:-1]
            table[:longer] += dropping[:longer, None]
            np.minimum(row[1:], said[1:], out=row[1:])
            for width, cost in gaps:
                skipped = np.add(row[:-width], cost[width : len(row)], out=said[width:])
                np.minimum(row[width:], skipped, out=row[width:])
        return table


def _dropping(sound: Sound) -> list[int]:
    """Tenths that it costs to leave out each syllable."""
    return [0 if free else _SYLLABLE for free in sound.free]


def _gaps(skipping: Array, limit: int, rows: int) -> list[tuple[int, Array]]:
    """Widths that together make up every gap within the limit, and what each costs by the column it ends in.

    `skipping` is what it costs to skip each column; the costs are as many rows of columns, one after the other.
    """
    paid = np.concatenate([[0], skipping.cumsum()])
    widest = int((paid.searchsorted(paid + limit, "right") - 1 - np.arange(len(paid))).max())
    gaps = []
    for width in (1 << power for power in range(widest.bit_length())):
        cost = np.full(len(paid), _FORBIDDEN, np.uint8)
        cost[width:] = np.minimum(paid[width:] - paid[:-width], _FORBIDDEN)
        gaps.append((width, np.tile(cost, rows)))
    return gaps
