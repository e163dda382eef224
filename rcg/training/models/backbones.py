"""Bodies that turn an image into feature maps at strides 4, 8, 16, 32, and the norms they use.

``tiny`` is five stages of 3 x 3 convolutions, 1.6 million weights with its heads: it learns from nothing in
minutes on a processor. The others are torchvision's, without weights, with any number of input channels.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence
from functools import partial
from typing import cast

import torch
from torch import Tensor, nn
from torchvision.models import mobilenet_v3_large, resnet18, resnet34, resnet50
from torchvision.models._utils import IntermediateLayerGetter
from torchvision.ops import FrozenBatchNorm2d

from rcg.training.architectures import Backbone, Norm

NormLayer = Callable[[int], nn.Module]
TINY_WIDTHS = (16, 32, 64, 96, 128)
_GROUPS = 32
_RESNETS = {"resnet18": resnet18, "resnet34": resnet34, "resnet50": resnet50, "resnet50_v2": resnet50}


def norm_layer(norm: Norm) -> NormLayer:
    """Return what makes the norm of a given width. Groups are of four channels at least."""
    if norm == "batch":
        return nn.BatchNorm2d
    if norm == "frozen":
        return cast("NormLayer", FrozenBatchNorm2d)
    return _group_norm


def _group_norm(width: int) -> nn.GroupNorm:
    groups = min(_GROUPS, max(1, width // 4))
    while width % groups:
        groups -= 1
    return nn.GroupNorm(groups, width)


def body(name: Backbone, channels: int, norm: Norm) -> tuple[nn.Module, tuple[int, ...]]:
    """Return a body and the widths of its four feature maps, ``"0"`` (stride 4) to ``"3"`` (stride 32)."""
    layer = norm_layer(norm)
    if name == "tiny":
        return Tiny(channels, layer), TINY_WIDTHS[1:]
    if name == "mobilenet_v3":
        return _mobilenet(channels, layer)
    net = _RESNETS[name](weights=None, norm_layer=layer)
    if channels != 3:
        net.conv1 = nn.Conv2d(channels, 64, 7, 2, 3, bias=False)
        nn.init.kaiming_normal_(net.conv1.weight, mode="fan_out", nonlinearity="relu")
    width = 64 if name in {"resnet18", "resnet34"} else 256
    stages = {f"layer{index + 1}": str(index) for index in range(4)}
    return IntermediateLayerGetter(net, stages), (width, 2 * width, 4 * width, 8 * width)


def _mobilenet(channels: int, layer: NormLayer) -> tuple[nn.Module, tuple[int, ...]]:
    # Its batch norms have an epsilon of their own, and weights that were trained with it need it.
    eps = {"eps": 1e-3} if layer in (nn.BatchNorm2d, FrozenBatchNorm2d) else {}
    net = mobilenet_v3_large(weights=None, norm_layer=partial(layer, **eps)).features
    if channels != 3:
        first = cast("nn.Conv2d", net[0][0])
        net[0][0] = nn.Conv2d(channels, first.out_channels, 3, 2, 1, bias=False)
        nn.init.kaiming_normal_(net[0][0].weight, mode="fan_out")
    # The last block before each halving: strides 4, 8, 16, and the end at 32.
    stages = {"3": "0", "6": "1", "12": "2", "16": "3"}
    return IntermediateLayerGetter(net, stages), (24, 40, 112, 960)


class Tiny(nn.Module):
    """Five stages that each halve the image; a second convolution in all but the first."""

    def __init__(self, channels: int, layer: NormLayer) -> None:
        super().__init__()
        self.stages = nn.ModuleList()
        width_in = channels
        for index, width in enumerate(TINY_WIDTHS):
            blocks = [_block(width_in, width, 2, layer)]
            if index:
                blocks.append(_block(width, width, 1, layer))
            self.stages.append(nn.Sequential(*blocks))
            width_in = width

    def forward(self, x: Tensor) -> OrderedDict[str, Tensor]:
        """Return the maps of the last four stages."""
        found: OrderedDict[str, Tensor] = OrderedDict()
        for index, stage in enumerate(self.stages):
            x = stage(x)
            if index:
                found[str(index - 1)] = x
        return found


def _block(width_in: int, width: int, stride: int, layer: NormLayer) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(width_in, width, 3, stride, 1, bias=False), layer(width), nn.ReLU(inplace=True)
    )


class Gated(nn.Module):
    """A body for colour and one for relief; per level, channel gates and a share for each at every place.

    The two are added with weights that a softmax over them gives at each place, after a
    squeeze-and-excitation gate on the channels of each (Hu et al. 2018).

    Args:
        name, norm: of both bodies.
        relief: for each input channel, whether it belongs to relief.
    """

    def __init__(self, name: Backbone, norm: Norm, relief: Sequence[bool]) -> None:
        super().__init__()
        marks = torch.tensor(list(relief))
        self.register_buffer("colour_at", torch.nonzero(~marks).flatten(), persistent=False)
        self.register_buffer("relief_at", torch.nonzero(marks).flatten(), persistent=False)
        self.colour, self.widths = body(name, int((~marks).sum()), norm)
        self.relief, _ = body(name, int(marks.sum()), norm)
        self.gates = nn.ModuleList(_Gate(width) for width in self.widths)

    def forward(self, x: Tensor) -> OrderedDict[str, Tensor]:
        """Return the four fused maps."""
        colour = self.colour(x[:, cast("Tensor", self.colour_at)])
        relief = self.relief(x[:, cast("Tensor", self.relief_at)])
        return OrderedDict(
            (name, gate(colour[name], relief[name])) for name, gate in zip(colour, self.gates, strict=True)
        )


class _Gate(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        hidden = max(8, width // 4)
        self.squeeze = nn.ModuleList(
            nn.Sequential(
                nn.AdaptiveAvgPool2d(1), nn.Conv2d(width, hidden, 1), nn.ReLU(), nn.Conv2d(hidden, width, 1)
            )
            for _ in range(2)
        )
        self.share = nn.Conv2d(2 * width, 2, 1)

    def forward(self, colour: Tensor, relief: Tensor) -> Tensor:
        colour = colour * (2 * torch.sigmoid(self.squeeze[0](colour)))
        relief = relief * (2 * torch.sigmoid(self.squeeze[1](relief)))
        share = torch.softmax(self.share(torch.cat([colour, relief], 1)), 1)
        return 2 * (share[:, :1] * colour + share[:, 1:] * relief)
