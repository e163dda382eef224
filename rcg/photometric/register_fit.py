"""Robust fits of registration, as numba kernels that release the GIL, so that frames share the cores."""

from __future__ import annotations

import numba
import numpy as np
import numpy.typing as npt

from rcg.photometric.select_kernel import select

Array = npt.NDArray[np.float64]

_jit = numba.njit(cache=True, nogil=True, error_model="numpy", fastmath={"contract", "reassoc", "nsz"})


@_jit
def median_magnitude(values: Array) -> float:
    """Return the median of the magnitudes of (k,) values; NaN of none."""
    count = len(values)
    if count == 0:
        return np.nan
    size = np.abs(values)
    middle = count // 2
    usual = select(size, count, middle)
    if count % 2:
        return float(usual)
    return float(0.5 * (usual + size[:middle].max()))


@_jit
def weighted_sums(design: Array, values: Array, reach: float) -> tuple[Array, Array]:
    """Return the normal matrix (m, m) and right side (m,) of least squares under Tukey's weights.

    Args:
        design: (k, m).
        values: (k,) to be explained; 0 counts fully.
        reach: magnitude of ``values`` from which on a row counts nothing.
    """
    return _sums(design, values, values, reach)


@_jit
def _sums(design: Array, values: Array, off: Array, reach: float) -> tuple[Array, Array]:
    m = design.shape[1]
    square, right = np.zeros((m, m)), np.zeros(m)
    for k in range(len(values)):
        share = 1 - (off[k] / reach) ** 2
        if share <= 0:
            continue
        weight = share * share
        for i in range(m):
            scaled = weight * design[k, i]
            right[i] += scaled * values[k]
            for j in range(i, m):
                square[i, j] += scaled * design[k, j]
    for i in range(m):
        for j in range(i):
            square[i, j] = square[j, i]
    return square, right


@_jit
def robust_fit(design: Array, values: Array, cut: float, steps: int) -> Array:
    """Return (m,) coefficients of least squares under Tukey's weights, iterated from even weights.

    Args:
        design: (k, m).
        values: (k,).
        cut: robust deviations from which on a row counts nothing.
        steps: how often the coefficients are found.
    """
    found: Array = np.zeros(design.shape[1])
    off, reach = values * 0, 1.0
    for _ in range(steps):
        square, right = _sums(design, values, off, reach)
        found = np.linalg.lstsq(square, right, 1e-9)[0]  # type: ignore[assignment]
        off = values - design @ found
        reach = cut * (1.4826 * median_magnitude(off) + 1e-9)
    return found
