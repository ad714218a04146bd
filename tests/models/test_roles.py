"""The agent is found by what is said."""

import pytest

from zhijian.models.engines.roles import agent_confidence, are_swapped

AGENT = "您好,国家电网,工号三三零一,请问有什么可以帮您?好的,请您稍等。感谢您的来电,再见。"
CUSTOMER = "我家停电了,你们怎么回事,我想问一下什么时候来电。行,知道了。"


@pytest.mark.parametrize("garbled", [str, lambda text: text.replace("工号", "公号").replace("稍等", "收等")])
def test_the_agents_side_is_recognised_whoever_comes_first(garbled):
    assert agent_confidence([garbled(AGENT), CUSTOMER]) > 0.95
    assert agent_confidence([CUSTOMER, garbled(AGENT)]) < 0.05


def test_only_the_lines_own_words_say_that_channels_are_swapped():
    assert are_swapped(CUSTOMER, AGENT)
    assert not are_swapped(AGENT, CUSTOMER)
    rude, polite = "什么事?哪里?没办法。", "您好,请问一下,我家停电了,麻烦您看看,谢谢您。"
    assert not are_swapped(rude, polite)


def test_without_words_there_is_no_opinion():
    assert agent_confidence(["", ""]) == pytest.approx(0.5)
    assert agent_confidence(["天气很好", "是的"]) == pytest.approx(0.5)
