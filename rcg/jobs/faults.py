"""What went wrong in a job, in the one JSON form of errors."""

from __future__ import annotations

import errno
import traceback
from typing import Any

from rcg.errors import RcgError

_DISK_FULL = {errno.ENOSPC, errno.EDQUOT}
_TRACE_LINES = 40


def describe(error: BaseException) -> dict[str, Any]:
    """The error of a job: RCG's own words where it has any, else what happened, with the traceback."""
    if isinstance(error, RcgError):
        return error.as_json()
    if is_disk_full(error):
        return {
            "error": "disk_full",
            "detail": f"The disk is full: {error}",
            "hint": "Free some space on the disk of the data folder, then retry the job.",
        }
    if isinstance(error, MemoryError):
        return {
            "error": "out_of_memory",
            "detail": f"The job needs more memory than this computer has free. {error}".strip(),
            "hint": "Close other programs or use smaller images, then retry the job.",
        }
    trace = "".join(traceback.format_exception(error)).splitlines()[-_TRACE_LINES:]
    return {
        "error": "internal_error",
        "detail": f"{type(error).__name__}: {error}",
        "hint": "This is a fault of RCG, not of your input; the traceback below says where.",
        "data": {"traceback": "\n".join(trace)},
    }


def is_disk_full(error: BaseException) -> bool:
    """Tell whether the disk, or the quota on it, is what ran out: of a file's write or of the database's."""
    if isinstance(error, OSError) and error.errno in _DISK_FULL:
        return True
    return "database or disk is full" in str(error)
