"""Official weights: what torchvision says of them is read right, and its networks fill ours."""

import pytest
import torch
import torchvision.models as tv
from torchvision.models import detection

from rcg.errors import InputError
from rcg.training import official, weights
from rcg.training.models import build
from rcg.training.official import OFFICIAL, Source
from rcg.training.spec import MaskOptions

RGB = ("colour.r", "colour.g", "colour.b")
LARGE = {"fpn_channels": 256, "head_width": 1024, "mask_channels": 256, "mask_layers": 4}
THREE = {"anchor_ratios": (0.5, 1.0, 2.0)}


@pytest.mark.parametrize("backbone", OFFICIAL)
def test_the_source_text_says_what_torchvision_says(backbone):
    entry = tv.get_weight(OFFICIAL[backbone].entry)
    read = official.offer(backbone)
    assert read == official.source(backbone) == Source(entry.url, round(entry.meta["_file_size"] * 1024**2))
    assert read.url.endswith(read.file_name)
    assert read.host in read.url
    assert len(read.sha256_prefix) == 8


def test_a_file_is_known_by_its_hash():
    prefix = official.offer("resnet18").sha256_prefix
    assert official.by_hash(prefix + "0" * 56).backbone == "resnet18"
    assert official.by_hash("0" * 64) is None


def test_without_torchvision_there_is_no_offer(monkeypatch):
    official.offer.cache_clear()
    monkeypatch.setattr(official, "find_spec", lambda name: None)
    assert official.offer("resnet18") is None
    official.offer.cache_clear()


def test_a_backbone_without_official_weights_is_refused_with_those_that_have():
    with pytest.raises(InputError, match="tiny") as caught:
        official.official("tiny")
    assert "resnet50_v2" in caught.value.hint


def theirs(backbone):
    """A network with the names and shapes of the official file; nothing is fetched."""
    torch.manual_seed(3)
    none = {"weights": None}
    made = {
        "resnet50_v2": lambda: detection.maskrcnn_resnet50_fpn_v2(**none, weights_backbone=None),
        "resnet50": lambda: detection.maskrcnn_resnet50_fpn(**none, weights_backbone=None),
        "mobilenet_v3": lambda: tv.mobilenet_v3_large(**none),
        "resnet34": lambda: tv.resnet34(**none),
        "resnet18": lambda: tv.resnet18(**none),
    }
    return made[backbone]().state_dict()


def ours(backbone, norm, **options):
    return build(
        MaskOptions(backbone=backbone, norm=norm, **options),
        relief=[False] * 3, classes=2, points=0, input_size=(64, 64),
    )  # fmt: skip


@pytest.mark.parametrize("backbone", OFFICIAL)
def test_an_official_file_fills_all_that_its_network_shares_with_ours(backbone):
    large = LARGE | THREE if backbone.startswith("resnet50") else {}
    model = ours(backbone, OFFICIAL[backbone].norm, **large)
    given = theirs(backbone)
    taken = weights.begin_with(model, given, RGB, "official.pth")
    assert not taken.adapted
    left = {name for name in taken.left if not name.startswith("roi_heads.mask_predictor.mask_fcn_logits")}
    if large:
        # The classes are other ones, and so are the layers that name them; nothing else is.
        assert left == {
            f"roi_heads.box_predictor.{layer}.{part}"
            for layer in ("cls_score", "bbox_pred")
            for part in ("weight", "bias")
        }
    else:
        assert all(name.startswith(("backbone.fpn", "rpn.", "roi_heads.")) for name in left)
    first = next(name for name, value in model.state_dict().items() if value.ndim == 4)
    assert torch.equal(model.state_dict()[first], next(value for value in given.values() if value.ndim == 4))


def test_mobilenet_answers_as_torchvisions_does():
    given = theirs("mobilenet_v3")
    own, other = ours("mobilenet_v3", "frozen"), tv.mobilenet_v3_large(weights=None)
    weights.begin_with(own, given, RGB)
    other.load_state_dict(given)
    other.eval()
    image = torch.randn(1, 3, 64, 64)
    with torch.inference_mode():
        found, wanted = own.backbone.body(image)["3"], other.features(image)
    # Another epsilon in its norms would be a difference of one part in fifty.
    assert float((found - wanted).norm() / wanted.norm()) < 1e-4


@pytest.mark.parametrize(
    ("file", "network"),
    [
        ("resnet34", "resnet18"), ("resnet18", "resnet34"), ("resnet50", "resnet18"),
        ("resnet18", "resnet50"),
        ("mobilenet_v3", "resnet18"), ("resnet18", "mobilenet_v3"), ("resnet18", "tiny"),
    ],
)  # fmt: skip
def test_weights_of_another_backbone_are_refused_and_change_nothing(file, network):
    model = ours(network, "frozen")
    before = {name: value.clone() for name, value in model.state_dict().items()}
    with pytest.raises(InputError, match="my file") as caught:
        weights.begin_with(model, theirs(file), RGB, "my file")
    assert "another backbone" in caught.value.detail or "None of the weights" in caught.value.detail
    assert "Choose the backbone" in caught.value.hint
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())


def test_a_file_that_is_gone_is_said_by_its_name(tmp_path):
    with pytest.raises(InputError, match=r"best\.pt are no longer stored here"):
        weights.read_any(tmp_path / "gone", "best.pt")
