#!/usr/bin/env python3
"""Has the dialogues of strangers spoken: calls whose words nobody had in mind, as sound.

usage: speak_dialogues.py DIALOGUES_DIR OUT_DIR [PART PARTS]

DIALOGUES_DIR holds files like those of tests/rules/dialogues. Each call has two voices, a pace, pauses, a level, leaks
and noise of its own, drawn by its id; every fifth is mono. OUT_DIR gets calls.csv, truth.json (labels, and who says
what when) and audio/; `zhijian run OUT_DIR` hears it, spoken_dialogues.py compares. PART of PARTS (from 0) makes a
share of the calls and writes truth-PART.json, so that several processes can work; a last run without it puts them
together.

It needs the environment of data_samples/make_samples.py (six hours of speech take it an hour of one core).
"""

import csv
import json
import re
import sys
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import yaml
from parselmouth import praat

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "data_samples"))

from make_samples import RATE_HZ, Speaker, Spoken, Turn, Voice, lay_out, mixed, voiced  # noqa: E402

NUMERALS = "零一二三四五六七八九"
LETTERS = {"A": "诶", "P": "批", "B": "必", "C": "西", "D": "地", "K": "开", "G": "鸡", "Q": "扣", "V": "微", "I": "爱"}
_ONES = "一二三四五六七八九"
_NUMBER = rf"(\d{{1,8}}|[{_ONES}]?十[{_ONES}]?|[零幺两{_ONES}]{{1,8}})(?![零幺两{_ONES}十百\d])"
OWN_NUMBER = re.compile(
    rf"工号(?:是)?{_NUMBER}|{_NUMBER}号(?:客服|话务|坐席|为您)"
    rf"|(?:我是|客服|代表|话务员|坐席|供电|公司|95598)[,，]?{_NUMBER}号"
)
COUNTED = re.compile(r"(\d{1,3}(?:,\d{3})+|\d{1,5})(?:\.(\d+))?(?=[元块度伏天个年千万分小多])")
MARKS = str.maketrans(",.!?;：", "，。！？，，")
EVERY_MONO = 5
GREETING_LINES = 2


def spoken_words(text: str) -> str:
    """Counted things and two digits as numbers, all else digit by digit; Latin letters by name where they have one."""
    text = COUNTED.sub(counted, text)
    text = re.sub(r"\d+", lambda match: numeral(match[0]), text)
    text = re.sub(r"[A-Za-z]", lambda match: LETTERS.get(match[0].upper(), ""), text)
    text = text.translate(MARKS)
    return re.sub(r"[^\u4e00-\u9fff、，。！？]+", "，", text).lstrip("，、。")


def counted(match: re.Match[str]) -> str:
    whole = cardinal(int(match[1].replace(",", "")))
    return whole + "点" + "".join(NUMERALS[int(digit)] for digit in match[2]) if match[2] else whole


def cardinal(number: int) -> str:
    """一万零五十, for a number below a hundred million."""
    if number >= 10_000:
        thousands, rest = divmod(number, 10_000)
        return cardinal(thousands) + "万" + (("零" if rest < 1000 else "") + cardinal(rest) if rest else "")
    said, gap = "", False
    for unit, name in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit = number // unit % 10
        if digit:
            said += (
                ("零" if gap and said else "")
                + ("" if unit == 10 and number < 20 and digit == 1 else NUMERALS[digit])
                + name
            )
        gap = digit == 0
    return said or NUMERALS[0]


def numeral(digits: str) -> str:
    if len(digits) != 2 or digits[0] == "0":
        return "".join(NUMERALS[int(digit)] for digit in digits)
    tens, ones = (int(digit) for digit in digits)
    return ("" if tens == 1 else NUMERALS[tens]) + "十" + (NUMERALS[ones] if ones else "")


def own_number(lines: list[dict[str, str]]) -> str:
    """What the greeting says, as the call's record would have it; one that it does not say where it is not found."""
    agent = [words for line in lines for role, words in line.items() if role == "agent"]
    said = "".join(agent[:GREETING_LINES])
    if not (match := OWN_NUMBER.search(said)):
        return "1023"
    number = match[match.lastindex or 0].translate(str.maketrans("幺两", "一二"))
    if "十" in number:
        tens, ones = number.split("十")
        number = (tens or "一") + (ones or "零")
    return "".join(str(NUMERALS.index(char)) if char in NUMERALS else char for char in number)


def drawn_voice(chance: np.random.Generator, is_man: bool) -> Voice:
    """As far from the one source voice as still sounds like people."""
    return Voice(
        formant_ratio=chance.uniform(0.80, 0.90) if is_man else chance.uniform(0.95, 1.08),
        pitch_hz=chance.uniform(100, 150) if is_man else chance.uniform(180, 255),
        duration_ratio=chance.uniform(0.90, 1.08),
        level_dbfs=chance.uniform(-32, -24),
    )


def make_call(call_id: str, index: int, entry: dict[str, Any], speaker: Speaker, out: Path) -> dict[str, Any]:
    seed = zlib.crc32(call_id.encode())
    chance = np.random.default_rng(seed)
    praat.run(f"random_initializeWithSeedUnsafelyButPredictably ({seed})")
    channels = "mono" if index % EVERY_MONO == EVERY_MONO - 1 else "stereo"
    is_man = chance.random(2) < 0.5
    if channels == "mono":  # two men made of one source voice cannot be told apart
        is_man[1] = not is_man[0]
    voices = {role: drawn_voice(chance, man) for role, man in zip(("agent", "customer"), is_man, strict=True)}
    leak_db, noise_dbfs = chance.uniform(-50, -30), chance.uniform(-70, -48)
    turns = [
        Turn(role, words, line.get("gap_ms", chance.uniform(200, 900)) / 1000, 1.0)
        for line in entry["dialogue"]
        for role in voices.keys() & line.keys()
        if (words := spoken_words(line[role]))
    ]
    sounds = [voiced(speaker.say(turn.text), speaker.rate_hz, voices[turn.role], turn.speed) for turn in turns]
    spoken = lay_out(turns, sounds)
    line = mixed(spoken, channels, leak_db, seed)
    line = np.clip(line + chance.standard_normal(line.shape) * 10 ** (noise_dbfs / 20), -1, 1)
    soundfile.write(out / "audio" / f"{call_id}.flac", line, RATE_HZ, subtype="PCM_16")
    return {
        "call_id": call_id,
        "call": {"agent_no": own_number(entry["dialogue"])} | entry["call"],
        "labels": {item: {"outcome": label} for label in ("pass", "fail", "na") for item in entry[label]},
        "channels": channels,
        "seconds": round(len(line) / RATE_HZ, 2),
        "truth": [turn_truth(one) for one in spoken],
    }


def turn_truth(one: Spoken) -> dict[str, Any]:
    start, end = round(one.start / RATE_HZ, 3), round(one.end / RATE_HZ, 3)
    return {"role": one.turn.role, "start": start, "end": end, "text": one.turn.text}


def write_list(calls: list[dict[str, Any]], out: Path) -> None:
    (out / "truth.json").write_text(json.dumps(calls, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    columns = ("direction", "agent_no", "ring_count", "hangup_side", "identity_verified")
    with (out / "calls.csv").open("w", encoding="utf-8", newline="") as file:
        table = csv.writer(file, lineterminator="\n")
        table.writerow(("call_id", "recording", "started_at", *columns))
        for call in calls:
            record = call["call"] | {
                "identity_verified": {True: "yes", False: "no"}.get(call["call"].get("identity_verified"))
            }
            path = f"audio/{call['call_id']}.flac"
            table.writerow(
                (call["call_id"], path, "2026-11-20T08:00:00+08:00", *(record.get(name) for name in columns))
            )


def main(dialogues: Path, out: Path, part: int | None, parts: int) -> None:
    (out / "audio").mkdir(parents=True, exist_ok=True)
    if part is None:
        calls = [
            call for path in sorted(out.glob("truth-*.json")) for call in json.loads(path.read_text(encoding="utf-8"))
        ]
        write_list(sorted(calls, key=lambda call: call["call_id"]), out)
        return
    speaker = Speaker()
    entries = [
        (f"{path.stem}-{index:02}", index, entry)
        for path in sorted(dialogues.glob("*.yaml"))
        for index, entry in enumerate(yaml.safe_load(path.read_text(encoding="utf-8")))
        if all("system" not in line for line in entry["dialogue"])  # music cannot be spoken
    ]
    calls = [make_call(*entry, speaker, out) for entry in entries[part::parts]]
    (out / f"truth-{part}.json").write_text(json.dumps(calls, ensure_ascii=False) + "\n", encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) not in (3, 5):
        sys.exit(__doc__)
    main(Path(sys.argv[1]), Path(sys.argv[2]), *map(int, sys.argv[3:]) if len(sys.argv) == 5 else (None, 1))
