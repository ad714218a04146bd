"""Whisper with those of its tokens that Chinese speech is written with.

Whisper writes a hundred languages with 52,000 tokens and weighs every one of them at each step of each beam. A fifth of
them writes Chinese, with numbers and the short Latin names in it; texts of those are split into the same tokens as
before. Any other text can still be spelt: each byte is a token. Time stamps are left out too; times come from the
alignment.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from zhijian.models.engines.model_file import ModelFile, UnknownLayout

MODEL, CONFIG, TOKENIZER = "model.bin", "config.json", "tokenizer.json"
VOCABULARIES = ("vocabulary.json", "vocabulary.txt")
# what a token's number chooses a row of
ROWS_OF_TOKENS = ("decoder/embeddings/", "decoder/projection/")
# the settings that are lists of tokens' numbers
TOKEN_LISTS = ("lang_ids", "suppress_ids", "suppress_ids_begin")
SPECIAL, TIME_STAMP = re.compile(r"<\|.*\|>"), re.compile(r"<\|\d+\.\d\d\|>")
HAN_OR_ITS_PUNCTUATION = re.compile(r"[\u2010-\u2027\u3000-\u303f\u3400-\u9fff\uff00-\uffef]")
LONGEST_LATIN = 4


def chinese_files(folder: Path) -> dict[str, bytes] | None:
    """The files of a Whisper model in a CTranslate2 folder, by name; None where they are not laid out as known.

    Raises OSError where one cannot be read.
    """
    name = next((name for name in VOCABULARIES if (folder / name).exists()), None)
    if name is None or not (folder / TOKENIZER).exists():
        return None
    vocabulary = _parsed_vocabulary(name, (folder / name).read_text(encoding="utf-8"))
    tokenizer = json.loads((folder / TOKENIZER).read_text(encoding="utf-8"))
    config = json.loads((folder / CONFIG).read_text(encoding="utf-8"))
    try:
        model = ModelFile.parsed((folder / MODEL).read_bytes())
        kept = _kept(vocabulary, _merges(tokenizer))
    except (UnknownLayout, KeyError):  # KeyError: a tokenizer without merges, tokens that are not of bytes
        return None
    numbers = {old: new for new, old in enumerate(kept)}
    return {
        MODEL: _with_rows(model, len(vocabulary), kept).written(),
        CONFIG: json.dumps(_renumbered(config, numbers)).encode(),
        TOKENIZER: json.dumps(_smaller_tokenizer(tokenizer, numbers)).encode(),
        name: _written_vocabulary(name, [vocabulary[old] for old in kept]).encode(),
    }


def _parsed_vocabulary(name: str, written: str) -> list[str]:
    """The tokens, in the order of their numbers."""
    return json.loads(written) if name.endswith(".json") else written.removesuffix("\n").split("\n")


def _written_vocabulary(name: str, tokens: Sequence[str]) -> str:
    return json.dumps(tokens) if name.endswith(".json") else "\n".join(tokens) + "\n"


def _merges(tokenizer: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Which two tokens are made one, in the order in which it is done. Old tokenizers have them in one string."""
    pairs = (merge.split(" ") if isinstance(merge, str) else merge for merge in tokenizer["model"]["merges"])
    return [(left, right) for left, right in pairs]


def _kept(vocabulary: Sequence[str], merges: Iterable[tuple[str, str]]) -> list[int]:
    """The numbers of the tokens that stay, with all that they are made of; ascending."""
    wanted = {token for token in vocabulary if _writes_chinese(token)}
    for left, right in reversed(list(merges)):
        if left + right in wanted:
            wanted |= {left, right}
    return [number for number, token in enumerate(vocabulary) if token in wanted]


def _writes_chinese(token: str) -> bool:
    if SPECIAL.fullmatch(token):
        return not TIME_STAMP.fullmatch(token)
    try:
        text = bytes(BYTES[character] for character in token).decode()
    except UnicodeDecodeError:
        return True  # a part of a character
    if text.isascii():
        is_word = text.startswith(" ") or (text.isalpha() and len(text) > LONGEST_LATIN)
        return text == " " or text.strip().isdigit() or not is_word
    return bool(HAN_OR_ITS_PUNCTUATION.search(text))


def _bytes_of_characters() -> dict[str, int]:
    """Which byte each character of a token stands for, as in GPT-2's `bytes_to_unicode`: all are printable."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(256 + n): byte for n, byte in enumerate(others)}


BYTES = _bytes_of_characters()


def _with_rows(model: ModelFile, num_tokens: int, kept: Sequence[int]) -> ModelFile:
    variables = (
        variable.rows(kept)
        if variable.name.startswith(ROWS_OF_TOKENS) and variable.shape[:1] == (num_tokens,)
        else variable
        for variable in model.variables
    )
    return replace(model, variables=tuple(variables))


def _renumbered(config: Mapping[str, Any], numbers: Mapping[int, int]) -> dict[str, Any]:
    lists = {name: [numbers[old] for old in config[name] if old in numbers] for name in TOKEN_LISTS if name in config}
    return {**config, **lists}


def _smaller_tokenizer(tokenizer: Mapping[str, Any], numbers: Mapping[int, int]) -> dict[str, Any]:
    """Without the part that puts special tokens around a text: it is not used, and has numbers of its own."""
    model = tokenizer["model"]
    vocabulary = {token: numbers[old] for token, old in model["vocab"].items() if old in numbers}
    merges = [pair for pair in _merges(tokenizer) if "".join(pair) in vocabulary]
    added = [token | {"id": numbers[token["id"]]} for token in tokenizer["added_tokens"] if token["id"] in numbers]
    smaller = {**model, "vocab": vocabulary, "merges": merges}
    return {**tokenizer, "model": smaller, "added_tokens": added, "post_processor": None}
