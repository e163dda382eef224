"""JSON files of any size, read value by value: the members of the outer object, its lists element by element.

The standard library parses a text at once; this feeds its decoder a window of the file that grows only as far
as one element needs.
"""

from __future__ import annotations

import codecs
import json
import math
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from pydantic_core import from_json

from rcg.datasets.formats.files import whole
from rcg.errors import InputError

_WINDOW = 1 << 20
_LARGEST = 1 << 28
"""characters of one value"""


@dataclass(frozen=True)
class Value:
    """A value of the file.

    Attributes:
        key: of the outer object's member; "" where the file is one list.
        index: its place in the member's list; None when the member is no list.
        value: parsed.
        start, end: the bytes it takes in the file.
    """

    key: str
    index: int | None
    value: Any
    start: int
    end: int


def values(path: Path) -> Iterator[Value]:
    """Yield the members of the outer object, those that are lists element by element.

    Raises:
        InputError: it is no JSON, cut short, nested beyond reason, or holds one value of over 256 MB.
    """
    with _Reader(path) as reader:
        opened = reader.peek()
        if opened == "[":
            yield from _elements(reader, "")
        elif opened == "{":
            yield from _members(reader)
        else:
            raise reader.wrong("an object or a list", opened)
        if reader.peek():
            raise reader.wrong("the end", reader.peek())


def _members(reader: _Reader) -> Iterator[Value]:
    reader.take("{")
    while reader.peek() != "}":
        start = reader.offset()
        key = reader.value()
        if not isinstance(key, str):
            raise reader.wrong("a name", str(key)[:20])
        reader.take(":")
        if reader.peek() == "[":
            yield from _elements(reader, key)
        else:
            reader.peek()
            start = reader.offset()
            value = reader.value()
            yield Value(key, None, value, start, reader.offset())
        if reader.peek() == ",":
            reader.take(",")
        elif reader.peek() != "}":
            raise reader.wrong("a comma or the end of the object", reader.peek())
    reader.take("}")


def _elements(reader: _Reader, key: str) -> Iterator[Value]:
    reader.take("[")
    index = 0
    while reader.peek() != "]":
        start = reader.offset()
        value = reader.value()
        yield Value(key, index, value, start, reader.offset())
        index += 1
        if reader.peek() == ",":
            reader.take(",")
        elif reader.peek() != "]":
            raise reader.wrong("a comma or the end of the list", reader.peek())
    reader.take("]")


class _Reader:
    """A window of the file's text and a place in it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._decoder = json.JSONDecoder()
        self._text = codecs.getincrementaldecoder("utf-8")()
        self._window = ""
        self._at = 0
        self._counted_at, self._counted_bytes = 0, 0
        self._ended = False

    def __enter__(self) -> Self:
        self._file = self.path.open("rb")
        if self._file.read(3) != codecs.BOM_UTF8:
            self._file.seek(0)
        self._counted_bytes = self._file.tell()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def wrong(self, expected: str, found: str) -> InputError:
        """Return the error that says where the file stops being what it should be."""
        if not found:
            return InputError(
                f"{self.path.name} is cut short: it ends where {expected} should follow.",
                "Copy or export it again.",
            )
        return InputError(
            f"{self.path.name} is no JSON: at byte {self.offset()} stands {found[:20]!r}, not {expected}.",
            "Export it again, or check it with `python -m json.tool FILE`.",
        )

    def offset(self) -> int:
        """Return the byte of the file at which the reader stands."""
        passed = self._window[self._counted_at : self._at]
        self._counted_bytes += len(passed) if passed.isascii() else len(passed.encode())
        self._counted_at = self._at
        return self._counted_bytes

    def peek(self) -> str:
        """Return the next character that is no space, "" at the end."""
        while True:
            while self._at < len(self._window):
                if self._window[self._at] not in " \t\r\n":
                    return self._window[self._at]
                self._at += 1
            if not self._more():
                return ""

    def take(self, character: str) -> None:
        """Pass this character."""
        found = self.peek()
        if found != character:
            raise self.wrong(repr(character), found)
        self._at += 1

    def value(self) -> Any:
        """Parse the value that stands here."""
        self.peek()
        while True:
            try:
                found, end = self._decoder.raw_decode(self._window, self._at)
            except RecursionError:
                raise InputError(
                    f"{self.path.name} nests its values too deep at byte {self.offset()}.",
                    "That is no annotation file.",
                ) from None
            except ValueError as error:
                if self._more():
                    continue
                at = getattr(error, "pos", self._at)
                raise self.wrong("a value", self._window[at : at + 20]) from None
            # A number at the window's end may go on behind it.
            if end == len(self._window) and self._more():
                continue
            self._at = end
            return found

    def _more(self) -> bool:
        """Drop what was passed and read on; the window at least doubles, so that no value is tried often."""
        if self._ended:
            return False
        self.offset()
        self._window = self._window[self._at :]
        self._at = self._counted_at = 0
        if len(self._window) > _LARGEST:
            raise InputError(
                f"{self.path.name} holds one value of more than {_LARGEST >> 20} MB.",
                "That is no annotation file.",
            )
        data = self._file.read(max(_WINDOW, len(self._window)))
        self._ended = not data
        try:
            self._window += self._text.decode(data, final=self._ended)
        except UnicodeDecodeError as error:
            raise InputError(
                f"{self.path.name} is not in UTF-8 ({error.reason}).", "Save it as UTF-8 and import it again."
            ) from None
        return not self._ended or bool(self._window)


class Slices:
    """Values of a JSON file read again by the bytes they take."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("rb")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    def read(self, start: int, length: int) -> Any:
        """Return the value of these bytes."""
        data = os.pread(self._file.fileno(), length, start)
        try:
            return from_json(data, allow_inf_nan=False)
        except ValueError:  # NaN, or half of a character, which the standard library lets pass
            return clean(json.loads(data))


def clean(value: Any) -> Any:
    """Return a value of JSON that can be written as JSON again: numbers that are none become null, halves of
    characters question marks."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, str):
        return whole(value)
    if isinstance(value, list):
        return [clean(one) for one in value]
    if isinstance(value, dict):
        return {whole(key): clean(one) for key, one in value.items()}
    return value
