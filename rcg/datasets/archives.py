"""Archives from anywhere, unpacked with care: bombs, paths that climb out, links, names in every script, cut
short.

Only plain files come out, all of them below the folder given, and never more bytes or files than the limits
say: bytes are counted as they come, not as the archive promises.
"""

from __future__ import annotations

import os
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Self

from rcg.datasets.formats.sink import safe_name
from rcg.errors import InputError, RcgError, TooLargeError

_MEGABYTE = 1_000_000
_CHUNK = 1 << 20
_LONGEST_PART_BYTES = 255
_ZIP_UTF8 = 0x800
_ZIP_CRYPTED = 0x1
_JUNK = ("__MACOSX/", ".DS_Store", "Thumbs.db", "desktop.ini")


@dataclass(frozen=True)
class Limits:
    """What an archive may hold.

    Attributes:
        bytes: of all files together, unpacked.
        files: how many.
    """

    bytes: int = 100_000 * _MEGABYTE
    files: int = 2_000_000

    @classmethod
    def of(cls, megabytes: float) -> Self:
        """Return limits for that much data; a tenth of a kilobyte a file is taken for the least."""
        total = int(megabytes * _MEGABYTE)
        return cls(total, max(1_000, min(2_000_000, total // 100)))


@dataclass
class _Unpacking:
    """One archive on its way out.

    Attributes:
        size: bytes written.
        made: files written.
        names: theirs, to tell two of one name apart.
    """

    into: Path
    limits: Limits
    name: str
    check: Callable[[], None]
    size: int = 0
    made: list[Path] = field(default_factory=list)
    names: set[str] = field(default_factory=set)

    def take(self, name: str, opened: Callable[[], IO[bytes]]) -> None:
        """Write one member."""
        inner = _inside(name)
        if inner is None:
            raise InputError(
                f"The archive {self.name} holds {name[:80]!r}, a path that leads out of its folder.",
                "Nothing was kept. Pack the folder anew with paths below it.",
            )
        if any(f"/{inner}".endswith(f"/{junk}") or inner.startswith(junk) for junk in _JUNK):
            return
        if len(self.made) >= self.limits.files:
            raise TooLargeError(
                f"The archive {self.name} holds more than {self.limits.files} files.",
                "Split it into several archives.",
            )
        target = self.into / self._free(inner)
        target.parent.mkdir(parents=True, exist_ok=True)
        with opened() as source, target.open("xb") as out:
            self.made.append(target)
            while data := source.read(_CHUNK):
                self.size += len(data)
                if self.size > self.limits.bytes:
                    raise TooLargeError(
                        f"The archive {self.name} unpacks to more than {self.limits.bytes // _MEGABYTE} MB.",
                        "Split it, or raise limits.archive_mb in config/rcg.toml.",
                    )
                out.write(data)
                self.check()

    def _free(self, inner: str) -> str:
        """Return the path, numbered where a file of that name is there: on some disks case is no
        difference.
        """
        folder, slash, last = inner.rpartition("/")
        stem, dot, ending = last.rpartition(".") if "." in last else (last, "", "")
        tried, number = inner, 1
        while tried.casefold() in self.names:
            number += 1
            tried = f"{folder}{slash}{stem} ({number}){dot}{ending}"
        self.names.add(tried.casefold())
        return tried


def is_archive(path: Path) -> bool:
    """Whether a file is a zip or tar archive, by its bytes, whatever its name."""
    return _kind(path) is not None


def unpack(
    archive: Path,
    into: Path,
    limits: Limits | None = None,
    *,
    name: str | None = None,
    check: Callable[[], None] = lambda: None,
) -> list[Path]:
    """Unpack a zip or tar archive (plain, gzip, bzip2, xz) and return its files, in the archive's order.

    Args:
        archive: the file.
        into: an empty folder; what was written is removed when anything fails.
        limits: of size and count.
        name: what people call the archive, for messages.
        check: called all the time; may raise to stop.

    Raises:
        InputError: no archive, cut short, damaged, encrypted, or with paths that lead out.
        TooLargeError: more than the limits.
    """
    called = name or archive.name
    work = _Unpacking(into, limits or Limits(), called, check)
    try:
        with _said_in_words(called):
            _take_all(archive, work)
    except BaseException:
        for path in work.made:
            path.unlink(missing_ok=True)
        raise
    return work.made


def _take_all(archive: Path, work: _Unpacking) -> None:
    kind = _kind(archive)
    if kind is None:
        raise InputError(
            f"{work.name} is no zip or tar archive, or its end is missing.",
            "Pack the folder as .zip, .tar, .tar.gz, .tar.bz2 or .tar.xz, and send it whole.",
        )
    (_unzip if kind == "zip" else _untar)(archive, work)


def _kind(path: Path) -> str | None:
    with path.open("rb") as file:
        head = file.read(4)
    if head in (b"PK\x03\x04", b"PK\x05\x06") or zipfile.is_zipfile(path):
        return "zip"
    try:
        return "tar" if tarfile.is_tarfile(path) else None
    except (OSError, EOFError, zlib.error):
        return None


def _unzip(archive: Path, work: _Unpacking) -> None:
    with zipfile.ZipFile(archive) as packed:
        members = packed.infolist()
        promised = sum(member.file_size for member in members)
        if promised > work.limits.bytes:
            raise TooLargeError(
                f"The archive {work.name} unpacks to {promised // _MEGABYTE} MB; "
                f"at most {work.limits.bytes // _MEGABYTE} MB are taken.",
                "Split it, or raise limits.archive_mb in config/rcg.toml.",
            )
        for member in members:
            mode = member.external_attr >> 16
            if member.is_dir() or (mode and not stat.S_ISREG(mode) and stat.S_IFMT(mode)):
                continue  # folders are made as they are needed; links and devices are never made
            if member.flag_bits & _ZIP_CRYPTED:
                raise InputError(f"The archive {work.name} is encrypted.", "Pack it without a password.")
            work.take(_zip_name(member), lambda member=member: packed.open(member))  # type: ignore[misc]


def _zip_name(member: zipfile.ZipInfo) -> str:
    """Return a name in its own script: many programs write UTF-8 and do not say so."""
    name = member.orig_filename.replace("\0", "")
    if member.flag_bits & _ZIP_UTF8:
        return name
    try:
        return name.encode("cp437").decode("utf-8")
    except UnicodeError:
        return name


def _untar(archive: Path, work: _Unpacking) -> None:
    with tarfile.open(archive, "r:*", encoding="utf-8", errors="replace") as packed:
        for member in packed:
            if member.isfile():
                work.take(member.name, lambda member=member: _opened(packed, member))  # type: ignore[misc]
            else:
                work.check()


def _opened(packed: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    found = packed.extractfile(member)
    assert found is not None
    return found


def _inside(name: str) -> str | None:
    """Return a member's path below the folder; None when it leads out of it."""
    parts = name.replace("\\", "/").split("/")
    if name.startswith(("/", "\\")) or ".." in parts or (len(parts[0]) == 2 and parts[0][1] == ":"):
        return None
    return "/".join(_short(part) for part in safe_name(name).split("/"))


def _short(part: str) -> str:
    """Return a part of a path that file systems take: 255 bytes at most, its ending kept."""
    if len(os.fsencode(part)) <= _LONGEST_PART_BYTES:
        return part
    stem, dot, ending = part.rpartition(".")
    if not stem or len(ending) > 16:
        stem, dot, ending = part, "", ""
    room = _LONGEST_PART_BYTES - len(os.fsencode(dot + ending))
    return os.fsencode(stem)[:room].decode("utf-8", "ignore") + dot + ending


@contextmanager
def _said_in_words(name: str) -> Iterator[None]:
    try:
        yield
    except RcgError:
        raise
    except (zipfile.BadZipFile, tarfile.TarError, zlib.error, EOFError, ValueError) as error:
        raise _damaged(name, error) from error
    except NotImplementedError as error:
        raise InputError(
            f"The archive {name} is packed in a way that RCG does not read ({error}).",
            "Pack it with deflate, or as .tar.gz.",
        ) from error
    except OSError as error:
        if error.errno is None:  # from a decompressor, not from the disk
            raise _damaged(name, error) from error
        raise


def _damaged(name: str, error: Exception) -> InputError:
    return InputError(
        f"The archive {name} is cut short or damaged ({error}).",
        "Nothing was kept of it. Copy or send it again, or pack it anew.",
    )
