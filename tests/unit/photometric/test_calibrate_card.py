"""Flat fields and refined rings from rendered white cards, and what they are worth on a card with relief."""

from dataclasses import replace

import numpy as np
import pytest

from rcg.photometric import card_place, chain
from rcg.photometric import lights as lighting
from rcg.photometric.calibrate import CalibrationError, CardPlace, fit_flat, read_card, refine_lights
from rcg.photometric.flat_field import FlatField
from rcg.photometric.light_files import LightsError, parse_lp, parse_rig
from rcg.photometric.light_text import lp_text, rig_text
from rcg.photometric.lights import LightsSpec, resolve
from rcg.photometric.render.flat_card import FlatScene, irradiance, render_flat
from rcg.photometric.solve import solve_normals
from rcg.photometric.types import CardSize, Lights, Measured

NAMES = tuple(str(number) for number in range(1, 7))


def ring(radius=150.0, height=90.0, turn=0.0, count=6):
    angle = np.deg2rad(turn + 360 * np.arange(count) / count)
    return np.column_stack([radius * np.sin(angle), radius * np.cos(angle), np.full(count, height)])


RNG = np.random.default_rng(4)
STRENGTH = RNG.uniform(0.8, 1.25, 6)
AIM = RNG.uniform(-15, 15, (6, 2))
LAMPS = {"positions_mm": ring(), "intensities": STRENGTH, "beam": 2.0, "aim_mm": AIM, "px_per_mm": 4.0}


@pytest.fixture(scope="module")
def reading():
    return read_card(render_flat(FlatScene(**LAMPS, dust=30)))


def degrees(one, other):
    cos = (one * other).sum(-1) / np.linalg.norm(one, axis=-1) / np.linalg.norm(other, axis=-1)
    return np.rad2deg(np.arccos(np.clip(cos, -1, 1)))


def test_the_field_is_the_lamps_light_on_the_card(reading):
    found = fit_flat(reading, at="2026-11-26")
    assert found.where == "the card's outline"
    assert 0 < found.dust < 0.1
    xy = np.array([[0.0, 0.0], [20.0, 30.0], [-25.0, 10.0], [5.0, -35.0]])
    truth = []
    for k in range(6):
        strength, unit = irradiance(FlatScene(**LAMPS), k, xy[:, 0], xy[:, 1])
        truth.append(strength * unit[:, 2])
    share = found.field.brightness(xy) / np.array(truth)
    # What all lights share (the lens's fall-off towards the corner) is the card's own.
    assert np.abs(share / share.mean(0) / np.exp(np.log(share / share.mean(0)).mean()) - 1).max() < 0.01


def test_a_flat_field_goes_with_the_card():
    rng = np.random.default_rng(1)
    field = FlatField((30.0, 40.0), 0.1 * rng.standard_normal((2, 15)))
    at = np.array([[10.0, -5.0]])
    turned = field.rotated(90)  # what was at (x, y) is at (-y, x) now
    assert turned.brightness(np.array([[5.0, 10.0]])) == pytest.approx(field.brightness(at))
    moved = field.shifted(4, 6)
    assert moved.brightness(at - np.array([[4, 6]])) == pytest.approx(field.brightness(at))
    both = field.shifted(4, 6).rotated(90)
    assert both.brightness(np.array([[11.0, 6.0]])) == pytest.approx(field.brightness(at))


def relief(x, y):
    """A curl of a third of a millimetre, and waves of 6 mm."""
    wave = 2 * np.pi / 6
    return (
        0.0006 * x + 0.02 * np.sin(wave * x) * np.cos(wave * y),
        -0.0002 * y + 0.02 * np.cos(wave * x) * np.sin(wave * y),
    )


def test_normals_are_truer_with_it_for_near_and_for_far_lights(reading):
    print_of = lambda x, y: np.where((np.abs(x) < 28) & (np.abs(y) < 40), 0.4 + 0.2 * np.sin(x / 4), 0.85)  # noqa: E731
    frames = render_flat(FlatScene(**LAMPS, albedo=print_of, slopes=relief, seed=5))
    field = fit_flat(reading).field
    places = ring()
    far = Lights(NAMES, places / np.linalg.norm(places, axis=1)[:, None], None, np.ones(6), "rig", True)
    errors = {}
    near = replace(far, positions_mm=places)
    for name, lights, fields in (("far", far, (field,)), ("near", near, (None, field))):
        for flat in fields:
            maps = chain.measure(
                frames, replace(lights, flat_field=flat), CardSize(63, 88, "chosen"), px_per_mm=4
            )
            mask = card_place.card_mask(maps.frames.shape[1:3], maps.size, 4)
            order = 2 if flat is None else 0
            solved = solve_normals(maps.frames, maps.lights, px_per_mm=4, mask=mask, flat_field=order)
            h, w = mask.shape
            x = np.broadcast_to((np.arange(w) - (w - 1) / 2) / 4, (h, w))
            y = np.broadcast_to(((h - 1) / 2 - np.arange(h))[:, None] / 4, (h, w))
            p, q = relief(x, y)
            truth = np.stack([-p, -q, np.ones_like(p)], -1)
            inside = (np.abs(x) < 27) & (np.abs(y) < 39)
            errors[name, flat is not None] = degrees(solved.normal, truth)[inside].mean()
    assert max(errors["far", True], errors["near", True]) < 0.25
    assert max(errors["far", True], errors["near", True]) < 0.5 * errors["near", False]


def test_a_ring_is_refined_and_says_what_it_knows(reading):
    told = ring(140, 100, 4)
    found = refine_lights(reading, told, ring=True)
    assert degrees(found.positions_mm, ring()).mean() < 0.7 < 4 < degrees(told, ring()).mean()
    assert found.after < 0.3 * found.before
    level = found.intensities / STRENGTH
    assert np.ptp(np.log(level)) < 0.05
    by_name = {each.name: each for each in found.parameters}
    assert by_name["Light 1 turned by"].after == pytest.approx(0, abs=0.7)
    assert by_name["Radius"].determined
    assert abs(by_name["Radius"].after - 150) < 4 * by_name["Radius"].se + 3


def test_what_a_small_card_does_not_tell_stays_as_it_was(reading):
    near = np.abs(reading.xy_mm).max(1) < 8
    small = replace(reading, xy_mm=reading.xy_mm[near], log=reading.log[:, near])
    found = refine_lights(small, ring(140, 100), ring=True)
    missed = [each.name for each in found.parameters if not each.determined]
    assert missed
    assert missed[0].lower() in found.remarks[0]


def test_wrong_counts_and_impossible_places_are_refused(reading):
    with pytest.raises(CalibrationError, match="6 frames"):
        refine_lights(reading, ring(count=8), ring=True)
    with pytest.raises(CalibrationError, match="No place of the lights"):
        refine_lights(replace(reading, log=reading.log[::-1]), ring(), ring=True)


def spoiled(reason, **values):
    with pytest.raises(CalibrationError) as error:
        fit_flat(read_card(render_flat(FlatScene(**LAMPS | values)), CardPlace(px_per_mm=4.0)))
    assert error.value.data["reason"] == reason
    assert error.value.hint


def test_a_card_that_is_no_plain_white_one_is_refused():
    whole = {"margin_mm": -3.0}  # the card fills the pictures
    spoiled("clipped", peak=1.3, **whole)
    spoiled("too_dark", peak=0.02, **whole)
    stripes = lambda x, y: 0.6 + 0.3 * np.sign(np.sin(6 * x) * np.sin(6 * y))  # noqa: E731
    spoiled("not_plain", albedo=stripes, **whole)
    spoiled("not_matte", slopes=lambda x, y: (0.25 * np.tanh(x), 0 * y), **whole)


def test_a_rig_file_carries_all_that_was_measured():
    field = FlatField((30.5, 42.0), np.random.default_rng(0).standard_normal((6, 15)), "2026-11-26")
    text = rig_text(
        NAMES, ring(), near=True, intensities=STRENGTH, rig='My "desk" ring',
        measured=Measured("ball", "2026-11-25"), flat_field=field,
    )  # fmt: skip
    listed = parse_rig(text)
    assert listed.near
    assert listed.vectors == pytest.approx(ring(), abs=1e-3)
    assert listed.intensities == pytest.approx(STRENGTH, abs=1e-4)
    assert listed.measured == Measured("ball", "2026-11-25", 'My "desk" ring')
    assert (listed.flat_field.half_mm, listed.flat_field.at) == ((30.5, 42.0), "2026-11-26")
    lights = resolve(LightsSpec(kind="rig", text=text), ["3", "1", "2", "6", "5", "4"])
    assert lights.calibrated
    assert lights.flat_field.log == pytest.approx(field.log[[2, 0, 1, 5, 4, 3]], abs=1e-5)
    assert lighting.select(lights, [1]).flat_field.log == pytest.approx(field.log[:1], abs=1e-5)


def test_a_rig_file_says_that_its_elevation_is_a_guess():
    vectors = ring() / np.linalg.norm(ring(), axis=1)[:, None]
    lights = resolve(
        LightsSpec(kind="rig", text=rig_text(NAMES, vectors, near=False, assumed_elevation_deg=45)), NAMES
    )
    assert (lights.calibrated, lights.assumed_elevation_deg) == (False, 45)
    assert any("assumed" in remark for remark in lighting.remarks(lights))


def test_a_flat_field_of_other_lights_is_refused():
    text = rig_text(NAMES, ring(), near=True, flat_field=FlatField((30.0, 40.0), np.zeros((5, 15))))
    with pytest.raises(LightsError, match="needs 6 rows of 15 numbers"):
        parse_rig(text)


def test_an_lp_file_reads_back():
    listed = parse_lp(lp_text([f"{name}.jpg" for name in NAMES], ring()))
    assert listed.names == tuple(f"{name}.jpg" for name in NAMES)
    assert degrees(listed.vectors, ring()).max() < 1e-3
