"""A number that customer and agent both said, each with digits lost or too many: what it is."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from zhijian.rules.keydata.datum import Turn
from zhijian.rules.keydata.extract import extract
from zhijian.rules.keydata.repeat_back import repeat_back
from zhijian.rules.words.text import normalise


def dialogue(*lines: str) -> list[Turn]:
    """Turns from lines such as `客:幺三四` and `坐:对吗`."""
    roles = {"坐": "agent", "客": "customer"}
    return [Turn(index, roles[line[0]], normalise(line[2:])) for index, line in enumerate(lines)]


def values(*lines: str) -> list[str]:
    return [datum.value for datum in extract(dialogue(*lines))]


def test_a_number_that_lost_a_digit_is_completed_by_the_agents_repetition() -> None:
    turns = dialogue("坐:请留电话", "客:幺三四七五三零零幺八", "坐:幺三四,七七五三,零幺八,对吗")
    (datum,) = extract(turns)
    assert datum.value == "13477530018"
    assert repeat_back(datum, turns).match


def test_a_number_with_a_digit_too_many_is_what_the_agent_said() -> None:
    assert values("坐:请留电话", "客:幺三四七七五三零零零幺八", "坐:幺三四,七七五三,零零幺八") == ["13477530018"]


@pytest.mark.parametrize(
    ("reply", "value"),
    [("对", "13477530018"), ("嗯是的", "13477530018"), ("不对", "1347753001"), ("还有别的事", "1347753001")],
)
def test_an_incomplete_number_is_the_one_that_the_customer_confirms(reply: str, value: str) -> None:
    turns = ["坐:请留电话", "客:幺三四七七五三零零幺", "坐:幺三四,七七五三,零零幺八,对吗", f"客:{reply}"]
    assert values(*turns) == [value]


@pytest.mark.parametrize("said", ["幺五九,八八八幺,二三四五", "幺三四,七九六三,零零七", "好的,记下了"])
def test_another_number_completes_nothing(said: str) -> None:
    assert values("坐:请留电话", "客:幺三四七五三零零幺八", f"坐:{said}") == ["1347530018"]


@given(st.from_regex("1[3-9][0-9]{9}", fullmatch=True), st.data())
def test_a_number_of_which_both_lost_other_digits_is_whole(digits: str, drawn: st.DataObject) -> None:
    doubled = [at for at in range(1, len(digits)) if digits[at] == digits[at - 1]]
    lost = drawn.draw(st.sets(st.sampled_from(doubled)) if doubled else st.just(set()))
    rest = set(doubled) - lost
    given_, said = ("".join(d for at, d in enumerate(digits) if at not in gone) for gone in (lost, rest))
    assume(len(given_) >= 7)  # fewer are no telephone number
    turns = dialogue("坐:请留电话", f"客:电话{given_}", f"坐:{said},对吗")
    (datum,) = extract(turns)
    assert repeat_back(datum, turns).match
    if all(digits[at] != digits[at - 2] for at in doubled if at > 1):
        assert datum.value == digits
