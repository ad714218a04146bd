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
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from enum import Enum
from functools import cache, partial
from typing import Any, TypeVar

from zhijian.models.records.span import RecordError, Span

Record = TypeVar("Record")


def to_dict(record: Any) -> dict[str, Any]:
    """A frozen record as a dictionary of JSON types, keys in field order."""
    plain: dict[str, Any] = {}
    for field in dataclasses.fields(record):
        value = getattr(record, field.name)
        if _is_span(field.name):
            start, end = _span_keys(field.name)
            plain[start] = None if value is None else value.start_ms
            plain[end] = None if value is None else value.end_ms
        else:
            plain[field.name] = _plain(value)
    return plain


def from_dict(cls: type[Record], data: Any) -> Record:
    """The record that `to_dict` wrote. Raises RecordError; the caller's dictionary is not touched."""
    try:
        record: Record = _reader(cls)(data)  # type: ignore[arg-type]
    except _Unreadable as error:
        raise RecordError(f"{cls.__name__}{error.place}: {error.message}") from None
    return record


class _Unreadable(Exception):
    """What is wrong, and where it is within the value that was being read."""

    def __init__(self, message: str, place: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.place = place

    def within(self, step: str) -> "_Unreadable":
        return _Unreadable(self.message, step + self.place)


_Reader = Callable[[Any], Any]
_MISSING = object()


class _Field(typing.NamedTuple):
    """A field of a record; `span_keys` are what a span is written as, None for another value."""

    name: str
    read: _Reader
    plain: type | None  # what JSON writes as it is, and need not be read
    required: bool
    span_keys: tuple[str, str] | None
    may_be_none: bool


def _fields(cls: Any) -> tuple[_Field, ...]:
    hints = typing.get_type_hints(cls)
    return tuple(
        _Field(
            name=field.name,
            read=_reader(hints[field.name]),
            plain=hints[field.name] if hints[field.name] in (str, int, float, bool) else None,
            required=field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING,
            span_keys=_span_keys(field.name) if _is_span(field.name) else None,
            may_be_none=type(None) in typing.get_args(hints[field.name]),
        )
        for field in dataclasses.fields(cls)
    )


def _is_span(name: str) -> bool:
    return name == "span" or name.endswith("_span")


def _span_keys(name: str) -> tuple[str, str]:
    prefix = name.removesuffix("span")
    return f"{prefix}start_ms", f"{prefix}end_ms"


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


@cache
def _reader(hint: Any) -> _Reader:
    """What reads a value of this type, or raises _Unreadable. Made once: a dialogue holds hundreds of values."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        (some,) = (_reader(argument) for argument in arguments if argument is not type(None))
        return (lambda value: None if value is None else some(value)) if type(None) in arguments else some
    if origin is tuple:
        return partial(_read_tuple, _reader(arguments[0]))
    if origin is dict:
        return partial(_read_mapping, _reader(arguments[1]))
    if dataclasses.is_dataclass(hint):
        return _record_reader(hint)
    if issubclass(hint, Enum):
        return partial(_read_enum, hint.__name__, {member.value: member for member in hint})
    return partial(_read_scalar, hint)


def _record_reader(cls: Any) -> _Reader:
    fields = _fields(cls)
    keys = frozenset(key for field in fields for key in field.span_keys or (field.name,))
    return partial(_read_record, cls, fields, keys)


def _read_record(cls: Any, fields: tuple[_Field, ...], keys: frozenset[str], data: Any) -> Any:
    if not isinstance(data, dict):
        raise _Unreadable(f"expected an object, got {type(data).__name__}")
    values: dict[str, Any] = {}
    for name, read, plain, required, span_keys, may_be_none in fields:
        if span_keys is not None:
            start, end = span_keys
            values[name] = _read_span(name, may_be_none, data.get(start), data.get(end))
            continue
        value = data.get(name, _MISSING)
        if type(value) is plain:
            values[name] = value
        elif value is not _MISSING:
            try:
                values[name] = read(value)
            except _Unreadable as error:
                raise error.within(f".{name}") from None
        elif required:
            raise _Unreadable(f"key {name!r} is missing")
    if not data.keys() <= keys:
        raise _Unreadable(f"unknown key {min(data.keys() - keys)!r}")
    try:
        return cls(**values)
    except RecordError as error:
        raise _Unreadable(str(error)) from None


def _read_span(name: str, may_be_none: bool, start: Any, end: Any) -> Span | None:
    if start is None and end is None and may_be_none:
        return None
    try:
        return Span(start, end)
    except RecordError as error:
        raise _Unreadable(str(error), f".{name}") from None


def _read_tuple(read: _Reader, value: Any) -> Any:
    if not isinstance(value, list | tuple):
        raise _Unreadable(f"expected a list, got {type(value).__name__}")
    items = []
    for index, item in enumerate(value):
        try:
            items.append(read(item))
        except _Unreadable as error:
            raise error.within(f"[{index}]") from None
    return tuple(items)


def _read_mapping(read: _Reader, value: Any) -> Any:
    if not isinstance(value, dict):
        raise _Unreadable(f"expected an object, got {type(value).__name__}")
    items = {}
    for key, item in value.items():
        try:
            items[str(key)] = read(item)
        except _Unreadable as error:
            raise error.within(f".{key}") from None
    return items


def _read_enum(name: str, members: dict[Any, Enum], value: Any) -> Enum:
    try:
        return members[value]
    except (KeyError, TypeError):
        raise _Unreadable(f"the value is not a {name}") from None


def _read_scalar(hint: Any, value: Any) -> Any:
    if type(value) is hint:
        return value
    try:
        if hint is Decimal and isinstance(value, str | int):
            return Decimal(value)
        if hint in (datetime, date) and isinstance(value, str):
            return hint.fromisoformat(value)
    except (ValueError, InvalidOperation):
        raise _Unreadable(f"the value is not a {hint.__name__}") from None
    if hint is float and isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, hint) or (isinstance(value, bool) and hint is not bool):
        raise _Unreadable(f"expected {hint.__name__}, got {type(value).__name__}")
    return value
