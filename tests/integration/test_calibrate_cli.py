"""``rcg calibrate`` without a server: from photographs on disk to a rig and to light files."""

import json

import cv2
import numpy as np
import pytest
from typer.testing import CliRunner

from rcg.cli import app
from rcg.errors import RcgError
from rcg.photometric.light_files import parse_lp, parse_rig
from rcg.photometric.render.ball import BallScene, render_ball
from rcg.photometric.render.flat_card import FlatScene, render_flat

ANGLE = np.deg2rad(90 * np.arange(4))
LIGHTS = np.column_stack([150 * np.sin(ANGLE), 150 * np.cos(ANGLE), np.full(4, 90.0)])


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("RCG_HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    return tmp_path


def written(folder, frames, name="{}.png"):
    folder.mkdir()
    for frame in frames:
        cv2.imwrite(str(folder / name.format(frame.name)), frame.pixels)
    return str(folder)


def run(*arguments):
    result = CliRunner().invoke(app, arguments)
    if isinstance(result.exception, RcgError):
        raise result.exception
    assert result.exit_code == 0, result.output + repr(result.exception)
    return result.stdout


def test_a_white_card_calibrates_a_rig(home):
    lamps = FlatScene(LIGHTS, np.array([1.0, 0.8, 1.1, 0.9]), beam=1.0, px_per_mm=4.0)
    frames = written(home / "white", render_flat(lamps), "IMG_00{}.png")
    run("rig", "create", "desk", "--lights", "4", "--radius", "140", "--height", "96")
    said = run("calibrate", "flat", frames, "--rig", "desk", "--threads", "1")
    assert "Kept with the rig desk" in said
    assert said.count("  light ") == 4
    found = json.loads(run("calibrate", "ring", frames, "--rig", "desk", "--json", "--threads", "1"))
    assert found["after"] < found["before"]
    (rig,) = json.loads(run("rig", "list", "--json"))
    assert rig["calibration"]["lights"] == found
    assert rig["calibration"]["flat"]["lights"][1]["level"] < rig["calibration"]["flat"]["lights"][2]["level"]


def test_a_ball_becomes_a_light_file(home):
    scene = BallScene(LIGHTS, finish="black", frame_size=(200, 200), width_mm=40)
    frames = written(home / "ball", render_ball(scene))
    out = home / "lights.lp"
    assert f"Written to {out}." in run("calibrate", "ball", frames, "--out", str(out), "--threads", "1")
    listed = parse_lp(out.read_text())
    assert listed.names == ("1.png", "2.png", "3.png", "4.png")
    assert listed.vectors[1, 0] > 0.7
    toml = home / "rig.toml"
    run("calibrate", "ball", frames, "--out", str(toml), "--circle", "100,100,62.5", "--threads", "1")
    assert parse_rig(toml.read_text()).measured.by == "ball"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ((), "where the result shall go"),
        (("--json", "--circle", "1,2"), "is no circle"),
        (("--out", "x.lp", "--mask", "missing.png"), "missing.png cannot be read"),
    ],
)
def test_what_cannot_be_is_refused_with_a_way_out(home, arguments, words):
    frame = home / "1.png"
    frame.write_bytes(b"")
    with pytest.raises(RcgError, match=words) as error:
        run("calibrate", "ball", str(frame), *arguments)
    assert error.value.hint
