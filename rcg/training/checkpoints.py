"""Checkpoints: complete, or not there. Written beside, synced, renamed; a JSON beside each says what it is.

This is the one place of RCG that calls ``torch.load``, with ``weights_only=True``.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import torch

from rcg.errors import InputError, UnavailableError
from rcg.files import sync_folder
from rcg.training.disk import FULL
from rcg.training.events import attempts

FOLDER: Final = "checkpoints"
KEPT: Final = 2


@dataclass(frozen=True)
class Checkpoint:
    """One on disk.

    Attributes:
        path: the file.
        step: steps that were done.
        sha256, bytes: of the file.
        best: whether it was the best when it was written.
    """

    path: Path
    step: int
    sha256: str
    bytes: int
    best: bool


def save(run_dir: Path, attempt: int, step: int, state: dict[str, Any], *, best: bool) -> Checkpoint:
    """Write a checkpoint, and remove those that are no longer needed: the last two and the best stay.

    Raises:
        UnavailableError: the disk does not take it; the former checkpoints are as they were.
    """
    folder = run_dir / f"attempt-{attempt}" / FOLDER
    former = max((one.step for one in listing(run_dir)), default=None)
    path = folder / f"step-{step:06d}.pt"
    temporary = path.with_suffix(".new")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with temporary.open("wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        digest = _hash(temporary)
        size = temporary.stat().st_size
        temporary.replace(path)
        _write_json(path.with_suffix(".json"), {"step": step, "sha256": digest, "bytes": size, "best": best})
        sync_folder(folder)
    except (OSError, RuntimeError) as error:  # torch reports a full disk as a RuntimeError
        with contextlib.suppress(OSError):
            temporary.unlink(missing_ok=True)
        safe = "" if former is None else f" That of step {former} is intact."
        raise UnavailableError(
            f"The checkpoint of step {step} cannot be written: {_said(error)}.{safe}",
            "Make room on the disk of the data folder, then resume the run from its last checkpoint.",
        ) from error
    made = Checkpoint(path, step, digest, size, best)
    _prune(run_dir, made)
    return made


def newest(run_dir: Path) -> Checkpoint | None:
    """Return the newest complete checkpoint of any attempt; one that is damaged is passed over."""
    for found in sorted(listing(run_dir), key=lambda one: (one.step, one.path.as_posix()), reverse=True):
        if found.path.stat().st_size == found.bytes and _hash(found.path) == found.sha256:
            return found
    return None


def best(run_dir: Path) -> Checkpoint | None:
    """Return the newest of those that were the best when they were written."""
    marked = [found for found in listing(run_dir) if found.best]
    return max(marked, key=lambda one: (one.step, one.path.as_posix()), default=None)


def listing(run_dir: Path) -> Iterator[Checkpoint]:
    """Yield the checkpoints that have their JSON beside them."""
    for _, folder in attempts(run_dir):
        for said in sorted((folder / FOLDER).glob("step-*.json")):
            path = said.with_suffix(".pt")
            with contextlib.suppress(ValueError, KeyError, FileNotFoundError):
                data = json.loads(said.read_text("utf-8"))
                if path.is_file():
                    yield Checkpoint(path, data["step"], data["sha256"], data["bytes"], data["best"])


def load(path: Path, name: str = "") -> dict[str, Any]:
    """Read a checkpoint or another file of tensors on the CPU. Raises InputError when it is none.

    ``name`` is what its owner calls it, for errors.
    """
    name = name or path.name
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise InputError(
            f"{name} is no file of weights that RCG reads: {str(error).splitlines()[0][:200]}.",
            "Give a .safetensors file, or a .pt file that holds tensors alone.",
        ) from error
    if not isinstance(state, dict):
        raise InputError(f"{name} holds no weights.", "Give a state dict.")
    return state


def _prune(run_dir: Path, made: Checkpoint) -> None:
    every = sorted(listing(run_dir), key=lambda one: (one.step, one.path.as_posix()))
    keep = {one.path for one in every[-KEPT:]} | {made.path}
    marked = [one for one in every if one.best]
    if marked:
        keep.add(marked[-1].path)
    for one in every:
        if one.path not in keep:
            one.path.with_suffix(".json").unlink(missing_ok=True)
            one.path.unlink(missing_ok=True)


def sweep(run_dir: Path) -> None:
    """Remove what a kill left half done. Call while nothing trains."""
    complete = {one.path for one in listing(run_dir)}
    for _, folder in attempts(run_dir):
        for path in (folder / FOLDER).glob("step-*"):
            if path.suffix != ".json" and path not in complete:
                path.unlink(missing_ok=True)


def _said(error: Exception) -> str:
    """Return why a file could not be written. torch tells of a full disk in words of its own."""
    if isinstance(error, OSError):
        return "the disk is full" if error.errno in FULL else str(error.strerror or error)
    return f"the disk may be full ({str(error).splitlines()[0][:120]})"


def _write_json(path: Path, data: dict[str, Any]) -> None:
    temporary = path.with_suffix(".json-new")
    with temporary.open("w", encoding="utf-8") as file:
        json.dump(data, file)
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
