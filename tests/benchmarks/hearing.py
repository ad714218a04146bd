#!/usr/bin/env python3
"""The product beside its peers: errors, time, processor and memory, on the same sound with the same weights.

usage: hearing.py SHARED_DIR [--peers NAME ...] [--calls N] [--clips N] [--threads 2] [--tables channels mix real]
                  [--batch N] [--rounds N]

SHARED_DIR holds bench/evaluate.py, calls/dev (audio/ and truth.json) and real (clips.csv and its sound).

  channels  stereo calls: peers decode each channel by itself, the product does as it always does; errors by role.
            Mono calls have a table of their own: all decode the one channel, and roles do not count
  mix       the mean of the channels of the stereo calls; roles do not count
  real      clips of real people, as they are and at 8 kHz; everybody is handed all of them at once

The peers live in an environment of their own, `.venv-peers`, made the first time. Each contender is one process, with
its model loaded and warmed up. They take turns, one working at a time, in an order that rotates from turn to turn.

CER is evaluate.py's, on text in simplified characters; "as written" counts traditional characters as errors. RTF is
seconds per second of sound, CPU is seconds of all threads per hour of sound, both from the file to the text; the peak
of memory includes loading. `zhijian-beam1` is the product with `beam_size: 1`, `zhijian-words` its recogniser without
telling speakers apart.
"""

import argparse
import csv
import importlib.util
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

import numpy as np
import soundfile
import soxr
from opencc import OpenCC
from peers.contenders import PRODUCT, PRODUCT_BEAM1, PRODUCTS, Answer, contender, install_peers
from peers.serving import ALL, ROLES, Texts
from peers.worker import PEERS

from zhijian.models.engines import ears, weights

TELEPHONE_HZ = 8_000
RESAMPLES, INTERVAL_PERCENT, SEED = 10_000, (5, 95), 1


@dataclass(frozen=True)
class Piece:
    """A recording. `said`: role -> reference text."""

    path: Path
    seconds: float
    said: Texts


@dataclass(frozen=True)
class Table:
    """What all contenders hear, batch by batch; `roles` are those whose texts are compared."""

    title: str
    mode: str
    roles: tuple[str, ...]
    batches: Sequence[Sequence[Piece]]

    @property
    def pieces(self) -> list[Piece]:
        return [piece for batch in self.batches for piece in batch]

    @property
    def products(self) -> tuple[str, ...]:
        return PRODUCTS if self.roles == (ALL,) else (PRODUCT, PRODUCT_BEAM1)


@dataclass
class Heard:
    """What one contender heard of a table's pieces, in their order, and what all its rounds cost."""

    texts: list[Texts] = field(default_factory=list)
    cpu_s: float = 0.0
    wall_s: float = 0.0
    peak_mb: float = 0.0

    def add(self, answer: Answer) -> None:
        self.texts += answer.texts
        self.cpu_s += answer.cpu_s
        self.wall_s += answer.wall_s
        self.peak_mb = max(self.peak_mb, answer.peak_mb)


class Errors:
    """Character errors by evaluate.py's rules."""

    def __init__(self, evaluate: ModuleType, table: Table) -> None:
        self._normal: Callable[[str], str] = evaluate.normal
        self._edits: Callable[[str, str], int] = evaluate.edits
        self._simplified = OpenCC("t2s").convert
        self._table = table
        # shape: (num_pieces, num_roles)
        self.characters = np.array([[len(self._normal(p.said[r])) for r in table.roles] for p in table.pieces])

    def count(self, texts: Sequence[Texts], *, as_written: bool = False) -> np.ndarray:
        """(num_pieces, num_roles)"""
        shown = str if as_written else self._simplified
        return np.array(
            [
                [
                    self._edits(self._normal(piece.said[role]), self._normal(shown(heard[role])))
                    for role in self._table.roles
                ]
                for piece, heard in zip(self._table.pieces, texts, strict=True)
            ]
        )


def calls(shared: Path, number: int | None) -> tuple[list[Piece], list[Piece]]:
    """The stereo and the mono calls, of each the `number` shortest."""
    folder = shared / "calls" / "dev"
    layouts: dict[str, list[Piece]] = {"stereo": [], "mono": []}
    for call in json.loads((folder / "truth.json").read_text(encoding="utf-8")):
        (path,) = (folder / "audio").glob(f"{call['call_id']}.*")
        turns = sorted(call["truth"], key=lambda turn: turn["start"])
        said = {role: "".join(turn["text"] for turn in turns if turn["role"] == role) for role in ROLES}
        said[ALL] = "".join(turn["text"] for turn in turns)
        layouts[call["channels"]].append(Piece(path, soundfile.info(path).duration, said))
    if number is not None:
        for layout, pieces in layouts.items():
            layouts[layout] = sorted(pieces, key=lambda piece: piece.seconds)[:number]
    return layouts["stereo"], layouts["mono"]


def clips(shared: Path, number: int | None) -> list[Piece]:
    folder = shared / "real"
    with (folder / "clips.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))[:number]
    return [
        Piece(path, soundfile.info(path).duration, {ALL: r["text"]}) for r in rows for path in (folder / r["file"],)
    ]


def at_telephone_rate(pieces: Sequence[Piece], folder: Path) -> list[Piece]:
    """The same clips as 16-bit wav at 8 kHz in `folder`."""
    resampled = []
    for piece in pieces:
        samples, rate_hz = soundfile.read(piece.path, dtype="float32")
        path = folder / f"{piece.path.stem}.wav"
        soundfile.write(path, soxr.resample(samples, rate_hz, TELEPHONE_HZ), TELEPHONE_HZ, subtype="PCM_16")
        resampled.append(Piece(path, piece.seconds, piece.said))
    return resampled


def tables(options: argparse.Namespace, folder: Path) -> Iterator[Table]:
    """The chosen tables that have something to hear; `folder` is for sound made on the way."""
    stereo, mono = calls(options.shared, options.calls)
    for table in options.tables:
        if table == "channels":
            yield Table("channels: stereo calls", "channels", ROLES, batched(stereo, options.batch))
            yield Table("channels: mono calls", "channels", (ALL,), batched(mono, options.batch))
        elif table == "mix":
            yield Table("mix of the stereo calls", "mix", (ALL,), batched(stereo, options.batch))
        else:
            real = clips(options.shared, options.clips)
            yield Table("real people", "mix", (ALL,), [real])
            yield Table("real people at 8 kHz", "mix", (ALL,), [at_telephone_rate(real, folder)])


def batched(pieces: Sequence[Piece], size: int) -> list[Sequence[Piece]]:
    return [pieces[first : first + size] for first in range(0, len(pieces), size)]


def run(table: Table, peers: Sequence[str], *, threads: int, rounds: int) -> dict[str, list[Heard]]:
    """All contenders hear the table, in turns; contender -> what it heard in each round."""
    whisper = weights.locate(ears.WHISPER)
    names = [*table.products, *peers]
    heard = {name: [Heard() for _ in range(rounds)] for name in names}
    with ExitStack() as stack:
        workers = {}
        for name in names:
            workers[name] = stack.enter_context(contender(name, whisper, threads))
            # the first time is slow: imports, caches
            workers[name].hear([table.batches[0][0].path], table.mode)
        turns = [(number, batch) for number in range(rounds) for batch in table.batches]
        for turn, (number, batch) in enumerate(turns):
            print(f"{table.title}: turn {turn + 1} of {len(turns)}", file=sys.stderr)
            first = turn % len(names)
            for name in names[first:] + names[:first]:
                heard[name][number].add(workers[name].hear([piece.path for piece in batch], table.mode))
    return heard


def report(table: Table, heard: dict[str, list[Heard]], errors: Errors) -> None:
    """Prints the table, then how far the product is from the best peer."""
    seconds = sum(piece.seconds for piece in table.pieces)
    rounds = len(heard[PRODUCT])
    roles = table.roles if len(table.roles) > 1 else ()
    print(f"\n{table.title}: {len(table.pieces)} recordings, {seconds:.0f} s, {errors.characters.sum()} characters")
    print(f"{'':30}     CER{''.join(f'{role:>10}' for role in roles)}  as written     RTF   CPU s/h  peak MB")
    counts = {name: errors.count(done[-1].texts) for name, done in heard.items()}
    for name, done in heard.items():
        rates = counts[name].sum(axis=0) / errors.characters.sum(axis=0)
        by_role = "".join(f"{rate:10.4f}" for rate in rates if roles)
        written = errors.count(done[-1].texts, as_written=True).sum() / errors.characters.sum()
        wall_s, cpu_s = (sum(getattr(one, cost) for one in done) / rounds for cost in ("wall_s", "cpu_s"))
        print(
            f"{name:30}  {counts[name].sum() / errors.characters.sum():.4f}{by_role}      {written:.4f}"
            f"  {wall_s / seconds:.4f}  {cpu_s / seconds * 3600:8.0f}  {max(one.peak_mb for one in done):7.0f}"
        )
    peers = [name for name in heard if name not in table.products]
    if peers:
        best = min(peers, key=lambda name: counts[name].sum())
        for name in table.products:
            low, high = interval(counts[name] - counts[best], errors.characters)
            difference = (counts[name] - counts[best]).sum() / errors.characters.sum()
            print(f"CER of {name} − {best}: {difference:+.4f}, 90 % interval {low:+.4f} … {high:+.4f}")


def interval(differences: np.ndarray, characters: np.ndarray) -> tuple[float, float]:
    """Paired bootstrap over the recordings; both (num_pieces, num_roles)."""
    chosen = np.random.default_rng(SEED).integers(len(characters), size=(RESAMPLES, len(characters)))
    rates = differences.sum(axis=1)[chosen].sum(axis=1) / characters.sum(axis=1)[chosen].sum(axis=1)
    low, high = np.percentile(rates, INTERVAL_PERCENT)
    return float(low), float(high)


def evaluate_module(shared: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("evaluate", shared / "bench" / "evaluate.py")
    if spec is None or spec.loader is None:
        raise FileNotFoundError("SHARED_DIR has no bench/evaluate.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def positive(text: str) -> int:
    if (number := int(text)) < 1:
        raise ValueError(text)
    return number


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shared", type=lambda text: Path(text).resolve(), metavar="SHARED_DIR")
    parser.add_argument("--peers", nargs="*", choices=PEERS, default=list(PEERS), metavar="NAME", help=", ".join(PEERS))
    parser.add_argument("--calls", type=positive, metavar="N", help="only the N shortest calls of each layout")
    parser.add_argument("--clips", type=positive, metavar="N", help="only the first N clips")
    parser.add_argument("--threads", type=positive, default=2, metavar="N", help="of each contender")
    parser.add_argument("--tables", nargs="+", choices=("channels", "mix", "real"), default=["channels", "mix", "real"])
    parser.add_argument("--batch", type=positive, default=1, metavar="N", help="calls handed over at once")
    parser.add_argument("--rounds", type=positive, default=1, metavar="N", help="hear all N times; costs are the mean")
    options = parser.parse_args()
    if options.peers:
        install_peers()
    evaluate = evaluate_module(options.shared)
    with tempfile.TemporaryDirectory() as folder:
        for table in tables(options, Path(folder)):
            heard = run(table, options.peers, threads=options.threads, rounds=options.rounds)
            report(table, heard, Errors(evaluate, table))


if __name__ == "__main__":
    main()
