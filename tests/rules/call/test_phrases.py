"""Phrases with gaps, and what stands around them."""

import pytest

from zhijian.rules.call.phrases import find
from zhijian.rules.call.terms import Phrase
from zhijian.rules.words.text import normalise


def found(phrase: str, raw: str) -> list[str]:
    text = normalise(raw)
    return [text.quote(match.start, match.end) for match in find(Phrase(text=phrase), text, min_similarity=0.8)]


@pytest.mark.parametrize(
    ("phrase", "raw", "expected"),
    [
        ("废物", "你们这帮费五", ["费五"]),
        ("废物", "这个月电费五百六", []),  # the 五 belongs to the number
        ("废物", "电费5百6", []),
        ("气死我", "电话是零七四我妈的", []),
        ("气死我", "七四我了", ["七四我"]),
        ("久等", "工号三二一零,九等了", ["九等"]),  # a mark between them
        ("九五五九八", "就五五九八,三零六号", ["就五五九八"]),  # a phrase that ends with a digit may be beside another
    ],
)
def test_what_only_sounds_like_a_phrase_takes_no_digit_from_a_number(
    phrase: str, raw: str, expected: list[str]
) -> None:
    assert found(phrase, raw) == expected


@pytest.mark.parametrize(
    ("phrase", "raw", "expected"),
    [
        ("没电", "我琢磨。电费太高", []),
        ("没电", "这个小梅,电话多少", []),
        ("没电", "家里梅电了", ["梅电"]),
        ("没电", "有没,电", ["没,电"]),  # the very characters
        ("感谢您的耐心等待", "敢谢您的,耐心等待", ["敢谢您的,耐心等待"]),  # marks within a sentence are often wrong
        ("感谢您的耐心等待", "敢谢您的。耐心等待", []),
    ],
)
def test_what_only_sounds_like_a_phrase_is_in_one_sentence(phrase: str, raw: str, expected: list[str]) -> None:
    assert found(phrase, raw) == expected
