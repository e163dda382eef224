"""Decoding: known pixels in, the same pixels out; and every way a file can be wrong."""

from __future__ import annotations

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from PIL import Image, ImageCms

from rcg.photometric import images
from rcg.photometric.images import decode
from rcg.photometric.linearise import srgb_decode, srgb_encode


def gradient(height: int = 80, width: int = 112) -> np.ndarray:
    """A picture in which every orientation differs."""
    y, x = np.mgrid[:height, :width]
    return np.stack([x * 2, y * 3, (x + y) % 256], axis=2).astype(np.uint8)


def saved(array: np.ndarray, kind: str, **options: object) -> bytes:
    out = io.BytesIO()
    Image.fromarray(array).save(out, kind, **options)
    return out.getvalue()


def cv_saved(array: np.ndarray, ending: str) -> bytes:
    ok, data = cv2.imencode(ending, array[..., ::-1] if array.ndim == 3 else array)
    assert ok
    return data.tobytes()


def read(data: bytes, **options: object) -> images.Frame:
    return decode(data, name="1", file_name="1.img", **options)


@pytest.mark.parametrize(
    ("kind", "options"),
    [("PNG", {}), ("TIFF", {}), ("TIFF", {"compression": "tiff_lzw"}), ("WEBP", {"lossless": True})],
)
def test_lossless_files_give_their_pixels(kind: str, options: dict[str, object]) -> None:
    frame = read(saved(gradient(), kind, **options))
    assert frame.encoding == "srgb"
    np.testing.assert_array_equal(frame.pixels, gradient())


def test_jpeg_is_what_pillow_decodes() -> None:
    data = saved(gradient(), "JPEG", quality=90)
    np.testing.assert_array_equal(read(data).pixels, np.asarray(Image.open(io.BytesIO(data))))


@pytest.mark.parametrize("ending", [".png", ".tiff"])
def test_sixteen_bits_are_kept(ending: str) -> None:
    deep = gradient().astype(np.uint16) * 257 + 3
    frame = read(cv_saved(deep, ending))
    assert frame.pixels.dtype == np.uint16
    assert frame.full_scale == 65535
    np.testing.assert_array_equal(frame.pixels, deep)


@pytest.mark.parametrize("ending", [".png", ".tiff"])
def test_grey_is_repeated(ending: str) -> None:
    grey = gradient()[..., 2].astype(np.uint16) * 200
    np.testing.assert_array_equal(read(cv_saved(grey, ending)).pixels, np.repeat(grey[..., None], 3, axis=2))


def test_float_tiff_is_linear() -> None:
    light = gradient().astype(np.float32) / 255
    frame = read(cv_saved(light, ".tiff"))
    assert frame.encoding == "linear"
    np.testing.assert_array_equal(frame.pixels, light)


@pytest.mark.parametrize("bad", [np.nan, np.inf, 1.5, -0.5])
def test_float_samples_out_of_range_are_refused(bad: float) -> None:
    light = gradient().astype(np.float32) / 255
    light[3, 4, 1] = bad
    with pytest.raises(images.NotFiniteError, match=r"1\.img"):
        read(cv_saved(light, ".tiff"))


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
def test_orientation_is_undone(kind: str, orientation: int) -> None:
    from PIL import ImageOps

    exif = Image.Exif()
    exif[0x0112] = orientation
    data = saved(gradient(), kind, exif=exif, **({"lossless": True} if kind == "WEBP" else {}))
    upright = np.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(data))))
    np.testing.assert_array_equal(read(data).pixels, upright)


def test_alpha_lies_on_black() -> None:
    rgba = np.dstack([gradient(), np.full((80, 112), 255, np.uint8)])
    rgba[:10, :, 3] = 0
    pixels = read(saved(rgba, "PNG")).pixels
    assert (pixels[:10] == 0).all()
    np.testing.assert_array_equal(pixels[10:], gradient()[10:])


def test_palette_is_resolved() -> None:
    flat = np.zeros((80, 112, 3), np.uint8)
    flat[:, 50:] = (200, 100, 30)
    palette = io.BytesIO()
    Image.fromarray(flat).quantize(4).save(palette, "PNG")
    np.testing.assert_array_equal(read(palette.getvalue()).pixels, flat)


def display_p3() -> bytes:
    """The primaries of Display P3 with sRGB's curve, as a profile; built from an sRGB profile's bytes."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    columns = {b"rXYZ": (0.51512, 0.24120, -0.00105), b"gXYZ": (0.29198, 0.69225, 0.04189),
               b"bXYZ": (0.15710, 0.06657, 0.78407)}  # fmt: skip
    for index in range(struct.unpack_from(">I", profile, 128)[0]):
        tag, at, _ = struct.unpack_from(">4sII", profile, 132 + 12 * index)
        if tag in columns:
            struct.pack_into(">3i", profile, at + 8, *(round(value * 65536) for value in columns[tag]))
    return bytes(profile)


def test_display_p3_is_converted_and_said() -> None:
    green = np.zeros((80, 112, 3), np.uint8)
    green[:] = (100, 160, 100)
    frame = read(saved(green, "PNG", icc_profile=display_p3()))
    # The matrix from linear Display P3 to linear sRGB (both D65), as CSS Color 4 derives it.
    to_srgb = np.array([[1.22494, -0.22494, 0], [-0.04206, 1.04206, 0], [-0.01964, -0.07864, 1.09827]])
    expected = 255 * srgb_encode(to_srgb @ srgb_decode(np.array([100, 160, 100]) / 255))
    np.testing.assert_allclose(frame.pixels[0, 0], expected, atol=1)
    assert "Converted" in frame.warnings[0]


def test_srgb_profile_changes_nothing() -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    frame = read(saved(gradient(), "PNG", icc_profile=profile))
    np.testing.assert_array_equal(frame.pixels, gradient())
    assert frame.warnings == ()


def chunk(kind: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4, "big") + kind + body + zlib.crc32(kind + body).to_bytes(4, "big")


def test_png_that_says_linear_is_linear() -> None:
    data = saved(gradient(), "PNG")
    tagged = data[:33] + chunk(b"gAMA", (100_000).to_bytes(4, "big")) + data[33:]
    assert read(tagged).encoding == "linear"
    assert read(data, encoding="linear").encoding == "linear"


def test_empty() -> None:
    with pytest.raises(images.EmptyFileError, match=r"1\.img is empty"):
        read(b"")


@pytest.mark.parametrize("data", [b"hello, this is text", b"\0" * 100, b"<svg></svg>"])
def test_not_an_image(data: bytes) -> None:
    with pytest.raises(images.NotAnImageError):
        read(data)


@pytest.mark.parametrize(
    "data", [saved(gradient(), "GIF"), saved(gradient(), "BMP"), b"\0\0\0\x18ftypheic" + b"\0" * 64]
)
def test_other_images_are_named(data: bytes) -> None:
    with pytest.raises(images.UnsupportedFormatError, match="image/"):
        read(data)


def test_cmyk_jpeg_is_refused() -> None:
    out = io.BytesIO()
    Image.fromarray(gradient()).convert("CMYK").save(out, "JPEG")
    with pytest.raises(images.UnsupportedFormatError, match="CMYK"):
        read(out.getvalue())


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("share", [0.02, 0.3, 0.5, 0.9, 0.995])
def test_cut_files_are_errors_never_grey(kind: str, share: float) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (160, 200, 3), np.uint8)
    data = saved(noise, kind)
    with pytest.raises(images.ImageFileError) as caught:
        read(data[: max(16, int(len(data) * share))])
    assert caught.value.code in ("truncated_image", "not_an_image")


def test_damaged_png_is_an_error() -> None:
    data = bytearray(saved(gradient(), "PNG"))
    data[len(data) // 2] ^= 0xFF
    with pytest.raises(images.TruncatedImageError):
        read(bytes(data))


def test_one_pixel() -> None:
    with pytest.raises(images.ImageTooSmallError, match="1 x 1"):
        read(saved(np.zeros((1, 1, 3), np.uint8), "PNG"))


def test_two_hundred_megapixels_by_the_header_alone() -> None:
    header = struct.pack(">IIBBBBB", 20_000, 10_000, 8, 2, 0, 0, 0)
    with pytest.raises(images.ImageTooLargeError, match=r"20000 x 10000 pixels \(200 MP\)"):
        read(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header))


def test_bomb_is_not_unpacked(monkeypatch: pytest.MonkeyPatch) -> None:
    """A PNG of 30 kB that unpacks to 900 MB is refused before a decoder sees it."""
    header = struct.pack(">IIBBBBB", 30_000, 30_000, 8, 0, 0, 0, 0)
    packed = zlib.compress(bytes(30_001) * 1000, 9)
    bomb = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", packed) + chunk(b"IEND", b"")
    monkeypatch.setattr(cv2, "imdecode", lambda *_: pytest.fail("the decoder was started"))
    with pytest.raises(images.ImageTooLargeError):
        read(bomb)


def test_the_limit_can_be_raised_and_lowered() -> None:
    data = saved(gradient(), "PNG")
    with pytest.raises(images.ImageTooLargeError):
        read(data, max_megapixels=0.005)
    assert read(data, max_megapixels=0.01).pixels.shape == (80, 112, 3)
