"""Text that Whisper may have invented: said of silence, music and noise, or in a loop. Tagged, never deleted.

The phrases are those that Whisper is known to have learnt from the ends of subtitled videos.
"""

import re
from collections.abc import Sequence

from zhijian.models.engines.whisper import Passage
from zhijian.models.records.dialogue import Word

PHRASES = re.compile(
    r"点赞|打赏|订阅.{0,3}(转发|频道)|明镜与?点点|字幕(由|制作|志愿者|組|组|提供)|中文字幕|優優獨播|优优独播|谢谢(大家)?(观看|收看)|感谢(您的)?(观看|收看)"
    r"|请不吝|下(期|集)(再见|视频)|本期(节目|视频)|[Aa]mara\.org|以下是普通话"
)
# two characters or more six times running, a single one that is no digit ten times, or all of a number three times
LOOP = re.compile(
    r"([^\d零〇一二三四五六七八九幺]{2,12}?)\1{5,}|([^\d零〇一二三四五六七八九幺])\2{9,}"
    r"|(\d(?:[-, ]?\d){5,17}?)(?:[-, ]?\3){2,}"
)
LOOPING = "疑似重复循环"
# both must speak against a passage: rightly read speech alone has up to 0.8 or down to -2. Below a mean log probability
# of -1, sounds without speech in tests/models/no_speech.py mostly have 0.57 and more, rightly read speech 0.50 at most;
# in the labelled calls no passage that was rightly read and has 0.53 is below -0.4.
# Each pair: above this no-speech probability, the least mean log probability
SILENT = ((0.75, -0.7), (0.53, -1.0))
# from here down it is a guess, whatever else the model thinks of the sound
GUESSED_LOG_PROBABILITY = -2.4
COMPRESSION_RATIO_MAX = 2.4
CHARACTERS_PER_S_MAX = 14.0
DENSITY_FROM_CHARACTERS = 6


def suspicion_of_passage(passage: Passage) -> str | None:
    """Why all of a passage may be invented, in Chinese; None = nothing speaks against it."""
    text = "".join(word.text for word in passage.words)
    limits = (least for silent, least in SILENT if passage.no_speech_probability > silent)
    if passage.mean_log_probability < next(limits, GUESSED_LOG_PROBABILITY):
        return "疑似无人说话"
    if passage.compression_ratio > COMPRESSION_RATIO_MAX and LOOP.search(text):
        return LOOPING
    return None


def without_loops(text: str) -> str:
    """What is left of a text where it does not go round."""
    return LOOP.sub("", text)


def suspicion_of_words(words: Sequence[Word], voiced_ms: int) -> str | None:
    """Why the text of an utterance with `voiced_ms` of voice may be invented; None = nothing speaks against it."""
    text = "".join(word.text for word in words)
    if PHRASES.search(text):
        return "疑似识别模型的惯用编造语"
    if LOOP.search(text):
        return LOOPING
    spoken = sum(character.isalnum() for character in text)
    if spoken >= DENSITY_FROM_CHARACTERS and spoken > CHARACTERS_PER_S_MAX * voiced_ms / 1000:
        return "文字多于这段声音能说的量"
    return None
