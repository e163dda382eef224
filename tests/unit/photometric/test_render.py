"""The renderer: the same seed gives the same bytes, and its truth is what its pixels show."""

from __future__ import annotations

import dataclasses
import hashlib
import json

import numpy as np
import pytest
from PIL import Image

from rcg.errors import InputError
from rcg.grading.schema import Side
from rcg.photometric.render import draw_scene, render_scene, render_side, write_side
from rcg.photometric.render.camera import (
    card_to_reference,
    frame_to_card,
    frame_to_reference,
    lights_in_card,
    project,
)
from rcg.photometric.render.scene import Sensor, Surface
from rcg.photometric.render.truth import station_truth

SMALL = (375, 500)


def plain(seed, **changes):
    """A scene without noise, gloss, grain, wear and drift: edges and shading alone."""
    scene = draw_scene(seed, n_lights=3, frame_size=changes.pop("frame_size", SMALL))
    cut = dataclasses.replace(scene.cut, corner_radius_mm=(3.0,) * 4)
    camera = dataclasses.replace(scene.camera, drift_px=np.zeros((3, 2)), drift_deg=np.zeros(3))
    surface = Surface(grain_um=0.0, grain_albedo=0.0, gloss_f0=0.0)
    sensor = Sensor(noise=False, vignette=0.0, blur_px=0.0, encoding="linear")
    scene = dataclasses.replace(scene, cut=cut, camera=camera, surface=surface, sensor=sensor)
    return dataclasses.replace(scene, **changes)


def digest(folder):
    return {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in sorted(folder.iterdir())}


def test_same_seed_same_bytes(tmp_path):
    for name, threads in (("a", 1), ("b", 2)):
        render_side(11, n_lights=4, frame_size=SMALL, out=tmp_path / name, threads=threads)
    render_side(12, n_lights=4, frame_size=SMALL, out=tmp_path / "c", threads=1)
    first, again, other = (digest(tmp_path / name) for name in "abc")
    assert set(first) == {
        "1.jpg",
        "2.jpg",
        "3.jpg",
        "4.jpg",
        "lights.lp",
        "rig.toml",
        "truth.json",
        "truth_extra.json",
        "truth_maps.npz",
    }
    assert first == again
    assert not set(first.values()) & set(other.values())


def test_written_truth_is_a_side_and_exif_has_no_time(tmp_path):
    side = render_side(3, n_lights=3, side="back", frame_size=SMALL)
    write_side(side, tmp_path, maps=False)
    read = Side.model_validate_json((tmp_path / "truth.json").read_bytes())
    assert len(read.centering.stations) == 24
    assert {f.kind for f in read.findings} >= {"dent", "scratch"}
    assert dict(Image.open(tmp_path / "1.jpg").getexif()) == {0x0131: "rcg render"}
    extra = json.loads((tmp_path / "truth_extra.json").read_text())
    assert np.allclose(extra["frame_to_reference"][0], np.eye(3))
    count, *rows = (tmp_path / "lights.lp").read_text().split("\n")
    assert int(count) == 3
    assert rows[0].startswith("1.jpg ")
    assert not (tmp_path / "truth_maps.npz").exists()


@pytest.mark.parametrize("seed", range(6))
def test_stations_equal_intersection_with_the_turned_print(seed):
    """Second computation: the print's corners turned and shifted, the stations' rays cut with its sides."""
    scene = draw_scene(seed)
    printed, cut = scene.print, scene.cut
    a = np.radians(printed.tilt_deg)
    half_w, half_h = cut.width_mm / 2 - printed.border_mm[0], cut.height_mm / 2 - printed.border_mm[1]
    corners = {}
    for sx in (-1, 1):
        for sy in (-1, 1):
            x, y = sx * half_w, sy * half_h
            corners[sx, sy] = (
                x * np.cos(a) - y * np.sin(a) + printed.offset_mm[0],
                x * np.sin(a) + y * np.cos(a) + printed.offset_mm[1],
            )
    for position in (-90, 0, 60):
        y = (cut.height_mm / 2 - 3) * position / 100
        (x0, y0), (x1, y1) = corners[-1, -1], corners[-1, 1]
        at = x0 + (x1 - x0) * (y - y0) / (y1 - y0)
        assert station_truth(cut, printed, "left", position).width_mm == pytest.approx(at + cut.width_mm / 2)
        x = (cut.width_mm / 2 - 3) * position / 100
        (x0, y0), (x1, y1) = corners[-1, 1], corners[1, 1]
        at = y0 + (y1 - y0) * (x - x0) / (x1 - x0)
        assert station_truth(cut, printed, "top", position).width_mm == pytest.approx(cut.height_mm / 2 - at)
    stations = render_truth(scene).stations
    assert [s.position for s in stations if s.edge == "left"] == [-90, -60, -30, 0, 30, 60, 90]
    assert [s.position for s in stations if s.edge == "top"] == [-90, -45, 0, 45, 90]
    assert all(s.status == "measured" and s.width_mm > 0.5 for s in stations)


def render_truth(scene):
    from rcg.photometric.render.truth import centering_truth

    return centering_truth(scene.cut, scene.print)


def test_centering_of_a_print_known_by_hand():
    scene = draw_scene(0)
    printed = dataclasses.replace(scene.print, border_mm=(3.0, 2.5), offset_mm=(0.6, -0.5), tilt_deg=0.0)
    truth = render_truth(dataclasses.replace(scene, print=printed))
    assert truth.left_right.mean == pytest.approx((60.0, 40.0))
    assert truth.top_bottom.mean == pytest.approx((60.0, 40.0))
    assert truth.tilt_deg == 0.0


@pytest.mark.parametrize("seed", [1, 4, 5])
def test_rendered_edges_lie_where_the_truth_says(seed):
    """The print's left edge in pixels, by the area under the step, against the station: within 0.005 mm."""
    scene = plain(seed, frame_size=(750, 1000))
    scene = dataclasses.replace(scene, print=dataclasses.replace(scene.print, line_inset_mm=1.8))
    frame = render_scene(scene).frames[0].pixels[..., :].sum(-1)
    to_px = card_to_reference(scene)
    for station in render_truth(scene).stations:
        if station.edge != "left" or abs(station.position) > 60:
            continue
        inner = np.array(station.inner_mm)
        # Along the pixel row through the edge point: the step's area gives its place without any threshold.
        x0, y0 = project(to_px, inner)
        row = round(float(y0))
        reach = 0.7 * scene.camera.px_per_mm
        cols = np.arange(round(x0 - reach), round(x0 + reach) + 1)
        values = frame[row, cols]
        k = len(cols) // 4
        low, high = (
            np.polynomial.Polynomial.fit(cols[s], values[s], 1) for s in (slice(0, k), slice(-k, None))
        )
        share = (values - low(cols)) / (high(cols) - low(cols))
        edge_px = cols[-1] + 0.5 - share.sum()
        measured = project(np.linalg.inv(to_px), np.array([edge_px, row]))
        a = np.radians(scene.print.tilt_deg)
        expected = inner[0] - (measured[1] - inner[1]) * np.tan(a)  # the same edge at this row's height
        assert measured[0] == pytest.approx(expected, abs=0.005)


def test_geometry_of_pose_and_drift():
    scene = draw_scene(9)
    centre = project(card_to_reference(scene), np.array([0.0, 0.0]))
    w, h = scene.camera.frame_size
    assert centre == pytest.approx(np.array([(w - 1) / 2, (h - 1) / 2]) + scene.camera.shift_px)
    right = project(card_to_reference(scene), np.array([0.05, 0.0])) - centre
    assert np.hypot(*right) == pytest.approx(0.05 * scene.camera.px_per_mm, rel=2e-3)
    # counter-clockwise in the picture is a negative angle in pixel axes, where y runs down
    assert np.degrees(np.arctan2(-right[1], right[0])) == pytest.approx(scene.camera.rotation_deg, abs=0.1)
    point = np.array([20.0, -30.0])
    for i in range(scene.n_lights):
        seen = project(np.linalg.inv(frame_to_card(scene, i)), point)
        assert project(frame_to_reference(scene, i), seen) == pytest.approx(
            project(card_to_reference(scene), point)
        )
    moved = [np.abs(project(frame_to_reference(scene, i), centre) - centre).max() for i in range(1, 8)]
    assert max(moved) > 0.2
    assert max(moved) < 1.6


def test_lights_go_clockwise_from_the_top_and_turn_with_the_card():
    scene = draw_scene(2)
    positions = scene.rig.positions_mm
    azimuth = np.degrees(np.arctan2(positions[:, 0], positions[:, 1])) % 360
    assert np.allclose((azimuth - 45 * np.arange(8) + 180) % 360 - 180, 0, atol=3.01)
    # the card turned counter-clockwise sees its lights turned clockwise
    own = lights_in_card(scene)
    turned = np.degrees(np.arctan2(own[:, 0], own[:, 1]) - np.arctan2(positions[:, 0], positions[:, 1]))
    assert (turned + 180) % 360 - 180 == pytest.approx(scene.camera.rotation_deg)


def test_brightness_follows_the_inverse_square_law():
    """A plain border pixel under two rigs: the ratio of radiances is that of cos / distance squared."""
    scene = plain(6)
    ratios = []
    point = np.array([0.0, scene.cut.height_mm / 2 - 0.6])
    col, row = np.rint(project(card_to_reference(scene), point)).astype(int)
    at = project(np.linalg.inv(card_to_reference(scene)), np.array([col, row]))
    rendered = render_scene(
        dataclasses.replace(
            scene, rig=dataclasses.replace(scene.rig, ambient=0.0, intensities=np.array([1.0, 1.0, 1.0]))
        )
    )
    for light, frame in zip(lights_in_card(scene), rendered.frames, strict=True):
        d = light - [*at, 0.0]
        predicted = light @ light * d[2] / np.linalg.norm(d) ** 3
        ratios.append(frame.pixels[row, col] / predicted)
    assert np.allclose(ratios, ratios[0], rtol=2e-4)


def test_exposure_uses_the_range_and_does_not_clip():
    side = render_side(8, n_lights=4, frame_size=SMALL)
    card = np.concatenate([f.pixels.reshape(-1, 3) for f in side.frames])
    assert (card == 255).mean() < 0.001
    assert np.percentile(card, 99.5) > 120


@pytest.mark.parametrize(
    ("wrong", "word"),
    [
        ({"seed": -1}, "seed"),
        ({"seed": 1, "n_lights": 2}, "2 lights"),
        ({"seed": 1, "px_per_mm": 40.0}, "needs"),
    ],
)
def test_wrong_requests_are_named(wrong, word):
    with pytest.raises(InputError, match=word) as caught:
        draw_scene(**wrong)
    assert caught.value.hint
