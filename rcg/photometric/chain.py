"""From lit frames to maps: locate, register, rectify, subtract ambient light, solve, flatten, integrate.

The one place where the engine's steps meet. Frames are warped one by one, so that 8 frames of 12 MP stay well
under 2.5 GB.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from rcg.errors import InputError
from rcg.photometric import lights as lighting
from rcg.photometric import relief
from rcg.photometric.channels import brightest, darkest
from rcg.photometric.even_light import colour_picture, scaled_albedo
from rcg.photometric.find_errors import FramesDifferError
from rcg.photometric.flatten_frames import enlarged, evening
from rcg.photometric.locate import locate
from rcg.photometric.mat import capture as on_mat
from rcg.photometric.mat.capture import MatCapture
from rcg.photometric.mat.find import MatPose, frame_to_reference
from rcg.photometric.mat.locate import locate_on_mat
from rcg.photometric.rectify import map_shape, rectify
from rcg.photometric.solve import solve_normals
from rcg.photometric.solve_device import Device
from rcg.photometric.solve_foil import solve_foil
from rcg.photometric.types import (
    DEFAULT_PX_PER_MM,
    BoolArray,
    CardOutline,
    CardSize,
    FloatArray,
    Frame,
    Lights,
    Maps,
    Registration,
)

Array = npt.NDArray[np.float64]
Progress = Callable[[float, str], None]

MAX_RESIDUAL_PX = 1.0
"""a frame registered worse than this leaks print edges into the slopes (one pixel doubles the error)"""
HOPELESS_RESIDUAL_PX = 2.5
MIN_FRAMES = 4
SATURATED = 0.985
"""linear share of full scale that counts as saturated: 254 of 255 in sRGB is 0.991"""
_COARSE_PX_PER_MM = 10.0
_AT_ONCE = 2
"""frames rectified side by side: each takes 400 MB meanwhile at 40 px/mm"""
_OVEREXPOSED = 0.5
_MENTION_SATURATED = 0.02
_CORNER_RADIUS_MM = 3.0


class RegistrationError(InputError):
    """Too few frames could be brought into line."""

    code: ClassVar[str] = "frames_do_not_align"


class OverexposedError(InputError):
    """Most of the card is at full scale in every frame."""

    code: ClassVar[str] = "overexposed"


@dataclass
class _Watch:
    """Tells the progress and how long each stage took."""

    progress: Progress | None
    seconds: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str, fraction: float, message: str) -> Iterator[None]:
        if self.progress:
            self.progress(fraction, message)
        began = time.perf_counter()
        yield
        self.seconds[name] = self.seconds.get(name, 0.0) + time.perf_counter() - began


def measure(
    frames: Sequence[Frame],
    lights: Lights | None,
    size: CardSize,
    *,
    px_per_mm: float = DEFAULT_PX_PER_MM,
    margin_mm: float = 3.0,
    camera_px_per_mm: float | None = None,
    mat_scale: float | None = None,
    threads: int = 1,
    device: Device = "auto",
    progress: Progress | None = None,
    registered: Callable[[], None] | None = None,
) -> Maps:
    """Compute the maps of one side.

    Args:
        frames: the photographs, all of one size; one without lights, or three and more with theirs. A frame
            that is named as ambient and has no light is subtracted from the others.
        lights: in the axes of the photograph, or of the mat where that is in view, for the lit frames in
            their order; None for a single photo.
        size: of the card, as chosen or assumed; replaced where the camera's scale is known.
        px_per_mm: scale of the maps; halved where the photographs carry much less.
        margin_mm: background kept on each side.
        camera_px_per_mm: pixels of a frame per millimetre on the card, from the rig.
        mat_scale: measured over nominal length of the printed mat's scale bar; with it a mat in view tells
            the card's size.
        threads: to compute with; the maps do not depend on it.
        device: of the solver; auto takes CUDA where there is one.
        progress: told (0..1, what is being done); may raise to cancel.
        registered: called when the photographs are needed once more only: whoever holds them may let go,
            and each goes when it is rectified. Eight of 12 MP take 290 MB.

    Raises:
        InputError: no card, several, one cut off, frames that differ in size or do not align, overexposure;
            with the mat, frames lit from another side than told, or exposed too unlike.
    """
    watch = _Watch(progress)
    lit, ambient = _split_ambient(frames, lights)
    _check_sizes(frames)
    said: list[str] = []
    with watch.stage("locate", 0.0, "Finding the card"):
        mat = on_mat.read_capture(lit, ambient, lights, threads=threads)
        if mat is not None:
            lit, lights, mat, said = on_mat.without_bad_exposure(lit, lights, mat)
        outline, registration, pose = _located(lit, size.height_mm / size.width_mm, mat, threads)
    seen = lit
    lit, lights, registration, remark = _aligned(lit, lights, registration)
    said += remark
    if mat is not None:
        mat = mat.select([k for k, frame in enumerate(seen) if any(frame is kept for kept in lit)])
    if camera_px_per_mm is not None and (pose is None or mat_scale is None):
        size = _measured_size(outline, camera_px_per_mm)
    elif pose is not None:
        size, remark = on_mat.card_size(outline, pose, size, mat_scale)
        said += remark
    px_per_mm, remark = _map_scale(outline, size, px_per_mm)
    said += remark

    gains = None if mat is None else mat.gains
    still = np.eye(3)
    if mat is not None and mat.ambient is not None and pose is not None:
        still = frame_to_reference(mat.ambient, pose)
    turned = _lights_on_card(lights, mat, pose, outline, mat_scale)
    level = None if turned is None else evening(turned, map_shape(size, px_per_mm, margin_mm), px_per_mm)
    names, warned = tuple(frame.name for frame in lit), [w for frame in lit for w in frame.warnings]
    seen = []
    if registered is not None:
        registered()
    mask = card_mask(map_shape(size, px_per_mm, margin_mm), size, px_per_mm)
    with watch.stage("rectify", 0.3, "Bringing the frames into millimetres"):

        def warp(frame: Frame, homography: Array) -> FloatArray:
            return rectify(frame, homography, outline, size, px_per_mm, margin_mm)

        # An ambient frame may be all but black: unless it shows the mat, the camera stood still.
        dark = None if ambient is None else warp(ambient, still)
        ambient = None
        stack, saturated = _rectified(
            lit, dark, warp, registration.homographies, gains, level, mask, watch, threads
        )
    said += _exposure_remarks(saturated, names)
    maps = Maps(
        px_per_mm=px_per_mm,
        margin_mm=margin_mm,
        size=size,
        outline=outline,
        lights=turned,
        registration=registration,
        frames=stack,
        frame_names=names,
        albedo=stack[0],
        colour=np.zeros((1, 1, 3), np.uint8),
        normal=None,
        height_um=None,
        curvature=None,
        specular=None,
        confidence=None,
        saturated=float(np.mean(saturated)),
        seconds=watch.seconds,
        notes=tuple(_notes(mat, pose, size, single=lights is None)),
    )
    with watch.stage("colour", 0.5, "Evening out the light"):
        maps = replace(maps, colour=colour_picture(stack, mask, threads=threads))
        if turned is None:
            maps = replace(maps, albedo=scaled_albedo(stack[0], mask))
    if turned is not None:
        maps = _with_relief(maps, turned, mask, threads, device, watch)
        said += lighting.remarks(lights) if lights is not None else []
    said += [] if mat is None else mat.remarks()
    said = [*warned, *outline.warnings, *said]
    return replace(maps, warnings=tuple(dict.fromkeys(said)))


def card_rotation_deg(outline: CardOutline) -> float:
    """Return the angle from the photograph's x axis to the card's, counter-clockwise in the picture."""
    top_left, top_right, bottom_right, bottom_left = outline.corners_px
    x_axis = (top_right - top_left) + (bottom_right - bottom_left)
    return float(np.rad2deg(np.arctan2(-x_axis[1], x_axis[0])))


def card_mask(shape: tuple[int, ...], size: CardSize, px_per_mm: float) -> BoolArray:
    """Return the (H, W) pixels that are card: the rectangle with corners rounded to the usual 3 mm."""
    h, w = shape[:2]
    x = np.abs(np.arange(w) - (w - 1) / 2) / px_per_mm
    y = np.abs(np.arange(h) - (h - 1) / 2) / px_per_mm
    over_x = np.maximum(x - (size.width_mm / 2 - _CORNER_RADIUS_MM), 0)
    over_y = np.maximum(y - (size.height_mm / 2 - _CORNER_RADIUS_MM), 0)
    return np.asarray(np.hypot(over_x[None, :], over_y[:, None]) <= _CORNER_RADIUS_MM)


def _split_ambient(frames: Sequence[Frame], lights: Lights | None) -> tuple[list[Frame], Frame | None]:
    known = set(lights.names) if lights is not None else {frame.name for frame in frames}
    lit = [f for f in frames if f.name in known or not lighting.is_ambient(f.name)]
    ambient = [f for f in frames if f not in lit] if len(lit) < len(frames) else []
    if lights is None and len(lit) != 1:
        raise InputError(
            f"{len(lit)} frames came without lights.",
            "Give one photograph, or four and more with their lights.",
        )
    if lights is not None and len(lit) != len(lights):
        raise InputError(f"{len(lit)} frames came for {len(lights)} lights.", "Give one frame per light.")
    if len(ambient) > 1:
        raise InputError(
            f"Several frames are ambient: {', '.join(f.file_name for f in ambient)}.", "Keep one."
        )
    return lit, ambient[0] if ambient else None


def _check_sizes(frames: Sequence[Frame]) -> None:
    def described(frame: Frame) -> str:
        return f"{frame.file_name} ({frame.pixels.shape[1]} x {frame.pixels.shape[0]})"

    for frame in frames[1:]:
        if frame.pixels.shape != frames[0].pixels.shape:
            raise FramesDifferError(described(frames[0]), described(frame))


def _located(
    lit: list[Frame], aspect: float, mat: MatCapture | None, threads: int
) -> tuple[CardOutline, Registration, MatPose | None]:
    try:
        if mat is not None:
            return locate_on_mat(lit, mat.poses, aspect, threads=threads)
        return *locate(lit, aspect, threads=threads), None
    except InputError as error:
        shares = [float((darkest(frame.pixels) >= 0.99 * frame.full_scale).mean()) for frame in lit]
        if min(shares) > _OVEREXPOSED:
            raise _overexposed(shares, "picture") from error
        raise


def _aligned(
    lit: list[Frame], lights: Lights | None, registration: Registration
) -> tuple[list[Frame], Lights | None, Registration, list[str]]:
    """Leave out the frames that could not be brought into line, as long as four remain."""
    residual = registration.residual_px
    bad = [i for i in range(len(lit)) if residual[i] > MAX_RESIDUAL_PX and i != registration.reference]
    if not bad or lights is None:
        return lit, lights, registration, []
    keep = [i for i in range(len(lit)) if i not in bad]
    names = ", ".join(f"{lit[i].name} ({residual[i]:.1f} px)" for i in bad)
    if len(keep) >= MIN_FRAMES:
        kept = Registration(
            keep.index(registration.reference),
            registration.homographies[keep],
            residual[keep],
            registration.shift_px[keep],
        )
        said = f"Left out, because they could not be brought into line with the others: {names}."
        return [lit[i] for i in keep], lighting.select(lights, keep), kept, [said]
    if max(residual[i] for i in bad) > HOPELESS_RESIDUAL_PX:
        raise RegistrationError(
            f"These frames could not be brought into line with the rest: {names}; {len(keep)} would remain.",
            "Fix the phone and do not touch the card between the frames; then take them again.",
        )
    return (
        lit,
        lights,
        registration,
        [f"Frames are not fully in line: {names}; print edges may show as relief."],
    )


def _lights_on_card(
    lights: Lights | None,
    mat: MatCapture | None,
    pose: MatPose | None,
    outline: CardOutline,
    mat_scale: float | None,
) -> Lights | None:
    """Turn the lights into the card's axes: from the mat's where it is in view, else the photograph's."""
    if lights is None or mat is None or pose is None:
        return None if lights is None else lighting.rotate(lights, -card_rotation_deg(outline))
    return on_mat.lights_on_card(lights, mat, pose, outline, mat_scale)


def _notes(mat: MatCapture | None, pose: MatPose | None, size: CardSize, *, single: bool) -> list[str]:
    """Say by which path the frames came together, and what is less sure without the mat."""
    if mat is not None and pose is not None:
        return mat.notes(pose)
    if not single:
        return [on_mat.NO_MAT]
    return [] if size.source == "scale" else [on_mat.NO_MAT_SINGLE]


def _measured_size(outline: CardOutline, camera_px_per_mm: float) -> CardSize:
    """Return the card's size by the camera's scale, to 0.01 mm."""
    tl, tr, br, bl = outline.corners_px
    width = (np.linalg.norm(tr - tl) + np.linalg.norm(br - bl)) / 2 / camera_px_per_mm
    height = (np.linalg.norm(bl - tl) + np.linalg.norm(br - tr)) / 2 / camera_px_per_mm
    if not (20 <= width <= 300 and 20 <= height <= 300):
        raise InputError(
            f"At the rig's scale of {camera_px_per_mm:g} px/mm the card is {width:.1f} x {height:.1f} mm.",
            "Correct camera.px_per_mm in the rig file.",
        )
    return CardSize(round(float(width), 2), round(float(height), 2), "scale")


def _map_scale(outline: CardOutline, size: CardSize, px_per_mm: float) -> tuple[float, list[str]]:
    """Halve the maps' scale where the photograph carries much less, and say so."""
    x, y = outline.corners_px.T
    area = 0.5 * abs(float(np.dot(x, np.roll(y, 1)) - np.dot(y, np.roll(x, 1))))
    carried = float(np.sqrt(area / (size.width_mm * size.height_mm)))
    if carried >= px_per_mm / 2:
        return px_per_mm, []
    said = f"The photograph carries {carried:.1f} pixels per millimetre of card; 20 and more show fine wear."
    return min(px_per_mm, _COARSE_PX_PER_MM), [said]


def _rectified(
    lit: list[Frame],
    dark: FloatArray | None,
    warp: Callable[[Frame, Array], FloatArray],
    homographies: Array,
    gains: Array | None,
    level: FloatArray | None,
    mask: BoolArray,
    watch: _Watch,
    threads: int,
) -> tuple[FloatArray, list[float]]:
    """Return the (n, H, W, 3) frames on the card, ambient light taken off, flat field and exposures evened,
    and their saturated shares. ``lit`` is emptied: each photograph goes when it was brought there."""
    count = len(lit)
    if not count:
        raise InputError("No frame came.", "Give one photograph, or four and more.")
    stack: FloatArray = np.empty((count, *mask.shape, 3), np.float32)

    def bring(index: int, frame: Frame) -> float:
        flat = warp(frame, homographies[index])
        share = float((brightest(flat)[mask] >= SATURATED).mean())
        lit_alone = flat if dark is None else np.maximum(flat - dark, 0)
        if level is not None:
            lit_alone = on_mat.evened(lit_alone, enlarged(level[index], mask.shape), SATURATED)
        stack[index] = lit_alone if gains is None else on_mat.evened(lit_alone, gains[index], SATURATED)
        return share

    saturated: list[float] = []
    with ThreadPoolExecutor(max(1, min(threads, _AT_ONCE))) as pool:
        coming = [pool.submit(bring, index, lit.pop(0)) for index in range(count)]
        try:
            for index, one in enumerate(coming):
                saturated.append(one.result())
                if watch.progress:
                    watch.progress(0.3 + 0.2 * (index + 1) / count, "Bringing the frames into millimetres")
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return stack, saturated


def _exposure_remarks(saturated: list[float], names: Sequence[str]) -> list[str]:
    if min(saturated) > _OVEREXPOSED:
        raise _overexposed(saturated, "card")
    bright = [
        f"{name} ({share:.0%})"
        for name, share in zip(names, saturated, strict=True)
        if share > _MENTION_SATURATED
    ]
    return [f"Overexposed parts of the card, by frame: {', '.join(bright)}."] if bright else []


def _overexposed(shares: Sequence[float], what: str) -> OverexposedError:
    return OverexposedError(
        f"The {what} is overexposed: {min(shares):.0%} or more of it is at full scale in every frame.",
        "Lower the exposure until the white borders are just below white, fix it, and take the frames again.",
    )


def _with_relief(
    maps: Maps, lights: Lights, mask: BoolArray, threads: int, device: Device, watch: _Watch
) -> Maps:
    scale = maps.px_per_mm
    with watch.stage("solve", 0.6, "Solving normals"):
        # With a flat field measured, the card tells nothing but the frames' exposures: its curl stays.
        order = 2 if lights.flat_field is None else 0
        solution = solve_normals(
            maps.frames,
            lights,
            px_per_mm=scale,
            mask=mask,
            threads=threads,
            flat_field=order,
            device=device,
        )
        solve_foil(solution, maps.frames, lights, px_per_mm=scale, mask=mask, threads=threads)
    with watch.stage("relief", 0.8, "Computing relief"):
        normal = relief.flatten(solution.normal, mask, scale, threads=threads, out=solution.normal)
        curvature = relief.mean_curvature(normal, scale, mask=mask, threads=threads)
        height = relief.height_um(normal, mask, scale, threads=threads)
    if watch.progress:
        watch.progress(1.0, "Maps are done")
    return replace(
        maps,
        normal=normal,
        curvature=curvature,
        height_um=height,
        albedo=solution.albedo,
        specular=solution.specular,
        confidence=solution.confidence,
        residual=solution.residual,
        notes=(*maps.notes, solution.note) if solution.note else maps.notes,
    )
