"""What is graded: the files of one card's sides, before anything is decoded.

A folder, an upload and a job's spec all become a :class:`CardInput`, so that one run grades them all alike.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rcg.errors import InputError
from rcg.grading.schema import SideName
from rcg.photometric.lights import LightsSpec


class CaptureError(InputError):
    """The files do not make a capture."""

    code = "wrong_capture"


@dataclass(frozen=True)
class FrameFile:
    """One photograph of a side: where its bytes are, and the light it was taken under.

    Attributes:
        light: the light's name; ``"photo"`` where the side is one photograph alone.
        file_name: what the file was called; for messages.
        path: where its bytes are.
        sha256: of its bytes, where already known.
    """

    light: str
    file_name: str
    path: Path
    sha256: str | None = None

    def read(self) -> bytes:
        """Return the bytes; a file that has gone is a :class:`CaptureError`."""
        try:
            return self.path.read_bytes()
        except OSError as error:
            raise CaptureError(
                f"{self.file_name} cannot be read: {error.strerror or error}.",
                "Check its place and permissions.",
            ) from error


@dataclass(frozen=True)
class SideInput:
    """One side: its frames in order, and where the lights are (None: told by the frames' names)."""

    frames: tuple[FrameFile, ...]
    lights: LightsSpec | None = None


@dataclass(frozen=True)
class CardInput:
    """One card: its sides, a name where the files tell one, and what was passed over on the way."""

    sides: Mapping[SideName, SideInput]
    name: str | None = None
    notes: tuple[str, ...] = field(default=())


def refuse_identical(hashed: list[tuple[str, str]]) -> None:
    """Refuse two frames of the same bytes.

    Args:
        hashed: (file name, SHA-256) of each frame.

    Raises:
        CaptureError: naming the two.
    """
    seen: dict[str, str] = {}
    for file_name, sha256 in hashed:
        if sha256 in seen:
            raise CaptureError(
                f"{seen[sha256]} and {file_name} are the same photograph (identical bytes).",
                "Each frame must be taken under its own light; take the missing one again.",
            )
        seen[sha256] = file_name


def sha256_of(data: bytes) -> str:
    """Return the SHA-256 of bytes in hex, the name of a blob."""
    return hashlib.sha256(data).hexdigest()
