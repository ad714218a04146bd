"""CAM++ speaker embedding: one vector per voice, close for one speaker and far for two.

The network is CAM++ as published by H. Wang, S. Zheng, Y. Chen, L. Cheng and Q. Chen, "CAM++: A Fast and Efficient
Network for Speaker Verification Using Context-Aware Masking", Interspeech 2023; its layers and their names follow the
3D-Speaker toolkit (Apache-2.0), so that the weights published there load as they are.
Input: 80 Mel bands of 16 kHz sound, mean subtracted. Output: 192 numbers, to be compared by their cosine.
"""

from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from zhijian.models.engines import torchaudio_cpu

torchaudio_cpu.prepare()
from torchaudio.compliance import kaldi  # noqa: E402 (torchaudio is importable only after prepare())

SAMPLE_RATE_HZ = 16_000
DIMENSION = 192
FRAME_STEP_MS = 10
FRAME_LENGTH_MS = 25
MEL_BANDS = 80

_STEP, _LENGTH = (SAMPLE_RATE_HZ * ms // 1000 for ms in (FRAME_STEP_MS, FRAME_LENGTH_MS))
# features need some 20 kB a frame while they are computed
_BLOCK_FRAMES = 3000
_GROWTH = 32
_INIT_CHANNELS = 128
_BOTTLENECK = 4 * _GROWTH
_SEGMENT_FRAMES = 100
# layers, dilation of the three dense blocks
_BLOCKS = ((12, 1), (24, 2), (16, 2))


class CampPlus(nn.Module):
    """(batch, num_frames, 80) features -> (batch, 192) embeddings, not normalised."""

    def __init__(self) -> None:
        super().__init__()
        self.head = _ConvolutionHead()
        self.xvector = nn.Sequential()
        self.xvector.add_module("tdnn", _TimeDelay(self.head.out_channels, _INIT_CHANNELS))
        channels = _INIT_CHANNELS
        for number, (layers, dilation) in enumerate(_BLOCKS, 1):
            self.xvector.add_module(f"block{number}", _DenseBlock(channels, layers, dilation))
            channels += layers * _GROWTH
            self.xvector.add_module(f"transit{number}", _Transition(channels, channels // 2))
            channels //= 2
        self.xvector.add_module("out_nonlinear", _norm_relu(channels))
        self.xvector.add_module("stats", _StatisticsPooling())
        self.xvector.add_module("dense", _Projection(2 * channels, DIMENSION))

    def forward(self, features: Tensor) -> Tensor:
        embedding: Tensor = self.xvector(self.head(features.transpose(1, 2)))
        return embedding


def load(weights: Path) -> CampPlus:
    """The network with the tensors of `weights` (a state dict), ready for inference.

    Raises RuntimeError when the file holds another network.
    """
    network = CampPlus()
    network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True), strict=True)
    return network.eval()


def fbank(waveform: Tensor) -> Tensor:
    """(num_samples,) sound at 16 kHz, -1..1 -> (num_frames, 80) log Mel energies, the mean not yet subtracted.

    Sound shorter than a frame has none.
    """
    blocks = [
        kaldi.fbank(
            waveform[None, start : start + (_BLOCK_FRAMES - 1) * _STEP + _LENGTH],
            sample_frequency=SAMPLE_RATE_HZ,
            num_mel_bins=MEL_BANDS,
            frame_length=FRAME_LENGTH_MS,
            frame_shift=FRAME_STEP_MS,
            dither=0.0,
        )
        for start in range(0, len(waveform) - _LENGTH + 1, _BLOCK_FRAMES * _STEP)
    ]
    return torch.cat([torch.empty(0, MEL_BANDS), *blocks])


def embed(network: CampPlus, features: Tensor) -> Tensor:
    """(batch, num_frames, 80), each of one voice -> (batch, 192) embeddings.

    The frames of a voice need not have been neighbours in the sound. In batches it is a third faster than one by one.
    """
    with torch.inference_mode():
        embeddings: Tensor = network(features - features.mean(dim=1, keepdim=True))
        return embeddings


def _norm_relu(channels: int) -> nn.Sequential:
    block = nn.Sequential()
    block.add_module("batchnorm", nn.BatchNorm1d(channels))
    block.add_module("relu", nn.ReLU(inplace=True))
    return block


class _ConvolutionHead(nn.Module):
    """Reads the spectrogram as a picture and shrinks its frequency axis by eight, (b, 80, t) -> (b, 320, t)."""

    out_channels = _GROWTH * MEL_BANDS // 8

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(1, _GROWTH, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(_GROWTH)
        self.layer1 = nn.Sequential(_Residual(stride=2), _Residual(stride=1))
        self.layer2 = nn.Sequential(_Residual(stride=2), _Residual(stride=1))
        self.conv2 = nn.Conv2d(_GROWTH, _GROWTH, 3, stride=(2, 1), padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(_GROWTH)

    def forward(self, x: Tensor) -> Tensor:
        x = F.relu(self.bn1(self.conv1(x[:, None])))
        x = self.layer2(self.layer1(x))
        x = F.relu(self.bn2(self.conv2(x)))  # shape: (batch, 32, 10, num_frames)
        return x.flatten(1, 2)


class _Residual(nn.Module):
    """Two convolutions beside a shortcut; `stride` is that of the frequency axis."""

    def __init__(self, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(_GROWTH, _GROWTH, 3, stride=(stride, 1), padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(_GROWTH)
        self.conv2 = nn.Conv2d(_GROWTH, _GROWTH, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(_GROWTH)
        self.shortcut = nn.Sequential()
        if stride > 1:
            self.shortcut.append(nn.Conv2d(_GROWTH, _GROWTH, 1, stride=(stride, 1), bias=False))
            self.shortcut.append(nn.BatchNorm2d(_GROWTH))

    def forward(self, x: Tensor) -> Tensor:
        inner = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        return F.relu(inner + self.shortcut(x))


class _TimeDelay(nn.Module):
    """Sees five frames at a time and halves their number, (b, 320, t) -> (b, 128, t / 2)."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.linear = nn.Conv1d(in_channels, out_channels, 5, stride=2, padding=2, bias=False)
        self.nonlinear = _norm_relu(out_channels)

    def forward(self, x: Tensor) -> Tensor:
        x = self.nonlinear(self.linear(x))
        return x


class _DenseBlock(nn.Module):
    """Every layer reads all before it and adds 32 channels."""

    def __init__(self, in_channels: int, layers: int, dilation: int) -> None:
        super().__init__()
        for index in range(layers):
            self.add_module(f"tdnnd{index + 1}", _DenseLayer(in_channels + index * _GROWTH, dilation))

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.children():
            x = torch.cat([x, layer(x)], dim=1)
        return x


class _DenseLayer(nn.Module):
    def __init__(self, in_channels: int, dilation: int) -> None:
        super().__init__()
        self.nonlinear1 = _norm_relu(in_channels)
        self.linear1 = nn.Conv1d(in_channels, _BOTTLENECK, 1, bias=False)
        self.nonlinear2 = _norm_relu(_BOTTLENECK)
        self.cam_layer = _ContextAwareMask(dilation)

    def forward(self, x: Tensor) -> Tensor:
        x = self.cam_layer(self.nonlinear2(self.linear1(self.nonlinear1(x))))
        return x


class _ContextAwareMask(nn.Module):
    """A convolution over neighbouring frames, damped by what the whole utterance and its segment of 100 frames say."""

    def __init__(self, dilation: int) -> None:
        super().__init__()
        self.linear_local = nn.Conv1d(_BOTTLENECK, _GROWTH, 3, padding=dilation, dilation=dilation, bias=False)
        self.linear1 = nn.Conv1d(_BOTTLENECK, _BOTTLENECK // 2, 1)
        self.linear2 = nn.Conv1d(_BOTTLENECK // 2, _GROWTH, 1)

    def forward(self, x: Tensor) -> Tensor:
        segment_means = F.avg_pool1d(x, kernel_size=_SEGMENT_FRAMES, stride=_SEGMENT_FRAMES, ceil_mode=True)
        context = x.mean(dim=-1, keepdim=True) + segment_means  # shape: (batch, 128, num_segments)
        mask = torch.sigmoid(self.linear2(F.relu(self.linear1(context))))
        masked: Tensor = self.linear_local(x) * mask.repeat_interleave(_SEGMENT_FRAMES, dim=-1)[..., : x.shape[-1]]
        return masked


class _Transition(nn.Module):
    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.nonlinear = _norm_relu(in_channels)
        self.linear = nn.Conv1d(in_channels, out_channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        x = self.linear(self.nonlinear(x))
        return x


class _StatisticsPooling(nn.Module):
    """Mean and standard deviation over time, (b, c, t) -> (b, 2c)."""

    def forward(self, x: Tensor) -> Tensor:
        return torch.cat([x.mean(dim=-1), x.std(dim=-1)], dim=-1)


class _Projection(nn.Module):
    """(b, 2c) -> (b, 192), each number centred and scaled over the training set."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        self.linear = nn.Conv1d(in_channels, out_channels, 1, bias=False)
        self.nonlinear = nn.Sequential()
        self.nonlinear.add_module("batchnorm", nn.BatchNorm1d(out_channels, affine=False))

    def forward(self, x: Tensor) -> Tensor:
        x = self.nonlinear(self.linear(x[..., None])[..., 0])
        return x
