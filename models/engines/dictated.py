"""Numbers as they are dictated: 幺, which a recogniser does not know, for the 要 or 腰 that stands in one.

Only where nothing else can be meant: in a mobile number of eleven digits, or one that is called so and lacks a few, and
between the digits of a number so long that no word stands in it.
"""

import re

from pypinyin import lazy_pinyin

ONE = "幺"
NUMERALS = str.maketrans("零一二三四五六七八九幺", "01234567891")
ENOUGH_DIGITS = 6

# Y for what sounds like 幺
_NUMBER = re.compile(
    "(?:(?<![0-9Y])(?:Y[3-9][0-9Y]{9}|[0-9][0-9Y]{6,}[0-9])|(?<=电话|手机|号码|话是|机是|码是)Y[3-9][0-9Y]{6,8})(?![0-9Y])"
)


def with_ones(text: str) -> str:
    """The same text with 幺 for what sounds like it in a dictated number; its length stays.

    with_ones("电话要3855501234")  # 电话幺3855501234
    """
    digits = text.translate(NUMERALS)
    sounds = "".join("Y" if char not in "0123456789" and _sounds_like_one(char) else char for char in digits)
    meant = list(text)
    for number in _NUMBER.finditer(sounds):
        if sum(char.isdigit() for char in number.group()) >= ENOUGH_DIGITS:
            for index in range(*number.span()):
                if sounds[index] == "Y":
                    meant[index] = ONE
    return "".join(meant)


def _sounds_like_one(char: str) -> bool:
    return lazy_pinyin(char, errors="ignore") == ["yao"]
