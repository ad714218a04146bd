"""What became of a key datum where the agent said something else, or only a part of it."""

import pytest

from zhijian.rules.language import Example
from zhijian.rules.operators.repeat.repeats import RepeatsKeyInfo, key_repeats
from zhijian.rules.operators.repeat.verdict import Verdict
from zhijian.rules.proof import heard_of
from zhijian.rules.standard import load_standard

STANDARD = load_standard()
OPERATOR: RepeatsKeyInfo = next(item.rule for item in STANDARD.items if item.id == "repeat.key_info").check.operator
PAID = ("客:我充了八百块,没到账。", "坐:您充的是三百五十块,对吗?")
BILL = ("客:我上个月电费交了两百块,这个月怎么这么多?", "坐:您这个月电费是三百八十六块。")
NUMBER = ("坐:请您留个电话。", "客:幺三六,二二零四,九九五八。")
WRONG = "坐:幺三六,七七七四,九九五八。"
STREET = ("坐:请问在哪里?", "客:和平路七十三号。")


def verdicts(*lines: str) -> list[Verdict]:
    roles = {"坐": "agent", "客": "customer"}
    dialogue = [{roles[line[0]]: line[2:]} for line in lines]
    heard = heard_of(Example.model_validate({"dialogue": dialogue}), STANDARD.settings)
    return [repeat.verdict for repeat in key_repeats(heard, OPERATOR.sure)]


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        ("客:不是。", Verdict.WRONG),
        ("客:啊不是。", Verdict.WRONG),
        ("客:没有啊。", Verdict.WRONG),
        ("客:您听错了。", Verdict.WRONG),
        ("客:我说的是八百块。", Verdict.WRONG),
        ("客:八百块。", Verdict.WRONG),
        ("客:哦。", Verdict.ANOTHER),
        ("客:没错。", Verdict.ANOTHER),
        ("客:对,不是才到账吗?", Verdict.ANOTHER),
    ],
)
def test_another_sum_is_a_wrong_one_if_the_customer_says_no_where_the_agent_asks(reply: str, verdict: Verdict) -> None:
    assert verdicts(*PAID, reply) == [verdict]


@pytest.mark.parametrize(
    ("reply", "verdict"),
    [
        ("客:不会吧,这么多?", Verdict.ANOTHER),
        ("客:不用了,谢谢。", Verdict.ANOTHER),
        ("客:哪里可以看明细?", Verdict.ANOTHER),
        ("客:上个月才两百块,翻了快一倍?", Verdict.ANOTHER),
        ("客:不对吧,您看错了。", Verdict.WRONG),
    ],
)
def test_where_the_agent_tells_something_only_a_plain_no_counts(reply: str, verdict: Verdict) -> None:
    assert verdicts(*BILL, reply)[0] is verdict


def test_a_number_that_the_customer_put_right_may_have_been_misunderstood() -> None:
    corrected = "客:幺三六,二二零四,九九五八,不对,是九九八五。"
    assert verdicts(NUMBER[0], corrected, "坐:幺三六,二二零四,九九五八。") == [Verdict.CORRECTED]
    again = "客:不对不对,是幺三六,二二零四,九九五八。"
    assert verdicts(*NUMBER, WRONG, "客:嗯。") == [Verdict.WRONG]
    assert verdicts(*NUMBER, WRONG, again, "坐:好的。") == [Verdict.WRONG]  # it was the agent who was wrong
    assert verdicts(NUMBER[0], "客:我不是户主,电话幺三六,二二零四,九九五八。", WRONG) == [Verdict.WRONG]


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        ("坐:黎坡,七十三号,好的。", Verdict.HOUSE_NUMBER),
        ("坐:七十三号,记下了。", Verdict.MISSING),  # cut short
        ("坐:一共七十三块钱。", Verdict.MISSING),
        ("坐:好的,您等一下。", Verdict.MISSING),
    ],
)
def test_house_numbers_behind_another_name_may_be_a_misheard_address(said: str, verdict: Verdict) -> None:
    assert verdicts(*STREET, said) == [verdict]


@pytest.mark.parametrize(
    ("place", "verdict"),
    [("后街", Verdict.DOUBTFUL), ("二楼", Verdict.DOUBTFUL), ("石桥村", Verdict.MISSING)],
)
def test_two_characters_may_be_no_place_at_all(place: str, verdict: Verdict) -> None:
    assert verdicts(STREET[0], f"客:在{place}。", "坐:好的,记下了。") == [verdict]
