"""Files kept by the SHA-256 of their bytes: written once, never changed.

A blob comes into being by temp file, fsync, rename, fsync of its folder; only then may a row name it.
A crash leaves at most a temp file, which :meth:`BlobStore.sweep_temporary` removes at the next start.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from rcg.errors import InputError, NotFoundError, TooLargeError, UnavailableError
from rcg.files import sync_folder

_SHA256 = re.compile(r"[0-9a-f]{64}")
_DISK_FULL = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
_MEGABYTE = 1_000_000


@dataclass(frozen=True)
class BlobInfo:
    """A stored file: its hash, its size, and whether this call brought it in."""

    sha256: str
    bytes: int
    new: bool = True


class BlobStore:
    """The folder of blobs, ``ab/cd/<sha256>`` each, mode 0444.

    Args:
        folder: made on the first write.
        min_free_mb: writing is refused when the disk has less than this free, megabytes.
    """

    def __init__(self, folder: Path, *, min_free_mb: int = 0) -> None:
        self.folder = folder
        self.min_free_mb = min_free_mb

    @property
    def temporary(self) -> Path:
        """Where unfinished files lie: on the same file system, so that a rename is atomic."""
        return self.folder / "tmp"

    def path(self, sha256: str) -> Path:
        """Return where the blob of that hash lies or would lie. Raises InputError for what is no SHA-256."""
        check_sha256(sha256)
        return self.folder / sha256[:2] / sha256[2:4] / sha256

    def has(self, sha256: str) -> bool:
        """Whether the blob is here."""
        return self.path(sha256).is_file()

    def size(self, sha256: str) -> int:
        """Return its size in bytes. Raises NotFoundError."""
        try:
            return self.path(sha256).stat().st_size
        except FileNotFoundError:
            raise _missing(sha256) from None

    def read(self, sha256: str) -> bytes:
        """Return the bytes. Raises NotFoundError."""
        try:
            return self.path(sha256).read_bytes()
        except FileNotFoundError:
            raise _missing(sha256) from None

    def add(self, data: bytes) -> BlobInfo:
        """Store bytes; storing them again is free."""
        with self.writer(expected=hashlib.sha256(data).hexdigest()) as writer:
            writer.write(data)
            return writer.commit()

    def writer(
        self, expected: str | None = None, *, max_bytes: int | None = None, size: int | None = None
    ) -> BlobWriter:
        """Open a blob for writing in pieces; use it with ``with``, and :meth:`BlobWriter.commit` at the end.

        Args:
            expected: the hash it must turn out to have, or None to take what it is.
            max_bytes: limit; the piece that passes it raises TooLargeError.
            size: bytes to come, when known, for the check of free space.
        """
        if expected is not None:
            check_sha256(expected)
        self.check_space(size or 0)
        return BlobWriter(self, expected, max_bytes)

    def adopt(self, path: Path) -> BlobInfo:
        """Make a finished file a blob; it has to lie on the same file system, and is gone from its place.

        Raises UnavailableError when it cannot be put on disk.
        """
        digest = hashlib.sha256()
        with path.open("rb") as file:
            while piece := file.read(1 << 20):
                digest.update(piece)
        size, sha256 = path.stat().st_size, digest.hexdigest()
        target = self.path(sha256)
        if target.is_file():
            path.unlink()
            return BlobInfo(sha256, size, new=False)
        with _disk_errors(self.folder):
            with path.open("rb+") as file:
                os.fsync(file.fileno())
            path.chmod(0o444)
            _make_folders(target.parent)
            path.replace(target)
            sync_folder(target.parent)
        return BlobInfo(sha256, size)

    def remove(self, sha256: str) -> None:
        """Remove a blob. The caller holds the write transaction in which nothing names it any more."""
        path = self.path(sha256)
        path.unlink(missing_ok=True)
        if path.parent.is_dir():
            sync_folder(path.parent)

    def check_space(self, more_bytes: int = 0, *, min_free_mb: int | None = None) -> None:
        """Raise UnavailableError when the disk has too little room left for this many bytes more.

        ``min_free_mb`` in place of the store's own figure.
        """
        kept = self.min_free_mb if min_free_mb is None else min_free_mb
        with _disk_errors(self.folder):
            self.temporary.mkdir(parents=True, exist_ok=True)
            free = shutil.disk_usage(self.folder).free
        if free - more_bytes < kept * _MEGABYTE:
            raise UnavailableError(
                f"The disk is full: {free // _MEGABYTE} MB are free where RCG keeps its files, "
                f"and {kept} MB must stay free.",
                "Make room on that disk, or move the data folder (setting data_dir).",
                free_mb=free // _MEGABYTE,
            )

    def sweep_temporary(self) -> int:
        """Remove what unfinished writes left; return how many. Call while nothing writes."""
        if not self.temporary.is_dir():
            return 0
        left = list(self.temporary.iterdir())
        for path in left:
            path.unlink(missing_ok=True)
        return len(left)


class BlobWriter:
    """A blob on its way in. Leaving the ``with`` block without :meth:`commit` leaves nothing behind."""

    def __init__(self, store: BlobStore, expected: str | None, max_bytes: int | None) -> None:
        self._store = store
        self._expected = expected
        self._max_bytes = max_bytes
        self._hash = hashlib.sha256()
        self._file: BinaryIO | None = None
        self._path: Path | None = None
        self.bytes = 0
        self.head = b""
        """the first bytes, to tell what kind of file it is"""

    def __enter__(self) -> Self:
        with _disk_errors(self._store.folder):
            handle, name = tempfile.mkstemp(dir=self._store.temporary)
        self._path = Path(name)
        self._file = os.fdopen(handle, "wb")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.abandon()

    def write(self, data: bytes) -> None:
        """Add a piece. Raises TooLargeError over the limit, UnavailableError when the disk is full."""
        assert self._file is not None
        self.bytes += len(data)
        if self._max_bytes is not None and self.bytes > self._max_bytes:
            raise TooLargeError(
                f"The file is larger than {self._max_bytes // _MEGABYTE} MB.",
                "Send a smaller file, or raise limits.image_mb in config/rcg.toml.",
            )
        if len(self.head) < 32:
            self.head += data[: 32 - len(self.head)]
        with _disk_errors(self._store.folder):
            self._file.write(data)
        self._hash.update(data)

    def settle(self) -> Path:
        """Put the bytes on disk and close the file, which is still a temporary one; return where it lies.

        A form of a thousand files would else hold a thousand files open until its end.
        """
        assert self._file is not None
        assert self._path is not None
        if not self._file.closed:
            with _disk_errors(self._store.folder):
                self._file.flush()
                os.fchmod(self._file.fileno(), 0o444)
                os.fsync(self._file.fileno())
                self._file.close()
        return self._path

    def commit(self) -> BlobInfo:
        """Put the blob in its place, on disk for good. Raises InputError when it is not the expected one."""
        assert self._file is not None
        assert self._path is not None
        sha256 = self._hash.hexdigest()
        if self._expected is not None and sha256 != self._expected:
            raise InputError(
                f"The bytes that came have the SHA-256 {sha256}, not {self._expected}.",
                "The upload was damaged or cut on its way: send it again.",
                received=sha256,
                expected=self._expected,
                bytes=self.bytes,
            )
        target = self._store.path(sha256)
        if target.is_file():
            self.abandon()
            return BlobInfo(sha256, self.bytes, new=False)
        self.settle()
        with _disk_errors(self._store.folder):
            _make_folders(target.parent)
            self._path.replace(target)
            sync_folder(target.parent)
        return BlobInfo(sha256, self.bytes)

    def abandon(self) -> None:
        """Forget it: close and remove the temp file. Harmless after :meth:`commit`."""
        if self._file is not None:
            try:
                self._file.close()
            except OSError as error:  # closing flushes, and a full disk says so again
                if error.errno not in _DISK_FULL:
                    raise
        if self._path is not None:
            self._path.unlink(missing_ok=True)


def check_sha256(text: str) -> str:
    """Return it when it is a SHA-256 in lower-case hex; raises InputError."""
    if not _SHA256.fullmatch(text):
        raise InputError(
            f"{text[:80]!r} is no SHA-256.", "It has 64 digits 0-9 a-f, as `sha256sum FILE` prints."
        )
    return text


def _missing(sha256: str) -> NotFoundError:
    return NotFoundError(
        f"No file with the SHA-256 {sha256} is stored here.", "Upload it: PUT /api/blobs/SHA256."
    )


def _make_folders(folder: Path) -> None:
    """Make ``root/ab/cd`` and put each new name on disk in its parent."""
    for level in (folder.parent, folder):
        if not level.is_dir():
            level.mkdir(parents=True, exist_ok=True)
            sync_folder(level.parent)


@contextmanager
def _disk_errors(folder: Path) -> Iterator[None]:
    """Say in a sentence what the operating system says in a number."""
    try:
        yield
    except OSError as error:
        if error.errno in _DISK_FULL:
            raise UnavailableError(
                f"The disk is full: {error.strerror} while writing into {folder.name}/ of the data folder.",
                "Make room there, or move the data folder (setting data_dir). Nothing half-written was kept.",
            ) from error
        if error.errno in {errno.EACCES, errno.EPERM, errno.EROFS}:
            raise UnavailableError(
                f"The data folder cannot be written: {error.strerror} ({folder}).",
                "Give the user that runs RCG the right to write there.",
            ) from error
        raise
