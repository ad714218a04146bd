#!/usr/bin/env python3
"""Copies labelled calls and changes their sound: what hearing and judging do where calls are harder to hear.

usage: changed_calls.py CALLS_DIR OUT_DIR noise DECIBELS | tempo TIMES | mono

CALLS_DIR holds calls.csv, truth.json and audio/.

  noise  pink noise is added to each channel, DECIBELS below its mean level
  tempo  everybody speaks TIMES as fast, in the same voice (labels of speed and interruptions may no longer hold)
  mono   both sides on one channel

OUT_DIR can then be heard by `zhijian run` and judged by judging.py and rungs.py like CALLS_DIR itself.
"""

import csv
import json
import sys
from collections.abc import Callable
from contextlib import suppress
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import soundfile

# samples, (num_samples, channels), their rate and the number of the call
Change = Callable[[np.ndarray, int, int], np.ndarray]


def with_noise(samples: np.ndarray, decibels: float, seed: int) -> np.ndarray:
    shape = samples.T.shape
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(shape))
    noise = np.fft.irfft(spectrum / np.sqrt(np.arange(1, spectrum.shape[1] + 1)), shape[1]).T
    level = np.sqrt(np.square(samples).mean(axis=0)) * 10 ** (-decibels / 20)
    return np.clip(samples + noise * level / noise.std(axis=0), -1, 1)


def at_tempo(samples: np.ndarray, rate_hz: int, times: float) -> np.ndarray:
    """By FFmpeg's atempo, which keeps the pitch."""
    layout = "stereo" if samples.shape[1] == 2 else "mono"
    graph = av.filter.Graph()
    source = graph.add_abuffer(sample_rate=rate_hz, format="flt", layout=layout, time_base=Fraction(1, rate_hz))
    source.link_to(tempo := graph.add("atempo", str(times)))
    tempo.link_to(graph.add("abuffersink"))
    graph.configure()
    interleaved = np.ascontiguousarray(samples, np.float32).reshape(1, -1)
    frame = av.AudioFrame.from_ndarray(interleaved, format="flt", layout=layout)
    frame.sample_rate, frame.pts = rate_hz, 0
    graph.push(frame)
    graph.push(None)
    parts = []
    with suppress(av.EOFError):
        while True:
            parts.append(graph.pull().to_ndarray().reshape(-1, samples.shape[1]))
    return np.clip(np.concatenate(parts), -1, 1)


def main(calls: Path, out: Path, change: Change, times: float = 1.0, *, channels: str | None = None) -> None:
    (out / "audio").mkdir(parents=True)
    for number, path in enumerate(sorted((calls / "audio").iterdir())):
        samples, rate_hz = soundfile.read(path, always_2d=True)
        soundfile.write(out / "audio" / f"{path.stem}.flac", change(samples, rate_hz, number), rate_hz)
    with (calls / "calls.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    with (out / "calls.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(row | {"recording": str(Path(row["recording"]).with_suffix(".flac"))} for row in rows)
    truth = json.loads((calls / "truth.json").read_text(encoding="utf-8"))
    for call in truth:
        call["seconds"] /= times
        call["channels"] = channels or call["channels"]
        for turn in call["truth"]:
            turn |= {"start": turn["start"] / times, "end": turn["end"] / times}
    (out / "truth.json").write_text(json.dumps(truth, ensure_ascii=False, indent=1), encoding="utf-8")


if __name__ == "__main__":
    match sys.argv[1:]:
        case [calls, out, "noise", decibels]:
            level = float(decibels)
            main(Path(calls), Path(out), lambda samples, _, number: with_noise(samples, level, number))
        case [calls, out, "tempo", times]:
            tempo = float(times)
            main(Path(calls), Path(out), lambda samples, rate_hz, _: at_tempo(samples, rate_hz, tempo), tempo)
        case [calls, out, "mono"]:
            main(Path(calls), Path(out), lambda samples, *_: samples.mean(axis=1, keepdims=True), channels="mono")
        case _:
            sys.exit(__doc__)
