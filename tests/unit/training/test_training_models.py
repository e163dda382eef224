import pytest
import torch
from torch import nn

from rcg.training.architectures import BACKBONES
from rcg.training.models import build
from rcg.training.models.backbones import norm_layer
from rcg.training.models.points import divergence, expected
from rcg.training.spec import MaskOptions, PointOptions

SIZE = (64, 64)
SMALL = {"proposals": (40, 10, 20, 8), "rpn_samples": 16, "box_samples": 8, "detections": 5}


@pytest.fixture(autouse=True)
def no_downloads(monkeypatch):
    def refuse(*args, **kwargs):
        raise AssertionError("a network was built with weights from the net")

    monkeypatch.setattr(torch.hub, "load_state_dict_from_url", refuse)
    monkeypatch.setattr("torchvision.models._api.load_state_dict_from_url", refuse)


def target():
    masks = torch.zeros(1, *SIZE[::-1], dtype=torch.uint8)
    masks[:, 10:30, 20:44] = 1
    return {"boxes": torch.tensor([[20.0, 10, 44, 30]]), "labels": torch.tensor([1]), "masks": masks}


def mask_net(channels, relief=0, **options):
    marks = [False] * (channels - relief) + [True] * relief
    return build(MaskOptions(**SMALL | options), relief=marks, classes=2, points=0, input_size=SIZE)


@pytest.mark.parametrize("channels", [1, 6])
@pytest.mark.parametrize("backbone", BACKBONES)
def test_every_backbone_learns_from_any_number_of_channels(backbone, channels):
    torch.manual_seed(0)
    model = mask_net(channels, backbone=backbone)
    model.train()
    losses = model([torch.randn(channels, *SIZE[::-1]) for _ in range(2)], [target(), target()])
    total = sum(losses.values())
    total.backward()
    assert set(losses) == {
        "loss_classifier",
        "loss_box_reg",
        "loss_mask",
        "loss_objectness",
        "loss_rpn_box_reg",
    }
    assert torch.isfinite(total)
    first = next(module for module in model.modules() if isinstance(module, nn.Conv2d))
    assert first.in_channels == channels
    assert first.weight.grad.abs().sum() > 0


def test_without_weights_norms_are_group_norms():
    kinds = {type(module) for module in mask_net(3, backbone="resnet18").modules()}
    assert nn.GroupNorm in kinds
    assert nn.BatchNorm2d not in kinds


def test_norms_divide_any_width():
    for width in (3, 6, 16, 40, 100, 960):
        layer = norm_layer("group")(width)
        assert width % layer.num_groups == 0


def test_a_network_eats_items_as_they_come_without_resizing_them():
    model = mask_net(3)
    model.eval()
    with torch.no_grad():
        said = model([torch.randn(3, *SIZE[::-1])])[0]
    assert said["masks"].shape[1:] == (1, *SIZE[::-1])
    assert float(said["boxes"].max() if len(said["boxes"]) else 0) <= SIZE[0]


def test_gated_fusion_gives_each_modality_its_stem_and_learns_through_both():
    torch.manual_seed(0)
    model = mask_net(5, relief=2, fusion="gated")
    body = model.backbone.body
    assert next(body.colour.parameters()).shape[1] == 3
    assert next(body.relief.parameters()).shape[1] == 2
    model.train()
    sum(model([torch.randn(5, *SIZE[::-1])], [target()]).values()).backward()
    for stem in (body.colour, body.relief):
        assert next(stem.parameters()).grad.abs().sum() > 0


def test_gated_fusion_of_one_modality_is_a_plain_body():
    assert not hasattr(mask_net(3, fusion="gated").backbone.body, "gates")
    assert not hasattr(mask_net(2, relief=2, fusion="gated").backbone.body, "gates")


def test_masks_of_56_cells():
    model = mask_net(3, mask_resolution=56)
    model.eval()
    pooled = model.roi_heads.mask_roi_pool.output_size
    assert tuple(pooled) == (28, 28)


def test_anchors_are_those_of_the_options():
    model = mask_net(3, anchor_sizes=(6, 12, 24, 48, 96), anchor_scales=(1, 2), anchor_ratios=(1.0,))
    generator = model.rpn.anchor_generator
    assert generator.num_anchors_per_location() == [2] * 5
    assert model.rpn.head.cls_logits.out_channels == 2
    widths = (generator.cell_anchors[0][:, 2] - generator.cell_anchors[0][:, 0]).tolist()
    assert widths == [6, 12]


# --- points -------------------------------------------------------------------------------------


def gaussian(x, y, sigma, size=(20, 16)):
    rows = torch.arange(size[0])[:, None] + 0.5 - y
    columns = torch.arange(size[1])[None] + 0.5 - x
    heat = torch.exp(-(rows**2 + columns**2) / (2 * sigma**2))
    return (heat / heat.sum())[None, None]


def test_the_centre_of_mass_is_found_to_a_hundredth_of_a_cell():
    xy, spread = expected(gaussian(7.31, 9.77, 1.2), stride=4)
    assert xy[0, 0].tolist() == pytest.approx([4 * 7.31, 4 * 9.77], abs=0.04)
    assert float(spread) == pytest.approx(4 * 1.2, rel=0.02)


def test_the_divergence_is_zero_at_home_grows_away_and_ends_at_ln_2():
    heat = gaussian(7.3, 9.8, 1.0)
    own = divergence(heat, torch.tensor([[[7.3, 9.8]]]), 1.0)
    near = divergence(heat, torch.tensor([[[8.3, 9.8]]]), 1.0)
    far = divergence(heat, torch.tensor([[[1.0, 18.0]]]), 1.0)
    assert float(own) == pytest.approx(0, abs=1e-6)
    assert 0 < float(near) < float(far) <= torch.log(torch.tensor(2.0)) + 1e-6


@pytest.mark.parametrize("stride", [2, 4])
def test_points_learn_where_one_point_is(stride):
    torch.manual_seed(0)
    options = PointOptions(width=16, stride=stride)
    model = build(options, relief=[False], classes=1, points=2, input_size=(32, 32))
    images = torch.zeros(2, 1, 32, 32)
    wanted = torch.tensor([[[9.0, 21.0], [20.0, 10.0]], [[23.0, 7.0], [8.0, 24.0]]])
    for image, points in zip(images, wanted, strict=True):
        for (x, y), value in zip(points.tolist(), (3.0, -3.0), strict=True):
            image[0, int(y) - 3 : int(y) + 3, int(x) - 3 : int(x) + 3] = value
    targets = [{"xy": points, "known": torch.ones(2)} for points in wanted]
    optimiser = torch.optim.AdamW(model.parameters(), 3e-3)
    model.train()
    for _ in range(60):
        optimiser.zero_grad()
        sum(model(list(images), targets).values()).backward()
        optimiser.step()
    model.eval()
    found = torch.stack([said["xy"] for said in model(list(images))])
    assert (found - wanted).norm(dim=2).max() < 1.0


def test_points_that_are_not_there_pull_nothing():
    torch.manual_seed(0)
    model = build(PointOptions(width=16), relief=[False], classes=1, points=2, input_size=(32, 32))
    model.train()
    image = torch.randn(1, 32, 32)
    losses = [
        model([image], [{"xy": torch.tensor([[9.0, 9.0], [x, 5.0]]), "known": torch.tensor([1.0, 0.0])}])
        for x in (1.0, 30.0)
    ]
    assert [float(value) for value in losses[0].values()] == [float(value) for value in losses[1].values()]
    none = model([image], [{"xy": torch.zeros(2, 2), "known": torch.zeros(2)}])
    assert sum(map(float, none.values())) == 0
