import json
import pickle
import subprocess
import sys

import pytest
import torch
from torch import nn

from rcg.errors import InputError, UnavailableError
from rcg.training import checkpoints, weights
from rcg.training.models import build
from rcg.training.spec import MaskOptions


def state(value):
    return {"model": {"w": torch.full((4,), float(value))}, "step": value}


def names(run_dir):
    return sorted(path.name for path in run_dir.rglob("step-*"))


def test_a_checkpoint_comes_back_and_says_what_it_is(tmp_path):
    made = checkpoints.save(tmp_path, 1, 40, state(40), best=True)
    said = json.loads(made.path.with_suffix(".json").read_text())
    assert said == {"step": 40, "sha256": made.sha256, "bytes": made.path.stat().st_size, "best": True}
    assert torch.equal(checkpoints.load(made.path)["model"]["w"], torch.full((4,), 40.0))
    assert checkpoints.newest(tmp_path) == made


def test_the_last_two_and_the_best_are_kept(tmp_path):
    for step in range(10, 70, 10):
        checkpoints.save(tmp_path, 1 if step < 40 else 2, step, state(step), best=step in {10, 20})
    assert [one.step for one in checkpoints.listing(tmp_path)] == [20, 50, 60]
    assert checkpoints.best(tmp_path).step == 20
    assert len(names(tmp_path)) == 6


@pytest.mark.parametrize("damage", [lambda path: path.write_bytes(b"gone"), lambda path: path.unlink()])
def test_a_damaged_one_is_passed_over(tmp_path, damage):
    checkpoints.save(tmp_path, 1, 10, state(10), best=False)
    damage(checkpoints.save(tmp_path, 1, 20, state(20), best=False).path)
    assert checkpoints.newest(tmp_path).step == 10


def test_one_bit_more_or_less_is_noticed(tmp_path):
    checkpoints.save(tmp_path, 1, 10, state(10), best=False)
    path = checkpoints.save(tmp_path, 1, 20, state(20), best=False).path
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    assert checkpoints.newest(tmp_path).step == 10


def test_what_a_kill_left_half_done_is_swept(tmp_path):
    whole = checkpoints.save(tmp_path, 1, 10, state(10), best=False)
    folder = whole.path.parent
    for name in ("step-000020.pt", "step-000020.new", "step-000010.json-new"):
        (folder / name).write_bytes(b"half")
    assert checkpoints.newest(tmp_path) == whole
    checkpoints.sweep(tmp_path)
    assert names(tmp_path) == ["step-000010.json", "step-000010.pt"]


FULL = """
import resource, signal, sys, pathlib, torch
from rcg.errors import UnavailableError
from rcg.training import checkpoints
run = pathlib.Path(sys.argv[1])
big = {"w": torch.zeros(400_000)}
checkpoints.save(run, 1, 10, big, best=False)
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, 500_000))
try:
    checkpoints.save(run, 1, 20, big, best=True)
except UnavailableError as error:
    print(error.detail, "|", error.hint)
"""


def test_a_full_disk_is_said_and_the_former_checkpoint_is_intact(tmp_path):
    """The system refuses to write past a size, as a full disk does in the middle of a file."""
    done = subprocess.run(
        [sys.executable, "-c", FULL, tmp_path], capture_output=True, text=True, check=True, timeout=200
    )
    assert "step 20" in done.stdout
    assert "disk" in done.stdout
    assert "That of step 10 is intact." in done.stdout
    assert "resume" in done.stdout
    assert names(tmp_path) == ["step-000010.json", "step-000010.pt"]
    assert checkpoints.newest(tmp_path).step == 10


def test_an_error_while_writing_leaves_nothing_behind(tmp_path, monkeypatch):
    checkpoints.save(tmp_path, 1, 10, state(10), best=False)

    def fail(*args):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(torch, "save", fail)
    with pytest.raises(UnavailableError, match="the disk is full"):
        checkpoints.save(tmp_path, 1, 20, state(20), best=False)
    assert names(tmp_path) == ["step-000010.json", "step-000010.pt"]


class Evil:
    def __reduce__(self):
        return (print, ("run",))


def test_files_that_run_code_are_refused(tmp_path, capsys):
    bad = tmp_path / "evil.pt"
    torch.save({"w": Evil()}, bad)
    plain = tmp_path / "plain.pt"
    plain.write_bytes(pickle.dumps({"w": Evil()}))
    text = tmp_path / "text.pt"
    text.write_text("hello")
    for path in (bad, plain, text):
        with pytest.raises(InputError) as caught:
            weights.read_any(path)
        assert ".safetensors" in caught.value.hint
    assert "run" not in capsys.readouterr().out


# --- weights of files ---------------------------------------------------------------------------


def network(channels=3, relief=0, **options):
    marks = [False] * (channels - relief) + [True] * relief
    torch.manual_seed(1)
    return build(
        MaskOptions(backbone="resnet18", **options), relief=marks, classes=2, points=0, input_size=(64, 64)
    )


def resnet():
    """A classifier's weights, as such files hold them."""
    from torchvision.models import resnet18

    torch.manual_seed(5)
    return resnet18(weights=None).state_dict()


RGB = ("colour.r", "colour.g", "colour.b")


def test_weights_of_a_classifier_fill_the_body(tmp_path):
    path = tmp_path / "resnet18.pt"
    torch.save(resnet(), path)
    model = network(norm="frozen")
    taken = weights.begin_with(model, weights.read_any(path), RGB)
    given = resnet()
    own = model.state_dict()
    assert torch.equal(own["backbone.body.conv1.weight"], given["conv1.weight"])
    assert torch.equal(own["backbone.body.layer4.1.bn2.running_var"], given["layer4.1.bn2.running_var"])
    assert taken.taken > 90
    assert not taken.adapted


def test_with_more_channels_the_network_begins_by_answering_as_before():
    given = resnet()
    plain, more = network(norm="frozen"), network(6, relief=3, norm="frozen")
    weights.begin_with(plain, given, RGB)
    taken = weights.begin_with(more, given, (*RGB, "normal.x", "normal.y", "curvature"))
    assert taken.adapted == ("backbone.body.conv1.weight",)
    image = torch.randn(1, 6, 32, 32)
    first, second = plain.backbone.body.conv1, more.backbone.body.conv1
    assert torch.allclose(first(image[:, :3]), second(image), atol=1e-5)


def test_two_pictures_share_the_weights():
    given = resnet()
    plain, double = network(norm="frozen"), network(6, norm="frozen")
    weights.begin_with(plain, given, RGB)
    weights.begin_with(double, given, (*RGB, "albedo.r", "albedo.g", "albedo.b"))
    image = torch.randn(1, 3, 32, 32)
    again = torch.cat([image, image], 1)
    assert torch.allclose(plain.backbone.body.conv1(image), double.backbone.body.conv1(again), atol=1e-5)


def test_both_stems_of_gated_fusion_are_filled():
    given = resnet()
    model = network(5, relief=2, norm="frozen", fusion="gated")
    weights.begin_with(model, given, (*RGB, "normal.x", "normal.y"))
    body = model.backbone.body
    assert torch.equal(body.colour.conv1.weight, given["conv1.weight"])
    assert torch.equal(body.relief.layer1[0].conv1.weight, given["layer1.0.conv1.weight"])
    mean = given["conv1.weight"].mean(1) * 3 / 2
    assert torch.allclose(body.relief.conv1.weight[:, 0], mean)


def test_weights_of_another_network_are_refused():
    with pytest.raises(InputError, match="None of the weights in the file") as caught:
        weights.begin_with(network(), {"encoder.0": torch.zeros(3)}, RGB)
    assert "backbone" in caught.value.hint


def test_weights_that_rcg_wrote_come_back_bit_for_bit(tmp_path):
    model, other = network(), network()
    nn.init.normal_(next(other.parameters()))
    weights.save(model, tmp_path / "weights.safetensors")
    weights.load(other, tmp_path / "weights.safetensors")
    assert all(
        torch.equal(a, b)
        for a, b in zip(model.state_dict().values(), other.state_dict().values(), strict=True)
    )
    with pytest.raises(InputError, match="do not fit"):
        weights.load(network(4), tmp_path / "weights.safetensors")
    assert [path.name for path in tmp_path.iterdir()] == ["weights.safetensors"]
