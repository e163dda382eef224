"""A path of the command line as one file to upload: an archive as it is, a folder packed into one."""

from __future__ import annotations

import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rcg.errors import InputError

ARCHIVES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tar.xz")


@contextmanager
def as_upload(source: Path) -> Iterator[tuple[str, Path]]:
    """Give the name and the place of a file to send, until the block ends.

    A folder becomes an uncompressed zip archive in the temporary folder: images do not get smaller.

    Raises:
        InputError: there is nothing at the path, or the folder is empty.
    """
    if source.is_file():
        yield source.name, source
        return
    if not source.is_dir():
        raise InputError(f"There is nothing at {source}.", "Give a folder, an archive or a file.")
    files = [path for path in sorted(source.rglob("*")) if path.is_file() and not _hidden(path, source)]
    if not files:
        raise InputError(f"The folder {source} has no files.", "Give the folder that holds the images.")
    with tempfile.TemporaryDirectory(prefix="rcg-import-") as folder:
        packed = Path(folder) / f"{source.resolve().name}.zip"
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
            for path in files:
                archive.write(path, path.relative_to(source).as_posix())
        yield packed.name, packed


def _hidden(path: Path, source: Path) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in path.relative_to(source).parts)
