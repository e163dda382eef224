"""``rcg mat`` and ``rcg render --mat`` on the command line."""

import json

import pytest
from typer.testing import CliRunner

from rcg.capture.mat.sheet import sheet
from rcg.cli import app
from rcg.errors import InputError


@pytest.mark.parametrize("paper", ["a4", "letter"])
def test_the_file_is_the_sheet(tmp_path, paper):
    out = tmp_path / "mat.pdf"
    result = CliRunner().invoke(app, ["mat", "--paper", paper, "--out", str(out)])
    assert result.exit_code == 0
    assert out.read_bytes() == sheet(paper)
    assert "100 %" in result.output


def test_another_paper_and_a_folder_that_is_not_there(tmp_path):
    assert CliRunner().invoke(app, ["mat", "--paper", "a3", "--out", str(tmp_path / "x.pdf")]).exit_code == 2
    result = CliRunner().invoke(app, ["mat", "--out", str(tmp_path / "no" / "x.pdf")])
    assert isinstance(result.exception, InputError)
    assert "cannot be written" in result.exception.detail


def test_a_rendered_card_on_the_mat(tmp_path):
    from rcg.photometric.images import decode
    from rcg.photometric.mat.find import find_mat

    arguments = ["render", "--seed", "2", "--out", str(tmp_path), "--lights", "3", "--mat", "--no-maps"]
    assert CliRunner().invoke(app, [*arguments, "--size", "600x800"]).exit_code == 0
    frame = decode((tmp_path / "1.jpg").read_bytes(), name="1", file_name="1.jpg")
    assert len(find_mat(frame.pixels).markers) == 10
    extra = json.loads((tmp_path / "truth_extra.json").read_text())
    assert len(extra["frame_to_reference"]) == 3
