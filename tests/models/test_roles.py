"""Who is who is found by what is said, however the recogniser spells it."""

import json
import subprocess
import sys

import pytest

from zhijian.models.engines import roles
from zhijian.models.engines.roles import agent_confidence, are_swapped, system_confidence
from zhijian.models.training import train_roles
from zhijian.models.training.train_roles import Misheard

AGENT = [
    "您好,国家电网,工号三三零一,请问有什么可以帮您?",
    "您家里停电了是吗?请说一下您的地址。",
    "好的,请您稍等,我跟您核对一下。",
    "已经为您登记了,感谢您的来电,再见。",
]
CUSTOMER = ["我家停电了,你们怎么回事,我想问一下什么时候来电。", "老街十三号,快点派人来修啊。", "行,知道了。"]
RUDE = ["什么事?", "哪个小区?几号楼?", "没办法,等着吧,给你报上去了。"]
POLITE = ["您好,请问一下,我家停电了,麻烦您看看。", "翠湖小区三号楼,不好意思打扰您了。", "好的,谢谢您,再见。"]
CALLING_BACK = [
    "您好,我是供电公司的回访员,打扰您了。",
    "您上周报修的问题解决了吗?",
    "请问您对我们的服务满意吗?",
    "好的,感谢您的配合,再见。",
]
CALLED_BACK = ["喂,您好,哪位?", "哦,修好了,我家电表换了新的。", "挺满意的,谢谢你们。"]
MACHINE = [
    "欢迎致电供电服务热线,报修请按一,查询请按二,人工服务请按零。",
    "您的来电很重要,请不要挂机,坐席全忙,请稍候。",
    "您拨打的用户正在通话中,请稍后再拨。",
    "请输入您的户号,以井号键结束。",
    "为了保证服务质量,您的通话将被录音。",
    "正在为您转接人工坐席,请稍候。",
]


@pytest.mark.parametrize(
    ("agent", "customer"), [(AGENT, CUSTOMER), (RUDE, POLITE), (CALLING_BACK, CALLED_BACK)], ids=str
)
def test_the_agents_side_is_recognised_whoever_comes_first(agent, customer):
    assert agent_confidence([agent, customer]) > 0.9
    assert agent_confidence([customer, agent]) == pytest.approx(1 - agent_confidence([agent, customer]))


@pytest.mark.parametrize("seed", range(5))
def test_homophones_and_lost_characters_do_not_hide_the_agent(seed):
    noise = Misheard(seed)
    heard = [[noise(text, 0.25) for text in side] for side in (AGENT, CUSTOMER)]
    assert heard != [AGENT, CUSTOMER]
    assert agent_confidence(heard) > 0.95


def test_punctuation_and_the_way_of_writing_numbers_make_no_difference():
    assert roles.features("您好,工号三三零一。") == roles.features("您好工号3301")


def test_a_side_in_one_text_will_do():
    assert agent_confidence(["".join(AGENT), "".join(CUSTOMER)]) > 0.9


@pytest.mark.parametrize(
    "sides",
    [
        ["", ""],
        [[], []],
        [["", "。"], []],
        [["天气很好"], ["是的"]],
        [["嗯", "对"], ["好的", "嗯嗯", "嗯"]],
        [["喂"], ["喂,你好"]],
    ],
    ids=str,
)
def test_where_little_is_said_there_is_little_opinion(sides):
    assert 0.25 < agent_confidence(sides) < 0.75
    assert not are_swapped(*sides)


def test_silence_and_backchannels_are_no_opinion_at_all():
    assert agent_confidence(["", ""]) == agent_confidence([["嗯,好的。"], ["对"]]) == 0.5


def test_an_utterance_put_down_to_the_wrong_speaker_does_not_turn_a_call_round():
    assert agent_confidence([AGENT[1:], [AGENT[0], *CUSTOMER]]) > 0.6


def test_channels_are_swapped_only_beyond_doubt():
    assert are_swapped(CUSTOMER, AGENT)
    assert not are_swapped(AGENT, CUSTOMER)
    assert not are_swapped(RUDE, POLITE)


@pytest.mark.parametrize("text", MACHINE)
def test_a_machine_is_recognised(text):
    assert system_confidence(text) > 0.9


@pytest.mark.parametrize("text", [*AGENT, *CUSTOMER, *RUDE, *POLITE, *CALLING_BACK, *CALLED_BACK, "", "嗯"])
def test_a_person_is_no_machine(text):
    assert system_confidence(text) < 0.5


def test_the_weights_are_what_the_script_makes_of_the_corpus():
    made = json.loads(train_roles.MADE.read_text(encoding="utf-8"))
    assert made["corpus"] == train_roles.corpus_hash(), "run models/training/train_roles.py"
    learnt = train_roles.Fit(train_roles.with_misheard(train_roles.read_corpus())).weights
    committed = made["weights"]
    for feature in learnt.keys() | committed.keys():  # another linear algebra may round the other way
        assert learnt.get(feature, (0, 0)) == pytest.approx(committed.get(feature, (0, 0)), abs=0.04), feature


@pytest.mark.parametrize("test_set", ["as_written", "misheard"])
def test_the_cross_validated_figures_are_recorded(test_set):
    figures = json.loads(train_roles.MADE.read_text(encoding="utf-8"))["cross_validation"][test_set]
    assert figures["calls"] >= 150
    assert figures["calls_right"] > 0.95
    assert figures["utterances_right"] > 0.8
    assert figures["calls_taken_for_swapped"] == 0
    assert figures["persons_above_0.9"] == 0
    assert figures["announcements_above_0.9"] > 0.6


def test_nothing_is_written_or_said_by_the_dictionary(tmp_path):
    code = "from zhijian.models.engines.roles import system_confidence; system_confidence('您好')"
    ran = subprocess.run(
        [sys.executable, "-c", code],
        env={"TMPDIR": str(tmp_path), "PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert (ran.stdout, ran.stderr, list(tmp_path.iterdir())) == ("", "", [])
