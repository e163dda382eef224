"""What a folder holds, from the names of its files alone."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rcg.capture.card_input import CaptureError
from rcg.capture.folder import read_folder
from rcg.photometric.light_files import LightsError


def filled(folder: Path, *names: str) -> Path:
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(name.encode())
    return folder


def lights_of(folder: Path, side: str = "front", **options: object) -> list[str]:
    return [frame.light for frame in read_folder(folder, **options).sides[side].frames]


def test_one_capture(tmp_path: Path) -> None:
    filled(tmp_path, *(f"Jeter_{light}.jpg" for light in ("up", "right", "down", "left")))
    found = read_folder(tmp_path)
    assert found.name == "Jeter"
    assert list(found.sides) == ["front"]
    assert lights_of(tmp_path) == ["down", "left", "right", "up"]
    assert read_folder(tmp_path, side="back").sides.keys() == {"back"}


def test_numbers_are_sorted_as_numbers_and_cleaned(tmp_path: Path) -> None:
    filled(tmp_path, *(f"{n:02}.png" for n in range(1, 13)))
    assert lights_of(tmp_path) == [str(n) for n in range(1, 13)]
    assert read_folder(tmp_path).name == tmp_path.name


def test_front_and_back(tmp_path: Path) -> None:
    filled(tmp_path, *(f"{side}/{n}.jpg" for side in ("front", "back") for n in range(1, 9)))
    found = read_folder(tmp_path)
    assert list(found.sides) == ["front", "back"]
    assert found.name == tmp_path.name


def test_images_beside_front_are_an_error(tmp_path: Path) -> None:
    filled(tmp_path, "front/1.jpg", "9.jpg")
    with pytest.raises(CaptureError, match=r"beside it: 9\.jpg"):
        read_folder(tmp_path)


def test_several_captures_are_listed_and_can_be_chosen(tmp_path: Path) -> None:
    filled(
        tmp_path,
        *(f"{card}_{light}.jpg" for card in ("A_1", "B_1") for light in ("up", "right", "down", "left")),
    )
    with pytest.raises(
        CaptureError, match=r"2 captures\. A_1: A_1_down\.jpg, .*; B_1: B_1_down\.jpg"
    ) as caught:
        read_folder(tmp_path)
    assert caught.value.data["captures"]["B_1"][0] == "B_1_down.jpg"
    chosen = read_folder(tmp_path, capture="B_1")
    assert {frame.file_name[:3] for frame in chosen.sides["front"].frames} == {"B_1"}
    with pytest.raises(CaptureError, match="no capture 'C'"):
        read_folder(tmp_path, capture="C")


def test_ambient_belongs_to_the_only_capture(tmp_path: Path) -> None:
    filled(tmp_path, *(f"x_{n}.jpg" for n in range(1, 5)), "ambient.jpg")
    assert lights_of(tmp_path) == ["1", "2", "3", "4", "ambient"]


def test_junk_is_passed_over_with_a_note(tmp_path: Path) -> None:
    filled(tmp_path, "1.jpg", "2.jpg", ".DS_Store", "notes.txt", "truth.json")
    found = read_folder(tmp_path)
    assert len(found.sides["front"].frames) == 2
    assert found.notes == ("Not images, passed over: notes.txt, truth.json.",)


def test_one_image_is_one_photo(tmp_path: Path) -> None:
    filled(tmp_path, "charizard.jpg")
    for path in (tmp_path, tmp_path / "charizard.jpg"):
        found = read_folder(path)
        assert found.name == "charizard"
        assert [frame.light for frame in found.sides["front"].frames] == ["photo"]


def test_symlinks_are_followed(tmp_path: Path) -> None:
    real = filled(tmp_path / "real", "1.jpg", "2.jpg")
    (tmp_path / "link").symlink_to(real)
    assert lights_of(tmp_path / "link") == ["1", "2"]


def test_nothing_there(tmp_path: Path) -> None:
    with pytest.raises(CaptureError, match="does not exist"):
        read_folder(tmp_path / "nowhere")
    with pytest.raises(CaptureError, match="has no image"):
        read_folder(tmp_path)
    filled(tmp_path, "a.txt")
    with pytest.raises(CaptureError, match=r"only a\.txt"):
        read_folder(tmp_path)


def test_lp_names_the_frames(tmp_path: Path) -> None:
    filled(tmp_path, "DSC_0007.jpg", "DSC_0008.jpg", "DSC_0009.jpg", "DSC_0010.jpg")
    rows = [f"DSC_{n:04}.jpg 0 {n} 1" for n in (7, 8, 9, 10)]
    (tmp_path / "a.lp").write_text("4\n" + "\n".join(rows))
    found = read_folder(tmp_path).sides["front"]
    assert [frame.light for frame in found.frames] == ["DSC_0007", "DSC_0008", "DSC_0009", "DSC_0010"]
    assert found.lights is not None
    assert found.lights.kind == "lp"


def test_lp_that_names_lights(tmp_path: Path) -> None:
    filled(tmp_path, *(f"card_{light}.jpg" for light in ("up", "right", "down", "left")))
    (tmp_path / "a.lp").write_text("up 0 1 1\nright 1 0 1\ndown 0 -1 1\nleft -1 0 1\n")
    assert lights_of(tmp_path) == ["down", "left", "right", "up"]
    (tmp_path / "card_left.jpg").unlink()
    with pytest.raises(LightsError, match="without a frame: left"):
        read_folder(tmp_path)


def test_bare_rows_count_frame_zero(tmp_path: Path) -> None:
    filled(tmp_path, *(f"cat.{n}.png" for n in range(12)))
    (tmp_path / "a.lp").write_text("\n".join(f"0 {n} 1" for n in range(12)))
    assert lights_of(tmp_path) == [f"cat.{n}" for n in range(12)]


def test_a_rig_knows_more_than_an_lp(tmp_path: Path) -> None:
    filled(tmp_path, "1.jpg", "2.jpg", "3.jpg", "4.jpg")
    (tmp_path / "lights.lp").write_text("\n".join(f"{n}.jpg 0 {n} 1" for n in range(1, 5)))
    rows = "".join(f'[[lights]]\nname = "{n}"\nposition_mm = [{n}, 0, 9]\n' for n in range(1, 5))
    (tmp_path / "rig.toml").write_text(rows)
    spec = read_folder(tmp_path).sides["front"].lights
    assert spec is not None
    assert spec.kind == "rig"
    (tmp_path / "other.toml").write_text(rows)
    with pytest.raises(LightsError, match="several light files"):
        read_folder(tmp_path)
    named = read_folder(tmp_path, lights_file=tmp_path / "lights.lp").sides["front"].lights
    assert named is not None
    assert named.kind == "lp"


def test_what_was_said_of_lights_by_name(tmp_path: Path) -> None:
    filled(tmp_path, "1.jpg", "2.jpg", "3.jpg", "4.jpg")
    assert read_folder(tmp_path).sides["front"].lights is None
    spec = read_folder(tmp_path, ring=4, elevation_deg=30).sides["front"].lights
    assert spec is not None
    assert (spec.kind, spec.ring, spec.elevation_deg) == ("azimuth", 4, 30)


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"elevation_deg": 95.0}, "--elevation 95 cannot be"),
        ({"elevation_deg": 0.0}, "--elevation 0 cannot be"),
        ({"elevation_deg": float("nan")}, "--elevation nan cannot be"),
        ({"ring": 2}, "--ring 2 cannot be"),
    ],
)
def test_an_elevation_or_a_ring_that_cannot_be(tmp_path: Path, said: dict[str, Any], message: str) -> None:
    filled(tmp_path, "1.jpg", "2.jpg", "3.jpg", "4.jpg")
    with pytest.raises(LightsError, match=message):
        read_folder(tmp_path, **said)


@pytest.mark.parametrize("said", [{"elevation_deg": 30.0}, {"ring": 4}])
def test_an_elevation_or_a_ring_beside_a_light_file(tmp_path: Path, said: dict[str, Any]) -> None:
    rows = "".join(f"{n}.jpg {x} {y} 1\n" for n, x, y in ((1, 0, 1), (2, 1, 0), (3, 0, -1), (4, -1, 0)))
    for side in ("front", "back"):
        (tmp_path / side).mkdir()
        filled(tmp_path / side, "1.jpg", "2.jpg", "3.jpg", "4.jpg")
    (tmp_path / "lights.lp").write_text(f"4\n{rows}")
    with pytest.raises(LightsError, match=r"came together with a light file"):
        read_folder(tmp_path, **said)
    with pytest.raises(LightsError, match=r"came together with a light file"):
        read_folder(tmp_path / "front", lights_file=tmp_path / "lights.lp", **said)


def test_a_light_file_that_is_no_text(tmp_path: Path) -> None:
    filled(tmp_path, "1.jpg", "2.jpg")
    (tmp_path / "a.lp").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(LightsError, match="not text"):
        read_folder(tmp_path)


def test_a_shared_rig_serves_both_sides(tmp_path: Path) -> None:
    filled(tmp_path, *(f"{side}/{n}.jpg" for side in ("front", "back") for n in (1, 2, 3)))
    rows = "".join(f'[[lights]]\nname = "{n}"\nposition_mm = [{n}, 0, 9]\n' for n in (1, 2, 3))
    (tmp_path / "rig.toml").write_text(rows)
    assert all(side.lights and side.lights.kind == "rig" for side in read_folder(tmp_path).sides.values())
