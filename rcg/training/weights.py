"""Weights in and out: safetensors for what RCG writes; a user's file to begin with, any channels."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from rcg.errors import InputError
from rcg.training import checkpoints

_PREFIXES = ("model.", "module.", "backbone.body.", "backbone.")


@dataclass(frozen=True)
class Taken:
    """What of a file went into a network: names, and what was left out and why."""

    taken: int
    adapted: tuple[str, ...]
    left: tuple[str, ...]


def save(model: nn.Module, path: Path) -> None:
    """Write a network's weights."""
    save_file({name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}, path)


def load(model: nn.Module, path: Path) -> None:
    """Read weights that were written for this very network. Raises InputError when they were not."""
    try:
        state = load_file(path)
        model.load_state_dict(state)
    except (SafetensorError, RuntimeError, OSError) as error:
        raise InputError(
            f"The weights {path.name[:16]} do not fit this model: {str(error).splitlines()[0][:200]}.",
            "Train it again, or restore the data folder from a backup.",
        ) from error


def read_any(path: Path) -> dict[str, Tensor]:
    """Read a user's file: safetensors, or a file of torch that holds tensors alone. Raises InputError."""
    try:
        state: Mapping[str, object] = load_file(path)
    except SafetensorError:
        state = checkpoints.load(path)
        for key in ("model", "state_dict"):
            inner = state.get(key)
            if isinstance(inner, dict):
                state = inner
    tensors = {str(name): value for name, value in state.items() if isinstance(value, Tensor)}
    if not tensors:
        raise InputError(f"{path.name} holds no tensors.", "Give the weights of a network.")
    return tensors


def begin_with(model: nn.Module, tensors: Mapping[str, Tensor]) -> Taken:
    """Put all that fits into a network that is to be trained.

    A first convolution for other channels takes the file's mean over channels for each of its own, scaled so
    that its answer keeps its size. Heads of other classes stay as they are.

    Raises InputError when nothing fits.
    """
    own = model.state_dict()
    plain = {_bare(name): value for name, value in tensors.items()}
    taken, adapted, left = 0, [], []
    for name, value in own.items():
        given = tensors.get(name)
        if given is None:
            given = plain.get(_bare(name))
        if given is None:
            left.append(name)
        elif given.shape == value.shape:
            value.copy_(given)
            taken += 1
        elif _other_channels(given, value):
            value.copy_(given.mean(1, keepdim=True).expand_as(value) * (given.shape[1] / value.shape[1]))
            adapted.append(name)
        else:
            left.append(name)
    if not taken:
        raise InputError(
            "None of the file's weights fits this network.",
            "Choose the backbone that the weights were made for.",
        )
    model.load_state_dict(own)
    return Taken(taken, tuple(adapted), tuple(left))


def _bare(name: str) -> str:
    for prefix in _PREFIXES:
        name = name.removeprefix(prefix)
    return name


def _other_channels(given: Tensor, own: Tensor) -> bool:
    same = given.ndim == own.ndim == 4 and given.shape[0] == own.shape[0] and given.shape[2:] == own.shape[2:]
    return bool(same) and given.shape[1] == 3
