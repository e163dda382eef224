"""Image files become frames: JPEG, PNG (8, 16 bit), TIFF (8, 16 bit, float32), WebP.

The header is judged first, then OpenCV decodes; a file that is cut short is an error, never a grey picture.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any, ClassVar

import cv2
import numpy as np
import numpy.typing as npt

from rcg.errors import InputError
from rcg.photometric import colour_profile
from rcg.photometric.image_header import Header, read_header, read_png_notes
from rcg.photometric.metadata import ACCEPTED, JPEG, PNG, TIFF, WEBP, jpeg_segments, sniff
from rcg.photometric.types import Encoding, Frame

MIN_SIDE_PX = 64
DEFAULT_MAX_MEGAPIXELS = 120.0
_READS = "RCG reads JPEG, PNG, TIFF and WebP."
_WAYS_OUT = {
    "image/heic": "On an iPhone choose Settings, Camera, Formats, Most Compatible; or export it as JPEG.",
    "image/x-canon-cr3": "Develop the raw file to a 16-bit TIFF.",
}

Pixels = npt.NDArray[Any]
"""uint8, uint16 or float32"""


class ImageFileError(InputError):
    """An image file that cannot be used; ``data.file`` names it."""

    code: ClassVar[str] = "unusable_image"


class EmptyFileError(ImageFileError):
    """The file has no bytes."""

    code = "empty_file"


class NotAnImageError(ImageFileError):
    """The bytes are not those of any image."""

    code = "not_an_image"


class UnsupportedFormatError(ImageFileError):
    """An image, but of a kind that RCG does not read."""

    code = "unsupported_format"


class TruncatedImageError(ImageFileError):
    """The file ends before its picture does, or is damaged."""

    code = "truncated_image"


class ImageTooSmallError(ImageFileError):
    """Too few pixels to hold a card."""

    code = "image_too_small"


class ImageTooLargeError(ImageFileError):
    """More pixels than the limit."""

    code = "image_too_large"


class NotFiniteError(ImageFileError):
    """A float image with values that are not numbers, or outside [0, 1]."""

    code = "values_out_of_range"


def decode(
    source: Path | bytes,
    *,
    name: str,
    file_name: str,
    max_megapixels: float = DEFAULT_MAX_MEGAPIXELS,
    min_side_px: int = MIN_SIDE_PX,
    encoding: Encoding | None = None,
    any_values: bool = False,
) -> Frame:
    """Decode one photograph, upright, as RGB.

    Args:
        source: the file or its bytes.
        name: the light it was taken under.
        file_name: for messages.
        max_megapixels: refused above, before decoding.
        min_side_px: refused below; a whole card needs 64, a crop of one less.
        encoding: overrides what the file says. Untold, integers are sRGB unless the file is tagged linear (a
            PNG's gAMA of 1, a profile with a straight tone curve) and float samples are linear.
        any_values: take float samples of any scale, and such as are not numbers, as they are.

    Returns:
        A frame of (H, W, 3) uint8, uint16 or float32. Grey is repeated, alpha is laid on black.

    Raises:
        ImageFileError: one subclass per cause, naming the file, the value and the way out.
    """
    data = source if isinstance(source, bytes) else read_file(source, file_name)
    media_type = _accepted_type(data, file_name)
    header = _checked_header(data, media_type, file_name, max_megapixels, min_side_px)
    pixels = _rgb(_decoded(data, header, file_name))
    if media_type != TIFF:  # OpenCV turns a TIFF upright by itself
        pixels = _upright(pixels, header.orientation)
    if pixels.dtype == np.float32 and not any_values:
        _check_range(pixels, file_name)
    linear = header.linear
    warnings: tuple[str, ...] = ()
    if header.icc and encoding is None:
        linear = colour_profile.is_linear(header.icc)
        if not linear:
            pixels, said = _to_srgb(pixels, header.icc)
            warnings = (f"{file_name}: {said}",) if said else ()
    chosen: Encoding = encoding or ("linear" if linear else "srgb")
    return Frame(name, file_name, np.ascontiguousarray(pixels), chosen, warnings)


def read_file(path: Path, file_name: str) -> bytes:
    """Return a file's bytes; a file that is missing or not readable is an :class:`ImageFileError`."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ImageFileError(
            f"{file_name} cannot be read: {error.strerror or error}.",
            "Check its place and permissions.",
            file=file_name,
        ) from error


def _accepted_type(data: bytes, file_name: str) -> str:
    if not data:
        raise EmptyFileError(f"{file_name} is empty (0 bytes).", "Copy or upload it again.", file=file_name)
    media_type = sniff(data)
    if media_type is None:
        raise NotAnImageError(
            f"{file_name} is not an image: it begins with {data[:8]!r}.",
            f"Give a photograph. {_READS}",
            file=file_name,
        )
    if media_type not in ACCEPTED:
        way_out = _WAYS_OUT.get(media_type, "Export it as JPEG, PNG or TIFF.")
        raise UnsupportedFormatError(
            f"{file_name} is of the kind {media_type}, which RCG does not read.",
            f"{way_out} {_READS}",
            file=file_name,
        )
    return media_type


def _checked_header(
    data: bytes, media_type: str, file_name: str, max_megapixels: float, min_side_px: int
) -> Header:
    """Judge the size by the header alone, then check that the file is whole where its structure tells."""
    try:
        header = read_header(data, media_type)
        _check_size(header, file_name, max_megapixels, min_side_px)
        if header.unsupported:
            raise UnsupportedFormatError(
                f"{file_name} is {header.unsupported}, which RCG does not read.",
                "Export it as an RGB JPEG, PNG, or TIFF of 8, 16 or float 32 bits.",
                file=file_name,
            )
        if media_type == JPEG:
            for _ in jpeg_segments(data):
                pass
        elif media_type == PNG:
            header = read_png_notes(data, header)
    except (ValueError, KeyError, IndexError, struct.error, StopIteration) as error:
        raise _truncated(file_name, len(data)) from error
    if media_type == WEBP and 8 + int.from_bytes(data[4:8], "little") > len(data) + 1:
        raise _truncated(file_name, len(data))
    return header


def _check_size(header: Header, file_name: str, max_megapixels: float, min_side_px: int) -> None:
    width, height = header.width, header.height
    if min(width, height) < min_side_px:
        raise ImageTooSmallError(
            f"{file_name} is {width} x {height} pixels; at least {min_side_px} on each side are needed.",
            "Give the photograph itself, not its thumbnail.",
            file=file_name,
        )
    megapixels = width * height / 1e6
    if megapixels > max_megapixels:
        raise ImageTooLargeError(
            f"{file_name} is {width} x {height} pixels ({megapixels:.0f} MP); at most {max_megapixels:g} MP.",
            "Crop or scale it, or raise limits.image_megapixels in config/rcg.toml.",
            file=file_name,
        )


def _truncated(file_name: str, size: int) -> TruncatedImageError:
    return TruncatedImageError(
        f"{file_name} is cut short or damaged ({size} bytes came).",
        "Copy or upload it again from where it came.",
        file=file_name,
    )


def _decoded(data: bytes, header: Header, file_name: str) -> Pixels:
    # libtiff and libpng write to stderr through OpenCV's log; what they say comes out as our own error.
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    except cv2.error as error:
        raise _truncated(file_name, len(data)) from error
    if pixels is None or sorted(pixels.shape[:2]) != sorted((header.width, header.height)):
        raise _truncated(file_name, len(data))
    return pixels


def _rgb(pixels: Pixels) -> Pixels:
    if pixels.ndim == 2:
        return np.repeat(pixels[..., None], 3, axis=2)
    if pixels.shape[2] == 1:
        return np.repeat(pixels, 3, axis=2)
    if pixels.shape[2] == 4:
        alpha = pixels[..., 3:]
        full = 1.0 if pixels.dtype == np.float32 else float(np.iinfo(pixels.dtype).max)
        if alpha.min() < full:
            opaque = alpha.astype(np.float32) / np.float32(full)
            pixels = (pixels[..., :3] * opaque).astype(pixels.dtype)
    return pixels[..., 2::-1]


def _upright(pixels: Pixels, orientation: int) -> Pixels:
    """Undo Exif orientation 1..8 (Exif 2.32, 4.6.4)."""
    if orientation in (5, 6, 7, 8):
        pixels = pixels.swapaxes(0, 1)
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    return pixels


def _check_range(pixels: npt.NDArray[np.float32], file_name: str) -> None:
    if not np.isfinite(pixels).all():
        bad = int(pixels.size - np.isfinite(pixels).sum())
        raise NotFiniteError(
            f"{file_name} has {bad} samples that are not numbers (NaN or infinite).",
            "Write the image again without them.",
            file=file_name,
        )
    low, high = float(pixels.min()), float(pixels.max())
    if low < -0.01 or high > 1.0001:
        raise NotFiniteError(
            f"{file_name} has float samples from {low:.3g} to {high:.3g}; RCG takes 0 to 1.",
            "Divide them by the value of a saturated sample.",
            file=file_name,
        )
    np.clip(pixels, 0, 1, out=pixels)


def _to_srgb(pixels: Pixels, icc: bytes) -> tuple[Pixels, str | None]:
    if pixels.dtype == np.uint8:
        return colour_profile.to_srgb(np.ascontiguousarray(pixels), icc)
    sample = (pixels[:1, :1] // 257 if pixels.dtype == np.uint16 else pixels[:1, :1] * 255).astype(np.uint8)
    _, said = colour_profile.to_srgb(np.ascontiguousarray(sample), icc)
    if said and said.startswith("Converted"):
        said = "The colour profile is not sRGB; 16-bit samples are kept as they are, so colours may be pale."
    return pixels, said
