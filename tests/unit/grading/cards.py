"""Small synthetic maps with known borders: drawn with area coverage, then blur, grain and noise."""

from __future__ import annotations

from dataclasses import dataclass, field

import cv2
import numpy as np

from rcg.photometric.types import CardOutline, CardSize, Maps, Registration

SIZE = CardSize(63.0, 88.0, "default")


@dataclass
class Card:
    """What is drawn. Widths in mm, colours linear RGB."""

    borders: dict[str, float] = field(
        default_factory=lambda: {"left": 2.4, "right": 2.0, "top": 2.9, "bottom": 2.3}
    )
    tilt_deg: float = 0.0
    border: tuple = (0.75, 0.6, 0.12)
    ground: tuple = (0.02, 0.02, 0.03)
    blur_px: float = 1.2
    noise: float = 0.006
    misplaced_mm: tuple = (0.0, 0.0)
    turned_deg: float = 0.0
    art: str = "texture"
    radius: float = 3.0
    inner_radius: float = 1.0
    light_slope: float = 0.0
    line_mm: float = 0.0
    px_per_mm: float = 12.0
    seed: int = 1
    native: float = 12.0
    reliefs: list = field(default_factory=list)


def _rounded(x, y, half_w, half_h, radius):
    """Signed distance to a rounded rectangle, negative inside."""
    qx, qy = np.abs(x) - half_w + radius, np.abs(y) - half_h + radius
    return np.hypot(np.maximum(qx, 0), np.maximum(qy, 0)) + np.minimum(np.maximum(qx, qy), 0) - radius


def _texture(shape, rng):
    coarse = rng.uniform(0.03, 0.55, (shape[0] // 60 + 2, shape[1] // 60 + 2, 3)).astype(np.float32)
    fine = rng.uniform(-0.15, 0.15, (shape[0] // 8 + 2, shape[1] // 8 + 2, 3)).astype(np.float32)
    big = cv2.resize(coarse, shape[::-1], interpolation=cv2.INTER_CUBIC)
    small = cv2.resize(fine, shape[::-1], interpolation=cv2.INTER_NEAREST)
    return np.clip(big + small, 0.01, 0.6)


def make_maps(card: Card, margin: float = 3.0) -> Maps:
    """Draw a card as the engine would hand it over."""
    rng = np.random.default_rng(card.seed)
    k = card.px_per_mm
    w, h = (
        2 * int(np.ceil((SIZE.width_mm + 2 * margin) * k / 2)),
        2 * int(np.ceil((SIZE.height_mm + 2 * margin) * k / 2)),
    )
    px, py = np.meshgrid(np.arange(w, dtype=np.float32), np.arange(h, dtype=np.float32))
    x, y = (px - (w - 1) / 2) / k, ((h - 1) / 2 - py) / k
    a = np.radians(card.turned_deg)
    x, y = x - card.misplaced_mm[0], y - card.misplaced_mm[1]
    x, y = np.cos(a) * x + np.sin(a) * y, -np.sin(a) * x + np.cos(a) * y
    cover = np.clip(0.5 - k * _rounded(x, y, 31.5, 44.0, max(card.radius, 1e-3)), 0, 1)[..., None]
    b = card.borders
    centre = ((b["left"] - b["right"]) / 2, (b["bottom"] - b["top"]) / 2)
    half = ((63 - b["left"] - b["right"]) / 2, (88 - b["top"] - b["bottom"]) / 2)
    a = np.radians(card.tilt_deg)
    u, v = x - centre[0], y - centre[1]
    u, v = np.cos(a) * u + np.sin(a) * v, -np.sin(a) * u + np.cos(a) * v
    inner = _rounded(u, v, *half, max(card.inner_radius, 1e-3))
    printed = np.clip(0.5 - k * inner, 0, 1)[..., None]
    art = _texture((h, w), rng)
    if card.line_mm > 0:
        band = np.clip(0.5 - k * (-inner - card.line_mm), 0, 1)[..., None]
        art = art * (1 - band) + 0.03 * band
    border = np.array(card.border, np.float32) * (1 + 0.02 * rng.standard_normal((h, w, 1)))
    border = border if card.art != "full" else art
    face = border * (1 - printed) + art * printed
    face *= 1 + card.light_slope * (x / 63)[..., None]
    ground = np.array(card.ground, np.float32) * (1 + 0.1 * rng.standard_normal((h, w, 1)))
    linear = ground * (1 - cover) + face * cover
    linear = cv2.GaussianBlur(linear.astype(np.float32), (0, 0), card.blur_px)
    linear = np.clip(linear + card.noise * rng.standard_normal(linear.shape), 0, 1).astype(np.float32)
    srgb = np.where(
        linear <= 0.0031308, linear * 12.92, 1.055 * np.maximum(linear, 1e-8) ** (1 / 2.4) - 0.055
    )
    colour = np.round(srgb * 255).astype(np.uint8)
    n = card.native
    corners = np.array([[0, 0], [63, 0], [63, 88], [0, 88]], float) * n
    normal = height = curvature = confidence = None
    return Maps(
        px_per_mm=k,
        margin_mm=margin,
        size=SIZE,
        outline=CardOutline(corners, 1.0, 0.9),
        lights=None,
        registration=Registration(0, np.eye(3)[None], np.array([0.0]), np.array([0.0])),
        frames=linear[None],
        frame_names=("photo",),
        albedo=linear,
        colour=colour,
        normal=normal,
        height_um=height,
        curvature=curvature,
        specular=None,
        confidence=confidence,
        saturated=0.0,
    )
