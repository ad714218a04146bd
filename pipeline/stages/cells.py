"""Single cells: what may stand in one, and what the common kinds mean."""

import re

from zhijian.pipeline.stages.table import echo, has_control_characters

MAX_CELL = 200


class BadCell(ValueError):
    """What is wrong with one cell, Chinese, without the name of the column."""


def check_text(text: str, *, max_length: int = MAX_CELL, allowed: str = "") -> None:
    """Refuse what nobody can see and what is too long to be a value.

    Raises:
        BadCell
    """
    if has_control_characters(text, allowed=allowed):
        raise BadCell("含有换行或不可见的控制字符,请删除后重填")
    if len(text) > max_length:
        raise BadCell(f"过长(超过 {max_length} 个字符)")


def count(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,6}", text):
        raise BadCell(f"{echo(text)} 应为 0 至 999999 的整数")
    return int(text)


def yes_no(text: str) -> bool:
    if text not in ("yes", "no"):
        raise BadCell(f"{echo(text)} 应为 yes 或 no")
    return text == "yes"
