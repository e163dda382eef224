"""How good points are: how far from where they should be, in px and mm, and shares within tolerances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from rcg.training.evaluation import INTERVAL, RESAMPLES, Evaluation, Output
from rcg.training.tensors import Target


class PointFigures:
    """How far each point was from where it should be, item by item."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._errors: list[npt.NDArray[np.float64]] = []
        self._millimetres: list[npt.NDArray[np.float64]] = []

    def add(self, index: int, said: Output, target: Target, px_per_mm: float | None) -> None:  # noqa: ARG002
        """Take an item in."""
        wanted, known = target["xy"].numpy(), target["known"].numpy() > 0
        distance = np.where(known, np.linalg.norm(said["xy"] - wanted, axis=1), np.nan)
        self._errors.append(distance)
        self._millimetres.append(distance / (px_per_mm or np.nan))

    def figures(self, canvas: tuple[int, int]) -> Evaluation:
        """Return the mean error in px and mm, and shares within tolerances, overall and per point."""
        empty = np.full((0, len(self._names)), np.nan)
        errors = np.array(self._errors) if self._errors else empty
        millimetres = np.array(self._millimetres) if self._millimetres else empty
        if not np.isfinite(errors).any():
            return Evaluation({}, {}, {})
        near = 0.01 * max(canvas)
        metrics = {"error_px": float(np.nanmean(errors)), "pck": _share(errors, near)}
        if np.isfinite(millimetres).any():
            metrics |= {"error_mm": float(np.nanmean(millimetres)), "pck_01mm": _share(millimetres, 0.1)}
        per_point = {
            name: {"error_px": float(np.nanmean(errors[:, place])), "pck": _share(errors[:, place], near)}
            for place, name in enumerate(self._names)
            if np.isfinite(errors[:, place]).any()
        }
        return Evaluation(metrics, per_point, _intervals(errors, near))


def _intervals(errors: npt.NDArray[np.float64], near: float) -> dict[str, tuple[float, float]]:
    if len(errors) < 4:
        return {}
    rng = np.random.default_rng(0)
    drawn = [errors[rng.integers(0, len(errors), len(errors))] for _ in range(RESAMPLES)]
    low, high = np.percentile([_share(rows, near) for rows in drawn], INTERVAL)
    first, last = np.percentile([np.nanmean(rows) for rows in drawn], INTERVAL)
    return {"pck": (float(low), float(high)), "error_px": (float(first), float(last))}


def of_points(
    names: Sequence[str],
    outputs: dict[int, Output],
    targets: dict[int, Target],
    scale: dict[int, float | None],
    canvas: tuple[int, int],
) -> Evaluation:
    """Return the figures of outputs with points against their targets."""
    gathered = PointFigures(names)
    for index, said in outputs.items():
        gathered.add(index, said, targets[index], scale[index])
    return replace(gathered.figures(canvas), outputs=outputs)


def _share(errors: npt.NDArray[np.float64], within: float) -> float:
    known = errors[np.isfinite(errors)]
    return float((known <= within).mean()) if len(known) else 0.0
