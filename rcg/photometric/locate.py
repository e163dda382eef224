"""Where the card is, and how the frames lie to each other: the engine's first step.

Frames are brought roughly into line, the card is found in all of them together, the frames are registered on
the card alone, and the outline is measured on all registered frames at full resolution.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
import numpy.typing as npt

from rcg.errors import InputError
from rcg.photometric.find import BORDER_SHARE, WORKING_PX, FoundCard, find_card, leaves
from rcg.photometric.find_errors import CardCutOffError, FramesDifferError
from rcg.photometric.find_lines import rims
from rcg.photometric.linearise import samples_to_linear, to_srgb_u8
from rcg.photometric.outline import FIRST_REACH_SHARE, Side, corner_sd, refine
from rcg.photometric.outline_geometry import apply, likely_pose, ordered
from rcg.photometric.register import coarse, register
from rcg.photometric.register_gradient import brightness, scaling
from rcg.photometric.types import CardOutline, FloatArray, Frame, Registration

Array = npt.NDArray[np.float64]

_MAX_CLIPPED = 0.02
_BOW_SHARE = 0.3 / 88
"""Bow worth a word, over the long side: 0.3 mm of a card 88 mm high."""
_STRONG_TILT_DEG = 10.0
_LOW_CONFIDENCE = 0.6
_UNSEEN = 0.1
_NEAR_BORDER = 0.01
_LOW_LONG_PX = 700
"""Under this length of the card's long side a border cannot be measured to a tenth of a millimetre (8
px/mm)."""


def locate(frames: Sequence[Frame], aspect: float, *, threads: int = 2) -> tuple[CardOutline, Registration]:
    """Find the single card and register all frames to a reference frame.

    Args:
        frames: one or more photographs of one size, of one card that does not move.
        aspect: height / width of the card, for example 88 / 63. A few per cent off does no harm.
        threads: frames registered at once; the result does not depend on it.

    Raises:
        NoCardError, SeveralCardsError, CardCutOffError: what the picture shows is not one whole card.
        FramesDifferError: the frames differ in size.
        InputError: there is no frame.
    """
    if not frames:
        raise InputError("There is no frame to find a card in.", "Give at least one photograph.")
    for frame in frames[1:]:
        if frame.pixels.shape[:2] != frames[0].pixels.shape[:2]:
            raise FramesDifferError(_described(frames[0]), _described(frame))
    shape = (int(frames[0].pixels.shape[0]), int(frames[0].pixels.shape[1]))
    with ThreadPoolExecutor(max(1, threads)) as pool:
        greys = list(pool.map(brightness, frames))
        reference = choose_reference(greys)
        start = coarse(greys, reference, threads=threads)
        pictures = _working_pictures(frames, start, pool)
        size = (pictures[0].shape[1], pictures[0].shape[0])
        thin = list(pool.map(lambda grey: rims(grey, size), greys))
    to_working = scaling(shape, pictures[0].shape)
    hairs = [_moved(picture, h, to_working) for picture, h in zip(thin, start, strict=True)]
    name = frames[reference].file_name or frames[reference].name
    found = find_card(pictures, aspect, name, [np.max(hairs, axis=0)], threads=threads)
    rough = apply(np.linalg.inv(to_working), found.corners)
    corners, on_its_side = ordered(rough, shape, aspect)
    registration = register(greys, corners, reference, start, threads=threads)
    outline = measured_outline(
        frames, registration, corners, found, aspect, on_its_side=on_its_side, threads=threads
    )
    return outline, registration


def measured_outline(
    frames: Sequence[Frame],
    registration: Registration,
    corners: Array,
    found: FoundCard,
    aspect: float,
    *,
    on_its_side: bool,
    threads: int,
    reach_share: float = FIRST_REACH_SHARE,
) -> CardOutline:
    """Measure the outline on all registered frames at full resolution.

    Args:
        frames: as for :func:`locate`.
        registration: of the frames.
        corners: (4, 2) about where the card is in the reference, clockwise from its top left.
        found: the finder's score and warnings.
        aspect: height / width of the card.
        on_its_side: whether the card's top points to a side of the picture.
        threads: sides fitted at once.
        reach_share: how far from ``corners`` an edge is looked for, over the card's height.

    Raises:
        CardCutOffError: the card leaves the picture.
    """
    reference = frames[registration.reference]
    shape = (int(reference.pixels.shape[0]), int(reference.pixels.shape[1]))
    refined, sides = refine(
        frames, registration.homographies, corners, threads=threads, reach_share=reach_share
    )
    unseen = min(side.inliers for side in sides) < _UNSEEN
    beyond = leaves(refined, shape, _NEAR_BORDER if unseen else BORDER_SHARE)
    if beyond is not None:
        raise CardCutOffError(reference.file_name or reference.name, beyond)
    confidence = _confidence(found.score, sides)
    told = _warnings(refined, sides, shape, aspect, on_its_side=on_its_side)
    if confidence < _LOW_CONFIDENCE:
        told.append(
            f"Low confidence ({confidence:.2f}): check on the picture that the outline lies on the card."
        )
    return CardOutline(
        corners_px=refined,
        corner_sd_px=corner_sd(sides),
        confidence=confidence,
        warnings=(*found.warnings, *told),
    )


def choose_reference(greys: Sequence[FloatArray]) -> int:
    """Return the brightest frame that is not overexposed; of frames alike, the one nearest the middle."""
    small = [grey[::8, ::8] for grey in greys]
    clipped = np.array([(s > 253).mean() for s in small])
    bright = np.array([s.mean() for s in small]) * np.where(clipped > _MAX_CLIPPED + clipped.min(), 0.1, 1.0)
    off_middle = np.abs(np.arange(len(greys)) - (len(greys) - 1) / 2)
    alike = np.flatnonzero(bright >= 0.97 * bright.max())
    return int(alike[np.argmin(off_middle[alike])])


def _described(frame: Frame) -> str:
    h, w = frame.pixels.shape[:2]
    return f"{frame.file_name or frame.name} ({w} x {h})"


def _working_pictures(
    frames: Sequence[Frame], start: Sequence[Array], pool: ThreadPoolExecutor
) -> list[npt.NDArray[np.uint8]]:
    """Return small sRGB copies of the frames, brought roughly into line with the reference."""
    h, w = frames[0].pixels.shape[:2]
    scale = min(1.0, WORKING_PX / max(h, w))
    size = (max(8, round(w * scale)), max(8, round(h * scale)))
    down = scaling((h, w), (size[1], size[0]))
    small = pool.map(lambda frame: _small(frame, size), frames)
    return [_moved(picture, homography, down) for picture, homography in zip(small, start, strict=True)]


def _moved(picture: npt.NDArray[np.uint8], homography: Array, down: Array) -> npt.NDArray[np.uint8]:
    """Bring a small picture into line; ``homography`` is at full size, ``down`` (3, 3) takes full size to
    small."""
    if np.allclose(homography, np.eye(3)):
        return picture
    move = down @ homography @ np.linalg.inv(down)
    size = (picture.shape[1], picture.shape[0])
    return np.asarray(cv2.warpPerspective(picture, move, size, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def _small(frame: Frame, size: tuple[int, int]) -> npt.NDArray[np.uint8]:
    pixels = frame.pixels
    if pixels.dtype == np.uint8 and frame.encoding == "srgb":
        return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)
    small: npt.NDArray[np.generic] = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    return to_srgb_u8(samples_to_linear(np.ascontiguousarray(small), frame.encoding))


def _confidence(score: float, sides: Sequence[Side]) -> float:
    agreed = min(side.inliers for side in sides)
    return float(np.clip(score * min(1.0, agreed / 0.8), 0, 1))


def _warnings(
    corners: Array, sides: Sequence[Side], shape: tuple[int, int], aspect: float, *, on_its_side: bool
) -> list[str]:
    """Return the limits a report must state, as sentences."""
    told = []
    lengths = np.linalg.norm(np.roll(corners, -1, axis=0) - corners, axis=1)
    long_px = float(lengths.max())
    if on_its_side:
        told.append(
            "The card lies on its side in the picture; it was turned so that its top is "
            "the side nearest the picture's top."
        )
    _, _, tilt = likely_pose(corners, shape, aspect)
    if tilt > _STRONG_TILT_DEG:
        told.append(f"Strong perspective: the camera was tilted about {tilt:.0f} degrees against the card.")
    for name, side in zip(("top", "right", "bottom", "left"), sides, strict=True):
        if abs(side.bow_px) > _BOW_SHARE * long_px:
            millimetres = abs(side.bow_px) / long_px * 88
            told.append(f"Bowed edge: the {name} edge is curved by about {millimetres:.1f} mm.")
        if side.clipped > 0.3:
            told.append(f"Overexposed edge: the picture is at full scale along the {name} edge.")
    if long_px < _LOW_LONG_PX:
        told.append(f"Low resolution: the card is only {long_px:.0f} pixels high in the picture.")
    return told
