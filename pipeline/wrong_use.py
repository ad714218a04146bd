"""What is wrong with a command as it was typed, in Chinese: typer's own texts are English and cannot be exchanged."""

import re

import typer

# typer's words -> ours, one after the other; what is not among them stays as typer says it
_WORDS = {
    r"Missing command\.": "缺少子命令",
    r"Missing argument '(.+?)'\.": r"缺少参数 \1",
    r"Missing option '(.+?)'\.": r"缺少选项 \1",
    r" Choose from:\n\t": ",可以是 ",
    r",\n\t": ", ",
    r"No such command '(.*?)'\.": r"没有命令 \1",
    r"No such option: (\S+)": r"没有选项 \1",
    r" (?:Did you mean (.+)\?|\(Possible options: (.+)\))": r",是不是 \1\2",
    r"Got unexpected extra argument(?:\(s\)|s)? \((.+)\)": r"多了参数 \1",
    r"Option '(.+?)' requires an argument\.": r"选项 \1 后面要写值",
    r"Option '(.+?)' does not take a value\.": r"选项 \1 后面不写值",
    r"Invalid value for '(.+?)': ": r"\1 不对,",
    r"Input should be a valid integer.*": "应为整数",
    r"Input should be greater than or equal to (\d+)": r"至少是 \1",
    r"Input should be less than or equal to (\d+)": r"最多是 \1",
    r"Value error, '(.*)' is not one of (.+)\.": r"没有 \1,可以是 \2",
    r"Value error, '(.*)' does not match the formats '%Y-%m-%d'\.": r"\1 应写成 2026-11-20 这样的日期",
}


def told(error: typer.TyperException) -> str:
    """What is wrong, and where it is explained."""
    said = error.format_message()
    for theirs, ours in _WORDS.items():
        said = re.sub(theirs, ours, said, flags=re.S)
    context = getattr(error, "ctx", None)  # typer does not give it with every error
    return f"{said};用法见 {context.command_path if context else 'zhijian'} --help"
