"""Where the solver computes: the CPU by numba, or CUDA by torch, which is imported only when it is used."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any, Literal

from rcg.errors import InputError

Device = Literal["auto", "cpu", "cuda"]
_DRIVERS = ("/proc/driver/nvidia", "/dev/nvidiactl", "/dev/dxg")
"""what stands where there is an NVIDIA driver (the last in WSL2): without one torch need not be imported"""


def torch_solver(device: Device) -> Any:
    """Return :mod:`rcg.photometric.solve_torch` where CUDA is to be used, else None.

    Raises:
        InputError: CUDA was asked for and is not there.
    """
    if device == "cpu" or (device == "auto" and not any(Path(path).exists() for path in _DRIVERS)):
        return None
    try:
        solver = import_module("rcg.photometric.solve_torch")
    except ImportError:
        solver = None
    if solver is not None and solver.available():
        return solver
    if device == "cuda":
        raise InputError(
            "CUDA was asked for, and torch sees no CUDA device.",
            "Choose device auto or cpu, or install the driver of the graphics card.",
        )
    return None
