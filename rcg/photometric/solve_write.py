"""What ``rcg solve`` writes: the maps as one ``.npz``, their pictures, frames for relighting programs."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from rcg.errors import InputError
from rcg.files import write_for_user
from rcg.photometric.linearise import to_srgb_u8
from rcg.photometric.pictures import centred_grey, encode_normal
from rcg.photometric.types import BoolArray, FloatArray

Picture = npt.NDArray[np.uint8]
_QUALITY = 95


def check_target(out: Path) -> Path:
    """Return OUT with its ending, before any work is done.

    Raises:
        InputError: its folder is missing or cannot be written to, or it is a folder.
    """
    target = out if out.suffix.lower() == ".npz" else out.with_name(out.name + ".npz")
    if target.is_dir() or out.is_dir():
        raise InputError(f"{out} is a folder.", "Give a file's name to --out, as maps.npz.")
    if not target.parent.is_dir():
        raise InputError(f"The folder {target.parent} does not exist.", "Make it, or give another --out.")
    if not os.access(target.parent, os.W_OK):
        raise InputError(f"The folder {target.parent} cannot be written to.", "Give another --out.")
    return target


def write_maps(path: Path, maps: Mapping[str, npt.NDArray[Any]], meta: Mapping[str, Any]) -> None:
    """Write maps and, as JSON text under ``meta``, what they are."""
    arrays = dict(maps) | {"meta": np.array(json.dumps(meta))}
    write_for_user(path, lambda file: np.savez(file, allow_pickle=False, **arrays))


def pictures(maps: Mapping[str, FloatArray], mask: BoolArray) -> dict[str, Picture]:
    """Return each map as a picture (RGB or grey, uint8): normals as x, y, z from 0 to 255, the others from
    their own range.
    """

    def top(values: FloatArray, share: float = 99.0) -> float:
        inside = np.abs(values[mask])
        return max(float(np.percentile(inside, share)) if inside.size else 0.0, 1e-9)

    albedo = maps["albedo"]
    bright = top(albedo if albedo.ndim == 2 else albedo.max(2), 99.5)
    return {
        "normal": encode_normal(maps["normal"]),
        "albedo": to_srgb_u8(np.clip(albedo * np.float32(0.95 / bright), 0, 1)),
        "confidence": _grey(maps["confidence"], 1.0),
        "residual": _grey(maps["residual"], top(maps["residual"])),
        "specular": to_srgb_u8(np.clip(maps["specular"] / np.float32(top(maps["specular"])), 0, 1)),
        "height": centred_grey(maps["height"], top(maps["height"], 99.5)),
        "curvature": centred_grey(maps["curvature"], top(maps["curvature"])),
    }


def _grey(values: FloatArray, full: float) -> Picture:
    return np.asarray(np.clip(np.rint(values * (255 / full)), 0, 255), np.uint8)


def write_pictures(target: Path, shown: Mapping[str, Picture]) -> list[Path]:
    """Write pictures as PNG beside the maps and return their paths."""
    written = []
    for name, array in shown.items():
        path = target.with_name(f"{target.stem}_{name}.png")
        write_for_user(path, lambda file, a=array: file.write(_encoded(".png", a)))  # type: ignore[misc]
        written.append(path)
    return written


def write_relighting(
    target: Path,
    frames: Sequence[tuple[str, Callable[[], Picture]]],
    directions: npt.NDArray[np.float64],
) -> Path:
    """Write the frames as JPEG and their lights as ``.lp`` into a folder that relighting programs open.

    Args:
        target: the maps' file; the folder is named after it.
        frames: name and what draws the frame, (H, W, 3) or (H, W) uint8 sRGB.
        directions: (n, 3) unit vectors.

    Returns:
        The ``.lp`` file: a count, then ``file x y z`` for each frame.
    """
    folder = target.with_name(f"{target.stem}_relight")
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise InputError(
            f"{folder} cannot be made: {error.strerror or error}.", "Give another --out."
        ) from error
    rows = []
    for index, ((name, draw), direction) in enumerate(zip(frames, directions, strict=True), 1):
        file_name = f"{index:03d}_{re.sub(r'[^A-Za-z0-9-]+', '_', name).strip('_') or 'frame'}.jpg"
        data = _encoded(".jpg", draw())
        write_for_user(folder / file_name, lambda file, d=data: file.write(d))  # type: ignore[misc]
        rows.append(f"{file_name} {direction[0]:.6f} {direction[1]:.6f} {direction[2]:.6f}")
    text = f"{len(rows)}\n" + "\n".join(rows) + "\n"
    path = folder / "lights.lp"
    write_for_user(path, lambda file: file.write(text.encode()))
    return path


def _encoded(ending: str, array: Picture) -> bytes:
    picture = array if array.ndim == 2 else np.ascontiguousarray(array[..., ::-1])
    done, data = cv2.imencode(
        ending, picture, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY] if ending == ".jpg" else []
    )
    if not done:
        raise InputError(f"A picture of {array.shape} could not be encoded.", "Give smaller frames.")
    return bytes(data)
