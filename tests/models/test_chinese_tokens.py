"""Whisper's tokens for Chinese: the same texts in the same tokens, with the same weights behind them."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from zhijian.models.engines.chinese_tokens import chinese_files
from zhijian.models.engines.model_file import VERSION, ModelFile

EMBEDDINGS = "decoder/embeddings/weight"


@pytest.fixture(scope="module")
def files(folder: Path) -> dict[str, bytes]:
    found = chinese_files(folder)
    assert found is not None
    return found


@pytest.fixture(scope="module")
def whole(folder: Path) -> Tokenizer:
    return Tokenizer.from_file(str(folder / "tokenizer.json"))


@pytest.fixture(scope="module")
def cut(files: dict[str, bytes]) -> Tokenizer:
    return Tokenizer.from_buffer(files["tokenizer.json"])


def vocabulary(name: str, written: bytes) -> list[str]:
    return json.loads(written) if name.endswith(".json") else written.decode().removesuffix("\n").split("\n")


def tokens(tokenizer: Tokenizer, text: str) -> list[str]:
    return tokenizer.encode(text, add_special_tokens=False).tokens


@pytest.mark.parametrize(
    "text",
    [
        "您好,很高兴为您服务,工号1024,请问有什么可以帮您?",
        "请您稍等,我帮您核对一下户号:零零三七幺二……",
        "电话是13800138000,金额 58.6 元,APP和WiFi都试过。",
        "変電站跳閘、停電、報裝——這些繁體字也一樣。",
        "囍龘㙍",
    ],
)
def test_chinese_is_split_as_before(whole: Tokenizer, cut: Tokenizer, text: str) -> None:
    assert tokens(cut, text) == tokens(whole, text)


@settings(max_examples=300)
@given(
    st.text(
        st.characters(min_codepoint=0x4E00, max_codepoint=0x9FFF) | st.sampled_from("0123456789,。?!、:"), max_size=40
    )
)
def test_any_chinese_text_is_split_as_before(whole: Tokenizer, cut: Tokenizer, text: str) -> None:
    assert tokens(cut, text) == tokens(whole, text)


@settings(max_examples=300)
@given(st.text(max_size=40))
def test_any_other_text_can_still_be_spelt(cut: Tokenizer, text: str) -> None:
    assert cut.decode(cut.encode(text, add_special_tokens=False).ids, skip_special_tokens=False) == text


def test_every_token_keeps_its_weights(folder: Path, files: dict[str, bytes]) -> None:
    (name,) = files.keys() & {"vocabulary.txt", "vocabulary.json"}
    before = vocabulary(name, (folder / name).read_bytes())
    after = vocabulary(name, files[name])
    number = {token: n for n, token in enumerate(before)}
    rows = [_rows((folder / "model.bin").read_bytes()), _rows(files["model.bin"])]
    assert np.array_equal(rows[0][[number[token] for token in after]], rows[1])
    assert len(after) < len(before) / 4


def test_all_other_weights_stay(folder: Path, files: dict[str, bytes]) -> None:
    before, after = (ModelFile.parsed(c) for c in ((folder / "model.bin").read_bytes(), files["model.bin"]))
    assert [v for v in before.variables if v.name != EMBEDDINGS] == [v for v in after.variables if v.name != EMBEDDINGS]
    assert (after.specification, after.revision, after.aliases) == (
        before.specification,
        before.revision,
        before.aliases,
    )


def test_the_tokenizer_and_the_model_number_tokens_alike(files: dict[str, bytes], cut: Tokenizer) -> None:
    (name,) = files.keys() & {"vocabulary.txt", "vocabulary.json"}
    for number, token in enumerate(vocabulary(name, files[name])):
        assert cut.token_to_id(token) == number


def test_settings_name_the_same_tokens(folder: Path, files: dict[str, bytes], whole: Tokenizer, cut: Tokenizer) -> None:
    before, after = json.loads((folder / "config.json").read_bytes()), json.loads(files["config.json"])
    assert [cut.id_to_token(n) for n in after["lang_ids"]] == [whole.id_to_token(n) for n in before["lang_ids"]]
    assert {cut.id_to_token(n) for n in after["suppress_ids"]} <= {whole.id_to_token(n) for n in before["suppress_ids"]}
    assert [cut.id_to_token(n) for n in after["suppress_ids_begin"]] == [
        whole.id_to_token(n) for n in before["suppress_ids_begin"]
    ]
    assert after["alignment_heads"] == before["alignment_heads"]


def test_a_model_laid_out_otherwise_is_left_as_it_is(folder: Path, tmp_path: Path) -> None:
    for file in folder.iterdir():
        (tmp_path / file.name).symlink_to(file)
    (tmp_path / "model.bin").unlink()
    (tmp_path / "model.bin").write_bytes((VERSION + 1).to_bytes(4, "little") + b"whatever comes next")
    assert chinese_files(tmp_path) is None


def test_a_tokenizer_of_another_kind_is_left_as_it_is(folder: Path, tmp_path: Path) -> None:
    for file in folder.iterdir():
        (tmp_path / file.name).symlink_to(file)
    (tmp_path / "tokenizer.json").unlink()
    (tmp_path / "tokenizer.json").write_text(json.dumps({"model": {"type": "WordLevel", "vocab": {}}}))
    assert chinese_files(tmp_path) is None


def test_a_model_without_its_tokens_is_left_as_it_is(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "model.bin").symlink_to(folder / "model.bin")
    assert chinese_files(tmp_path) is None


def _rows(content: bytes) -> np.ndarray:
    (embeddings,) = (v for v in ModelFile.parsed(content).variables if v.name == EMBEDDINGS)
    return np.frombuffer(embeddings.content, np.uint8).reshape(embeddings.shape[0], -1)
