"""Whether and how surely the agent said a key datum back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.rules.conftest import CALL_DAY, WHERE, dialogue
from zhijian.rules.keydata.extract import extract
from zhijian.rules.keydata.repeat_back import RepeatBack, repeat_back

NAMES = "零幺二三四五六七八九"
PHONE = "客:电话幺三四,七七五三,零零幺八"


def verdicts(*lines: str) -> list[bool | None]:
    """For each datum: said back right (True), wrong (False) or not at all (None)."""
    return [repeat.match for repeat in repeats(*lines)]


def repeats(*lines: str) -> list[RepeatBack]:
    turns = dialogue(*lines)
    return [repeat_back(datum, turns) for datum in extract(turns, reference=CALL_DAY)]


@pytest.mark.parametrize(
    ("lines", "verdict"),
    [
        ([PHONE, "坐:幺三四,七七五三,零零幺八,对吗"], True),
        ([PHONE, "坐:13477530018"], True),
        ([PHONE, "坐:幺三四", "客:嗯", "坐:七七五三,零零幺八"], True),
        ([PHONE, "坐:幺三四,七七五三,零零幺六", "客:不对", "坐:幺三四,七七五三,零零幺八"], True),
        ([PHONE, "坐:幺三四,七九五三,零零七七"], False),
        ([PHONE, "坐:幺三四,七七五三,零零八幺"], False),
        ([PHONE, "坐:幺三四,七七五三,零零八幺", "客:不对,零零幺八", "坐:哦,零零幺八,好的"], True),
        ([WHERE, "客:白塔镇小河村八十六号", "坐:白塔镇小河村六十八号", "客:八十六", "坐:听反了,小河村八十六号"], True),
        ([PHONE, "坐:幺三四,双七五三,两个零幺八"], True),
        (["客:电话一三九,八八八六,二五一二", "坐:一三九,三个八,六二五一二"], True),
        (["客:电话一三九,三个八,六二,五一二", "坐:一三九八八八六二五一二"], True),
        (["客:电话幺三五,八八六二,零零幺九", "坐:幺三五,爸爸六二,玲玲幺九"], True),
        # homophones among its own digits, also of pairs that are often confused, and with a digit lost
        ([PHONE, "坐:好的,腰三是七七舞三零林幺八登记好了"], True),
        ([PHONE, "坐:好的,幺散四七午三零零幺爸登记好了"], True),
        ([PHONE, "坐:好的,幺散四七午三零零幺爸五登记好了"], False),
        ([PHONE, "坐:好的,幺散四七午二零零幺爸登记好了"], False),
        # of two digits alike one was lost
        ([PHONE, "坐:幺三四,七五三,零幺八"], True),
        (["坐:请报户号", "客:二零四四,八六零零七幺", "坐:二零四,八六零零七幺"], True),
        ([PHONE, "坐:尾号零零幺八,记下了"], None),
        ([PHONE, "坐:好的,记下了"], None),
        (["客:我姓周", "坐:好的周先生"], True),
        (["客:我姓周", "坐:姓周是吧"], True),
        (["客:我姓周", "坐:好的先生"], None),
        (["客:我叫钱大海", "坐:钱大海,对吗"], True),
        (["客:我叫钱大海", "坐:钱达海,对吗"], True),
        (["客:我叫钱大海", "坐:好的钱先生"], None),
        (["客:充了两百块", "坐:两百块是吧"], True),
        (["客:充了两百块", "坐:充了200没到账是吗"], True),
        (["客:充了两百块", "坐:您充了五十块是吧"], False),
        # homophones
        (["客:充了两百块", "坐:良百块是吧"], True),
        (["客:退我八十八块钱", "坐:退您八十坝快钱,对吗"], True),
        (["坐:什么时候方便", "客:周六上午九点", "坐:州六上午就点,好的"], True),
        (["坐:什么时候方便", "客:晚上八点半", "坐:把点半,好的"], True),
        ([WHERE, "客:香樟路二十六号五零二", "坐:香章路尔十流号吴零二"], True),
        ([WHERE, "客:沿江路五十四号", "坐:沿江路五十四号,我查到了"], True),
        ([WHERE, "客:沿江路五十四号", "坐:沿疆路54号"], True),
        ([WHERE, "客:沿江路时4号九栋", "坐:沿江路十四号九栋"], True),
        ([WHERE, "客:沿江路十四号", "坐:沿江路石四号"], True),
        ([WHERE, "客:沿江路四号", "坐:沿江路十四号"], False),
        ([WHERE, "客:沿江路五十四号", "坐:沿江路九十七号"], False),
        ([WHERE, "客:东山镇李家庄村三组二十五号", "坐:东山镇李家庄村,对吧"], None),
        ([WHERE, "客:丹枫花园", "坐:请稍等,我看一下"], None),
        (["坐:什么时候", "客:后天上午九点", "坐:后天上午九点,好的"], True),
        (["坐:什么时候", "客:后天上午九点", "坐:后天下午两点,好的"], False),
        (["坐:几点方便", "客:明天下午三点", "坐:明天三点,好的"], True),
        (["坐:几点方便", "客:下午五点一刻", "坐:五点十五,好的"], True),
        (["坐:几点方便", "客:下午三点", "坐:四点,好的"], False),
        # a time that was written as a decimal, and decimals that are none
        (["坐:他几点走的", "客:四点五十", "坐:4.50,记下了"], True),
        (["坐:他几点走的", "客:四点五十", "坐:余额28.50,记下了"], None),
        (["坐:他几点走的", "客:四点五十", "坐:每度4.50元,记下了"], None),
        (["客:我交了一百二十六块五", "坐:一百二十六点五"], True),
    ],
)
def test_repeat_back(lines: list[str], verdict: bool | None) -> None:
    assert verdicts(*lines) == [verdict]


def test_one_or_two_wrong_digits_or_another_length_may_be_the_recognisers() -> None:
    (one,) = repeats(PHONE, "坐:幺三四,七七五三,零零幺六")
    (missing,) = repeats(PHONE, "坐:幺三四,七七五,零零幺八")
    (two,) = repeats(PHONE, "坐:幺三四,七七五三,零零六六")
    (shorter,) = repeats(PHONE, "坐:幺三四,七九五三,零七七")
    (several,) = repeats(PHONE, "坐:幺三四,七九五三,零零七七")
    assert (one.match, one.confidence) == (missing.match, missing.confidence) == (False, 0.5)
    assert (two.match, two.confidence) == (shorter.match, shorter.confidence) == (False, 0.5)
    assert several.match is False
    assert several.confidence > 0.9


def test_a_repeat_says_where_it_stands() -> None:
    turns = dialogue(PHONE, "坐:好的,您的电话是幺三四,七七五三,零零幺八。")
    (datum,) = extract(turns)
    repeat = repeat_back(datum, turns)
    assert (repeat.turn, repeat.value) == (1, "13477530018")
    assert repeat.start is not None
    assert repeat.end is not None
    assert turns[1].text.quote(repeat.start, repeat.end) == "幺三四,七七五三,零零幺八"


@given(st.from_regex("1[3-9][0-9]{9}", fullmatch=True))
def test_any_mobile_number_given_and_repeated(digits: str) -> None:
    spoken = "".join(NAMES[int(digit)] for digit in digits)
    turns = dialogue(f"客:你记一下,电话是{spoken[:3]},{spoken[3:7]},{spoken[7:]}", f"坐:{digits},对吗")
    (datum,) = extract(turns)
    assert (datum.kind, datum.value) == ("电话", digits)
    assert repeat_back(datum, turns).match is True


def test_a_surname_by_ear_is_the_one_the_agent_understood():
    (repeat,) = repeats("坐:请问您贵姓", "客:我信国", "坐:好的高先生")
    assert repeat.match


def test_first_words_like_a_title_leave_a_surname_open():
    (repeat,) = repeats("坐:请问您贵姓", "客:我姓冯", "坐:放女是,已经登记了")
    assert repeat.said_back
    assert not repeat.match
    assert repeat.confidence == 0.5
    (plain,) = repeats("坐:请问您贵姓", "客:我姓冯", "坐:好的,已经登记了")
    assert not plain.said_back


@pytest.mark.parametrize(
    ("lines", "confidence"),
    [
        pytest.param(["客:充了三百五十块", "坐:您充的是三百四十块"], 0.5, id="one digit"),
        pytest.param(["客:充了九百三十块", "坐:您充的两百无十块没到账"], 0.8, id="another sum"),
        pytest.param(["客:充了三百五十块", "坐:您充了午十块没到账"], 0.5, id="cut by a homophone"),
        pytest.param(
            [WHERE, "客:春晖小区三号楼二单元四零二", "坐:春晖小区三号楼矮单元四零二,幺三四七七五三零零幺八"],
            0.5,
            id="unit not heard",
        ),
        pytest.param([WHERE, "客:春晖小区三号楼二单元四零二", "坐:春晖小区三号楼二单元五零九"], 0.8, id="another room"),
        pytest.param(
            [WHERE, "客:翠竹路十二号", "坐:翠竹路的先生,电话五零二二七九六三幺八"], 0.5, id="a telephone number"
        ),
        pytest.param(["坐:几点", "客:上午九点", "坐:您就点一下,下午三点送电"], 0.5, id="may be the time or not"),
    ],
)
def test_what_a_recogniser_explains_is_in_doubt_and_what_it_does_not_is_wrong(
    lines: list[str], confidence: float
) -> None:
    (repeat,) = repeats(*lines)
    assert (repeat.match, repeat.confidence) == (False, confidence)
