"""Records to plain dictionaries and back, driven by the records' own type hints.

>>> to_dict(Word("您好", Span(0, 400), 0.9))
{'text': '您好', 'start_ms': 0, 'end_ms': 400, 'probability': 0.9}

A field named `span` is written as `start_ms`, `end_ms`; a field named `x_span` as `x_start_ms`, `x_end_ms`; both null
where the span is absent. Decimals are written as strings, times as ISO 8601 with offset. Reading refuses unknown and
missing keys and wrong types with a `RecordError` that names the place, e.g. `Dialogue.utterances[3].role`.
"""

import dataclasses
import types
import typing
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from enum import Enum
from functools import cache
from typing import Any, TypeVar

from zhijian.models.records.span import RecordError, Span

Record = TypeVar("Record")


def to_dict(record: Any) -> dict[str, Any]:
    """A frozen record as a dictionary of JSON types, keys in field order."""
    plain: dict[str, Any] = {}
    for field in dataclasses.fields(record):
        value = getattr(record, field.name)
        if _is_span(field.name):
            prefix = field.name.removesuffix("span")
            plain[f"{prefix}start_ms"] = None if value is None else value.start_ms
            plain[f"{prefix}end_ms"] = None if value is None else value.end_ms
        else:
            plain[field.name] = _plain(value)
    return plain


def from_dict(cls: type[Record], data: Any, where: str | None = None) -> Record:
    """The record that `to_dict` wrote. Raises RecordError; the caller's dictionary is not touched."""
    where = where or cls.__name__
    if not isinstance(data, dict):
        raise RecordError(f"{where}: expected an object, got {type(data).__name__}")
    rest, values = dict(data), {}
    for field in _fields(cls):  # type: ignore[arg-type]
        if field.span_prefix is not None:
            values[field.name] = _take_span(rest, field, where)
        elif field.name in rest:
            value = rest.pop(field.name)
            plain = type(value) is field.hint and field.hint in _PLAIN
            values[field.name] = value if plain else _read(field.hint, value, f"{where}.{field.name}")
        elif field.required:
            raise RecordError(f"{where}: key {field.name!r} is missing")
    if rest:
        raise RecordError(f"{where}: unknown key {sorted(rest)[0]!r}")
    try:
        return cls(**values)
    except RecordError as error:
        raise RecordError(f"{where}: {error}") from None


_PLAIN = frozenset({str, int, float, bool})
"""What JSON writes as it is."""


@dataclasses.dataclass(frozen=True, slots=True)
class _Field:
    """A field of a record; `span_prefix` is what stands before start_ms and end_ms, None where it holds no span."""

    name: str
    hint: Any
    required: bool
    span_prefix: str | None
    may_be_none: bool


@cache
def _fields(cls: Any) -> tuple[_Field, ...]:
    hints = typing.get_type_hints(cls)
    return tuple(
        _Field(
            name=field.name,
            hint=hints[field.name],
            required=field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING,
            span_prefix=field.name.removesuffix("span") if _is_span(field.name) else None,
            may_be_none=type(None) in typing.get_args(hints[field.name]),
        )
        for field in dataclasses.fields(cls)
    )


def _is_span(name: str) -> bool:
    return name == "span" or name.endswith("_span")


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return to_dict(value)
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value


def _take_span(rest: dict[str, Any], field: _Field, where: str) -> Span | None:
    start, end = rest.pop(f"{field.span_prefix}start_ms", None), rest.pop(f"{field.span_prefix}end_ms", None)
    if start is None and end is None and field.may_be_none:
        return None
    try:
        return Span(start, end)
    except RecordError as error:
        raise RecordError(f"{where}.{field.name}: {error}") from None


def _read(hint: Any, value: Any, where: str) -> Any:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        if value is None and type(None) in arguments:
            return None
        (hint,) = (a for a in arguments if a is not type(None))
        return _read(hint, value, where)
    if origin is tuple:
        if not isinstance(value, list | tuple):
            raise RecordError(f"{where}: expected a list, got {type(value).__name__}")
        return tuple(_read(arguments[0], item, f"{where}[{i}]") for i, item in enumerate(value))
    if origin is dict:
        if not isinstance(value, dict):
            raise RecordError(f"{where}: expected an object, got {type(value).__name__}")
        return {str(key): _read(arguments[1], item, f"{where}.{key}") for key, item in value.items()}
    if dataclasses.is_dataclass(hint):
        return from_dict(typing.cast(type, hint), value, where)
    return _read_scalar(hint, value, where)


def _read_scalar(hint: Any, value: Any, where: str) -> Any:
    try:
        if issubclass(hint, Enum):
            return hint(value)
        if hint is Decimal and isinstance(value, str | int):
            return Decimal(value)
        if hint in (datetime, date) and isinstance(value, str):
            return hint.fromisoformat(value)
    except (ValueError, InvalidOperation):
        raise RecordError(f"{where}: the value is not a {hint.__name__}") from None
    if hint is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        raise RecordError(f"{where}: expected {hint.__name__}, got {type(value).__name__}")
    return value
