"""A peer of the product as a worker of hearing.py. Runs in the peers' environment, see requirements.txt.

usage: python -m peers.worker PEER WHISPER_FOLDER THREADS

All peers: Mandarin, int8 on the CPU, temperature 0, no text of the window before, no times of words, batches of 8.
"""

import runpy
import sys
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile
import soxr
from peers.serving import ALL, ROLES, Texts, serve, take_standard_output

RATE_HZ = 16_000
LANGUAGE = "zh"
BATCH_SIZE = 8
DEVICE, COMPUTE_TYPE = "cpu", "int8"

Samples = npt.NDArray[np.float32]
# samples of one channel at 16 kHz, (num_samples,), to text
Decode = Callable[[Samples], str]
# folder of the weights, threads
Load = Callable[[str, int], Decode]


def faster_whisper_model(folder: str, threads: int) -> Any:
    from faster_whisper import WhisperModel

    return WhisperModel(folder, device=DEVICE, compute_type=COMPUTE_TYPE, cpu_threads=threads, local_files_only=True)


def faster_whisper(folder: str, threads: int) -> Decode:
    model = faster_whisper_model(folder, threads)

    def decode(samples: Samples) -> str:
        segments, _ = model.transcribe(
            samples,
            language=LANGUAGE,
            beam_size=5,
            vad_filter=True,
            temperature=0.0,
            condition_on_previous_text=False,
        )
        return joined(segment.text for segment in segments)

    return decode


def faster_whisper_batched(folder: str, threads: int, *, beam_size: int) -> Decode:
    from faster_whisper import BatchedInferencePipeline

    pipeline = BatchedInferencePipeline(faster_whisper_model(folder, threads))

    def decode(samples: Samples) -> str:
        segments, _ = pipeline.transcribe(
            samples,
            language=LANGUAGE,
            beam_size=beam_size,
            batch_size=BATCH_SIZE,
            vad_filter=True,
            temperature=0.0,
            condition_on_previous_text=False,
        )
        return joined(segment.text for segment in segments)

    return decode


def whisperx(folder: str, threads: int) -> Decode:
    """Its own beam options and its default detector of speech, pyannote's, whose weights are in its package."""
    product = Path(__file__).parents[3]
    runpy.run_path(str(product / "models" / "engines" / "torchaudio_cpu.py"))["prepare"]()
    from whisperx import load_model

    pipeline = load_model(
        folder,
        DEVICE,
        compute_type=COMPUTE_TYPE,
        asr_options={"temperatures": [0.0]},
        language=LANGUAGE,
        vad_method="pyannote",
        local_files_only=True,
        threads=threads,
    )

    def decode(samples: Samples) -> str:
        heard = pipeline.transcribe(samples, batch_size=BATCH_SIZE, language=LANGUAGE)
        return joined(segment["text"] for segment in heard["segments"])

    return decode


def whisper_s2t(folder: str, threads: int, *, preset: str) -> Decode:
    """Its own detector of speech and one of its presets: FAST_ASR_OPTIONS (beam 1) or BEST_ASR_CONFIG (beam 5)."""
    import whisper_s2t.audio
    from whisper_s2t.backends.ctranslate2 import model as backend

    # it would call ffmpeg for the file; like the other peers it is given the samples instead
    whisper_s2t.audio.load_audio = lambda samples: samples
    recogniser = whisper_s2t.load_model(
        folder,
        backend="CTranslate2",
        device=DEVICE,
        compute_type=COMPUTE_TYPE,
        cpu_threads=threads,
        asr_options=dict(getattr(backend, preset)),
    )

    def decode(samples: Samples) -> str:
        (segments,) = recogniser.transcribe_with_vad([samples], lang_codes=[LANGUAGE], batch_size=BATCH_SIZE)
        return joined(segment["text"] for segment in segments)

    return decode


PEERS: dict[str, Load] = {
    "faster-whisper": faster_whisper,
    "faster-whisper-batched": partial(faster_whisper_batched, beam_size=5),
    "faster-whisper-batched-beam1": partial(faster_whisper_batched, beam_size=1),
    "whisperx": whisperx,
    "whisper-s2t": partial(whisper_s2t, preset="BEST_ASR_CONFIG"),
    "whisper-s2t-beam1": partial(whisper_s2t, preset="FAST_ASR_OPTIONS"),
}


def joined(texts: Iterable[str]) -> str:
    return "".join(texts)


def hear(decode: Decode, path: Path, mode: str) -> Texts:
    """Each of two channels by itself, or the mean of all channels."""
    samples, rate_hz = soundfile.read(path, dtype="float32", always_2d=True)  # shape: (num_samples, channels)
    channels = np.ascontiguousarray(soxr.resample(samples, rate_hz, RATE_HZ).T)
    if mode == "channels" and len(channels) == len(ROLES):
        return {role: decode(channel) for role, channel in zip(ROLES, channels, strict=True)}
    return {ALL: decode(channels.mean(axis=0))}


def main(peer: str, folder: str, threads: str) -> None:
    answers = take_standard_output()
    decode = PEERS[peer](folder, int(threads))
    serve(lambda paths, mode: [hear(decode, path, mode) for path in paths], answers)


if __name__ == "__main__":
    main(*sys.argv[1:])
