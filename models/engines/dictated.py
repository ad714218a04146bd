"""Numbers as they are dictated: 幺, which a recogniser does not know, for the 要 or 腰 that stands in one.

Only in a mobile number: within one that is whole, and at the beginning of one that is called a telephone number.
"""

import re

ONE = "幺"
# Y is what sounds like 幺; 姚 is a name
NUMERALS = str.maketrans("零一二三四五六七八九幺要腰药遥摇妖邀", "01234567891YYYYYYY")
_NUMBER = re.compile(
    "(?:(?<![0-9Y])1[3-9][0-9Y]{6}|(?<=电话|手机|号码|话是|机是|码是)Y[3-9][0-9Y]{5,6})[0-9]{3}(?![0-9Y元块度])"
)


def with_ones(text: str) -> str:
    """The same text with 幺 for what sounds like it in a dictated number; its length stays.

    with_ones("电话要3855501234")  # 电话幺3855501234
    """
    sounds = text.translate(NUMERALS)
    meant = list(text)
    for number in _NUMBER.finditer(sounds):
        for index in range(*number.span()):
            if sounds[index] == "Y":
                meant[index] = ONE
    return "".join(meant)
