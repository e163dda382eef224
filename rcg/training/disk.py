"""The words for a disk that is full."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from rcg.errors import UnavailableError

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})


@contextmanager
def disk_errors(doing: str, rescue: str = "") -> Iterator[None]:
    """Turn a full disk into the error that a person can act on.

    Args:
        doing: what failed, as in "writing the checkpoint of step 80".
        rescue: what is safe.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in FULL:
            raise
        raise UnavailableError(
            f"The disk is full: {doing} failed.{' ' + rescue if rescue else ''}",
            "Make room on the disk of the data folder, then resume the run.",
        ) from error
