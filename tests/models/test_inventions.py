"""What Whisper invents is tagged; what people say is not."""

import pytest

from zhijian.models.engines.inventions import suspicion_of_passage, suspicion_of_words, without_loops
from zhijian.models.engines.whisper import Passage
from zhijian.models.records.dialogue import Word
from zhijian.models.records.span import Span


def words(text):
    return tuple(Word(character, Span(i * 200, i * 200 + 200), 0.8) for i, character in enumerate(text))


@pytest.mark.parametrize(
    "text",
    [
        "请不吝点赞 订阅 转发",
        "字幕由某某提供",
        "谢谢观看",
        "对" * 12,
        "好的" * 7,
        "003-848-109-" * 3,
        "139-1234-5678,139-1234-5678,139-1234-5678",
        "幺三九" + "13800138000" * 3,
    ],
)
def test_known_inventions_and_loops_are_suspect(text):
    assert suspicion_of_words(words(text), voiced_ms=20_000)


@pytest.mark.parametrize(
    "text",
    [
        "您好,请问有什么可以帮您",
        "对对对",
        "好的好的好的好的",
        "电子账单订阅",
        "一三八零零零零零零零零",
        "13800138000,对,13800138000",
        "95598,95598,95598",
        "感谢您的耐心等待",
    ],
)
def test_ordinary_speech_is_trusted(text):
    assert suspicion_of_words(words(text), voiced_ms=4000) is None


def test_more_text_than_the_voice_can_have_said_is_suspect():
    assert suspicion_of_words(words("您好请问有什么可以帮您"), voiced_ms=500)


def passage(text="您好", log_probability=-0.3, no_speech=0.1, compression=1.0):
    return Passage(words(text), log_probability, no_speech, compression)


def test_a_passage_without_speech_or_in_a_loop_is_suspect():
    assert suspicion_of_passage(passage()) is None
    assert suspicion_of_passage(passage(log_probability=-1.5, no_speech=0.9))
    assert suspicion_of_passage(passage("啊啊啊啊", log_probability=-1.8, no_speech=0.567))
    assert suspicion_of_passage(passage("在哪里", log_probability=-2.97, no_speech=0.526))
    assert suspicion_of_passage(passage("嗯", log_probability=-0.85, no_speech=0.8))
    assert suspicion_of_passage(passage("够了", log_probability=-1.95, no_speech=0.502)) is None
    assert suspicion_of_passage(passage("大豆病害有什么", log_probability=-0.64, no_speech=0.62)) is None
    assert suspicion_of_passage(passage(no_speech=0.9)) is None
    assert suspicion_of_passage(passage("好的吗" * 30, compression=8.0))


@pytest.mark.parametrize(
    ("heard", "left"),
    [("电表跳闸" + "喂," * 9 + "地址是", "电表跳闸地址是"), ("喂" * 20, ""), ("电表跳闸", "电表跳闸"), ("", "")],
)
def test_what_is_said_around_a_loop_is_known(heard, left):
    assert without_loops(heard) == left
