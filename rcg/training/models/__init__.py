"""The networks. Built from a spec's options alone, with no weights: nothing is downloaded."""

from __future__ import annotations

from collections.abc import Sequence

from torch import nn

from rcg.training.models.mask_rcnn import build_mask_rcnn
from rcg.training.models.points import build_points
from rcg.training.spec import MaskOptions, ModelOptions


def build(
    options: ModelOptions, *, relief: Sequence[bool], classes: int, points: int, input_size: tuple[int, int]
) -> nn.Module:
    """Build a network with fresh weights from torch's present random state.

    Args:
        options: of the spec.
        relief: for each input channel, whether it belongs to relief.
        classes: of the label schema, without the background.
        points: of the label schema.
        input_size: width and height of the input, px.
    """
    if isinstance(options, MaskOptions):
        return build_mask_rcnn(options, relief=relief, classes=classes, input_size=input_size)
    return build_points(options, relief=relief, points=points)
