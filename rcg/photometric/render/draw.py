"""Draw a plausible scene from a seed: what a collector would put under a ring of lights at home."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from rcg.errors import InputError
from rcg.grading.schema import SideName
from rcg.photometric.render.scene import (
    FRAME_HEIGHT,
    FRAME_WIDTH,
    Camera,
    Colour,
    Cut,
    Dent,
    Place,
    Print,
    Rig,
    Scene,
    Scratch,
    Sensor,
    Surface,
    Table,
    Whitening,
)

BORDERS: dict[str, Colour] = {
    "yellow": (0.80, 0.61, 0.06),
    "white": (0.84, 0.84, 0.81),
    "black": (0.028, 0.028, 0.030),
    "blue": (0.03, 0.08, 0.31),
    "silver-grey": (0.47, 0.48, 0.50),
}
PANELS: tuple[Colour, ...] = (
    (0.45, 0.06, 0.05),
    (0.08, 0.30, 0.08),
    (0.05, 0.12, 0.42),
    (0.70, 0.55, 0.35),
    (0.25, 0.08, 0.35),
    (0.05, 0.30, 0.32),
    (0.07, 0.07, 0.08),
    (0.78, 0.74, 0.62),
)
TABLES: tuple[tuple[str, Colour, float, float], ...] = (
    ("white table", (0.72, 0.71, 0.69), 0.0, 0.02),
    ("oak table", (0.36, 0.22, 0.11), 0.03, 0.12),
    ("grey cloth", (0.20, 0.20, 0.21), 0.22, 0.08),
    ("green cloth", (0.05, 0.16, 0.09), 0.22, 0.08),
    ("dark box", (0.018, 0.018, 0.019), 0.0, 0.10),
    ("blue mat", (0.06, 0.11, 0.22), 0.08, 0.04),
)
LUMA = np.array([0.2126, 0.7152, 0.0722])
_PARTS = {"print": 1, "surface": 2, "rig": 3, "camera": 4, "table": 5}


def draw_scene(
    seed: int,
    *,
    side: SideName = "front",
    n_lights: int = 8,
    frame_size: tuple[int, int] = (FRAME_WIDTH, FRAME_HEIGHT),
    px_per_mm: float | None = None,
) -> Scene:
    """Draw a scene. The same arguments give the same scene; the print and the surface do not depend on the
    lights.

    Args:
        seed: any non-negative integer.
        side: ``"front"`` or ``"back"``.
        n_lights: three or more; light 1 is at the top, the others follow clockwise.
        frame_size: width and height of the frames in pixels.
        px_per_mm: scale at the card's centre; by default the card fills about 88 % of the frame.

    Raises:
        InputError: fewer than three lights, a negative seed, or a frame that the card does not fit.
    """
    if seed < 0:
        raise InputError(f"The seed is {seed}.", "Give a seed of 0 or more.")
    if n_lights < 3:
        raise InputError(
            f"{n_lights} lights were asked for.",
            "Surface relief needs three lights or more; eight is normal.",
        )
    cut = Cut()
    streams = {
        name: np.random.default_rng([seed, 0 if side == "front" else 1, part])
        for name, part in _PARTS.items()
    }
    printed = _draw_print(streams["print"], cut, side)
    surface, cut = _draw_surface(streams["surface"], cut)
    return Scene(
        seed=seed,
        side=side,
        cut=cut,
        print=printed,
        surface=surface,
        rig=_draw_rig(streams["rig"], n_lights),
        camera=_draw_camera(streams["camera"], cut, n_lights, frame_size, px_per_mm),
        sensor=Sensor(),
        table=_draw_table(streams["table"], printed.border_rgb),
    )


def lightness(rgb: Colour) -> float:
    """CIE lightness of a linear colour, scaled to [0, 1]."""
    y = float(LUMA @ np.asarray(rgb))
    return 1.16 * float(np.cbrt(y)) - 0.16 if y > 0.008856 else 9.033 * y


def _draw_print(rng: np.random.Generator, cut: Cut, side: SideName) -> Print:
    name = str(rng.choice(list(BORDERS)))
    border = BORDERS[name]
    panels = [panel for panel in PANELS if abs(lightness(panel) - lightness(border)) > 0.2]
    widths = rng.uniform(2.0, 4.0, 2)
    offset = rng.uniform(-1.0, 1.0, 2) * np.minimum(1.2, widths - 0.8)
    # The print's straight edges must reach past the outermost stations (90 % of the card's straight span).
    slack = (
        0.1 * (min(cut.width_mm, cut.height_mm) / 2 - cut.radius_mm)
        + cut.radius_mm
        - widths.max()
        - np.abs(offset).max()
    )
    return Print(
        border_mm=(float(widths[0]), float(widths[1])),
        offset_mm=(float(offset[0]), float(offset[1])),
        tilt_deg=float(rng.uniform(-0.5, 0.5)),
        radius_mm=float(rng.choice([0.0, max(0.0, min(1.5, slack - 0.4))])),
        border_name=name,
        border_rgb=border,
        panel_rgb=panels[int(rng.integers(len(panels)))],
        line_inset_mm=float(rng.uniform(0.9, 1.8)),
        design=side,
    )


def _draw_surface(rng: np.random.Generator, cut: Cut) -> tuple[Surface, Cut]:
    half = np.array([cut.width_mm / 2, cut.height_mm / 2]) - 4.0
    dents = tuple(
        Dent(
            x_mm=float(rng.uniform(-half[0], half[0])),
            y_mm=float(rng.uniform(-half[1], half[1])),
            width_mm=float(rng.uniform(0.3, 1.2)),
            depth_um=float(rng.uniform(5, 25)),
            elongation=float(rng.uniform(1.0, 1.5)),
            angle_deg=float(rng.uniform(0, 180)),
        )
        for _ in range(int(rng.integers(1, 6)))
    )
    scratches = tuple(
        Scratch(
            x_mm=float(rng.uniform(-0.8, 0.8) * half[0]),
            y_mm=float(rng.uniform(-0.8, 0.8) * half[1]),
            angle_deg=float(rng.uniform(0, 180)),
            length_mm=float(rng.uniform(3, 25)),
            bend_per_mm=float(rng.uniform(-0.02, 0.02)),
            width_mm=float(rng.uniform(0.05, 0.15)),
            depth_um=float(rng.uniform(1, 8)),
        )
        for _ in range(int(rng.integers(1, 6)))
    )
    worn = rng.random(4) < 0.3
    radii = [cut.radius_mm + float(rng.uniform(0.2, 0.7)) * bool(w) for w in worn]
    surface = Surface(
        dents=dents,
        scratches=scratches,
        whitening=_draw_whitening(rng, cut, worn),
        curl_um=(float(rng.normal(0, 60)), float(rng.normal(0, 60)), float(rng.normal(0, 30))),
        grain_um=float(rng.uniform(0.15, 0.4)),
        gloss_f0=float(rng.uniform(0.02, 0.05)),
        gloss_roughness=float(rng.uniform(0.15, 0.35)),
    )
    return surface, Cut(
        cut.width_mm, cut.height_mm, cut.radius_mm, (radii[0], radii[1], radii[2], radii[3]), cut.thickness_mm
    )


def _draw_whitening(rng: np.random.Generator, cut: Cut, worn: npt.NDArray[np.bool_]) -> tuple[Whitening, ...]:
    w, h = cut.width_mm / 2, cut.height_mm / 2
    inset = cut.radius_mm * (1 - float(np.sqrt(0.5)))
    x, y = w - inset, h - inset
    tips: tuple[tuple[Place, float, float, float], ...] = (
        ("top_left", -x, y, 45.0),
        ("top_right", x, y, -45.0),
        ("bottom_right", x, -y, 45.0),
        ("bottom_left", -x, -y, -45.0),
    )
    spots = [
        Whitening(place, at_x, at_y, float(rng.uniform(0.5, 1.2)), float(rng.uniform(0.3, 0.8)), angle)
        for (place, at_x, at_y, angle), is_worn in zip(tips, worn, strict=True)
        if is_worn
    ]
    for _ in range(int(rng.integers(0, 4))):
        along = float(rng.uniform(-0.8, 0.8))
        edges: tuple[tuple[Place, float, float, float], ...] = (
            ("left", -w, along * h, 90.0),
            ("right", w, along * h, 90.0),
            ("top", along * w, h, 0.0),
            ("bottom", along * w, -h, 0.0),
        )
        place, at_x, at_y, angle = edges[int(rng.integers(4))]
        long, deep = float(rng.uniform(0.4, 2.5)), float(rng.uniform(0.1, 0.3))
        spots.append(Whitening(place, at_x, at_y, long, deep, angle))
    return tuple(spots)


def _draw_rig(rng: np.random.Generator, n: int) -> Rig:
    distance, elevation = rng.uniform(235, 290), rng.uniform(31, 43)
    azimuth = np.radians(90 - 360 * np.arange(n) / n + rng.uniform(-3, 3, n))
    height = np.radians(elevation + rng.uniform(-1.5, 1.5, n))
    reach = distance + rng.uniform(-6, 6, n)
    positions = reach[:, None] * np.stack(
        [np.cos(height) * np.cos(azimuth), np.cos(height) * np.sin(azimuth), np.sin(height)], 1
    )
    return Rig(positions, rng.uniform(0.93, 1.07, n), ambient=float(rng.uniform(0.002, 0.01)))


def _draw_camera(
    rng: np.random.Generator, cut: Cut, n: int, frame_size: tuple[int, int], px_per_mm: float | None
) -> Camera:
    w, h = frame_size
    filling = min(0.84 * w / cut.width_mm, 0.88 * h / cut.height_mm)
    scale = px_per_mm if px_per_mm is not None else filling * float(rng.uniform(0.96, 1.0))
    rotation = float(rng.uniform(-2.5, 2.5))
    turned = np.radians(abs(rotation))
    need = (
        scale
        * np.array(
            [
                cut.width_mm * np.cos(turned) + cut.height_mm * np.sin(turned),
                cut.height_mm * np.cos(turned) + cut.width_mm * np.sin(turned),
            ]
        )
        * 1.02
    )
    room = np.array([w, h]) - need
    if (room < 8).any():
        raise InputError(
            f"The card needs {need[0]:.0f} x {need[1]:.0f} px at {scale:.1f} px/mm; the frame has {w} x {h}.",
            "Give a larger --size or a smaller --px-per-mm.",
        )
    shift = rng.uniform(-1, 1, 2) * np.minimum(room / 2 - 4, 0.02 * np.array([w, h]))
    drift = rng.uniform(-1.0, 1.0, (n, 2))
    turn = rng.uniform(-0.01, 0.01, n)
    drift[0] = 0
    turn[0] = 0
    return Camera(
        frame_size=frame_size,
        px_per_mm=float(scale),
        distance_mm=float(rng.uniform(280, 360)),
        rotation_deg=rotation,
        tilt_deg=(float(rng.uniform(-1.5, 1.5)), float(rng.uniform(-1.5, 1.5))),
        shift_px=(float(shift[0]), float(shift[1])),
        drift_px=drift,
        drift_deg=turn,
    )


def _draw_table(rng: np.random.Generator, border: Colour) -> Table:
    fitting = [t for t in TABLES if abs(lightness(t[1]) - lightness(border)) > 0.15]
    name, rgb, weave, mottle = fitting[int(rng.integers(len(fitting)))]
    return Table(name, rgb, weave, mottle, float(rng.uniform(0, 90)))
