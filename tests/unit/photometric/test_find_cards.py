"""The finder on made-up pictures with known corners, and on the real photographs where they are at hand."""

from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from rcg.photometric.find_errors import CardCutOffError, FramesDifferError, NoCardError, SeveralCardsError
from rcg.photometric.linearise import to_srgb_u8
from rcg.photometric.locate import locate
from rcg.photometric.outline_geometry import apply, homography_of_points
from rcg.photometric.types import Frame

ASPECT = 88 / 63
PHOTOGRAPHS = Path(__file__).parents[4] / "shared" / "data" / "cards"
MTG = PHOTOGRAPHS / "mtg_mixed"
SPORTS = PHOTOGRAPHS / "sports_4light"
SCALE = 10  # px of the flat drawing per mm


def flat_card(border, seed=0):
    """Linear colours (880, 630, 3) of a card with a border, a picture and a text box, and its coverage."""
    rng = np.random.default_rng(seed)
    card = np.empty((88 * SCALE, 63 * SCALE, 3), np.float32)
    card[:] = border
    inner = cv2.resize(rng.random((12, 9, 3)).astype(np.float32), (57 * SCALE, 45 * SCALE)) * 0.7
    card[40 : 40 + 45 * SCALE, 30:-30] = inner
    card[53 * SCALE : 84 * SCALE, 30:-30] = (0.55, 0.5, 0.35)
    for row in range(56 * SCALE, 82 * SCALE, 30):
        card[row : row + 8, 60 : 60 + int(rng.integers(200, 480))] = 0.05
    coverage = np.zeros(card.shape[:2], np.float32)
    radius = 3 * SCALE
    cv2.rectangle(coverage, (radius, 0), (63 * SCALE - 1 - radius, 88 * SCALE - 1), 1, -1)
    cv2.rectangle(coverage, (0, radius), (63 * SCALE - 1, 88 * SCALE - 1 - radius), 1, -1)
    for x in (radius, 63 * SCALE - 1 - radius):
        for y in (radius, 88 * SCALE - 1 - radius):
            cv2.circle(coverage, (x, y), radius, 1, -1)
    return card, coverage


def ground(kind, shape, rng):
    h, w = shape
    if kind == "cloth":
        weave = 0.5 + 0.5 * np.sin(np.arange(w) * 0.9)[None] * np.sin(np.arange(h) * 0.8)[:, None]
        blots = cv2.resize(rng.random((9, 12)).astype(np.float32), (w, h), interpolation=cv2.INTER_CUBIC)
        grey = (0.12 + 0.1 * weave + 0.35 * (blots > 0.6)).astype(np.float32)
        return grey[..., None] * np.array([0.5, 0.9, 0.8], np.float32)
    level = {"white": 0.75, "dark": 0.01, "grey": 0.25}[kind]
    slope = np.linspace(0.85, 1.1, w, dtype=np.float32)[None, :, None]
    return np.full((h, w, 3), level, np.float32) * slope


def corners_at(centre, height, angle_deg, tilt_deg=0.0, focal=900.0):
    """Corners of a card in the picture, its top first, seen by a pinhole camera; its top leans away by
    ``tilt_deg``."""
    half = np.array([height / ASPECT, height]) / 2
    turn, tilt = np.radians(angle_deg), np.radians(tilt_deg)
    box = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * half
    box = box @ np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]).T
    depth = 1 - box[:, 1] * np.sin(tilt) / focal
    return (box * (1, np.cos(tilt)) / depth[:, None]) + np.asarray(centre, float)


def picture(cards, kind="grey", shape=(720, 960), blur=0.7, noise=0.004, seed=0, shadow=(0, 0)):
    """An sRGB frame with (corners, border) cards on a ground; card edges lie exactly on the corners'
    lines."""
    rng = np.random.default_rng(seed)
    fine = 2
    h, w = shape
    light = cv2.resize(ground(kind, shape, rng), (w * fine, h * fine), interpolation=cv2.INTER_CUBIC)
    for corners, border in cards:
        card, coverage = flat_card(border)
        # Edges of the drawing are half a pixel outside its outermost pixel centres.
        box = np.array([(0, 0), (63, 0), (63, 88), (0, 88)], float) * SCALE - 0.5
        to_picture = homography_of_points(box, (corners + 0.5) * fine - 0.5)
        warp = {"dsize": (w * fine, h * fine), "flags": cv2.INTER_AREA}
        if any(shadow):
            aside = homography_of_points(box, (corners + shadow + 0.5) * fine - 0.5)
            light = light * (1 - 0.95 * cv2.warpPerspective(coverage, aside, **warp)[..., None])
        alpha = cv2.warpPerspective(coverage, to_picture, **warp)[..., None]
        light = (
            light * (1 - alpha)
            + cv2.warpPerspective(card, to_picture, borderMode=cv2.BORDER_REPLICATE, **warp) * alpha
        )
    light = cv2.GaussianBlur(cv2.resize(light, (w, h), interpolation=cv2.INTER_AREA), (0, 0), blur)
    return Frame("1", "made.png", to_srgb_u8(light + rng.normal(0, noise, light.shape)))


def off_by(found, truth):
    return np.linalg.norm(found - truth, axis=1)


@pytest.mark.parametrize(
    ("kind", "border", "angle", "tilt"),
    [
        ("white", (0.6, 0.45, 0.05), 12.0, 0.0),
        ("white", (0.62, 0.62, 0.6), -7.0, 3.0),
        ("cloth", (0.02, 0.02, 0.02), -33.0, 0.0),
        ("dark", (0.03, 0.03, 0.035), 4.0, 5.0),
        ("grey", (0.35, 0.05, 0.05), 61.0, 0.0),
        ("grey", (0.02, 0.05, 0.3), 1.0, 18.0),
    ],
)
def test_corners_are_where_the_edges_meet(kind, border, angle, tilt):
    truth = corners_at((470, 365), 500, angle, tilt)
    outline, _ = locate([picture([(truth, border)], kind)], ASPECT)
    error = off_by(outline.corners_px, truth)
    assert np.median(error) <= 0.5, error
    assert error.max() <= 1.0, error
    assert outline.confidence > 0.6


@pytest.mark.parametrize("border", [(0.03, 0.03, 0.04), (0.5, 0.4, 0.05)])
def test_the_outer_border_of_a_shadow_is_not_the_edge(border):
    truth = corners_at((470, 365), 560, 2)
    outline, _ = locate([picture([(truth, border)], "grey", shadow=(5, 4))], ASPECT)
    assert off_by(outline.corners_px, truth).max() <= 0.8


def test_lights_from_all_sides_outvote_their_shadows():
    truth = corners_at((470, 365), 560, 2)
    shadows = [(3, 0), (-3, 0), (0, 3), (0, -3)]
    frames = [
        picture([(truth, (0.05, 0.04, 0.04))], "grey", seed=k, shadow=shadow)
        for k, shadow in enumerate(shadows)
    ]
    outline, _ = locate(frames, ASPECT)
    assert off_by(outline.corners_px, truth).max() <= 0.4


def test_a_small_card_far_from_the_middle():
    truth = corners_at((700, 220), 190, 20)
    outline, _ = locate([picture([(truth, (0.5, 0.4, 0.05))], "white")], ASPECT)
    assert off_by(outline.corners_px, truth).max() <= 0.7
    assert any("Low resolution" in warning for warning in outline.warnings)


def test_turning_the_picture_turns_the_corners():
    truth = corners_at((470, 365), 520, 3)
    frame = picture([(truth, (0.3, 0.05, 0.05))])
    upright, _ = locate([frame], ASPECT)
    turned = Frame("1", "turned.png", np.ascontiguousarray(np.rot90(frame.pixels, 2)))
    upside_down, _ = locate([turned], ASPECT)
    h, w = frame.pixels.shape[:2]
    assert off_by((w - 1, h - 1) - np.roll(upside_down.corners_px, 2, axis=0), upright.corners_px).max() < 0.3


def test_a_card_on_its_side_says_so():
    truth = corners_at((470, 365), 520, 80)
    outline, _ = locate([picture([(truth, (0.3, 0.05, 0.05))])], ASPECT)
    assert any("on its side" in warning for warning in outline.warnings)
    lengths = np.linalg.norm(np.roll(outline.corners_px, -1, axis=0) - outline.corners_px, axis=1)
    assert lengths[0] < lengths[1]


def test_the_input_is_not_changed_and_the_answer_repeats():
    frame = picture([(corners_at((470, 365), 500, 9), (0.3, 0.05, 0.05))])
    before = frame.pixels.copy()
    first, second = (locate([frame], ASPECT)[0] for _ in range(2))
    assert np.array_equal(frame.pixels, before)
    assert np.array_equal(first.corners_px, second.corners_px)


@pytest.mark.parametrize("make", ["black", "white", "noise", "one pixel", "empty table"])
def test_no_card(make):
    rng = np.random.default_rng(1)
    pixels = {
        "black": np.zeros((300, 400, 3), np.uint8),
        "white": np.full((300, 400, 3), 255, np.uint8),
        "noise": rng.integers(0, 256, (300, 400, 3), dtype=np.uint8),
        "one pixel": np.zeros((1, 1, 3), np.uint8),
        "empty table": picture([], "cloth").pixels,
    }[make]
    with pytest.raises(NoCardError) as caught:
        locate([Frame("1", "nothing.png", pixels)], ASPECT)
    assert "nothing.png" in caught.value.detail
    assert caught.value.hint


def test_two_cards_are_counted():
    cards = [
        (corners_at((250, 360), 430, 4), (0.3, 0.05, 0.05)),
        (corners_at((690, 350), 440, -6), (0.05, 0.05, 0.3)),
    ]
    with pytest.raises(SeveralCardsError) as caught:
        locate([picture(cards, "white")], ASPECT)
    assert caught.value.data["count"] == 2


@pytest.mark.parametrize(
    ("centre", "side"),
    [((470, 560), "bottom"), ((470, 150), "top"), ((110, 365), "left"), ((860, 365), "right")],
)
def test_a_card_that_leaves_the_picture(centre, side):
    truth = corners_at(centre, 500, 2)
    with pytest.raises(CardCutOffError) as caught:
        locate([picture([(truth, (0.3, 0.05, 0.05))], "white")], ASPECT)
    assert caught.value.data["side"] == side


def test_frames_of_two_sizes_are_refused():
    frames = [Frame(n, f"{n}.png", np.zeros((20, w, 3), np.uint8)) for n, w in (("1", 30), ("2", 31))]
    with pytest.raises(FramesDifferError, match="31 x 20"):
        locate(frames, ASPECT)


def load(path):
    if not path.exists():
        pytest.skip(f"the real photographs are not at {PHOTOGRAPHS}")
    return Frame(path.stem.split("_")[-1], path.name, cv2.imread(str(path))[:, :, ::-1].copy())


def across_mm(one, other):
    """Largest distance of the sides of two outlines at a tenth, half and nine tenths, in mm of a card 88
    high."""
    height = np.linalg.norm(other[0] - other[3])
    worst = 0.0
    for (a, b), (c, d) in zip(pairwise([*one, one[0]]), pairwise([*other, other[0]]), strict=True):
        normal = np.array([d[1] - c[1], c[0] - d[0]]) / np.linalg.norm(d - c)
        for share in (0.1, 0.5, 0.9):
            worst = max(worst, abs(float(((b - d) * share + (a - c) * (1 - share)) @ normal)))
    return worst / height * 88


@pytest.mark.photographs
def test_one_light_gives_the_outline_that_four_give():
    frames = [load(SPORTS / f"RogerCraig_1_{light}.jpg") for light in ("up", "right", "down", "left")]
    together, registration = locate(frames, ASPECT)
    alone, _ = locate(frames[1:2], ASPECT)
    assert across_mm(apply(registration.homographies[1], alone.corners_px), together.corners_px) < 0.15


@pytest.mark.photographs
def test_a_card_on_patterned_cloth():
    outline, _ = locate([load(MTG / "tmikonen_dragon_whelp.jpg")], ASPECT)
    by_eye = np.array([(301, 57), (827, 160), (686, 907), (141, 795)])
    assert off_by(outline.corners_px, by_eye).max() < 20


@pytest.mark.photographs
def test_a_plastic_case_is_called_a_holder():
    outline, _ = locate([load(MTG / "hj3yoo_card_in_plastic_case.jpg")], ASPECT)
    assert any("holder" in warning for warning in outline.warnings)


@pytest.mark.photographs
def test_a_table_full_of_cards_is_refused():
    with pytest.raises(SeveralCardsError):
        locate([load(MTG / "tmikonen_black.jpg")], ASPECT)
