"""``rcg render``: files, words and errors."""

from __future__ import annotations

import json

import pytest
import typer
from typer.testing import CliRunner

from rcg.cli import render as command
from rcg.errors import InputError


@pytest.fixture
def app():
    app = typer.Typer()
    command.register(app)
    app.command("other")(lambda: None)  # a second command keeps the first one's name
    return app


def test_both_sides_as_png_without_maps(app, tmp_path):
    done = CliRunner().invoke(
        app,
        [
            "render",
            "--seed",
            "4",
            "--out",
            str(tmp_path),
            "--side",
            "both",
            "--lights",
            "3",
            "--size",
            "300x400",
            "--format",
            "png",
            "--no-maps",
        ],
    )
    assert done.exit_code == 0, done.output
    truth = {}
    for side in ("front", "back"):
        files = {p.name for p in (tmp_path / side).iterdir()}
        assert files == {"1.png", "2.png", "3.png", "lights.lp", "rig.toml", "truth.json", "truth_extra.json"}
        truth[side] = json.loads((tmp_path / side / "truth.json").read_text())
        left = truth[side]["centering"]["left_right"]["mean"][0]
        assert f"{left:.1f} / " in done.output
    assert truth["front"]["centering"] != truth["back"]["centering"]


@pytest.mark.parametrize("text", ["1500", "x", "50x400", "1500x99999", "-5x400", "1e3x400"])
def test_sizes_that_are_none(text):
    with pytest.raises(InputError, match="--size"):
        command.parse_size(text)


def test_size():
    assert command.parse_size("3024x4032") == (3024, 4032)
