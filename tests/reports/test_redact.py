import dataclasses
import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhijian.models.records.codec import to_dict
from zhijian.models.records.dialogue import Dialogue, Role, Separation, Utterance
from zhijian.models.records.span import Span
from zhijian.reports.data import JudgedCall, NightData, Refusal
from zhijian.reports.redact import mask_digits, redacted, redactor_for
from zhijian.rules.gate import load_corpus

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
        ("幺三八杠八六杠二零", "***杠**杠**"),
        ("一三八,八六二零,玲玲一九", "***,****,****"),
        ("一三九,三个八,六二", "***,*个*,**"),
        ("幺三洞,拐拐幺两", "***,****"),
        ("一百三十八,八十六,二十,零零,一十九", "*百*十*,*十*,*十,**,*十*"),
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


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        (
            "查到了,户主是张建国,地址春晖小区六号楼三单元四零二,对吗?",
            "查到了,户主是某,地址‹地址›,对吗?",
        ),
        ("林先生您好", "某先生您好"),
        ("石女士,万师傅,易先生", "某女士,某师傅,某先生"),
        ("那个欧阳师傅,老周,小周啊,周老板", "那个某师傅,老某,小某啊,某老板"),
        ("我微信是zhoujianguo88,邮箱zjg@163.com", "我微信是‹隐去›,邮箱‹隐去›"),
        ("请问是许贵兰女士家吗", "请问是某女士家吗"),
        ("请问是陈桂花家吗,户主陈桂花对吧", "请问是某家吗,户主某对吧"),
        ("我找刘建军,张总您好,李工在吗", "我找某,某总您好,某工在吗"),
        ("谢谢许女士,谢谢女士", "谢谢某女士,谢谢女士"),
        ("您住在春晖小区六号楼对吗", "您住在‹地址›对吗"),
        ("嗯,五六七。", "嗯,***。"),
    ],
)
def test_what_nobody_asked_for_and_either_said(judged: Callable[..., JudgedCall], text: str, masked: str) -> None:
    call = judged("c1", key_info=[])
    assert redactor_for(call.call, call.scorecard)(text) == masked


def test_what_one_said_is_known_wherever_the_other_says_it(judged: Callable[..., JudgedCall]) -> None:
    call = judged("c1", key_info=[])
    said = Utterance(Role.AGENT, Span(0, 4000), "户主是张建国,住春晖小区六号楼四零二", 0.9)
    dialogue = Dialogue(5000, Separation.CHANNELS, "x", "zh", (said,), ())
    mask = redactor_for(call.call, call.scorecard, dialogue=dialogue)
    assert mask("是的,建国,就是春晖小区") == "是的,某,就是‹地址›"


ORDINARY = """
那边师傅马上到,公司经理会联系您,由于师傅在路上,请稍等半小时。
谢谢先生,请问您家在哪条路?您住什么小区?
任何女士和先生都可以办理,检查师傅到时先给您打电话。
请您在小程序里点缴费,或者到附近的营业厅办理。
电费是按月结算的,第二档五角七分,第三档八角七分。
停电时间是上午八点到下午六点,大概十个小时。
这位先生,您家里有老人和小孩吗?
好的,我帮您查一下,请问您的户号是多少?
三号线路检修,两个小时以后恢复,一共影响三个小区。
是单元楼还是高层,施工由施工队负责,叫师傅来一趟。
老用户也可以开通,小区的总表归物业管。
"""


@pytest.mark.parametrize(
    "text",
    [*ORDINARY.split(), *(line.title for line in load_corpus()["single_lines.yaml"].exchanges)],
)
def test_ordinary_words_of_an_agent_stay(judged: Callable[..., JudgedCall], text: str) -> None:
    call = judged("c1", key_info=[])
    masked = redactor_for(call.call, call.scorecard)(text)
    assert re.sub(r"\d{4,}", lambda run: "*" * len(run.group()), text) == masked


@pytest.mark.parametrize(
    ("row", "call_id", "shown"),
    [
        (None, "周建国_13812345678.wav", "***.wav"),
        (None, "recordings/周建国.mp3", "***.mp3"),
        (None, "20260703-1.wav", "***.wav"),
        (None, "roster.csv", "roster.csv"),
        (3, "20260703-1", "20260703-1"),
        (3, "户号4401367890", "户号**********"),
        (3, None, None),
    ],
)
def test_what_is_shown_of_a_refused_row_or_recording(
    night: NightData, row: int | None, call_id: str | None, shown: str | None
) -> None:
    refused = (Refusal(row=row, call_id=call_id, reason="没有对应的通话记录"),)
    assert redacted(dataclasses.replace(night, refused=refused)).refused[0].call_id == shown


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
