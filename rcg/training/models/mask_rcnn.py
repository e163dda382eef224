"""Mask R-CNN (He et al. 2017) by torchvision's parts, for any number of channels and trained from nothing."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import cast

from torch import Tensor, nn
from torchvision.models.detection import MaskRCNN
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.faster_rcnn import FastRCNNConvFCHead, FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.models.detection.rpn import RPNHead
from torchvision.ops import FeaturePyramidNetwork, MultiScaleRoIAlign
from torchvision.ops.feature_pyramid_network import LastLevelMaxPool

from rcg.training.models.backbones import Gated, body, norm_layer
from rcg.training.spec import MaskOptions

_LEVELS = ("0", "1", "2", "3")
_POOLED = 7


class Pyramid(nn.Module):
    """A body with a feature pyramid on it (Lin et al. 2017): five levels of one width."""

    def __init__(self, options: MaskOptions, relief: Sequence[bool]) -> None:
        super().__init__()
        if options.fusion == "gated" and any(relief) and not all(relief):
            gated = Gated(options.backbone, options.norm, relief)
            self.body: nn.Module = gated
            widths = gated.widths
        else:
            self.body, widths = body(options.backbone, len(relief), options.norm)
        # The second version has norms in its pyramid, as in its heads.
        layer = norm_layer(options.norm) if options.backbone == "resnet50_v2" else None
        self.fpn = FeaturePyramidNetwork(
            list(widths), options.fpn_channels, LastLevelMaxPool(), norm_layer=layer
        )
        self.out_channels = options.fpn_channels

    def forward(self, x: Tensor) -> OrderedDict[str, Tensor]:
        """Return the levels."""
        return cast("OrderedDict[str, Tensor]", self.fpn(self.body(x)))


def build_mask_rcnn(
    options: MaskOptions, *, relief: Sequence[bool], classes: int, input_size: tuple[int, int]
) -> nn.Module:
    """Build the network. Images come normalised and at ``input_size``, so nothing is done to them again."""
    backbone = Pyramid(options, relief)
    anchors = AnchorGenerator(
        tuple(tuple(float(size * scale) for scale in options.anchor_scales) for size in options.anchor_sizes),
        (tuple(options.anchor_ratios),) * len(options.anchor_sizes),
    )
    at_each_place = len(options.anchor_ratios) * len(options.anchor_scales)
    box_head, mask_head, rpn_head = _heads(options, at_each_place)
    train_pre, train_post, test_pre, test_post = options.proposals
    network: nn.Module = MaskRCNN(
        backbone,
        rpn_anchor_generator=anchors,
        box_roi_pool=MultiScaleRoIAlign(list(_LEVELS), _POOLED, 2),
        rpn_head=rpn_head,
        box_head=box_head,
        box_predictor=FastRCNNPredictor(options.head_width, classes + 1),
        mask_roi_pool=MultiScaleRoIAlign(list(_LEVELS), options.mask_resolution // 2, 2),
        mask_head=mask_head,
        mask_predictor=MaskRCNNPredictor(options.mask_channels, options.mask_channels, classes + 1),
        min_size=min(input_size),
        max_size=max(input_size),
        image_mean=[0.0] * len(relief),
        image_std=[1.0] * len(relief),
        rpn_pre_nms_top_n_train=train_pre,
        rpn_post_nms_top_n_train=train_post,
        rpn_pre_nms_top_n_test=test_pre,
        rpn_post_nms_top_n_test=test_post,
        rpn_batch_size_per_image=options.rpn_samples,
        box_batch_size_per_image=options.box_samples,
        box_detections_per_img=options.detections,
        box_score_thresh=options.score_threshold,
        _skip_resize=True,
    )
    return network


def _heads(options: MaskOptions, anchors: int) -> tuple[nn.Module, nn.Module, nn.Module]:
    """Return the heads of boxes, masks and proposals; the second version's have norms and are deeper."""
    width, masks = options.fpn_channels, (options.mask_channels,) * options.mask_layers
    if options.backbone != "resnet50_v2":
        return (
            TwoMLPHead(width * _POOLED**2, options.head_width),
            MaskRCNNHeads(width, masks, 1),
            RPNHead(width, anchors),
        )
    layer = norm_layer(options.norm)
    return (
        FastRCNNConvFCHead((width, _POOLED, _POOLED), [width] * 4, [options.head_width], norm_layer=layer),
        MaskRCNNHeads(width, masks, 1, norm_layer=layer),
        RPNHead(width, anchors, conv_depth=2),
    )
