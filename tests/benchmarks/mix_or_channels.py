#!/usr/bin/env python3
"""Decode the mix of both channels once, or each channel? Character error rate and time, side by side.

usage: mix_or_channels.py CALLS_DIR [CALL_ID ...]   (CALLS_DIR: audio/ and truth.json of labelled stereo calls)

Three ways on the same sound, with the same weights, beam and threads, in alternation, call by call:
  mix       as the product hears: the mix once, words to the speaker heard where they end, a second look where needed
  channels  each channel as it is, its words to its speaker
  muted     each channel with everything muted that is not its own voice
"""

import json
import re
import sys
import time
from collections import defaultdict
from pathlib import Path

import numpy as np
from rapidfuzz.distance import Levenshtein

from zhijian.models.engines import voice
from zhijian.models.engines.audio import RATE_HZ, Sound, as_floats, load
from zhijian.models.engines.ears import Ears, open_ears
from zhijian.rules.text import normalise

ROLES = ("agent", "customer")
DIGITS = str.maketrans("0123456789幺", "零一二三四五六七八九一")


def bare(text: str) -> str:
    """Letters, digits read one by one as characters."""
    return re.sub(r"[\W_]+", "", normalise(text).chars.translate(DIGITS))


def mix(ears: Ears, sound: Sound) -> dict[str, str]:
    dialogue = ears.hear(sound)
    return {role: "".join(u.text for u in dialogue.trusted if u.role == role) for role in ROLES}


def channels(ears: Ears, sound: Sound) -> dict[str, str]:
    return decoded(ears, as_floats(sound.samples))


def muted(ears: Ears, sound: Sound) -> dict[str, str]:
    samples = as_floats(sound.samples)
    own = np.zeros_like(samples)
    for index, spans in enumerate(voice.voices(voice.Channels(samples))):
        for span in spans:
            stretch = slice(span.start_ms * RATE_HZ // 1000, span.end_ms * RATE_HZ // 1000)
            own[index, stretch] = samples[index, stretch]
    return decoded(ears, own)


def decoded(ears: Ears, samples: np.ndarray) -> dict[str, str]:
    return {
        role: "".join(word.text for passage in ears.recogniser.passages(channel) for word in passage.words)
        for role, channel in zip(ROLES, samples, strict=True)
    }


def main(folder: Path, chosen: list[str]) -> None:
    ears = open_ears(
        whisper=None,
        diarization=None,
        device="cpu",
        compute_type="int8",
        beam_size=5,
        agent_channel=0,
        threads=2,
    )
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    calls = [c for c in truth if c["channels"] == "stereo" and (not chosen or c["call_id"] in chosen)]
    errors, seconds, wanted, heard_s = defaultdict(int), defaultdict(float), defaultdict(int), 0.0
    for call in calls:
        (path,) = (folder / "audio").glob(f"{call['call_id']}.*")
        sound = load(path)
        heard_s += sound.duration_ms / 1000
        for way in (mix, channels, muted):
            started = time.perf_counter()
            texts = way(ears, sound)
            seconds[way.__name__] += time.perf_counter() - started
            for role in ROLES:
                right = bare("".join(u["text"] for u in call["truth"] if u["role"] == role))
                errors[way.__name__, role] += Levenshtein.distance(right, bare(texts[role]))
                wanted[way.__name__, role] += len(right)
    print(f"{len(calls)} calls, {heard_s:.0f} s, {sum(wanted['mix', role] for role in ROLES)} characters")
    print("way        CER     agent   customer  real-time factor")
    for way in seconds:
        rates = [errors[way, role] / wanted[way, role] for role in ROLES]
        overall = sum(errors[way, role] for role in ROLES) / sum(wanted[way, role] for role in ROLES)
        print(f"{way:9} {overall:.4f}  {rates[0]:.4f}  {rates[1]:.4f}    {seconds[way] / heard_s:.4f}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
