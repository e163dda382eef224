"""What is taken for a file of weights, and what is refused with which words."""

import json
import pickle
import struct
import zipfile

import pytest
import torch
from safetensors.torch import save_file

from rcg.errors import InputError
from rcg.training.weight_files import HEADER_BYTES, SAFETENSORS, TORCH, WeightsFacts, inspect

NORMED = {
    "bn.weight": torch.ones(3),
    "bn.running_mean": torch.zeros(3),
    "conv.weight": torch.ones(3, 3, 1, 1),
}


def safetensors(path, tensors=NORMED):
    save_file(tensors, path, metadata={"by": "a test"})
    return path


def rebuilt(path, change):
    """The same file with another header."""
    data = path.read_bytes()
    (length,) = struct.unpack("<Q", data[:8])
    header = json.loads(data[8 : 8 + length])
    change(header)
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + data[8 + length :])
    return path


def test_safetensors_are_counted_and_tell_their_norm(tmp_path):
    assert inspect(safetensors(tmp_path / "a"), "a") == WeightsFacts(SAFETENSORS, 3, None)
    grouped = safetensors(tmp_path / "b", {"gn.weight": torch.ones(4), "empty": torch.zeros(0, 3)})
    assert inspect(grouped, "b") == WeightsFacts(SAFETENSORS, 2, "group")
    halves = safetensors(
        tmp_path / "c", {"a": torch.ones(3, dtype=torch.bfloat16), "b": torch.ones(2).bool()}
    )
    assert inspect(halves, "c").tensors == 2


@pytest.mark.parametrize("folder", [False, True])
def test_what_torch_saves_is_taken(tmp_path, folder):
    path = tmp_path / "weights.pth"
    torch.save({"state_dict": NORMED} if folder else NORMED, path)
    assert inspect(path, "weights.pth") == WeightsFacts(TORCH, None, None)


def refused(path, words):
    with pytest.raises(InputError, match=words) as caught:
        inspect(path, "my weights.pt")
    assert caught.value.detail.startswith(
        ("my weights.pt", "The tensors of my weights.pt", "What my weights.pt")
    )
    assert caught.value.hint


def test_what_is_no_file_of_weights_is_refused_by_name(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"")
    refused(path, "is empty")
    path.write_bytes(b"PNG, or whatever")
    refused(path, "no file of weights")
    path.write_bytes(pickle.dumps({"a": [1, 2]}, protocol=2))
    refused(path, "bare pickle")
    torch.save(NORMED, path, _use_new_zipfile_serialization=False)
    refused(path, "bare pickle")
    save_file({}, path)
    refused(path, "holds no tensors")


def test_a_cut_file_is_refused(tmp_path):
    path = safetensors(tmp_path / "file")
    whole = path.read_bytes()
    for keep in (len(whole) - 1, len(whole) - 40, 60, 9):
        path.write_bytes(whole[:keep])
        refused(path, "cut short")
    path.write_bytes(whole + b"more")
    refused(path, "4 bytes after its last tensor")
    torch.save(NORMED, path)
    whole = path.read_bytes()
    for keep in (len(whole) - 30, len(whole) // 2, 30):
        path.write_bytes(whole[:keep])
        refused(path, "cut short")


def test_a_header_that_cannot_be_is_refused(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(struct.pack("<Q", HEADER_BYTES + 1) + b"{" + b" " * 100)
    refused(path, f"{HEADER_BYTES + 1} bytes")
    path.write_bytes(struct.pack("<Q", 10) + b"{123456789" + b"\0" * 100)
    refused(path, "no JSON")
    path.write_bytes(struct.pack("<Q", 200_000) + b'{"a":' + b"[" * 199_995)
    refused(path, "no JSON")


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("shape", [2, 2]), ("shape", [-3]), ("shape", "3"), ("shape", [3.0]), ("shape", [2**50, 0]),
        ("dtype", "F12"), ("data_offsets", [0, 11]), ("data_offsets", [-12, 0]), ("data_offsets", "ab"),
        ("data_offsets", [True, 13]),
    ],
)  # fmt: skip
def test_a_tensor_that_cannot_be_is_refused(tmp_path, field, value):
    path = safetensors(tmp_path / "file", {"one": torch.ones(3)})
    rebuilt(path, lambda header: header["one"].update({field: value}))
    refused(path, "cannot be")


def test_tensors_that_overlap_or_leave_gaps_are_refused(tmp_path):
    path = safetensors(tmp_path / "file", {"one": torch.ones(3), "two": torch.ones(3)})
    rebuilt(path, lambda header: header["two"].update(data_offsets=header["one"]["data_offsets"]))
    refused(path, "one after the other")


def archive(path, names, packing=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", packing) as out:
        for name in names:
            out.writestr(name, b"x" * 1000)
    return path


def test_another_zip_archive_is_refused(tmp_path):
    path = tmp_path / "file"
    refused(archive(path, ["images/1.jpg"]), "not one that torch.save wrote")
    refused(archive(path, ["a/data.pkl", "b/data.pkl", "a/data/0"]), "not one that torch.save wrote")
    refused(archive(path, ["a/data.pkl"]), "holds no tensors")
    refused(archive(path, ["a/data.pkl", "a/data/0"], zipfile.ZIP_DEFLATED), "packed again")
    assert inspect(archive(path, ["a/data.pkl", "a/data/0"]), "x").media_type == TORCH


def test_an_archive_with_an_endless_list_of_files_is_not_read(tmp_path, monkeypatch):
    path = archive(tmp_path / "file", ["a/data.pkl", "a/data/0"])
    monkeypatch.setattr("rcg.training.weight_files._DIRECTORY_BYTES", 50)
    refused(path, "too long a list")
    torch.save(NORMED, path)
    refused(path, "too long a list")
