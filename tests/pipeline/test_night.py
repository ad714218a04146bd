"""One night over the sample calls, by the console command: what its files must be."""

import csv
import html
import json
import re
import shutil
import wave
from html.parser import HTMLParser
from pathlib import Path
from typing import Annotated, Any, Literal

import openpyxl
import pytest
from opencc import OpenCC
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, TypeAdapter

from zhijian.pipeline.stages.clips import LONGEST_MS, MARGIN_MS

SAMPLES = Path(__file__).parents[2] / "data_samples"
FOLDERS = {"transcripts", "clips"}
FILES = {"scorecards.jsonl", "report.html", "report.xlsx", "ledger.csv", "ledger.anchor", "zhijian.db", "run.json"}
FOR_THE_NEXT_NIGHT = {".lock", "zhijian.db-wal", "zhijian.db-shm"}

Role = Literal["agent", "customer", "system", "unknown"]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Number = int | float


class Row(BaseModel):
    """Readers ignore keys they do not know, and nothing else: no text for a number, no key missing."""

    model_config = ConfigDict(strict=True, extra="ignore")


class Evidence(Row):
    kind: Literal["found", "searched", "record"]
    role: Role | None
    start_ms: int | None
    end_ms: int | None
    quote: str
    detail: str


class Item(Row):
    id: str
    outcome: Literal["pass", "fail", "na", "unsure"]
    points: Number | None
    points_max: Number
    confidence: float
    reason: str | None
    evidence: list[Evidence]


class Banned(Row):
    entry: str
    tier: Literal["minor", "major", "severe"]
    start_ms: int
    end_ms: int
    quote: str


class KeyInfo(Row):
    type: Literal["户号", "电话", "地址", "姓名", "金额", "时间"]
    value: str
    customer_start_ms: int
    customer_end_ms: int
    said_back: str | None
    agent_start_ms: int | None
    agent_end_ms: int | None
    match: bool | None


class Standard(Row):
    id: str
    version: str
    sha256: Sha256


class Card(Row):
    schema_: Literal[1] = Field(alias="schema")
    call_id: str
    agent_no: str
    direction: Literal["inbound", "outbound"]
    started_at: AwareDatetime
    scenario: str | None
    recording_sha256: Sha256 | None
    status: Literal["scored", "flagged", "unscorable"]
    published: bool
    reason: str | None
    standard: Standard
    score: Number | None
    score_before_veto: Number | None
    veto: bool
    veto_confirmed: bool | None
    items: list[Item]
    banned: list[Banned]
    key_info: list[KeyInfo]


class Word(Row):
    text: str
    start_ms: int
    end_ms: int
    probability: float


class Utterance(Row):
    role: Role
    start_ms: int
    end_ms: int
    text: str
    confidence: float
    suspect: str | None
    words: list[Word]


class Transcript(Row):
    schema_: Literal[1] = Field(alias="schema")
    call_id: str
    duration_ms: int
    separation: Literal["channels", "diarization", "none"]
    engine: str
    utterances: list[Utterance]

    def said(self, role: str) -> list[Utterance]:
        """What may be quoted of a role."""
        return [u for u in self.utterances if u.role == role and u.suspect is None]


@pytest.fixture(scope="module")
def cards(sample_night) -> list[Card]:
    lines = (sample_night.out / "scorecards.jsonl").read_text(encoding="utf-8").splitlines()
    return [Card.model_validate_json(line) for line in lines]


@pytest.fixture(scope="module")
def transcripts(sample_night) -> dict[str, Transcript]:
    files = (sample_night.out / "transcripts").glob("*.json")
    return {file.stem: Transcript.model_validate_json(file.read_text(encoding="utf-8")) for file in files}


@pytest.fixture(scope="module")
def page(sample_night) -> str:
    return (sample_night.out / "report.html").read_text(encoding="utf-8")


def test_the_command_says_in_one_line_what_it_found(sample_night) -> None:
    counts = sample_night.run["counts"]
    (line,) = sample_night.done.stdout.splitlines()
    assert line.startswith(f"质检完成:{counts['calls']} 通电话,已评分 {counts['scored']}(发布 {counts['published']})")
    assert line.endswith(str(sample_night.out / "report.html"))


def test_progress_is_plain_lines_where_nobody_watches(sample_night) -> None:
    assert sample_night.done.stderr.splitlines()[-1] == "听录音 10/10"
    assert "\x1b" not in sample_night.done.stderr


def test_the_output_folder_is_complete_and_private(sample_night) -> None:
    assert {path.name for path in sample_night.out.iterdir()} - FOR_THE_NEXT_NIGHT == FILES | FOLDERS
    everything = [sample_night.out, *sample_night.out.rglob("*")]
    modes = {str(path): path.stat().st_mode & 0o777 for path in everything}
    assert modes == {str(path): 0o700 if path.is_dir() else 0o600 for path in everything}


def test_each_call_is_judged_and_has_its_transcript(cards, transcripts, sample_labels) -> None:
    assert [card.call_id for card in cards] == list(sample_labels)
    assert set(transcripts) == set(sample_labels)
    for card in cards:
        transcript, label = transcripts[card.call_id], sample_labels[card.call_id]
        assert transcript.call_id == card.call_id
        assert transcript.separation == ("channels" if label["channels"] == "stereo" else "diarization")
        assert transcript.duration_ms == pytest.approx(label["seconds"] * 1000, abs=100)
        assert [item.id for item in card.items] == list(label["labels"])


def test_outcomes_points_and_score_fit_together(cards) -> None:
    for card in cards:
        counted = [item for item in card.items if item.points is not None]
        assert [item.outcome for item in counted] == [i.outcome for i in card.items if i.outcome in ("pass", "fail")]
        assert all(item.reason for item in card.items if item.outcome in ("fail", "unsure"))
        assert all(item.evidence for item in card.items if item.outcome == "fail")
        earned, possible = sum(i.points for i in counted), sum(i.points_max for i in counted)
        assert card.score_before_veto == pytest.approx(100 * earned / possible, abs=0.0501)
        assert card.score == (card.score_before_veto if card.status == "scored" else None)
        assert card.veto == (card.status == "flagged")
        doubt = any(item.outcome == "unsure" for item in card.items)
        assert card.published == (card.status == "scored" and not doubt)


def test_transcripts_are_simplified_ordered_and_inside_the_recording(transcripts) -> None:
    simplify = OpenCC("t2s").convert
    for transcript in transcripts.values():
        spans = [(u.start_ms, u.end_ms) for u in transcript.utterances]
        assert spans == sorted(spans)
        for utterance in transcript.utterances:
            assert 0 <= utterance.start_ms < utterance.end_ms <= transcript.duration_ms
            assert utterance.text == simplify(utterance.text) == "".join(word.text for word in utterance.words)
            assert all(utterance.start_ms <= w.start_ms <= w.end_ms <= utterance.end_ms for w in utterance.words)


def test_quotes_are_what_was_said_there(cards, transcripts) -> None:
    quotes = 0
    for card in cards:
        transcript = transcripts[card.call_id]
        for evidence in [e for item in card.items for e in item.evidence if e.quote]:
            said = transcript.said(evidence.role)
            if evidence.kind == "searched":  # all that was said in the span, or the beginning of it
                assert evidence.quote.removesuffix("…") in "".join(u.text for u in said)
            else:
                there = [u.text for u in said if u.start_ms < evidence.end_ms and evidence.start_ms < u.end_ms]
                assert any(evidence.quote in text for text in there), evidence
            quotes += 1
        for hit in card.banned:
            there = [u for u in transcript.said("agent") if u.start_ms <= hit.start_ms and hit.end_ms <= u.end_ms]
            assert any(hit.quote in u.text for u in there)
    assert quotes > 50


def test_evidence_lies_inside_the_recording_or_is_a_fact_of_the_record(cards, transcripts) -> None:
    for card in cards:
        duration_ms = transcripts[card.call_id].duration_ms
        for evidence in [e for item in card.items for e in item.evidence]:
            if evidence.kind == "record":
                assert (evidence.start_ms, evidence.end_ms, evidence.quote) == (None, None, "")
                assert re.fullmatch(r"\w+=.+", evidence.detail)
            else:
                assert 0 <= evidence.start_ms < evidence.end_ms <= duration_ms


def test_most_planted_faults_are_found_and_hardly_anything_else(cards, sample_labels) -> None:
    labels = {call_id: call["labels"] for call_id, call in sample_labels.items()}
    verdicts = [(item.outcome, labels[card.call_id][item.id]["outcome"]) for card in cards for item in card.items]
    planted = [got for got, label in verdicts if label == "fail"]
    assert len(planted) >= 20
    assert planted.count("fail") >= 0.85 * len(planted)
    assert sum(got == "fail" != label for got, label in verdicts) <= 1
    assert sum(got == label for got, label in verdicts) >= 0.93 * len(verdicts)


def test_points_are_booked_for_the_agent_with_five_published_calls(sample_night, cards) -> None:
    with (sample_night.out / "ledger.csv").open(encoding="utf-8", newline="") as file:
        entries = list(csv.DictReader(file))
    assert [(e["account"], e["effective_day"], e["kind"]) for e in entries] == [("1186", "2026-11-20", "post")]
    published = [card.call_id for card in cards if card.published and card.agent_no == "1186"]
    assert len(published) >= 5
    assert [counted["call_id"] for counted in json.loads(entries[0]["details"])["scorecards"]] == published
    assert sample_night.run["ledger"] == {
        "posted": 1,
        "reversed": 0,
        "entries": 1,
        "head_sha256": entries[-1]["hash"],
        "anchor_problem": None,
    }


def test_run_json_says_what_was_done_with_what(sample_night, cards) -> None:
    run = sample_night.run
    assert run["counts"]["calls"] == run["counts"]["new"] == 10
    assert run["counts"]["published"] == sum(card.published for card in cards)
    assert run["counts"]["published"] + run["counts"]["held"] == 10
    assert {run[name] == [] for name in ("refused", "unscorable", "failed", "revised", "possible_duplicates")} == {True}
    assert run["other_days"] == {"judged": 0, "failed": []}
    assert {"pull", "hear", "judge", "book"} <= set(run["seconds"])
    assert run["real_time_factor"] == pytest.approx(run["seconds"]["hear"] / run["heard_s"], abs=1e-3)
    assert run["peak_memory_mb"] > 100
    assert run["standard"] == cards[0].standard.model_dump()
    assert {name: len(sha256) for name, sha256 in run["models"].items()} == {
        "whisper": 64,
        "segmentation": 64,
        "embedding": 64,
    }
    assert {"python", "zhijian", "faster-whisper", "pyannote.audio", "torch"} <= set(run["versions"])
    assert TypeAdapter(AwareDatetime).validate_python(run["started_at"]) < TypeAdapter(AwareDatetime).validate_python(
        run["ended_at"]
    )


class Links(HTMLParser):
    """What a page loads, or leads to."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "data", "action")]


def test_the_report_needs_nothing_from_outside(page, sample_night) -> None:
    assert "url(" not in page
    assert "@import" not in page
    links = [link for link in Links(page).found if not link.startswith("#")]
    assert links
    assert [link for link in links if not (sample_night.out / link).is_file()] == []


def test_each_deduction_can_be_listened_to(page, cards, sample_night, transcripts) -> None:
    """A clip for each span of a deduction, as long as the span and its margins, in any player's format."""
    named = {link for link in Links(page).found if link.startswith("clips/")}
    wanted = {
        (card.call_id, evidence.start_ms, min(evidence.end_ms, evidence.start_ms + LONGEST_MS))
        for card in cards
        for item in card.items
        if item.outcome in ("fail", "unsure")
        for evidence in item.evidence
        if evidence.kind != "record"
    }
    found = {}
    for name in named:
        call_id, _, start_ms, end_ms = Path(name).stem.rsplit("-", 3)
        found[call_id, int(start_ms), int(end_ms)] = name
    assert set(found) == wanted
    assert {path.name for path in (sample_night.out / "clips").iterdir()} == {Path(name).name for name in named}
    for (call_id, start_ms, end_ms), name in found.items():
        heard_ms = min(end_ms + MARGIN_MS, transcripts[call_id].duration_ms) - max(0, start_ms - MARGIN_MS)
        with wave.open(str(sample_night.out / name)) as clip:  # refuses everything but PCM
            assert clip.getsampwidth() == 2
            assert clip.getnframes() * 1000 / clip.getframerate() == pytest.approx(heard_ms, abs=2)


def test_each_deduction_shows_its_reason(page, cards) -> None:
    text = html.unescape(re.sub(r"<[^>]+>", "", page))
    reasons = [item.reason for card in cards for item in card.items if item.outcome == "fail"]
    assert len(reasons) > 20
    assert [reason for reason in reasons if reason not in text and not re.search(r"\d{4}", reason)] == []


def sensitive(cards: list[Card]) -> set[str]:
    with (SAMPLES / "calls.csv").open(encoding="utf-8", newline="") as file:
        numbers = {row["customer_no"] for row in csv.DictReader(file)} - {""}
    return numbers | {d.value for card in cards for d in card.key_info if d.type in ("户号", "电话", "姓名")}


def test_what_leaves_the_house_holds_no_customer_data(page, cards, sample_night) -> None:
    book = openpyxl.load_workbook(sample_night.out / "report.xlsx", read_only=True)
    cells = "\n".join(str(value) for sheet in book for row in sheet.iter_rows(values_only=True) for value in row)
    shown = {
        "report.html": page,
        "report.xlsx": cells,
        "ledger.csv": (sample_night.out / "ledger.csv").read_text(encoding="utf-8"),
        "run.json": (sample_night.out / "run.json").read_text(encoding="utf-8"),
        "printed": sample_night.done.stdout + sample_night.done.stderr,
    }
    data = sensitive(cards)
    assert len(data) >= 5
    assert [(name, datum) for name, text in shown.items() for datum in data if datum in text] == []


def test_the_workbook_lists_every_call(sample_night, cards) -> None:
    book = openpyxl.load_workbook(sample_night.out / "report.xlsx")
    cells = {str(cell.value) for sheet in book for row in sheet.iter_rows() for cell in row if cell.value is not None}
    assert {card.call_id for card in cards} <= cells


def test_a_second_night_changes_nothing_and_hears_nothing(served, sample_night) -> None:
    def books() -> dict[str, bytes]:
        return {name: (sample_night.out / name).read_bytes() for name in ("scorecards.jsonl", "ledger.csv")}

    before = books()
    again = served("run", SAMPLES, "--out", sample_night.out, "--json")
    assert again.returncode == 0, again.stderr
    result: dict[str, Any] = json.loads(again.stdout)
    assert result == json.loads((sample_night.out / "run.json").read_text(encoding="utf-8"))
    assert books() == before
    assert result["counts"] == sample_night.run["counts"] | {"new": 0}
    assert (result["heard_s"], result["real_time_factor"]) == (0.0, None)
    assert result["seconds"]["hear"] < 1 < sample_night.run["seconds"]["hear"]
    assert (result["ledger"]["posted"], result["ledger"]["entries"]) == (0, sample_night.run["ledger"]["entries"])


def test_what_a_person_decides_stands_in_the_files_of_the_next_night(served, sample_night, tmp_path) -> None:
    out = shutil.copytree(sample_night.out, tmp_path / "out")
    vetoed = next(row for row in json.loads(served("review", "list", "--out", out, "--json").stdout) if row["veto"])
    decided = ("--pass=" + item for item in vetoed["unsure"])
    why = ("--veto", "confirm", "--reason", "听了录音", "--out", out)
    assert served("review", "decide", vetoed["scorecard"], *decided, *why).returncode == 0
    again = served("run", SAMPLES, "--out", out, "--json")
    assert again.returncode == 0, again.stderr
    assert json.loads(again.stdout)["counts"]["flagged"] == sample_night.run["counts"]["flagged"] - 1
    cards = map(json.loads, (out / "scorecards.jsonl").read_text(encoding="utf-8").splitlines())
    card = next(card for card in cards if card["call_id"] == vetoed["call_id"])
    assert (card["status"], card["published"], card["score"], card["veto_confirmed"]) == ("scored", True, 0, True)
    assert card["score_before_veto"] > 0
    assert served("ledger", "verify", "--out", out).returncode == 0
