"""Correction by sound: what is mended, what is left alone, and that it puts no words into anybody's mouth."""

from collections.abc import Iterable, Iterator
from functools import cache
from importlib.resources import files
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import BaseModel
from pypinyin import lazy_pinyin

from zhijian.models.engines import lexicon
from zhijian.models.engines.lexicon import corrected, corrections
from zhijian.models.records.dialogue import Word
from zhijian.models.records.span import Span
from zhijian.rules.call.phrases import find
from zhijian.rules.call.terms import Phrase
from zhijian.rules.operators.combinators import Perhaps
from zhijian.rules.standard import load_standard
from zhijian.rules.words.text import normalise

STANDARD = load_standard()
TERMS = sorted({term.text for terms in lexicon._terms().values() for term in terms})
# characters that sound like those of the lexicon, and some that do not
CHARACTERS = "护户号公工供店电费废非司就九58网国旺强抢修休少稍等跳扎闸停挺的我了您好请, aé"
COURTESY_AND_DENIAL = ["您好", "你好", "请问", "请讲", "再见", "拜拜", "谢谢", "感谢", "抱歉", "对不起", "不好意思"]
COURTESY_AND_DENIAL += ["久等", "不知道", "不清楚", "没办法", "投诉吧"]
MISHEARD = ["尼好", "宁好", "晴问", "在见", "干谢", "报歉", "对不其", "不好意四", "不只道", "没版法", "你去头诉吧"]
MISHEARD += ["梅办法", "块点儿说", "傻必", "弱至能", "弱只能电表", "脑子进税泵"]

texts = st.one_of(st.text(CHARACTERS, max_size=20), st.text(max_size=20))


def mended(text: str) -> str:
    return "".join(word.text for word in corrected((Word(text, Span(0, 1000), 0.5),)))


@pytest.mark.parametrize(
    ("heard", "meant"),
    [
        ("请问您的护号是多少", "请问您的户号是多少"),
        ("您好,工店公司", "您好,供电公司"),
        ("我的公号是一零零二", "我的工号是一零零二"),
        ("这个月电废怎么这么高", "这个月电费怎么这么高"),
        ("又跳扎了", "又跳闸了"),
        ("我家停店了", "我家停电了"),
        ("请您少等", "请您稍等"),
        ("阶梯店价怎么算", "阶梯电价怎么算"),
        ("国家电网功耗七七二零", "国家电网工号七七二零"),
        ("改成风谷店家", "改成峰谷电价"),
        ("供电服务热县", "供电服务热线"),
    ],
)
def test_a_homophone_becomes_the_word_of_the_line(heard: str, meant: str) -> None:
    assert mended(heard) == meant


@pytest.mark.parametrize(
    ("heard", "meant"),
    [("您好,就5598", "您好,95598"), ("请拨打九5598", "请拨打95598"), ("就五五九八", "九五五九八")],
)
def test_digits_are_read_by_their_sound(heard: str, meant: str) -> None:
    assert mended(heard) == meant


@pytest.mark.parametrize(
    "text",
    [
        "今天天气很好,我们去公园吧。",
        "这个东西符合标准。",
        "上个世纪的房子。",
        "我就住在这里,五五路九八号。",
        "请问何时来电?",
        "这样不太合适吧。",
        "我店里没有灯。",
        "克服一下困难,做个标记。",
        "请您复核一下,我这边再看一下读数。",
        "我去书店买书。",
        "交易标的是什么?",
        "正在登机,稍后再说。",
        "噪声超标。",
        "我自己装个小表,车位号是三。",
        "保修期内触点烧了免费换。",
        "您好,请问有什么可以帮您?",
        "感谢您的来电,再见。",
        "电话是幺三九,二二三三,四四五五。",
        "户号是12345678。",
        "Hello, world!",
        "",
    ],
)
def test_good_chinese_and_what_is_none_are_left_alone(text: str) -> None:
    assert corrections(text) == ()


def test_a_word_of_the_lexicon_stays_as_it_is() -> None:
    assert [term for term in TERMS if corrections(term)] == []


@given(texts)
@example("\U0001f600护号\ud7ff")
@example("一不做,二不休")
def test_corrections_say_what_was_heard_keep_its_length_and_do_not_overlap(text: str) -> None:
    found = corrections(text)
    assert all(one.end <= other.start for one, other in pairwise(found))
    for one in found:
        assert one.heard == text[one.start : one.end] != one.meant
        assert len(one.meant) == one.end - one.start
        assert one.meant in TERMS


@pytest.mark.parametrize("heard", ["我的护号", "工店公司", "就5598", "又跳扎了", "请抢休人员来报休", "店费和店价"])
def test_what_was_corrected_stays_so(heard: str) -> None:
    """Not of any text whatever: what one correction mends can be what another, next to it, needs."""
    once = mended(heard)
    assert once != heard
    assert corrections(once) == ()


@given(st.lists(st.tuples(texts, st.floats(0, 1)), max_size=6))
def test_words_keep_their_lengths_times_and_probabilities(heard: list[tuple[str, float]]) -> None:
    words = [Word(text, Span(100 * at, 100 * at + 90), p) for at, (text, p) in enumerate(heard)]
    spelt = corrected(words)
    assert [(len(w.text), w.span, w.probability) for w in spelt] == [
        (len(w.text), w.span, w.probability) for w in words
    ]
    text = "".join(word.text for word in words)
    assert "".join(word.text for word in spelt) == mended(text)


def test_a_word_of_the_line_is_found_across_the_recogniser_s_words() -> None:
    words = (Word("您的护", Span(0, 300), 0.9), Word("号", Span(300, 400), 0.4))
    assert corrected(words) == (Word("您的户", Span(0, 300), 0.9), words[1])


# --- nobody is made to say what a standard asks for or forbids ---


def phrases_of(rule: Any) -> Iterator[Phrase]:
    """Every phrase of a piece of a rule that is enough to pass: none under `perhaps`, which leaves a doubt at most."""
    if isinstance(rule, Phrase):
        yield rule
    elif isinstance(rule, BaseModel) and not isinstance(rule, Perhaps):
        for name in type(rule).model_fields:
            yield from phrases_of(getattr(rule, name))
    elif isinstance(rule, list | tuple):
        for part in rule:
            yield from phrases_of(part)


@cache
def rule_of(item: str) -> BaseModel:
    return next(one.rule for one in STANDARD.items if one.id == item)


def said_by_terms(phrases: Iterable[Phrase]) -> dict[str, set[str]]:
    """The phrases that a word of the lexicon is enough to say, by that word; as the rules hear it, by its sound."""
    found: dict[str, set[str]] = {}
    for phrase in phrases:
        for term in TERMS:
            if find(phrase, normalise(term), min_similarity=phrase.accept or STANDARD.settings.thresholds.said):
                found.setdefault(term, set()).add(phrase.text)
    return found


def banned() -> tuple[Phrase, ...]:
    return tuple(wording for entry in rule_of("language.banned").check.operator.entries for wording in entry.wordings)


@pytest.mark.parametrize(
    "item", ["opening.greeting", "opening.late_apology", "closing.more_help", "closing.farewell", "hold.thanks"]
)
def test_no_word_of_the_lexicon_says_what_an_agent_has_to_say(item: str) -> None:
    assert said_by_terms(phrases_of(rule_of(item))) == {}


def test_no_word_of_the_lexicon_is_courtesy() -> None:
    """Not even 用电申请, for 请 does not count after 申."""
    courtesy = rule_of("language.courtesy").check.operator
    assert said_by_terms((*phrases_of(courtesy.kinds), *phrases_of(courtesy.apology))) == {}


def test_no_word_of_the_lexicon_is_banned() -> None:
    assert said_by_terms(banned()) == {}


def test_the_words_that_do_count_are_known() -> None:
    """回访 says why one calls, where one calls out; 稍等 asks to wait: both are everyday words of the line."""
    assert said_by_terms(phrases_of(rule_of("opening.offer"))) == {"回访": {"回访"}}
    notice = STANDARD.settings.silences.notice
    assert set(said_by_terms(notice)) == {"稍等"}
    # to the rules, which hear by sound, that makes no difference
    wait = next(phrase for phrase in notice if phrase.text == "稍等")
    assert mended("少等") == "稍等"
    assert find(wait, normalise("少等"), min_similarity=1)


def test_an_opening_owes_to_the_lexicon_names_of_the_company_and_what_stands_beside_a_number() -> None:
    unit, number = rule_of("opening.identity").parts
    names = set(said_by_terms(phrases_of(unit)))
    assert {"国家电网", "供电公司", "95598"} <= names
    assert all(any(part in name for part in ("供电", "电网", "国网", "电力", "95598", "九五五九八")) for name in names)
    # these need a number beside them, and the only one the lexicon has is the hotline's; 客服 alone makes but a doubt
    assert set(said_by_terms(phrases_of(number))) == {"工号", "客户编号", "用户编号", "客服", "客服代表", "工作人员"}
    assert {term for term in TERMS if set(term) <= set("0123456789零一二三四五六七八九幺")} == {"95598", "九五五九八"}


@pytest.mark.parametrize("text", COURTESY_AND_DENIAL)
def test_no_word_of_the_lexicon_holds_courtesy_or_denial(text: str) -> None:
    assert [term for term in TERMS if text in term or term in text] == []


def test_of_what_is_banned_the_lexicon_has_only_innocent_parts() -> None:
    parts = {term for term in TERMS for phrase in banned() if term in phrase.text}
    assert parts == {"来电"}  # of 别再来电话了, which counts by its sound anyway


def sharing_an_edge(phrases: Iterable[Phrase]) -> Iterator[tuple[Phrase, str, str]]:
    """Each phrase with a word of the lexicon that could complete it, and how the rest sounds if that is near enough.

    Such a word begins as the phrase ends or the reverse: 弱智 and 智能. The rest is the phrase with other characters
    where the word would be, chosen to sound as unlike it as what is still corrected to that word.
    """
    for phrase in phrases:
        for term in TERMS:
            for size in range(1, min(len(term), len(phrase.text))):
                if term[-size:] == phrase.text[:size]:
                    yield phrase, term, misheard(term)[-size:] + phrase.text[size:]
                if term[:size] == phrase.text[-size:]:
                    yield phrase, term, phrase.text[:-size] + misheard(term)[:size]


def misheard(term: str) -> str:
    """With characters of a near sound, where there are such; of two syllables, only the same sound is corrected."""
    return term if len(term) == 2 else "".join(map(near_sounding, term))


def near_sounding(char: str) -> str:
    (sound,) = lazy_pinyin(char)
    near = (other for one, other in sounds().items() if one != sound and lexicon._folded(one) == lexicon._folded(sound))
    return next(near, char)


@cache
def sounds() -> dict[str, str]:
    """A character for each syllable."""
    return {lazy_pinyin(char)[0]: char for char in map(chr, range(0x4E00, 0x9FA6))}


def test_no_word_of_the_lexicon_completes_abuse_that_is_taken_literally() -> None:
    """As 智能 would have completed 弱智, and 水泵 脑子进水. 辱骂客户 is but the name of the entry: nobody says it."""
    assert {phrase.text for phrase, _, _ in sharing_an_edge(banned()) if phrase.literal} == {"辱骂客户"}


def test_what_a_word_of_the_lexicon_completes_was_there_by_its_sound() -> None:
    """随便投数工单 may become 随便投诉工单, but the rules hear 随便投诉 in either."""
    abuse, courtesy = (rule_of(f"language.{name}").check.operator for name in ("banned", "courtesy"))
    needed = {wording: entry.accept or abuse.accept for entry in abuse.entries for wording in entry.wordings}
    needed |= {phrase: 1.0 for phrase in needed if len(phrase.text) <= 3}  # the rules want the exact sound of these
    polite = (*phrases_of(courtesy.kinds), *phrases_of(courtesy.apology))
    needed |= {phrase: phrase.accept or STANDARD.settings.thresholds.said for phrase in polite}
    edges = list(sharing_an_edge(needed))
    assert ("随便投诉", "投诉工单") in {(phrase.text, term) for phrase, term, _ in edges}
    found = (find(phrase, normalise(rest), min_similarity=needed[phrase]) for phrase, _, rest in edges)
    assert all(found)


def test_blameless_calls_are_left_alone() -> None:
    """What the model of the roles was trained on was written, not heard."""
    calls = list(files("zhijian.models").joinpath("training", "roles").iterdir())
    assert calls
    texts = [line for call in calls if call.name.endswith(".txt") for line in call.read_text("utf-8").splitlines()]
    assert {(found.heard, found.meant, text) for text in texts for found in corrections(text)} == set()


@pytest.mark.parametrize("text", MISHEARD)
def test_what_sounds_like_courtesy_or_abuse_is_not_spelt_as_it(text: str) -> None:
    assert corrections(text) == ()
