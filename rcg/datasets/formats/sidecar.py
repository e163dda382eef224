"""The sidecar of formats that cannot carry everything: ``rcg/dataset.jsonl``, an item a line.

Beside each item's full record it names its files and a hash of its plain label file: when another program
changed that file since, the change wins, and only the facts that the format has no place for come from the
sidecar.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

from pydantic import ValidationError

from rcg.datasets.formats.files import OWN_FOLDER, Folder
from rcg.datasets.formats.parts import LossReport
from rcg.datasets.manifest import Header, ItemRecord
from rcg.errors import InputError

NAME = f"{OWN_FOLDER}/dataset.jsonl"
CHANGED = "label files that were changed outside RCG: read as they are now"
_KEY = "dataset-export"
_VERSION = 1


def check_of(labels: bytes | None) -> str:
    """Return the hash by which a label file is known; "" where there is none."""
    return "" if labels is None else hashlib.sha256(labels).hexdigest()[:16]


def head(header: Header, of: str) -> bytes:
    """Return the first line. ``of`` is the format's name."""
    body = {"rcg": _KEY, "format": _VERSION, "of": of, "header": header.model_dump(mode="json")}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def write(file: IO[bytes], line: bytes, image: str, labels: str, check: str) -> None:
    """Add an item: its canonical line, the paths of its image and label file, the label file's hash."""
    facts = json.dumps({"image": image, "labels": labels, "check": check}, ensure_ascii=False)
    file.write(facts[:-1].encode() + b',"item":' + line + b"}\n")


@dataclass(frozen=True)
class Entry:
    """An item of the sidecar."""

    record: ItemRecord
    image: str
    labels: str
    check: str

    def changed(self, folder: Folder) -> bool:
        """Whether the label file is another one than RCG wrote."""
        path = folder.path(self.labels)
        return check_of(path.read_bytes() if path.is_file() else None) != self.check


class Sidecar:
    """A sidecar that is read.

    Raises:
        InputError: its first line is no header of RCG's, or of a newer form.
    """

    def __init__(self, folder: Folder, loss: LossReport) -> None:
        self._folder, self._loss = folder, loss
        with folder.path(NAME).open("rb") as file:
            self.of, self.header = _head(file.readline())

    def entries(self) -> Iterator[Entry]:
        """Yield the items; lines that cannot be read are counted, and their files taken for foreign ones."""
        with self._folder.path(NAME).open("rb") as file:
            file.readline()
            for number, line in enumerate(file, start=2):
                try:
                    body = json.loads(line)
                    yield Entry(
                        ItemRecord.model_validate(body["item"]), str(body["image"]), str(body["labels"]),
                        str(body["check"]),
                    )  # fmt: skip
                except (ValueError, KeyError, TypeError, RecursionError):
                    self._loss.add("lines of the sidecar that cannot be read", f"{NAME}, line {number}")


def find(folder: Folder) -> str | None:
    """Return the name of the format that RCG wrote here beside a sidecar; None when there is no sidecar."""
    if NAME not in folder.others:
        return None
    with folder.path(NAME).open("rb") as file:
        return _head(file.readline())[0]


def _head(line: bytes) -> tuple[str, Header]:
    try:
        body: Any = json.loads(line)
        if body["rcg"] != _KEY or body["format"] > _VERSION:
            raise InputError(
                f"{NAME} is of the form {body['format']}; this RCG reads up to {_VERSION}.", "Update RCG."
            )
        return str(body["of"]), Header.model_validate(body["header"])
    except (ValueError, KeyError, TypeError, ValidationError) as error:
        raise InputError(
            f"{NAME} is no sidecar of RCG, or was damaged.",
            "Export again, or delete the file to import what the plain format holds.",
        ) from error
