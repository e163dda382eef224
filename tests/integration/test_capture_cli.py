"""``rcg capture watch`` without a server: a folder's files become a card that is graded, or say why not."""

import io
import threading
import time

import pytest
from PIL import Image
from typer.testing import CliRunner

from rcg.capture.lights import y4m
from rcg.cli import app
from rcg.errors import RcgError


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("RCG_HOME", str(tmp_path))
    scene = tmp_path / "data" / "sim" / "card"
    scene.mkdir(parents=True)
    for name in ("ambient", *"1234"):
        luma = 20 if name == "ambient" else 40 + 10 * int(name)
        y4m.write(scene / f"{name}.y4m", 8, 8, bytes([luma]) * 64 + bytes([128]) * 32)
    (tmp_path / "tethered").mkdir()
    return tmp_path


def image(shade):
    file = io.BytesIO()
    Image.new("RGB", (64, 88), (shade, shade, shade)).save(file, "JPEG")
    return file.getvalue()


def run(*arguments):
    result = CliRunner().invoke(app, list(arguments))
    if isinstance(result.exception, RcgError):
        raise result.exception
    assert result.exit_code == 0, result.output + repr(result.exception)
    return result.stdout


def test_a_folder_is_followed_light_by_light_until_the_grading_begins(home):
    run("rig", "create", "desk", "--driver", "sim", "--lights", "4", "--radius", "150", "--height", "90")
    folder, camera = home / "tethered", home / "data" / "sim" / "card" / "camera.y4m"
    seen = []

    def luma():
        try:
            return y4m.read(camera).planes[0]
        except (OSError, RcgError):  # it is being made
            return None

    def photographer():
        """Releases the shutter when the light has changed, as told."""
        for number, wanted in enumerate((20, 50, 60, 70, 80)):
            end = time.monotonic() + 30
            while time.monotonic() < end and luma() != wanted:
                time.sleep(0.02)
            seen.append(luma())
            (folder / f"IMG_{number}.jpg").write_bytes(image(10 * number))

    hand = threading.Thread(target=photographer, daemon=True)
    hand.start()
    said = run("capture", "watch", str(folder), "--card", "Pikachu", "--no-wait")
    hand.join(10)
    assert seen == [20, 50, 60, 70, 80]
    assert "Pikachu: 5 frames of the front." in said
    assert "IMG_0.jpg: the frame without light" in said
    assert "IMG_4.jpg: light 4" in said
    assert "the grading has begun" in said
    assert len(list(folder.iterdir())) == 5


def test_what_cannot_be_watched_is_refused(home):
    run("rig", "create", "hand", "--lights", "4")
    with pytest.raises(RcgError, match="does not exist"):
        run("capture", "watch", str(home / "none"))
    with pytest.raises(RcgError, match="There is no rig"):
        run("capture", "watch", str(home / "tethered"), "--rig", "other")
