"""Model files: what is read is what was written, and anything else is refused."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhijian.models.engines.model_file import ModelFile, UnknownLayout, Variable

names = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20)


@st.composite
def variables(draw: st.DrawFn) -> Variable:
    shape = tuple(draw(st.lists(st.integers(1, 4), max_size=3)))
    size = draw(st.integers(1, 4))
    for dimension in shape:
        size *= dimension
    return Variable(
        draw(names), shape, draw(st.integers(0, 5)), memoryview(draw(st.binary(min_size=size, max_size=size)))
    )


model_files = st.builds(
    ModelFile,
    specification=names,
    revision=st.integers(0, 9),
    variables=st.lists(variables(), max_size=4).map(tuple),
    aliases=st.lists(st.tuples(names, names), max_size=2).map(tuple),
)


@given(model_files)
def test_what_was_written_is_read(model: ModelFile) -> None:
    assert ModelFile.parsed(model.written()) == model


@given(model_files, st.data())
def test_a_file_that_ends_early_is_refused(model: ModelFile, data: st.DataObject) -> None:
    written = model.written()
    with pytest.raises(UnknownLayout):
        ModelFile.parsed(written[: data.draw(st.integers(0, len(written) - 1))])


def test_another_version_is_refused() -> None:
    written = ModelFile("WhisperSpec", 3, (), ()).written()
    with pytest.raises(UnknownLayout, match="version 5"):
        ModelFile.parsed(struct.pack("<I", 5) + written[4:])


def test_rows_are_chosen_in_the_order_asked_for() -> None:
    table = Variable("embeddings", (3, 2), 0, memoryview(b"aabbcc"))
    assert table.rows([2, 0]) == Variable("embeddings", (2, 2), 0, memoryview(b"ccaa"))
