import re
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhijian.models.records.codec import to_dict
from zhijian.reports.data import JudgedCall, NightData
from zhijian.reports.redact import mask_digits, redacted, redactor_for

SPOKEN = "零一二三四五六七八九"
DIGITS = "0123456789０１２３４５６７８９零〇幺一二两三四五六七八九"
BETWEEN = " ,，、.。—啊嗯-"
LONG_NUMBER = re.compile(rf"[{DIGITS}](?:[{BETWEEN}]*[{DIGITS}]){{3,}}")

texts = st.text(alphabet=DIGITS + BETWEEN + "您好电话是号码的我在某*‹›地址年月点A/:–", max_size=60)


@given(texts)
def test_no_long_number_survives(text: str) -> None:
    assert not LONG_NUMBER.search(mask_digits(text))


@given(texts)
def test_only_digits_are_touched(text: str) -> None:
    masked = mask_digits(text)
    assert len(masked) == len(text)
    assert all(
        after == before or (after == "*" and before in DIGITS) for before, after in zip(text, masked, strict=True)
    )


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("幺三八,八六二零,零零幺九", "***,****,****"),
        ("１３８－８６２０", "***－****"),
        ("尾号是4 4七8", "尾号是* ***"),
        ("138嗯8620", "***嗯****"),
        ("三号楼五零一", "三号楼五零一"),
        ("00:12–00:19 静默 7.2 秒", "00:12–00:19 静默 7.2 秒"),
        ("应为 120–320 字", "应为 120–320 字"),
    ],
)
def test_runs_of_four_digits(text: str, masked: str) -> None:
    assert mask_digits(text) == masked


@pytest.mark.parametrize(
    ("key_info", "text", "masked"),
    [
        ([("姓名", "张建国")], "户主张建国,张先生,您姓张吗,建国啊", "户主某,某先生,您姓某吗,某啊"),
        ([("姓名", "张建国")], "户主章建国", "户主某"),
        ([("姓名", "周")], "我姓周,一周以后再打,周女士", "我姓某,一周以后再打,某女士"),
        ([("姓名", "欧阳静怡")], "欧阳女士您好", "某女士您好"),
        ([("地址", "滨河路68号")], "在滨河路六十八号", "在‹地址›"),
        ([("地址", "滨河路68号")], "冰河路那边", "‹地址›那边"),
        ([("地址", "青石区杨柳小区3号楼2单元501")], "杨柳小区,三号楼,二单元五零一", "‹地址›"),
        ([("地址", "长安街22号院4号楼103")], "长安街二十二号院四号楼一零三", "‹地址›"),
        ([("地址", "滨江路营业厅")], "到营业厅办理", "到营业厅办理"),
        ([("金额", "126.50")], "电费一百二十六元五角", "电费‹金额›"),
        ([("金额", "213.60")], "欠两百一十三块六", "欠‹金额›"),
        ([("时间", "2026-07-03")], "七月三号来的", "‹时间›来的"),
        ([("电话", "13588620019")], "尾号幺三五", "尾号***"),
        ([("户号", "A88")], "户号 a八八", "户号 ‹隐去›"),
    ],
)
def test_known_data_in_any_form(
    judged: Callable[..., JudgedCall], key_info: list[tuple[str, str]], text: str, masked: str
) -> None:
    call = judged("c1", key_info=key_info)
    assert redactor_for(call.call, call.scorecard)(text) == masked


def test_what_the_agent_repeated_wrongly_is_known_too(judged: Callable[..., JudgedCall]) -> None:
    call = judged("c1", key_info=[("姓名", "龙")])
    datum = call.scorecard.key_info[0]
    assert datum.said_back == "龙"
    assert redactor_for(call.call, call.scorecard)("龙先生") == "某先生"


def test_customer_no_and_further_strings(judged: Callable[..., JudgedCall]) -> None:
    call = judged("c1", key_info=[], customer_no="KH-7F")
    mask = redactor_for(call.call, call.scorecard, extra=["绿洲面馆"])
    assert mask("客户 kh7f,开的绿洲面馆") == "客户 ‹隐去›,开的‹隐去›"


names = st.sampled_from(["陶渊博", "虞紫霄", "欧阳静怡", "何", "龙啸天"])
streets = st.builds("{}{}号{}单元{}".format, st.sampled_from(["滨河路", "杨柳小区", "石桥镇前进村"]),
                    st.integers(1, 99), st.integers(1, 9), st.integers(101, 999))  # fmt: skip
phones = st.from_regex(r"1[3-9][0-9]{9}", fullmatch=True)
amounts = st.builds("{}.{:02d}".format, st.integers(10, 9999), st.integers(0, 99))
data = st.lists(
    st.one_of(
        st.tuples(st.just("姓名"), names),
        st.tuples(st.just("地址"), streets),
        st.tuples(st.just("电话"), phones),
        st.tuples(st.just("金额"), amounts),
    ),
    min_size=1,
    max_size=4,
)


def said_forms(type_: str, value: str) -> list[str]:
    """Ways in which a datum may stand in a transcript; a surname stands beside a title."""
    spoken = "".join(SPOKEN[int(char)] if char.isdigit() else char for char in value)
    if type_ == "姓名" and len(value) == 1:
        return [f"{value}先生", f"姓{value}"]
    if type_ == "电话":
        return [value, spoken, f"{value[:3]} {value[3:7]} {value[7:]}", f"{spoken[:3]},嗯{spoken[3:]}"]
    if type_ == "金额":
        return [f"{value}元", f"{value}块"]
    return [value, spoken]


@settings(deadline=None)
@given(data, st.data())
def test_no_known_datum_survives(
    judged: Callable[..., JudgedCall], key_info: list[tuple[str, str]], choice: st.DataObject
) -> None:
    call = judged("c1", key_info=key_info)
    mask = redactor_for(call.call, call.scorecard)
    forms = [choice.draw(st.sampled_from(said_forms(*datum))) for datum in key_info]
    filling = choice.draw(st.lists(st.sampled_from(["我说一下,", "就是", ",对吧?", " ", "您好"]), min_size=len(forms)))
    masked = mask("".join(text for pair in zip(filling, forms, strict=False) for text in pair))
    assert not LONG_NUMBER.search(masked)
    for form in forms:
        assert form not in masked


@settings(deadline=None)
@given(data, st.data())
def test_masking_twice_changes_nothing(
    judged: Callable[..., JudgedCall], key_info: list[tuple[str, str]], choice: st.DataObject
) -> None:
    call = judged("c1", key_info=key_info)
    mask = redactor_for(call.call, call.scorecard)
    pieces = st.one_of(texts, st.sampled_from([form for datum in key_info for form in said_forms(*datum)]))
    once = mask("".join(choice.draw(st.lists(pieces, max_size=6))))
    assert mask(once) == once


def test_a_redacted_night_holds_no_customer_data_in_any_text(night: NightData) -> None:
    for judged_call in redacted(night).calls:
        everything = f"{to_dict(judged_call.call)}{to_dict(judged_call.scorecard)}"
        everything += str(judged_call.dialogue and to_dict(judged_call.dialogue))
        for secret in ("13588620019", "零零幺九", "杨柳小区", "陶先生", "KH-77120934", "77120934"):
            assert secret not in everything


def test_scores_do_not_change_and_the_original_stays(night: NightData) -> None:
    before = [call.scorecard for call in night.calls]
    after = [call.scorecard for call in redacted(night).calls]
    assert [card.score_before_veto for card in after] == [card.score_before_veto for card in before]
    assert before[0].key_info
    assert redacted(redacted(night)) == redacted(night)
