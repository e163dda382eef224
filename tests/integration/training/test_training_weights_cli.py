"""``rcg weights`` as a person calls it, with no server running."""

import json
import sys

import pytest
import torch
from safetensors.torch import save_file

from rcg.cli import main
from rcg.training import official
from rcg.training.official import Source


@pytest.fixture
def rcg(tmp_path, monkeypatch, capsys):
    """Run a command as ``rcg`` would; return what it printed. ``code`` is the exit code that is expected."""
    monkeypatch.setenv("RCG_HOME", str(tmp_path))
    monkeypatch.setenv("RCG_WORKERS__ISOLATION", "thread")
    monkeypatch.setenv("RCG_WORKERS__THREADS", "1")

    def run(*words, code=0):
        monkeypatch.setattr(sys, "argv", ["rcg", *words])
        with pytest.raises(SystemExit) as ended:
            main()
        out, error = capsys.readouterr()
        assert (ended.value.code or 0) == code, out + error
        return out if code == 0 else out + error

    return run


def test_add_list_and_delete(rcg, tmp_path):
    path = tmp_path / "my own.safetensors"
    save_file({"one": torch.ones(3)}, path)
    assert "--set 'weights=my own.safetensors'" in rcg("weights", "add", str(path))
    listed = rcg("weights", "list")
    assert "my own.safetensors" in listed
    assert "rcg weights official mobilenet_v3" in listed
    assert [one["name"] for one in json.loads(rcg("weights", "list", "--json"))["files"]] == [path.name]
    said = rcg("weights", "delete", path.name)
    assert "is deleted" in said
    assert "free again" in said
    assert "no file of weights" in rcg("weights", "delete", path.name, code=1)


def test_what_is_refused_says_why_and_the_way_out(rcg, tmp_path, monkeypatch):
    path = tmp_path / "photo.pt"
    path.write_bytes(b"a photograph")
    said = rcg("weights", "add", str(path), code=1)
    assert "photo.pt is no file of weights" in said
    assert ".safetensors" in said
    assert "There is no file at" in rcg("weights", "add", str(tmp_path / "gone.pt"), code=1)
    assert "mobilenet_v3" in rcg("weights", "official", "tiny", code=1)
    nowhere = Source("http://127.0.0.1:9/resnet18-00000000.pth", None)
    monkeypatch.setattr(official, "source", lambda backbone: nowhere)
    said = rcg("weights", "official", "resnet18", code=1)
    assert "127.0.0.1:9 does not answer" in said
    assert "rcg weights add FILE" in said
