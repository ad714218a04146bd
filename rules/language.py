"""The rule language: what the files of a standard may contain, and how they are read.

Nothing is silently ignored: a key, name or value that is not understood is a `Problem` with its file, its line and its
remedy, and all problems of all files are reported at once.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, TypeVar, get_args, get_origin

import yaml
from pydantic import Field, ValidationError, model_validator
from pydantic_core import ErrorDetails

from zhijian.models.records.call import Direction, Party
from zhijian.models.records.dialogue import Role, Separation
from zhijian.models.records.scorecard import Outcome
from zhijian.rules.call.scenario import Scenario
from zhijian.rules.call.settings import Silences, Thresholds
from zhijian.rules.call.terms import Phrases, Term
from zhijian.rules.operators.conditions import Condition
from zhijian.rules.operators.table import Check

_EXPECTED = {
    "string_type": "文字(数字请加引号)",
    "string_pattern_mismatch": "“组.项目”这样的编号,小写字母",
    "tuple_type": "列表,每行以“- ”开头",
    "dict_type": "“键: 值”",
    "model_type": "“键: 值”",
    "bool_parsing": "true 或 false",
}
_IN_YAML = {"True": "yes", "False": "no"}
ID_PATTERN = r"[a-z_]+\.[a-z_]+"


class Case(Term):
    """When the record says so, the outcome is settled, or another check decides."""

    when: Condition
    outcome: Literal[Outcome.PASS, Outcome.NA] | None = None
    reason: str | None = None
    check: Check = None

    @model_validator(mode="after")
    def _outcome_or_check(self) -> Case:
        if (self.outcome is None) == (self.check is None):
            raise ValueError("每个 case 写 outcome(连同 reason)或 check,二者择一")
        if (self.outcome is None) != (self.reason is None):
            raise ValueError("reason 与 outcome 要一起写")
        return self


class Part(Term):
    """A part of an item that earns points by itself."""

    name: str
    points: Decimal = Field(gt=0)
    check: Check


class Line(Term):
    """A line of an example's dialogue: one speaker's words, `gap_ms` of silence before them, how long they last.

    With a `gap_ms` below 0 they begin before the line before ends.
    """

    agent: str | None = None
    customer: str | None = None
    system: str | None = None
    gap_ms: int = 400
    lasts_ms: int | None = Field(default=None, gt=0)
    confidence: float = Field(default=0.9, ge=0, le=1)
    suspect: str | None = None

    @model_validator(mode="after")
    def _one_speaker(self) -> Line:
        if sum(words is not None for words in (self.agent, self.customer, self.system)) != 1:
            raise ValueError("每句话写 agent、customer、system 其中一个")
        return self

    @property
    def role(self) -> Role:
        return Role.AGENT if self.agent is not None else Role.CUSTOMER if self.customer is not None else Role.SYSTEM

    @property
    def text(self) -> str:
        return self.agent or self.customer or self.system or ""


class CallFacts(Term):
    """The call record of an example."""

    direction: Direction = Direction.INBOUND
    agent_no: str = "1023"
    ring_count: int | None = Field(default=2, ge=0)
    hangup_side: Party | None = Party.CUSTOMER
    scenario: Scenario | None = None
    identity_verified: bool | None = None


class Example(Term):
    """A short dialogue with a known outcome; a bare list stands for its `dialogue`. `points`: those a fail earns.

    `known_miss` marks one that the rule is known to get wrong.
    """

    call: CallFacts = CallFacts()
    separation: Literal[Separation.CHANNELS, Separation.DIARIZATION] = Separation.CHANNELS
    dialogue: tuple[Line, ...] = Field(min_length=1)
    points: Decimal | None = None
    known_miss: bool = False

    @model_validator(mode="before")
    @classmethod
    def _from_list(cls, value: Any) -> Any:
        return {"dialogue": value} if isinstance(value, list) else value


class Examples(Term):
    """The proof of a rule: at least one dialogue that passes, or for which it does not apply, and one that fails."""

    passes: tuple[Example, ...] = Field(default=(), alias="pass")
    fails: tuple[Example, ...] = Field(default=(), alias="fail", min_length=1)
    not_applicable: tuple[Example, ...] = Field(default=(), alias="na")
    unsure: tuple[Example, ...] = ()

    @model_validator(mode="after")
    def _both_sides(self) -> Examples:
        if not self.passes or not self.fails:
            raise ValueError("examples 里 pass 和 fail 至少各写一例")
        return self

    def by_outcome(self) -> Iterator[tuple[Outcome, Example]]:
        groups = (self.passes, self.fails, self.not_applicable, self.unsure)
        for outcome, examples in zip((Outcome.PASS, Outcome.FAIL, Outcome.NA, Outcome.UNSURE), groups, strict=True):
            yield from ((outcome, example) for example in examples)


class Rule(Term):
    """A rule file: the cases that the record settles, then a check or parts, then the proof. `note` is for readers."""

    note: str | None = None
    cases: tuple[Case, ...] = ()
    check: Check = None
    parts: tuple[Part, ...] = ()
    examples: Examples

    @model_validator(mode="after")
    def _check_or_parts(self) -> Rule:
        if (self.check is None) == (not self.parts):
            raise ValueError("写 check 或 parts,二者择一")
        return self


class SheetLine(Term):
    """A line of the score sheet. A `veto` item that fails vetoes the call."""

    id: str = Field(pattern=f"^{ID_PATTERN}$")
    name: str
    points: Decimal = Field(gt=0)
    veto: bool = False


class Judgeable(Term):
    """Which calls can be judged: enough speech, in one of these languages (ISO 639-1)."""

    min_speech_ms: int = Field(ge=0)
    languages: tuple[str, ...] = Field(min_length=1)


class Sheet(Term):
    """The file standard.yaml."""

    id: str
    version: str
    title: str
    judgeable: Judgeable
    thresholds: Thresholds
    silences: Silences
    items: tuple[SheetLine, ...] = Field(min_length=1)


class PhraseLists(Term):
    """A file of phrases/: lists that `@name` stands for."""

    lists: dict[str, Phrases]


@dataclass(frozen=True, slots=True, order=True)
class Problem:
    """Something wrong in a file of a standard; `message` is Chinese and says what to do. `line` counts from 1."""

    file: str
    line: int
    message: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.message}"


class StandardError(ValueError):
    """A standard that cannot be used, with everything that is wrong with it."""

    def __init__(self, problems: list[Problem]) -> None:
        self.problems = tuple(sorted(problems))
        super().__init__("评分标准有错:\n" + "\n".join(map(str, self.problems)))


Model = TypeVar("Model", bound=Term)


def read(path: Path, name: str, model: type[Model], lists: dict[str, Phrases] | None = None) -> Model:
    """The file as a `model`. Raises StandardError with every problem of the file, which it calls `name`."""
    try:
        source = path.read_text(encoding="utf-8")
        root, data = _parsed(source)
    except FileNotFoundError:
        raise StandardError([Problem(name, 1, "没有这个文件;请建立它,或从评分表里去掉对应的项目")]) from None
    except UnicodeDecodeError:
        raise StandardError([Problem(name, 1, "不是 UTF-8 编码;请另存为 UTF-8")]) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = f"不是正确的 YAML({getattr(error, 'problem', error)});请检查缩进、冒号和引号"
        raise StandardError([Problem(name, mark.line + 1 if mark else 1, problem)]) from None
    if root is None:
        raise StandardError([Problem(name, 1, "文件是空的")])
    problems = [Problem(name, line, f"键“{key}”写了两次;请删去一个") for key, line in _repeated_keys(root)]
    try:
        read_model = model.model_validate(data, context={"lists": lists or {}})
    except ValidationError as error:
        errors = error.errors()
        inside = {e["loc"][:length] for e in errors for length in range(len(e["loc"]))}
        problems += [
            _problem(name, root, model, e)
            for e in errors
            if e["type"] != "too_short" or e["loc"] not in inside  # what is too short for being wrong inside
        ]
    if problems:
        raise StandardError(problems)
    return read_model


def _parsed(source: str) -> tuple[yaml.Node | None, Any]:
    """By libyaml, ten times as fast; what it refuses by PyYAML, whose errors say better what is wrong and where."""
    try:
        return yaml.compose(source, yaml.CSafeLoader), yaml.load(source, yaml.CSafeLoader)
    except yaml.YAMLError:
        return yaml.compose(source, yaml.SafeLoader), yaml.load(source, yaml.SafeLoader)


def _repeated_keys(node: yaml.Node) -> Iterator[tuple[str, int]]:
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            if key.value in seen:
                yield key.value, key.start_mark.line + 1
            seen.add(key.value)
            yield from _repeated_keys(value)
    elif isinstance(node, yaml.SequenceNode):
        for item in node.value:
            yield from _repeated_keys(item)


def _problem(file: str, root: yaml.Node, model: type[Term], error: ErrorDetails) -> Problem:
    """The error at the innermost place on the way to it that exists in the file, and the last key there."""
    node, line, key = root, root.start_mark.line, "文件"
    for step in error["loc"]:
        if isinstance(node, yaml.MappingNode):
            for name, value in node.value:
                if name.value == str(step):
                    line, key, node = name.start_mark.line, name.value, value
                    break
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            line = node.start_mark.line
    return Problem(file, line + 1, _advice(model, error, key))


def _advice(model: type[Term], error: ErrorDetails, key: str) -> str:
    """What is wrong and what to do, in Chinese."""
    loc, given, kind = error["loc"], error["input"], error["type"]
    if kind == "extra_forbidden":
        keys = _keys_at(model, loc[:-1])
        close = difflib.get_close_matches(key, keys, n=1)
        return f"不认识的键“{key}”;" + (f"是不是“{close[0]}”?" if close else f"这里可以写:{'、'.join(keys)}")
    if kind == "missing":
        return f"缺少“{loc[-1]}”;请补上"
    if kind == "value_error":
        return str(error["ctx"]["error"])
    if kind in ("enum", "literal_error"):
        choices = re.findall("'[^']+'|True|False", error["ctx"]["expected"])
        listed = "、".join(_IN_YAML.get(choice, choice.strip("'")) for choice in choices)
        return f"“{key}”不能是 {given!r};可以是 {listed}"
    if kind == "too_short":
        return f"“{key}”不能是空的;请至少写一项"
    expected = _EXPECTED.get(kind)
    if expected is None and ("int" in kind or "decimal" in kind or "float" in kind):
        expected = "数字"
    return f"“{key}”应为{expected},写的是 {given!r}" if expected else f"“{key}”写的是 {given!r}:{error['msg']}"


def _keys_at(annotation: Any, loc: tuple[int | str, ...]) -> list[str]:
    """The keys that may stand at a place of a file, found by the types of the models."""
    if isinstance(annotation, type) and issubclass(annotation, Term):
        fields = {field.alias or name: field.annotation for name, field in annotation.model_fields.items()}
        if not loc:
            return list(fields)
        return _keys_at(fields.get(str(loc[0])), loc[1:])
    inner = get_args(annotation)
    if get_origin(annotation) in (tuple, dict):
        return _keys_at(inner[-1] if get_origin(annotation) is dict else inner[0], loc[1:])
    return next((keys for part in inner if (keys := _keys_at(part, loc))), [])
