"""Scenes of rendered items: a plausible card with flaws that a dataset of its kind teaches."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from rcg.datasets.from_maps import MARGIN_MM
from rcg.photometric.render.draw import draw_scene, lightness
from rcg.photometric.render.scene import (
    FRAME_HEIGHT,
    FRAME_WIDTH,
    Camera,
    Cut,
    Dent,
    Place,
    Scene,
    Scratch,
    Sensor,
    Stain,
    Surface,
    Whitening,
)

POSES: frozenset[str] = frozenset(
    {"dual_border_detection", "centering_analysis", "corner_detection", "edge_detection"}
)
"""kinds whose cards lie turned and shifted in the picture: straight ones would teach the place by heart"""
PHOTOGRAPH_PX_PER_MM = 20.0
_POSE_MARGIN_MM = 6.0
_KEEP_OFF_MM = 5.0
_EDGE_WEAR = (2.5, 6.0)
_TRIES = 40
_DARK = 0.43
"""lightness of print below which a stain is not seen"""

Taken = list[tuple[float, float, float]]
"""x, y, radius in mm of what already lies on the card"""


def item_seed(seed: int, index: int) -> int:
    """Return the scene's seed of one card of a set."""
    return int(np.random.SeedSequence([seed, index]).generate_state(1)[0] % 2**31)


def draw_item_scene(kind: str, seed: int, index: int, *, px_per_mm: float) -> Scene:
    """Draw the scene of one item, seen straight from above at ``px_per_mm``."""
    scene = draw_photograph_scene(seed, index)
    rng = np.random.default_rng([item_seed(seed, index), 8])
    return replace(scene, camera=_camera(rng, kind, scene, px_per_mm), sensor=_sensor(px_per_mm))


def draw_photograph_scene(
    seed: int, index: int, *, frame_size: tuple[int, int] = (FRAME_WIDTH, FRAME_HEIGHT)
) -> Scene:
    """Draw the same card as :func:`draw_item_scene`, before a phone on a stand instead: to be graded."""
    one = item_seed(seed, index)
    base = draw_scene(one, frame_size=frame_size)
    surface, cut = _flaws(np.random.default_rng([one, 7]), base)
    return replace(base, cut=cut, surface=surface)


def _sensor(px_per_mm: float) -> Sensor:
    """A pixel of an item stands for many of a photograph, so it holds as many times the electrons."""
    share = max(1.0, (PHOTOGRAPH_PX_PER_MM / px_per_mm) ** 2)
    plain = Sensor()
    return replace(
        plain,
        electrons=plain.electrons * share,
        read_electrons=plain.read_electrons * float(np.sqrt(share)),
        bits=16,
        encoding="linear",
        vignette=0.0,
    )


def _camera(rng: np.random.Generator, kind: str, base: Scene, px_per_mm: float) -> Camera:
    posed = kind in POSES
    margin = _POSE_MARGIN_MM if posed else MARGIN_MM
    size = tuple(round((side + 2 * margin) * px_per_mm) for side in (base.cut.width_mm, base.cut.height_mm))
    rotation = float(rng.uniform(-3.0, 3.0)) if posed else 0.0
    shift = rng.uniform(-2.0, 2.0, 2) * px_per_mm if posed else np.zeros(2)
    # What registration leaves: a tenth of a photograph's pixel.
    drift = rng.normal(0.0, 0.1 * px_per_mm / PHOTOGRAPH_PX_PER_MM, (base.n_lights, 2))
    drift[0] = 0
    return replace(
        base.camera,
        frame_size=(size[0], size[1]),
        px_per_mm=px_per_mm,
        rotation_deg=rotation,
        tilt_deg=(0.0, 0.0),
        shift_px=(float(shift[0]), float(shift[1])),
        drift_px=drift,
        drift_deg=np.zeros(base.n_lights),
    )


def _flaws(rng: np.random.Generator, base: Scene) -> tuple[Surface, Cut]:
    cut = replace(base.cut, corner_radius_mm=(base.cut.radius_mm,) * 4)
    taken: Taken = []
    dents = tuple(_dent(rng, *place) for place in _places(rng, cut, taken, int(rng.integers(1, 4)), 3.0))
    scratches = tuple(
        _scratch(rng, *place) for place in _places(rng, cut, taken, int(rng.integers(0, 3)), 7.0)
    )
    # On dark print a dark stain shows in no layer, and what shows in no layer nobody could label.
    count = int(rng.integers(1, 3)) if lightness(base.print.panel_rgb) > _DARK else 0
    stains = tuple(_stain(rng, *place) for place in _places(rng, cut, taken, count, 6.0))
    return replace(
        base.surface,
        dents=dents,
        scratches=scratches,
        stains=stains,
        whitening=_wear(rng, cut),
    ), cut


def _places(
    rng: np.random.Generator, cut: Cut, taken: Taken, count: int, radius: float
) -> list[tuple[float, float]]:
    """Return up to ``count`` places where nothing lies yet."""
    half_w, half_h = cut.width_mm / 2 - _KEEP_OFF_MM, cut.height_mm / 2 - _KEEP_OFF_MM
    found: list[tuple[float, float]] = []
    for _ in range(_TRIES):
        if len(found) == count:
            break
        x, y = float(rng.uniform(-half_w, half_w)), float(rng.uniform(-half_h, half_h))
        if all(np.hypot(x - a, y - b) > radius + r for a, b, r in taken):
            taken.append((x, y, radius))
            found.append((x, y))
    return found


def _dent(rng: np.random.Generator, x: float, y: float) -> Dent:
    width = float(rng.uniform(2.4, 4.5))
    return Dent(
        x_mm=x,
        y_mm=y,
        width_mm=width,
        depth_um=float(rng.uniform(14, 26)) * width,
        elongation=float(rng.uniform(1.0, 1.4)),
        angle_deg=float(rng.uniform(0, 180)),
    )


def _scratch(rng: np.random.Generator, x: float, y: float) -> Scratch:
    return Scratch(
        x_mm=x,
        y_mm=y,
        angle_deg=float(rng.uniform(0, 180)),
        length_mm=float(rng.uniform(7, 14)),
        bend_per_mm=float(rng.uniform(-0.02, 0.02)),
        width_mm=float(rng.uniform(1.8, 2.8)),
        depth_um=float(rng.uniform(20, 45)),
        bared=float(rng.uniform(0.6, 0.95)),
    )


def _stain(rng: np.random.Generator, x: float, y: float) -> Stain:
    return Stain(
        x_mm=x,
        y_mm=y,
        width_mm=float(rng.uniform(5.0, 8.5)),
        elongation=float(rng.uniform(1.0, 1.4)),
        angle_deg=float(rng.uniform(0, 180)),
        loss=float(rng.uniform(0.65, 0.9)),
    )


def _wear(rng: np.random.Generator, cut: Cut) -> tuple[Whitening, ...]:
    w, h = cut.width_mm / 2, cut.height_mm / 2
    spots: list[Whitening] = []
    for _ in range(int(rng.integers(0, 3))):
        along = float(rng.uniform(-0.75, 0.75))
        edges: tuple[tuple[Place, float, float, float], ...] = (
            ("left", -w, along * h, 90.0),
            ("right", w, along * h, 90.0),
            ("top", along * w, h, 0.0),
            ("bottom", along * w, -h, 0.0),
        )
        place, x, y, angle = edges[int(rng.integers(4))]
        if all(np.hypot(x - spot.x_mm, y - spot.y_mm) > 2 * _EDGE_WEAR[1] for spot in spots):
            spots.append(
                Whitening(place, x, y, float(rng.uniform(*_EDGE_WEAR)), float(rng.uniform(0.9, 1.6)), angle)
            )
    inset = cut.radius_mm * (1 - float(np.sqrt(0.5)))
    x, y = w - inset, h - inset
    tips: tuple[tuple[Place, float, float, float], ...] = (
        ("top_left", -x, y, 45.0),
        ("top_right", x, y, -45.0),
        ("bottom_right", x, -y, 45.0),
        ("bottom_left", -x, -y, -45.0),
    )
    for place, at_x, at_y, angle in tips:
        if rng.random() < 0.25:
            spots.append(
                Whitening(
                    place, at_x, at_y, float(rng.uniform(1.6, 2.6)), float(rng.uniform(1.0, 1.8)), angle
                )
            )
    return tuple(spots)
