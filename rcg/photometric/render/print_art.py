"""Procedural print: what is inside the border. Gradients, a picture, text-like marks, and thin frames that
tempt a border finder to stop too late.

Drawn in the print's own axes, so that it turns and shifts with the print. Near the print's edge there is only
the panel's colour, so that the edge is one clear step all round.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import numpy.typing as npt

from rcg.photometric.render.draw import PANELS, lightness
from rcg.photometric.render.scene import Colour, Scene
from rcg.photometric.types import FloatArray

BLEED_MM = 1.0
"""printed beyond the frame's edge, so that sampling at the edge never reads outside"""

Mask = npt.NDArray[np.uint8]


class Sheet:
    """A linear RGB picture in print millimetres (x right, y up, origin at the print's centre)."""

    def __init__(self, half_w: float, half_h: float, px_per_mm: float, base: Colour) -> None:
        self.extent = (half_w + BLEED_MM, half_h + BLEED_MM)
        self.scale = px_per_mm
        w, h = (round(2 * e * px_per_mm) for e in self.extent)
        self.rgb = np.empty((h, w, 3), np.float32)
        self.rgb[:] = base
        self.x = ((np.arange(w) + 0.5) / px_per_mm - self.extent[0]).astype(np.float32)
        self.y = (self.extent[1] - (np.arange(h) + 0.5) / px_per_mm).astype(np.float32)

    def px(self, x: float, y: float) -> tuple[int, int]:
        """Millimetres to fixed-point pixels (4 fractional bits) for cv2's anti-aliased drawing."""
        return (
            round(((x + self.extent[0]) * self.scale - 0.5) * 16),
            round(((self.extent[1] - y) * self.scale - 0.5) * 16),
        )

    def mask(self, draw: Callable[[Mask], object]) -> Mask:
        """An empty 8-bit coverage mask, drawn on."""
        mask = np.zeros(self.rgb.shape[:2], np.uint8)
        draw(mask)
        return mask

    def fill(self, mask: Mask, colour: Colour | FloatArray, opacity: float = 1.0) -> None:
        """Mix a colour, or a picture of the sheet's size, in linear light, where the mask covers."""
        left, top, width, height = cv2.boundingRect(mask)
        if not width:
            return
        box = (slice(top, top + height), slice(left, left + width))
        alpha = mask[box][..., None].astype(np.float32) * np.float32(opacity / 255)
        picture = np.asarray(colour, np.float32)
        self.rgb[box] += alpha * ((picture[box] if picture.ndim == 3 else picture) - self.rgb[box])

    def box(
        self, x0: float, y0: float, x1: float, y1: float, colour: Colour | FloatArray, opacity: float = 1.0
    ) -> None:
        """A filled rectangle, anti-aliased."""
        corners = np.array([self.px(x0, y0), self.px(x1, y0), self.px(x1, y1), self.px(x0, y1)], np.int32)
        self.fill(self.mask(lambda m: cv2.fillConvexPoly(m, corners, 255, cv2.LINE_AA, 4)), colour, opacity)

    def frame(self, x0: float, y0: float, x1: float, y1: float, width: float, colour: Colour) -> None:
        """A rectangle's outline of the given line width, inside its edges."""
        for a, b, c, d in (
            (x0, y1 - width, x1, y1),
            (x0, y0, x1, y0 + width),
            (x0, y0 + width, x0 + width, y1 - width),
            (x1 - width, y0 + width, x1, y1 - width),
        ):
            self.box(a, b, c, d, colour)

    def ellipse(
        self,
        x: float,
        y: float,
        a: float,
        b: float,
        angle: float,
        colour: Colour | FloatArray,
        opacity: float = 1.0,
        clip: Mask | None = None,
    ) -> None:
        """A filled ellipse with half axes a and b, anti-aliased, inside ``clip`` where that is given."""
        axes = (max(1, round(a * self.scale * 16)), max(1, round(b * self.scale * 16)))
        centre = self.px(x, y)
        mask = self.mask(lambda m: cv2.ellipse(m, centre, axes, -angle, 0, 360, 255, -1, cv2.LINE_AA, 4))
        self.fill(mask if clip is None else np.minimum(mask, clip), colour, opacity)

    def gradient(self, first: Colour, second: Colour, angle_deg: float) -> FloatArray:
        """A linear gradient over the whole sheet."""
        a = np.radians(angle_deg)
        reach = 2 * max(self.extent)
        across = (np.cos(a) * self.x / reach + 0.5).astype(np.float32)
        up = (np.sin(a) * self.y / reach).astype(np.float32)
        t = np.clip(across[None, :] + up[:, None], 0, 1)[..., None]
        start, end = np.asarray(first, np.float32), np.asarray(second, np.float32)
        return np.asarray(start + t * (end - start), np.float32)

    def text(
        self, rng: np.random.Generator, x0: float, x1: float, y: float, size: float, colour: Colour
    ) -> None:
        """A line of letter-like strokes from ``x0`` to at most ``x1`` with x-height ``size``."""

        def draw(mask: Mask) -> None:
            x = x0
            thick = max(1, round(0.12 * size * self.scale))
            while x < x1 - size:
                if rng.random() < 0.16:
                    x += 0.7 * size
                    continue
                points = [
                    self.px(x + size * u, y + size * v)
                    for u, v in rng.uniform((0, 0), (0.6, 1.0), (int(rng.integers(3, 5)), 2))
                ]
                cv2.polylines(mask, [np.array(points, np.int32)], False, 255, thick, cv2.LINE_AA, 4)
                x += size * 0.85

        self.fill(self.mask(draw), colour)


def draw_art(scene: Scene, px_per_mm: float) -> Sheet:
    """Draw the scene's print at ``px_per_mm``. The same scene gives the same sheet."""
    rng = scene.generator(20)
    half_w, half_h = scene.print.half_size_mm(scene.cut)
    panel = np.array(scene.print.panel_rgb)
    sheet = Sheet(half_w, half_h, px_per_mm, scene.print.panel_rgb)
    shade = rng.uniform(0.85, 0.95)
    sheet.rgb[:] = sheet.gradient(_rgb(panel * shade), _rgb(panel / shade), float(rng.uniform(0, 360)))
    ink: Colour = (0.03, 0.03, 0.035) if lightness(scene.print.panel_rgb) > 0.45 else (0.80, 0.79, 0.75)
    inset = scene.print.line_inset_mm
    line = PANELS[int(rng.integers(len(PANELS)))] if rng.random() < 0.5 else ink
    sheet.frame(
        -half_w + inset, -half_h + inset, half_w - inset, half_h - inset, float(rng.uniform(0.12, 0.3)), line
    )
    if scene.print.design == "front":
        _front(sheet, rng, half_w - inset - 1.0, half_h - inset - 1.0, ink)
    else:
        _back(sheet, rng, half_w - inset - 1.0, half_h - inset - 1.0, ink)
    return sheet


def _rgb(values: npt.ArrayLike) -> Colour:
    r, g, b = np.clip(np.asarray(values, float), 0.01, 0.88).tolist()
    return r, g, b


def _random_colour(rng: np.random.Generator) -> Colour:
    return _rgb(rng.uniform(0.02, 0.85, 3) ** 1.5)


def _front(sheet: Sheet, rng: np.random.Generator, w: float, h: float, ink: Colour) -> None:
    """A name, a picture box with a landscape of blobs, rules text, small print."""
    sheet.text(rng, -w, 0.4 * w, h - 3.2, 2.6, ink)
    sheet.text(rng, 0.6 * w, w, h - 2.8, 2.0, ink)
    top, bottom = h - 5.0, float(rng.uniform(-0.05, 0.1)) * h
    picture = sheet.gradient(_random_colour(rng), _random_colour(rng), float(rng.uniform(0, 360)))
    sheet.box(-w, bottom, w, top, picture)
    clip = sheet.mask(
        lambda m: cv2.rectangle(m, *_corners(sheet, -w + 0.5, bottom + 0.5, w - 0.5, top - 0.5), 255, -1)
    )
    for _ in range(int(rng.integers(8, 16))):
        x, y = float(rng.uniform(-w, w)), float(rng.uniform(bottom, top))
        a, b, angle = float(rng.uniform(1, 9)), float(rng.uniform(1, 6)), float(rng.uniform(0, 180))
        colour, opacity = _random_colour(rng), float(rng.uniform(0.5, 1.0))
        sheet.ellipse(x, y, a, b, angle, colour, opacity, clip)
    sheet.frame(-w, bottom, w, top, 0.5, _random_colour(rng))
    y = bottom - 4.0
    while y > -h + 5:
        sheet.text(rng, -w + 1, float(rng.uniform(0.3, 1.0)) * w, y, float(rng.uniform(1.1, 1.5)), ink)
        y -= float(rng.uniform(3.0, 5.0))
    sheet.text(rng, -w, -0.2 * w, -h + 0.4, 0.8, ink)


def _back(sheet: Sheet, rng: np.random.Generator, w: float, h: float, ink: Colour) -> None:
    """A swirl of rings with an emblem in the middle: the same for many cards, as backs are."""
    first, second = _random_colour(rng), _random_colour(rng)
    for k in range(9, 0, -1):
        sheet.ellipse(0, 0, w * k / 10, 0.9 * h * k / 10, 0.6 * k, first if k % 2 else second, 0.55)
    sheet.ellipse(0, 0, 0.42 * w, 0.42 * w, 0, ink)
    sheet.ellipse(0, 0, 0.38 * w, 0.38 * w, 0, sheet.gradient(second, first, 90))
    sheet.box(-0.42 * w, -0.8, 0.42 * w, 0.8, ink)
    for y in (0.72 * h, -0.72 * h - 4):
        sheet.text(rng, -0.6 * w, 0.65 * w, y, 4.0, ink)


def _corners(
    sheet: Sheet, x0: float, y0: float, x1: float, y1: float
) -> tuple[tuple[int, int], tuple[int, int]]:
    (a, b), (c, d) = sheet.px(x0, y1), sheet.px(x1, y0)
    return (a // 16, b // 16), (c // 16, d // 16)
