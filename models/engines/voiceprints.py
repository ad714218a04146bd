"""The voices in a call: pieces of speech, each with an embedding of its own, parted into speakers."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import AgglomerativeClustering

from zhijian.models.records.span import Span

# shorter pieces do not shape a voice, they are only given to one
_MIN_SHAPING_S = 0.5
# clustering compares each with each: so many, taken evenly from the call, are enough to know its voices
_MAX_SHAPING = 2000
# two voices came out 0.24 to 0.49 apart (24 calls), with 6 s or more of both; one voice cut in half up to 0.20, in one
# of 40 channels 0.23
SAME_VOICE_SEPARABILITY = 0.22
# the less is heard of a second voice, the farther it must be: a few pieces of the first one are far from it by chance
# (up to 0.54 apart with 1 to 2 s, 0.48 with 2 to 3 s, 0.19 with 3 to 4 s; two voices with 2 to 3 s: 0.35 and more).
# With less than the first, it is a cough, a laugh or the line
_LITTLE_SPEECH_S, _LITTLE_SPEECH_SEPARABILITY = (1.0, 3.0), (0.6, SAME_VOICE_SEPARABILITY)
# a third voice, how far it must be from both main ones, and they from each other: where two people spoke, the closest
# two of three such parts were at most 0.24 apart
_MIN_THIRD_VOICE_S, _THIRD_VOICE_SEPARABILITY, _MAIN_VOICES_SEPARABILITY = 3.0, 0.4, 0.28
# what a change of speaker must gain without a pause, in similarity times seconds, and the pause that halves it
_CHANGE_COST = 0.05
_CHANGE_PAUSE_S = 0.3

Floats = NDArray[np.floating]
Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Voices:
    """`speakers`: (num_pieces,) of 0 and 1, the main voices in the order of their first words, and 2, a third one.

    `margins`: (num_pieces,), how much more alike each piece is to its speaker's voice than to the next best, as a
    difference of cosines (negative where only its neighbours gave it to that speaker); all 1 where one voice was heard.
    `separability`: cosine distance (0..2) of the main voices, None for one voice.
    """

    speakers: Ints
    margins: Floats
    separability: float | None


@dataclass(frozen=True)
class _Parts:
    labels: Ints  # shape: (num_pieces,)
    seconds: Floats  # of speech, shape: (num_voices,)
    turns: Ints  # shape: (num_voices,)
    distances: Floats  # cosine, shape: (num_voices, num_voices)
    likeness: Floats  # cosine, shape: (num_pieces, num_voices)


def part(pieces: Sequence[Span], embeddings: Floats) -> Voices:
    """Two voices out of pieces in order, three where the third is clearly another, one where there is no second.

    `embeddings`: (num_pieces, dimension), each of length one, or zeros, which are like no voice.
    """
    three = _parted(pieces, embeddings, 3)
    if three is not None:
        # main voices take turns; an announcement or a colleague's part is heard in one go
        third = min(range(3), key=lambda voice: (three.turns[voice], three.seconds[voice]))
        main = [voice for voice in range(3) if voice != third]
        if _are_three(three, main, third):
            return _voices(three, main, third)
    two = _parted(pieces, embeddings, 2)
    if two is not None and _are_two(two):
        return _voices(two, [0, 1])
    return Voices(np.zeros(len(pieces), dtype=np.int64), np.ones(len(pieces)), None)


def _parted(pieces: Sequence[Span], embeddings: Floats, num_voices: int) -> _Parts | None:
    """The pieces in so many parts, whether they are different voices or not; None when there are too few pieces."""
    seconds = np.array([piece.duration_ms / 1000 for piece in pieces])
    shaping = np.flatnonzero((seconds >= _MIN_SHAPING_S) & embeddings.any(axis=1))
    if len(shaping) < num_voices:
        return None
    shaping = shaping[np.linspace(0, len(shaping) - 1, min(len(shaping), _MAX_SHAPING)).astype(int)]
    own = AgglomerativeClustering(num_voices, linkage="ward").fit_predict(embeddings[shaping])
    weighted = embeddings[shaping] * seconds[shaping, None]
    centroids = np.stack([_unit(weighted[own == voice].sum(axis=0)) for voice in range(num_voices)])
    likeness = embeddings @ centroids.T
    labels = _likeliest_path(likeness * seconds[:, None], _change_costs(pieces))
    return _Parts(
        labels=labels,
        seconds=np.array([seconds[labels == voice].sum() for voice in range(num_voices)]),
        turns=np.bincount(labels[np.flatnonzero(np.diff(labels, prepend=-1))], minlength=num_voices),
        distances=1 - centroids @ centroids.T,
        likeness=likeness,
    )


def _are_two(parts: _Parts) -> bool:
    least_s = parts.seconds.min()
    enough_to_tell = least_s >= _LITTLE_SPEECH_S[1]
    wanted = np.interp(least_s, _LITTLE_SPEECH_S, _LITTLE_SPEECH_SEPARABILITY)
    return bool(enough_to_tell or (least_s >= _LITTLE_SPEECH_S[0] and parts.distances[0, 1] >= wanted))


def _are_three(parts: _Parts, main: Sequence[int], third: int) -> bool:
    return bool(
        parts.seconds.min() >= _MIN_THIRD_VOICE_S
        and parts.distances[third, main].min() >= _THIRD_VOICE_SEPARABILITY
        and parts.distances[main[0], main[1]] >= _MAIN_VOICES_SEPARABILITY
    )


def _voices(parts: _Parts, main: Sequence[int], *more: int) -> Voices:
    first_piece = [int((parts.labels == voice).argmax()) for voice in range(len(parts.seconds))]
    order = [*sorted(main, key=lambda voice: first_piece[voice]), *more]
    own = np.take_along_axis(parts.likeness, parts.labels[:, None], axis=1)[:, 0]
    others = np.where(np.eye(len(order), dtype=bool)[parts.labels], -np.inf, parts.likeness)
    return Voices(
        speakers=np.argsort(order)[parts.labels],
        margins=own - others.max(axis=1),
        separability=float(parts.distances[main[0], main[1]]),
    )


def _change_costs(pieces: Sequence[Span]) -> Floats:
    """What a change of speaker before each piece but the first costs: less after a pause, shape (num_pieces - 1,)."""
    pauses_s = np.array([max(0, later.start_ms - earlier.end_ms) / 1000 for earlier, later in pairwise(pieces)])
    return _CHANGE_COST / (1 + pauses_s / _CHANGE_PAUSE_S)


def _likeliest_path(likeness: Floats, change_costs: Floats) -> Ints:
    """The voice of each piece (Viterbi): alike in sum, less the costs of the changes."""
    change = 1 - np.eye(likeness.shape[1])  # shape: (voice before, voice now)
    best = likeness[0]
    came_from = []
    for now, cost in zip(likeness[1:], change_costs, strict=True):
        ways = best[:, None] - cost * change
        came_from.append(ways.argmax(axis=0))
        best = ways.max(axis=0) + now
    path = [int(best.argmax())]
    for back in reversed(came_from):
        path.append(int(back[path[-1]]))
    return np.array(path[::-1])


def _unit(vector: Floats) -> Floats:
    return vector / np.linalg.norm(vector)
