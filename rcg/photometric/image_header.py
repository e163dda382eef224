"""The size and form of an image file, read from its first bytes before anything is decoded.

A decoder is only started on a picture whose header passed the limits, so a file that promises 200 megapixels,
or one that unpacks to a thousand times its size, costs nothing.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, replace

from rcg.photometric.metadata import (
    ICC_PROFILE,
    JPEG,
    ORIENTATION,
    PNG,
    TIFF,
    WEBP,
    TiffDirectory,
    png_chunks,
)

_SOF = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_NO_LENGTH = frozenset({0x01, *range(0xD0, 0xD9)})
_DNG_VERSION, _CFA, _LINEAR_RAW = 0xC612, 32803, 34892
_LINEAR_GAMMA = 100_000


@dataclass(frozen=True)
class Header:
    """What a file says of its picture.

    Attributes:
        width, height: as stored, before the orientation is applied.
        channels: samples per pixel, alpha included.
        bits: per sample; 32 means float.
        orientation: 1..8 as in Exif.
        icc: embedded colour profile.
        linear: the file says that its samples are proportional to light.
        unsupported: why RCG does not read this picture, or None.
    """

    width: int
    height: int
    channels: int = 3
    bits: int = 8
    orientation: int = 1
    icc: bytes | None = None
    linear: bool = False
    unsupported: str | None = None


def read_header(data: bytes, media_type: str) -> Header:
    """Read the header of a JPEG, PNG, TIFF or WebP.

    Raises:
        ValueError, IndexError, struct.error: the file ends within its header, or the header is broken.
    """
    readers = {JPEG: _jpeg, PNG: _png, TIFF: _tiff, WEBP: _webp}
    return readers[media_type](data)


def exif_orientation(exif: bytes) -> int:
    """Return the orientation of an Exif block, 1 where it has none or is damaged."""
    try:
        for entry in next(TiffDirectory(exif).chain()):
            if entry.tag == ORIENTATION and entry.type == 3:
                value = TiffDirectory(exif).integers(entry)[0]
                return value if 1 <= value <= 8 else 1
    except (ValueError, KeyError, struct.error, StopIteration):
        return 1
    return 1


def _jpeg(data: bytes) -> Header:
    at, orientation, icc = 2, 1, dict[int, bytes]()
    while True:
        while data[at : at + 2] == b"\xff\xff":
            at += 1
        marker = data[at + 1]
        if data[at] != 0xFF or marker in _NO_LENGTH or marker == 0xD9:
            raise ValueError("no picture before the end")
        length = int.from_bytes(data[at + 2 : at + 4], "big")
        body = data[at + 4 : at + 2 + length]
        if marker in _SOF:
            bits, height, width, channels = struct.unpack_from(">BHHB", body)
            profile = b"".join(icc[part] for part in sorted(icc)) or None
            wrong = None if bits == 8 else f"a JPEG of {bits} bits"
            wrong = "a CMYK JPEG, made for printing" if channels == 4 else wrong
            return Header(width, height, channels, bits, orientation, profile, unsupported=wrong)
        if marker == 0xE1 and body.startswith(b"Exif\0\0"):
            orientation = exif_orientation(body[6:])
        elif marker == 0xE2 and body.startswith(b"ICC_PROFILE\0"):
            icc[body[12]] = body[14:]
        at += 2 + length


def _png(data: bytes) -> Header:
    width, height, bits, colour = struct.unpack_from(">IIBB", data, 16)
    if data[12:16] != b"IHDR":
        raise ValueError("no IHDR")
    return Header(width, height, {0: 1, 2: 3, 3: 3, 4: 2, 6: 4}[colour], 16 if bits == 16 else 8)


def read_png_notes(data: bytes, header: Header) -> Header:
    """Add what a PNG's later chunks say: orientation, profile, linear samples. Checks every checksum.

    Raises:
        ValueError: a chunk is damaged or the end is missing.
    """
    seen = {kind: data[start:end] for kind, start, end in png_chunks(data) if kind != b"IDAT"}
    if b"eXIf" in seen:
        header = replace(header, orientation=exif_orientation(seen[b"eXIf"]))
    if b"iCCP" in seen:
        _, _, packed = seen[b"iCCP"].partition(b"\0")
        unpacker = zlib.decompressobj()
        try:
            header = replace(header, icc=unpacker.decompress(packed[1:], 4 << 20))
        except zlib.error as error:
            raise ValueError("the colour profile is damaged") from error
    elif b"sRGB" not in seen and int.from_bytes(seen.get(b"gAMA", b"\0"), "big") == _LINEAR_GAMMA:
        header = replace(header, linear=True)
    return header


def _tiff(data: bytes) -> Header:
    directory = TiffDirectory(data)
    fields = {entry.tag: entry for entry in next(directory.chain())}

    def numbers(tag: int, default: int) -> tuple[int, ...]:
        return directory.integers(fields[tag]) if tag in fields else (default,)

    if 256 not in fields or 257 not in fields:
        raise ValueError("no size")
    bits, photometric, sample_format = numbers(258, 1), numbers(262, 1)[0], numbers(339, 1)[0]
    wrong = None
    if _DNG_VERSION in fields or photometric in (_CFA, _LINEAR_RAW):
        wrong = "a raw file (DNG or a camera's own)"
    elif photometric not in (0, 1, 2, 3, 6) or (photometric == 0 and bits[0] > 8):
        wrong = f"a TIFF with photometric interpretation {photometric}"
    elif (bits[0], sample_format) not in ((1, 1), (8, 1), (16, 1), (32, 3)):
        kind = {1: "integer", 2: "signed integer", 3: "float"}.get(sample_format, "unknown")
        wrong = f"a TIFF of {bits[0]}-bit {kind} samples"
    icc = directory.bytes_of(fields[ICC_PROFILE]) if ICC_PROFILE in fields else None
    return Header(
        numbers(256, 0)[0],
        numbers(257, 0)[0],
        numbers(277, 1)[0],
        max(8, bits[0]),
        numbers(ORIENTATION, 1)[0],
        icc,
        linear=bits[0] == 32,
        unsupported=wrong,
    )


def _webp(data: bytes) -> Header:
    kind, at = data[12:16], 20
    if kind == b"VP8X":
        width = 1 + int.from_bytes(data[24:27], "little")
        height = 1 + int.from_bytes(data[27:30], "little")
        return _webp_notes(data, Header(width, height))
    if kind == b"VP8L":
        packed = int.from_bytes(data[at + 1 : at + 5], "little")
        return Header(1 + (packed & 0x3FFF), 1 + (packed >> 14 & 0x3FFF))
    if kind == b"VP8 ":
        width, height = struct.unpack_from("<HH", data, at + 6)
        return Header(width & 0x3FFF, height & 0x3FFF)
    raise ValueError("no picture chunk")


def _webp_notes(data: bytes, header: Header) -> Header:
    at = 12
    while at + 8 <= len(data):
        kind, length = data[at : at + 4], int.from_bytes(data[at + 4 : at + 8], "little")
        body = data[at + 8 : at + 8 + length]
        if kind == b"ICCP":
            header = replace(header, icc=body)
        elif kind == b"EXIF":
            header = replace(header, orientation=exif_orientation(body.removeprefix(b"Exif\0\0")))
        at += 8 + length + (length & 1)
    return header
