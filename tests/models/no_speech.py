"""Sounds in which nobody speaks, as telephone recordings have them: generated, the same each time.

`CASES` names them; `sound(name)` makes one. Levels are RMS in dBFS; every sound of a name has its own seed.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.signal import butter, lfilter, sawtooth, sosfilt, square

from zhijian.models.engines.audio import Sound

Signal = npt.NDArray[np.float64]
KEYS_HZ = {
    key: (low, high)
    for low, row in zip((697, 770, 852, 941), ("123A", "456B", "789C", "*0#D"), strict=True)
    for high, key in zip((1209, 1336, 1477, 1633), row, strict=True)
}
# centres and bandwidths of the formants of a, e, i, o, u, roughly
VOWELS_HZ = ((800, 1200, 2500), (500, 1500, 2500), (300, 2300, 3000), (500, 900, 2400), (320, 800, 2300))


@dataclass(frozen=True)
class _Clock:
    """What a sound is made with: moments in seconds, and its own chance."""

    rate_hz: int
    moments_s: Signal
    chance: np.random.Generator

    def noise(self) -> Signal:
        return self.chance.normal(size=len(self.moments_s))

    def band(self, low_hz: float, high_hz: float) -> Signal:
        high_hz = min(high_hz, 0.49 * self.rate_hz)
        return np.asarray(
            sosfilt(butter(2, (low_hz, high_hz), "bandpass", fs=self.rate_hz, output="sos"), self.noise())
        )

    def tone(self, hz: float | Signal) -> Signal:
        """A sine; `hz` may change from sample to sample."""
        phase = 2 * np.pi * np.cumsum(np.broadcast_to(hz, self.moments_s.shape)) / self.rate_hz
        return np.asarray(np.sin(phase))

    def rhythm(self, *on_off_s: float) -> Signal:
        """1 and 0 in turns for these seconds, again and again."""
        edges = np.cumsum(on_off_s)
        place = np.searchsorted(edges, self.moments_s % edges[-1], side="right")
        return (place % 2 == 0).astype(float)

    def strokes(self, per_s: float, decay_s: float, *, regular: bool = False) -> Signal:
        """Blows that fade: an envelope."""
        step = np.zeros_like(self.moments_s)
        if regular:
            step[:: int(self.rate_hz / per_s)] = 1
        else:
            count = max(1, int(per_s * len(step) / self.rate_hz))
            step[self.chance.integers(len(step), size=count)] = self.chance.uniform(0.3, 1, count)
        return np.asarray(lfilter([1], [1, -np.exp(-1 / (decay_s * self.rate_hz))], step))

    def notes(self, hz: tuple[float, ...], seconds: float) -> Signal:
        """The pitch of a melody, held note by note."""
        return np.asarray(hz)[(self.moments_s / seconds).astype(int) % len(hz)]


def _pink(clock: _Clock, exponent: float = 0.5) -> Signal:
    spectrum = np.fft.rfft(clock.noise())
    spectrum /= np.maximum(np.arange(len(spectrum)), 1) ** exponent
    return np.fft.irfft(spectrum, len(clock.moments_s))


def _brown(clock: _Clock) -> Signal:
    return _pink(clock, 1.0)


def _hum(clock: _Clock) -> Signal:
    return sum((clock.tone(50 * n) / n for n in (1, 2, 3, 5, 7, 9)), 0.02 * clock.noise())


def _crackle(clock: _Clock) -> Signal:
    return clock.noise() * clock.strokes(12, 0.003) + 0.002 * clock.noise()


def _comfort_noise(clock: _Clock) -> Signal:
    return clock.band(300, 1800) * (1 + 0.3 * clock.tone(0.2))


def _clicks(clock: _Clock) -> Signal:
    return clock.strokes(3, 0.0005) * clock.chance.choice([-1.0, 1.0])


def _ring_back(clock: _Clock) -> Signal:
    return clock.tone(450) * clock.rhythm(1, 4)


def _ring_back_two_tones(clock: _Clock) -> Signal:
    return (clock.tone(440) + clock.tone(480)) * clock.rhythm(2, 4)


def _busy(clock: _Clock) -> Signal:
    return clock.tone(450) * clock.rhythm(0.35, 0.35)


def _special_information(clock: _Clock) -> Signal:
    return clock.tone(clock.notes((950, 1400, 1800, 0), 0.33)) * clock.rhythm(0.99, 0.33)


def _keypad(clock: _Clock) -> Signal:
    pressed = [KEYS_HZ[key] for key in clock.chance.choice(list("0123456789#"), 40)]
    low, high = (clock.notes(tuple(hz), 0.3) for hz in zip(*pressed, strict=True))
    return (clock.tone(low) + clock.tone(high)) * clock.rhythm(0.12, 0.18)


def _fax(clock: _Clock) -> Signal:
    calling = clock.tone(1100) * clock.rhythm(0.5, 3)
    return np.where(clock.moments_s < 7, calling, clock.tone(2100))


def _modem(clock: _Clock) -> Signal:
    bits = clock.chance.integers(2, size=int(clock.moments_s[-1] * 300) + 2)
    return clock.tone(np.where(bits[(clock.moments_s * 300).astype(int)], 1850.0, 1650.0))


def _vibrato(clock: _Clock, hz: float | Signal) -> Signal:
    return clock.tone(hz * (1 + 0.008 * clock.tone(5.5)))


def _chord(clock: _Clock) -> Signal:
    return sum((_vibrato(clock, clock.notes(hz, 2)) for hz in ((262, 220, 349), (330, 262, 440), (392, 330, 523))), 0.0)


def _arpeggio(clock: _Clock) -> Signal:
    hz = clock.notes((262, 330, 392, 523, 392, 330, 220, 262, 330, 440, 330, 262), 0.25)
    return np.asarray((clock.tone(hz) + 0.4 * clock.tone(2 * hz)) * clock.strokes(4, 0.2, regular=True))


def _square_melody(clock: _Clock) -> Signal:
    hz = clock.notes((392, 440, 523, 587, 659, 587, 523, 440, 392, 330), 0.4)
    return np.asarray(square(2 * np.pi * np.cumsum(hz) / clock.rate_hz)) * clock.rhythm(0.36, 0.04)


def _strings(clock: _Clock) -> Signal:
    """Bowed: a rich spectrum through fixed resonances, with vibrato, slides between notes: like singing."""
    hz = clock.notes((220, 247, 262, 294, 330, 294, 262, 196), 0.7)
    slid = np.convolve(hz, np.ones(clock.rate_hz // 10) / (clock.rate_hz // 10), "same")
    rich = sawtooth(2 * np.pi * np.cumsum(slid * (1 + 0.01 * clock.tone(6))) / clock.rate_hz)
    return _formants(np.asarray(rich), (700, 1100, 2600), clock.rate_hz) * (0.6 + 0.4 * clock.tone(0.35))


def _sung(clock: _Clock, hz: tuple[float, ...], seconds: float) -> Signal:
    """A song without words: a rich spectrum, a vowel a note."""
    slid = np.convolve(clock.notes(hz, seconds), np.ones(clock.rate_hz // 10) / (clock.rate_hz // 10), "same")
    rich = np.asarray(sawtooth(2 * np.pi * np.cumsum(slid * (1 + 0.012 * clock.tone(5.5))) / clock.rate_hz))
    return _vowels(clock, rich, seconds) * (0.7 + 0.3 * clock.tone(0.5))


def _lullaby(clock: _Clock) -> Signal:
    return _sung(clock, (131, 147, 165, 196), 0.45)


def _aria(clock: _Clock) -> Signal:
    return _sung(clock, (220, 247, 262, 294, 330, 294, 262, 196), 0.7)


def _humming(clock: _Clock) -> Signal:
    hz = np.convolve(clock.notes((147, 165, 175, 196, 175, 165), 0.8), np.ones(clock.rate_hz // 8) * 8 / clock.rate_hz)
    rich = sawtooth(2 * np.pi * np.cumsum(hz[: len(clock.moments_s)] * (1 + 0.005 * clock.tone(5))) / clock.rate_hz)
    return _formants(np.asarray(rich), (250, 1000, 2200), clock.rate_hz)


def _drums(clock: _Clock) -> Signal:
    kick = clock.tone(60) * clock.strokes(2, 0.08, regular=True)
    snare = clock.noise() * np.roll(clock.strokes(1, 0.05, regular=True), clock.rate_hz // 2)
    return np.asarray(kick + 0.5 * snare + 0.15 * clock.noise() * clock.strokes(4, 0.01, regular=True))


def _band(clock: _Clock) -> Signal:
    return (
        _chord(clock) + _drums(clock) + 0.6 * _square_melody(clock) + 0.5 * clock.tone(clock.notes((65, 82, 98), 0.5))
    )


def _hold_music(clock: _Clock) -> Signal:
    return (_arpeggio(clock) + 0.5 * _chord(clock)) * (0.7 + 0.3 * clock.tone(4))


def _breath(clock: _Clock) -> Signal:
    return clock.band(200, 1500) * np.maximum(0, clock.tone(0.28)) ** 2


def _wind(clock: _Clock) -> Signal:
    return clock.band(60, 500) * (1 + clock.tone(0.13)) * (1.2 + clock.tone(0.71))


def _typing(clock: _Clock) -> Signal:
    return clock.band(1500, 3800) * clock.strokes(6, 0.008) + 0.003 * clock.noise()


def _door_bangs(clock: _Clock) -> Signal:
    return clock.band(50, 400) * clock.strokes(0.4, 0.15) + 0.002 * clock.noise()


def _engine(clock: _Clock) -> Signal:
    turns_hz = 28 + 6 * clock.tone(0.15)
    return sum((clock.tone(turns_hz * n) / n for n in range(1, 9)), 0.3 * clock.band(80, 800))


def _crowd(clock: _Clock) -> Signal:
    """Noise of the spectrum of speech that swells with the rhythm of syllables."""
    voices = [clock.band(250, 900), 0.4 * clock.band(900, 2500), 0.1 * clock.band(2500, 3600)]
    rates_hz = (3.1, 4.0, 5.3)
    return sum((v * np.maximum(0, 1 + clock.tone(hz)) ** 2 for v, hz in zip(voices, rates_hz, strict=True)), 0.0)


def _speech_shaped(clock: _Clock) -> Signal:
    """One voice's worth of it: noise in syllables and pauses, without pitch."""
    envelope = np.maximum(0, clock.tone(4 + clock.tone(0.3))) ** 1.5 * clock.rhythm(2.2, 0.8)
    return np.asarray(lfilter([1], [1, -0.8], clock.band(200, 3400))) * envelope


def _whispered_vowels(clock: _Clock) -> Signal:
    """The hardest: noise through the resonances of vowels, another one each 0.2 s, in the rhythm of syllables."""
    return _vowels(clock, clock.noise(), 0.2) * np.maximum(0, clock.tone(5)) * clock.rhythm(1.7, 0.6)


def _buzzing_vowels(clock: _Clock) -> Signal:
    """The same with the buzz of a machine in place of the noise: Silero is sure that this is a voice."""
    buzz = np.asarray(sawtooth(2 * np.pi * 120 * clock.moments_s))
    return _vowels(clock, buzz, 0.2) * np.maximum(0, clock.tone(5))


def _barking(clock: _Clock) -> Signal:
    bark = clock.strokes(1.5, 0.06)
    hoarse = sawtooth(2 * np.pi * np.cumsum(300 + 400 * np.minimum(1, bark)) / clock.rate_hz) + 0.5 * clock.noise()
    return _formants(hoarse, (700, 1400, 2500), clock.rate_hz) * bark


def _coughing(clock: _Clock) -> Signal:
    return _formants(clock.noise(), (600, 1500, 2800), clock.rate_hz) * clock.strokes(0.6, 0.08)


def _siren(clock: _Clock) -> Signal:
    return clock.tone(900 + 400 * clock.tone(0.5))


def _silence(clock: _Clock) -> Signal:
    return clock.chance.integers(-1, 2, len(clock.moments_s)).astype(float)


def _vowels(clock: _Clock, source: Signal, seconds: float) -> Signal:
    """A source through the resonances of a vowel, another one each `seconds`."""
    spoken = [_formants(source, vowel, clock.rate_hz) for vowel in VOWELS_HZ]
    order = clock.chance.integers(len(spoken), size=int(clock.moments_s[-1] / seconds) + 1)
    return np.choose(order[(clock.moments_s / seconds).astype(int)], spoken)


def _formants(source: Signal, centres_hz: tuple[int, ...], rate_hz: int) -> Signal:
    result = np.zeros_like(source)
    for n, hz in enumerate(centres_hz):
        band = (0.93 * hz, min(1.07 * hz, 0.49 * rate_hz))
        result += np.asarray(sosfilt(butter(1, band, "bandpass", fs=rate_hz, output="sos"), source)) / (n + 1)
    return result


def a_law(signal: Signal) -> Signal:
    """What is left of a sound after eight bits of A-law (ITU-T G.711), in [-1, 1]."""
    ratio = 87.6
    scale = 1 + np.log(ratio)
    level = np.minimum(np.abs(signal), 1)
    squeezed = np.where(level < 1 / ratio, ratio * level, 1 + np.log(np.maximum(level, 1 / ratio) * ratio)) / scale
    squeezed = (np.floor(squeezed * 128) + 0.5) / 128
    widened = np.where(squeezed < 1 / scale, squeezed * scale / ratio, np.exp(squeezed * scale - 1) / ratio)
    return np.asarray(np.where(signal < 0, -widened, widened))


@dataclass(frozen=True)
class Case:
    make: Callable[[_Clock], Signal]
    seconds: int
    level_dbfs: float
    rate_hz: int = 8000
    channels: int = 1
    coded: bool = False


CASES = {
    "digital silence": Case(_silence, 20, -90),
    "digital silence, stereo": Case(_silence, 60, -90, channels=2),
    "idle A-law line": Case(_silence, 30, -90, coded=True),
    "white noise, faint": Case(lambda clock: clock.noise(), 30, -60),
    "white noise": Case(lambda clock: clock.noise(), 20, -40, rate_hz=16_000),
    "white noise, stereo": Case(lambda clock: clock.noise(), 20, -30, channels=2),
    "white noise, loud": Case(lambda clock: clock.noise(), 10, -20, coded=True),
    "pink noise, faint": Case(_pink, 30, -60, rate_hz=16_000),
    "pink noise": Case(_pink, 30, -35, channels=2),
    "pink noise, loud": Case(_pink, 15, -20),
    "brown noise": Case(_brown, 20, -40),
    "brown noise, loud": Case(_brown, 30, -20, rate_hz=16_000),
    "hum": Case(_hum, 30, -30),
    "hum, loud": Case(_hum, 12, -18, rate_hz=16_000, channels=2),
    "crackle": Case(_crackle, 30, -40),
    "crackle, loud": Case(_crackle, 15, -25, channels=2, coded=True),
    "comfort noise": Case(_comfort_noise, 40, -50, coded=True),
    "comfort noise, loud": Case(_comfort_noise, 20, -35, channels=2),
    "clicks": Case(_clicks, 20, -40),
    "ring-back": Case(_ring_back, 25, -20),
    "ring-back, stereo": Case(_ring_back, 60, -26, channels=2, coded=True),
    "ring-back of two tones": Case(_ring_back_two_tones, 24, -20, rate_hz=16_000),
    "busy": Case(_busy, 10, -18),
    "busy, long": Case(_busy, 45, -24, channels=2),
    "special information": Case(_special_information, 9, -20),
    "keypad": Case(_keypad, 12, -20),
    "keypad, stereo": Case(_keypad, 30, -28, rate_hz=16_000, channels=2),
    "fax": Case(_fax, 12, -20),
    "modem": Case(_modem, 20, -20),
    "siren": Case(_siren, 12, -22),
    "chords": Case(_chord, 30, -24),
    "chords, stereo": Case(_chord, 40, -20, rate_hz=16_000, channels=2),
    "arpeggio": Case(_arpeggio, 30, -22),
    "square melody": Case(_square_melody, 20, -24),
    "square melody, wide": Case(_square_melody, 30, -20, rate_hz=16_000),
    "strings": Case(_strings, 30, -22),
    "strings, stereo": Case(_strings, 45, -28, rate_hz=16_000, channels=2),
    "aria": Case(_aria, 30, -22, coded=True),
    "aria, wide": Case(_aria, 20, -24, rate_hz=16_000),
    "lullaby": Case(_lullaby, 30, -20),
    "lullaby, stereo": Case(_lullaby, 20, -28, rate_hz=16_000, channels=2),
    "humming": Case(_humming, 20, -20),
    "drums": Case(_drums, 30, -22),
    "band": Case(_band, 40, -18),
    "band, wide": Case(_band, 20, -24, rate_hz=16_000, channels=2),
    "hold music": Case(_hold_music, 60, -20, coded=True),
    "hold music, stereo": Case(_hold_music, 30, -30, channels=2, coded=True),
    "breath": Case(_breath, 20, -35),
    "breath, wide": Case(_breath, 15, -28, rate_hz=16_000),
    "wind": Case(_wind, 30, -25),
    "typing": Case(_typing, 30, -35),
    "typing, stereo": Case(_typing, 20, -28, channels=2),
    "door bangs": Case(_door_bangs, 20, -25),
    "engine": Case(_engine, 30, -25),
    "crowd": Case(_crowd, 30, -30),
    "crowd, loud": Case(_crowd, 15, -22, rate_hz=16_000, channels=2),
    "speech-shaped noise": Case(_speech_shaped, 30, -25),
    "speech-shaped noise, wide": Case(_speech_shaped, 15, -30, rate_hz=16_000),
    "whispered vowels": Case(_whispered_vowels, 30, -24),
    "whispered vowels, stereo": Case(_whispered_vowels, 12, -30, rate_hz=16_000, channels=2),
    "buzzing vowels": Case(_buzzing_vowels, 15, -20, coded=True),
    "buzzing vowels, stereo": Case(_buzzing_vowels, 10, -26, rate_hz=16_000, channels=2),
    "barking": Case(_barking, 15, -26),
    "barking, wide": Case(_barking, 12, -22, rate_hz=16_000),
    "coughing": Case(_coughing, 20, -26),
}


def sound(name: str) -> Sound:
    """One of `CASES`. On two channels the second hears its own noise, or the same thing later and weaker."""
    case = CASES[name]
    num_samples = case.seconds * case.rate_hz
    moments_s = np.arange(num_samples) / case.rate_hz
    signal = case.make(_Clock(case.rate_hz, moments_s, np.random.default_rng(zlib.crc32(name.encode()))))
    signal *= 10 ** (case.level_dbfs / 20) / np.sqrt(np.mean(np.square(signal)))
    channels = [signal, 0.3 * np.roll(signal, case.rate_hz // 10)][: case.channels]
    coded = [a_law(channel) if case.coded else channel for channel in channels]
    return Sound.of(np.clip(coded, -1, 1), case.rate_hz)
