"""Recordings whose file lies about the sample rate: heard too fast or too slow, they are words without sense.

Whisper reads such sound as loops, or as words that it hardly believes in itself. Where all of a recording was read like
that, some of it is read again as if the file had named another rate; if that makes sense, the file lies.
"""

from collections.abc import Sequence

from zhijian.models.engines import voice
from zhijian.models.engines.audio import RATE_HZ, AudioError, Pcm, Sound, as_floats
from zhijian.models.engines.whisper import Passage, Recogniser
from zhijian.models.engines.windows import Window, pack
from zhijian.models.records.span import union

# the true rate as a multiple of the file's: 8 and 16, 16 and 48 kHz taken for each other
FACTORS = (1 / 2, 2, 1 / 3, 3)
EXCERPT_SAMPLES = 90 * RATE_HZ
SLICE_SAMPLES = 10 * RATE_HZ
# what rightly read speech has
MEAN_LOG_PROBABILITY_MIN = -0.5
COMPRESSION_RATIO_MAX = 2.0
CHARACTERS_PER_S_MIN, CHARACTERS_PER_S_MAX = 2.0, 6.5
# a lone 哦 is read into any noise
CHARACTERS_MIN = 4
# speech half as fast again is still understood, so two rates may make sense: that of the usual pace is the right one
USUAL_CHARACTERS_PER_S = 4.2


def refuse_false_rate(
    sound: Sound, windows: Sequence[Window], passages: Sequence[Passage], recogniser: Recogniser
) -> None:
    """`passages`: what was read in the `windows` of the sound. Costs nothing where one of them makes sense.

    Raises AudioError where the sound makes sense only at another rate than its file's.
    """
    if any(map(_makes_sense, windows, passages)):
        return
    excerpt = _excerpt(sound, windows)
    if _makes_sense_in_slices(excerpt, recogniser):
        return
    others = {factor: window for factor in FACTORS for window in _windows_at(excerpt, factor)[:1]}
    again = zip(others.items(), recogniser.read(list(others.values())), strict=True)
    paces = {factor: _characters_per_s(window, p) for (factor, window), p in again if _makes_sense(window, p)}
    if paces:
        factor = min(paces, key=lambda factor: abs(paces[factor] - USUAL_CHARACTERS_PER_S))
        stated_hz, heard_hz = sound.file_rate_hz, round(sound.file_rate_hz * factor)
        raise AudioError(
            f"录音的采样率标错了(文件标的是 {stated_hz} Hz,听起来应是 {heard_hz} Hz),请按正确的采样率重新导出"
        )


def _excerpt(sound: Sound, windows: Sequence[Window]) -> Pcm:
    """From the first voice on, or earlier where little follows: at the wrong speed not every voice is found."""
    last = max(0, sound.samples.shape[1] - EXCERPT_SAMPLES)
    first = min(last, windows[0].parts[0].start) if windows else 0
    return sound.samples[:, first : first + EXCERPT_SAMPLES]


def _makes_sense_in_slices(samples: Pcm, recogniser: Recogniser) -> bool:
    """A long window of clear speech may break off or end in a loop all the same; of short ones, one will make sense."""
    starts = range(0, samples.shape[1], SLICE_SAMPLES)
    slices = [window for start in starts for window in _windows_at(samples[:, start : start + SLICE_SAMPLES], 1)]
    return any(map(_makes_sense, slices, recogniser.read(slices)))


def _windows_at(samples: Pcm, factor: float) -> list[Window]:
    """The windows of a sound, (channels, num_samples), as if its rate were `factor` times as high."""
    channels = voice.distinct_channels(Sound.of(as_floats(samples), round(RATE_HZ * factor)).samples)
    return pack(channels.samples, union(span for spans in voice.voices(channels) for span in spans))


def _makes_sense(window: Window, passage: Passage) -> bool:
    return (
        passage.mean_log_probability > MEAN_LOG_PROBABILITY_MIN
        and passage.compression_ratio < COMPRESSION_RATIO_MAX
        and _characters(passage) >= CHARACTERS_MIN
        and CHARACTERS_PER_S_MIN < _characters_per_s(window, passage) < CHARACTERS_PER_S_MAX
    )


def _characters(passage: Passage) -> int:
    return sum(character.isalnum() for word in passage.words for character in word.text)


def _characters_per_s(window: Window, passage: Passage) -> float:
    return _characters(passage) / (window.num_samples / RATE_HZ)
