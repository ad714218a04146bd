"""The sound of a text as a text: a symbol for each character, the same one for all that sound alike but for the tone.

Unlike `pinyin`, which measures how alike two phrases are, this only tells the same from the different, at the price of
a look into a table.

    sounds("过护") == sounds("过户")
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache, lru_cache

from pypinyin import lazy_pinyin

from zhijian.rules.words.text import lexicon

_FIRST_SYMBOL = 0xE000  # Unicode's private use area: no character of any text


@lru_cache(maxsize=8192)
def sounds(chars: str) -> str:
    """As long as `chars`, which are normal characters; what is no syllable stands for itself."""
    return "".join(map(_symbol, chars))


@lru_cache(maxsize=8192)
def reading(char: str) -> str:
    """The commonest reading of a character, without its tone; what has none stands for itself."""
    return str(lazy_pinyin(char)[0])


@lru_cache(maxsize=8192)
def _symbol(char: str) -> str:
    return _symbols().get(reading(char), char)


@cache
def _symbols() -> Mapping[str, str]:
    syllables = [syllable for line in lexicon("syllables") for syllable in line]
    return {syllable: chr(_FIRST_SYMBOL + index) for index, syllable in enumerate(syllables)}
