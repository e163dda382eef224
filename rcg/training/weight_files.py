"""What kind of file of weights this is, by its structure alone: no torch, no tensor is read.

A file that passes can still hold weights of another network; that is found where they are loaded, in the one
guarded place (:mod:`rcg.training.checkpoints`).
"""

from __future__ import annotations

import hashlib
import json
import struct
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Final

from rcg.errors import InputError

SAFETENSORS: Final = "application/x-safetensors"
TORCH: Final = "application/x-pytorch"

HEADER_BYTES: Final = 16_000_000
"""a header names a tensor in about 100 bytes; networks have thousands"""
_DIRECTORY_BYTES: Final = 32_000_000
_TENSORS: Final = 100_000
_SIDE: Final = 2**40
_DTYPES: Final = {
    "BOOL": 1, "U8": 1, "I8": 1, "F8_E5M2": 1, "F8_E4M3": 1, "I16": 2, "U16": 2, "F16": 2, "BF16": 2,
    "I32": 4, "U32": 4, "F32": 4, "F64": 8, "I64": 8, "U64": 8,
}  # fmt: skip
_ZIP: Final = b"PK\x03\x04"
_PICKLE: Final = b"\x80"
_WAY_OUT: Final = "Give a .safetensors file, or a .pt or .pth file that torch.save wrote with tensors alone."


@dataclass(frozen=True)
class WeightsFacts:
    """What the structure tells.

    Attributes:
        media_type: :data:`SAFETENSORS` or :data:`TORCH`.
        tensors: how many; None where only loading would tell.
        norm: ``group`` when the tensors are a network's without running statistics; None: unknown.
    """

    media_type: str
    tensors: int | None = None
    norm: str | None = None


def inspect(path: Path, name: str) -> WeightsFacts:
    """Return what a file of weights is.

    Args:
        path: where it lies.
        name: what its owner calls it, for errors.

    Raises:
        InputError: it is no safetensors file and no zip archive of torch, is empty, cut or not sane.
    """
    size = path.stat().st_size
    if not size:
        raise InputError(f"{name} is empty.", _WAY_OUT)
    with path.open("rb") as file:
        head = file.read(9)
        if head.startswith(_ZIP):
            return _torch(file, size, name)
        if head[8:9] == b"{":
            return _safetensors(file, size, name)
    if head.startswith(_PICKLE):
        raise InputError(
            f"{name} is a bare pickle, as torch wrote it before 1.6; RCG takes none.",
            "Load it where you trust it and write it again with torch.save, or as .safetensors.",
        )
    raise InputError(f"{name} is no file of weights that RCG knows.", _WAY_OUT)


def sha256_of(path: Path) -> str:
    """Return a file's SHA-256."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _safetensors(file: BinaryIO, size: int, name: str) -> WeightsFacts:
    file.seek(0)
    (length,) = struct.unpack("<Q", file.read(8))
    if length > HEADER_BYTES:
        raise InputError(
            f"{name} says that its header has {length} bytes; RCG reads {HEADER_BYTES} at most.", _WAY_OUT
        )
    if 8 + length > size:
        raise _cut(name, size)
    try:
        header = json.loads(file.read(length))
    except (ValueError, RecursionError):
        raise InputError(f"{name} begins like safetensors, but its header is no JSON.", _WAY_OUT) from None
    if not isinstance(header, dict):
        raise InputError(f"{name} begins like safetensors, but its header names no tensors.", _WAY_OUT)
    header.pop("__metadata__", None)
    if not header:
        raise InputError(f"{name} holds no tensors.", "Give the weights of a network.")
    if len(header) > _TENSORS:
        raise InputError(f"{name} holds {len(header)} tensors; RCG takes {_TENSORS} at most.", _WAY_OUT)
    end = 0
    for begins, ends in sorted(_span(key, value, name) for key, value in header.items()):
        if begins != end:
            raise InputError(f"The tensors of {name} do not lie one after the other.", _WAY_OUT)
        end = ends
    if 8 + length + end > size:
        raise _cut(name, size)
    if 8 + length + end < size:
        raise InputError(f"{name} has {size - 8 - length - end} bytes after its last tensor.", _WAY_OUT)
    running = any(key.endswith("running_mean") for key in header)
    return WeightsFacts(SAFETENSORS, len(header), None if running else "group")


def _span(key: str, value: Any, name: str) -> tuple[int, int]:
    """Return where a tensor lies among the data. Raises InputError when what is said of it cannot be."""
    try:
        shape, (begins, ends) = value["shape"], value["data_offsets"]
        wanted = _DTYPES[value["dtype"]]
        sane = len(shape) <= 16 and all(type(side) is int and 0 <= side <= _SIDE for side in shape)
        for side in shape if sane else ():
            wanted *= side
        sane = sane and type(begins) is int and type(ends) is int and begins >= 0
    except (KeyError, TypeError, ValueError):
        sane, begins, ends, wanted = False, 0, 0, 0
    if not sane or ends - begins != wanted:
        raise InputError(f"What {name} says of its tensor {key[:80]!r} cannot be.", _WAY_OUT)
    return begins, ends


def _torch(file: BinaryIO, size: int, name: str) -> WeightsFacts:
    """Check the archive that ``torch.save`` writes: stored, with ``data.pkl`` and one file per storage."""
    if _directory_bytes(file, size) > _DIRECTORY_BYTES:
        raise InputError(f"{name} is a zip archive with too long a list of files.", _WAY_OUT)
    try:
        with zipfile.ZipFile(file) as archive:
            entries = archive.infolist()
    except (zipfile.BadZipFile, ValueError, OverflowError, struct.error, NotImplementedError):
        raise _cut(name, size) from None
    roots = [
        entry.filename.removesuffix("/data.pkl")
        for entry in entries
        if entry.filename.count("/") == 1 and entry.filename.endswith("/data.pkl")
    ]
    if len(roots) != 1:
        raise InputError(f"{name} is a zip archive, but not one that torch.save wrote.", _WAY_OUT)
    if any(entry.compress_type != zipfile.ZIP_STORED for entry in entries) or (
        sum(entry.file_size for entry in entries) > size
    ):
        raise InputError(f"{name} was packed again: torch stores its files as they are.", _WAY_OUT)
    if not any(entry.filename.startswith(f"{roots[0]}/data/") for entry in entries):
        raise InputError(f"{name} holds no tensors.", "Give the weights of a network.")
    return WeightsFacts(TORCH)


def _directory_bytes(file: BinaryIO, size: int) -> int:
    """Return how long the archive says that its list of files is; 0 when it does not say."""
    file.seek(max(0, size - 66_000))
    tail = file.read()
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) < at + 22:
        return 0
    (length,) = struct.unpack_from("<I", tail, at + 12)
    far = tail.rfind(b"PK\x06\x06")
    if far >= 0 and len(tail) >= far + 48:
        (longer,) = struct.unpack_from("<Q", tail, far + 40)
        return max(int(longer), int(length) if length != 0xFFFFFFFF else 0)
    return int(length)


def _cut(name: str, size: int) -> InputError:
    return InputError(
        f"{name} is cut short or damaged ({size} bytes came).",
        "Copy or download it again from where it came.",
    )
