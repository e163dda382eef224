"""Images into a dataset, by a form: stored, named, and queued for what needs decoding. Nothing is decoded
here.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rcg.api import dataset_schemas as schemas
from rcg.api.multipart import Form, ReceivedFile
from rcg.api.services.datasets.catalogue import subject
from rcg.api.services.views import job_out
from rcg.datasets.naming import card_of
from rcg.errors import InputError
from rcg.jobs.dataset_names import unused_name
from rcg.photometric.image_header import Header, read_header
from rcg.store.base import new_id
from rcg.store.repositories import blobs, datasets, items

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from rcg.container import Container
    from rcg.store.dataset_models import Dataset
    from rcg.store.models import Job

FILES_AT_ONCE = 1000
SMALL_PX = 224
"""below this short side fine damage cannot be seen, and networks are fed enlarged pixels"""
_TURNED = frozenset({5, 6, 7, 8})


@dataclass(frozen=True)
class _Size:
    width: int
    height: int

    @property
    def remark(self) -> str:
        """What to know of an image of this size; empty when there is nothing."""
        if min(self.width, self.height) >= SMALL_PX:
            return ""
        return f"Small: {self.width} x {self.height} px, under {SMALL_PX} px on its short side."


def add_images(container: Container, id_or_name: str, form: Form) -> schemas.DatasetFilesOut:
    """Make an item of every image of a form; each file is answered for by itself.

    A picture that is there already under its name is left alone; another one of that name gets a number.
    """
    if not form.files:
        raise InputError(
            "The upload has no files.", "Send them as a form, e.g. curl -F files=@1.jpg -F files=@2.jpg"
        )
    sizes = [_size_of(container, file) for file in form.files]
    with container.db.write() as session:
        dataset = datasets.get(session, id_or_name)
        answers, new = _Adding(session, dataset).add(form.files, sizes)
        job = _queue(container, session, dataset, new) if new else None
        accepted = sum(answer.accepted for answer in answers)
        return schemas.DatasetFilesOut(
            files=answers,
            accepted=accepted,
            refused=len(answers) - accepted,
            job=job_out(job) if job else None,
        )


def _queue(container: Container, session: Session, dataset: Dataset, new: list[dict[str, Any]]) -> Job:
    datasets.touch(dataset)
    job = container.jobs.submit(
        session,
        "ingest",
        {"dataset_id": dataset.id, "files": new},
        title=f"Read {len(new)} image{'s' if len(new) > 1 else ''} of {dataset.name}",
        subject=subject(dataset.id),
    )
    session.flush()
    return job


class _Adding:
    """The items of one upload on their way into the database."""

    def __init__(self, session: Session, dataset: Dataset) -> None:
        self._session = session
        self._dataset = dataset
        self._position = items.next_position(session, dataset.id)
        self._items: list[dict[str, Any]] = []
        self._layers: list[dict[str, Any]] = []
        self._new: list[dict[str, Any]] = []
        self._known: dict[str, tuple[str, str | None]] = {}

    def add(
        self, files: list[ReceivedFile], sizes: list[_Size | InputError]
    ) -> tuple[list[schemas.DatasetFileAnswer], list[dict[str, Any]]]:
        rows = items.by_names(self._session, self._dataset.id, [file.file_name for file in files])
        self._known = {name: (row.id, row.sha256) for name, row in rows.items()}
        answers = [self._take(file, size) for file, size in zip(files, sizes, strict=True)]
        items.insert_items(self._session, self._items)
        items.insert_layers(self._session, self._layers)
        return answers, self._new

    def _take(self, file: ReceivedFile, size: _Size | InputError) -> schemas.DatasetFileAnswer:
        if isinstance(size, InputError) or file.info is None:
            error = size if isinstance(size, InputError) else InputError(f"{file.file_name} did not come.")
            return schemas.DatasetFileAnswer(
                file_name=file.file_name, accepted=False, reason=error.detail, hint=error.hint or None
            )
        name, item_id = unused_name(file.file_name, file.info.sha256, self._look_up)
        answer = schemas.DatasetFileAnswer(
            file_name=file.file_name,
            accepted=True,
            item_id=item_id,
            item_name=name,
            known=item_id is not None,
            width=size.width,
            height=size.height,
            format=file.media_type.removeprefix("image/"),
            reason=size.remark or None,
        )
        if item_id is not None:
            return answer
        answer.item_id = self._insert(file, name, size)
        if name != file.file_name:
            answer.reason = (
                f"Another picture is named {file.file_name}, so this one is {name}. {size.remark}".strip()
            )
        return answer

    def _look_up(self, name: str) -> tuple[str, str | None] | None:
        if name not in self._known:
            found = items.by_names(self._session, self._dataset.id, [name]).get(name)
            if found is None:
                return None
            self._known[name] = (found.id, found.sha256)
        return self._known[name]

    def _insert(self, file: ReceivedFile, name: str, size: _Size) -> str:
        assert file.info is not None
        blobs.ensure(self._session, file.info, file.media_type)
        item_id, (card_key, side) = new_id(), card_of(name)
        self._items.append(
            {
                "id": item_id,
                "dataset_id": self._dataset.id,
                "name": name,
                "position": self._position,
                "width_px": size.width,
                "height_px": size.height,
                "px_per_mm": None,
                "margin_mm": 0.0,
                "card_key": card_key,
                "card_id": None,
                "split": None,
                "side": side,
                "source": "upload",
                "lights": None,
                "state": "pending",
                "problem": size.remark,
                "label_state": "unlabelled",
                "revision": 0,
                "phash": None,
                "thumbnail_sha256": None,
            }
        )
        self._layers.append(
            {
                "id": new_id(),
                "item_id": item_id,
                "name": "colour",
                "role": "colour",
                "position": 0,
                "blob_sha256": file.info.sha256,
                "media_type": file.media_type,
                "picture_sha256": None,
            }
        )
        self._new.append(
            {
                "item_id": item_id,
                "name": name,
                "sha256": file.info.sha256,
                "media_type": file.media_type,
                "remark": size.remark,
            }
        )
        self._known[name] = (item_id, file.info.sha256)
        self._position += 1
        return item_id


def _size_of(container: Container, file: ReceivedFile) -> _Size | InputError:
    """Read an image's size from its header, or say why it is refused."""
    if file.error is not None:
        return InputError(file.error.detail, file.error.hint)
    if file.info is None:
        return InputError(f"{file.file_name} is no image.", "Send JPEG, PNG, TIFF or WebP.")
    try:
        header = read_header(container.blobs.read(file.info.sha256), file.media_type)
    except (ValueError, KeyError, IndexError, struct.error, StopIteration):
        return InputError(
            f"{file.file_name} is cut short or damaged ({file.info.bytes} bytes came).",
            "Copy or upload it again from where it came.",
        )
    return _judged(header, file.file_name, container.settings.limits.image_megapixels)


def _judged(header: Header, file_name: str, max_megapixels: int) -> _Size | InputError:
    width, height = header.width, header.height
    if header.unsupported:
        return InputError(
            f"{file_name} is {header.unsupported}, which RCG does not read.",
            "Export it as an RGB JPEG, PNG, or TIFF of 8 or 16 bits.",
        )
    if width * height > max_megapixels * 1e6:
        return InputError(
            f"{file_name} is {width} x {height} pixels; at most {max_megapixels} megapixels are taken.",
            "Crop or scale it, or raise limits.image_megapixels in config/rcg.toml.",
        )
    if min(width, height) < 1:
        return InputError(f"{file_name} has no pixels.", "Export it again.")
    return _Size(height, width) if header.orientation in _TURNED else _Size(width, height)
