"""A flat, matte white card under each light, read as patches: where they are and how bright."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rcg.photometric.calibrate.errors import CalibrationError
from rcg.photometric.calibrate.pictures import SATURATED, lit_frames
from rcg.photometric.channels import brightest
from rcg.photometric.locate import locate
from rcg.photometric.mat.locate import locate_on_mat, see_mat
from rcg.photometric.rectify import rectify
from rcg.photometric.solve import CHANNELS
from rcg.photometric.types import BoolArray, CardOutline, CardSize, FloatArray, Frame, Registration

Array = npt.NDArray[np.float64]

CARD_MM = (63.0, 88.0)
_PX_PER_MM = 4.0
_PATCH_MM = 2.5
_MARGIN_MM = 2.5
"""left out along the card's edge, where it is worn, lifted or rounded"""
_MAX_CLIPPED = 0.005
_DARK = 0.02
"""median linear brightness below which noise and the eight bits of a photograph rule"""
_PRINT = 0.06
"""relative scatter within patches that a plain matte card does not have"""


@dataclass(frozen=True)
class CardPlace:
    """How the card is known to lie.

    Attributes:
        width_mm, height_mm: of the card.
        px_per_mm: of the photographs, where the card fills them; the card is not looked for then.
        mat_scale: measured over nominal length of the printed mat's scale bar.
    """

    width_mm: float = CARD_MM[0]
    height_mm: float = CARD_MM[1]
    px_per_mm: float | None = None
    mat_scale: float | None = None


@dataclass(frozen=True)
class CardReading:
    """Patches of the card.

    Attributes:
        names, file_names: of the n frames.
        xy_mm: (m, 2) middles of the patches in the rig's axes.
        log: (n, m) natural logarithm of their linear brightness.
        half_mm: (x, y) half size of the part of the plane that they cover.
        texture: relative scatter of brightness within patches that all lights share, of all frames.
        where: by what the card was placed, in words.
    """

    names: tuple[str, ...]
    file_names: tuple[str, ...]
    xy_mm: Array
    log: Array
    half_mm: tuple[float, float]
    texture: float
    where: str


def read_card(frames: Sequence[Frame], place: CardPlace | None = None, *, threads: int = 1) -> CardReading:
    """Read a white card under each light.

    Args:
        frames: one per light, and an ambient one if there is one.
        place: how the card lies; None: a card of 63 x 88 mm, looked for.
        threads: frames worked on at once.

    Raises:
        CalibrationError: a card that is clipped, too dark, printed or rough; ``data.frame`` names the frame.
        InputError: no card, several, frames that differ in size.
    """
    place = place or CardPlace()
    lit, ambient = lit_frames(frames)
    size, outline, registration, to_rig, where = _placed(lit, place, threads)
    stack = []
    dark = None
    if ambient is not None:
        dark = rectify(ambient, np.eye(3), outline, size, _PX_PER_MM, 0.0)
    for index, frame in enumerate(lit):
        flat = rectify(frame, registration.homographies[index], outline, size, _PX_PER_MM, 0.0)
        inner = _inner(flat.shape)
        _check_exposure(flat, inner, frame)
        stack.append(flat if dark is None else np.maximum(flat - dark, 0))
    grey = np.maximum(np.array(stack) @ np.array(CHANNELS, np.float32), 1e-4)
    centres, medians, texture = _patches(np.asarray(grey, np.float32), _inner(grey.shape[1:]))
    if texture > _PRINT:
        raise CalibrationError(
            "not_plain",
            f"The card's own brightness scatters by {texture:.0%} from point to point.",
            "Use plain, matte, white card without print or texture.",
            texture=round(texture, 4),
        )
    xy = centres @ to_rig[:, :2].T + to_rig[:, 2]
    half = np.abs(xy).max(0) + _PATCH_MM / 2
    return CardReading(
        tuple(frame.name for frame in lit), tuple(frame.file_name for frame in lit), xy, np.log(medians),
        (float(half[0]), float(half[1])), texture, where,
    )  # fmt: skip


def _placed(
    lit: list[Frame], place: CardPlace, threads: int
) -> tuple[CardSize, CardOutline, Registration, Array, str]:
    """Return the card's size and outline, how the frames lie to each other, card to rig axes, by what."""
    height, width = lit[0].pixels.shape[:2]
    if place.px_per_mm is not None:
        size = CardSize(width / place.px_per_mm, height / place.px_per_mm, "scale")
        corners = np.array([(0, 0), (width - 1, 0), (width - 1, height - 1), (0, height - 1)], np.float64)
        still = np.tile(np.eye(3), (len(lit), 1, 1))
        none = np.zeros(len(lit))
        outline = CardOutline(corners, 0.0, 1.0)
        return size, outline, Registration(0, still, none, none), np.eye(2, 3), "the whole picture"
    size = CardSize(place.width_mm, place.height_mm, "chosen")
    poses = see_mat(lit, threads=threads)
    if poses is None:
        outline, registration = locate(lit, place.height_mm / place.width_mm, threads=threads)
        tl, tr, br, bl = outline.corners_px
        across = ((tr - tl) + (br - bl)) * np.array([1, -1])
        return size, outline, registration, _turn(across, np.zeros(2)), "the card's outline"
    outline, registration, pose = locate_on_mat(lit, poses, place.height_mm / place.width_mm, threads=threads)
    tl, tr, br, bl = pose.to_mm(outline.corners_px) * (place.mat_scale or 1.0)
    middle = (tl + tr + br + bl) / 4
    return size, outline, registration, _turn((tr - tl) + (br - bl), middle), "the printed mat"


def _turn(across: Array, middle: Array) -> Array:
    """(2, 3) from card axes to axes in which the card's x axis points along ``across``."""
    cos, sin = across / np.linalg.norm(across)
    return np.array([[cos, -sin, middle[0]], [sin, cos, middle[1]]])


def _inner(shape: tuple[int, ...]) -> BoolArray:
    inner = np.zeros(shape[:2], bool)
    edge = round(_MARGIN_MM * _PX_PER_MM)
    inner[edge:-edge, edge:-edge] = True
    return inner


def _check_exposure(flat: FloatArray, inner: BoolArray, frame: Frame) -> None:
    clipped = float((brightest(flat)[inner] >= SATURATED).mean())
    if clipped > _MAX_CLIPPED:
        raise CalibrationError(
            "clipped",
            f"Frame {frame.name}: {clipped:.1%} of the card is at full scale.",
            "Lower the exposure until the card is light grey in every frame, fix it, and take them again.",
            frame=frame.name,
        )
    level = float(np.median(flat[inner]))
    if level < _DARK:
        raise CalibrationError(
            "too_dark",
            f"Frame {frame.name}: the card is at {level:.1%} of full scale.",
            "Expose longer, see that this light is on, and use a white card.",
            frame=frame.name,
        )


def _patches(grey: FloatArray, inner: BoolArray) -> tuple[Array, Array, float]:
    """Middles (m, 2) in card axes, medians (n, m), and the scatter within patches that all lights share."""
    n, height, width = grey.shape
    size = round(_PATCH_MM * _PX_PER_MM)
    rows, cols = height // size, width // size
    top, left = (height - rows * size) // 2, (width - cols * size) // 2
    cut = (slice(top, top + rows * size), slice(left, left + cols * size))
    whole = inner[cut].reshape(rows, size, cols, size).all(axis=(1, 3))
    blocks = grey[:, cut[0], cut[1]].reshape(n, rows, size, cols, size).transpose(0, 1, 3, 2, 4)
    blocks = blocks.reshape(n, rows, cols, size * size)[:, whole]
    medians = np.median(blocks, axis=-1)
    mean = np.log(blocks).mean(0)
    inside = np.abs(mean - np.median(mean, axis=-1, keepdims=True))
    texture = 1.4826 * float(np.median(np.percentile(inside, 80, axis=-1)) / 1.9)
    at_row, at_col = np.nonzero(whole)
    x = (left + (at_col + 0.5) * size - 0.5 * width) / _PX_PER_MM
    y = (0.5 * height - top - (at_row + 0.5) * size) / _PX_PER_MM
    return np.column_stack([x, y]), np.asarray(medians, np.float64), texture
