"""The recogniser alone, on real speech with the real weights, and on weights of another input shape."""

import importlib.util
import json
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from ctranslate2.specs import WhisperSpec
from ctranslate2.specs.common_spec import LayerNormSpec, LinearSpec

from zhijian.models.engines.audio import RATE_HZ, Pcm, Sound, as_floats, load
from zhijian.models.engines.voice import Channels, voices
from zhijian.models.engines.whisper import Recogniser
from zhijian.models.engines.windows import KEPT_PAUSE_MS, LONGEST_MS, Window

ROOT = Path(__file__).parents[2]
FAST_CALL = ROOT / "data_samples" / "audio" / "s06.flac"
PAUSE_S = 3
PER_MS = RATE_HZ // 1000

pytestmark = pytest.mark.timeout(180)


@pytest.fixture(scope="module")
def recogniser(folder) -> Recogniser:
    return Recogniser(folder)


@pytest.fixture(scope="module")
def spoken(sample_sound) -> Pcm:
    """(1, num_samples): a sentence, a pause, and the sentence again."""
    pause = np.zeros(PAUSE_S * RATE_HZ)
    return Sound.of(np.concatenate([sample_sound, pause, sample_sound])[np.newaxis], RATE_HZ).samples


@pytest.fixture(scope="module")
def windows(spoken, sample_sound) -> list[Window]:
    """The sentence, its end, without its beginning and said again, only said again, and all there is, pause and all.

    Only the last is too long to share a batch with the others.
    """
    once, again = len(sample_sound), len(sample_sound) + PAUSE_S * RATE_HZ
    parts = [
        (range(0, once),),
        (range(RATE_HZ, once),),
        (range(2 * RATE_HZ, once), range(again - RATE_HZ // 2, spoken.shape[1])),
        (range(again, spoken.shape[1]),),
        (range(spoken.shape[1]),),
    ]
    return [Window(spoken, one) for one in parts]


def text(passage) -> str:
    return "".join(word.text for word in passage.words)


def test_a_window_is_read_the_same_alone_and_in_company(recogniser, windows):
    alone = [passage for window in windows for passage in recogniser.read([window])]
    assert all(map(text, alone))
    assert recogniser.read(windows) == alone
    assert recogniser.read(windows[::-1]) == alone[::-1]


def test_two_threads_read_one_window_the_same(recogniser, windows):
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(recogniser.read, [windows, windows])
    assert first == second == recogniser.read(windows)


def test_of_no_windows_nothing_is_read(recogniser):
    assert recogniser.read([]) == []


@pytest.mark.parametrize("num_samples", [1, 160, 161])
def test_hardly_any_sound_is_read_too_and_spoils_nothing_else(recogniser, spoken, windows, num_samples):
    _, passage = recogniser.read([Window(spoken, (range(num_samples),)), windows[0]])
    assert text(passage) == text(*recogniser.read([windows[0]]))


def test_words_lie_in_the_parts_of_their_window_one_after_the_other(recogniser, windows):
    for window, passage in zip(windows, recogniser.read(windows), strict=True):
        for edge_ms in (edge for word in passage.words for edge in (word.span.start_ms, word.span.end_ms)):
            assert any(part.start // PER_MS <= edge_ms <= part.stop // PER_MS for part in window.parts)
        for a, b in pairwise(word.span for word in passage.words):
            assert a.start_ms <= b.start_ms
            assert a.end_ms <= b.end_ms


def test_what_follows_a_pause_is_read_too(recogniser, sample_sentences):
    first, second = sample_sentences[:2]
    pause = np.zeros(KEPT_PAUSE_MS * PER_MS)
    sounds = [
        Sound.of(one[np.newaxis], RATE_HZ).samples for one in (first, second, np.concatenate([first, pause, second]))
    ]
    *alone, both = recogniser.read([Window(sound, (range(sound.shape[1]),)) for sound in sounds])
    assert len(text(both)) == pytest.approx(sum(len(text(passage)) for passage in alone), abs=4)
    after = [word for word in both.words if word.span.end_ms > (len(first) + len(pause)) // PER_MS]
    assert len(after) == pytest.approx(len(alone[1].words), abs=2)


@pytest.fixture(scope="module")
def at_tempo():
    """The benchmarks' function that makes speech faster."""
    spec = importlib.util.spec_from_file_location("changed_calls", ROOT / "tests/benchmarks/changed_calls.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.at_tempo


def test_a_full_window_of_fast_speech_is_read_to_its_end(recogniser, at_tempo):
    """Two hundred characters in half a minute."""
    channels = load(FAST_CALL).samples
    spoken = [
        as_floats(channel[span.start_ms * PER_MS : span.end_ms * PER_MS])
        for channel, spans in zip(channels, voices(Channels(channels)), strict=True)
        for span in spans
    ]
    samples = at_tempo(np.concatenate(spoken)[:, np.newaxis], RATE_HZ, 1.45)[: LONGEST_MS * PER_MS]
    fast = Sound.of(samples.T, RATE_HZ).samples
    (passage,) = recogniser.read([Window(fast, (range(fast.shape[1]),))])
    assert len(text(passage)) > 195
    assert passage.words[-1].span.end_ms > LONGEST_MS - 500


def test_chinese_is_recognised_as_such(recogniser, windows):
    assert recogniser.language(windows[0]) == "zh"


class TinyWhisper:
    """A CTranslate2 folder of the input shape of large-v3 and one layer.

    Its weights are random: those of large-v3 are 3 GB, and the shapes are what may break. What it reads is nonsense.
    """

    MEL_BANDS, WIDTH, MOMENTS, TOKENS, VOCABULARY = 128, 64, 1500, 448, 51_866
    # the language that large-v3 learnt besides those of base takes this number; what follows moves up
    ADDED, ADDED_ID = "<|yue|>", 50_358

    def __init__(self, base: Path, folder: Path) -> None:
        self._chance = np.random.default_rng(5)
        spec = WhisperSpec(1, 1, 1, 1)
        self._fill(spec)
        vocabulary = (base / "vocabulary.txt").read_text(encoding="utf-8").split("\n")[: self.VOCABULARY - 1]
        spec.register_vocabulary([*vocabulary[: self.ADDED_ID], self.ADDED, *vocabulary[self.ADDED_ID :]])
        config = json.loads((base / "config.json").read_text(encoding="utf-8"))
        spec.config.alignment_heads = [(0, 0)]
        spec.config.lang_ids = [*config["lang_ids"], self.ADDED_ID]
        spec.config.suppress_ids = [self._moved(token) for token in config["suppress_ids"]]
        spec.config.suppress_ids_begin = config["suppress_ids_begin"]
        spec.validate()
        spec.optimize()
        spec.save(str(folder))
        tokenizer = json.loads((base / "tokenizer.json").read_text(encoding="utf-8"))
        added = [token | {"id": self._moved(token["id"])} for token in tokenizer["added_tokens"]]
        tokenizer["added_tokens"] = sorted(
            [*added, added[-1] | {"id": self.ADDED_ID, "content": self.ADDED}], key=lambda token: token["id"]
        )
        (folder / "tokenizer.json").write_text(json.dumps(tokenizer), encoding="utf-8")

    def _moved(self, token: int) -> int:
        return token + (token >= self.ADDED_ID)

    def _random(self, *shape: int) -> np.ndarray:
        return self._chance.normal(0, 0.1, shape).astype(np.float32)

    def _fill(self, spec: WhisperSpec) -> None:
        encoder, decoder = spec.encoder, spec.decoder
        for convolution, bands in ((encoder.conv1, self.MEL_BANDS), (encoder.conv2, self.WIDTH)):
            convolution.weight, convolution.bias = self._random(self.WIDTH, bands, 3), self._random(self.WIDTH)
        encoder.position_encodings.encodings = self._random(self.MOMENTS, self.WIDTH)
        decoder.position_encodings.encodings = self._random(self.TOKENS, self.WIDTH)
        decoder.embeddings.weight = self._random(self.VOCABULARY, self.WIDTH)
        decoder.projection.weight = decoder.embeddings.weight
        self._fill_norm(encoder.layer_norm)
        self._fill_norm(decoder.layer_norm)
        attention = decoder.layer[0].attention
        self._fill_norm(attention.layer_norm)
        for linear, times in zip(attention.linear, (1, 2, 1), strict=True):
            self._fill_linear(linear, times * self.WIDTH, self.WIDTH)
        for layer in (encoder.layer[0], decoder.layer[0]):
            for norm in (layer.self_attention.layer_norm, layer.ffn.layer_norm):
                self._fill_norm(norm)
            for linear, times in zip(layer.self_attention.linear, (3, 1), strict=True):
                self._fill_linear(linear, times * self.WIDTH, self.WIDTH)
            self._fill_linear(layer.ffn.linear_0, 4 * self.WIDTH, self.WIDTH)
            self._fill_linear(layer.ffn.linear_1, self.WIDTH, 4 * self.WIDTH)

    def _fill_norm(self, norm: LayerNormSpec) -> None:
        norm.gamma, norm.beta = 1 + self._random(self.WIDTH), self._random(self.WIDTH)

    def _fill_linear(self, linear: LinearSpec, outputs: int, inputs: int) -> None:
        linear.weight, linear.bias = self._random(outputs, inputs), self._random(outputs)


def test_weights_of_another_input_shape_are_read_with(folder, tmp_path, windows):
    TinyWhisper(folder, tmp_path)
    recogniser = Recogniser(tmp_path)
    recogniser.load()
    passages = recogniser.read(windows)
    assert len(passages) == len(windows)
    assert recogniser.read(windows) == passages
    assert len(recogniser.language(windows[0])) in (2, 3)
