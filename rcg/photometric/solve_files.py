"""Frames, lights, intensities and masks from files of any kind, for ``rcg solve``."""

from __future__ import annotations

import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from rcg.errors import InputError
from rcg.photometric import images
from rcg.photometric.light_files import LightsError, ListedLights, parse_lp, parse_rig
from rcg.photometric.lights import is_ambient, match, stem
from rcg.photometric.raw import RAW_ENDINGS, is_raw, read_raw
from rcg.photometric.types import Encoding, Frame, Lights

IMAGE_ENDINGS = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff", ".webp"}) | RAW_ENDINGS
Array = npt.NDArray[Any]


@dataclass(frozen=True)
class GivenFrames:
    """Frames as they were read.

    Attributes:
        frames: in the order of the lights, ambient apart.
        ambient: taken with every light off, or None.
        mask: found among the frames, or None.
        ordered: their order is the files'; False for an array.
        notes: what was assumed.
    """

    frames: tuple[Frame, ...]
    ambient: Frame | None
    mask: Array | None
    notes: tuple[str, ...]


def read_frames(paths: Sequence[Path], encoding: Encoding | None, *, want_mask: bool) -> GivenFrames:
    """Read image files, a folder of them, or one ``.npz`` or ``.npy``.

    Files in the alphabetical order of a shell (1, 10, 2) are put into the order of their numbers, and a note
    says so. A file whose name ends in ``mask`` is the mask, where none was given.

    Args:
        paths: files, or one folder.
        encoding: of integer samples; untold, 8 bits are sRGB and 16 bits linear unless the file says.
        want_mask: take a mask from among the files.

    Raises:
        InputError: nothing to read, or a file that cannot be.
    """
    if not paths:
        raise InputError("No frame was given.", "Name the frames, a folder of them, or one .npz file.")
    if len(paths) == 1 and paths[0].suffix.lower() in (".npz", ".npy"):
        return _from_array(paths[0], encoding)
    files = _files(paths)
    notes = []
    numbered = sorted(files, key=_number_order)
    if files == sorted(files) and files != numbered:
        files = numbered
        notes.append(
            f"The frames were put in the order of their numbers: {', '.join(f.name for f in files[:4])}, ..."
        )
    masks = [f for f in files if re.search(r"(^|[._\- ])mask$", f.stem.lower())]
    mask = None
    if masks and want_mask and len(masks) == 1:
        mask = read_mask(masks[0])
        notes.append(f"{masks[0].name} was taken as the mask.")
    frames = [_read_frame(file, encoding) for file in files if file not in masks]
    ambient = [
        frame for frame in frames if is_ambient(stem(frame.file_name)) and stem(frame.file_name) != "0"
    ]
    lit = tuple(frame for frame in frames if frame not in ambient)
    if lit and encoding is None:
        notes.append(_assumed(lit[0]))
    return GivenFrames(lit, ambient[0] if len(ambient) == 1 else None, mask, tuple(notes))


def _files(paths: Sequence[Path]) -> list[Path]:
    if len(paths) == 1 and paths[0].is_dir():
        found = sorted(f for f in paths[0].iterdir() if f.suffix.lower() in IMAGE_ENDINGS and f.is_file())
        if not found:
            raise InputError(
                f"{paths[0]} has no image.", "Give a folder with the frames, one for each light."
            )
        return found
    for path in paths:
        if not path.exists():
            raise InputError(f"{path} does not exist.", "Check the names of the frames.")
        if path.is_dir():
            raise InputError(f"{path} is a folder.", "Give one folder alone, or the files.")
    return list(paths)


def _number_order(path: Path) -> list[tuple[int, int, str]]:
    parts = re.findall(r"\d+|\D+", str(path).lower())
    return [(0, int(part), "") if part.isdigit() else (1, 0, part) for part in parts]


def _read_frame(path: Path, encoding: Encoding | None) -> Frame:
    if is_raw(path):
        return read_raw(path, name=path.stem)
    frame = images.decode(
        path, name=path.stem, file_name=path.name, min_side_px=1, encoding=encoding, any_values=True
    )
    if encoding is None and frame.pixels.dtype == np.uint16 and not frame.warnings:
        frame = replace(frame, encoding="linear")
    return frame


def _assumed(frame: Frame) -> str:
    kind = {"uint8": "8-bit", "uint16": "16-bit"}.get(frame.pixels.dtype.name, "Float")
    other = "--linear" if frame.encoding == "srgb" else "--srgb"
    return (
        f"{kind} samples were taken as {'sRGB' if frame.encoding == 'srgb' else 'linear'} ({other} if not)."
    )


def _from_array(path: Path, encoding: Encoding | None) -> GivenFrames:
    stack = _load_array(path, "images")
    if stack.ndim not in (3, 4):
        raise InputError(
            f"The images in {path.name} are an array of shape {stack.shape}.",
            "Give (n, height, width) or (n, height, width, 3).",
        )
    if stack.dtype in (np.float64, np.float16):
        stack = stack.astype(np.float32)
    chosen: Encoding = encoding or ("srgb" if stack.dtype == np.uint8 else "linear")
    frames = tuple(Frame(str(i + 1), f"{path.name}[{i}]", image, chosen) for i, image in enumerate(stack))
    notes = (_assumed(frames[0]),) if encoding is None and frames else ()
    return GivenFrames(frames, None, None, notes)


def _load_array(path: Path, key: str | None) -> Array:
    """Load an array of a ``.npy``, or one of a ``.npz``, never a pickle."""
    try:
        loaded = np.load(path, allow_pickle=False)
        if isinstance(loaded, np.ndarray):
            return loaded
        with loaded:
            names = list(loaded.files)
            wanted = key if key in names else names[0] if len(names) == 1 else None
            if wanted is None:
                raise InputError(
                    f"{path.name} holds {', '.join(names) or 'nothing'}.", f"Store the array as {key!r}."
                )
            return np.asarray(loaded[wanted])
    except (OSError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise InputError(
            f"{path} cannot be read: {error}.", "Write it with numpy.savez(file, images=...)."
        ) from error


def read_lights(path: Path, frames: GivenFrames) -> tuple[Lights, float | None]:
    """Read a rig, a ``.lp``, a ``.npy``, or rows ``x y z``, and give each frame its light.

    Returns:
        The lights in the frames' order, and the camera's scale in px/mm where a rig tells it.

    Raises:
        LightsError: a file that cannot be read, rows that do not fit the frames, a light of length zero.
    """
    listed = _listed(path)
    names = [frame.file_name for frame in frames.frames]
    if listed.names is None or (len(listed) == len(names) and all("[" in name for name in names)):
        if len(listed) != len(names):
            raise LightsError(
                f"There are {len(names)} frames and {path.name} lists {len(listed)} lights.",
                "Give one row for each frame, in their order, or name the rows.",
            )
        order = list(range(len(names)))
    else:
        order = match(listed, names)
    vectors = listed.vectors[order]
    length = np.linalg.norm(vectors, axis=1)
    if (length < 1e-9).any():
        at = int(np.argmin(length))
        raise LightsError(f"Light {names[at]} has the direction 0 0 0.", "Give its x, y and z.")
    lights = Lights(
        tuple(frame.name for frame in frames.frames),
        vectors / length[:, None],
        vectors if listed.near else None,
        listed.intensities[order],
        "rig" if listed.near else "lp",
        calibrated=True,
    )
    return lights, listed.px_per_mm


def _listed(path: Path) -> ListedLights:
    if path.suffix.lower() in (".npy", ".npz"):
        rows = _load_array(path, "lights").astype(np.float64)
        rows = rows.T if rows.ndim == 2 and rows.shape[0] == 3 != rows.shape[1] else rows
        if rows.ndim != 2 or rows.shape[1] != 3:
            raise LightsError(f"{path.name} holds an array of shape {rows.shape}.", "Give rows x y z.")
        return ListedLights(None, rows, near=False, intensities=np.ones(len(rows)))
    text = _text(path, "light file")
    if path.suffix.lower() == ".toml":
        return parse_rig(text)
    return parse_lp(text if path.suffix.lower() == ".lp" else text.replace(",", " ").replace(";", " "))


def _text(path: Path, what: str) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise InputError(
            f"The {what} {path} cannot be read: {reason}.", "Check its place and kind."
        ) from error


def read_intensities(path: Path, count: int) -> Array:
    """Read (n,) or (n, 3) intensities from text or ``.npy``.

    Raises:
        InputError: rows that are no numbers, or another number of them than frames.
    """
    if path.suffix.lower() in (".npy", ".npz"):
        values = _load_array(path, "intensities").astype(np.float64)
    else:
        rows = [
            line.split("#")[0].replace(",", " ").split()
            for line in _text(path, "intensity file").splitlines()
        ]
        rows = [row for row in rows if row]
        try:
            values = np.array([[float(v) for v in row] for row in rows], np.float64)
        except ValueError as error:
            raise InputError(
                f"{path.name} cannot be read as numbers in rows of one length: {error}.",
                "Write one row for each frame: one number, or red, green and blue.",
            ) from error
    if len(values) != count:
        raise InputError(
            f"{path.name} has {len(values)} rows of intensities and there are {count} frames.",
            "Write one row for each frame.",
        )
    return values


def read_mask(path: Path) -> Array:
    """Read a mask from an image or a ``.npy``: above 0 is the object."""
    if path.suffix.lower() in (".npy", ".npz"):
        return _load_array(path, "mask")
    return images.decode(path, name="mask", file_name=path.name, min_side_px=1, any_values=True).pixels
