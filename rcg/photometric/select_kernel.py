"""The k-th smallest of some values, for kernels: numba sorts slowly and partitions only copies."""

from __future__ import annotations

from typing import Any

import numba
import numpy.typing as npt

_jit = numba.njit(cache=True, nogil=True, error_model="numpy")


@_jit
def select(values: npt.NDArray[Any], count: int, k: int) -> Any:
    """Return the k-th smallest of the first ``count`` values, which are moved about (Hoare's selection): what
    stands before the k-th is then no larger.
    """
    low, high = 0, count - 1
    while low < high:
        pivot = values[k]
        i, j = low, high
        while i <= j:
            while values[i] < pivot:
                i += 1
            while values[j] > pivot:
                j -= 1
            if i <= j:
                values[i], values[j] = values[j], values[i]
                i += 1
                j -= 1
        if j < k:
            low = i
        if k < i:
            high = j
    return values[k]
