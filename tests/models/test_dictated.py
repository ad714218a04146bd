"""幺 in dictated numbers: written where it was said, and nowhere else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhijian.models.engines.dictated import ONE, with_ones


@pytest.mark.parametrize(
    ("heard", "meant"),
    [
        ("电话要3855501234", "电话幺3855501234"),
        ("腰3855501234,没错", "幺3855501234,没错"),
        ("要385550要234", "幺385550幺234"),
        ("手机号码是要39552要334", "手机号码是幺39552幺334"),
        ("户号33要25摇90", "户号33幺25幺90"),
        ("三三要二五零零九零", "三三幺二五零零九零"),
    ],
)
def test_what_sounds_like_one_in_a_number_is_one(heard: str, meant: str) -> None:
    assert with_ones(heard) == meant


@pytest.mark.parametrize(
    "text",
    [
        "我要3855",  # too short for anything
        "我要38555012345",  # one too many for a mobile number
        "要1855501234",  # nor does one begin so
        "我要39552334",  # who says that it is one?
        "充200要100行吗",
        "我要交电费",
        "地址是要塞路38号",
        "三十五要四十",
        "电话13855501234",
        "电话是138,要5501234",
        "",
    ],
)
def test_words_stay_words(text: str) -> None:
    assert with_ones(text) == text


@given(st.text("要腰3800一三零遥,我", max_size=24))
def test_nothing_changes_but_what_sounds_like_one(text: str) -> None:
    meant = with_ones(text)
    assert len(meant) == len(text)
    assert {(a, b) for a, b in zip(text, meant, strict=True) if a != b} <= {(a, ONE) for a in "要腰遥"}
    assert with_ones(meant) == meant
