"""``rcg solve`` from files to files, and each file that is wrong."""

from __future__ import annotations

import json

import cv2
import numpy as np
import pytest
from test_solve_object import angle, ball, ring, shade
from typer.testing import CliRunner

from rcg.cli import app
from rcg.errors import InputError
from rcg.files import write_for_user
from rcg.photometric.light_files import parse_lp

LIGHTS = ring(6, 65.0)
KEYS = {"normal", "albedo", "confidence", "residual", "specular", "height", "curvature", "meta"}


def run(*args):
    """Run the command; an error comes out as it is, not as an exit code."""
    return CliRunner().invoke(app, ["solve", *map(str, args)], catch_exceptions=False)


def rows(lights=LIGHTS):
    return "\n".join(" ".join(f"{v:.6f}" for v in light) for light in lights) + "\n"


@pytest.fixture
def folder(tmp_path):
    truth, mask = ball(14)
    for i, frame in enumerate(shade(truth, LIGHTS), 1):
        cv2.imwrite(str(tmp_path / f"f{i}.png"), np.rint(frame * 65535).astype(np.uint16))
    cv2.imwrite(str(tmp_path / "outline.png"), mask.astype(np.uint8) * 255)
    (tmp_path / "lights.txt").write_text(rows())
    return tmp_path


def frames_of(folder):
    return sorted(folder.glob("f?.png"))


def test_images_and_rows_of_lights(folder):
    done = run(*frames_of(folder), "--lights", folder / "lights.txt", "--mask", folder / "outline.png",
               "--out", folder / "maps.npz", "--json")  # fmt: skip
    said = json.loads(done.stdout)
    truth, mask = ball(14)
    with np.load(folder / "maps.npz", allow_pickle=False) as maps:
        assert set(maps.files) == KEYS
        assert maps["normal"].shape == (29, 29, 3)
        assert angle(maps["normal"], truth, mask) < 0.2
        assert maps["height"][14, 14] > maps["height"][4, 14]
        assert json.loads(str(maps["meta"]))["unit"] == "px"
    assert said["lights"] == 6
    assert said["solved_share"] > 0.99
    assert "16-bit samples were taken as linear" in " ".join(said["notes"])
    assert sorted(p.name for p in folder.glob("maps_*.png")) == [
        f"maps_{name}.png"
        for name in ("albedo", "confidence", "curvature", "height", "normal", "residual", "specular")
    ]
    colour = cv2.imread(str(folder / "maps_normal.png"))[14, 14]
    assert np.abs(colour.astype(int) - [255, 128, 128]).max() <= 2, "blue, as z points to the camera"
    listed = parse_lp((folder / "maps_relight/lights.lp").read_text())
    assert np.allclose(listed.vectors, LIGHTS, atol=1e-5)
    assert all((folder / "maps_relight" / name).is_file() for name in listed.names)


def test_an_array_named_rows_intensities_and_a_rig(folder):
    truth, mask = ball(14)
    power = np.array([1, 0.5, 2, 1, 1, 1.5])
    frames = shade(truth, LIGHTS) * power[:, None, None]
    np.savez(folder / "stack.npz", images=frames.astype(np.float32))
    np.save(folder / "mask.npy", mask)
    (folder / "power.txt").write_text("\n".join(f"{p} {p} {p}" for p in power))
    lights = "".join(
        f"[[lights]]\nname = '{i}'\ndirection = {list(map(float, light))}\n" for i, light in enumerate(LIGHTS)
    )
    (folder / "rig.toml").write_text(lights)
    run(folder / "stack.npz", "--lights", folder / "rig.toml", "--intensities", folder / "power.txt",
        "--mask", folder / "mask.npy", "--out", folder / "maps", "--no-pictures")  # fmt: skip
    with np.load(folder / "maps.npz") as maps:
        assert angle(maps["normal"], truth, mask) < 0.2
    assert not list(folder.glob("maps_*"))


def test_numbered_files_are_put_in_order_and_named_rows_find_theirs(folder):
    truth, mask = ball(14)
    lights = ring(12, 65.0)
    for i, frame in enumerate(shade(truth, lights)):
        cv2.imwrite(str(folder / f"n{i}.tif"), frame)
    (folder / "twelve.txt").write_text(rows(lights))
    alphabetical = sorted(folder.glob("n*.tif"))
    run(
        *alphabetical,
        "--lights",
        folder / "twelve.txt",
        "--mask",
        folder / "outline.png",
        "--out",
        folder / "a",
    )
    named = [f"n{i}.tif {' '.join(map(str, lights[i]))}" for i in range(12)]
    (folder / "named.lp").write_text("12\n" + "\n".join(reversed(named)))
    run(*reversed(alphabetical), "--lights", folder / "named.lp", "--mask", folder / "outline.png",
        "--out", folder / "b")  # fmt: skip
    for name in "ab":
        with np.load(folder / f"{name}.npz") as maps:
            assert angle(maps["normal"], truth, mask) < 0.2


def test_an_ambient_frame_is_taken_off(folder):
    for file in frames_of(folder):
        cv2.imwrite(str(file), (cv2.imread(str(file), -1) * 0.8 + 9000).astype(np.uint16))
    cv2.imwrite(str(folder / "ambient.png"), np.full((29, 29), 9000, np.uint16))
    truth, mask = ball(14)
    run(*frames_of(folder), folder / "ambient.png", "--lights", folder / "lights.txt",
        "--mask", folder / "outline.png", "--out", folder / "maps")  # fmt: skip
    with np.load(folder / "maps.npz") as maps:
        assert angle(maps["normal"], truth, mask) < 0.3


def broken(folder, what):
    """Arguments of a run that cannot work."""
    frames, lights, more = frames_of(folder), folder / "lights.txt", []
    if what == "missing frame":
        frames[2] = folder / "none.png"
    elif what == "no image":
        frames[2].write_bytes(b"hello")
    elif what == "empty file":
        frames[2].write_bytes(b"")
    elif what == "another size":
        cv2.imwrite(str(frames[2]), np.ones((20, 29), np.uint16))
    elif what == "one frame too few":
        frames = frames[1:]
    elif what == "no lights":
        lights = folder / "none.txt"
    elif what == "a word":
        lights.write_text(rows().replace("0.", "x.", 1))
    elif what == "zero light":
        lights.write_text(rows([*LIGHTS[:5], np.zeros(3)]))
    elif what == "from below":
        lights.write_text(rows(LIGHTS * [1, 1, -1]))
    elif what == "coplanar":
        lights.write_text(rows(LIGHTS * [1, 0, 1]))
    elif what == "empty mask":
        cv2.imwrite(str(folder / "outline.png"), np.zeros((29, 29), np.uint8))
        more = ["--mask", folder / "outline.png"]
    elif what == "intensities":
        (folder / "p.txt").write_text("1\n2\n")
        more = ["--intensities", folder / "p.txt"]
    elif what == "raw":
        frames[0] = frames[0].rename(folder / "f0.dng")
    elif what == "no array":
        np.savez(folder / "s.npz", a=np.ones(3), b=np.ones(3))
        frames = [folder / "s.npz"]
    elif what == "broken array":
        (folder / "s.npz").write_bytes(b"PK\x03\x04 not much")
        frames = [folder / "s.npz"]
    elif what == "no CUDA":
        more = ["--device", "cuda"]
    out = folder / ("nowhere/maps.npz" if what == "no folder" else "maps.npz")
    return [*frames, "--lights", lights, "--out", out, "--no-card", *more]


BROKEN = {
    "missing frame": "none.png does not exist",
    "no image": "f3.png is not an image",
    "empty file": "f3.png is empty",
    "another size": "f3.png is 29 x 20 and f1.png is 29 x 29",
    "one frame too few": "5 frames and lights.txt lists 6",
    "no lights": "light file .*none.txt cannot be read",
    "a word": "Line 1",
    "zero light": "0 0 0",
    "from below": "shines from below",
    "coplanar": "one plane",
    "empty mask": "mask is empty",
    "intensities": "2 rows of intensities and there are 6 frames",
    "raw": "rawpy",
    "no array": "holds a, b",
    "broken array": "cannot be read",
    "no folder": "nowhere does not exist",
    "no CUDA": "no CUDA device",
}


@pytest.mark.parametrize("what", BROKEN)
def test_what_is_wrong_is_said(folder, what, monkeypatch):
    if what == "raw":
        monkeypatch.setitem(__import__("sys").modules, "rawpy", None)
    if what == "no CUDA":
        from rcg.photometric import solve_torch

        monkeypatch.setattr(solve_torch, "available", lambda: False)
    with pytest.raises(InputError, match=BROKEN[what]) as caught:
        run(*broken(folder, what))
    assert caught.value.hint
    assert not (folder / "maps.npz").exists()


def test_a_full_disk_leaves_the_old_file(tmp_path):
    target = tmp_path / "maps.npz"
    target.write_bytes(b"old")

    def full(file):
        file.write(b"half")
        raise OSError(28, "No space left on device")

    with pytest.raises(InputError, match="No space left"):
        write_for_user(target, full)
    assert [p.name for p in tmp_path.iterdir()] == ["maps.npz"]
    assert target.read_bytes() == b"old"


def test_missing_samples_of_a_float_tiff_are_left_out_and_said(folder):
    truth, mask = ball(14)
    for file, frame in zip(frames_of(folder), shade(truth, LIGHTS) * 40, strict=True):
        frame[:3] = np.nan
        cv2.imwrite(str(file.with_suffix(".tif")), frame)
    done = run(*sorted(folder.glob("f?.tif")), "--lights", folder / "lights.txt", "--no-card",
               "--out", folder / "maps", "--json")  # fmt: skip
    said = json.loads(done.stdout)
    assert any("not numbers" in text for text in said["warnings"])
    with np.load(folder / "maps.npz") as maps:
        assert all(np.isfinite(maps[key]).all() for key in KEYS - {"meta"})
        assert (maps["confidence"][:3] == 0).all()
        assert angle(maps["normal"], truth, mask & (np.arange(29) > 3)[:, None]) < 1


def test_a_card_in_the_picture_is_solved_in_its_own_coordinates(tmp_path):
    from rcg.photometric.render import render_side, write_side

    write_side(render_side(3, frame_size=(420, 560)), tmp_path, image_format="jpeg", maps=False)
    rig = next(tmp_path.glob("*.toml"))
    done = run(*sorted(tmp_path.glob("*.jpg")), "--lights", rig, "--out", tmp_path / "maps", "--json")
    said = json.loads(done.stdout)
    assert said["card"]
    assert said["unit"] == "mm"
    with np.load(tmp_path / "maps.npz") as maps:
        assert set(maps.files) == KEYS
        height, width = maps["normal"].shape[:2]
        assert height > width
        assert np.median(maps["normal"][..., 2]) > 0.99
