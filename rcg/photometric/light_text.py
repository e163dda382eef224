"""Lights as files: ``.lp`` for relighting programs, TOML for RCG."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from rcg.photometric.flat_field import FlatField
from rcg.photometric.types import Measured

Array = npt.NDArray[np.float64]


def lp_text(names: Sequence[str], directions: Array) -> str:
    """Return a ``.lp`` file: a count, then ``name x y z`` for each light.

    Args:
        names: the frames' file names, as relighting programs look for them.
        directions: (n, 3); written as unit vectors.
    """
    unit = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    rows = [f"{name} {x:.6f} {y:.6f} {z:.6f}" for name, (x, y, z) in zip(names, unit + 0.0, strict=True)]
    return "\n".join([str(len(rows)), *rows]) + "\n"


def rig_text(
    names: Sequence[str],
    vectors: Array,
    *,
    near: bool,
    intensities: Sequence[float] | None = None,
    rig: str | None = None,
    assumed_elevation_deg: float | None = None,
    measured: Measured | None = None,
    flat_field: FlatField | None = None,
) -> str:
    """Return a rig file as :func:`rcg.photometric.light_files.parse_rig` reads it.

    Args:
        names: of the lights.
        vectors: (n, 3) places in mm where ``near``, else directions.
        near: which of the two.
        intensities: relative; None: all alike.
        rig: name of the rig.
        assumed_elevation_deg: where the directions are a guess.
        measured: by what the lights were measured.
        flat_field: in the order of the names, in the rig's own axes.
    """
    lines = [f"name = {_quoted(rig)}"] if rig else []
    if assumed_elevation_deg is not None:
        lines.append(f"assumed_elevation_deg = {assumed_elevation_deg:g}")
    key, digits = ("position_mm", 3) if near else ("direction", 6)
    for index, (name, vector) in enumerate(zip(names, vectors + 0.0, strict=True)):
        lines += ["", "[[lights]]", f"name = {_quoted(name)}", f"{key} = {_row(vector, digits)}"]
        if intensities is not None:
            lines.append(f"intensity = {intensities[index]:.5f}")
    if measured is not None:
        lines += ["", "[measured]", f"by = {_quoted(measured.by)}", f"at = {_quoted(measured.at)}"]
    if flat_field is not None:
        lines += ["", "[flat_field]"]
        lines += [f"at = {_quoted(flat_field.at)}"] if flat_field.at else []
        lines += [f"half_mm = {_row(np.array(flat_field.half_mm), 3)}", "log = ["]
        lines += [f"  {_row(row, 6)}," for row in flat_field.log]
        lines.append("]")
    return "\n".join(lines).lstrip("\n") + "\n"


def _row(values: Array, digits: int) -> str:
    return f"[{', '.join(f'{value + 0.0:.{digits}f}' for value in values)}]"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in escaped) + '"'
