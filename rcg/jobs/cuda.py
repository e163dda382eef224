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
def usable() -> bool:
    """Whether a GPU can be seen and the installed torch was built for it. Asked once per process."""
    if os.environ.get("CUDA_VISIBLE_DEVICES", "all").strip() in {"", "-1"}:
        return False
    return _gpu_here() and _torch_has_cuda()


def _gpu_here() -> bool:
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return False
    try:
        return int(pynvml.nvmlDeviceGetCount()) > 0
    except pynvml.NVMLError:
        return False
    finally:
        pynvml.nvmlShutdown()


def _torch_has_cuda() -> bool:
    found = find_spec("torch")
    if found is None or not found.origin:
        return False
    version = Path(found.origin).with_name("version.py")
    return version.is_file() and bool(_CUDA_LINE.search(version.read_text(encoding="utf-8")))
