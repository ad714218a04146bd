"""What a call is about is found in what is said, however the recogniser spells it, and not where nothing is said."""

import dataclasses
import json
import subprocess
import sys
import time
from datetime import UTC, datetime

import pytest

from zhijian.models.records.call import Call, Direction
from zhijian.models.records.dialogue import Dialogue, Role, Separation, Utterance
from zhijian.models.records.span import Span
from zhijian.models.training import train_scenarios
from zhijian.models.training.train_roles import Misheard
from zhijian.rules.call import scenario as rule
from zhijian.rules.call.scenario import Scenario, ScenarioGuess, classify, features, recorded_scenario
from zhijian.rules.judge import judge
from zhijian.rules.standard import load_standard

INBOUND = Call(
    source="test",
    call_id="c-1",
    recording="c-1.wav",
    started_at=datetime(2026, 3, 2, 9, tzinfo=UTC),
    direction=Direction.INBOUND,
    agent_no="2077",
)
OUTBOUND = dataclasses.replace(INBOUND, direction=Direction.OUTBOUND)
A, C = Role.AGENT, Role.CUSTOMER
GREETING = (A, "您好,东山供电公司,工号二零七七,请问有什么可以帮您?")
CALLS = {
    Scenario.FAULT: (
        GREETING,
        (C, "师傅,我家配电箱里头一直打火,吓得我把闸拉了,你们赶快派人来修。"),
        (A, "请您不要碰配电箱,告诉我您的地址,我马上安排抢修。"),
        (C, "柳荫巷三号。"),
    ),
    Scenario.OUTAGE: (
        GREETING,
        (C, "我们这几条街怎么全都停电了?估计几点能恢复?"),
        (A, "很抱歉,那一片在抢修线路,预计晚上七点送电。"),
        (C, "行,知道了。"),
    ),
    Scenario.BILLING: (
        GREETING,
        (C, "我就问问,上个月交的电费怎么账单里没有显示?"),
        (A, "请您报一下户号,我帮您查一下缴费记录。"),
        (C, "零三三七,五零二,一九。"),
    ),
    Scenario.NEW_CONNECTION: (
        GREETING,
        (C, "我在镇上开了间木工房,想申请三相电,要带什么手续?"),
        (A, "请准备身份证和房屋证明,我们先上门勘查。"),
        (C, "多少天可以装好电表?"),
    ),
    Scenario.COMPLAINT: (
        GREETING,
        (C, "我要投诉你们收费大厅那个男的,问他两句话就拍桌子。"),
        (A, "非常抱歉,请问是哪个营业厅?我帮您登记。"),
        (C, "桥头那个,你们必须给我个说法。"),
    ),
    Scenario.WHISTLE_BLOWING: (
        GREETING,
        (C, "跟你们举报一下,河边那家洗沙场绕过电表偷电,千万替我保密。"),
        (A, "感谢您提供线索,我们会严格保密。"),
        (C, "你们夜里去查,一查一个准。"),
    ),
    Scenario.SUGGESTION: (
        GREETING,
        (C, "我想表扬你们夜班的抢修师傅,冒雪给我们接好了线,太辛苦了。"),
        (A, "感谢您的认可,我会转达给他们班组。"),
        (C, "一定要表扬啊。"),
    ),
    Scenario.HARASSMENT: (
        GREETING,
        (C, "小姐姐,别上班了,陪哥聊聊天,唱首歌来听。"),
        (A, "先生,请您文明用语,如果没有用电业务请挂机。"),
        (C, "我就喜欢听你骂我,宝贝。"),
    ),
}
CALLING_BACK = (
    (C, "喂,谁啊?"),
    (A, "您好,我是供电公司的,对您上次报修的处理情况做个回访,打扰您了。"),
    (C, "修好了,挺快的。"),
    (A, "请问您对我们的服务满意吗?"),
)
# neither their words nor their manner say what the call is about
ABOUT_NOTHING = [
    (GREETING,),
    (GREETING, (C, "喂。")),
    (GREETING, (C, "你好,你能听见吗?")),
    (GREETING, (C, "我打听一下。"), (A, "您请说。")),
    ((A, "您好,请讲。"), (C, "你好啊,是电力公司吧?"), (A, "是的。"), (C, "嗯,那就对了。")),
]


def dialogue(*lines: tuple[Role, str], suspect: str | None = None) -> Dialogue:
    return Dialogue(
        duration_ms=5000 * len(lines) + 1,
        separation=Separation.CHANNELS,
        engine="test",
        language="zh",
        utterances=tuple(
            Utterance(role, Span(5000 * n, 5000 * n + 4000), text, 0.9, suspect) for n, (role, text) in enumerate(lines)
        ),
    )


@pytest.mark.parametrize("about", CALLS)
def test_a_call_is_about_what_the_customer_wants(about: Scenario) -> None:
    guess = classify(INBOUND, dialogue(*CALLS[about]))
    assert guess.name is about
    assert guess.confidence > 0.8


def test_a_callback_is_recognised() -> None:
    guess = classify(OUTBOUND, dialogue(*CALLING_BACK))
    assert guess.name is Scenario.CALLBACK
    assert guess.confidence > 0.8


def test_the_direction_alone_decides_nothing() -> None:
    said = dialogue(*CALLS[Scenario.HARASSMENT])
    assert classify(OUTBOUND, said).name is Scenario.HARASSMENT
    assert classify(INBOUND, dialogue(*CALLING_BACK)).confidence < 1


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("about", CALLS)
def test_homophones_and_lost_characters_do_not_hide_it(about: Scenario, seed: int) -> None:
    noise = Misheard(seed)
    heard = [(role, noise(text, 0.2)) for role, text in CALLS[about]]
    assert heard != list(CALLS[about])
    assert classify(INBOUND, dialogue(*heard)).name is about


@pytest.mark.parametrize("lines", ABOUT_NOTHING, ids=str)
def test_where_nothing_is_said_there_is_no_certainty(lines: tuple[tuple[Role, str], ...]) -> None:
    assert classify(INBOUND, dialogue(*lines)).confidence < 0.6


def test_an_empty_call_may_be_about_anything() -> None:
    assert classify(INBOUND, dialogue()).confidence == pytest.approx(1 / len(Scenario))


def test_suspect_text_says_nothing() -> None:
    invented = dialogue(*CALLS[Scenario.COMPLAINT], suspect="重复")
    assert classify(INBOUND, invented).confidence == pytest.approx(1 / len(Scenario))


@pytest.mark.parametrize(
    "trouble",
    ["电压低得空调都开不动,你们半年不来处理。", "表箱进水了,报了四天没人管,灯还是不亮。", "账单多算了两个月的电费。"],
)
def test_who_says_that_he_complains_complains_whatever_about(trouble: str) -> None:
    assert classify(INBOUND, dialogue(GREETING, (C, f"我要投诉,{trouble}"))).name is Scenario.COMPLAINT


def test_the_agents_advice_is_no_suggestion_of_the_customer() -> None:
    advice = (A, "建议您分开使用大功率的电器,也建议您请电工检查一下。")
    assert classify(INBOUND, dialogue(*CALLS[Scenario.FAULT], advice)).name is Scenario.FAULT


def test_what_the_customer_says_first_tells_most() -> None:
    bill, fault = (C, "我想查一下这个月的电费。"), (C, "电线断了,掉在地上冒火花。")
    ask = (A, "您请说。")
    assert classify(INBOUND, dialogue(GREETING, bill, ask, fault)).name is Scenario.BILLING
    assert classify(INBOUND, dialogue(GREETING, fault, ask, bill)).name is Scenario.FAULT


def test_a_mere_greeting_is_not_yet_the_first() -> None:
    turn = (C, "我想查一下这个月的电费。")
    greeted = features(Direction.INBOUND, [(C, "喂"), turn])
    assert greeted["#money"] == features(Direction.INBOUND, [turn])["#money"]


def test_punctuation_particles_and_the_way_of_writing_numbers_make_no_difference() -> None:
    written, heard = (features(Direction.INBOUND, [(C, text)]) for text in ("电费380块", "电费啊,三百八十块呢。"))
    assert written == heard


@pytest.mark.parametrize(
    ("value", "about"),
    [
        ("fault", Scenario.FAULT),
        ("故障报修", Scenario.FAULT),
        ("报修", Scenario.FAULT),
        ("停电咨询", Scenario.OUTAGE),
        ("电费/业务查询", Scenario.BILLING),
        ("业扩报装", Scenario.NEW_CONNECTION),
        (" New Connection ", Scenario.NEW_CONNECTION),
        ("new-connection", Scenario.NEW_CONNECTION),
        ("投诉", Scenario.COMPLAINT),
        ("举报", Scenario.WHISTLE_BLOWING),
        ("Whistle-blowing", Scenario.WHISTLE_BLOWING),
        ("建议/表扬", Scenario.SUGGESTION),
        ("praise", Scenario.SUGGESTION),
        ("骚扰", Scenario.HARASSMENT),
        ("回访", Scenario.CALLBACK),
        ("call-back", Scenario.CALLBACK),
        ("其他", None),
        ("", None),
        (None, None),
    ],
)
def test_words_of_call_lists(value: str | None, about: Scenario | None) -> None:
    assert recorded_scenario(value) is about


@pytest.mark.parametrize("about", Scenario)
def test_every_scenario_is_accepted_by_its_own_name(about: Scenario) -> None:
    assert recorded_scenario(about.value) is about


def test_the_call_list_wins() -> None:
    call = dataclasses.replace(INBOUND, scenario="停电咨询")
    assert classify(call, dialogue(*CALLS[Scenario.COMPLAINT])) == ScenarioGuess({Scenario.OUTAGE: 1.0})


def test_where_the_call_list_is_not_understood_the_words_decide() -> None:
    call = dataclasses.replace(INBOUND, scenario="其他")
    assert classify(call, dialogue(*CALLS[Scenario.COMPLAINT])).name is Scenario.COMPLAINT


@pytest.mark.parametrize(
    ("recorded", "lines", "shown"),
    [
        ("催费", CALLS[Scenario.COMPLAINT], "催费"),
        (None, CALLS[Scenario.COMPLAINT], "complaint"),
        (None, (*ABOUT_NOTHING[-1], (A, "好的,好的,请您慢慢说,我在听。")), None),
    ],
)
def test_the_scorecard_names_what_is_recorded_or_certain(
    recorded: str | None, lines: tuple[tuple[Role, str], ...], shown: str | None
) -> None:
    card = judge(dataclasses.replace(INBOUND, scenario=recorded), dialogue(*lines), load_standard())
    assert card.items
    assert card.scenario == shown


def test_a_cue_word_of_a_wrong_length_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rule, "lexicon", lambda name: (("money", "电费", "银行代扣"),))
    with pytest.raises(ValueError, match="银行代扣"):
        rule._cues.__wrapped__()


def test_it_is_fast_and_needs_neither_trainer_nor_dictionary() -> None:
    code = "from zhijian.rules.call import scenario; import sys; scenario._model(); scenario.features('inbound', [])"
    banned = "assert not {'sklearn', 'jieba', 'torch'} & sys.modules.keys()"
    subprocess.run([sys.executable, "-c", f"{code}; {banned}"], env={"PYTHONPATH": ":".join(sys.path)}, check=True)
    said = dialogue(*CALLS[Scenario.FAULT] * 4)  # as long as an average call
    classify(INBOUND, said)
    took_s = []
    for _ in range(5):
        began_s = time.process_time()
        classify(INBOUND, said)
        took_s.append(time.process_time() - began_s)
    assert min(took_s) < 0.002


def test_the_weights_are_what_the_script_makes_of_the_corpus() -> None:
    made = json.loads(train_scenarios.MADE.read_text(encoding="utf-8"))
    assert made["corpus"] == train_scenarios.corpus_hash(), "run models/training/train_scenarios.py"
    assert made["scenarios"] == list(Scenario)
    copies = train_scenarios.with_misheard([*train_scenarios.read_corpus(), *train_scenarios.read_anything()])
    learnt = train_scenarios.scaled(train_scenarios.fit(copies), made["scale"]).weights
    nothing = (0.0,) * len(Scenario)
    # another linear algebra may round the other way, and drop another weak weight
    for feature in learnt.keys() | made["weights"].keys():
        committed = made["weights"].get(feature, nothing)
        assert learnt.get(feature, nothing) == pytest.approx(committed, abs=0.12), feature


@pytest.mark.parametrize("test_set", ["as_written", "misheard"])
def test_the_cross_validated_figures_are_recorded(test_set: str) -> None:
    figures = json.loads(train_scenarios.MADE.read_text(encoding="utf-8"))["cross_validation"][test_set]
    assert figures["calls"] >= 900
    assert figures["right"] > 0.86
    assert figures["dialogues_right"] > 0.86
    assert figures["log_loss"] < 0.42
    assert figures["surer_than_0.8"] > 0.7
    assert figures["surer_than_0.8_right"] > 0.94
    assert min(figures["recall"].values()) > 0.77
    assert min(figures["precision"].values()) > 0.77
    assert sum(map(sum, figures["confusion"].values())) == figures["calls"]
