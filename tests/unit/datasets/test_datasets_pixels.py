"""Items read as samples: values, sizes, units, and what is said of files that are wrong."""

import io

import numpy as np
import pytest
from PIL import Image

from rcg.datasets.layers import NPY
from rcg.datasets.manifest import ItemRecord, LayerRef
from rcg.datasets.pixels import read_sample, resized_layer
from rcg.datasets.sample import LayerArray
from rcg.datasets.schema import Annotation, Box
from rcg.errors import InputError

WIDTH, HEIGHT = 40, 20


@pytest.fixture
def folder(tmp_path):
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    for name, kind in (("png", "PNG"), ("webp", "WEBP")):
        Image.fromarray(pixels).save(tmp_path / name, kind, lossless=True)
    Image.fromarray((pixels[..., 0].astype(np.uint16) << 8) + 77).save(tmp_path / "png16", "PNG")
    normal = rng.normal(size=(HEIGHT, WIDTH, 3)) * 0.1 + [0, 0, 1]
    normal /= np.linalg.norm(normal, axis=2, keepdims=True)
    for name, array in (
        ("normal", normal),
        ("height", normal[..., 0] * 100),
        ("flat", normal[..., :1] * 100),
    ):
        with (tmp_path / name).open("wb") as file:
            np.save(file, array.astype(np.float16))
    np.save(tmp_path / "ints.npy", np.zeros((HEIGHT, WIDTH), np.int32))
    (tmp_path / "pickled").write_bytes(b"\x80\x04N.")
    (tmp_path / "empty").write_bytes(b"")
    return tmp_path, pixels, normal


def item(*layers, width=WIDTH, height=HEIGHT):
    return ItemRecord(
        id="0" * 32, name="a card", width=width, height=height, px_per_mm=20, card="c", split="train",
        layers=[
            LayerRef(name=name, role=role, sha256=file, media_type=NPY if npy else "image/png")
            for name, role, file, npy in layers
        ],
        lights={"1": (0.0, 0.6, 0.8)},
        annotations=[Annotation(label="dent", shape=Box(x=4, y=2, width=8, height=6))],
    )  # fmt: skip


COLOUR = ("colour", "colour", "png", False)
NORMAL = ("normal", "normal", "normal", True)


def test_layers_come_as_they_are(folder):
    path, pixels, normal = folder
    made = item(
        COLOUR,
        NORMAL,
        ("height", "height", "height", True),
        ("light:1", "light", "webp", False),
        ("curvature", "curvature", "flat", True),
    )
    sample = read_sample(made, path.joinpath)
    assert list(sample.layers) == ["colour", "normal", "height", "light:1", "curvature"]
    assert np.array_equal(sample.layers["colour"].array, pixels)
    assert np.array_equal(sample.layers["light:1"].array, pixels)
    assert np.allclose(sample.layers["normal"].array, normal, atol=1e-3)
    assert sample.layers["height"].array.shape == sample.layers["curvature"].array.shape == (HEIGHT, WIDTH)
    assert sample.annotations == tuple(made.annotations)
    assert sample.lights["1"].tolist() == [0.0, 0.6, 0.8]
    assert (sample.px_per_mm, sample.key, sample.size) == (20, made.id, (WIDTH, HEIGHT))


def test_sixteen_bits_become_eight(folder):
    path, pixels, _ = folder
    array = read_sample(item(("colour", "colour", "png16", False)), path.joinpath).layers["colour"].array
    assert array.dtype == np.uint8
    assert np.array_equal(array[..., 0], pixels[..., 0])
    assert np.array_equal(array[..., 2], pixels[..., 0])


def test_a_smaller_size_averages_and_scales_everything(folder):
    path, pixels, _ = folder
    sample = read_sample(item(COLOUR, NORMAL), path.joinpath, size=(20, 10))
    mean = pixels.reshape(10, 2, 20, 2, 3).mean(axis=(1, 3))
    assert np.abs(sample.layers["colour"].array - mean).max() <= 1
    assert np.allclose(np.linalg.norm(sample.layers["normal"].array.astype(float), axis=2), 1, atol=2e-3)
    assert sample.annotations[0].shape == Box(x=2, y=1, width=4, height=3)
    assert sample.px_per_mm == 10


def test_a_larger_size_is_smooth():
    ramp = np.tile(np.arange(8, dtype=np.float16), (8, 1))
    grown = resized_layer(LayerArray("height", ramp), (16, 16)).array.astype(float)
    assert np.abs(np.diff(grown, axis=1)).max() <= 0.5 + 1e-3


def test_only_the_wanted_layers_are_read(folder):
    path, _, _ = folder
    sample = read_sample(
        item(COLOUR, ("normal", "normal", "gone", True)), path.joinpath, layers=["colour", "albedo"]
    )
    assert list(sample.layers) == ["colour"]
    with pytest.raises(InputError, match="none of the layers albedo; it has colour"):
        read_sample(item(COLOUR), path.joinpath, layers=["albedo"])


@pytest.mark.parametrize(
    ("file", "npy", "said"),
    [
        ("gone", False, "missing"),
        ("gone", True, "missing"),
        ("empty", False, "cannot be read"),
        ("empty", True, "cannot be read"),
        ("pickled", True, "cannot be read"),
        ("ints.npy", True, "cannot be read"),
        ("normal", False, "cannot be read"),
    ],
)
def test_a_file_that_is_wrong_is_said(file, npy, said, folder):
    path, _, _ = folder
    with pytest.raises(InputError, match=said) as error:
        read_sample(item(("normal", "normal", file, npy)), path.joinpath)
    assert "a card" in error.value.detail


def test_a_layer_of_another_size_is_said(folder):
    path, _, _ = folder
    with pytest.raises(InputError, match="40 x 20 px, the item 41 x 20"):
        read_sample(item(COLOUR, width=41), path.joinpath)


def test_pickles_are_not_loaded(tmp_path):
    out = io.BytesIO()
    np.save(out, np.array([object()]), allow_pickle=True)
    (tmp_path / "p").write_bytes(out.getvalue())
    with pytest.raises(InputError, match="cannot be read"):
        read_sample(item(("height", "height", "p", True)), tmp_path.joinpath)
