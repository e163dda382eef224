"""What lies along a printed frame is told from what crosses the card at an angle."""

import numpy as np
import pytest

from rcg.grading.surface import along_print

PX_PER_MM = 20.0


def card_with_edge(angle_deg):
    """An albedo that steps from dark to pale along a line at ``angle_deg``, and a label along that line."""
    y, x = np.mgrid[-200:200, -150:150].astype(np.float32)
    across = -x * np.sin(np.deg2rad(angle_deg)) + y * np.cos(np.deg2rad(angle_deg))
    albedo = np.repeat(np.where(across > 0, 0.7, 0.2)[..., None], 3, 2).astype(np.float32)
    return albedo, (np.abs(across) < 2).astype(np.int32)


@pytest.mark.parametrize(
    ("angle", "expected"), [(0, True), (90, True), (0.8, True), (12, False), (45, False), (85, False)]
)
def test_only_print_along_the_axes_counts(angle, expected):
    albedo, labels = card_with_edge(angle)
    assert along_print(labels, albedo, np.ones(labels.shape, bool), PX_PER_MM)[1] == expected


def test_a_flaw_off_the_print_is_never_along_it():
    albedo, labels = card_with_edge(0)
    moved = np.roll(labels, 80, axis=0)
    assert not along_print(moved, albedo, np.ones(labels.shape, bool), PX_PER_MM)[1]
