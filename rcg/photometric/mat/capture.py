"""All that the mat says of one capture (poses, exposures, the order of the lights), and how the chain uses
it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from rcg.errors import InputError
from rcg.photometric import lights as lighting
from rcg.photometric.mat.exposure import Exposure, measure_exposure
from rcg.photometric.mat.find import MatPose, find_mat, grey_of
from rcg.photometric.mat.light_order import LightOrder, check_order
from rcg.photometric.mat.locate import see_mat
from rcg.photometric.mat.patches import PatchReading, read_dark, read_patches
from rcg.photometric.types import CardOutline, CardSize, FloatArray, Frame, Lights

Array = npt.NDArray[np.float64]

MIN_FRAMES = 4
_UNREAD_SPREAD = 0.05
"""exposures that differ by more than this cannot be guessed for a frame whose patches are hidden"""
_CURVED = 0.2
"""departure of the tone curve's exponent from 1 that is more than a printer's greys may be off"""
_ODD_SIZE = 0.01
NO_MAT = (
    "No printed mat was in view: the frames were brought into line by the card's print alone, and their "
    "exposure and the order of the lights were not checked."
)
NO_MAT_SINGLE = "No printed mat was in view: nothing but the chosen size tells the scale."


class ExposureDriftError(InputError):
    """Too few frames are left whose exposures can be brought to one."""

    code: ClassVar[str] = "exposures_differ"


@dataclass(frozen=True)
class MatCapture:
    """The mat in the frames of one capture.

    Attributes:
        poses, readings: per frame; None where it was not seen or its patches not read.
        exposure: gains and what they cannot mend.
        order: of the lights; None for a single photograph.
        ambient: the mat in the frame with every light off; None where it is too dark to be seen.
    """

    poses: tuple[MatPose | None, ...]
    readings: tuple[PatchReading | None, ...]
    exposure: Exposure
    order: LightOrder | None
    ambient: MatPose | None = None

    @property
    def gains(self) -> Array:
        """(n, 3) factors for each frame's linear channels, the largest 1: nothing is pushed past full
        scale."""
        gains = self.exposure.gains.copy()
        unread = ~np.isfinite(self.exposure.drift)
        if unread.all():
            return gains
        gains[unread] = np.median(gains[~unread], axis=0)
        return np.asarray(gains / gains.max())

    def rejected(self, names: Sequence[str]) -> dict[int, str]:
        """Return the frames that cannot be brought to the others' exposure, and why."""
        bad = dict(self.exposure.rejected)
        if self.exposure.spread > _UNREAD_SPREAD:
            for k in range(len(names)):
                if self.readings[k] is None:
                    bad[k] = "its grey patches are hidden, so that its exposure is not known"
        return bad

    def select(self, keep: Sequence[int]) -> MatCapture:
        """Return what is said of the frames at the given places."""
        old = self.exposure
        exposure = replace(
            old,
            gains=old.gains[list(keep)],
            drift=old.drift[list(keep)],
            rejected={new: old.rejected[k] for new, k in enumerate(keep) if k in old.rejected},
        )
        return replace(
            self,
            poses=tuple(self.poses[k] for k in keep),
            readings=tuple(self.readings[k] for k in keep),
            exposure=exposure,
        )

    def notes(self, pose: MatPose) -> list[str]:
        """Return what a report should say of the path that was taken."""
        seen = sum(p is not None for p in self.poses)
        where = f"{pose.px_per_mm:.1f} px/mm, camera tilted {pose.tilt_deg:.0f}°"
        said = [
            f"The printed mat was in view in {seen} of {len(self.poses)} frames and placed them ({where})."
        ]
        if self.exposure.spread > 0.02:
            said.append(
                f"Exposures differed by {self.exposure.spread:.0%} and were evened by its grey patches."
            )
        if self.order is not None:
            n = len(self.order.frames)
            said.append(
                "Every frame was lit from where its light stands."
                if self.order.told == n
                else f"The side of the light could be told in {self.order.told} of {n} frames."
            )
        return said

    def remarks(self) -> list[str]:
        """Return what limits the measurement."""
        said = []
        if self.order is not None and self.order.turned_deg:
            said.append(
                f"The lights stood turned by {self.order.turned_deg:.0f}° counter-clockwise against the mat, "
                "which was allowed for. Light 1 belongs at the mat's number 1."
            )
        curve = self.exposure.linearity
        if curve is not None and abs(curve.exponent - 1) > _CURVED:
            said.append(
                f"By the grey steps the photographs' tones are bent (exponent {curve.exponent:.2f}, not 1): "
                "slopes and depths are less sure. Turn off the camera's tone effects (HDR, vivid)."
            )
        return said


def read_capture(
    frames: Sequence[Frame], ambient: Frame | None, lights: Lights | None, *, threads: int = 1
) -> MatCapture | None:
    """Look for the mat and read it in every frame.

    Args:
        frames: the lit frames, or the one photograph.
        ambient: the frame with every light off.
        lights: of the frames, in the mat's axes; None for a single photograph.
        threads: frames worked on at once.

    Returns:
        What it says, or None when the capture has no mat.

    Raises:
        LightOrderError: frames were lit from other sides than their lights stand at.
        SeveralMatsError: two mats are in one picture.
    """
    poses = see_mat(frames, threads=threads)
    if poses is None:
        return None
    unlit = None if ambient is None else find_mat(grey_of(ambient))
    dark = _dark(ambient, unlit, poses)
    readings = [
        None if pose is None else read_patches(frame, pose, dark)
        for frame, pose in zip(frames, poses, strict=True)
    ]
    order = None if lights is None else check_order(readings, lights)
    if order is not None and order.wrong:
        raise order.error()
    stand = lights if lights is None or order is None else lighting.rotate(lights, order.turned_deg)
    return MatCapture(tuple(poses), tuple(readings), measure_exposure(readings, stand), order, unlit)


def without_bad_exposure(
    frames: list[Frame], lights: Lights | None, mat: MatCapture
) -> tuple[list[Frame], Lights | None, MatCapture, list[str]]:
    """Leave out the frames whose exposure no gain can mend.

    Raises:
        ExposureDriftError: fewer than four would be left.
    """
    bad = mat.rejected([frame.name for frame in frames])
    if not bad or lights is None:
        return frames, lights, mat, []
    why = "; ".join(f"frame {frames[k].name}: {reason}" for k, reason in sorted(bad.items()))
    keep = [k for k in range(len(frames)) if k not in bad]
    if len(keep) < MIN_FRAMES:
        raise ExposureDriftError(
            f"The frames' exposures cannot be brought to one: {why}; {len(keep)} would remain.",
            "Fix exposure and white balance, keep shadows off the mat, and take the frames again.",
        )
    return (
        [frames[k] for k in keep],
        lighting.select(lights, keep),
        mat.select(keep),
        [f"Left out for their exposure: {why}."],
    )


def card_size(
    outline: CardOutline, pose: MatPose, chosen: CardSize, scale: float | None
) -> tuple[CardSize, list[str]]:
    """Return the card's size by the mat where the printer is known, and what to say of it.

    Args:
        outline: of the card, in the reference frame.
        pose: the mat in the reference frame.
        chosen: size as chosen or assumed.
        scale: measured over nominal length of the printed scale bar; None when it was not measured.
    """
    tl, tr, br, bl = pose.to_mm(outline.corners_px)
    width = float(np.linalg.norm(tr - tl) + np.linalg.norm(br - bl)) / 2
    height = float(np.linalg.norm(bl - tl) + np.linalg.norm(br - tr)) / 2
    if scale is not None:
        return CardSize(round(width * scale, 2), round(height * scale, 2), "scale"), []
    off = max(abs(width / chosen.width_mm - 1), abs(height / chosen.height_mm - 1))
    if off <= _ODD_SIZE:
        return chosen, []
    assumed = f"{chosen.width_mm:g} x {chosen.height_mm:g} mm was assumed"
    said = (
        f"By the mat the card is {width:.1f} x {height:.1f} mm, and {assumed}: measure the mat's scale bar "
        "or choose the card's size."
    )
    return chosen, [said]


def lights_on_card(
    lights: Lights, mat: MatCapture, pose: MatPose, outline: CardOutline, scale: float | None
) -> Lights:
    """Return lights that are told in the mat's axes, from its middle, in the card's."""
    if mat.order is not None and mat.order.turned_deg:
        lights = lighting.rotate(lights, mat.order.turned_deg)
    tl, tr, br, bl = pose.to_mm(outline.corners_px) * (scale or 1.0)
    across = (tr - tl) + (br - bl)
    x, y = (tl + tr + br + bl) / 4
    lights = lighting.shift(lights, float(x), float(y))
    return lighting.rotate(lights, -float(np.rad2deg(np.arctan2(across[1], across[0]))))


def evened(flat: FloatArray, gain: Array | FloatArray, saturated: float) -> FloatArray:
    """Return a frame (H, W, 3) with a gain, (3,) or (H, W, 1), of at most 1; full scale stays full scale."""
    return np.where(flat >= np.float32(saturated), flat, flat * gain.astype(np.float32))


def _dark(
    ambient: Frame | None, unlit: MatPose | None, poses: Sequence[MatPose | None]
) -> PatchReading | None:
    if ambient is None:
        return None
    # Too dark to show the mat, it is read where the first lit frame has it.
    pose = unlit or next((p for p in poses if p is not None), None)
    return None if pose is None else read_dark(ambient, pose)
