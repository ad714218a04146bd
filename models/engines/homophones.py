"""Homophones put right by what is usually said on the line: 要抱修 to 要报修, 加里没电 to 家里没电.

A recogniser of this size hears syllables better than it writes them. What was meant is found as in any noisy channel:
of the characters that sound exactly like those written, the ones that are likeliest after each other (trigrams with the
smoothing of Witten and Bell, 1991, over the dictionary of jieba), where another character than the one written has its
price: the higher the surer the recogniser was, and higher inside a word of the dictionary.

Only characters stand for each other that sound the same to rules, and only beside such as they were seen beside, for
a name is no word; what is plainly a name stays. Rules that want the very characters hear a difference: what a standard
wants literally is neither made nor unmade (`literal`), numbers stay, and so do 您, 你, 请 and particles. So does a
recording whose words are unlike the calls that were learnt from. What was learnt is data, homophones.json, made by
models/training/train_homophones.py.
"""

import json
import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache, cached_property, lru_cache
from importlib.resources import files

from pypinyin import lazy_pinyin

from zhijian.models.engines.lexicon import spelt
from zhijian.models.engines.roles import tokenizer
from zhijian.models.records.dialogue import Dialogue, Word

START, END, NUMBER = "^", "$", "#"
"""What stands before and after all that is said in one breath, and for a number or a word in letters."""
OPENING = 2 * START
NUMERALS = "0123456789零〇一二三四五六七八九两幺十百千万"
OTHER_COST, SURE_COST, WORD_COST = 1.0, 5.0, 2.0
"""Nats that another character costs: always; times the recogniser's probability; inside a word of the dictionary."""
UNLIKE_FROM = 5.4
"""Nats a character from which words are unlike those of the calls."""
KEPT = 6
"""So many ways to write what was said so far are followed up."""
_NUMBER = re.compile(f"[A-Za-z{NUMERALS}]+")
_PAUSE = re.compile("[^\u4e00-\u9fff#]+")
_SYLLABLE = "[一-鿿]"
_NAME = re.compile(
    "(?<=姓).|.{1,3}(?=先生|女士|小姐)|(?:(?<=我叫)|(?<=名叫)|(?<=户名)|(?<=户主)|(?<=姓名)|(?<=名字))[是叫]?.{2,3}"
    f"|(?<!{_SYLLABLE}){_SYLLABLE}{{1,3}}(?=(?:[是对][吧吗])?(?!{_SYLLABLE}))"
)
"""Also what is said by itself, for so does who is asked for a name."""
_MARK_PROBABILITY, _UNSEEN = 0.02, 0.5


@dataclass(frozen=True)
class Language:
    """How often which characters followed two others."""

    followers: Mapping[str, Mapping[str, int]]

    @cached_property
    def log_probability(self) -> Callable[[str, str], float]:
        """Natural logarithm of how probable a character, END or NUMBER is after two others."""
        return lru_cache(maxsize=1 << 16)(lambda before, char: math.log(self._probability(before, char)))

    def saw(self, one: str, other: str) -> bool:
        """Has the second character ever followed the first?"""
        return other in self._seen.get(one, ())

    def surprise(self, texts: Iterable[str]) -> float:
        """Nats a character (cross-entropy); infinite where nothing is said."""
        said = [breath for text in texts for breath in breaths(text)]
        nats = [
            -self.log_probability(breath[at - 2 : at], breath[at]) for breath in said for at in range(2, len(breath))
        ]
        return sum(nats) / len(nats) if nats else math.inf

    def _probability(self, before: str, char: str) -> float:
        shorter = self._probability(before[1:], char) if before else _alone(char)
        if not (seen := self._seen.get(before)):
            return shorter
        return (seen[char] + len(seen) * shorter) / (self._num_seen[before] + len(seen))

    @cached_property
    def _seen(self) -> Mapping[str, Counter[str]]:
        """What followed two characters, one, and none."""
        seen: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for before, chars in self.followers.items():
            for shorter in (before, before[1:], ""):
                seen[shorter].update(chars)
        return dict(seen)

    @cached_property
    def _num_seen(self) -> Mapping[str, int]:
        return {before: chars.total() for before, chars in self._seen.items()}


@dataclass(frozen=True)
class Speller:
    """`groups` are the characters that sound alike, `literal` the words that are never made, nor made to be others."""

    language: Language
    groups: Sequence[str]
    literal: Sequence[str]

    def knows(self, texts: Iterable[str]) -> bool:
        """Are the texts of a recording like those of the calls?"""
        return self.language.surprise(texts) < UNLIKE_FROM

    def respelt(self, words: Sequence[Word]) -> tuple[Word, ...]:
        """The same words at the same times, as they are usually written."""
        text = "".join(word.text for word in words)
        sure = [word.probability for word in words for _ in word.text]
        return spelt(words, self.spelling(text, sure))

    def spelling(self, text: str, sure: Sequence[float]) -> str:
        """The likeliest spelling of a text of whose characters the recogniser was so `sure` (0..1).

        No other character is written but beside one that it was seen beside: 刘洋 is no 刘样.
        """
        likeliest = self._likeliest(text, sure)
        padded = f"{START}{likeliest}{END}"
        supported = [
            self.language.saw(padded[at : at + 1], char) or self.language.saw(char, padded[at + 2])
            for at, char in enumerate(likeliest)
        ]
        kept = [new if seen else old for old, new, seen in zip(text, likeliest, supported, strict=True)]
        for word in self.literal:
            for at in (*_places(word, text), *_places(word, "".join(kept))):
                kept[at : at + len(word)] = text[at : at + len(word)]
        return "".join(kept)

    def _likeliest(self, text: str, sure: Sequence[float]) -> str:
        """By the algorithm of Viterbi."""
        done = ""
        # by the two characters before: log-probability less what other characters cost, and what is written
        ways = {OPENING: (0.0, "")}
        for char, options in zip(text, self._options(text, sure), strict=True):
            mark = NUMBER if _NUMBER.match(char) else END if _PAUSE.match(char) else None
            following: dict[str, tuple[float, str]] = {}
            for before, (score, written) in ways.items():
                for option, cost in options.items():
                    after, gain = self._step(before, mark or option)
                    now = score + gain - cost
                    if after not in following or now > following[after][0]:
                        following[after] = now, written + option
            ways = dict(sorted(following.items(), key=lambda way: -way[1][0])[:KEPT])
            if mark == END:  # all ways are one
                done += ways[OPENING][1]
                ways = {OPENING: (0.0, "")}
        return done + max((score + self._step(before, END)[1], written) for before, (score, written) in ways.items())[1]

    def _options(self, text: str, sure: Sequence[float]) -> Iterator[Mapping[str, float]]:
        """Of each character those that may have been meant, and what they cost."""
        left_alone = _may_be_numerals(text) | {at for name in _NAME.finditer(text) for at in range(*name.span())}
        marks = zip(text, sure, _within_words(text), strict=True)
        for at, (char, probability, within_word) in enumerate(marks):
            others = "" if at in left_alone else self._homophones.get(char, "")
            cost = OTHER_COST + SURE_COST * probability + WORD_COST * within_word
            yield {char: 0.0} | dict.fromkeys(others, cost)

    def _step(self, before: str, said: str) -> tuple[str, float]:
        """The two characters before what comes after that, and its log-probability; pauses and numbers go on free."""
        if said == END:
            return OPENING, 0.0 if before == OPENING else self.language.log_probability(before, said)
        if said == NUMBER == before[1]:
            return before, 0.0
        return before[1] + said, self.language.log_probability(before, said)

    @cached_property
    def _homophones(self) -> Mapping[str, str]:
        return {char: group.replace(char, "") for group in self.groups for char in group}


def as_usually_spelt(dialogue: Dialogue) -> Dialogue:
    """What was heard, with the homophones that were meant, if it is like the calls at all."""
    known = speller()
    if not known.knows(utterance.text for utterance in dialogue.utterances):
        return dialogue
    spelt_anew = ((utterance, known.respelt(utterance.words)) for utterance in dialogue.utterances)
    utterances = [
        replace(utterance, text="".join(word.text for word in words), words=words) if words else utterance
        for utterance, words in spelt_anew
    ]
    return replace(dialogue, utterances=tuple(utterances))


@cache
def speller() -> Speller:
    """The one that was learnt."""
    learnt = json.loads(files("zhijian.models.engines").joinpath("homophones.json").read_text(encoding="utf-8"))
    followers = {
        before: Counter(dict(zip(chars, counts, strict=True))) for before, chars, counts in learnt["followers"]
    }
    return Speller(Language(followers), learnt["homophones"], learnt["literal"])


def breaths(text: str) -> list[str]:
    """What is said between two marks, from START to END, with NUMBER for each number."""
    said = _PAUSE.split(_NUMBER.sub(NUMBER, text))
    return [f"{OPENING}{characters}{END}" for characters in said if characters]


def _places(word: str, text: str) -> Iterator[int]:
    return (found.start() for found in re.finditer(re.escape(word), text))


def _alone(char: str) -> float:
    """How probable it is wherever it stands."""
    dictionary = tokenizer()
    if char in (START, END, NUMBER):
        return _MARK_PROBABILITY
    return float((dictionary.FREQ.get(char, 0) + _UNSEEN) / dictionary.total)


def _within_words(text: str) -> list[bool]:
    """Of each character whether it is part of a word of the dictionary, and not one itself."""
    return [len(word) > 1 for word in tokenizer().cut(text, HMM=False) for _ in word]


def _may_be_numerals(text: str) -> set[int]:
    """Where something sounds like a numeral and stands beside one: 滨河路时九号."""
    return {
        at
        for at, char in enumerate(text)
        if _sounds_like_numeral(char) and any(map(_NUMBER.match, text[max(0, at - 1) : at + 2]))
    }


@lru_cache(maxsize=8192)
def _sounds_like_numeral(char: str) -> bool:
    return lazy_pinyin(char)[0] in _numeral_sounds()


@cache
def _numeral_sounds() -> frozenset[str]:
    return frozenset(sound for numeral in NUMERALS if not numeral.isascii() for sound in lazy_pinyin(numeral))
