"""Bare stock against print: paler and less colourful than the border it belongs to."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt

from rcg.grading.strips import F32, F64

_PALE_L: Final = 82.0
_PALE_CHROMA: Final = 14.0
_RISE_L: Final = 14.0
_LESS_CHROMA: Final = 6.0


def whitened(lab: F32, reference: F64 | F32) -> npt.NDArray[np.bool_] | None:
    """Return where ``lab`` (..., 3) is bare stock, given the print's colour; None where the print is itself
    pale.

    Bare stock is at least 14 lighter in L than the print, and no more colourful than it (by 6 in chroma).
    """
    reference = np.asarray(reference, np.float64)
    chroma = np.hypot(reference[..., 1], reference[..., 2])
    if np.median(reference[..., 0]) > _PALE_L and np.median(chroma) < _PALE_CHROMA:
        return None
    own = np.hypot(lab[..., 1], lab[..., 2])
    return np.asarray((lab[..., 0] > reference[..., 0] + _RISE_L) & (own < chroma + _LESS_CHROMA))
