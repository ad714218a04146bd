"""Conversations with known speakers: clips of real people joined, and labelled calls brought to one channel."""

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass
from itertools import combinations, pairwise, permutations
from pathlib import Path

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray
from scipy.signal import butter, sosfilt

RATE_HZ = 16_000
FRAME_MS = 10
FRAME = RATE_HZ * FRAME_MS // 1000
ROLES = ("agent", "customer")
# what a speaker's clips must hold for two turns or more
MIN_SPEECH_S, TURN_S, MAX_TURNS = 2.5, 1.3, 6
LEVEL_DB, LEVEL_SPREAD_DB, NOISE_DB = -26.0, 3.0, -60.0
SPEECH_BELOW_PEAK_DB = 30.0
PAUSES_S, OVERLAPS_S, OVERLAP_RATIO = (0.2, 0.8), (0.3, 0.6), 0.15
# a shorter pause is part of the speech
MIN_PAUSE_MS = 200
TELEPHONE_BAND_HZ = (300, 3400)

Floats = NDArray[np.float32]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Conversation:
    """`samples`: (num_samples,) at 16 kHz; `spoken`: (num_people, num_frames), who speaks in each 10 ms."""

    name: str
    kind: str
    samples: Floats
    spoken: Flags

    @property
    def seconds(self) -> float:
        return len(self.samples) / RATE_HZ


@dataclass(frozen=True)
class Errors:
    """Frames of 10 ms. `confused`: speech given to somebody who does not speak then, under the best mapping."""

    confused: int = 0
    missed: int = 0
    false_alarm: int = 0
    spoken: int = 0

    def __add__(self, other: "Errors") -> "Errors":
        return Errors(*(a + b for a, b in zip(astuple(self), astuple(other), strict=True)))


def errors_of(conversation: Conversation, found: Sequence[tuple[int, int, int]]) -> Errors:
    """`found`: turns as (speaker, start_ms, end_ms) that do not overlap."""
    heard, rightly = heard_and_right(conversation, found)
    anybody = conversation.spoken.any(axis=0)
    return Errors(
        confused=int((anybody & (heard >= 0) & ~rightly).sum()),
        missed=int((anybody & (heard < 0)).sum()),
        false_alarm=int((~anybody & (heard >= 0)).sum()),
        spoken=int(anybody.sum()),
    )


def heard_and_right(
    conversation: Conversation, found: Sequence[tuple[int, int, int]]
) -> tuple[NDArray[np.int64], Flags]:
    """By frame: the speaker heard (-1: nobody), and whether that one speaks, under the best mapping to people."""
    spoken = conversation.spoken
    heard = np.full(spoken.shape[1], -1)
    for speaker, start_ms, end_ms in found:
        heard[start_ms // FRAME_MS : end_ms // FRAME_MS] = speaker
    speakers = range(max(int(heard.max(initial=-1)) + 1, len(spoken)))
    mappings = (
        np.logical_or.reduce([own & (heard == speaker) for own, speaker in zip(spoken, chosen, strict=True)])
        for chosen in permutations(speakers, len(spoken))
    )
    return heard, max(mappings, key=np.sum)


def labelled(folder: Path) -> Iterator[Conversation]:
    """The labelled calls of a folder with truth.json: mono as they are, stereo with both sides mixed."""
    for call in json.loads((folder / "truth.json").read_text(encoding="utf-8")):
        (path,) = (folder / "audio").glob(f"{call['call_id']}.*")
        channels, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)
        samples = soxr.resample(channels.mean(axis=1), rate_hz, RATE_HZ)
        spoken = np.zeros((len(ROLES), len(samples) // FRAME + 1), dtype=bool)
        for turn in call["truth"]:
            if turn["role"] in ROLES:
                first, last = (round(turn[edge] * 1000 / FRAME_MS) for edge in ("start", "end"))
                spoken[ROLES.index(turn["role"]), first:last] = True
        yield Conversation(
            call["call_id"], "mono calls" if call["channels"] == "mono" else "mixed calls", samples, spoken
        )


def joined(folder: Path, *, people: int = 2, telephone: bool, most: int | None = None) -> Iterator[Conversation]:
    """Every pair (or triple) of people of a folder with clips.csv in a conversation; the same ones each time.

    Everybody's clips are cut at their quietest moments into turns, which are said in alternation, with pauses and now
    and then an overlap. `telephone`: in the band of a telephone. `most`: so many, taken evenly from all.
    """
    voices = _voices(folder)
    groups = list(combinations(sorted(voices), people))
    if most is not None:
        groups = [groups[index] for index in np.linspace(0, len(groups) - 1, min(most, len(groups))).astype(int)]
    for seed, group in enumerate(groups):
        genders = {voices[name].gender for name in group}
        kind = f"joined {people}, {'same' if len(genders) == 1 else 'mixed'} gender, {'8' if telephone else '16'} kHz"
        yield _conversation("+".join(group), kind, [voices[name].samples for name in group], seed, telephone)


@dataclass(frozen=True)
class _Voice:
    gender: str
    samples: Floats


def _voices(folder: Path) -> dict[str, _Voice]:
    """All that each person says, without the silence before and after each clip; who says too little is left out."""
    clips: dict[str, list[Floats]] = {}
    genders = {}
    for row in csv.DictReader((folder / "clips.csv").open(encoding="utf-8")):
        samples, rate_hz = soundfile.read(folder / row["file"], dtype="float32")
        samples = soxr.resample(samples, rate_hz, RATE_HZ)
        speech = np.flatnonzero(_is_speech(samples))
        clips.setdefault(row["speaker"], []).append(samples[speech[0] * FRAME : (speech[-1] + 1) * FRAME])
        genders[row["speaker"]] = row["gender_guess"]
    whole = {name: _Voice(genders[name], np.concatenate(own)) for name, own in clips.items()}
    return {
        name: own
        for name, own in whole.items()
        if _is_speech(own.samples).mean() * len(own.samples) >= MIN_SPEECH_S * RATE_HZ
    }


def _conversation(name: str, kind: str, voices: Sequence[Floats], seed: int, telephone: bool) -> Conversation:
    random = np.random.default_rng(seed)
    shortest_s = min(len(samples) for samples in voices) / RATE_HZ
    rounds = int(np.clip(round(shortest_s / TURN_S), 2, MAX_TURNS))
    turns = [_turns(_levelled(samples, random), rounds) for samples in voices]
    order = [(person, turns[person][number]) for number in range(rounds) for person in range(len(voices))]
    starts, end = [], RATE_HZ // 2
    for _, turn in order:
        overlaps = random.random() < OVERLAP_RATIO and len(turn) > RATE_HZ
        gap_s = -random.uniform(*OVERLAPS_S) if overlaps else random.uniform(*PAUSES_S)
        starts.append(max(0, (end + round(gap_s * RATE_HZ)) // FRAME * FRAME))
        end = max(end, starts[-1] + len(turn))
    samples = np.zeros(end + RATE_HZ // 2, dtype=np.float32)
    spoken = np.zeros((len(voices), len(samples) // FRAME + 1), dtype=bool)
    for start, (person, turn) in zip(starts, order, strict=True):
        samples[start : start + len(turn)] += turn
        speech = _is_speech(turn)
        spoken[person, start // FRAME : start // FRAME + len(speech)] |= speech
    samples += random.normal(0, 10 ** (NOISE_DB / 20), len(samples)).astype(np.float32)
    return Conversation(name, kind, _telephone(samples) if telephone else samples, spoken)


def _turns(samples: Floats, count: int) -> list[Floats]:
    """`count` turns of about the same length, cut where it is quietest."""
    power = np.convolve(_power(samples), np.ones(5) / 5, mode="same")
    edges = [0]
    for number in range(1, count):
        middle, reach = len(power) * number // count, len(power) // count // 3
        edges.append(middle - reach + int(power[middle - reach : middle + reach].argmin()))
    return [samples[a * FRAME : b * FRAME] for a, b in zip(edges, [*edges[1:], len(power)], strict=True)]


def _levelled(samples: Floats, random: np.random.Generator) -> Floats:
    level_db = 10 * np.log10(np.mean(samples**2))
    wanted_db = LEVEL_DB + random.uniform(-LEVEL_SPREAD_DB, LEVEL_SPREAD_DB)
    return samples * np.float32(10 ** ((wanted_db - level_db) / 20))


def _power(samples: Floats) -> Floats:
    frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME)
    return (frames**2).mean(axis=1)


def _is_speech(samples: Floats) -> Flags:
    """By 10 ms: at most 30 dB below the loud parts; short pauses count as speech."""
    power = _power(samples)
    loud = power > np.percentile(power, 95) * 10 ** (-SPEECH_BELOW_PEAK_DB / 10)
    at = np.flatnonzero(loud)
    for before, after in pairwise(at.tolist()):
        if (after - before) * FRAME_MS < MIN_PAUSE_MS:
            loud[before:after] = True
    return loud


def _telephone(samples: Floats) -> Floats:
    """At 8 kHz in the band of a telephone, and back."""
    band = butter(4, TELEPHONE_BAND_HZ, btype="bandpass", fs=RATE_HZ // 2, output="sos")
    narrow = sosfilt(band, soxr.resample(samples, RATE_HZ, RATE_HZ // 2)).astype(np.float32)
    return soxr.resample(narrow, RATE_HZ // 2, RATE_HZ)[: len(samples)]
