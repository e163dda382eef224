"""Lights: the one convention of names, the two files, and what does not fit."""

from __future__ import annotations

import numpy as np
import pytest

from rcg.photometric import lights
from rcg.photometric.light_files import LightsError, parse_lp, parse_rig
from rcg.photometric.lights import LightsSpec, canonical_name, resolve, split_light

HALF = np.sqrt(0.5)


def lp(text: str) -> LightsSpec:
    return LightsSpec(kind="lp", text=text)


def test_one_is_at_the_top_and_then_clockwise() -> None:
    found = resolve(None, [str(n) for n in range(1, 9)])
    expected = [(0, 1), (HALF, HALF), (1, 0), (HALF, -HALF), (0, -1), (-HALF, -HALF), (-1, 0), (-HALF, HALF)]
    np.testing.assert_allclose(found.directions[:, :2], np.array(expected) * HALF, atol=1e-12)
    np.testing.assert_allclose(found.directions[:, 2], HALF)
    assert (found.source, found.calibrated, found.assumed_elevation_deg) == ("azimuth", False, 45.0)


def test_sides_mean_lit_from_there() -> None:
    found = resolve(LightsSpec(kind="azimuth", elevation_deg=30), ["up", "right", "down", "left"])
    flat = np.cos(np.deg2rad(30))
    np.testing.assert_allclose(
        found.directions, [(0, flat, 0.5), (flat, 0, 0.5), (0, -flat, 0.5), (-flat, 0, 0.5)], atol=1e-12
    )


@pytest.mark.parametrize(
    ("text", "light"),
    [("01", "1"), ("8", "8"), ("Top", "up"), ("UP", "up"), ("upper left", "up_left"), ("topleft", "up_left"),
     ("bottom-right", "down_right"), ("ambient", "ambient"), ("upright", None), ("card", None), ("", None)],
)  # fmt: skip
def test_names(text: str, light: str | None) -> None:
    assert canonical_name(text) == light


@pytest.mark.parametrize(
    ("stem", "split"),
    [("1", ("", "1")), ("card_1_up", ("card_1", "up")), ("card_1_upper_left", ("card_1", "up_left")),
     ("IMG 7-right", ("IMG_7", "right")), ("cat.11", ("cat", "11")), ("portrait", ("portrait", None))],
)  # fmt: skip
def test_the_end_of_a_name_is_the_light(stem: str, split: tuple[str, str | None]) -> None:
    assert split_light(stem) == split


def test_missing_lights_of_the_ring_are_stated() -> None:
    said = lights.remarks(resolve(None, ["1", "2", "3", "4", "5", "7"]))
    assert any("6, 8" in sentence for sentence in said)
    full = lights.remarks(resolve(None, [str(n) for n in range(1, 9)]))
    assert not any("no frame" in sentence for sentence in full)
    assert any("45 degrees" in sentence for sentence in full)


def test_a_ring_of_four_is_not_taken_for_half_a_ring_of_eight() -> None:
    with pytest.raises(LightsError, match="one side") as caught:
        resolve(None, ["1", "2", "3", "4"])
    assert "--ring 4" in caught.value.hint
    found = resolve(LightsSpec(kind="azimuth", ring=4), ["1", "2", "3", "4"])
    np.testing.assert_allclose(found.directions[:, :2] / HALF, [(0, 1), (1, 0), (0, -1), (-1, 0)], atol=1e-12)


def test_a_whole_ring_of_twelve() -> None:
    found = resolve(None, [str(n) for n in range(1, 13)])
    np.testing.assert_allclose(found.directions[3, :2], (HALF, 0), atol=1e-12)
    with pytest.raises(LightsError, match="no ring of 8"):
        resolve(None, [str(n) for n in (1, 4, 7, 10)])


LP = (
    "4\r\n/home/a b/shot 1.jpg 0.5 0 .8\r\n\r\nC:\\rti\\shot 2.JPG -0.5 0 .8\r\n"
    "shot 3.jpg 0 2 .8\r\nshot 4.jpg 0 -.5 .8\r\n"
)


def test_lp_rows_find_their_frames_by_name() -> None:
    found = resolve(lp(LP), ["shot 3.jpg", "shot 1", "shot 2.jpg", "shot 4"])
    assert found.calibrated
    np.testing.assert_allclose(found.directions[0], np.array([0, 2, 0.8]) / np.hypot(2, 0.8))
    np.testing.assert_allclose(found.directions[1], np.array([0.5, 0, 0.8]) / np.hypot(0.5, 0.8))


def test_lp_rows_find_frames_named_by_light() -> None:
    np.testing.assert_allclose(
        resolve(lp(LP), ["2", "1", "4", "3"]).directions[0, 0], -0.5 / np.hypot(0.5, 0.8)
    )


@pytest.mark.parametrize("count", ["", "4\n"])
def test_bare_rows_follow_the_frames(count: str) -> None:
    found = resolve(lp(f"{count}0 1 1\n1 0 1\n0 -1 1\n-1 0 1\n"), ["a", "b", "c", "d"])
    np.testing.assert_allclose(found.directions[1], (HALF, 0, HALF))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "no lights"),
        ("5\n0 1 1\n1 0 1\n0 -1 1\n", "says 5 lights and lists 3"),
        ("a 0 1 1\nb 1 zero 1\n", "Line 2"),
        ("a 0 1 1\n1 0 1\n", "names 1 of its 2"),
        ("a 0 1 nan\n", "Line 1"),
        ("3\n", "no lights"),
    ],
)
def test_broken_lp_files(text: str, said: str) -> None:
    with pytest.raises(LightsError, match=said):
        parse_lp(text)


@pytest.mark.parametrize(
    ("text", "names", "said"),
    [
        ("a 0 1 1\nb 1 0 1\nc 0 -1 1\nd -1 0 1", ["a", "b", "c"], "without a frame: d"),
        ("a 0 1 1\nb 1 0 1\nc 0 -1 1", ["a", "b", "c", "d"], "without a light: d"),
        ("a 0 1 1\nb 1 0 1\nc 0 -1 1\na -1 0 1", ["a", "b", "c"], "'a' twice"),
        ("0 1 1\n1 0 1\n0 -1 1", ["a", "b", "c", "d"], "3 rows without names and there are 4"),
        ("a 0 1 1\nb 1 0 1\nc 0 -1 -1", ["a", "b", "c"], "c shines from below"),
        ("a 0 1 1\nb 0 2 1\nc 0 -1 1\nd 0 0 1", ["a", "b", "c", "d"], "in one plane"),
        ("a 0 1 1\nb 0 1 1\nc 0 1 1", ["a", "b", "c"], "in one plane"),
        ("a 0 1 1\nb 1 0 1\nc 0 0 0", ["a", "b", "c"], "0 0 0"),
    ],
)
def test_lights_that_do_not_fit(text: str, names: list[str], said: str) -> None:
    with pytest.raises(LightsError, match=said):
        resolve(lp(text), names)


@pytest.mark.parametrize(
    ("names", "said"),
    [(["up", "right"], "2 frames"), (["up", "top", "left"], "'up'"), (["up", "left", "card"], "card"),
     (["1", "3", "01"], "'1'"), (["0", "3", "5", "6", "7"], "no ring")],
)  # fmt: skip
def test_names_that_do_not_do(names: list[str], said: str) -> None:
    with pytest.raises(LightsError, match=said):
        resolve(None, names)


RIG = """
[[lights]]
name = "1"
position_mm = [0, 200, 150]
intensity = 2
[[lights]]
name = "2"
position_mm = [170, -100, 150]
[[lights]]
name = "3"
position_mm = [-170, -100, 150]
[camera]
px_per_mm = 21.5
"""


def test_rig_by_position() -> None:
    spec = LightsSpec(kind="rig", text=RIG)
    found = resolve(spec, ["3", "1", "2"])
    assert found.positions_mm is not None
    np.testing.assert_array_equal(found.positions_mm[1], (0, 200, 150))
    np.testing.assert_allclose(found.directions[1], (0, 0.8, 0.6))
    np.testing.assert_array_equal(found.intensities, (1, 2, 1))
    assert lights.camera_px_per_mm(spec) == 21.5


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("lights = 3", "lights"),
        ("[[lights]]\nname='a'", "either direction or position_mm"),
        ("[[lights]]\nname='a'\ndirektion=[0,0,1]", "direktion"),
        ("[[lights]]\nname='a'\ndirection=[0,0,1]\n[[lights]]\nname='b'\nposition_mm=[0,0,1]", "mixes"),
        ("[[lights", "not TOML"),
        ("[camera]\npx_per_mm=3", "lights"),
    ],
)
def test_broken_rigs(text: str, said: str) -> None:
    with pytest.raises(LightsError, match=said):
        parse_rig(text)


def test_rotation_is_counter_clockwise() -> None:
    turned = lights.rotate(resolve(LightsSpec(kind="rig", text=RIG), ["1", "2", "3"]), 90)
    assert turned.positions_mm is not None
    np.testing.assert_allclose(turned.positions_mm[0], (-200, 0, 150), atol=1e-9)
    np.testing.assert_allclose(turned.directions[0], (-0.8, 0, 0.6), atol=1e-12)


def test_frame_zero_is_ambient_unless_the_file_lists_it() -> None:
    names = [str(n) for n in range(5)]
    assert lights.lit_names(None, names) == names[1:]
    five = lp("0 1 1\n1 0 1\n0 -1 1\n-1 0 1\n0 0 1")
    assert lights.lit_names(five, names) == names
    named = lp("\n".join(f"{n} 0 1 1" for n in range(1, 5)))
    assert lights.lit_names(named, names) == names[1:]
