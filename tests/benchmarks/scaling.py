#!/usr/bin/env python3
"""How hearing scales: with processes, with recordings heard at a time, and with the length of a recording.

usage: scaling.py processes|jobs|stereo|mono [NUMBER ...]

  processes  the sample calls, shared between 1 and 2 processes of one thread each
  jobs       the sample calls with 1, 2, 4 and 8 of them heard at a time by a process of as many threads as cores
  stereo     one recording of 10, 60 and 240 minutes, made of the sample calls one after the other
  mono       the same with both sides on one channel

NUMBERs stand for those given here. Each measurement has processes of its own; the peak of memory is of the largest one
and includes the models. RTF is seconds per second of sound, CPU is seconds of all threads per hour of sound.
"""

import multiprocessing
import resource
import sys
import tempfile
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from zhijian.models.engines import memory
from zhijian.models.engines.audio import RATE_HZ, Sound, as_floats, load
from zhijian.models.engines.ears import Ears, open_ears
from zhijian.pipeline.settings import JOBS, Hearing, threads_for

SAMPLES = Path(__file__).parents[2] / "data_samples" / "audio"
DEFAULTS = {"processes": (1, 2), "jobs": (1, 2, 4, 8), "stereo": (10, 60, 240), "mono": (10, 60, 240)}


@dataclass(frozen=True)
class Cost:
    """Of one process, from the first file to the last text; `peak_mb` includes loading."""

    sound_s: float
    wall_s: float
    cpu_s: float
    peak_mb: float


def open_default(threads: int) -> Ears:
    chosen = Hearing()
    return open_ears(
        whisper=None,
        diarization=None,
        device="cpu",
        compute_type=chosen.compute_type,
        beam_size=chosen.beam_size,
        agent_channel=0,
        threads=threads,
    )


def hear(paths: Sequence[Path], jobs: int, threads: int) -> Cost:
    memory.reuse_freed()
    ears = open_default(threads)
    ears.load()
    began_s, cpu_s = time.monotonic(), time.process_time()
    with ThreadPoolExecutor(jobs) as pool:
        dialogues = list(pool.map(lambda path: ears.hear(load(path)), paths))
    return Cost(
        sound_s=sum(dialogue.duration_ms for dialogue in dialogues) / 1000,
        wall_s=time.monotonic() - began_s,
        cpu_s=time.process_time() - cpu_s,
        peak_mb=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    )


def in_processes(shares: Sequence[Sequence[Path]], jobs: int, threads: int) -> list[Cost]:
    """One process for each share, all at once."""
    with ProcessPoolExecutor(len(shares), mp_context=multiprocessing.get_context("spawn")) as pool:
        return list(pool.map(hear, shares, [jobs] * len(shares), [threads] * len(shares)))


def report(title: str, costs: Iterable[Cost]) -> None:
    done = list(costs)
    sound_s = sum(cost.sound_s for cost in done)
    wall_s = max(cost.wall_s for cost in done)
    cpu_s = sum(cost.cpu_s for cost in done)
    peak_mb = max(cost.peak_mb for cost in done)
    print(f"{title:>16}  {wall_s / sound_s:.4f}  {cpu_s / sound_s * 3600:8.0f}  {peak_mb:7.0f}", flush=True)


def joined(minutes: int, channels: int, path: Path) -> Path:
    """A recording that long, of the stereo sample calls one after the other, over and over."""
    calls = [sound.samples for sound in map(load, sorted(SAMPLES.iterdir())) if sound.channels == 2]
    if channels == 1:
        calls = [Sound.of(as_floats(call).mean(axis=0, keepdims=True), RATE_HZ).samples for call in calls]
    left = minutes * 60 * RATE_HZ
    with soundfile.SoundFile(path, "w", RATE_HZ, channels, "PCM_16") as file:
        while left > 0:
            for call in calls:
                file.write(np.ascontiguousarray(call.T[:left]))
                left -= min(left, call.shape[1])
    return path


def main(table: str, *numbers: str) -> None:
    paths = sorted(SAMPLES.iterdir())
    print(f"{'':16}     RTF   CPU s/h  peak MB")
    for number in map(int, numbers or DEFAULTS[table]):
        if table == "processes":
            shares = [paths[first::number] for first in range(number)]
            report(f"{number} processes", in_processes(shares, JOBS, threads=1))
        elif table == "jobs":
            report(f"{number} at a time", in_processes([paths], number, threads_for(0)))
        else:
            with tempfile.TemporaryDirectory() as folder:
                long = joined(number, 1 if table == "mono" else 2, Path(folder) / "long.flac")
                report(f"{number} minutes", in_processes([[long]], 1, threads_for(0)))


if __name__ == "__main__":
    if len(sys.argv) < 2 or sys.argv[1] not in DEFAULTS:
        sys.exit(__doc__)
    main(*sys.argv[1:])
