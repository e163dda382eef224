"""Find the card in its place on the mat; bring the frames into line by the mat, then by the card's print."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import ClassVar

import cv2
import numpy as np
import numpy.typing as npt

from rcg.errors import InputError
from rcg.photometric.find import WORKING_PX, FoundCard, find_card, outermost, ranked_quads
from rcg.photometric.find_errors import CardCutOffError, NoCardError
from rcg.photometric.find_lines import cues, find_lines
from rcg.photometric.linearise import samples_to_linear, to_srgb_u8
from rcg.photometric.locate import choose_reference, measured_outline
from rcg.photometric.mat import layout
from rcg.photometric.mat.find import MatPose, find_mat, frame_to_reference, grey_of
from rcg.photometric.outline_geometry import apply, ordered
from rcg.photometric.register import coarse, register
from rcg.photometric.register_gradient import brightness, scaling
from rcg.photometric.types import CardOutline, FloatArray, Frame, Registration

Array = npt.NDArray[np.float64]

_INSIDE_MM = 0.6
"""kept off the field's rim, which would look like a card's edge"""
_HOLE_MM = 1.0
_REACH_SHARE = 0.007
"""Over the card's height: half of what is usual, because the card is found from straight above on an even
field; the print's own frame, 2 mm inside, stays out of reach."""
_SIZE = 0.06
"""by which a card's sides may differ from those of a standard card to be taken for one at first sight"""
_GOOD = 0.62
_MOVED_PX = 3.0
"""Disagreement of mat and print over the card; then the card has moved on the mat, or lies above it."""
_LOOKED = 2


class OffPlaceError(InputError):
    """The mat is there, and no whole card in its place."""

    code: ClassVar[str] = "card_off_its_place"


def see_mat(frames: Sequence[Frame], *, threads: int = 1) -> list[MatPose | None] | None:
    """Look for the mat in every frame of a capture.

    Returns:
        A pose per frame, None for a frame in which it is not seen; None when the capture has no mat: two
        frames lit from other sides are looked at before it is given up.

    Raises:
        SeveralMatsError: two mats are in one picture.
    """

    def one(frame: Frame) -> MatPose | None:
        return find_mat(grey_of(frame))

    n = len(frames)
    first = list(dict.fromkeys([0, n // 2]))[:_LOOKED]
    found = {k: one(frames[k]) for k in first}
    if all(pose is None for pose in found.values()):
        return None
    rest = [k for k in range(n) if k not in found]
    with ThreadPoolExecutor(max(1, threads)) as pool:
        found |= dict(zip(rest, pool.map(lambda k: one(frames[k]), rest), strict=True))
    return [found[k] for k in range(n)]


def locate_on_mat(
    frames: Sequence[Frame], poses: Sequence[MatPose | None], aspect: float, *, threads: int = 2
) -> tuple[CardOutline, Registration, MatPose]:
    """Find the card on the mat and register all frames to a reference frame.

    Args:
        frames: one or more photographs of one size.
        poses: the mat in each, from :func:`see_mat`; not all None.
        aspect: height / width of the card.
        threads: frames worked on at once; the result does not depend on it.

    Returns:
        The outline, the registration, and the mat in the reference frame.

    Raises:
        OffPlaceError: no whole single card lies in the dark field.
        CardCutOffError: the card leaves the picture.
    """
    with ThreadPoolExecutor(max(1, threads)) as pool:
        greys = list(pool.map(brightness, frames))
        seen = [k for k, pose in enumerate(poses) if pose is not None]
        reference = seen[choose_reference([greys[k] for k in seen])]
        on_mat = poses[reference]
        if on_mat is None:
            raise ValueError("the mat is in no frame")
        pictures = list(pool.map(lambda k: _field(frames[k], poses[k]), seen))
    name = frames[reference].file_name or frames[reference].name
    found = _found(pictures, pictures[seen.index(reference)], aspect, name)
    shape = (int(pictures[0].shape[0]), int(pictures[0].shape[1]))
    on_field, on_its_side = ordered(found.corners, shape, aspect)
    corners = on_mat.to_px(apply(np.linalg.inv(_to_working()), on_field))
    start = _starts(greys, poses, reference)
    registration = register(greys, corners, reference, start, threads=threads)
    registration = _checked(registration, poses, start, corners)
    outline = measured_outline(
        frames,
        registration,
        corners,
        found,
        aspect,
        on_its_side=on_its_side,
        threads=threads,
        reach_share=_REACH_SHARE,
    )
    return outline, registration, on_mat


def moved_px(registration: Registration, poses: Sequence[MatPose | None], corners: Array) -> Array:
    """Return (n,) px by which mat and print disagree over the card, in the reference; NaN without the mat."""
    on_mat = poses[registration.reference]
    moved = np.full(len(poses), np.nan)
    for k, pose in enumerate(poses):
        if pose is None or on_mat is None:
            continue
        by_mat = apply(np.linalg.inv(frame_to_reference(pose, on_mat)), corners)
        by_print = apply(np.linalg.inv(registration.homographies[k]), corners)
        moved[k] = float(np.linalg.norm(by_mat - by_print, axis=1).mean())
    return moved


def _starts(greys: Sequence[FloatArray], poses: Sequence[MatPose | None], reference: int) -> list[Array]:
    """Return n homographies frame -> reference: by the mat, and by features where it is not seen."""
    on_mat = poses[reference]
    starts: list[Array] = []
    for k, pose in enumerate(poses):
        if k == reference:
            starts.append(np.eye(3))
        elif pose is not None and on_mat is not None:
            starts.append(frame_to_reference(pose, on_mat))
        else:
            starts.append(coarse([greys[reference], greys[k]], 0)[1])
    return starts


def _checked(
    registration: Registration, poses: Sequence[MatPose | None], start: Sequence[Array], corners: Array
) -> Registration:
    """Hold the print's registration against the mat's, and take the mat's where print tells nothing."""
    moved = moved_px(registration, poses, corners)
    homographies = registration.homographies.copy()
    residual = registration.residual_px.copy()
    on_mat = poses[registration.reference]
    for k, pose in enumerate(poses):
        if pose is None or on_mat is None or k == registration.reference:
            continue
        if not np.isfinite(residual[k]):
            # A card without print to go by: the mat's own corners say how well it fits.
            if moved[k] > 1.0:
                homographies[k] = start[k]
            residual[k] = float(np.hypot(pose.residual_px, on_mat.residual_px))
        elif moved[k] > _MOVED_PX and residual[k] > 1.0:
            homographies[k] = start[k]
    return replace(registration, homographies=homographies, residual_px=residual)


def _window() -> tuple[float, float]:
    return layout.FIELD_MM[0] - 2 * _INSIDE_MM, layout.FIELD_MM[1] - 2 * _INSIDE_MM


def _working_size() -> tuple[int, int]:
    w, h = _window()
    scale = WORKING_PX / max(w, h)
    return round(w * scale), round(h * scale)


def _to_working() -> Array:
    """(3, 3) from mat millimetres to pixels of the upright picture of the field."""
    (w, h), (columns, rows) = _window(), _working_size()
    sx, sy = columns / w, rows / h
    return np.array([[sx, 0, (columns - 1) / 2], [0, -sy, (rows - 1) / 2], [0, 0, 1.0]])


def _field(frame: Frame, pose: MatPose | None) -> npt.NDArray[np.uint8]:
    """Return the mat's field seen from straight above, as a small sRGB picture."""
    if pose is None:
        raise ValueError("the frame shows no mat")
    pixels = frame.pixels
    scale = min(1.0, 1.5 * _working_size()[1] / (_window()[1] * pose.px_per_mm))
    if scale < 1:
        size = (round(pixels.shape[1] * scale), round(pixels.shape[0] * scale))
        pixels = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    down = scaling(frame.pixels.shape, pixels.shape)
    move = _to_working() @ np.linalg.inv(pose.homography) @ np.linalg.inv(down)
    flat = cv2.warpPerspective(pixels, move, _working_size(), borderMode=cv2.BORDER_REPLICATE)
    if flat.dtype == np.uint8 and frame.encoding == "srgb":
        return np.asarray(flat, np.uint8)
    return to_srgb_u8(samples_to_linear(np.ascontiguousarray(flat), frame.encoding))


def _of_size(pictures: Sequence[npt.NDArray[np.uint8]], aspect: float) -> FoundCard | None:
    """Return the outermost good quad of a standard card's size: the mat knows the scale, so that a frame
    printed in the card is not taken for a card in a holder."""
    grays = cues(pictures)
    ranked = ranked_quads(grays, find_lines(grays), aspect)
    to_mm = np.linalg.inv(_to_working())
    wanted = np.sort(layout.PLACE_MM)
    fitting = []
    for quad in ranked:
        corners = apply(to_mm, quad.corners)
        sides = np.linalg.norm(np.roll(corners, -1, axis=0) - corners, axis=1)
        size = np.sort([(sides[0] + sides[2]) / 2, (sides[1] + sides[3]) / 2])
        if quad.score >= _GOOD and np.abs(size / wanted - 1).max() < _SIZE:
            fitting.append(quad)
    if not fitting or fitting[0].score < 0.85 * ranked[0].score:
        return None
    card = outermost(fitting)
    return FoundCard(card.corners, card.score)


def _found(
    pictures: Sequence[npt.NDArray[np.uint8]], best: npt.NDArray[np.uint8], aspect: float, name: str
) -> FoundCard:
    """Return the card in pictures of the field, or in the best alone: a card that was pushed between the
    frames shows its edges twice."""
    try:
        try:
            found = _of_size(pictures, aspect) or find_card(pictures, aspect, name)
        except (NoCardError, CardCutOffError):
            if len(pictures) == 1:
                raise
            found = _of_size([best], aspect) or find_card([best], aspect, name)
    except (NoCardError, CardCutOffError) as error:
        raise OffPlaceError(
            f"The mat is in the picture {name}, but no whole card lies in its dark field.",
            f"Lay the card flat in the middle of the field, with dark to be seen all round it; cards of more "
            f"than {layout.LARGEST_CARD_MM[0]:g} x {layout.LARGEST_CARD_MM[1]:g} mm need a capture without "
            "the mat.",
        ) from error
    on_mat = apply(np.linalg.inv(_to_working()), found.corners)
    hole = np.array([(-1, 1), (1, 1), (1, -1), (-1, -1)]) * np.array(layout.HOLE_MM) / 2
    off = np.linalg.norm(on_mat[:, None] - hole[None], axis=-1).min(axis=1)
    if off.max() < _HOLE_MM:
        raise OffPlaceError(
            f"The mat in the picture {name} has no card on it.",
            "Lay the card in the middle of the dark field.",
        )
    return found
