"""``rcg rig`` without a server: the same application in the command's own process."""

import json

import pytest
from typer.testing import CliRunner

from rcg.capture.lights import y4m
from rcg.cli import app
from rcg.errors import RcgError


@pytest.fixture
def home(tmp_path, monkeypatch):
    monkeypatch.setenv("RCG_HOME", str(tmp_path))
    folder = tmp_path / "data" / "sim" / "card"
    folder.mkdir(parents=True)
    for name in ("ambient", *"12345678"):
        luma = 20 if name == "ambient" else 40 + 10 * int(name)
        y4m.write(folder / f"{name}.y4m", 8, 8, bytes([luma]) * 64 + bytes([128]) * 32)
    return folder


def rig(*arguments, typed=""):
    result = CliRunner().invoke(app, ["rig", *arguments], input=typed)
    if isinstance(result.exception, RcgError):
        raise result.exception
    assert result.exit_code == 0, result.output + repr(result.exception)
    return result.stdout


def test_make_list_light_and_test(home):
    assert "rcg rig create" in rig("list")
    made = json.loads(
        rig("create", "desk", "--driver", "sim", "--set", "delay_ms=2", "--radius", "150", "--height", "90",
            "--json")
    )  # fmt: skip
    assert made["config"] == {"scene": "card", "delay_ms": 2}
    assert (made["lights"]["height_mm"], made["calibrated"]) == (90, True)
    assert "not measured" in rig("list")
    assert "3: acknowledged after" in rig("light", "desk", "3", typed="\n")
    tested = json.loads(rig("test", "desk", "--json"))
    assert [item["light"] for item in tested["lights"]] == list("12345678")
    assert y4m.read(home / "camera.y4m").planes[0] == 20, "given back as it was found"


def test_by_hand_enter_is_the_tap(home):
    rig("create", "hand")
    said = rig("light", "hand", "3", typed="\n")
    assert "Light the card from the right (stop 3)." in said
    assert "3: acknowledged after" in said


def test_drivers_tell_their_settings(home):
    said = rig("list", "--drivers")
    assert "--set url=...  e.g. http://wled-ring.local" in said
    assert "--set scene" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("create", "x", "--driver", "wled"), "config.url"),
        (("create", "x", "--set", "patience"), "no setting"),
        (("create", "x", "--height", "9"), "without a radius"),
        (("create", "x", "--positions", "nothing.txt"), "cannot be read"),
        (("light", "nobody", "1"), "no rig 'nobody'"),
    ],
)
def test_mistakes_are_said(home, arguments, said):
    with pytest.raises(RcgError, match=said):
        rig(*arguments)
