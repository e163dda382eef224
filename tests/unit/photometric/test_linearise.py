import numpy as np
import pytest

from rcg.photometric.linearise import srgb_decode, srgb_encode, to_linear, to_srgb_u8
from rcg.photometric.types import Frame


def frame_of(pixels: np.ndarray, encoding="srgb") -> Frame:
    return Frame("1", "1.png", pixels, encoding)


@pytest.mark.parametrize(
    ("code", "light"), [(0, 0.0), (10, 0.003035), (128, 0.215861), (188, 0.502886), (255, 1.0)]
)
def test_known_values_of_the_srgb_curve(code, light):
    linear = to_linear(frame_of(np.full((2, 3, 3), code, np.uint8)))
    assert linear.dtype == np.float32
    assert linear == pytest.approx(light, abs=1e-5)


def test_all_depths_agree():
    codes = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, axis=2)
    from_8 = to_linear(frame_of(codes))
    from_16 = to_linear(frame_of(codes.astype(np.uint16) * 257))
    from_float = to_linear(frame_of(codes.astype(np.float32) / 255))
    assert np.abs(from_8 - from_16).max() < 1e-6
    assert np.abs(from_8 - from_float).max() < 1e-6


def test_linear_frames_only_change_scale():
    pixels = np.array([0, 1000, 65535], np.uint16).reshape(1, 1, 3)
    assert to_linear(frame_of(pixels, "linear")) == pytest.approx(pixels / 65535, abs=1e-7)
    floats = np.array([-0.5, 0.25, np.nan], np.float32).reshape(1, 1, 3)
    assert to_linear(frame_of(floats, "linear")).ravel().tolist() == [0.0, 0.25, 0.0]


def test_every_8_bit_code_survives_the_round_trip():
    codes = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, axis=2)
    before = codes.copy()
    assert np.array_equal(to_srgb_u8(to_linear(frame_of(codes))), codes)
    assert np.array_equal(codes, before)


def test_encode_matches_the_exact_curve_and_clips():
    light = np.random.default_rng(0).random((40, 50, 3)).astype(np.float32)
    exact = 255 * srgb_encode(light)
    assert np.abs(to_srgb_u8(light) - exact).max() <= 0.55
    assert to_srgb_u8(np.array([-1.0, 2.0, np.nan])).tolist() == [0, 255, 0]
    assert np.abs(srgb_decode(srgb_encode(light)) - light).max() < 1e-6
