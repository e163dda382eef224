"""What goes wrong inside a step: memory that ends, losses that are no numbers."""

from __future__ import annotations

import math
from typing import Final

import torch

from rcg.errors import RcgError

NAN_STEPS: Final = 3
"""steps in a row without a number before a run goes back"""
ROLLBACKS: Final = 3


class DivergedError(RcgError):
    """The loss is no number any more, however often the run went back."""

    code = "training_diverged"
    status = 422


class OutOfMemoryError(RcgError):
    """Not even one item fits into memory."""

    code = "out_of_memory"
    status = 422


def memory_ended(error: BaseException) -> bool:
    """Whether an error says that memory ended: that of a graphics card, or the processor's."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    # torch's allocator on the processor raises a plain RuntimeError.
    return isinstance(error, RuntimeError) and "can't allocate memory" in str(error).lower()


def no_room(size: tuple[int, int]) -> OutOfMemoryError:
    """Return the error for an item that does not fit by itself."""
    return OutOfMemoryError(
        f"Not even one item of {size[0]} x {size[1]} px fits into memory.",
        "Choose a smaller training size or a lighter backbone, or close other programs.",
    )


def diverged(rate: float, rollbacks: int) -> DivergedError:
    """Return the error for a run that does not come back to numbers."""
    return DivergedError(
        f"The loss is no number {NAN_STEPS} steps in a row at a learning rate of {rate:.2g}, and going back "
        f"{rollbacks} times did not help.",
        "Start a run with a lower learning rate, and look at the items' layers for wrong values.",
    )


def finite(*values: float) -> bool:
    """Whether all are numbers."""
    return all(map(math.isfinite, values))
