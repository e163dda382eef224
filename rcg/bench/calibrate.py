"""``rcg bench calibrate``: a ball, a white card, a refined ring, and what they are worth, on renders.

The rendered lamps have beams that are aimed aside. The refinement's model is of the same family (a power of
the cosine about an axis), so that its figure is what a lamp like that allows; the flat field's polynomial is
not. The ball's table, lamp and camera are those of :mod:`rcg.photometric.render.ball`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from rcg.bench.table import Table
from rcg.photometric import card_place, chain
from rcg.photometric.calibrate import BallOptions, fit_flat, measure_ball, read_card, refine_lights
from rcg.photometric.render.ball import BallScene, render_ball
from rcg.photometric.render.flat_card import FlatScene, render_flat
from rcg.photometric.solve import solve_normals
from rcg.photometric.types import CardSize, Frame, Lights

Say = Callable[[str], None]
Array = npt.NDArray[np.float64]
COUNT = 8
NAMES = tuple(str(number) for number in range(1, COUNT + 1))


def bench_calibrate(say: Say) -> Table:
    """Measure rendered balls and cards; return the figures."""
    table = Table("rcg bench calibrate (rendered: 8 lights, near, 8-bit balls, lamps with beams)")
    _balls(table, say)
    _places(table, say)
    _cards(table, say)
    return table


def ring(radius: float = 150.0, height: float = 90.0, turn: float = 0.0) -> Array:
    """(8, 3) lights on a ring."""
    angle = np.deg2rad(turn + 360 * np.arange(COUNT) / COUNT)
    return np.column_stack([radius * np.sin(angle), radius * np.cos(angle), np.full(COUNT, height)])


def _balls(table: Table, say: Say) -> None:
    for finish in ("chrome", "black"):
        off: list[float] = []
        share: list[float] = []
        for distance in (None, 300.0):
            for radius, height in ((150.0, 90.0), (120.0, 120.0), (200.0, 60.0)):
                say(f"a {finish} ball under lights at {np.rad2deg(np.arctan2(height, radius)):.0f} degrees")
                scene = BallScene(
                    ring(radius, height), "chrome" if finish == "chrome" else "black",
                    frame_size=(360, 360), width_mm=40, at_mm=(3.0, -4.0), distance_mm=distance,
                )  # fmt: skip
                found = measure_ball([render_ball(scene)], BallOptions(fov_deg=scene.fov_deg))
                directions = np.array([light.direction for light in found.lights])
                wrong = degrees(directions, true_directions(scene))
                off += list(wrong)
                share += list(wrong / np.array([light.se_deg for light in found.lights]))
        table.add(f"{finish} ball, direction of a light, mean", float(np.mean(off)), "deg", "<= 0.5")
        note = f"{np.mean(np.array(share) <= 2):.0%} within twice the error that is told"
        table.add(f"{finish} ball, direction of a light, worst", float(np.max(off)), "deg", "<= 0.5", note)


def _places(table: Table, say: Say) -> None:
    lights = ring()
    scenes = [
        BallScene(lights, frame_size=(480, 520), width_mm=90, ball_mm=20, at_mm=at, distance_mm=300.0)
        for at in ((-28.0, -32.0), (28.0, -32.0), (0.0, 36.0))
    ]
    say("a ball at three places")
    found = measure_ball(
        [render_ball(scene) for scene in scenes], BallOptions(ball_mm=20, fov_deg=scenes[0].fov_deg)
    )
    places = np.array([light.position_mm for light in found.lights])
    off = np.linalg.norm(places - lights, axis=1) / np.linalg.norm(lights, axis=1)
    table.add("ball at three places, place of a light, mean", 100 * float(off.mean()), "% of its distance")
    table.add(
        "ball at three places, place of a light, worst", 100 * float(off.max()), "% of its distance", "<= 5"
    )


def _cards(table: Table, say: Say) -> None:
    told, plane = ring(140, 100, 3), 0.0
    errors: dict[str, list[float]] = {"before": [], "after": []}
    normals: dict[str, list[float]] = {"card": [], "measured": [], "far, card": [], "far, measured": []}
    for seed in range(3):
        say(f"lamps {seed + 1} of 3: a white card and one with relief")
        rng = np.random.default_rng(seed)
        lamps = FlatScene(
            ring(), rng.uniform(0.8, 1.25, COUNT), aim_mm=rng.uniform(-20, 20, (COUNT, 2)), beam=2.0,
            seed=seed, dust=40,
        )  # fmt: skip
        reading = read_card(render_flat(lamps))
        refined = refine_lights(reading, told, ring=True)
        errors["before"].append(float(degrees(told, ring()).mean()))
        errors["after"].append(float(degrees(refined.positions_mm, ring()).mean()))
        frames = render_flat(replace(lamps, albedo=_print, slopes=_relief, dust=0, seed=seed + 10))
        far = ring() / np.linalg.norm(ring(), axis=1)[:, None]
        near = Lights(NAMES, far, ring(), np.ones(COUNT), "rig", True)
        field = fit_flat(reading).field
        for name, lights in (("", near), ("far, ", replace(near, positions_mm=None))):
            wrong, plane = _wrong(frames, lights)
            normals[f"{name}card"].append(wrong)
            normals[f"{name}measured"].append(_wrong(frames, replace(lights, flat_field=field))[0])
    table.add("ring told 10 mm and 3 deg wrong, directions", float(np.mean(errors["before"])), "deg")
    table.add("... refined on a white card", float(np.mean(errors["after"])), "deg")
    note = f"a plane is {plane:.2f} deg off"
    table.add(
        "normals, near lights, flat field from the card itself", _mean(normals["card"]), "deg", "", note
    )
    table.add("... measured on a white card", _mean(normals["measured"]), "deg")
    table.add("normals, directions only, flat field from the card", _mean(normals["far, card"]), "deg")
    table.add("... measured on a white card", _mean(normals["far, measured"]), "deg")


def _print(x: Array, y: Array) -> Array:
    panel = (np.abs(x) < 28) & (np.abs(y) < 40)
    return np.where(panel, 0.4 + 0.25 * np.sin(x / 4) * np.cos(y / 5), 0.85)


def _relief(x: Array, y: Array) -> tuple[Array, Array]:
    """A curl of a third of a millimetre and waves of 6 mm."""
    wave = 2 * np.pi / 6
    return (
        0.0006 * x + 0.02 * np.sin(wave * x) * np.cos(wave * y),
        -0.0002 * y + 0.02 * np.cos(wave * x) * np.sin(wave * y),
    )


def _wrong(frames: list[Frame], lights: Lights) -> tuple[float, float]:
    """Mean angle between solved and true normals inside the card, and that of a plane."""
    scale = 6.0
    maps = chain.measure(frames, lights, CardSize(63, 88, "chosen"), px_per_mm=scale)
    mask = card_place.card_mask(maps.frames.shape[1:3], maps.size, scale)
    used = maps.lights or lights
    solved = solve_normals(
        maps.frames, used, px_per_mm=scale, mask=mask, flat_field=2 if used.flat_field is None else 0
    )
    height, width = mask.shape
    x = np.broadcast_to((np.arange(width) - (width - 1) / 2) / scale, mask.shape)
    y = np.broadcast_to(((height - 1) / 2 - np.arange(height))[:, None] / scale, mask.shape)
    p, q = _relief(x, y)
    truth = np.stack([-p, -q, np.ones_like(p)], -1)
    inside = (np.abs(x) < 29) & (np.abs(y) < 41)
    flat = np.broadcast_to([0.0, 0.0, 1.0], truth.shape)
    return float(degrees(solved.normal, truth)[inside].mean()), float(degrees(flat, truth)[inside].mean())


def true_directions(scene: BallScene) -> Array:
    """(n, 3) from the places on a ball where each light is mirrored to that light."""
    centre, radius = np.array([*scene.at_mm, scene.ball_mm / 2]), scene.ball_mm / 2
    found = []
    for light in scene.positions_mm:
        normal = np.array([0.0, 0.0, 1.0])
        toward = normal
        for _ in range(40):
            point = centre + radius * normal
            toward = (light - point) / np.linalg.norm(light - point)
            eye = np.array([0.0, 0.0, 1.0])
            if scene.distance_mm is not None:
                eye = np.array([0.0, 0.0, scene.distance_mm]) - point
            normal = toward + eye / np.linalg.norm(eye)
            normal = normal / np.linalg.norm(normal)
        found.append(toward)
    return np.array(found)


def degrees(one: npt.ArrayLike, other: npt.ArrayLike) -> Array:
    """(...) angles between vectors (..., 3)."""
    a, b = np.asarray(one, np.float64), np.asarray(other, np.float64)
    cos = (a * b).sum(-1) / np.linalg.norm(a, axis=-1) / np.linalg.norm(b, axis=-1)
    return np.asarray(np.rad2deg(np.arccos(np.clip(cos, -1, 1))))


def _mean(values: list[float]) -> float:
    return float(np.mean(values))
