"""The file of a CTranslate2 model: its variables as they lie in it.

The layout is that of CTranslate2's `model_spec.ModelSpec._serialize`, in its sixth version.
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass

VERSION = 6


class UnknownLayout(Exception):
    """This is not a model file of the version that is known here."""


@dataclass(frozen=True, slots=True)
class Variable:
    """`content`: the bytes of an array of `shape`, row by row; `type_id` is CTranslate2's number of their type."""

    name: str
    shape: tuple[int, ...]
    type_id: int
    content: memoryview

    def rows(self, chosen: Sequence[int]) -> "Variable":
        """The variable with these of its rows, in this order."""
        size = len(self.content) // self.shape[0]
        kept = b"".join(self.content[size * row : size * (row + 1)] for row in chosen)
        return Variable(self.name, (len(chosen), *self.shape[1:]), self.type_id, memoryview(kept))


@dataclass(frozen=True, slots=True)
class ModelFile:
    """`aliases`: other names of variables, each with the name of the variable."""

    specification: str
    revision: int
    variables: tuple[Variable, ...]
    aliases: tuple[tuple[str, str], ...]

    @classmethod
    def parsed(cls, content: bytes) -> "ModelFile":
        """Raises UnknownLayout. The variables are views: nothing is copied."""
        try:
            return _Reader(memoryview(content)).model()
        except (struct.error, UnicodeDecodeError) as error:
            raise UnknownLayout("the file ends too early or holds something else") from error

    def written(self) -> bytes:
        """What `parsed` reads."""
        parts: list[bytes | memoryview] = [struct.pack("<I", VERSION), _string(self.specification)]
        parts.append(struct.pack("<II", self.revision, len(self.variables)))
        for variable in self.variables:
            dimensions = len(variable.shape)
            parts.append(_string(variable.name) + struct.pack(f"<B{dimensions}I", dimensions, *variable.shape))
            parts += [struct.pack("<BI", variable.type_id, len(variable.content)), variable.content]
        parts.append(struct.pack("<I", len(self.aliases)))
        parts += [_string(name) for alias in self.aliases for name in alias]
        return b"".join(parts)


class _Reader:
    def __init__(self, content: memoryview) -> None:
        self._content, self._position = content, 0

    def model(self) -> ModelFile:
        (version,) = self._numbers("I")
        if version != VERSION:
            raise UnknownLayout(f"version {version} of the file, {VERSION} is known")
        specification = self._string()
        revision, num_variables = self._numbers("II")
        variables = tuple(self._variable() for _ in range(num_variables))
        (num_aliases,) = self._numbers("I")
        aliases = tuple((self._string(), self._string()) for _ in range(num_aliases))
        return ModelFile(specification, revision, variables, aliases)

    def _variable(self) -> Variable:
        name = self._string()
        (dimensions,) = self._numbers("B")
        shape = self._numbers(f"{dimensions}I")
        type_id, size = self._numbers("BI")
        return Variable(name, shape, type_id, self._bytes(size))

    def _numbers(self, kinds: str) -> tuple[int, ...]:
        return struct.unpack("<" + kinds, self._bytes(struct.calcsize("<" + kinds)))

    def _string(self) -> str:
        (size,) = self._numbers("H")
        return bytes(self._bytes(size)).rstrip(b"\0").decode()

    def _bytes(self, size: int) -> memoryview:
        found = self._content[self._position : self._position + size]
        if len(found) < size:
            raise UnknownLayout("the file ends too early")
        self._position += size
        return found


def _string(text: str) -> bytes:
    encoded = text.encode() + b"\0"
    return struct.pack("<H", len(encoded)) + encoded
