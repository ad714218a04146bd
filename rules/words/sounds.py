"""The sound of a text as a text: a symbol for each character, the same one for all that sound alike but for the tone.

Unlike `pinyin`, which measures how alike two phrases are, this only tells the same from the different, at the price of
a look into a table.

    sounds("过护") == sounds("过户")
"""

from __future__ import annotations

from functools import cache, lru_cache

from pypinyin import lazy_pinyin

from zhijian.rules.words.text import lexicon

_FIRST_SYMBOL = 0xE000  # Unicode's private use area: no character of any text


@lru_cache(maxsize=8192)
def sounds(chars: str) -> str:
    """As long as `chars`, which are normal characters; what is no syllable stands for itself."""
    return chars.translate(_symbol_of())


@lru_cache(maxsize=8192)
def reading(char: str) -> str:
    """The commonest reading of a character, without its tone; what has none stands for itself."""
    return str(lazy_pinyin(char)[0])


class _SymbolOf(dict[int, str]):
    """The symbols by character codes, each looked up when it is met for the first time."""

    def __init__(self) -> None:
        syllables = [syllable for line in lexicon("syllables") for syllable in line]
        self._symbols = {syllable: chr(_FIRST_SYMBOL + index) for index, syllable in enumerate(syllables)}

    def __missing__(self, code: int) -> str:
        self[code] = self._symbols.get(reading(chr(code)), chr(code))
        return self[code]


@cache
def _symbol_of() -> _SymbolOf:
    return _SymbolOf()
