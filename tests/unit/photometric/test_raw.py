"""Raw files: a DNG made here, developed to linear light; what is said without rawpy."""

from __future__ import annotations

import struct
import sys

import numpy as np
import pytest

from rcg.errors import InputError
from rcg.photometric.raw import is_raw, read_raw

SHORT, LONG, RATIONAL, SIGNED, BYTE, TEXT = 3, 4, 5, 10, 1, 2


def dng(samples):
    """A DNG of a Bayer pattern RGGB (h, w) uint16, white at 60000, black at 0, neutral grey."""
    height, width = samples.shape
    matrix = struct.pack("<18i", *(v for d in range(9) for v in ((10000 if d % 4 == 0 else 0), 10000)))
    neutral = struct.pack("<6I", *(1, 1) * 3)
    tags = [
        (254, LONG, 1, 0),
        (256, LONG, 1, width),
        (257, LONG, 1, height),
        (258, SHORT, 1, 16),
        (259, SHORT, 1, 1),
        (262, SHORT, 1, 32803),
        (271, TEXT, 4, b"RCG\0"),
        (272, TEXT, 4, b"RCG\0"),
        (273, LONG, 1, "strip"),
        (274, SHORT, 1, 1),
        (277, SHORT, 1, 1),
        (278, LONG, 1, height),
        (279, LONG, 1, 2 * samples.size),
        (284, SHORT, 1, 1),
        (33421, SHORT, 2, struct.pack("<2H", 2, 2)),
        (33422, BYTE, 4, bytes([0, 1, 1, 2])),
        (50706, BYTE, 4, bytes([1, 4, 0, 0])),
        (50708, TEXT, 8, b"RCG one\0"),
        (50714, SHORT, 1, 0),
        (50717, LONG, 1, 60000),
        (50721, SIGNED, 9, matrix),
        (50728, RATIONAL, 3, neutral),
        (50778, SHORT, 1, 21),
    ]
    after = 8 + 2 + 12 * len(tags) + 4
    extra, entries = b"", b""
    long = sum(len(v) for *_, v in tags if isinstance(v, bytes) and len(v) > 4)
    for tag, kind, count, value in tags:
        if isinstance(value, bytes) and len(value) > 4:
            entries += struct.pack("<HHII", tag, kind, count, after + len(extra))
            extra += value
        else:
            number = after + long if value == "strip" else value
            packed = number if isinstance(number, bytes) else struct.pack("<I", number)
            entries += struct.pack("<HHI", tag, kind, count) + packed.ljust(4, b"\0")
    head = b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + struct.pack("<I", 0)
    return head + extra + samples.astype("<u2").tobytes()


def test_endings():
    from pathlib import Path

    assert is_raw(Path("a.DNG"))
    assert not is_raw(Path("a.tif"))


def test_samples_stay_in_proportion(tmp_path):
    pytest.importorskip("rawpy", reason="rawpy, an optional extra, is not installed")
    ramp = np.repeat(np.linspace(3000, 45000, 96)[None], 64, 0)
    path = tmp_path / "one.dng"
    path.write_bytes(dng(ramp))
    frame = read_raw(path, name="1")
    assert frame.encoding == "linear"
    assert frame.pixels.dtype == np.uint16
    grey = frame.pixels[20:40, 10:-10].astype(float).mean((0, 2))
    expected = ramp[0, 10:-10]
    assert np.corrcoef(grey, expected)[0, 1] > 0.9999
    assert abs(np.polyfit(expected / expected.mean(), grey / grey.mean(), 1)[1]) < 0.01, "no offset: linear"


def test_a_broken_file_and_a_missing_rawpy_are_said(tmp_path, monkeypatch):
    path = tmp_path / "one.dng"
    path.write_bytes(b"II*\0 no more")
    monkeypatch.setitem(sys.modules, "rawpy", None)
    with pytest.raises(InputError, match="rawpy"):
        read_raw(path, name="1")
    monkeypatch.undo()
    pytest.importorskip("rawpy", reason="rawpy, an optional extra, is not installed")
    with pytest.raises(InputError, match="cannot be developed"):
        read_raw(path, name="1")
