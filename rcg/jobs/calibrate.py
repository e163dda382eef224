"""The job that measures a rig's lights on photographs of a ball or of a white card.

Its result is a proposal: a person looks at it and keeps it (``PUT /api/rigs/RIG/calibration``), or does not.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from rcg.capture.lights.calibration import CalibrateOptions, FlatCalibration, LightsCalibration
from rcg.capture.lights.places import Places
from rcg.jobs.grade import FrameSpec, Strict
from rcg.store.blobs import BlobInfo, BlobStore

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from rcg.capture.card_input import FrameFile
    from rcg.jobs.handler import JobContext
    from rcg.store.models import Job

What = Literal["ball", "flat", "ring"]
_PICTURES = 4
_PICTURE_TYPE = "image/webp"


class CalibrateSpec(Strict):
    """What the job is told.

    Attributes:
        rig_id: whose lights are measured.
        what: on what.
        places: where the rig has its lights.
        sets: frames of each place of the ball, or of the card.
        options: what is known.
        mat_scale: measured over nominal length of the printed mat's scale bar.
    """

    rig_id: str
    what: What
    places: Places
    sets: list[list[FrameSpec]] = Field(min_length=1)
    options: CalibrateOptions = CalibrateOptions()
    mat_scale: float | None = None


def compute(ctx: JobContext, spec: dict[str, Any]) -> dict[str, Any]:
    """Measure.

    Returns:
        ``rig_id``, ``on``, ``calibration`` (as the rig keeps it), ``pictures`` (``sha256``, ``bytes`` of
        what a ball was found in).
    """
    # The web process imports this module for `accept`; only a slot needs the engine.
    from rcg.capture.calibrate import (  # noqa: PLC0415
        Reading,
        calibrate_ball,
        calibrate_flat,
        calibrate_ring,
    )
    from rcg.capture.card_input import FrameFile  # noqa: PLC0415
    from rcg.photometric.calibrate import BallOptions, CardPlace  # noqa: PLC0415
    from rcg.settings import Settings  # noqa: PLC0415

    order = CalibrateSpec.model_validate(spec)
    blobs = BlobStore(ctx.data_dir / "blobs")
    sets = [
        [FrameFile(f.light, f.file_name, blobs.path(f.sha256), f.sha256) for f in frames]
        for frames in order.sets
    ]
    reading = Reading(float(Settings().limits.image_megapixels), ctx.threads, ctx.progress)
    known = order.options
    place = CardPlace(*known.card_mm, px_per_mm=known.px_per_mm, mat_scale=order.mat_scale)
    pictures: list[dict[str, Any]] = []
    found: LightsCalibration | FlatCalibration
    if order.what == "ball":
        options = BallOptions(known.balls, known.ball_mm, known.fov_deg, known.circle)
        found, seen = calibrate_ball(sets, options, reading, order.places)
        pictures = [_picture(blobs, sets[i], seen.balls, i) for i in range(min(len(sets), _PICTURES))]
    elif order.what == "flat":
        found, _ = calibrate_flat(sets[0], place, reading)
    else:
        found, _ = calibrate_ring(sets[0], order.places, place, reading)
    for remark in found.remarks:
        ctx.log(remark)
    return {
        "rig_id": order.rig_id,
        "on": order.what,
        "calibration": found.model_dump(mode="json"),
        "pictures": pictures,
    }


def accept(session: Session, _job: Job, result: dict[str, Any]) -> dict[str, Any]:
    """Make the pictures' rows; the proposal itself is kept when somebody keeps it."""
    from rcg.store.repositories import blobs  # noqa: PLC0415

    for picture in result["pictures"]:
        blobs.ensure(session, BlobInfo(picture["sha256"], picture["bytes"]), _PICTURE_TYPE)
    return result


def _picture(blobs: BlobStore, files: list[FrameFile], balls: Any, index: int) -> dict[str, Any]:
    from rcg.capture.calibration_picture import ball_picture  # noqa: PLC0415

    info = blobs.add(ball_picture(files, [ball for ball in balls if ball.set_index == index]))
    return {"sha256": info.sha256, "bytes": info.bytes}
