"""One-frame Y4M files: what a browser's file-backed camera reads again for every frame it delivers.

Overwriting the bytes in place therefore changes what the camera "sees", at the next frame.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from rcg.errors import InputError

_MAGIC = b"YUV4MPEG2 "
_FRAME = b"FRAME\n"


@dataclass(frozen=True)
class Y4mFile:
    """A file of one frame.

    Attributes:
        width, height: px, both even.
        offset: where the planes begin in the file.
        planes: the I420 bytes: luma, then both chroma planes at half the size.
    """

    width: int
    height: int
    offset: int
    planes: bytes


def i420(rgb: npt.NDArray[np.uint8]) -> bytes:
    """Turn an image into I420 bytes (BT.601, luma 16 to 235).

    Args:
        rgb: (h, w, 3), or (h, w) grey; both sides even.
    """
    height, width = rgb.shape[:2]
    if height % 2 or width % 2:
        raise InputError(f"A frame of {width} x {height} px cannot be 4:2:0.", "Use even sides.")
    colour = np.repeat(rgb[:, :, None], 3, axis=2) if rgb.ndim == 2 else rgb
    red, green, blue = (colour[:, :, channel].astype(np.float32) for channel in range(3))
    luma = 16 + (65.481 * red + 128.553 * green + 24.966 * blue) / 255
    halves = [plane.reshape(height // 2, 2, width // 2, 2).mean(axis=(1, 3)) for plane in (red, green, blue)]
    cb = 128 + (-37.797 * halves[0] - 74.203 * halves[1] + 112.0 * halves[2]) / 255
    cr = 128 + (112.0 * halves[0] - 93.786 * halves[1] - 18.214 * halves[2]) / 255
    return b"".join(np.rint(plane).clip(0, 255).astype(np.uint8).tobytes() for plane in (luma, cb, cr))


def write(path: Path, width: int, height: int, planes: bytes, *, fps: int = 10) -> None:
    """Write a file of one frame.

    Args:
        path: replaced if it is there.
        width, height: px.
        planes: I420 bytes.
        fps: at which a browser's camera delivers it.
    """
    if len(planes) != width * height * 3 // 2:
        raise InputError(
            f"{len(planes)} bytes are no I420 frame of {width} x {height} px.",
            f"It has {width * height * 3 // 2}.",
        )
    head = f"YUV4MPEG2 W{width} H{height} F{fps}:1 Ip A1:1 C420jpeg\n".encode()
    path.write_bytes(head + _FRAME + planes)


def read(path: Path) -> Y4mFile:
    """Read the first frame of a file. Raises InputError when it is none of 4:2:0."""
    data = path.read_bytes()
    head, newline, rest = data.partition(b"\n")
    fields = {part[:1]: part[1:] for part in head.removeprefix(_MAGIC).split(b" ")}
    try:
        width, height = int(fields[b"W"]), int(fields[b"H"])
    except (KeyError, ValueError):
        width = height = 0
    size = width * height * 3 // 2
    good = data.startswith(_MAGIC) and newline and rest.startswith(_FRAME)
    if not good or not size or not fields.get(b"C", b"420").startswith(b"420"):
        raise InputError(
            f"{path.name} is no Y4M file of 4:2:0.", "Write it with rcg.capture.lights.y4m.write."
        )
    offset = len(head) + 1 + len(_FRAME)
    planes = data[offset : offset + size]
    if len(planes) != size:
        raise InputError(f"{path.name} ends within its first frame.", "Write it anew.")
    return Y4mFile(width, height, offset, planes)
