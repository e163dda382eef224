"""How an item is moved: one matrix for pixels and shapes, and the flips and turns in it for names and
lights.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Motion:
    """A move of the image plane.

    Attributes:
        matrix: (3, 3) takes a point's pixel coordinates (x right, y down, first pixel's centre at 0.5) to
            its new ones, homogeneous.
        zoom: how much nearer the camera came: the item's px_per_mm grows by it. Only crops and fitted turns
            zoom; a stretch changes the surface itself.
        turns: quarter turns counter-clockwise, 0 to 3, after ``mirrored``.
        mirrored: left and right were exchanged.
    """

    matrix: Matrix
    zoom: float = 1.0
    turns: int = 0
    mirrored: bool = False

    def then(self, after: Motion) -> Motion:
        """Return this move and then another, as one."""
        back = -self.turns if after.mirrored else self.turns
        return Motion(
            after.matrix @ self.matrix,
            self.zoom * after.zoom,
            (after.turns + back) % 4,
            self.mirrored != after.mirrored,
        )

    @cached_property
    def affine(self) -> bool:
        """Parallel lines stay parallel."""
        x, y, one = self.matrix[2].tolist()
        return max(abs(float(x)), abs(float(y)), abs(float(one) - 1)) < 1e-12

    def points(self, xy: npt.ArrayLike) -> Matrix:
        """Return (N, 2) points moved."""
        given = np.asarray(xy, np.float64).reshape(-1, 2)
        if self.affine:
            moved: Matrix = given @ self.matrix[:2, :2].T + self.matrix[:2, 2]
            return moved
        out = np.column_stack([given, np.ones(len(given))]) @ self.matrix.T
        return np.asarray(out[:, :2] / out[:, 2:], np.float64)

    def jacobian(self, xy: tuple[float, float]) -> Matrix:
        """Return the (2, 2) local linear part at a point of the image before the move, in pixels, y down."""
        m = self.matrix
        if self.affine:
            return m[:2, :2]
        w = m[2] @ (*xy, 1.0)
        moved = (m[:2] @ (*xy, 1.0)) / w
        return np.asarray((m[:2, :2] - np.outer(moved, m[2, :2])) / w, np.float64)

    def exact(self, size: tuple[int, int]) -> bool:
        """Tell whether pixels land on pixels: flips and turns alone, so that nothing has to be resampled."""
        if (self.turns % 2 and size[0] != size[1]) or self.zoom != 1:
            return False
        pure = mirror(size) if self.mirrored else identity()
        pure = pure.then(half_turn(size)) if self.turns >= 2 else pure
        pure = pure.then(turn(size)) if self.turns % 2 else pure
        return float(np.abs(pure.matrix - self.matrix).max()) < 1e-9


def identity() -> Motion:
    """No move."""
    return Motion(np.eye(3))


def mirror(size: tuple[int, int]) -> Motion:
    """Exchange left and right."""
    return Motion(np.array([[-1.0, 0, size[0]], [0, 1, 0], [0, 0, 1]]), mirrored=True)


def flip(size: tuple[int, int]) -> Motion:
    """Exchange top and bottom: mirrored and turned by half."""
    return Motion(np.array([[1.0, 0, 0], [0, -1, size[1]], [0, 0, 1]]), turns=2, mirrored=True)


def turn(size: tuple[int, int]) -> Motion:
    """Turn a quarter counter-clockwise about the centre, fitted into the same size by zooming out."""
    fit = min(size[0] / size[1], size[1] / size[0])
    return Motion(about_centre(np.array([[0.0, fit], [-fit, 0.0]]), size), zoom=fit, turns=1)


def half_turn(size: tuple[int, int]) -> Motion:
    """Turn by half about the centre."""
    return Motion(np.array([[-1.0, 0, size[0]], [0, -1, size[1]], [0, 0, 1]]), turns=2)


def about_centre(linear: Matrix, size: tuple[int, int], shift: tuple[float, float] = (0.0, 0.0)) -> Matrix:
    """Return the (3, 3) matrix of a linear map about the image's centre, then a shift in pixels."""
    centre = np.array(size, np.float64) / 2
    out = np.eye(3)
    out[:2, :2] = linear
    out[:2, 2] = centre - linear @ centre + shift
    return out
