"""``rcg bench capture``: handheld captures on the printed mat, rendered with their truth, and what is found.

Every set is a card of its own under eight lights: each frame from another place, exposed otherwise, with
noise and 8 bits. Nothing of the truth is told but the rig's positions.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from rcg.bench.phone import Chosen, bench_phone
from rcg.bench.table import Table, percentile
from rcg.errors import RcgError
from rcg.photometric.mat.exposure import measure_exposure
from rcg.photometric.mat.light_order import check_order
from rcg.photometric.mat.locate import locate_on_mat, see_mat
from rcg.photometric.mat.patches import PatchReading, read_patches
from rcg.photometric.render import RenderedSide, draw_scene, render_scene
from rcg.photometric.render.camera import frame_to_card, project
from rcg.photometric.render.handheld import on_mat
from rcg.photometric.types import Registration

Say = Callable[[str], None]
Array = npt.NDArray[np.float64]

FRAME = (1200, 1600)
ASPECT = 88 / 63
FAILED_PX = 0.5
CORNER_SHARE = 0.003
"""of the card's width: the largest corner error that counts as found"""


@dataclass
class Found:
    """What the sets gave.

    Attributes:
        registration_px: error of each frame, mean over the card.
        failures: frames that are worse than half a pixel, and sets that raised.
        corners: per frame, the largest corner error over the card's width; infinite where no card was found.
        exposure: relative error of each frame's exposure after its gain.
        before: spread of exposures of each set before.
        caught, wrong_orders: order errors told of those that were made.
        alarms: sets in the right order that were called wrong.
        seconds: see, locate and register, per set.
    """

    registration_px: list[float] = field(default_factory=list)
    failures: int = 0
    corners: list[float] = field(default_factory=list)
    exposure: list[float] = field(default_factory=list)
    before: list[float] = field(default_factory=list)
    caught: int = 0
    wrong_orders: int = 0
    alarms: int = 0
    seconds: list[float] = field(default_factory=list)


def bench_capture(sets: int, threads: int, say: Say = lambda _: None, phone: Chosen | None = None) -> Table:
    """Render ``sets`` captures and measure what the mat gives; then the phone's page, as chosen."""
    table = Table("rcg bench capture")
    if sets:
        table.title += f" ({sets} rendered handheld sets of 8 frames, {FRAME[0]} x {FRAME[1]})"
        _add_rows(table, _of_the_mat(sets, threads, say))
    if phone is not None:
        bench_phone(phone, table, say)
    return table


def _of_the_mat(sets: int, threads: int, say: Say) -> Found:
    found = Found()
    for seed in range(sets):
        say(f"Set {seed + 1} of {sets} ...")
        scene = on_mat(draw_scene(10_000 + seed, frame_size=FRAME))
        side = render_scene(scene, relief_px_per_mm=12, maps_px_per_mm=5, threads=threads)
        try:
            one_set(side, found, threads)
        except RcgError as error:
            found.failures += 1
            say(f"  failed: {error}")
    return found


def one_set(side: RenderedSide, found: Found, threads: int) -> None:
    """Measure one rendered capture; add what was found."""
    began = time.perf_counter()
    poses = see_mat(side.frames, threads=threads)
    if poses is None:
        found.failures += 1
        return
    _, registration, _ = locate_on_mat(side.frames, poses, ASPECT, threads=threads)
    found.seconds.append(time.perf_counter() - began)
    errors = registration_errors(side, registration)
    found.registration_px += errors
    found.failures += sum(error > FAILED_PX for error in errors)
    for k, (frame, pose) in enumerate(zip(side.frames, poses, strict=True)):
        try:
            corners = locate_on_mat([frame], [pose], ASPECT, threads=1)[0].corners_px
            found.corners.append(corner_error(side, k, corners))
        except (RcgError, ValueError):
            found.corners.append(float("inf"))
    readings = [
        None if pose is None else read_patches(frame, pose)
        for frame, pose in zip(side.frames, poses, strict=True)
    ]
    _exposures(side, readings, found)
    _orders(side, readings, found)


def registration_errors(side: RenderedSide, registration: Registration) -> list[float]:
    """Return each frame's error in reference pixels, mean over the card; the reference frame left out."""
    x, y = np.meshgrid(np.linspace(-30, 30, 9), np.linspace(-42, 42, 11))
    card = np.stack([x.ravel(), y.ravel()], axis=1)
    scene = side.scene
    there = project(np.asarray(np.linalg.inv(frame_to_card(scene, registration.reference)), np.float64), card)
    errors = []
    for k in range(len(registration.homographies)):
        if k != registration.reference:
            seen = project(np.asarray(np.linalg.inv(frame_to_card(scene, k)), np.float64), card)
            moved = project(registration.homographies[k], seen)
            errors.append(float(np.linalg.norm(moved - there, axis=1).mean()))
    return errors


def corner_error(side: RenderedSide, frame: int, corners_px: Array) -> float:
    """Return the largest distance of the corners from the true ones in a frame, over the card's width."""
    half = np.array([side.scene.cut.width_mm, side.scene.cut.height_mm]) / 2
    card = half * np.array([(-1, 1), (1, 1), (1, -1), (-1, -1)])
    true = project(np.asarray(np.linalg.inv(frame_to_card(side.scene, frame)), np.float64), card)
    width = float(np.linalg.norm(true[1] - true[0]))
    return float(np.linalg.norm(corners_px - true, axis=1).max()) / width


def wrong_orders(count: int) -> Iterator[tuple[str, list[int]]]:
    """Yield orders of ``count`` frames that a person gets wrong: what light each frame was really taken
    under."""
    right = list(range(count))
    for a, b in itertools.combinations(right, 2):
        swapped = right.copy()
        swapped[a], swapped[b] = b, a
        yield f"{a + 1} and {b + 1} swapped", swapped
    for a in right:
        yield f"{a + 1} taken twice", [k if k != (a + 1) % count else a for k in right]
        yield f"{a + 1} left out, all later ones moved up", [*right[:a], *right[a + 1 :], right[a]]
    yield "begun at 2", [*right[1:], 0]
    yield "the other way round", [0, *right[:0:-1]]


def _orders(side: RenderedSide, readings: Sequence[PatchReading | None], found: Found) -> None:
    found.alarms += not check_order(readings, side.lights).right
    for _, order in wrong_orders(len(readings)):
        if order == list(range(len(readings))):
            continue
        found.wrong_orders += 1
        found.caught += not check_order([readings[k] for k in order], side.lights).right


def _exposures(side: RenderedSide, readings: Sequence[PatchReading | None], found: Found) -> None:
    gains = side.scene.sensor.gains
    if gains is None:
        return
    true = gains * side.scene.rig.intensities[:, None]
    level = true.mean(axis=1)
    found.before.append(float(level.max() / level.min() - 1))
    left = np.log(measure_exposure(readings, side.lights).gains * true)
    found.exposure += np.abs(np.expm1(left - np.median(left))).max(axis=1).tolist()


def _add_rows(table: Table, found: Found) -> None:
    px = found.registration_px
    mean = float(np.mean(px)) if px else float("nan")
    table.add("registration, mean", mean, "px", "<= 0.15", f"99th percentile {percentile(px, 99):.3f} px")
    table.add("registration, worst frame", max(px, default=float("nan")), "px", f"<= {FAILED_PX}")
    table.add("failures", found.failures, "", "0", f"a set refused, or a frame beyond {FAILED_PX} px")
    good = [error <= CORNER_SHARE for error in found.corners]
    share = 100 * float(np.mean(good)) if good else float("nan")
    usual = 100 * percentile(found.corners, 50)
    table.add(
        "corners found, frame by frame", share, "%", ">= 99", f"within 0.3 % of width; median {usual:.3f} %"
    )
    caught = 100 * found.caught / max(found.wrong_orders, 1)
    table.add("order errors caught", caught, "%", "100", f"{found.wrong_orders} made: swaps, repeats, shifts")
    table.add("right orders called wrong", found.alarms, "sets", "0")
    before = 100 * (max(found.before) if found.before else float("nan"))
    worst = 100 * max(found.exposure, default=float("nan"))
    table.add("exposure drift left, worst frame", worst, "%", "<= 2", f"before up to {before:.0f} %")
    table.add("see, find, register 8 frames", percentile(found.seconds, 50), "s", "", "median of a set")
