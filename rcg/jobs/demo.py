"""The job behind ``rcg demo``: render both sides of a card, keep them as a capture would be, grade them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rcg.grading.schema import CardHeader, SideName
from rcg.jobs.grade import FrameSpec, GradeSpec, SideSpec
from rcg.jobs.handler import HANDLERS
from rcg.photometric.lights import LightsSpec
from rcg.store.blobs import BlobInfo, BlobStore

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from rcg.jobs.handler import JobContext
    from rcg.store.models import Card, Job

FRAME_TYPE = "image/jpeg"
FRAME_SIZE = (1200, 1600)
"""about 17 pixels per millimetre: fine enough to grade, quick enough for a first look"""
LIGHTS = 8

_SIDES: tuple[SideName, ...] = ("front", "back")
_WIDTH_MM, _HEIGHT_MM = 63.0, 88.0


def compute(ctx: JobContext, spec: dict[str, Any]) -> dict[str, Any]:
    """Render the frames of both sides into blobs. The same seed gives the same blobs."""
    from rcg.photometric.render import render_side  # noqa: PLC0415
    from rcg.photometric.render.write import encode_frame, rig_toml  # noqa: PLC0415

    seed = int(spec["seed"])
    blobs = BlobStore(ctx.data_dir / "blobs")
    sides: dict[str, Any] = {}
    for index, side in enumerate(_SIDES):
        ctx.progress(index / len(_SIDES), f"Rendering the {side} of sample card {seed}")
        rendered = render_side(seed, n_lights=LIGHTS, side=side, frame_size=FRAME_SIZE, threads=ctx.threads)
        frames = []
        for frame in rendered.frames:
            ctx.check()
            info = blobs.add(encode_frame(frame.pixels, "jpeg"))
            frames.append(
                {
                    "light": frame.name,
                    "sha256": info.sha256,
                    "bytes": info.bytes,
                    "file_name": f"{frame.name}.jpg",
                }
            )
        rig = LightsSpec(kind="rig", text=rig_toml(rendered.lights))
        sides[side] = {"lights": rig.model_dump(), "frames": frames}
    ctx.progress(1.0, "Rendered")
    return {"seed": seed, "sides": sides}


def accept(session: Session, job: Job, result: dict[str, Any]) -> dict[str, Any]:
    """Make the card with its captures, and queue its grading, in the transaction that ends this job."""
    from rcg.store.models import Job as JobRow  # noqa: PLC0415
    from rcg.store.repositories import blobs, captures, cards  # noqa: PLC0415

    card = cards.add(
        session,
        name=f"Sample card {result['seed']}",
        set_name="Rendered by RCG",
        notes="A rendered card: its true centering is known, so it shows what the measurement is worth.",
    )
    taken: dict[SideName, SideSpec] = {}
    for side in _SIDES:
        made = result["sides"][side]
        capture = captures.add(session, card, side, made["lights"])
        for position, frame in enumerate(made["frames"]):
            blobs.ensure(session, BlobInfo(frame["sha256"], frame["bytes"]), FRAME_TYPE)
            captures.put_frame(
                session,
                capture,
                light=frame["light"],
                sha256=frame["sha256"],
                file_name=frame["file_name"],
                position=position,
            )
        taken[side] = SideSpec(
            capture_id=capture.id,
            lights=LightsSpec.model_validate(made["lights"]),
            frames=[
                FrameSpec(light=f["light"], sha256=f["sha256"], file_name=f["file_name"])
                for f in made["frames"]
            ],
        )
    grading = JobRow(
        kind="grade",
        title=f"Grade {card.name}",
        subject=f"card:{card.id}",
        resource=HANDLERS["grade"].resource,
        band=job.band,
        spec=_grade_spec(card, taken).model_dump(mode="json"),
    )
    session.add(grading)
    session.flush()
    return {"card_id": card.id, "grade_job_id": grading.id}


def _grade_spec(card: Card, sides: dict[SideName, SideSpec]) -> GradeSpec:
    header = CardHeader(
        name=card.name,
        set_name=card.set_name or None,
        width_mm=_WIDTH_MM,
        height_mm=_HEIGHT_MM,
        size_source="default",
    )
    return GradeSpec(card_id=card.id, header=header, sides=sides)
