"""The printed mat: a file that readers of PDF understand, of the right size, the same every time."""

from __future__ import annotations

import re
import subprocess
import sys
import xml.etree.ElementTree as ET
import zlib

import cv2
import numpy as np
import pytest

from rcg.capture.mat.drawing import Drawing, number, text_width_mm
from rcg.capture.mat.pdf import POINTS_PER_MM, to_pdf
from rcg.capture.mat.sheet import draw, preview, screen_grey, sheet
from rcg.errors import InputError
from rcg.photometric.mat import layout
from rcg.photometric.mat.find import find_mat

PAPERS = {"a4": (210.0, 297.0), "letter": (215.9, 279.4)}


def objects_of(data):
    """Read the file through its cross-reference table, as a reader does."""
    table = int(re.search(rb"startxref\n(\d+)\n%%EOF\n$", data)[1])
    head, count = re.match(rb"xref\n0 (\d+)\n", data[table:]).group(0, 1)
    rows = data[table + len(head) :][: 20 * int(count)]
    places = [int(rows[20 * k : 20 * k + 10]) for k in range(1, int(count))]
    found = {}
    for k, place in enumerate(places, start=1):
        begin = b"%d 0 obj\n" % k
        assert data[place:].startswith(begin)
        found[k] = data[place + len(begin) : data.index(b"\nendobj\n", place)]
    return found


def content_of(data):
    stream = objects_of(data)[5]
    length = int(re.search(rb"/Length (\d+)", stream)[1])
    begin = stream.index(b"stream\n") + len(b"stream\n")
    assert stream[begin + length :] == b"\nendstream"
    return zlib.decompress(stream[begin : begin + length]).decode("cp1252")


def raster_of(data, size_mm, px_per_mm=10.0):
    """Paint the file's own rectangles: an independent reading of what it says."""
    w, h = (round(side * px_per_mm) for side in size_mm)
    picture = np.full((h, w), 255, np.uint8)
    for line in content_of(data).splitlines():
        found = re.fullmatch(r"([\d.]+) g ([\d.]+) ([\d.]+) ([\d.]+) ([\d.]+) re f", line)
        if found:
            grey, *box = (float(value) for value in found.groups())
            left, bottom, wide, tall = (value / POINTS_PER_MM * px_per_mm for value in box)
            rows = slice(round(h - bottom - tall), round(h - bottom))
            picture[rows, round(left) : round(left + wide)] = round(255 * grey)
    return picture


@pytest.mark.parametrize("paper", PAPERS)
def test_the_file_is_well_formed_and_has_the_papers_size(paper):
    data = sheet(paper)
    assert data.startswith(b"%PDF-1.4\n")
    found = objects_of(data)
    box = [float(v) for v in re.search(rb"/MediaBox \[([^\]]+)\]", found[3])[1].split()]
    assert box == pytest.approx([0, 0, *(side * 72 / 25.4 for side in PAPERS[paper])], abs=1e-3)
    assert b"/PrintScaling /None" in found[1]
    assert len(data) < 20_000


@pytest.mark.parametrize("paper", PAPERS)
def test_the_same_paper_gives_the_same_bytes(paper):
    code = f"import sys; from rcg.capture.mat.sheet import sheet; sys.stdout.buffer.write(sheet('{paper}'))"
    apart = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout
    assert sheet(paper) == sheet(paper.upper()) == apart


@pytest.mark.parametrize("paper", PAPERS)
def test_the_finder_finds_what_was_drawn_where_it_was_drawn(paper):
    picture = raster_of(sheet(paper), PAPERS[paper])
    pose = find_mat(picture)
    assert pose.markers == tuple(range(10))
    assert pose.px_per_mm == pytest.approx(10, rel=1e-3)
    width, height = PAPERS[paper]
    np.testing.assert_allclose(
        pose.to_px([(0, 0)])[0], [5 * width - 0.5, 10 * (height / 2 - 18) - 0.5], atol=0.6
    )


def test_patches_are_as_grey_as_they_say():
    picture = raster_of(sheet("a4"), PAPERS["a4"])
    pose = find_mat(picture)
    for patch in layout.PATCHES:
        x, y = np.rint(pose.to_px([patch.centre])[0]).astype(int)
        assert picture[y, x] == pytest.approx(255 * screen_grey(layout.TONES[patch.step]), abs=1)
    assert screen_grey(1.0) == pytest.approx(1)
    assert screen_grey(0.2) == pytest.approx(0.4845, abs=1e-3)  # sRGB, by hand


@pytest.mark.parametrize("paper", PAPERS)
def test_the_scale_bar_is_100_mm_and_alone_in_its_row(paper):
    picture = raster_of(sheet(paper), PAPERS[paper], 20.0)
    row = picture[round((PAPERS[paper][1] - 27.15) * 20)]
    dark = np.flatnonzero(row < 128)
    assert dark[-1] - dark[0] + 1 == pytest.approx(2000, abs=2)
    assert len(dark) == dark[-1] - dark[0] + 1


@pytest.mark.parametrize("paper", PAPERS)
def test_everything_is_on_the_paper_with_room_for_the_printers_margin(paper):
    page = draw(paper)
    for shape in page.shapes:
        if hasattr(shape, "corners"):
            points = shape.corners
        elif hasattr(shape, "width"):
            points = [(shape.left, shape.bottom), (shape.left + shape.width, shape.bottom + shape.height)]
        else:
            points = [
                (shape.x, shape.y),
                (shape.x + text_width_mm(shape.text, shape.size), shape.y + shape.size),
            ]
        for x, y in points:
            assert 5 < x < page.width_mm - 5
            assert 5 < y < page.height_mm - 5


def test_number_one_is_at_the_top_and_they_run_clockwise():
    page = draw("a4")
    at = {shape.text: (shape.x, shape.y) for shape in page.shapes if getattr(shape, "text", "").isdigit()}
    assert sorted(at) == list("12345678")
    assert at["1"][1] == max(y for _, y in at.values())
    assert at["3"][0] == max(x for x, _ in at.values())
    assert at["5"][1] == min(y for _, y in at.values())
    assert at["7"][0] == min(x for x, _ in at.values())
    assert at["2"][0] > at["1"][0]
    assert at["8"][0] < at["1"][0]


def test_the_preview_is_the_same_drawing():
    root = ET.fromstring(preview("letter"))
    assert root.get("viewBox") == "0 0 215.9 279.4"
    rectangles = root.findall("{http://www.w3.org/2000/svg}rect")
    assert len(rectangles) == 1 + content_of(sheet("letter")).count(" re f")
    assert "100 mm" in "".join(root.itertext())


def test_text_is_escaped_in_both_forms():
    page = Drawing(100, 50, "a (b) \\ <c>")
    page.text(50, 20, "f(x) < \\ & °", 4)
    assert r"(f\(x\) < \\ & °) Tj" in content_of(to_pdf(page))
    assert rb"(a \(b\) \\ <c>)" in to_pdf(page)


@pytest.mark.parametrize(
    ("value", "text"), [(0.0, "0"), (-0.00001, "0"), (1.5, "1.5"), (1e-7, "0"), (12.34567, "12.3457")]
)
def test_numbers_are_written_as_pdf_knows_them(value, text):
    assert number(value) == text


@pytest.mark.parametrize("paper", ["a3", "", "A4 ruled"])
def test_another_paper_is_refused(paper):
    with pytest.raises(InputError, match="no mat for the paper"):
        sheet(paper)


def test_a_web_process_can_print_without_loading_an_array_library():
    code = (
        "import sys; from rcg.capture.mat.sheet import sheet; sheet('a4'); "
        "print('numpy' in sys.modules, 'cv2' in sys.modules)"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True).stdout
    assert said.split() == ["False", "False"]


def test_markers_survive_a_poor_printer():
    """Grey ink, a soft lens and a phone's own noise at 6 px/mm."""
    picture = raster_of(sheet("a4"), PAPERS["a4"], 6.0).astype(np.float32)
    soft = cv2.GaussianBlur(0.7 * picture + 60, (0, 0), 1.5)
    noisy = soft + np.random.default_rng(2).normal(0, 6, soft.shape)
    pose = find_mat(np.clip(noisy, 0, 255).astype(np.uint8))
    assert len(pose.markers) == 10
    assert pose.px_per_mm == pytest.approx(6, rel=3e-3)
