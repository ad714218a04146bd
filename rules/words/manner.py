"""How an agent puts something: as what the customer wants, as a question, a condition, an answer.

The words that tell are in the lexicon `restating`. A recogniser writes other characters of the same sound, so words
are looked for by sound; those of one character, which would sound like too many others, as they are written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from zhijian.rules.words.numbers import NUMERAL
from zhijian.rules.words.sounds import sounds
from zhijian.rules.words.text import NormalText, lexicon

_NUMBER = re.compile(f"{NUMERAL}{{2,}}")
_NOT_ABOUT = "请给为帮向让和跟对谢要"
"""After these 你 is not who does or wants something: 给您登记."""


@dataclass(frozen=True, slots=True)
class Manner:
    """How a clause is put, or several.

    `says`: as what the customer said or wants; `asks`: whether that is so; `about_customer`: as something of the
    customer; `does`: as what is being done about it; `requests`: something is asked of the customer; `questions`:
    something new is; `asks_if`: something that the customer may answer with yes; `supposes`: what would be, or could
    be done.
    """

    says: bool
    asks: bool
    about_customer: bool
    does: bool
    requests: bool
    questions: bool
    asks_if: bool
    supposes: bool


def manner_of(clause: str, next_clause: str = "") -> Manner:
    """How a clause (normal characters) is put; what is done about it may follow in the next one."""
    words = _plain(clause)
    body = words[: _end_without_tag(words)]
    return Manner(
        says=_says().is_in(words),
        asks=len(body) < len(words),
        about_customer=_about_customer().search(body) is not None,
        does=_of("does").is_in(words + _plain(next_clause)),
        requests=_of("request").is_in(body),
        questions=len(body) == len(words) and _of("question").is_in(body),
        asks_if=body.endswith("吗") or _of("asks_if").is_in(body),
        supposes=_of("condition").is_in(words),
    )


def together(manners: Sequence[Manner]) -> Manner:
    """How clauses are put that follow one another: the first says it, the last asks whether it is so."""
    asks = manners[-1].asks
    return Manner(
        says=manners[0].says,
        asks=asks,
        about_customer=any(one.about_customer for one in manners),
        does=any(one.does for one in manners),
        requests=any(one.requests for one in manners),
        questions=not asks and any(one.questions for one in manners),
        asks_if=manners[-1].asks_if,
        supposes=any(one.supposes for one in manners),
    )


def asks_for_data(chars: str) -> bool:
    """Is a name, number or place asked for?"""
    return _of("data").is_in(_plain(chars))


def confirms(answer: str) -> bool:
    """Does an answer (normal characters) begin with assent, such as 对 or 嗯是的?"""
    return _confirmation().match(answer) is not None


def clauses(text: NormalText) -> list[tuple[int, int]]:
    """The clauses of a text; a recogniser may mark none, so what begins or ends a restatement parts them as well."""
    words = _plain(text.chars)
    found: list[tuple[int, int]] = []
    for start, end in text.clauses():
        inside = words[start:end]
        tags = list(_of("asks").spans(inside))
        # 对吧|地址 does not contain 把地址
        begins = {at for at, _ in _begins(inside) if not any(tag_start < at < tag_end for tag_start, tag_end in tags)}
        cuts = {0, len(inside), *begins, *(at for _, at in tags)}
        for one, other in pairwise(sorted(cuts)):
            if found and not _end_without_tag(inside[one:other]):  # 对吗 belongs to what is asked
                found[-1] = (found[-1][0], start + other)
            else:
                found.append((start + one, start + other))
    return found


def _plain(chars: str) -> str:
    """您 as 你, and numbers as something that sounds like no word: 十八 is no 是吧."""
    return _NUMBER.sub(lambda number: "#" * len(number.group()), chars).replace("您", "你")


@dataclass(frozen=True, slots=True)
class _Words:
    """Words to be looked for, as patterns of their characters and of their sounds."""

    written: re.Pattern[str]
    heard: re.Pattern[str]

    def spans(self, words: str) -> Iterator[tuple[int, int]]:
        yield from (match.span() for match in self.written.finditer(words))
        yield from (match.span() for match in self.heard.finditer(sounds(words)))

    def is_in(self, words: str) -> bool:
        return self.written.search(words) is not None or self.heard.search(sounds(words)) is not None


def _begins(words: str) -> Iterator[tuple[int, int]]:
    yield from _says().spans(words)
    yield from _of("starts").spans(words)


def _end_without_tag(words: str) -> int:
    """Where 对吗, 是不是 … begins at the end of the words; their end where there is none."""
    tags = [*_of("asks").spans(words), *_of("asks_last").spans(words)]
    return min((start for start, end in tags if end == len(words)), default=len(words))


@cache
def _of(kind: str) -> _Words:
    return _patterns(word for name, *line in lexicon("restating") if name == kind for word in line)


@cache
def _says() -> _Words:
    words = _of("says")
    return _Words(words.written, re.compile(f"(?<![{sounds(_NOT_ABOUT)}])(?:{words.heard.pattern})"))


@cache
def _about_customer() -> re.Pattern[str]:
    return re.compile(f"(?<![{_NOT_ABOUT}])你(?!好)")


@cache
def _confirmation() -> re.Pattern[str]:
    words = "|".join(word for kind, *line in lexicon("restating") if kind == "confirms" for word in line)
    return re.compile(f"[嗯啊哎诶唉欸哦]*(?:{words})(?!不)")


def _patterns(words: Iterable[str]) -> _Words:
    """Longer words first, so that 是这样吗 is not found as 是."""
    ordered = sorted(words, key=len, reverse=True)
    written = "|".join(word for word in ordered if len(word) == 1)
    heard = "|".join(sounds(word) for word in ordered if len(word) > 1)
    return _Words(re.compile(written or "(?!)"), re.compile(heard or "(?!)"))
