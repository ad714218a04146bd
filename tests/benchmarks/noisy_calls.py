#!/usr/bin/env python3
"""Copies labelled calls with noise: what hearing and judging do with speakers who are harder to hear.

usage: noisy_calls.py CALLS_DIR OUT_DIR DECIBELS

CALLS_DIR holds calls.csv, truth.json and audio/. To each channel pink noise is added, DECIBELS below its mean level.
OUT_DIR can then be heard by `zhijian run` and judged by judging.py like CALLS_DIR itself.
"""

import shutil
import sys
from pathlib import Path

import numpy as np
import soundfile


def with_noise(samples: np.ndarray, decibels: float, seed: int) -> np.ndarray:
    """`samples`: (num_samples, channels)"""
    shape = samples.T.shape
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(shape))
    noise = np.fft.irfft(spectrum / np.sqrt(np.arange(1, spectrum.shape[1] + 1)), shape[1]).T
    level = np.sqrt(np.square(samples).mean(axis=0)) * 10 ** (-decibels / 20)
    return np.clip(samples + noise * level / noise.std(axis=0), -1, 1)


def main(calls: Path, out: Path, decibels: float) -> None:
    (out / "audio").mkdir(parents=True)
    shutil.copy(calls / "calls.csv", out)
    shutil.copy(calls / "truth.json", out)
    for seed, path in enumerate(sorted((calls / "audio").iterdir())):
        samples, rate_hz = soundfile.read(path, always_2d=True)
        soundfile.write(out / "audio" / path.name, with_noise(samples, decibels, seed), rate_hz)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]), float(sys.argv[3]))
