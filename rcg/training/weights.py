"""Weights in and out: safetensors for what RCG writes; a user's file to begin with, any channels."""

from __future__ import annotations

import errno
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from rcg.errors import InputError
from rcg.files import sync_folder
from rcg.training import checkpoints

_PREFIXES = ("model.", "module.", "backbone.body.", "backbone.", "body.", "colour.", "relief.", "features.")
_RGB = (".r", ".g", ".b")
_SAME_BODY = 0.8
"""share of a body's convolutions, of the network and of the file, that must find each other; a first one for
other channels may be missing, but not every second one, as between two ResNets"""


@dataclass(frozen=True)
class Taken:
    """What of a file went into a network: names, and what was left out and why."""

    taken: int
    adapted: tuple[str, ...]
    left: tuple[str, ...]


def save(model: nn.Module, path: Path) -> None:
    """Write a network's weights; what stood there stays until they are whole."""
    temporary = path.with_suffix(".new")
    state = {name: value.detach().cpu().contiguous() for name, value in model.state_dict().items()}
    try:
        save_file(state, temporary)
        with temporary.open("rb") as file:
            os.fsync(file.fileno())
        temporary.replace(path)
    except SafetensorError as error:
        # safetensors tells of a full disk in its own words.
        raise OSError(errno.ENOSPC, str(error)) from error
    finally:
        temporary.unlink(missing_ok=True)
    sync_folder(path.parent)


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


def read_any(path: Path, name: str = "") -> dict[str, Tensor]:
    """Read a user's file: safetensors, or a file of torch that holds tensors alone. Raises InputError.

    ``name`` is what its owner calls it, for errors.
    """
    name = name or path.name
    try:
        state: Mapping[str, object] = load_file(path)
    except FileNotFoundError:
        raise InputError(
            f"The weights {name} are no longer stored here.",
            "Add the file again, or choose other weights.",
            field="weights",
        ) from None
    except SafetensorError:
        state = checkpoints.load(path, name)
        for key in ("model", "state_dict"):
            inner = state.get(key)
            if isinstance(inner, dict):
                state = inner
    tensors = {str(name): value for name, value in state.items() if isinstance(value, Tensor)}
    if not tensors:
        raise InputError(f"{name} holds no tensors.", "Give the weights of a network.")
    return tensors


def begin_with(
    model: nn.Module, tensors: Mapping[str, Tensor], channels: Sequence[str] = (), name: str = "the file"
) -> Taken:
    """Put all that fits into a network that is to be trained.

    A first convolution for other channels takes the file's red, green and blue for each colour picture, over
    their number, and zero for the others: the network begins by answering what the file's did, and learns
    what the further channels are good for. One that sees no colour takes the mean of the three. Heads of
    other classes stay as they are.

    Args:
        model: to be filled.
        tensors: of the file.
        channels: names of the network's input channels, as ``colour.r``.
        name: of the file, for errors.

    Raises:
        InputError: nothing fits, or so little that the file is of another backbone; then the network is as
            it was.
    """
    own = {key: value.clone() for key, value in model.state_dict().items()}
    plain: dict[str, Tensor] = {}
    for key, value in tensors.items():
        plain.setdefault(_bare(key), value)
    taken, adapted, left = 0, [], []
    for key, value in own.items():
        given = tensors.get(key)
        if given is None:
            given = plain.get(_bare(key))
        if given is None:
            left.append(key)
        elif given.shape == value.shape:
            value.copy_(given)
            taken += 1
        elif _other_channels(given, value):
            value.copy_(_fitted(given, _seen_by(key, channels, value.shape[1])))
            adapted.append(key)
        else:
            left.append(key)
    if not taken:
        raise InputError(
            f"None of the weights in {name} fits this network.",
            "Choose the backbone that the weights were made for.",
        )
    _check_body(own, plain, set(left), name)
    model.load_state_dict(own)
    return Taken(taken, tuple(adapted), tuple(left))


def _check_body(own: Mapping[str, Tensor], plain: Mapping[str, Tensor], left: set[str], name: str) -> None:
    """Raise InputError when the network's body and the file's are not the same one.

    Names repeat between backbones: half of a ResNet-18 finds something of its shape in a ResNet-50.
    """
    body = [key for key, value in own.items() if value.ndim == 4 and "body." in key and ".gates." not in key]
    found = [key for key in body if key not in left]
    stages = {_bare(key).partition(".")[0] for key in body}
    theirs = {key for key, value in plain.items() if value.ndim == 4 and key.partition(".")[0] in stages}
    used = theirs & {_bare(key) for key in found}
    if len(found) < _SAME_BODY * len(body) or len(used) < _SAME_BODY * len(theirs):
        raise InputError(
            f"The weights in {name} are of another backbone: {len(found)} of this network's {len(body)} "
            f"convolutions find theirs, and {len(theirs) - len(used)} of the file's {len(theirs)} find no "
            "place.",
            "Choose the backbone that the weights were made for, or other weights.",
            field="weights",
        )


def _seen_by(name: str, channels: Sequence[str], count: int) -> Sequence[str]:
    """Return the channels that a first convolution sees; of two stems each has its share."""
    if len(channels) == count:
        return channels
    colour = [channel for channel in channels if channel.endswith(_RGB)]
    return colour if "colour." in name and len(colour) == count else [""] * count


def _fitted(given: Tensor, channels: Sequence[str]) -> Tensor:
    pictures = sum(channel.endswith(".r") for channel in channels)
    if not pictures:
        return given.mean(1, keepdim=True).repeat(1, len(channels), 1, 1) * (given.shape[1] / len(channels))
    planes = [
        given[:, _RGB.index(channel[-2:])] / pictures
        if channel.endswith(_RGB)
        else given.new_zeros(given[:, 0].shape)
        for channel in channels
    ]
    return torch.stack(planes, 1)


def _bare(name: str) -> str:
    for prefix in _PREFIXES:
        name = name.removeprefix(prefix)
    return name


def _other_channels(given: Tensor, own: Tensor) -> bool:
    same = given.ndim == own.ndim == 4 and given.shape[0] == own.shape[0] and given.shape[2:] == own.shape[2:]
    return bool(same) and given.shape[1] == 3
