"""Raw files of cameras (DNG and others), developed to linear light through the optional ``rawpy``."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from rcg.errors import InputError
from rcg.photometric.types import Frame

RAW_ENDINGS = frozenset(
    {".dng", ".cr2", ".cr3", ".nef", ".nrw", ".arw", ".raf", ".orf", ".rw2", ".pef", ".srw", ".iiq", ".3fr"}
)


def is_raw(path: Path) -> bool:
    """Tell by its ending whether a file is a camera's raw file."""
    return path.suffix.lower() in RAW_ENDINGS


def read_raw(path: Path, *, name: str) -> Frame:
    """Develop a raw file: demosaiced, 16 bit, linear, the camera's white balance, no automatic brightness.

    Args:
        path: the file.
        name: of the light.

    Raises:
        InputError: ``rawpy`` is not installed, or the file cannot be developed.
    """
    try:
        rawpy: Any = import_module("rawpy")
    except ImportError as error:
        raise InputError(
            f"{path.name} is a raw file, and rawpy, which develops them, is not installed.",
            "Install it (pip install 'rcg[raw]'), or develop the file to a linear 16-bit TIFF.",
        ) from error
    try:
        with rawpy.imread(str(path)) as raw:
            pixels = raw.postprocess(
                gamma=(1, 1), no_auto_bright=True, use_camera_wb=True, output_bps=16, user_flip=None
            )
    except (OSError, rawpy.LibRawError) as error:
        raise InputError(
            f"{path.name} cannot be developed: {error}.",
            "Copy it again, or develop it to a 16-bit TIFF.",
        ) from error
    return Frame(name, path.name, np.ascontiguousarray(pixels), "linear")
