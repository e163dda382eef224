"""A folder that another program fills, as a tethered camera's does: each whole file becomes the next frame.

Nothing in the folder is ever moved, changed or deleted. What is taken, and what is left aside and why, is
told as notes. A file counts as whole when its size and time stood still between two looks and its format's
own end is there.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Protocol

from rcg.capture.card_input import sha256_of
from rcg.capture.folder import IMAGE_ENDINGS, natural_order
from rcg.errors import InputError, RcgError, UnavailableError
from rcg.photometric.metadata import JPEG, PNG, TIFF, WEBP, sniff

MAX_ENTRIES = 5000
STILL_S = 0.8
"""how long a file has to stand still"""
PATIENCE_S = 15.0
"""how long one without its end is waited for before it is told of"""
_TAIL = 65_536
_RAW = frozenset({".cr2", ".cr3", ".nef", ".arw", ".raf", ".orf", ".rw2", ".dng", ".pef", ".srw", ".heic"})
_BESIDE = frozenset({".xmp", ".thm", ".tmp", ".part", ".partial", ".crdownload", ".lock", ".ini", ".db"})


class FolderError(InputError):
    """The folder cannot be watched."""

    code: ClassVar[str] = "wrong_folder"


@dataclass(frozen=True)
class Note:
    """What became of a file.

    Attributes:
        file_name: in the folder.
        light: that it became the frame of; None: it was left aside.
        words: why, for people; empty when it was taken.
    """

    file_name: str
    light: str | None
    words: str = ""


class Taker(Protocol):
    """The session that frames are taken for. Both raise RcgError."""

    def wanted(self) -> str | None:
        """Return the light of the next frame; None when the side in front of the camera has all."""

    def take(self, light: str, data: bytes, sha256: str, taken_at: int) -> None:
        """Make a file the frame of a light; ``taken_at`` in ms since 1970."""


@dataclass
class _Arrival:
    size: int
    mtime_ns: int
    order: int
    still_since: float
    told: bool = False

    @property
    def signature(self) -> tuple[int, int]:
        return self.size, self.mtime_ns


@dataclass
class Watch:
    """Looks at a folder again and again.

    Attributes:
        folder: that is watched; the folders in it are not.
        taker: where its files go.
        existing: whether files that lie there already are taken too.
        max_bytes: larger files are left aside.
        arriving: how many files are on their way.
        problem: what stands in the way now; empty when nothing does.
    """

    folder: Path
    taker: Taker
    existing: bool = False
    max_bytes: int = 200_000_000
    arriving: int = 0
    problem: str = ""
    _done: dict[str, tuple[int, int]] = field(default_factory=dict)
    _coming: dict[str, _Arrival] = field(default_factory=dict)
    _hashes: dict[str, str] = field(default_factory=dict)
    _looks: int = 0

    def begin(self) -> int:
        """Look for the first time; return how many files lie there that are not taken. Raises FolderError."""
        found = scan(self.folder)
        if not self.existing:
            self._done = found
        return len(self._done)

    @property
    def settled(self) -> dict[str, tuple[int, int]]:
        """Size and time of each file that was dealt with or lay there before, by its name."""
        return dict(self._done)

    def resume(self, settled: Mapping[str, tuple[int, int]], taken: Mapping[str, str]) -> None:
        """Go on where another watch of this folder ended, instead of :meth:`begin`.

        Args:
            settled: what it had settled; every other file is new.
            taken: SHA-256 of each frame that the session has -> what to call it.
        """
        self._done = dict(settled)
        self._hashes = dict(taken)

    def look(self, now: float) -> list[Note]:
        """Look once; take what is whole, in the order of arrival.

        Args:
            now: seconds of a steady clock.

        Returns:
            What became of files since the last look. A folder that cannot be read, or a session that cannot
            take frames just now, is no end: ``problem`` says so until it is over.
        """
        try:
            found = scan(self.folder)
        except FolderError as error:
            self.problem = f"{error.detail} {error.hint}"
            return []
        self._looks += 1
        self._note_arrivals(found, now)
        notes: list[Note] = []
        self.problem = ""
        for name in sorted(self._coming, key=self._key):
            arrival = self._coming[name]
            aside = _aside(name, arrival.size, self.max_bytes)
            if aside is None and not self._ready(name, arrival, now):
                if now - arrival.still_since > PATIENCE_S and not arrival.told:
                    arrival.told = True
                    notes.append(Note(name, None, "Its end is missing: it is being written, or was cut."))
                if arrival.told:
                    continue
                break  # a later one must not take its light
            try:
                note = self._taken(name, arrival) if aside is None else Note(name, None, aside)
            except UnavailableError as error:  # the disk is full: the file stays, and is tried again
                self.problem = f"{error.detail} {error.hint}"
                break
            except OSError as error:
                if not arrival.told:
                    arrival.told = True
                    notes.append(Note(name, None, f"It cannot be read: {error.strerror or error}."))
                continue
            self._done[name] = arrival.signature
            del self._coming[name]
            if note.light is not None or note.words:
                notes.append(note)
        self.arriving = len(self._coming)
        return notes

    def _note_arrivals(self, found: dict[str, tuple[int, int]], now: float) -> None:
        for name in [name for name in self._coming if name not in found]:
            del self._coming[name]  # it was renamed or removed while it arrived
        for name in [name for name in self._done if name not in found]:
            del self._done[name]
        for name, signature in found.items():
            known = self._coming.get(name)
            if self._done.get(name) == signature:
                continue
            if known is None:
                self._coming[name] = _Arrival(*signature, order=self._looks, still_since=now)
            elif known.signature != signature:
                known.size, known.mtime_ns = signature
                known.still_since, known.told = now, False

    def _key(self, name: str) -> tuple[int, int, list[tuple[int, int, str]]]:
        arrival = self._coming[name]
        return arrival.order, arrival.mtime_ns, natural_order(Path(name))

    def _ready(self, name: str, arrival: _Arrival, now: float) -> bool:
        """Whether a file stands still and is whole; one that cannot be opened is tried, to say why."""
        if now - arrival.still_since < STILL_S or not arrival.size:
            return False
        try:
            return is_whole(self.folder / name)
        except OSError:
            return True

    def _taken(self, name: str, arrival: _Arrival) -> Note:
        data = (self.folder / name).read_bytes()
        kind = sniff(data[:64])
        if kind not in {JPEG, PNG, TIFF, WEBP}:
            said = f" (it is {kind})" if kind else ""
            return Note(name, None, f"It is called an image and is none that RCG reads{said}.")
        sha256 = sha256_of(data)
        twin = self._hashes.get(sha256)
        if twin is not None:
            return Note(name, None, f"It is byte for byte {twin}, which was taken already.")
        try:
            light = self.taker.wanted()
            if light is None:
                return Note(
                    name, None, "Every frame of this side is here already: turn the card over first, or end."
                )
            self.taker.take(light, data, sha256, arrival.mtime_ns // 1_000_000)
        except UnavailableError:
            raise
        except RcgError as error:
            return Note(name, None, f"{error.detail} {error.hint}".strip())
        self._hashes[sha256] = name
        return Note(name, light)


def scan(folder: Path) -> dict[str, tuple[int, int]]:
    """Return size and time of each file of a folder that is not hidden, by its name. Raises FolderError."""
    found: dict[str, tuple[int, int]] = {}
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                if entry.name.startswith(".") or not entry.is_file():
                    continue
                try:
                    info = entry.stat()
                except FileNotFoundError:
                    continue
                found[entry.name] = (info.st_size, info.st_mtime_ns)
                if len(found) > MAX_ENTRIES:
                    raise FolderError(
                        f"{folder} holds more than {MAX_ENTRIES} files.",
                        "Have the camera's program save into an empty folder, and watch that.",
                    )
    except FileNotFoundError as error:
        raise FolderError(f"{folder} does not exist.", "Make it, or choose another folder.") from error
    except NotADirectoryError as error:
        raise FolderError(f"{folder} is no folder.", "Choose the folder that the file lies in.") from error
    except PermissionError as error:
        raise FolderError(
            f"{folder} may not be read by this user.", "Give the user that runs RCG the right to read it."
        ) from error
    except OSError as error:
        raise FolderError(
            f"{folder} cannot be read: {error.strerror or error}.", "See that its disk is there."
        ) from error
    return found


def is_whole(path: Path) -> bool:
    """Whether an image's own end is there; a format that has none is whole as it stands."""
    with path.open("rb") as file:
        head = file.read(64)
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - _TAIL))
        tail = file.read()
    kind = sniff(head)
    if kind == JPEG:
        return b"\xff\xd9" in tail[-(size // 8 + 16) :]  # not that of a small picture inside
    if kind == PNG:
        return b"IEND" in tail[-64:]
    if kind == WEBP:
        return size >= 8 + int.from_bytes(head[4:8], "little")
    return True


def _aside(name: str, size: int, max_bytes: int) -> str | None:
    """Why a file is no frame by its name and size; empty: without a word; None: it may be one."""
    ending = Path(name).suffix.lower()
    if ending in _BESIDE:
        return ""
    if ending in _RAW:
        return "RAW and HEIC are not read here: set the camera to JPEG, or to both."
    if ending not in IMAGE_ENDINGS:
        return "It is no JPEG, PNG, TIFF or WebP."
    if size > max_bytes:
        return (
            f"It has {size // 1_000_000} MB, and {max_bytes // 1_000_000} MB is the most: "
            "raise limits.image_mb, or have the camera save smaller files."
        )
    return None
