"""CAM++: the published weights fit the network, and embeddings tell voices apart."""

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
import torch

from zhijian.models.engines import weights
from zhijian.models.engines.weights import WeightsError

CALLS = Path(__file__).parents[3] / "shared/calls/dev"


@pytest.fixture(scope="module")
def campplus():
    """The module with the network loaded: (module, network)."""
    try:
        folder = weights.locate("campplus")
    except WeightsError as error:
        pytest.skip(str(error))
    from zhijian.models.engines import campplus

    torch.set_num_threads(1)
    return campplus, campplus.load(folder / "campplus_cn_en_common.pt")


def noise(seconds: float, seed: int = 0) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    return 0.1 * torch.randn(int(seconds * 16_000), generator=generator)


def embed(campplus, features: torch.Tensor) -> torch.Tensor:
    """(num_frames, 80) of one voice -> (192,)."""
    module, network = campplus
    return module.embed(network, features[None])[0]


def test_fbank_has_80_bands_and_a_frame_every_10_ms(campplus):
    module, _ = campplus
    assert module.fbank(noise(2.0)).shape == (198, 80)


def test_embedding_is_192_numbers_and_the_same_each_time(campplus):
    module, _ = campplus
    features = module.fbank(noise(2.0))
    first, second = embed(campplus, features), embed(campplus, features)
    assert first.shape == (192,)
    assert torch.equal(first, second)


def test_a_batch_gives_what_each_alone_gives(campplus):
    module, network = campplus
    features = torch.stack([module.fbank(noise(3.0, seed)) for seed in range(3)])
    together = module.embed(network, features)
    for own, embedding in zip(features, together, strict=True):
        assert torch.allclose(embed(campplus, own), embedding, atol=1e-4)


def test_features_of_long_sound_are_those_of_its_parts(campplus):
    module, _ = campplus
    sound = noise(70.03)
    features = module.fbank(sound)
    assert len(features) == (len(sound) - 400) // 160 + 1
    for first in (2990, 5990, len(features) - 20):
        assert torch.equal(features[first : first + 20], module.fbank(sound[first * 160 : (first + 19) * 160 + 400]))


def test_sound_shorter_than_a_frame_has_no_features(campplus):
    module, _ = campplus
    assert module.fbank(noise(0.02)).shape == (0, 80)


def test_embedding_does_not_depend_on_loudness(campplus):
    module, _ = campplus
    loud, quiet = (embed(campplus, module.fbank(gain * noise(2.0))) for gain in (1.0, 0.05))
    assert torch.cosine_similarity(loud, quiet, dim=0) > 0.98


def test_a_file_with_another_network_is_refused(campplus, tmp_path):
    module, network = campplus
    tensors = network.state_dict()
    tensors.pop("xvector.dense.linear.weight")
    torch.save(tensors, tmp_path / "other.pt")
    with pytest.raises(RuntimeError, match=r"xvector\.dense\.linear\.weight"):
        module.load(tmp_path / "other.pt")


def test_one_voice_is_closer_to_itself_than_two_voices_are(campplus):
    if not CALLS.is_dir():
        pytest.skip("the labelled calls are not beside the repository")
    stereo = [call for call in json.loads((CALLS / "truth.json").read_text()) if call["channels"] == "stereo"][:2]
    assert stereo
    for call in stereo:
        halves = {role: [_embedding(campplus, call, role, half) for half in (0, 1)] for role in ROLES}
        within = min(_likeness(*halves[role]) for role in ROLES)
        between = max(_likeness(a, b) for a in halves["agent"] for b in halves["customer"])
        assert within > between + 0.1


ROLES = ("agent", "customer")


def _embedding(campplus, call: dict, role: str, half: int) -> torch.Tensor:
    """Of one half of a role's turns, from its own channel."""
    path = CALLS / "audio" / f"{call['call_id']}.flac"
    samples, rate_hz = soundfile.read(path, dtype="float32")
    own = [turn for turn in call["truth"] if turn["role"] == role]
    own = own[: len(own) // 2] if half == 0 else own[len(own) // 2 :]
    spoken = [samples[int(t["start"] * rate_hz) : int(t["end"] * rate_hz), ROLES.index(role)] for t in own]
    module, _ = campplus
    waveform = soxr.resample(np.concatenate(spoken), rate_hz, module.SAMPLE_RATE_HZ)
    return embed(campplus, module.fbank(torch.from_numpy(waveform)))


def _likeness(a: torch.Tensor, b: torch.Tensor) -> float:
    return float(torch.cosine_similarity(a, b, dim=0))
