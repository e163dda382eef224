"""Where an export goes: a folder, or a zip archive that is the same for the same dataset."""

from __future__ import annotations

import re
import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, Protocol, Self

_FORBIDDEN = re.compile(r'[\x00-\x1f\x7f<>:"|?*]')
_SAFE = re.compile(r"[\w-](?:[\w. -]*[\w-])?(?:/[\w-](?:[\w. -]*[\w-])?)*", re.ASCII)
_PACKED = {".json", ".jsonl", ".txt", ".xml", ".yaml", ".npy"}
"""endings of files that get smaller; images do not"""
_DATE = (1980, 1, 1, 0, 0, 0)


def safe_name(name: str) -> str:
    """Return a relative path that every system takes and that stays inside its folder.

    >>> safe_name("../Ünï/kärd:1.jpg")
    'Ünï/kärd_1.jpg'
    """
    if _SAFE.fullmatch(name):
        return name
    parts = [_FORBIDDEN.sub("_", part).rstrip(" .") for part in name.replace("\\", "/").split("/")]
    return "/".join(part for part in parts if part) or "unnamed"


class Sink(Protocol):
    """Takes an export's files. Names are relative, with /."""

    def write(self, name: str, data: bytes) -> None:
        """Add a small file."""

    def copy(self, name: str, source: Path) -> None:
        """Add a copy of a file."""

    def folder(self, name: str) -> None:
        """Add an empty folder."""

    def open(self, name: str) -> AbstractContextManager[IO[bytes]]:
        """Add a file that is written piece by piece; several may be open at a time."""


class FolderSink:
    """A folder, made when it is not there."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def __enter__(self) -> Self:
        self.root.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def write(self, name: str, data: bytes) -> None:
        """Add a small file."""
        self._place(name).write_bytes(data)

    def folder(self, name: str) -> None:
        """Add an empty folder."""
        (self.root / name).mkdir(parents=True, exist_ok=True)

    def copy(self, name: str, source: Path) -> None:
        """Add a copy of a file."""
        shutil.copyfile(source, self._place(name))

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """Add a file that is written piece by piece."""
        with self._place(name).open("wb") as file:
            yield file

    def _place(self, name: str) -> Path:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


class ZipSink:
    """A zip archive. Text is packed, images are stored; dates are left out, so that equal content gives equal
    bytes."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._zip = self._stack.enter_context(zipfile.ZipFile(self.path, "w", allowZip64=True))
        self._scratch = Path(
            self._stack.enter_context(
                tempfile.TemporaryDirectory(prefix=".rcg-export-", dir=self.path.parent)
            )
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def write(self, name: str, data: bytes) -> None:
        """Add a small file."""
        self._zip.writestr(_info(name), data, compresslevel=1)

    def folder(self, name: str) -> None:
        """Add an empty folder."""
        info = zipfile.ZipInfo(name.rstrip("/") + "/", _DATE)
        info.external_attr = (0o40755 << 16) | 0x10
        self._zip.writestr(info, b"")

    def copy(self, name: str, source: Path) -> None:
        """Add a copy of a file."""
        info = _info(name)
        info.file_size = source.stat().st_size
        with source.open("rb") as file, self._zip.open(info, "w") as out:
            shutil.copyfileobj(file, out, 1 << 20)

    @contextmanager
    def open(self, name: str) -> Iterator[IO[bytes]]:
        """Add a file that is written piece by piece: on disk first, because an archive takes one at a
        time.
        """
        handle = tempfile.NamedTemporaryFile(dir=self._scratch, delete=False)  # noqa: SIM115  closed below
        try:
            with handle:
                yield handle
            self.copy(name, Path(handle.name))
        finally:
            Path(handle.name).unlink()


def _info(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, _DATE)
    packed = Path(name).suffix.lower() in _PACKED
    info.compress_type = zipfile.ZIP_DEFLATED if packed else zipfile.ZIP_STORED
    info.external_attr = 0o644 << 16
    return info


@contextmanager
def sink_for(out: Path) -> Iterator[Sink]:
    """Open a folder, or a zip archive when the name ends so. A zip that fails is removed."""
    if out.suffix.lower() != ".zip":
        with FolderSink(out) as folder:
            yield folder
        return
    try:
        with ZipSink(out) as archive:
            yield archive
    except BaseException:
        out.unlink(missing_ok=True)
        raise
