"""The job behind ``rcg demo``: render both sides of a card, keep them as a capture would be, and grade them.

One job does it all, so that a newcomer waits for nothing but the work itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rcg.grading.schema import CardHeader, SideName
from rcg.jobs.grade import FrameSpec, SideSpec, grade_sides, keep_grade
from rcg.photometric.lights import LightsSpec
from rcg.store.blobs import BlobInfo, BlobStore

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from rcg.jobs.handler import JobContext
    from rcg.store.models import Job

FRAME_TYPE = "image/jpeg"
FRAME_SIZE = (1200, 1600)
"""about 17 pixels per millimetre: fine enough to grade, quick enough for a first look"""
LIGHTS = 8

_SIDES: tuple[SideName, ...] = ("front", "back")
_RENDERING = 0.4
"""share of the job's time that rendering takes"""
_SET = "Rendered by RCG"
_NOTES = "A rendered card: its true centering is known, so it shows what the measurement is worth."


def compute(ctx: JobContext, spec: dict[str, Any]) -> dict[str, Any]:
    """Render the frames of both sides into blobs, and grade them. The same seed gives the same blobs."""
    seed = int(spec["seed"])
    sides: dict[SideName, SideSpec] = {}
    sizes: dict[str, int] = {}
    for index, side in enumerate(_SIDES):
        ctx.progress(_RENDERING * index / len(_SIDES), f"Rendering the {side}")
        sides[side] = _rendered(ctx, seed, side, sizes)
    header = CardHeader(name=_name(seed), set_name=_SET, width_mm=63.0, height_mm=88.0, size_source="default")
    graded = grade_sides(
        ctx, header, sides, lambda done, message: ctx.progress(_RENDERING + (1 - _RENDERING) * done, message)
    )
    return graded | {
        "seed": seed,
        "sizes": sizes,
        "sides": {side: taken.model_dump(mode="json") for side, taken in sides.items()},
    }


def accept(session: Session, job: Job, result: dict[str, Any]) -> dict[str, Any]:
    """Make the card with its captures and its grade, in the transaction that ends the job."""
    from rcg.store.repositories import blobs, captures, cards  # noqa: PLC0415

    card = cards.add(session, name=_name(result["seed"]), set_name=_SET, notes=_NOTES)
    for side in _SIDES:
        taken = SideSpec.model_validate(result["sides"][side])
        lights = taken.lights.model_dump() if taken.lights else None
        capture = captures.add(session, card, side, lights)
        for position, frame in enumerate(taken.frames):
            blobs.ensure(session, BlobInfo(frame.sha256, result["sizes"][frame.sha256]), FRAME_TYPE)
            captures.put_frame(
                session,
                capture,
                light=frame.light,
                sha256=frame.sha256,
                file_name=frame.file_name,
                position=position,
            )
    return keep_grade(session, job.id, card.id, result)


def _rendered(ctx: JobContext, seed: int, side: SideName, sizes: dict[str, int]) -> SideSpec:
    from rcg.photometric.render import render_side  # noqa: PLC0415
    from rcg.photometric.render.write import encode_frame, rig_toml  # noqa: PLC0415

    blobs = BlobStore(ctx.data_dir / "blobs")
    rendered = render_side(seed, n_lights=LIGHTS, side=side, frame_size=FRAME_SIZE, threads=ctx.threads)
    frames = []
    for frame in rendered.frames:
        ctx.check()
        info = blobs.add(encode_frame(frame.pixels, "jpeg"))
        sizes[info.sha256] = info.bytes
        frames.append(FrameSpec(light=frame.name, sha256=info.sha256, file_name=f"{frame.name}.jpg"))
    return SideSpec(lights=LightsSpec(kind="rig", text=rig_toml(rendered.lights)), frames=frames)


def _name(seed: int) -> str:
    return f"Sample card {seed}"
