"""Whether CUDA is here for jobs, found out without importing torch: the web process does not."""

from __future__ import annotations

import os
import re
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import pynvml

_CUDA_LINE = re.compile(r"^cuda\b[^=\n]*=\s*['\"]\d", re.MULTILINE)


@cache
def count() -> int:
    """How many GPUs the installed torch can use. Asked once per process."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None and visible.strip() in {"", "-1"}:
        return 0
    found = _gpus() if _torch_has_cuda() else 0
    return found if visible is None else min(found, len(visible.split(",")))


def usable() -> bool:
    """Whether there is one."""
    return count() > 0


def _gpus() -> int:
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return 0
    try:
        return int(pynvml.nvmlDeviceGetCount())
    except pynvml.NVMLError:
        return 0
    finally:
        pynvml.nvmlShutdown()


def _torch_has_cuda() -> bool:
    found = find_spec("torch")
    if found is None or not found.origin:
        return False
    version = Path(found.origin).with_name("version.py")
    return version.is_file() and bool(_CUDA_LINE.search(version.read_text(encoding="utf-8")))
