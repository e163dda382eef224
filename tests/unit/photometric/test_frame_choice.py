"""The rules for frames that do not do."""

from __future__ import annotations

import numpy as np
import pytest

from rcg.photometric import frame_choice, lights
from rcg.photometric.lights import LightsSpec, resolve
from rcg.photometric.types import Frame, Registration


def some(n: int, residual: list[float]) -> tuple[list[Frame], lights.Lights, Registration]:
    frames = [Frame(str(i + 1), f"{i + 1}.jpg", np.zeros((64, 64, 3), np.uint8)) for i in range(n)]
    found = resolve(LightsSpec(kind="azimuth", ring=n), [frame.name for frame in frames])
    return frames, found, Registration(0, np.stack([np.eye(3)] * n), np.array(residual), np.zeros(n))


def test_a_frame_that_does_not_align_is_left_out() -> None:
    frames, found, registration = some(6, [0, 0.1, 5.0, 0.2, np.nan, 0.1])
    kept, left, aligned, said = frame_choice.aligned(frames, found, registration)
    assert [frame.name for frame in kept] == list(left.names) == ["1", "2", "4", "5", "6"]
    assert len(aligned.residual_px) == 5
    assert "3 (5.0 px)" in said[0]


def test_too_few_aligned_frames() -> None:
    with pytest.raises(frame_choice.RegistrationError, match=r"3 \(5\.0 px\)"):
        frame_choice.aligned(*some(4, [0, 0.1, 5.0, 0.2]))
    _, _, _, said = frame_choice.aligned(*some(4, [0, 0.1, 1.5, 0.2]))
    assert "not fully in line" in said[0]


def test_overexposure_of_every_frame_is_an_error_of_one_a_remark() -> None:
    frames, _, _ = some(3, [0, 0, 0])
    with pytest.raises(frame_choice.OverexposedError, match="60%"):
        frame_choice.exposure_remarks([0.9, 0.6, 0.8], [frame.name for frame in frames])
    assert "2 (90%)" in frame_choice.exposure_remarks([0.0, 0.9, 0.0], [frame.name for frame in frames])[0]
