from datetime import datetime

from zhijian.rules.keydata.datum import Turn
from zhijian.rules.words.text import normalise

CALL_DAY = datetime(2026, 11, 21, 14, 0)
WHERE = "坐:请问具体地址在哪里"


def dialogue(*lines: str) -> list[Turn]:
    """Turns from lines such as `客: 我姓周` and `坐: 周先生您好`."""
    roles = {"坐": "agent", "客": "customer"}
    return [Turn(index, roles[line[0]], normalise(line[2:])) for index, line in enumerate(lines)]
