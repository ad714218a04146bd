"""幺 in dictated numbers: written where it was said, and nowhere else."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhijian.models.engines.dictated import ONE, with_ones


@pytest.mark.parametrize(
    ("heard", "meant"),
    [
        ("电话要3855501234", "电话幺3855501234"),
        ("号码是腰3855501234,没错", "号码是幺3855501234,没错"),
        ("电话要385550要234", "电话幺385550幺234"),
        ("手机号码是要39552要334", "手机号码是幺39552幺334"),
        ("我叫李明,一三八五要二三零零四四", "我叫李明,一三八五幺二三零零四四"),
    ],
)
def test_what_sounds_like_one_in_a_mobile_number_is_one(heard: str, meant: str) -> None:
    assert with_ones(heard) == meant


@pytest.mark.parametrize(
    "text",
    [
        "我要3320055812的发票",  # an account has ten digits
        "户号3320055812要20块钱",
        "电话13855501234要9点以后才有人接",
        "电话要65041172吗",
        "户主姚3320055812",
        "手机1385550123要",
        "工单号13567890要15天办完",
        "手机要400000000元",
        "电话要38555012345",  # one too many
        "电话要1855501234",  # no mobile number begins so
        "我要交电费",
        "电话13855501234",
        "电话是138,要5501234",
        "",
    ],
)
def test_words_stay_words(text: str) -> None:
    assert with_ones(text) == text


@given(st.text("电话要腰13800一三零遥,我", max_size=24))
def test_nothing_changes_but_what_sounds_like_one(text: str) -> None:
    meant = with_ones(text)
    assert len(meant) == len(text)
    assert {(a, b) for a, b in zip(text, meant, strict=True) if a != b} <= {(a, ONE) for a in "要腰遥"}
    assert with_ones(meant) == meant
