"""Where a run computes, and how: device, precision, threads."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass

import torch

from rcg.errors import UnavailableError
from rcg.training.spec import Device, Precision

_MOST_WORKERS = 4


@dataclass(frozen=True)
class Place:
    """A device and the precision used there.

    Attributes:
        device: cpu or cuda.
        amp: the type of mixed precision, None for none.
    """

    device: torch.device
    amp: torch.dtype | None

    def autocast(self) -> contextlib.AbstractContextManager[object]:
        """Mixed precision, where it was chosen."""
        if self.amp is None:
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, self.amp)

    @property
    def pin(self) -> bool:
        """Whether tensors are put where a graphics card fetches them without waiting."""
        return self.device.type == "cuda"

    @property
    def workers(self) -> int:
        """Threads that make batches ahead: on a processor they would only take cores from the network."""
        return min(_MOST_WORKERS, max(1, (os.cpu_count() or 2) - 1)) if self.device.type == "cuda" else 0


def choose(device: Device, precision: Precision) -> Place:
    """Choose where to compute. ``auto`` takes CUDA where it is, with bf16 where that has it.

    Raises UnavailableError when CUDA was asked for and is not there.
    """
    here = torch.cuda.is_available()
    if device == "cuda" and not here:
        raise UnavailableError(
            "CUDA was asked for, and torch sees no CUDA device.",
            "Choose device auto or cpu, or install the driver of the graphics card.",
        )
    chosen = torch.device("cuda" if here and device != "cpu" else "cpu")
    amp: torch.dtype | None = None
    if precision == "bf16" or (
        precision == "auto" and chosen.type == "cuda" and torch.cuda.is_bf16_supported()
    ):
        amp = torch.bfloat16
    elif precision == "fp16" and chosen.type == "cuda":
        amp = torch.float16
    if chosen.type == "cuda":
        torch.backends.cudnn.benchmark = True  # every batch has one size
        torch.backends.cuda.matmul.allow_tf32 = True
        torch.backends.cudnn.allow_tf32 = True
    return Place(chosen, amp)


def put(model: torch.nn.Module, place: Place) -> torch.nn.Module:
    """Bring a network to where it computes. Tensor cores read channels last without turning them round."""
    model = model.to(place.device)
    return model.to(memory_format=torch.channels_last) if place.device.type == "cuda" else model


@contextlib.contextmanager
def threads(count: int) -> Iterator[None]:
    """Let torch compute with so many threads, and with as many as before afterwards."""
    before = torch.get_num_threads()
    torch.set_num_threads(max(1, count))
    try:
        yield
    finally:
        torch.set_num_threads(before)


def memory_mb(place: Place) -> float | None:
    """Return the most memory that torch held on the graphics card, megabytes; None on a processor."""
    if place.device.type != "cuda":
        return None
    return torch.cuda.max_memory_allocated(place.device) / 1e6
