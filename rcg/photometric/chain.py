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

import numpy as np
import numpy.typing as npt

from rcg.errors import InputError
from rcg.photometric import lights as lighting
from rcg.photometric import relief
from rcg.photometric.card_place import card_mask, card_rotation_deg, map_scale, measured_size
from rcg.photometric.channels import brightest, darkest
from rcg.photometric.even_light import colour_picture, scaled_albedo
from rcg.photometric.flatten_frames import enlarged, evening
from rcg.photometric.frame_choice import (
    OVEREXPOSED,
    aligned,
    check_sizes,
    exposure_remarks,
    overexposed,
    split_ambient,
)
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

SATURATED = 0.985
"""linear share of full scale that counts as saturated: 254 of 255 in sRGB is 0.991"""
_AT_ONCE = 2
"""frames rectified side by side: each takes 400 MB meanwhile at 40 px/mm"""


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
    lit, ambient = split_ambient(frames, lights)
    check_sizes(frames)
    said: list[str] = []
    with watch.stage("locate", 0.0, "Finding the card"):
        mat = on_mat.read_capture(lit, ambient, lights, threads=threads)
        if mat is not None:
            lit, lights, mat, said = on_mat.without_bad_exposure(lit, lights, mat)
        outline, registration, pose = _located(lit, size.height_mm / size.width_mm, mat, threads)
    seen = lit
    lit, lights, registration, remark = aligned(lit, lights, registration)
    said += remark
    if mat is not None:
        mat = mat.select([k for k, frame in enumerate(seen) if any(frame is kept for kept in lit)])
    if camera_px_per_mm is not None and (pose is None or mat_scale is None):
        size = measured_size(outline, camera_px_per_mm)
    elif pose is not None:
        size, remark = on_mat.card_size(outline, pose, size, mat_scale)
        said += remark
    px_per_mm, remark = map_scale(outline, size, px_per_mm)
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
    said += exposure_remarks(saturated, names)
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


def _located(
    lit: list[Frame], aspect: float, mat: MatCapture | None, threads: int
) -> tuple[CardOutline, Registration, MatPose | None]:
    try:
        if mat is not None:
            return locate_on_mat(lit, mat.poses, aspect, threads=threads)
        return *locate(lit, aspect, threads=threads), None
    except InputError as error:
        shares = [float((darkest(frame.pixels) >= 0.99 * frame.full_scale).mean()) for frame in lit]
        if min(shares) > OVEREXPOSED:
            raise overexposed(shares, "picture") from error
        raise


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
