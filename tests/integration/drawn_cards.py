"""Photographs of a drawn card, quick to make: white border, print, dark table, lit from one side."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np

PX_PER_MM = 7.0
WIDTH, HEIGHT = 63.0, 88.0
BORDERS_MM = {"left": 3.0, "right": 2.0, "top": 2.5, "bottom": 3.5}
DIRECTIONS = {"up": (0, 1), "right": (1, 0), "down": (0, -1), "left": (-1, 0)}


def card(seed: int = 0) -> np.ndarray:
    """The card alone, (616, 441, 3) uint8."""
    rng = np.random.default_rng(seed)
    w, h = round(WIDTH * PX_PER_MM), round(HEIGHT * PX_PER_MM)
    face = np.full((h, w, 3), 225, np.uint8)
    edge = {name: round(mm * PX_PER_MM) for name, mm in BORDERS_MM.items()}
    inside = face[edge["top"] : h - edge["bottom"], edge["left"] : w - edge["right"]]
    coarse = rng.integers(30, 140, (12, 9, 3), np.uint8)
    inside[:] = cv2.resize(coarse, inside.shape[1::-1], interpolation=cv2.INTER_CUBIC)
    return face


def table(
    shape: tuple[int, int] = (800, 620), *cards: tuple[np.ndarray, float, float, float], seed: int = 9
) -> np.ndarray:
    """A dark table with cards on it: (card, centre x, centre y, angle in degrees)."""
    picture = np.random.default_rng(seed).integers(26, 36, (*shape, 3)).astype(np.uint8)
    for face, x, y, angle in cards:
        turn = cv2.getRotationMatrix2D((face.shape[1] / 2, face.shape[0] / 2), angle, 1)
        turn[:, 2] += (x - face.shape[1] / 2, y - face.shape[0] / 2)
        warped = cv2.warpAffine(face, turn, shape[::-1], flags=cv2.INTER_AREA)
        where = cv2.warpAffine(np.full(face.shape[:2], 255, np.uint8), turn, shape[::-1])
        share = where[..., None] / 255.0
        picture = np.rint(picture * (1 - share) + warped * share).astype(np.uint8)
    return picture


def lit(picture: np.ndarray, light: str, gain: float = 1.0) -> np.ndarray:
    """The picture lit from one side: brighter there by a third."""
    h, w = picture.shape[:2]
    x, y = DIRECTIONS[light]
    ramp = 1 + 0.15 * (x * np.linspace(-1, 1, w)[None, :] - y * np.linspace(-1, 1, h)[:, None])
    noise = np.random.default_rng(len(light)).normal(0, 1, picture.shape)
    return np.clip(picture * (0.8 * gain * ramp)[..., None] + noise, 0, 255).astype(np.uint8)


def write(path: Path, picture: np.ndarray) -> None:
    """Write RGB as the path's ending says."""
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), picture[..., ::-1])


def capture(folder: Path, picture: np.ndarray | None = None, gain: float = 1.0) -> Path:
    """Four frames, up right down left, of a picture (default: one card in the middle, turned a little)."""
    base = table((800, 620), (card(), 310, 400, 3)) if picture is None else picture
    for light in DIRECTIONS:
        write(folder / f"{light}.jpg", lit(base, light, gain))
    return folder
