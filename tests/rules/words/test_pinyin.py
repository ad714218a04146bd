"""Phrases are found by their characters, by their sound, and by sounds that telephones and accents blur."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhijian.rules.words.pinyin import Match, find, similarity
from zhijian.rules.words.text import normalise

PHRASES = ["再见", "请您稍等", "国家电网", "这我怎么知道", "请对本次服务进行评价", "九五五九八", "有意见告去", "工号"]
# shares no syllable with a phrase above
PADDING = st.text(alphabet="嗯哦她们买了苹果香蕉,。!? ", max_size=12)


def found(phrase: str, raw: str, **options: float) -> list[tuple[str, bool]]:
    text = normalise(raw)
    return [(text.quote(match.start, match.end), match.exact) for match in find(phrase, text, **options)]


@pytest.mark.parametrize(
    ("phrase", "raw", "expected"),
    [
        # the very characters, whatever the script or the punctuation
        ("国家电网", "您好,國家電網九五五九八", [("國家電網", True)]),
        ("喂,喂", "喂,喂,听得到吗", [("喂,喂", True)]),
        ("你叫什么", "您叫什么", [("您叫什么", True)]),
        ("再见", "再见。嗯,再见", [("再见", True), ("再见", True)]),
        # digits and their names
        ("九五五九八", "这里是95598", [("95598", True)]),
        ("九五五九八", "国家电网就5598,供号", [("就5598", False)]),
        ("幺零二三", "一零二三", [("一零二三", True)]),
        # particles come and go
        ("快点儿", "您快点说", [("快点", True)]),
        ("没办法", "没啊,办法呀", [("没啊,办法", True)]),
        ("这我怎么知道", "这,那个,我怎么知道啊", [("这,那个,我怎么知道", True)]),
        # homophones
        ("工号", "供号一零二三", [("供号", False)]),
        ("核对", "跟您合对一下", [("合对", False)]),
        ("银行", "去银航交", [("银航", False)]),
        # confusions of accents, telephones and recognisers
        ("请您稍等", "请您收等", [("请您收等", False)]),
        ("没办法", "没办花", [("没办花", False)]),
        ("随便投诉", "谁便投诉", [("谁便投诉", False)]),
        ("国家电网", "国家店王", [("国家店王", False)]),
        # letters stand for themselves
        ("VIP客户", "vip客户", [("vip客户", True)]),
        ("A座", "啊座", []),
        # too short for guessing: two syllables by exact sound, one by its character
        ("稍等", "收等", []),
        ("请", "清楚了请说", [("请", True)]),
        ("是", "这件事", []),
        # something else
        ("没办法", "想办法", []),
        ("有什么可以帮您", "您需要查询什么业务", []),
        ("再见", "", []),
    ],
)
def test_find(phrase: str, raw: str, expected: list[tuple[str, bool]]) -> None:
    assert found(phrase, raw) == expected


@given(PADDING, st.sampled_from(PHRASES), PADDING)
def test_a_phrase_is_found_exactly_wherever_it_stands(before: str, phrase: str, after: str) -> None:
    matches = find(phrase, normalise(before + phrase + after))
    assert [(match.similarity, match.exact) for match in matches] == [(1.0, True)]
    assert normalise(before + phrase + after).quote(matches[0].start, matches[0].end) == phrase


HOMOPHONES = {
    "再": "在",
    "见": "件",
    "稍": "烧",
    "等": "等",
    "国": "国",
    "家": "加",
    "电": "店",
    "网": "往",
    "知": "只",
}


@given(PADDING, st.sampled_from(["再见", "国家电网", "这我怎么知道"]), PADDING)
def test_homophones_count_in_full(before: str, phrase: str, after: str) -> None:
    misspelt = "".join(HOMOPHONES.get(char, char) for char in phrase)
    matches = find(phrase, normalise(before + misspelt + after))
    assert [(match.similarity, match.exact) for match in matches] == [(1.0, False)]


@given(st.text(alphabet="请您稍等再见快点儿说九啊5", min_size=1, max_size=8), st.text(max_size=30))
def test_matches_lie_in_order_inside_the_text_and_keep_the_bound(phrase: str, raw: str) -> None:
    text = normalise(raw)
    end = 0
    for match in find(phrase, text, min_similarity=0.7):
        assert end <= match.start < match.end <= len(text)
        assert 0.7 <= match.similarity <= 1
        end = match.end


@given(st.sampled_from(PHRASES), st.text(alphabet="请您稍等再见国家工号告去意九五八", max_size=12))
def test_a_lower_bound_never_loses_a_match(phrase: str, raw: str) -> None:
    text = normalise(raw)
    strict = find(phrase, text, min_similarity=0.9)
    loose = find(phrase, text, min_similarity=0.5)
    assert bool(strict) <= bool(loose)


def test_the_very_characters_win_over_the_same_sound_before_them() -> None:
    (match,) = find("谢谢", normalise("会上浮一些,谢谢"), min_similarity=0.8)
    assert (match.start, match.exact) == (5, True)


def test_the_best_of_overlapping_matches_wins() -> None:
    text = normalise("请请您稍等")
    assert find("请您稍等", text) == (Match(1, 5, 1.0, True),)


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ("您", "宁", 0.9),
        ("你", "您", 1.0),
        ("工号", "供号", 1.0),
        ("稍等", "收等", 0.85),
        ("内", "a", 0.0),
        ("a", "内", 0.0),
        ("再见", "", 0.0),
        ("", "", 1.0),
    ],
)
def test_similarity_of_whole_phrases(left: str, right: str, expected: float) -> None:
    assert similarity(left, right) == pytest.approx(expected)


def test_a_phrase_without_sound_is_an_error() -> None:
    with pytest.raises(ValueError, match="letters"):
        find("……", normalise("您好"))
