"""Wrong input, through the command line: a sentence that names it, exit 1, and nothing half-written."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from rcg.cli import app
from rcg.errors import RcgError
from tests.integration import drawn_cards as drawn


def refused(folder: Path, tmp_path: Path, *options: str) -> RcgError:
    """Grade; return the error a person sees. No file may have come into being."""
    out = tmp_path / "out"
    out.mkdir()
    result = CliRunner().invoke(app, ["grade", str(folder), "--json", str(out / "report.json"), *options])
    assert isinstance(result.exception, RcgError), result.output
    assert list(out.iterdir()) == []
    assert result.exception.hint
    return result.exception


def graded(folder: Path, tmp_path: Path, *options: str) -> dict[str, Any]:
    """Grade; return the report."""
    out = tmp_path / "report.json"
    result = CliRunner().invoke(app, ["grade", str(folder), "--json", str(out), *options])
    assert result.exit_code == 0, result.output + repr(result.exception)
    report: dict[str, Any] = json.loads(out.read_bytes())
    return report


BOMB = zlib.compress(bytes(30_001) * 300, 9)
"""300 rows of the 30,000 that the header below promises: 9 kB for 9 MB"""


def png_header(width: int, height: int, body: bytes = b"") -> bytes:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return len(data).to_bytes(4, "big") + kind + data + zlib.crc32(kind + data).to_bytes(4, "big")

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", body) + chunk(b"IEND", b"")


def one_pixel() -> bytes:
    return cv2.imencode(".png", np.zeros((1, 1, 3), np.uint8))[1].tobytes()


def cut_in_half() -> bytes:
    whole = cv2.imencode(".jpg", drawn.table((800, 620), (drawn.card(), 310, 400, 0)))[1].tobytes()
    return whole[: len(whole) // 2]


@pytest.mark.parametrize(
    ("make", "code", "said"),
    [
        (lambda: b"", "empty_file", "right.jpg is empty"),
        (cut_in_half, "truncated_image", "right.jpg is cut short"),
        (lambda: b"These are not the bytes of an image", "not_an_image", "right.jpg is not an image"),
        (one_pixel, "image_too_small", "right.jpg is 1 x 1"),
        (lambda: png_header(20_000, 10_000), "image_too_large", "200 MP"),
        (lambda: png_header(30_000, 30_000, BOMB), "image_too_large", "900 MP"),
        (lambda: b"GIF89a" + bytes(100), "unsupported_format", "image/gif"),
    ],
)  # fmt: skip
def test_one_bad_file(tmp_path: Path, make: Callable[[], bytes], code: str, said: str) -> None:
    folder = drawn.capture(tmp_path / "card")
    (folder / "right.jpg").write_bytes(make())
    error = refused(folder, tmp_path)
    assert error.code == code
    assert said in error.detail


def test_two_cards(tmp_path: Path) -> None:
    both = drawn.table((900, 1100), (drawn.card(1), 270, 430, 2), (drawn.card(2), 800, 460, -3))
    assert refused(drawn.capture(tmp_path / "card", both), tmp_path).code == "several_cards"


def test_no_card(tmp_path: Path) -> None:
    assert refused(drawn.capture(tmp_path / "card", drawn.table()), tmp_path).code == "no_card"


def test_card_cut_off(tmp_path: Path) -> None:
    cut = drawn.table((800, 620), (drawn.card(), 310, 160, 0))
    assert refused(drawn.capture(tmp_path / "card", cut), tmp_path).code in ("card_cut_off", "no_card")


def test_frames_of_different_sizes(tmp_path: Path) -> None:
    folder = drawn.capture(tmp_path / "card")
    drawn.write(folder / "left.jpg", drawn.table((600, 500)))
    error = refused(folder, tmp_path)
    assert error.code == "frames_differ"
    assert "left.jpg (500 x 600)" in error.detail


def test_identical_frames(tmp_path: Path) -> None:
    folder = drawn.capture(tmp_path / "card")
    (folder / "left.jpg").write_bytes((folder / "up.jpg").read_bytes())
    assert "left.jpg and up.jpg are the same photograph" in refused(folder, tmp_path).detail


def test_a_light_that_is_listed_has_no_frame(tmp_path: Path) -> None:
    folder = drawn.capture(tmp_path / "card")
    (folder / "lights.lp").write_text("5\nup 0 1 1\nright 1 0 1\ndown 0 -1 1\nleft -1 0 1\nzenith 0 0 1\n")
    assert "without a frame: zenith" in refused(folder, tmp_path).detail


def test_a_frame_that_has_no_light(tmp_path: Path) -> None:
    folder = drawn.capture(tmp_path / "card")
    (folder / "lights.lp").write_text("3\nup 0 1 1\nright 1 0 1\ndown 0 -1 1\n")
    assert "without a light: left" in refused(folder, tmp_path).detail


def test_two_frames_alone(tmp_path: Path) -> None:
    folder = drawn.capture(tmp_path / "card")
    (folder / "up.jpg").unlink()
    (folder / "left.jpg").unlink()
    error = refused(folder, tmp_path)
    assert "2 frames" in error.detail


def test_a_missing_light_is_stated(tmp_path: Path) -> None:
    base = drawn.table((800, 620), (drawn.card(), 310, 400, 3))
    for number, light in (("1", "up"), ("3", "right"), ("5", "down"), ("7", "left")):
        drawn.write(tmp_path / "card" / f"{number}.jpg", drawn.lit(base, light))
    report = graded(tmp_path / "card", tmp_path)
    assert any("Light 2, 4, 6, 8 of the ring of 8" in said for said in report["sides"]["front"]["warnings"])


def test_overexposed(tmp_path: Path) -> None:
    error = refused(drawn.capture(tmp_path / "card", gain=8.0), tmp_path)
    assert error.code in ("overexposed", "no_card")
    assert "overexposed" in error.detail


def test_the_broken_side_is_named(tmp_path: Path) -> None:
    drawn.capture(tmp_path / "card" / "front")
    drawn.capture(tmp_path / "card" / "back", drawn.table())
    error = refused(tmp_path / "card", tmp_path)
    assert error.detail.startswith("Back: ")
    assert error.data["side"] == "back"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--size", "63"], "'63' is no card size"),
        (["--size", "3x4"], "no card size"),
        (["--lights", "/nowhere/a.lp"], "cannot be read"),
        (["--json", "/nowhere/x.json"], "does not exist"),
        (["--json", "/"], "is a folder"),
    ],
)
def test_wrong_options(tmp_path: Path, options: list[str], said: str) -> None:
    folder = drawn.capture(tmp_path / "card")
    result = CliRunner().invoke(app, ["grade", str(folder), *options])
    assert isinstance(result.exception, RcgError)
    assert said in result.exception.detail
