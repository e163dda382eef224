"""Reads a multipart upload as it comes: files flow straight into blobs, nothing is spooled twice.

Files become blobs only when the whole form has arrived; a cut upload leaves nothing. The parser's callbacks
hash and write, so it is fed in a worker thread.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from email.message import Message
from pathlib import Path
from types import TracebackType
from typing import Self

from anyio import to_thread
from fastapi import Request
from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser

from rcg.errors import InputError, RcgError, TooLargeError
from rcg.photometric.metadata import JPEG, PNG, TIFF, WEBP, sniff, strip_location
from rcg.store.blobs import BlobInfo, BlobStore, BlobWriter

_FIELD_BYTES = 65_536
_MAX_FIELDS = 50
_TEXT_FILE_BYTES = 1_000_000
_TEXT_ENDINGS = (".lp", ".toml")
_HEADER_BYTES = 8_192
_PATH_LENGTH = 250
_DRIVE = re.compile(r"[A-Za-z]:")


@dataclass
class ReceivedFile:
    """A file of a form: ``info`` when it was stored, ``error`` when refused, ``text`` for a lights file."""

    file_name: str
    info: BlobInfo | None = None
    media_type: str = ""
    error: RcgError | None = None
    text: bytes | None = None


@dataclass
class Form:
    """What came: text fields by name, files in their order."""

    fields: dict[str, str] = field(default_factory=dict)
    files: list[ReceivedFile] = field(default_factory=list)


@dataclass(frozen=True)
class Intake:
    """What a form may bring.

    Attributes:
        max_file_bytes: of one file.
        max_files: of the form.
        images: False takes files of every kind, text files too, as they are.
        folders: keep the folders of a file's name, as ``front/1.jpg``.
        strip: keep images without the place where they were taken.
        hint: what to do with too many files.
        limit_name: the setting that ``max_file_bytes`` comes from.
        check: given where a file lies and its name before it becomes a blob; what it raises refuses the file.
    """

    max_file_bytes: int
    max_files: int
    images: bool = True
    folders: bool = False
    strip: bool = False
    hint: str = "Send fewer at once, or raise limits.frames_per_capture in config/rcg.toml."
    limit_name: str = "limits.image_mb"
    check: Callable[[Path, str], object] | None = None


async def read_form(request: Request, blobs: BlobStore, intake: Intake) -> Form:
    """Read a whole multipart form.

    Raises InputError for a body that is no multipart form, is cut, or has too many files. A file that is too
    large or no image is refused by itself: see ``ReceivedFile.error``.
    """
    boundary = _boundary(request.headers.get("content-type", ""))
    with _Reader(boundary, blobs, intake) as reader:
        pending = bytearray()
        async for chunk in request.stream():
            pending += chunk
            if len(pending) >= 262_144:
                await to_thread.run_sync(reader.feed, bytes(pending))
                pending.clear()
        await to_thread.run_sync(reader.feed, bytes(pending))
        return await to_thread.run_sync(reader.finish)


def media_type_of(head: bytes, file_name: str) -> str:
    """Return the media type of an image by its first bytes. Raises InputError for what RCG does not read."""
    if not head:
        raise InputError(f"{file_name} is empty.", "Send the photograph again.")
    kind = sniff(head)
    if kind is None or kind not in {JPEG, PNG, TIFF, WEBP}:
        raise InputError(
            f"{file_name} is no image that RCG reads" + (f" (it is {kind})." if kind else "."),
            "Send JPEG, PNG, TIFF or WebP.",
        )
    return kind


def _boundary(content_type: str) -> bytes:
    message = Message()
    message["content-type"] = content_type
    boundary = message.get_param("boundary")
    if message.get_content_type() != "multipart/form-data" or not isinstance(boundary, str):
        raise InputError(
            f"The body is {content_type[:80] or 'of no stated kind'!r}, not a multipart form.",
            "Send the files as a form, e.g. curl -F files=@1.jpg -F files=@2.jpg",
        )
    return boundary.encode("latin-1", "replace")


class _Reader:
    """The parser's callbacks and the part that is coming in."""

    def __init__(self, boundary: bytes, blobs: BlobStore, intake: Intake) -> None:
        self.form = Form()
        self._blobs = blobs
        self._intake = intake
        self._open = ExitStack()
        self._whole: list[tuple[ReceivedFile, BlobWriter]] = []
        self._ended = False
        self._header_name = self._header_value = b""
        self._headers: dict[str, str] = {}
        self._name = ""
        self._file: ReceivedFile | None = None
        self._writer: BlobWriter | None = None
        self._text = bytearray()
        self._parser = MultipartParser(
            boundary,
            {
                "on_part_begin": self._part_begin,
                "on_header_field": self._header_field,
                "on_header_value": self._header_part,
                "on_header_end": self._header_end,
                "on_headers_finished": self._part_start,
                "on_part_data": self._data,
                "on_part_end": self._part_end,
                "on_end": self._end,
            },
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._open.close()

    def feed(self, data: bytes) -> None:
        """Take the next piece of the body."""
        try:
            self._parser.write(data)
        except FormParserError as error:
            raise InputError(f"The upload is no well-formed multipart form: {error}") from error

    def finish(self) -> Form:
        """Store the files. Raises InputError when the form has no end."""
        if not self._ended:
            raise InputError("The upload was cut before its end.", "Send it again; nothing of it was kept.")
        for file, writer in self._whole:
            if self._refused(file, writer):
                continue
            try:
                file.info = self._kept(file, writer)
            except InputError:  # too damaged for its place to be found
                file.error = InputError(
                    f"{file.file_name} is cut short or damaged ({writer.bytes} bytes came).",
                    "Copy or upload it again from where it came.",
                )
        return self.form

    def _refused(self, file: ReceivedFile, writer: BlobWriter) -> bool:
        if self._intake.check is None:
            return False
        try:
            self._intake.check(writer.settle(), file.file_name)
        except InputError as error:
            file.error = error
            writer.abandon()
        return file.error is not None

    def _kept(self, file: ReceivedFile, writer: BlobWriter) -> BlobInfo:
        if self._intake.strip:
            data = writer.settle().read_bytes()
            clean = strip_location(data, file.media_type)
            if clean != data:
                writer.abandon()
                return self._blobs.add(clean)
        return writer.commit()

    def _part_begin(self) -> None:
        self._headers = {}
        self._file = self._writer = None
        self._text = bytearray()

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._header_name += data[start:end]
        self._check_header()

    def _header_part(self, data: bytes, start: int, end: int) -> None:
        self._header_value += data[start:end]
        self._check_header()

    def _check_header(self) -> None:
        if len(self._header_name) + len(self._header_value) > _HEADER_BYTES:
            raise InputError("A part of the form has a header longer than 8 kB.")

    def _header_end(self) -> None:
        self._headers[self._header_name.decode("latin-1").lower()] = self._header_value.decode(
            "utf-8", "replace"
        )
        self._header_name = self._header_value = b""

    def _part_start(self) -> None:
        disposition = Message()
        disposition["content-disposition"] = self._headers.get("content-disposition", "")
        name = disposition.get_param("name", header="content-disposition")
        file_name = disposition.get_filename()
        self._name = name if isinstance(name, str) else ""
        if file_name is None:
            if len(self.form.fields) >= _MAX_FIELDS:
                raise InputError(f"The form has more than {_MAX_FIELDS} fields.")
            return
        intake = self._intake
        if len(self.form.files) >= intake.max_files:
            raise InputError(f"The upload has more than {intake.max_files} files.", intake.hint)
        self._file = ReceivedFile(path_name(file_name) if intake.folders else base_name(file_name))
        self.form.files.append(self._file)
        if not intake.images or not self._file.file_name.lower().endswith(_TEXT_ENDINGS):
            self._writer = self._open.enter_context(self._blobs.writer(max_bytes=intake.max_file_bytes))

    def _data(self, data: bytes, start: int, end: int) -> None:
        piece = data[start:end]
        if self._writer is not None and self._file is not None:
            self._write(self._writer, self._file, piece)
            return
        if self._file is not None and self._file.error is not None:
            return
        self._text += piece
        limit = _FIELD_BYTES if self._file is None else _TEXT_FILE_BYTES
        if len(self._text) > limit:
            what = f"The field {self._name!r}" if self._file is None else self._file.file_name
            raise TooLargeError(f"{what} is larger than {limit // 1000} kB.")

    def _write(self, writer: BlobWriter, file: ReceivedFile, piece: bytes) -> None:
        try:
            writer.write(piece)
            if len(writer.head) >= 32 and not file.media_type:
                file.media_type = self._media_type(writer.head, file.file_name)
        except TooLargeError:
            limit = self._intake.max_file_bytes // 1_000_000
            file.error = TooLargeError(
                f"{file.file_name} is larger than {limit} MB.",
                f"Send a smaller file, or raise {self._intake.limit_name} in config/rcg.toml.",
            )
        except InputError as error:
            file.error = error
        if file.error is not None:
            writer.abandon()
            self._writer = None

    def _part_end(self) -> None:
        file, writer = self._file, self._writer
        if file is None:
            self.form.fields[self._name] = self._text.decode("utf-8", "replace")
        elif writer is not None:
            try:
                file.media_type = self._media_type(writer.head, file.file_name)
                writer.settle()
            except InputError as error:
                file.error = error
                writer.abandon()
            else:
                self._whole.append((file, writer))
        elif file.error is None:
            file.text = bytes(self._text)

    def _media_type(self, head: bytes, file_name: str) -> str:
        if self._intake.images:
            return media_type_of(head, file_name)
        return sniff(head) or "application/octet-stream"

    def _end(self) -> None:
        self._ended = True


def base_name(file_name: str) -> str:
    """Return a client's file name without its folders, fit to be shown: it never becomes a path here."""
    last = file_name.replace("\\", "/").rsplit("/", 1)[-1]
    shown = "".join(char for char in last if char.isprintable()).strip()
    return shown[:200] or "unnamed"


def path_name(file_name: str) -> str:
    """Return a client's file name with its folders, ``/`` between them and none of them climbing.

    Like :func:`base_name` it is for showing and for telling items apart; nothing is opened by it. Letters
    that can be written in two ways come out in one (NFC): a name is the same from a Mac and from Linux.
    """
    plain = unicodedata.normalize("NFC", file_name).replace("\\", "/")
    parts = [base_name(part) for part in plain.split("/") if part.strip(" .")]
    kept = [part for part in parts if not _DRIVE.fullmatch(part)]
    while len(kept) > 1 and len("/".join(kept)) > _PATH_LENGTH:
        kept.pop(0)
    return "/".join(kept) or "unnamed"
