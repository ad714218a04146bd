"""Finding phrases is fast because it leaves out what cannot matter: it finds what the plain algorithm finds."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from zhijian.rules.words.pinyin import Match, find, similarity
from zhijian.rules.words.text import fillers, normalise
from zhijian.rules.words.vocabulary import Vocabulary

SAME = str.maketrans("您0123456789幺〇", "你零一二三四五六七八九一零")
PHRASES = ["请", "工号", "没办法", "快点儿", "请您稍等", "这我怎么知道", "有什么可以帮您", "啊呀", "九五五九八", "A座"]
# each character of the phrases with others of the same or a similar sound
ALIKE = [
    *(
        "请情亲",
        "您你宁里",
        "工供公功",
        "号好靠",
        "没美内",
        "办半版放",
        "法花发",
        "快块怪",
        "点店等天",
        "儿二",
        "稍收烧扫",
    ),
    *("等灯冷点", "这者着在", "我窝火", "怎真曾", "么吗", "知只资", "道到老", "有又走", "什神是", "可课乐"),
    *("以一意", "帮邦班", "九就舅走", "五武无", "八爸大", "啊呀", "aA", "座做错"),
]
CHARS = "".join(ALIKE) + "呢那个苹果95,。"


@st.composite
def misheard(draw: st.DrawFn) -> tuple[str, str]:
    """A phrase, and a text that holds it up to twice, with some of its characters lost, added or replaced."""
    invented = st.text(CHARS, min_size=1, max_size=7).filter(lambda text: normalise(text).chars)
    phrase = draw(st.sampled_from(PHRASES) | invented)
    text = draw(st.text(CHARS, max_size=8))
    for _ in range(draw(st.integers(0, 2))):
        for char in phrase:
            alike = next((group for group in ALIKE if char in group), char)
            text += draw(st.sampled_from(("", char, char, *alike, char + draw(st.sampled_from(CHARS)))))
        text += draw(st.text(CHARS, max_size=6))
    return phrase, text


@settings(max_examples=400)
@given(misheard(), st.sampled_from([0.5, 0.7, 0.75, 0.8, 0.9, 1.0]))
@example(("95呀舅", "9595舅"), 0.5)  # the very characters go before what sounds the same and comes first
def test_finds_what_the_plain_algorithm_finds(pair: tuple[str, str], min_similarity: float) -> None:
    phrase, raw = pair
    assert find(phrase, normalise(raw), min_similarity=min_similarity) == plainly(phrase, raw, min_similarity)


@settings(max_examples=400)
@given(
    st.lists(st.tuples(misheard(), st.sampled_from([0.5, 0.7, 0.75, 0.8, 1.0])), min_size=1, max_size=6),
    st.sampled_from([0.5, 0.55, 0.8, 1.0]),
)
def test_a_vocabulary_holds_back_no_phrase_that_is_in_a_text(
    pairs: list[tuple[tuple[str, str], float]], least: float
) -> None:
    phrases = {phrase: min_similarity for (phrase, _), min_similarity in pairs}
    texts = [normalise(raw) for (_, raw), _ in pairs]
    near = Vocabulary(phrases).near([text.chars for text in texts], least=least)
    for text, maybe in zip(texts, near, strict=True):
        for phrase in phrases:
            looked_for = min(phrases[phrase], least)
            for at_least in (looked_for, (1 + looked_for) / 2, 1.0):
                assert not find(phrase, text, min_similarity=at_least) or maybe[phrase] >= at_least


@settings(max_examples=400)
@given(misheard(), st.sampled_from([0.5, 0.75, 0.8, 1.0]), st.data())
def test_a_part_of_a_text_holds_nothing_that_may_not_be_in_the_whole(
    pair: tuple[str, str], min_similarity: float, data: st.DataObject
) -> None:
    phrase, raw = pair
    start = data.draw(st.integers(0, len(raw)))
    part = normalise(raw[start : data.draw(st.integers(start, len(raw)))])
    (maybe,) = Vocabulary({phrase: min_similarity}).near([normalise(raw).chars])
    assert not find(phrase, part, min_similarity=min_similarity) or maybe[phrase] >= min_similarity


@given(misheard(), st.sampled_from([0.75, 0.8, 1.0]))
def test_a_vocabulary_holds_back_what_is_not_in_a_text(pair: tuple[str, str], min_similarity: float) -> None:
    phrase, raw = pair
    if fillers(normalise(phrase).chars).count(False) > 1:  # a single syllable also has to be the very character
        (maybe,) = Vocabulary({phrase: min_similarity}).near([normalise(raw).chars])
        matches = plainly(phrase, raw, min_similarity)
        assert bool(maybe) == bool(matches)
        for alike in maybe.values():
            assert min(1.0, alike) <= max(match.similarity for match in matches) + 1e-6


def test_a_vocabulary_tells_which_phrase_may_be_in_which_text() -> None:
    vocabulary = Vocabulary({"没办法": 0.8, "国家电网": 0.8, "你好": 1.0, "请稍等一下": 0.7, "长" * 80: 0.8})
    texts = [
        normalise(raw).chars for raw in ("您好,国家电网。", "。", "美,办法,呢", "请等一下", "办法没有国家", "长" * 79)
    ]
    assert [set(near) - {"长" * 80} for near in vocabulary.near(texts)] == [
        {"国家电网", "你好"}, set(), {"没办法"}, {"请稍等一下"}, set(), set()
    ]  # fmt: skip
    assert "长" * 80 in vocabulary.near(texts)[-1]
    assert vocabulary.near([]) == Vocabulary({}).near([]) == []
    assert Vocabulary({}).near(["你好"]) == vocabulary.near([""]) == [{}]


def test_the_plain_algorithm_has_something_to_find() -> None:
    assert plainly("没办法", "唉没啊,办花呀", 0.8) == (Match(1, 5, 1 - 0.4 / 3, False),)


def plainly(phrase: str, raw: str, min_similarity: float) -> tuple[Match, ...]:
    """Every cell of the alignment, then the best ends that do not overlap."""
    wanted, heard = normalise(phrase).chars, normalise(raw).chars
    wanted_free, heard_free = fillers(wanted), fillers(heard)
    if all(wanted_free):
        wanted_free = (False,) * len(wanted)
    syllables = wanted_free.count(False)
    limit = 0.0 if syllables <= 2 else syllables * (1 - min_similarity) + 1e-9
    table = [[(0.0, start) for start in range(len(heard) + 1)]]  # distance and start, by syllable and end
    for row, char in enumerate(wanted, 1):
        dropping = 0.0 if wanted_free[row - 1] else 1.0
        table.append([(table[-1][0][0] + dropping, 0)])
        for column, other in enumerate(heard, 1):
            distance, start = table[row - 1][column - 1]
            replaced = distance + cost(char, other), start
            distance, start = table[row - 1][column]
            dropped = distance + dropping, start
            distance, start = table[row][column - 1]
            skipped = distance + (0.0 if heard_free[column - 1] else 1.0), start
            best = min(replaced, dropped, key=lambda cell: (cell[0], -cell[1]))
            table[row].append(skipped if skipped[0] < best[0] else best)
    bare = "".join(char for char, free in zip(wanted, wanted_free, strict=True) if not free).translate(SAME)
    found = []
    for end, (distance, start) in enumerate(table[-1]):
        if distance <= limit and start < end:
            said = "".join(heard[at] for at in range(start, end) if not heard_free[at]).translate(SAME)
            exact = bare in (said, heard[start:end].translate(SAME))
            if exact or syllables > 1:
                found.append(Match(start, end, 1.0 if exact else max(0.0, 1 - distance / syllables), exact))
    chosen: list[Match] = []
    for match in sorted(found, key=lambda m: (not m.exact, -round(m.similarity, 6), m.end - m.start, m.start)):
        if all(match.end <= other.start or other.end <= match.start for other in chosen):
            chosen.append(match)
    return tuple(sorted(chosen, key=lambda match: match.start))


def cost(one: str, other: str) -> float:
    """A whole number of tenths, as the table of sounds has it."""
    return round(1 - similarity(one, other), 1)
