"""Embedded ICC profiles: is this sRGB, is it linear, and how to bring it to sRGB.

Phones save Display P3; taken for sRGB its colours come out pale and a border's edge moves with them.
"""

from __future__ import annotations

import io
import struct

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageCms

_NEARLY_SRGB = 3
"""levels of 255 by which a profile may differ from sRGB anywhere before it is converted"""


def is_linear(icc: bytes) -> bool:
    """Tell whether a profile's tone curve is a straight line (ICC.1:2022, 10.6 and 10.18)."""
    try:
        for index in range(struct.unpack_from(">I", icc, 128)[0]):
            name, at = struct.unpack_from(">4sI", icc, 132 + 12 * index)
            if name not in (b"rTRC", b"gTRC", b"kTRC"):
                continue
            kind = icc[at : at + 4]
            if kind == b"curv":
                count = struct.unpack_from(">I", icc, at + 8)[0]
                return bool(count == 0 or (count == 1 and struct.unpack_from(">H", icc, at + 12)[0] == 256))
            if kind == b"para":
                function, gamma = struct.unpack_from(">HxxI", icc, at + 8)
                return bool(function == 0 and gamma == 65536)
    except struct.error:
        return False
    return False


def to_srgb(pixels: npt.NDArray[np.uint8], icc: bytes) -> tuple[npt.NDArray[np.uint8], str | None]:
    """Bring (H, W, 3) samples to sRGB.

    Returns:
        The samples, and a sentence that says what was done: None where the profile already is sRGB.
    """
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(icc))
        name = ImageCms.getProfileDescription(profile).strip() or "unnamed"
        if profile.profile.xcolor_space.strip() != "RGB":
            return pixels, None  # a grey profile describes brightness only; the samples are taken as they are
        transform = ImageCms.buildTransform(profile, ImageCms.createProfile("sRGB"), "RGB", "RGB")
    except (OSError, ImageCms.PyCMSError, ValueError):
        return pixels, "The embedded colour profile cannot be read; the picture was taken for sRGB."

    def convert(array: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
        image = ImageCms.applyTransform(Image.fromarray(array), transform)
        if image is None:
            raise RuntimeError("the transform returned nothing although it was not asked to work in place")
        return np.asarray(image)

    steps = np.linspace(0, 255, 6).astype(np.uint8)
    cube = np.stack(np.meshgrid(steps, steps, steps, indexing="ij"), -1).reshape(1, -1, 3)
    if np.abs(convert(cube).astype(int) - cube).max() <= _NEARLY_SRGB:
        return pixels, None
    return convert(pixels), f'Converted from the colour profile "{name}" to sRGB.'
