"""Named points to a fraction of a cell: a heat-map each, read by its centre of mass (Nibali et al. 2018)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torchvision.ops import FeaturePyramidNetwork

from rcg.training.models.backbones import body, norm_layer
from rcg.training.spec import PointOptions


class PointNet(nn.Module):
    """In training it returns losses, else points.

    Args:
        options: of the spec.
        relief: for each input channel, whether it belongs to relief; only their number counts.
        points: how many there are.
    """

    def __init__(self, options: PointOptions, relief: Sequence[bool], points: int) -> None:
        super().__init__()
        self.options = options
        self.body, widths = body(options.backbone, len(relief), options.norm)
        self.fpn = FeaturePyramidNetwork(list(widths), options.width)
        layer = norm_layer(options.norm)
        width = options.width
        self.context = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=False), layer(width), nn.ReLU(inplace=True)
        )
        self.head = nn.Sequential(
            nn.Conv2d(width, width, 3, padding=1, bias=False), layer(width), nn.ReLU(inplace=True),
            nn.Conv2d(width, points, 1),
        )  # fmt: skip

    def heat(self, images: Tensor) -> Tensor:
        """Return heat-maps (B, K, h, w), each summing to 1."""
        levels = self.fpn(self.body(images))
        finest = levels["0"]
        # The coarsest level sees the whole card: it tells which corner is which.
        whole = nn.functional.interpolate(
            levels["3"], finest.shape[-2:], mode="bilinear", align_corners=False
        )
        features = self.context(finest + whole)
        if self.options.stride == 2:
            features = nn.functional.interpolate(
                features, scale_factor=2.0, mode="bilinear", align_corners=False
            )
        raw = self.head(features)
        return torch.softmax(raw.flatten(2), 2).view_as(raw)

    def forward(
        self, images: Sequence[Tensor], targets: Sequence[dict[str, Tensor]] | None = None
    ) -> dict[str, Tensor] | list[dict[str, Tensor]]:
        """Return losses in training; else per image ``xy`` (K, 2) px and ``score`` (K,), 0..1."""
        batch = torch.stack(list(images))
        heat = self.heat(batch)
        xy, spread = expected(heat, self.options.stride)
        if self.training:
            assert targets is not None
            return self._losses(heat, xy, targets)
        # A heat-map as tight as it was taught to be is a sure point.
        taught = self.options.sigma * self.options.stride
        score = torch.clamp(taught / torch.clamp(spread, min=1e-3), max=1.0)
        return [{"xy": xy[index], "score": score[index]} for index in range(len(xy))]

    def _losses(self, heat: Tensor, xy: Tensor, targets: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
        wanted = torch.stack([target["xy"] for target in targets])
        known = torch.stack([target["known"] for target in targets])
        count = known.sum().clamp(min=1)
        stride = self.options.stride
        # In cells, so that the two parts weigh alike at any size.
        distance = ((xy - wanted) / stride).square().sum(2).add(1e-6).sqrt()
        spread = divergence(heat, wanted / stride, self.options.sigma)
        return {
            "loss_distance": (distance * known).sum() / count,
            "loss_spread": self.options.spread_weight * (spread * known).sum() / count,
        }


def expected(heat: Tensor, stride: int) -> tuple[Tensor, Tensor]:
    """Return the centres of mass (B, K, 2) in pixels and the standard deviations (B, K) about them."""
    height, width = heat.shape[-2:]
    x = (torch.arange(width, device=heat.device, dtype=heat.dtype) + 0.5) * stride
    y = (torch.arange(height, device=heat.device, dtype=heat.dtype) + 0.5) * stride
    along_x, along_y = heat.sum(2), heat.sum(3)
    mean_x, mean_y = along_x @ x, along_y @ y
    variance = along_x @ x.square() - mean_x.square() + along_y @ y.square() - mean_y.square()
    return torch.stack([mean_x, mean_y], 2), (variance.clamp(min=0) / 2).sqrt()


def divergence(heat: Tensor, centre: Tensor, sigma: float) -> Tensor:
    """Return the Jensen-Shannon divergence (B, K) of heat-maps from Gaussians about ``centre`` in cells."""
    height, width = heat.shape[-2:]
    x = torch.arange(width, device=heat.device, dtype=heat.dtype) + 0.5
    y = torch.arange(height, device=heat.device, dtype=heat.dtype) + 0.5
    along_x = torch.exp(-(x - centre[..., :1]).square() / (2 * sigma**2))
    along_y = torch.exp(-(y - centre[..., 1:]).square() / (2 * sigma**2))
    wanted = along_y[..., :, None] * along_x[..., None, :]
    wanted = wanted / wanted.sum((2, 3), keepdim=True).clamp(min=1e-12)
    middle = 0.5 * (heat + wanted)

    def kl(p: Tensor) -> Tensor:
        return (p * ((p + 1e-12).log() - (middle + 1e-12).log())).sum((2, 3))

    return 0.5 * (kl(heat) + kl(wanted))


def build_points(options: PointOptions, *, relief: Sequence[bool], points: int) -> nn.Module:
    """Build the network."""
    return PointNet(options, relief, points)
