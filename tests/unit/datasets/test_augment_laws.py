"""Every layer obeys the law of its role: answers are analytic, or photometric stereo on a fresh render."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from rcg.datasets.augment import Motion, moved
from rcg.datasets.augment.motion import about_centre, flip, half_turn, identity, mirror, turn
from rcg.datasets.sample import LayerArray, Sample
from rcg.datasets.schema import LabelClass, LabelSchema

SCHEMA = LabelSchema(task="instance", classes=[LabelClass(name="dent")])
PX_PER_MM = 8.0


def ring(azimuths_deg, elevation_deg=40.0):
    around, up = np.deg2rad(azimuths_deg), np.deg2rad(elevation_deg)
    vectors = [np.array([np.cos(up) * np.cos(a), np.cos(up) * np.sin(a), np.sin(up)]) for a in around]
    return {str(number + 1): vector for number, vector in enumerate(vectors)}


EIGHT = ring(90 - 45 * np.arange(8))
IRREGULAR = ring([83, 40, 5, -61, -100, -170, 155])


class Surface:
    """Bumps and dents with known height and slopes: x right, y up, millimetres, the centre at (0, 0)."""

    places = ((0.8, 0.5, 1.6, 0.20), (-1.9, 1.2, 1.1, -0.15), (0.4, -2.2, 1.4, 0.12), (2.4, -0.8, 1.3, -0.1))

    def height(self, x, y):
        return sum(h * np.exp(-((x - a) ** 2 + (y - b) ** 2) / (2 * s * s)) for a, b, s, h in self.places)

    def slopes(self, x, y):
        p = q = 0.0
        for a, b, s, h in self.places:
            part = h * np.exp(-((x - a) ** 2 + (y - b) ** 2) / (2 * s * s)) / (s * s)
            p, q = p - (x - a) * part, q - (y - b) * part
        return p, q

    def curvature(self, x, y, e=1e-4):
        p = (self.slopes(x + e, y)[0] - self.slopes(x - e, y)[0]) / (2 * e)
        q = (self.slopes(x, y + e)[1] - self.slopes(x, y - e)[1]) / (2 * e)
        return -(p + q) / 2

    def albedo(self, x, y):
        return 0.5 + 0.3 * np.sin(2.1 * x + 0.3) * np.cos(1.7 * y - 0.4) + 0.05 * x / 4


SURFACE = Surface()


def grid(size, px_per_mm=PX_PER_MM):
    width, height = size
    x = (np.arange(width) + 0.5 - width / 2) / px_per_mm
    y = -(np.arange(height) + 0.5 - height / 2) / px_per_mm
    return np.meshgrid(x, y)


def normals(p, q):
    return np.stack([-p, -q, np.ones_like(p)], -1) / np.sqrt(1 + p * p + q * q)[..., None]


def shaded(normal, albedo, direction):
    return np.repeat((albedo * np.maximum(normal @ direction, 0))[..., None], 3, -1)


def sample_of(x, y, slopes, lights, place=None, px_per_mm=PX_PER_MM):
    """Layers of the surface whose point (x, y) is the original's ``place``."""
    original = (x, y) if place is None else place
    normal, albedo = normals(*slopes), SURFACE.albedo(*original)
    layers = {
        "normal": LayerArray("normal", normal),
        "height": LayerArray("height", 1000 * SURFACE.height(*original)),
    }
    for name, direction in lights.items():
        layers[f"light:{name}"] = LayerArray("light", shaded(normal, albedo, direction))
    return Sample(layers, lights=dict(lights), px_per_mm=px_per_mm)


def angle_deg(a, b):
    cross = np.linalg.norm(np.cross(a, b), axis=-1)
    return np.rad2deg(np.arctan2(cross, (a * b).sum(-1)))


def solve(sample):
    """Least squares (Woodham 1980) from the light layers and the directions that came along."""
    names = [name for name in sample.layers if name.startswith("light:")]
    matrix = np.array([sample.lights[name.removeprefix("light:")] for name in names])
    stack = np.stack([sample.layers[name].array[..., 0] for name in names])
    flat = np.linalg.lstsq(matrix, stack.reshape(len(names), -1), rcond=None)[0]
    albedo = np.linalg.norm(flat, axis=0)
    return (flat / albedo).T.reshape(*stack.shape[1:], 3), albedo.reshape(stack.shape[1:])


def d4(turns, mirrored, size):
    motion = mirror(size) if mirrored else identity()
    for _ in range(turns):
        motion = motion.then(turn(size))
    return motion


@pytest.mark.parametrize(("turns", "mirrored"), list(itertools.product(range(4), (False, True))))
@pytest.mark.parametrize("lights", [EIGHT, IRREGULAR], ids=["ring of eight", "seven anyhow"])
def test_flips_and_turns_equal_a_fresh_photometric_solution(turns, mirrored, lights):
    size = (64, 64)
    x, y = grid(size)
    out = moved(sample_of(x, y, SURFACE.slopes(x, y), lights), d4(turns, mirrored, size), SCHEMA)

    normal, _ = solve(out)
    assert angle_deg(normal, out.layers["normal"].array).max() <= 0.001

    # the surface moved by hand: undo the turns (counter-clockwise), then the mirror
    u, v = x, y
    for _ in range(turns):
        u, v = v, -u
    p, q = SURFACE.slopes(-u if mirrored else u, v)
    p = -p if mirrored else p
    for _ in range(turns):
        p, q = -q, p
    fresh = sample_of(x, y, (p, q), out.lights, place=(-u if mirrored else u, v))
    assert angle_deg(fresh.layers["normal"].array, out.layers["normal"].array).max() <= 0.001
    for name, layer in fresh.layers.items():
        np.testing.assert_allclose(out.layers[name].array, layer.array, atol=1e-6, err_msg=name)


@pytest.mark.parametrize("motion", [mirror, flip, half_turn, turn])
def test_the_ring_of_eight_maps_onto_itself(motion):
    """Lamps stay where they are: the photographs change places, the directions do not."""
    size = (32, 32)
    x, y = grid(size)
    sample = sample_of(x, y, SURFACE.slopes(x, y), EIGHT)
    out = moved(sample, motion(size), SCHEMA)
    for name, direction in EIGHT.items():
        np.testing.assert_allclose(out.lights[name], direction, atol=1e-12)
    assert list(out.layers) == list(sample.layers)


def test_a_mirrored_card_shows_light_2_where_light_8_is():
    size = (16, 16)
    layers = {f"light:{n}": LayerArray("light", np.full((16, 16, 3), 10 * n, np.uint8)) for n in range(1, 9)}
    levels = {
        name: [
            int(moved(Sample(layers), m(size), SCHEMA).layers[f"light:{n}"].array[0, 0, 0]) // 10
            for n in range(1, 9)
        ]
        for name, m in {"mirror": mirror, "flip": flip, "turn": turn}.items()
    }
    assert levels["mirror"] == [1, 8, 7, 6, 5, 4, 3, 2]
    assert levels["flip"] == [5, 4, 3, 2, 1, 8, 7, 6]
    # turned counter-clockwise, what was lit from the right (3) is now lit from the top (1)
    assert levels["turn"] == [3, 4, 5, 6, 7, 8, 1, 2]


def test_lights_that_are_not_all_there_keep_their_names_and_turn_their_directions():
    size = (16, 16)
    x, y = grid(size)
    sample = sample_of(x, y, SURFACE.slopes(x, y), {name: EIGHT[name] for name in ("1", "2", "3", "5")})
    out = moved(sample, mirror(size), SCHEMA)
    np.testing.assert_allclose(out.lights["3"], EIGHT["7"], atol=1e-12)
    np.testing.assert_array_equal(out.layers["light:3"].array, sample.layers["light:3"].array[:, ::-1])


def linear(rotate=0.0, sx=1.0, sy=1.0, shear=0.0):
    """(2, 2) in x right, y up: stretch, shear, then rotate counter-clockwise."""
    a, k = np.deg2rad(rotate), np.tan(np.deg2rad(shear))
    turned = np.array([[np.cos(a), -np.sin(a)], [np.sin(a), np.cos(a)]])
    return turned @ np.array([[1, k], [0, 1]]) @ np.diag([sx, sy])


FLIP_Y = np.diag([1.0, -1.0])


@pytest.mark.parametrize(
    "b",
    [
        linear(7),
        linear(37.5),
        linear(-120),
        linear(sx=1.4, sy=1.4),
        linear(sx=0.8, sy=1.3),
        linear(11, shear=12),
        linear(-23, 1.2, 0.9, -8),
        linear(15, -1.1, 1.0),
    ],
    ids=lambda b: np.array2string(b, precision=2),
)
def test_a_stretched_surface_has_the_slopes_of_the_stretched_surface(b):
    size = (120, 96)
    x, y = grid(size)
    sample = sample_of(x, y, SURFACE.slopes(x, y), {})
    curvature = LayerArray("curvature", SURFACE.curvature(x, y))
    sample = sample.with_layers(sample.layers | {"curvature": curvature})
    motion = Motion(about_centre(FLIP_Y @ b @ FLIP_Y, size), mirrored=bool(np.linalg.det(b) < 0))
    out = moved(sample, motion, SCHEMA)

    back = np.linalg.inv(b)
    u, v = back[0, 0] * x + back[0, 1] * y, back[1, 0] * x + back[1, 1] * y
    p0, q0 = SURFACE.slopes(u, v)
    p, q = back[0, 0] * p0 + back[1, 0] * q0, back[0, 1] * p0 + back[1, 1] * q0
    inside = (np.abs(u) < x.max() - 0.2) & (np.abs(v) < y.max() - 0.2)
    error = angle_deg(out.layers["normal"].array, normals(p, q))[inside]
    assert np.median(error) <= 0.5
    assert error.max() <= 0.5
    assert np.abs(out.layers["height"].array - 1000 * SURFACE.height(u, v))[inside].max() < 1.0
    assert out.px_per_mm == PX_PER_MM
    if np.allclose(b @ b.T, np.eye(2) * abs(np.linalg.det(b))):  # curvature is exact under similarities
        want = SURFACE.curvature(u, v) / abs(np.linalg.det(b))
        assert np.abs(out.layers["curvature"].array - want)[inside].max() < 0.004


def test_a_perspective_has_the_slopes_of_its_surface():
    size = (120, 96)
    x, y = grid(size)
    matrix = np.array([[1.05, 0.06, -3.0], [-0.04, 0.97, 2.0], [4e-4, -3e-4, 1.0]])
    out = moved(sample_of(x, y, SURFACE.slopes(x, y), {}), Motion(matrix), SCHEMA)

    back = np.linalg.inv(matrix)

    def place(x_mm, y_mm):
        u = x_mm * PX_PER_MM + size[0] / 2
        v = -y_mm * PX_PER_MM + size[1] / 2
        w = back[2, 0] * u + back[2, 1] * v + back[2, 2]
        s = (back[0, 0] * u + back[0, 1] * v + back[0, 2]) / w
        t = (back[1, 0] * u + back[1, 1] * v + back[1, 2]) / w
        return (s - size[0] / 2) / PX_PER_MM, -(t - size[1] / 2) / PX_PER_MM

    e = 1e-5
    height = lambda a, b: SURFACE.height(*place(a, b))  # noqa: E731
    p = (height(x + e, y) - height(x - e, y)) / (2 * e)
    q = (height(x, y + e) - height(x, y - e)) / (2 * e)
    u, v = place(x, y)
    inside = (np.abs(u) < x.max() - 0.2) & (np.abs(v) < y.max() - 0.2)
    error = angle_deg(out.layers["normal"].array, normals(p, q))[inside]
    assert error.max() <= 0.5


def test_a_crop_is_a_nearer_look_slopes_stay_and_the_scale_grows():
    size = (120, 96)
    x, y = grid(size)
    zoom = 1.6
    motion = Motion(about_centre(np.eye(2) * zoom, size), zoom=zoom)
    sample = sample_of(x, y, SURFACE.slopes(x, y), {})
    curvature = LayerArray("curvature", SURFACE.curvature(x, y))
    out = moved(sample.with_layers(sample.layers | {"curvature": curvature}), motion, SCHEMA)
    u, v = grid(size, PX_PER_MM * zoom)
    assert out.px_per_mm == pytest.approx(PX_PER_MM * zoom)
    assert angle_deg(out.layers["normal"].array, normals(*SURFACE.slopes(u, v))).max() <= 0.5
    assert np.abs(out.layers["curvature"].array - SURFACE.curvature(u, v)).max() < 0.004


@pytest.mark.parametrize("zoom", [1.0, 1.5])
def test_the_slopes_of_the_height_are_those_of_the_normals(zoom):
    """Whatever was done, the item stays a measurement that could have been: height and normals agree."""
    size = (120, 96)
    x, y = grid(size)
    b = linear(20, 1.1, 0.9, 6) * zoom
    motion = Motion(about_centre(FLIP_Y @ b @ FLIP_Y, size), zoom=zoom)
    out = moved(sample_of(x, y, SURFACE.slopes(x, y), {}), motion, SCHEMA)
    height_mm = out.layers["height"].array / 1000
    q, p = np.gradient(height_mm, 1 / out.px_per_mm)
    normal = out.layers["normal"].array
    inner = (slice(24, -24), slice(30, -30))
    assert angle_deg(normals(p, -q), normal)[inner].max() < 0.6


def test_directions_turn_with_a_free_rotation():
    size = (40, 40)
    x, y = grid(size)
    sample = sample_of(x, y, SURFACE.slopes(x, y), IRREGULAR)
    b = linear(9)
    out = moved(sample, Motion(about_centre(FLIP_Y @ b @ FLIP_Y, size)), SCHEMA)
    for name, direction in IRREGULAR.items():
        np.testing.assert_allclose(out.lights[name], [*(b @ direction[:2]), direction[2]], atol=1e-12)
    normal, _ = solve(out)
    inner = (slice(8, -8), slice(8, -8))
    assert angle_deg(normal, out.layers["normal"].array)[inner].max() < 0.5


def test_a_turn_by_45_degrees_exchanges_the_eight_lights():
    size = (40, 40)
    x, y = grid(size)
    sample = sample_of(x, y, SURFACE.slopes(x, y), EIGHT)
    b = linear(45)
    out = moved(sample, Motion(about_centre(FLIP_Y @ b @ FLIP_Y, size)), SCHEMA)
    for name, direction in EIGHT.items():
        np.testing.assert_allclose(out.lights[name], direction, atol=1e-9)


def test_outside_the_photograph_nothing_was_measured():
    layers = {
        "colour": LayerArray("colour", np.full((32, 32, 3), 90, np.uint8)),
        "normal": LayerArray("normal", np.tile(np.array([0.6, 0, 0.8], np.float32), (32, 32, 1))),
        "height": LayerArray("height", np.full((32, 32), 7, np.float32)),
        "confidence": LayerArray("confidence", np.ones((32, 32), np.float16)),
        "mask": LayerArray("mask", np.full((32, 32), 3, np.uint8)),
    }
    shifted = np.eye(3)
    shifted[0, 2] = 10
    out = moved(Sample(layers), Motion(shifted), SCHEMA).layers
    assert (out["colour"].array[:, :9] == 90).all()
    np.testing.assert_allclose(out["normal"].array[:, :9], np.broadcast_to([0, 0, 1], (32, 9, 3)))
    assert not out["height"].array[:, :9].any()
    assert not out["confidence"].array[:, :9].any()
    assert set(np.unique(out["mask"].array)) == {0, 3}
    np.testing.assert_allclose(out["normal"].array[:, 12:], layers["normal"].array[:, 12:], atol=1e-6)


@pytest.mark.parametrize("motion", [mirror, flip, half_turn])
def test_done_twice_everything_is_as_it_was_to_the_last_bit(motion):
    size = (48, 32)
    x, y = grid(size)
    sample = sample_of(x, y, SURFACE.slopes(x, y), EIGHT)
    half = LayerArray("normal", sample.layers["normal"].array.astype(np.float16))
    sample = replace(sample, layers=sample.layers | {"normal": half})
    twice = moved(moved(sample, motion(size), SCHEMA), motion(size), SCHEMA)
    for name, layer in sample.layers.items():
        assert twice.layers[name].array.dtype == layer.array.dtype
        np.testing.assert_array_equal(twice.layers[name].array, layer.array, err_msg=name)


def test_a_quarter_turn_of_an_oblong_image_is_fitted_into_it():
    size = (60, 90)
    colour = np.zeros((90, 60, 3), np.uint8)
    colour[40:50, 0:20] = 200  # at the left edge, half way down
    sample = Sample({"colour": LayerArray("colour", colour)}, px_per_mm=9.0)
    out = moved(sample, turn(size), SCHEMA)
    assert out.size == size
    assert out.px_per_mm == pytest.approx(6.0)
    rows, cols = np.nonzero(out.layers["colour"].array[..., 0] > 100)
    # left becomes the bottom; the card, 60 wide, is now 40 high, in the middle of 90
    assert rows.max() + 1 >= 64
    assert (rows.mean() + 0.5, cols.mean() + 0.5) == pytest.approx((65 - 20 / 3 + 12.5, 30), abs=13)
