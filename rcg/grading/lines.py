"""Robust curves y(s) through scattered points: a consensus search, then Huber weights, with honest standard
errors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from rcg.grading.line_votes import BIN_MM, votes_for

F64 = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Curve:
    """A low-order curve and how well it is known.

    Attributes:
        coefficients: (order + 1,) of the scaled Legendre basis.
        covariance: of the coefficients, autocorrelation of the points taken into account.
        centre, scale: ``x = (s - centre) / scale`` runs over about [-1, 1].
        inliers: (n,) which points it follows.
        scatter: robust standard deviation of the inliers about it.
    """

    coefficients: F64
    covariance: F64
    centre: float
    scale: float
    inliers: Bools
    scatter: float

    def __call__(self, s: npt.ArrayLike) -> F64:
        """Return y(s)."""
        return np.asarray(self._basis(s) @ self.coefficients)

    def slope(self, s: npt.ArrayLike) -> F64:
        """Return dy/ds."""
        x = (np.asarray(s, np.float64) - self.centre) / self.scale
        series = np.polynomial.legendre.Legendre(self.coefficients)
        rise = series.deriv()(x) if len(self.coefficients) > 1 else 0 * x
        slope: F64 = np.asarray(rise / self.scale, np.float64)
        return slope

    def se(self, s: npt.ArrayLike) -> F64:
        """Return the standard error of y(s)."""
        b = self._basis(s)
        variance = np.einsum("...i,ij,...j->...", b, self.covariance, b)
        error: F64 = np.sqrt(np.maximum(np.asarray(variance, np.float64), 0.0))
        return error

    def slope_se(self) -> float:
        """Return the standard error of the slope at the centre."""
        return float(np.sqrt(max(self.covariance[1, 1], 0.0)) / self.scale)

    def _basis(self, s: npt.ArrayLike) -> F64:
        x = (np.asarray(s, np.float64) - self.centre) / self.scale
        order = len(self.coefficients) - 1
        basis: F64 = np.asarray(np.polynomial.legendre.legvander(x, order), np.float64)
        return basis.reshape(*x.shape, order + 1)


def robust_sd(values: F64) -> float:
    """Return 1.4826 x the median absolute deviation; NaN for no values."""
    if values.size == 0:
        return float("nan")
    return float(1.4826 * np.median(np.abs(values - np.median(values))))


def inflation(residuals: F64, used: Bools) -> float:
    """Return the factor by which neighbouring points' correlation raises the variance of a mean, 1..12.

    ``1 + 2 x sum of the autocorrelations`` over the lags up to the first that is not positive (initial
    positive sequence, Geyer 1992).
    """
    r = np.where(used, residuals, 0.0)
    weight = used.astype(float)
    power = float(np.sum(r * r) / max(weight.sum(), 1))
    if power <= 0:
        return 1.0
    total = 1.0
    for lag in range(1, min(25, len(r) // 4)):
        pairs = float(np.sum(weight[:-lag] * weight[lag:]))
        if pairs < 5:
            break
        rho = float(np.sum(r[:-lag] * r[lag:])) / pairs / power
        if rho <= 0.02:
            break
        total += 2 * rho
    return float(np.clip(total, 1.0, 12.0))


def _consensus(s: F64, y: F64, tolerance: float, max_slope: float) -> Bools:
    """Return the points within ``tolerance`` of the line that most points agree on (RANSAC, seeded)."""
    rng = np.random.default_rng(20)
    i, j = rng.integers(0, len(s), (2, 400))
    apart = np.abs(s[i] - s[j]) > 0.2 * (s.max() - s.min())
    i, j = i[apart], j[apart]
    slope = np.concatenate([(y[j] - y[i]) / (s[j] - s[i]), [0.0]])
    level = np.concatenate([y[i] - slope[:-1] * s[i], [np.median(y)]])
    keep = np.abs(slope) <= max_slope
    slope, level = slope[keep], level[keep]
    close = np.abs(y[None] - slope[:, None] * s[None] - level[:, None]) < tolerance
    return np.asarray(close[int(np.argmax(close.sum(axis=1)))])


def fit_curve(
    s: F64, y: F64, *, order: int = 1, tolerance: float = 0.15, max_slope: float = 0.06, floor: float = 0.002
) -> Curve:
    """Fit a curve of the given order to points, ignoring those that do not follow it.

    Args:
        s: (n,) positions, ascending. y: (n,) values; NaN where there is no point. At least ``order + 2``
        finite. order: 1 for a line, 2 for a bow.
        tolerance: how far a point may be from the consensus line to count at first.
        max_slope: steepest line considered.
        floor: smallest scatter believed, in the units of y.

    Raises:
        ValueError: fewer finite points than the curve needs.
    """
    finite = np.isfinite(y)
    if finite.sum() < order + 2:
        raise ValueError(f"{int(finite.sum())} points cannot carry a curve of order {order}")
    centre, scale = float((s.max() + s.min()) / 2), float(max((s.max() - s.min()) / 2, 1e-9))
    basis = np.polynomial.legendre.legvander((s - centre) / scale, order)
    used = np.zeros(len(s), bool)
    used[finite] = _consensus(s[finite], y[finite], tolerance * (2.0 if order > 1 else 1.0), max_slope)
    values = np.where(finite, y, 0.0)
    weight = used.astype(float)
    coefficients = np.zeros(order + 1)
    scatter = tolerance
    for _ in range(12):
        root = np.sqrt(weight)[:, None]
        coefficients = np.linalg.lstsq(basis * root, values * root[:, 0], rcond=None)[0]
        residual = np.where(finite, values - basis @ coefficients, np.inf)
        near = np.abs(residual) < tolerance
        scatter = max(robust_sd(residual[near]) if near.sum() > order + 2 else tolerance, floor)
        used = np.abs(residual) < min(4 * scatter, tolerance)
        with np.errstate(divide="ignore"):
            weight = np.where(used, np.minimum(1.0, 1.5 * scatter / np.abs(residual)), 0.0)
        weight[used & (residual == 0)] = 1.0
        if used.sum() < order + 2:
            break
    residual = np.where(used, values - basis @ coefficients, 0.0)
    normal = (basis * weight[:, None]).T @ basis
    covariance = np.linalg.pinv(normal) * scatter**2 * inflation(residual, used)
    return Curve(coefficients, covariance, centre, scale, used, float(scatter))


@dataclass(frozen=True)
class FoundLine:
    """A line ``level + slope * s`` that candidates support.

    Attributes:
        support: share of the rows with a candidate near it; ``weakest``: the same in the weakest quarter of
        the span. good: whether that is enough to call it a line.
    """

    slope: float
    level: float
    support: float
    weakest: float
    good: bool


def first_line(
    s: F64,
    rows: npt.NDArray[np.int64],
    depth: F64,
    span: Bools,
    *,
    bounds: tuple[float, float],
    max_slope: float,
    band: float = 0.13,
    min_support: float = 0.62,
    min_local: float = 0.35,
) -> FoundLine:
    """Search the first (shallowest) line that candidates support along the whole span.

    Args:
        s: (n,) positions of the rows, mm. rows, depth: (k,) candidates: index into ``s`` and depth, mm.
        span: (n,) rows that count.
        bounds: least and greatest depth at the middle, mm.
        max_slope: steepest line. band: how near a candidate must be, mm.
        min_support, min_local: share of rows needed over the span and in each quarter of it.

    Returns:
        The line; when none has enough support, the best there is with ``good`` False.
    """
    inside = span[rows]
    rows, depth = rows[inside], depth[inside]
    width = max(round(2 * band / BIN_MM), 1)
    count = max(round((bounds[1] - bounds[0]) / BIN_MM) + 2, width)
    bins = np.asarray(bounds[0] - 0.5 * BIN_MM + BIN_MM * np.arange(count + 1), np.float64)
    quarter = np.zeros(len(s), np.int64)
    quarters = np.array_split(np.flatnonzero(span), 4)
    for k, part in enumerate(quarters):
        quarter[part] = k
    sizes = np.array([len(part) for part in quarters], np.float64)
    slopes: F64 = np.linspace(-max_slope, max_slope, 61)
    good: list[FoundLine] = []
    best = FoundLine(0.0, 0.0, 0.0, 0.0, good=False)
    for slope, level, share, weakest in votes_for(slopes, s, rows, depth, quarter, sizes, bins, width, band):
        enough = bool(share >= min_support and weakest >= min_local)
        line = FoundLine(float(slope), float(level), float(share), float(weakest), enough)
        if enough:
            good.append(line)
        elif share > best.support:
            best = line
    if not good:
        return best
    first = min(line.level for line in good)
    return max(
        (line for line in good if line.level < first + 2.7 * band), key=lambda g: g.support + g.weakest
    )
