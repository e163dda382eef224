"""What a file says beside its pixels: its kind, by its first bytes, and where it was taken.

The place never leaves RCG. Nothing here decodes an image, so the web process may use it. The layouts follow
Exif 2.32 (CIPA DC-008), TIFF 6.0, the PNG specification (third edition) and the WebP container specification.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

from rcg.errors import InputError

JPEG, PNG, TIFF, WEBP = "image/jpeg", "image/png", "image/tiff", "image/webp"
ACCEPTED = (JPEG, PNG, TIFF, WEBP)

ORIENTATION, ICC_PROFILE, GPS_IFD, EXIF_IFD = 0x0112, 0x8773, 0x8825, 0x8769
_SUB_IFDS, _XMP, _IPTC, _PHOTOSHOP, _MAKER_NOTE = 0x014A, 0x02BC, 0x83BB, 0x8649, 0x927C
_OPAQUE = frozenset({_XMP, _IPTC, _PHOTOSHOP, _MAKER_NOTE})
"""tags that can hold a place name or a position in a form that RCG does not read"""

_TYPE_BYTES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4}
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_KEPT = frozenset(
    {
        b"IHDR",
        b"PLTE",
        b"IDAT",
        b"IEND",
        b"tRNS",
        b"gAMA",
        b"cHRM",
        b"sRGB",
        b"iCCP",
        b"sBIT",
        b"cICP",
        b"mDCV",
        b"cLLI",
        b"pHYs",
        b"bKGD",
    }
)
_WEBP_KEPT = frozenset({b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"})
_JPEG_NEXT_MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_FTYP = {
    b"heic": "image/heic",
    b"heix": "image/heic",
    b"mif1": "image/heic",
    b"msf1": "image/heic",
    b"hevc": "image/heic",
    b"avif": "image/avif",
    b"avis": "image/avif",
    b"crx ": "image/x-canon-cr3",
}


def sniff(data: bytes) -> str | None:
    """Return the media type that the first bytes tell, or None.

    Beyond the four kinds RCG reads, the commonest others are told apart so that a message can name them.
    """
    head = data[:16]
    if head[4:8] == b"ftyp":
        return _FTYP.get(head[8:12], "video/mp4")
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return WEBP
    for magic, media_type in (
        (b"\xff\xd8\xff", JPEG),
        (_PNG_SIGNATURE, PNG),
        (b"II*\0", TIFF),
        (b"MM\0*", TIFF),
        (b"II+\0", "image/x-bigtiff"),
        (b"MM\0+", "image/x-bigtiff"),
        (b"GIF8", "image/gif"),
        (b"BM", "image/bmp"),
        (b"%PDF", "application/pdf"),
        (b"\0\0\0\x0cJXL ", "image/jxl"),
        (b"\xff\x0a", "image/jxl"),
        (b"PK\x03\x04", "application/zip"),
    ):
        if head.startswith(magic):
            return media_type
    return None


def strip_location(data: bytes, media_type: str) -> bytes:
    """Return the same picture, bit for bit, without its position and without notes that could hold one.

    The compressed pixels, colour profile, orientation and camera data stay; GPS, XMP, IPTC, maker notes,
    comments and whatever is appended to the picture go. Applying it twice changes nothing more.

    Raises:
        InputError: the kind is not one of :data:`ACCEPTED`, or its structure is broken.
    """
    cleaners = {JPEG: _clean_jpeg, PNG: _clean_png, WEBP: _clean_webp, TIFF: erase_place}
    cleaner = cleaners.get(media_type)
    if cleaner is None:
        raise InputError(
            f"Cannot remove the location from {media_type}.", "RCG does this for JPEG, PNG, TIFF and WebP."
        )
    try:
        return cleaner(data)
    except (struct.error, IndexError, ValueError) as error:
        raise InputError(
            f"The {media_type} file is damaged, so its location cannot be removed with certainty.",
            "Export the photograph again from where it came.",
        ) from error


@dataclass(frozen=True)
class TiffEntry:
    """One field of a TIFF directory: where its twelve bytes and its values lie in the file."""

    tag: int
    type: int
    count: int
    entry_at: int
    value_at: int
    size: int


class TiffDirectory:
    """The fields of a TIFF file or an Exif block, without their meaning.

    Args:
        data: from the byte-order mark on.

    Raises:
        ValueError, struct.error: no such structure.
    """

    def __init__(self, data: bytes | bytearray) -> None:
        marks = {b"II": "<", b"MM": ">"}
        self.data = data
        self.order = marks.get(bytes(data[:2]), "")
        if not self.order or self._unpack("H", 2) != 42:
            raise ValueError("no TIFF header")

    def _unpack(self, kind: str, at: int) -> int:
        return int(struct.unpack_from(self.order + kind, self.data, at)[0])

    def chain(self) -> Iterator[list[TiffEntry]]:
        """Yield the main directories (pages), in order."""
        at, seen = self._unpack("I", 4), set[int]()
        while at and at not in seen:
            seen.add(at)
            entries = self.entries(at)
            yield entries
            at = self._unpack("I", at + 2 + 12 * len(entries))

    def entries(self, at: int) -> list[TiffEntry]:
        """Return the fields of the directory at a byte offset."""
        found = []
        for index in range(self._unpack("H", at)):
            entry = at + 2 + 12 * index
            tag, kind, count = struct.unpack_from(self.order + "HHI", self.data, entry)
            size = _TYPE_BYTES.get(kind, 1) * count
            value_at = entry + 8 if size <= 4 else self._unpack("I", entry + 8)
            if value_at + size > len(self.data):
                raise ValueError(f"field {tag} lies outside the file")
            found.append(TiffEntry(tag, kind, count, entry, value_at, size))
        return found

    def integers(self, entry: TiffEntry) -> tuple[int, ...]:
        """Return the values of a BYTE, SHORT, LONG or IFD field."""
        kinds = {1: "B", 3: "H", 4: "I", 13: "I"}
        return struct.unpack_from(f"{self.order}{entry.count}{kinds[entry.type]}", self.data, entry.value_at)

    def bytes_of(self, entry: TiffEntry) -> bytes:
        """Return the raw bytes of a field."""
        return bytes(self.data[entry.value_at : entry.value_at + entry.size])


def erase_place(data: bytes) -> bytes:
    """Return a TIFF file or Exif block of the same length with its GPS and opaque notes blanked."""
    out = bytearray(data)
    directory = TiffDirectory(out)
    pending = list(directory.chain())
    seen = set[int]()
    while pending:
        for entry in pending.pop():
            if entry.tag in _OPAQUE:
                out[entry.value_at : entry.value_at + entry.size] = bytes(entry.size)
            elif entry.tag in (GPS_IFD, EXIF_IFD, _SUB_IFDS):
                for at in directory.integers(entry):
                    if at in seen:
                        continue
                    seen.add(at)
                    children = directory.entries(at)
                    if entry.tag == GPS_IFD:
                        _blank(out, at, children)
                    else:
                        pending.append(children)
    return bytes(out)


def _blank(out: bytearray, at: int, entries: list[TiffEntry]) -> None:
    for entry in entries:
        out[entry.value_at : entry.value_at + entry.size] = bytes(entry.size)
    end = at + 2 + 12 * len(entries)
    out[at:end] = bytes(end - at)


def jpeg_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield ``(marker, start, end)`` of a JPEG's segments, entropy-coded data included in its SOS segment.

    Ends after EOI; what phones append (a second picture, a film) is not part of the picture.

    Raises:
        ValueError: the structure is broken or the end is missing.
    """
    at = 2
    while True:
        while data[at : at + 2] == b"\xff\xff":
            at += 1
        if data[at] != 0xFF:
            raise ValueError("no marker")
        marker = data[at + 1]
        if marker == 0xD9:
            yield marker, at, at + 2
            return
        end = at + 2 + int.from_bytes(data[at + 2 : at + 4], "big")
        if marker == 0xDA:
            following = _JPEG_NEXT_MARKER.search(data, end)
            if following is None:
                raise ValueError("the picture has no end")
            end = following.start()
        if end > len(data):
            raise ValueError("a segment lies outside the file")
        yield marker, at, end
        at = end


def _clean_jpeg(data: bytes) -> bytes:
    parts = [data[:2]]
    for marker, start, end in jpeg_segments(data):
        segment = data[start:end]
        body = segment[4:]
        if marker == 0xE1 and body.startswith(b"Exif\0\0"):
            parts.append(segment[:10] + erase_place(body[6:]))
        elif not (0xE0 <= marker <= 0xEF or marker == 0xFE) or body.startswith(
            (b"JFIF\0", b"ICC_PROFILE\0", b"Adobe")
        ):
            parts.append(segment)
    return b"".join(parts)


def png_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield ``(kind, body start, body end)`` of a PNG's chunks up to IEND.

    Raises:
        ValueError: a chunk lies outside the file, its checksum is wrong, or IEND is missing.
    """
    at = len(_PNG_SIGNATURE)
    while True:
        if at + 12 > len(data):
            raise ValueError("the picture has no end")
        length = int.from_bytes(data[at : at + 4], "big")
        kind, start, end = data[at + 4 : at + 8], at + 8, at + 8 + length
        if end + 4 > len(data) or zlib.crc32(data[at + 4 : end]) != int.from_bytes(
            data[end : end + 4], "big"
        ):
            raise ValueError(f"chunk {kind!r} is damaged")
        yield kind, start, end
        if kind == b"IEND":
            return
        at = end + 4


def _clean_png(data: bytes) -> bytes:
    parts = [_PNG_SIGNATURE]
    for kind, start, end in png_chunks(data):
        if kind == b"eXIf":
            body = kind + erase_place(data[start:end])
            parts.append(data[start - 8 : start - 4] + body + zlib.crc32(body).to_bytes(4, "big"))
        elif kind in _PNG_KEPT:
            parts.append(data[start - 8 : end + 4])
    return b"".join(parts)


def _clean_webp(data: bytes) -> bytes:
    end_of_riff = 8 + int.from_bytes(data[4:8], "little")
    if end_of_riff > len(data) + 1:
        raise ValueError("the picture has no end")
    parts: list[bytes] = []
    at = 12
    while at + 8 <= min(end_of_riff, len(data)):
        kind, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        body = data[at + 8 : at + 8 + length]
        if len(body) < length:
            raise ValueError("a chunk lies outside the file")
        if kind == b"EXIF":
            prefix = 6 if body.startswith(b"Exif\0\0") else 0
            body = body[:prefix] + erase_place(body[prefix:])
        elif kind == b"VP8X":
            body = bytes([body[0] & ~0x04]) + body[1:]  # the flag that says an XMP chunk follows
        if kind == b"EXIF" or kind in _WEBP_KEPT:
            parts.append(kind + length.to_bytes(4, "little") + body + b"\0" * (length & 1))
        at += 8 + length + (length & 1)
    payload = b"WEBP" + b"".join(parts)
    return b"RIFF" + len(payload).to_bytes(4, "little") + payload
