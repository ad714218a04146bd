"""The sample calls agree with themselves: lists, labels and sound."""

import csv
import json
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import pytest
import soundfile

from zhijian.rules.standard import load_standard

SAMPLES = Path(__file__).parents[2] / "data_samples"
MAX_BYTES = 7_000_000
RATE_HZ = 8000
ITEM_POINTS = {item.id: int(item.points) for item in load_standard().items}
BANNED_POINTS = {"minor": 4, "major": 10, "severe": 25}


def rows(name: str) -> list[dict[str, str]]:
    with (SAMPLES / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


CALLS: dict[str, dict[str, str]] = {row["call_id"]: row for row in rows("calls.csv")}
TRUTH: dict[str, dict[str, Any]] = {
    call["call_id"]: call for call in json.loads((SAMPLES / "truth.json").read_text(encoding="utf-8"))
}
each_call = pytest.mark.parametrize("call", TRUTH.values(), ids=TRUTH.keys())


def recording(call: dict[str, Any]) -> Path:
    return SAMPLES / CALLS[call["call_id"]]["recording"]


def outcome(call: dict[str, Any], item: str) -> str:
    return str(call["labels"][item]["outcome"])


def failed(item: str) -> list[str]:
    return [call["call_id"] for call in TRUTH.values() if outcome(call, item) == "fail"]


def test_every_call_is_listed_and_labelled_once() -> None:
    assert len(CALLS) == len(rows("calls.csv")) == 10
    assert CALLS.keys() == TRUTH.keys()
    assert {path.name for path in (SAMPLES / "audio").iterdir()} == {recording(call).name for call in TRUTH.values()}


def test_one_day_of_two_agents_of_the_roster() -> None:
    agents = [row["agent_no"] for row in CALLS.values()]
    roster = {row["agent_no"] for row in rows("agents.csv")}
    assert {row["started_at"][:10] for row in CALLS.values()} == {"2026-11-20"}
    assert all(row["started_at"].endswith("+08:00") for row in CALLS.values())
    assert sorted(agents.count(agent) for agent in set(agents)) == [3, 7]
    assert set(agents) < roster
    assert len(roster) == 3


@each_call
def test_labelled_call_is_the_listed_one(call: dict[str, Any]) -> None:
    row = CALLS[call["call_id"]]
    assert {key: str(call[key]) for key in ("direction", "ring_count", "hangup_side", "agent_no")} == {
        key: row[key] for key in ("direction", "ring_count", "hangup_side", "agent_no")
    }


@each_call
def test_sound_is_telephone_sound_of_the_said_length(call: dict[str, Any]) -> None:
    info = soundfile.info(recording(call))
    assert info.samplerate == RATE_HZ
    assert info.channels == {"stereo": 2, "mono": 1}[call["channels"]]
    assert info.frames / RATE_HZ == pytest.approx(call["seconds"], abs=0.05)
    assert 30 <= call["seconds"] <= 75
    with av.open(str(recording(call))) as container:
        decoded = sum(frame.samples for frame in container.decode(audio=0))
    assert decoded / RATE_HZ == pytest.approx(call["seconds"], abs=0.3)


def test_the_set_is_small_and_of_several_formats() -> None:
    paths = [recording(call) for call in TRUTH.values()]
    assert sum(path.stat().st_size for path in paths) < MAX_BYTES
    assert {soundfile.info(path).subtype for path in paths} == {"PCM_16", "ALAW", "ULAW", "MPEG_LAYER_III"}
    assert sorted(soundfile.info(path).channels for path in paths) == [1, 1, *[2] * 8]


@each_call
def test_labels_name_the_known_items_with_possible_points(call: dict[str, Any]) -> None:
    assert call["labels"].keys() == ITEM_POINTS.keys()
    for item, label in call["labels"].items():
        assert label["why"], item
        if label["outcome"] == "fail":
            assert 0 <= label["points"] < ITEM_POINTS[item], item
        else:
            assert label["points"] == {"pass": ITEM_POINTS[item], "na": None}[label["outcome"]], item


@each_call
def test_score_before_veto_follows_from_the_labels(call: dict[str, Any]) -> None:
    judged = {item: label for item, label in call["labels"].items() if label["outcome"] != "na"}
    share = Fraction(sum(label["points"] for label in judged.values()), sum(ITEM_POINTS[item] for item in judged))
    assert abs(Fraction(str(call["score_before_veto"])) - 100 * share) <= Fraction(1, 20)


@each_call
def test_findings_follow_from_the_dialogue(call: dict[str, Any]) -> None:
    turns = call["truth"]
    for hit in call["banned"]:
        assert turns[hit["turn"]]["role"] == "agent"
        assert hit["phrase"] in turns[hit["turn"]]["text"]
    for decoy in call["banned_decoys"]:
        assert decoy["phrase"] in turns[decoy["turn"]]["text"]
    for datum in call["key_info"]:
        assert turns[datum["customer_turn"]]["role"] == "customer"
        assert datum["match"] == (datum["value"] == datum["agent_value"])
    lost = sum(BANNED_POINTS[hit["tier"]] for hit in call["banned"])
    assert call["labels"]["language.banned"]["points"] == max(0, 25 - lost)
    matches = [datum["match"] for datum in call["key_info"]]
    assert call["labels"]["repeat.key_info"]["points"] == (8 * sum(matches) / len(matches) if matches else None)


@each_call
def test_veto_is_a_severe_phrase_or_a_hangup(call: dict[str, Any]) -> None:
    severe = any(hit["tier"] == "severe" for hit in call["banned"])
    assert call["veto"] == (severe or CALLS[call["call_id"]]["hangup_side"] == "agent")


@each_call
def test_turns_are_in_order_and_inside_the_call(call: dict[str, Any]) -> None:
    turns = call["truth"]
    assert [turn["turn"] for turn in turns] == list(range(len(turns)))
    assert all(turn["start"] < turn["end"] <= call["seconds"] for turn in turns)
    assert all(earlier["start"] < later["start"] for earlier, later in pairwise(turns))


@each_call
def test_holds_and_silence_are_labelled_where_the_line_is_silent(call: dict[str, Any]) -> None:
    waits = [later["start"] - earlier["end"] >= 10 for earlier, later in pairwise(call["truth"])]
    for item in ("hold.notice", "hold.thanks"):
        assert (outcome(call, item) != "na") == any(waits)
    assert (outcome(call, "talk.silence") == "fail") == (outcome(call, "hold.notice") == "fail")


@pytest.mark.parametrize("item", ITEM_POINTS)
def test_every_item_has_a_fault_and_a_good_case(item: str) -> None:
    assert failed(item)
    assert any(outcome(call, item) == "pass" for call in TRUTH.values())


def test_banned_phrases_of_every_tier_and_decoys_are_planted() -> None:
    assert {hit["tier"] for call in TRUTH.values() for hit in call["banned"]} == BANNED_POINTS.keys()
    decoys = [call["truth"][decoy["turn"]]["role"] for call in TRUTH.values() for decoy in call["banned_decoys"]]
    assert {"agent", "customer"} == set(decoys)


def test_most_is_well_and_the_busy_agent_has_points_to_gain() -> None:
    agents = [row["agent_no"] for row in CALLS.values()]
    busy = max(set(agents), key=agents.count)
    own = [call for call in TRUTH.values() if call["agent_no"] == busy]
    assert not any(call["veto"] for call in own)
    assert 90 <= sum(call["score_before_veto"] for call in own) / len(own) < 95
    assert sum(call["score_before_veto"] == 100 for call in TRUTH.values()) >= 3
