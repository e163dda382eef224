"""``rcg grade`` from files to report, on drawn cards whose borders are known, and on real photographs."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner

from rcg.cli import app
from rcg.grading.schema import GradeReport
from tests.integration import drawn_cards as drawn

PHOTOGRAPHS = Path(__file__).resolve().parents[3] / "shared" / "data" / "cards"
BORDERS = drawn.BORDERS_MM


def run(*arguments: object) -> str:
    result = CliRunner().invoke(app, ["grade", *map(str, arguments)])
    assert result.exit_code == 0, result.output + repr(result.exception)
    return result.stdout


def report_of(path: Path) -> dict[str, Any]:
    report: dict[str, Any] = json.loads(path.read_bytes())
    GradeReport.model_validate(report)
    return report


@pytest.fixture(scope="module")
def two_sides(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A card with front and back; the JSON, the text and the pictures lie beside it."""
    folder = tmp_path_factory.mktemp("grade")
    drawn.capture(folder / "Trout" / "front")
    turned = drawn.table((800, 620), (drawn.card(3), 310, 400, -5))
    drawn.capture(folder / "Trout" / "back", turned)
    text = run(folder / "Trout", "--json", folder / "a.json", "--pictures", folder / "pictures")
    (folder / "a.txt").write_text(text)
    return folder


def test_borders_are_as_drawn(two_sides: Path) -> None:
    report = report_of(two_sides / "a.json")
    assert report["card"]["name"] is None, "the folder's name is part of a path"
    assert report["card"]["size_source"] == "default"
    for side in report["sides"].values():
        centering = side["centering"]
        left = 100 * BORDERS["left"] / (BORDERS["left"] + BORDERS["right"])
        top = 100 * BORDERS["top"] / (BORDERS["top"] + BORDERS["bottom"])
        assert centering["left_right"]["mean"][0] == pytest.approx(left, abs=1.5)
        assert centering["top_bottom"]["mean"][0] == pytest.approx(top, abs=1.5)
        assert [frame["light"] for frame in side["frames"]] == ["down", "left", "right", "up"]
        assert all(len(frame["sha256"]) == 64 for frame in side["frames"])
        assert side["lights"]["assumed_elevation_deg"] == 45


def test_the_same_input_gives_the_same_bytes(two_sides: Path, tmp_path: Path) -> None:
    """Elsewhere, by another name, with another number of threads."""
    shutil.copytree(two_sides / "Trout", tmp_path / "Trout")
    run(tmp_path / "Trout", "--json", tmp_path / "b.json", "--threads", 1)
    assert (tmp_path / "b.json").read_bytes() == (two_sides / "a.json").read_bytes()
    assert str(two_sides) not in (two_sides / "a.json").read_text()


def test_the_text_says_the_same_as_the_json(two_sides: Path) -> None:
    text = (two_sides / "a.txt").read_text()
    centering = report_of(two_sides / "a.json")["sides"]["front"]["centering"]
    first, second = centering["left_right"]["mean"]
    assert f"{first:.1f} / {second:.1f}" in text
    assert "not validated against graded cards" in text or "Grade          none:" in text
    assert "PSA" in text


def test_pictures_lie_on_the_card(two_sides: Path) -> None:
    folder = two_sides / "pictures" / "front"
    names = {file.stem for file in folder.iterdir()}
    layers = {"colour", "albedo", "normal", "curvature", "height", "specular", "thumbnail"}
    assert names == layers | {f"light_{light}" for light in drawn.DIRECTIONS}
    colour = np.asarray(Image.open(folder / "colour.webp"))
    scale = colour.shape[1] / (drawn.WIDTH + 6)  # a margin of 3 mm on each side
    border = colour[round(20 * scale) : round(80 * scale), round(4 * scale) : round(5 * scale)]
    table = colour[round(20 * scale) : round(80 * scale), : round(1 * scale)]
    assert border.mean() > 4 * table.mean()
    assert Image.open(folder / "thumbnail.webp").height == 320


def test_one_photo_has_a_ceiling_and_no_grade(tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    drawn.write(photo, drawn.table((800, 620), (drawn.card(), 310, 400, 3)))
    report = json.loads(run(photo, "--json", "-", "--name", "Ohtani", "--size", "63x88", "--side", "back"))
    assert report["card"]["name"] == "Ohtani"
    assert (report["card"]["width_mm"], report["card"]["size_source"]) == (63.0, "chosen")
    side = report["sides"]["back"]
    assert side["relief_measured"] is False
    assert "relief" in side["not_measured"]
    assert report["grades"]["overall"] is None
    assert report["grades"]["overall_reason"]
    psa = next(grade for grade in report["grades"]["standards"] if grade["standard"] == "psa")
    assert psa["grade"] is not None


def test_a_rig_tells_the_size(tmp_path: Path) -> None:
    folder = drawn.capture(tmp_path / "card")
    row = '[[lights]]\nname = "{}"\ndirection = [{}, {}, 1]\n'
    rows = "".join(row.format(name, x, y) for name, (x, y) in drawn.DIRECTIONS.items())
    (folder / "rig.toml").write_text(f"{rows}[camera]\npx_per_mm = {drawn.PX_PER_MM}\n")
    run(folder, "--json", tmp_path / "a.json")
    report = report_of(tmp_path / "a.json")
    assert report["card"]["size_source"] == "scale"
    assert report["card"]["width_mm"] == pytest.approx(drawn.WIDTH, abs=0.3)
    assert report["card"]["height_mm"] == pytest.approx(drawn.HEIGHT, abs=0.3)
    assert report["sides"]["front"]["lights"]["calibrated"] is True


def test_schema_fits_a_report(two_sides: Path) -> None:
    result = CliRunner().invoke(app, ["schema", "grade"])
    schema = json.loads(result.stdout)
    report = report_of(two_sides / "a.json")
    assert set(report) == set(schema["properties"])
    stations = report["sides"]["front"]["centering"]["stations"]
    assert len(stations) == 24
    assert set(stations[0]) <= set(schema["$defs"]["Station"]["properties"])


def test_help_loads_nothing_heavy() -> None:
    heavy = ("numpy", "cv2", "scipy", "fastapi", "sqlalchemy")
    code = f"import sys, rcg.cli; print([m for m in {heavy} if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.photographs
@pytest.mark.skipif(not PHOTOGRAPHS.is_dir(), reason="the real photographs are not on this machine")
def test_several_real_captures_are_listed() -> None:
    result = CliRunner().invoke(app, ["grade", str(PHOTOGRAPHS / "sports_4light")])
    for name in ("AndySlyke_1_up.jpg", "MattMacri_1_left.jpg", "RogerCraig_1_down.jpg"):
        assert name in str(result.exception)


@pytest.mark.photographs
@pytest.mark.skipif(not PHOTOGRAPHS.is_dir(), reason="the real photographs are not on this machine")
def test_a_real_card_under_four_lights(tmp_path: Path) -> None:
    run(PHOTOGRAPHS / "sports_4light", "--capture", "AndySlyke_1", "--json", tmp_path / "a.json")
    side = report_of(tmp_path / "a.json")["sides"]["front"]
    assert side["relief_measured"]
    assert len(side["frames"]) == 4
    assert sum(station["status"] == "measured" for station in side["centering"]["stations"]) >= 20
    assert side["centering"]["left_right"]["mean"][0] == pytest.approx(42.6, abs=2)
