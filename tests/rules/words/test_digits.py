"""Digits read one by one come out as they were meant, whatever a recogniser makes of them."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhijian.rules.words.digits import digit_strings, digits_by_ear, only_digits, without_repetitions
from zhijian.rules.words.text import normalise

NAMES = "零一二三四五六七八九"
HOMOPHONES = {
    "0": "玲领",
    "1": "医依",
    "2": "耳儿",
    "3": "伞散",
    "4": "寺丝",
    "5": "武屋",
    "6": "流柳",
    "7": "棋妻",
    "8": "爸拔",
    "9": "酒旧",
}


def read_out(digits: str, data: st.DataObject) -> str:
    """Digits one by one, each as a figure or by one of its names, with pauses and particles between them."""
    pause = st.sampled_from(["", "", "", ",", " ", "啊", ",嗯,", "-"])
    names = {"0": "0零〇", "1": "1一幺", "2": "2二"}
    spoken = [data.draw(st.sampled_from(names.get(digit, digit + NAMES[int(digit)]))) for digit in digits]
    return "".join(char + data.draw(pause) for char in spoken[:-1]) + spoken[-1]


@given(st.text(alphabet="0123456789", min_size=2, max_size=14), st.data())
def test_digits_read_out_round_trip(digits: str, data: st.DataObject) -> None:
    spoken = read_out(digits, data)
    text = normalise(f"电话是{spoken}好吧")
    (run,) = digit_strings(text)
    assert run.digits == digits
    assert sum(run.groups) == len(run.places) == len(digits)
    assert text.quote(run.start, run.end) == spoken


@pytest.mark.parametrize(
    ("raw", "runs"),
    [
        ("电话幺三四,七七五三,零零幺八", ["13477530018"]),
        ("138 7530018", ["1387530018"]),
        ("1,34 7753 零零幺八", ["13477530018"]),
        ("幺三八嗯,七五三零啊零零一八", ["13875300018"]),
        ("六号楼三单元四零二,电话", ["402"]),
        ("是一二。三四", ["12", "34"]),
        ("一百二十六元,两千块", []),
        ("第一个,等一下", []),
        # 要 and 腰 for 幺, 就 for 九
        ("电话要三四七七五三零零要八", ["13477530018"]),
        ("幺三七五五零三三七二腰好的", ["13755033721"]),
        ("国家电网九五五就八", ["95598"]),
        ("我要三四天", ["34"]),
        ("幺三五,爸爸六二,玲玲幺九", ["13588620019"]),
        ("一三九,三个八,六二五一二", ["13988862512"]),
        ("一三九,两个八双六,二五一二五", ["13988662512" + "5"]),
        ("三个八月,双人床,三个二十", []),
        ("幺三洞,拐拐幺两,洞洞勾幺", ["13077120091"]),
        ("墙上一个洞,勾选一下", []),
        ("手机尾号十四四七八", ["4478"]),  # 是
        ("门牌号十三", []),
        ("电话十三九零零四四七八二一", []),
        ("幺三八杠八六杠二零", ["1388620"]),
    ],
)
def test_digit_strings(raw: str, runs: list[str]) -> None:
    assert [run.digits for run in digit_strings(normalise(raw))] == runs


def test_groups() -> None:
    (run,) = digit_strings(normalise("幺三八,五五零三,三七二幺"))
    assert run.groups == (3, 4, 4)
    head, tail = run.cut(1)
    assert (head.digits, tail.digits, head.end, tail.start) == ("138", "55033721", 3, 3)


@pytest.mark.parametrize(
    ("raw", "digits"),
    [
        # at the beginning of a number that is named, and at its end
        ("户号拔零二六四四幺七", "80264417"),
        ("户号是四四二零九七五八六棋", "4420975867"),
        ("电话七二四四六八酒,对吗", "7244689"),
        # three in a row
        ("幺五八零二流巴伞四四零", "15802683440"),
        # 十 and its homophones amid a dictated number are 四
        ("零五二七八六三十二九零六", "052786342906"),
        # what is not understood is left out, the rest is one number
        ("户号是二二零四六六p三零", "22046630"),
        ("户号七七零五二那八八三", "77052883"),
        # several homophones in a whole number, 四 and 是 alike; its last digit before what goes on
        ("电话幺六二,五七八是,幺八四三", "16257841843"),
        ("户号四三幺九,二九疤腰四八", "4319298148"),
        ("客户编号是八五是零幺九八零耳九", "8540198029"),
        ("户号幺四四九三六零七我六", "1449360756"),
        ("户号四八八二零六零二五溜谢谢", "4882060256"),
        # one word alone amid the others is the digit that it sounds most like
        ("手机幺三五零六去八四零二三", "13506784023"),
        # almost heard, in a number as long as that of a mobile
        ("手机要三九零六六安安八四五", "13906622845"),
    ],
)
def test_digits_that_were_misheard(raw: str, digits: str) -> None:
    assert [run.digits for run in digit_strings(normalise(raw))] == [digits]


@pytest.mark.parametrize(
    ("raw", "runs"),
    [
        ("幺三八五五零三三七二幺就行", ["13855033721"]),
        ("户号四四二零九七五八六三是我家的", ["4420975863"]),
        ("户号二零一五六六七是吧", ["2015667"]),
        ("七二四四六八九要不要", ["7244689"]),
        ("一三五零零二六六七八八和一三九四四一一二零七七", ["13500266788", "13944112077"]),
        ("三五四十块", []),
        # one digit short: what is next is no digit
        ("户号四四二零九七五八六是吧", ["442097586"]),
        ("户号是四四二零九七五八六", ["442097586"]),
        ("幺三八五五零三三七二吧,户主叫刘伟", ["1385503372"]),
        ("电话幺三八五五零三三七二一共两个", ["1385503372"]),
        ("手机幺三五零六和八四零二三", ["13506", "84023"]),
        # without a word that says so ten digits are no whole number
        ("三幺九二疤腰儿爸八零", ["3192", "80"]),
        ("枫林苑二洞五零四", ["504"]),
    ],
)
def test_words_beside_a_number_stay_words(raw: str, runs: list[str]) -> None:
    assert [run.digits for run in digit_strings(normalise(raw))] == runs


@given(st.text(alphabet="0123456789", min_size=9, max_size=13), st.data())
def test_a_homophone_between_digits_is_the_digit(digits: str, data: st.DataObject) -> None:
    at = data.draw(st.integers(1, len(digits) - 2))
    spoken = [NAMES[int(digit)] for digit in digits]
    spoken[at] = data.draw(st.sampled_from(HOMOPHONES[digits[at]]))
    (run,) = digit_strings(normalise("户号是" + "".join(spoken)))
    assert run.digits == digits


@given(st.text(alphabet="0123456789", max_size=14))
def test_a_number_without_repetitions_has_no_two_digits_alike_in_a_row(digits: str) -> None:
    short = without_repetitions(digits)
    assert all(one != other for one, other in pairwise(short))
    assert without_repetitions("".join(2 * digit for digit in digits)) == short


@given(st.sampled_from(["户号", "户号是", "客户编号是"]), st.from_regex("[1-9][0-9]{9}", fullmatch=True), st.data())
def test_homophones_inside_a_number_as_long_as_it_is_named_are_its_digits(
    named: str, digits: str, drawn: st.DataObject
) -> None:
    spoken = [NAMES[int(digit)] for digit in digits]
    for at in drawn.draw(st.sets(st.integers(1, len(digits) - 2), max_size=4)):
        spoken[at] = drawn.draw(st.sampled_from(HOMOPHONES[digits[at]]))
    (run,) = digit_strings(normalise(named + "".join(spoken) + "我姓周"))
    assert run.digits == digits


FOLLOWING = ("是吧", "就行", "要交费", "把电话记下", "一共", "吧", "已经报了", "儿子的", "其他的", "吴师傅", "爸爸的")


@given(st.from_regex("[1-9][0-9]{6,9}", fullmatch=True), st.sampled_from(FOLLOWING))
def test_the_word_after_a_number_never_makes_it_longer(digits: str, following: str) -> None:
    spoken = "".join(NAMES[int(digit)] for digit in digits)
    assert [run.digits for run in digit_strings(normalise(f"户号是{spoken}{following}"))] == [digits]


def test_digits_by_ear() -> None:
    assert digits_by_ear("幺散是林8的请") == "13408  "


def test_only_digits() -> None:
    assert only_digits("幺三八-0013转两") == "13800132"
