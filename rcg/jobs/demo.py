"""The job behind ``rcg demo``: render both sides of a card, keep them as a capture would be, and grade them.

One job does it all, so that a newcomer waits for nothing but the work itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field

from rcg.grading.schema import CardHeader, SideName
from rcg.jobs.grade import FrameSpec, ModelSpec, SideSpec, Strict, grade_sides, keep_grade
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


class DemoSpec(Strict):
    """What the job is told.

    Attributes:
        seed: of the sample card.
        item: seed and index of a card of a rendered dataset, to be photographed and graded instead.
        models: that are in use.
    """

    seed: int = 1
    item: tuple[int, int] | None = None
    models: list[ModelSpec] = Field(default_factory=list)


def compute(ctx: JobContext, spec: dict[str, Any]) -> dict[str, Any]:
    """Render the frames of both sides into blobs, and grade them. The same seed gives the same blobs."""
    order = DemoSpec.model_validate(spec)
    wanted: tuple[SideName, ...] = ("front",) if order.item else _SIDES
    sides: dict[SideName, SideSpec] = {}
    sizes: dict[str, int] = {}
    for index, side in enumerate(wanted):
        ctx.progress(_RENDERING * index / len(wanted), f"Rendering the {side}")
        sides[side] = _rendered(ctx, order, side, sizes)
    header = CardHeader(
        name=_name(order), set_name=_SET, width_mm=63.0, height_mm=88.0, size_source="default"
    )
    graded = grade_sides(
        ctx,
        header,
        sides,
        lambda done, message: ctx.progress(_RENDERING + (1 - _RENDERING) * done, message),
        order.models,
    )
    return graded | {
        "name": _name(order),
        "sizes": sizes,
        "sides": {side: taken.model_dump(mode="json") for side, taken in sides.items()},
    }


def accept(session: Session, job: Job, result: dict[str, Any]) -> dict[str, Any]:
    """Make the card with its captures and its grade, in the transaction that ends the job."""
    from rcg.store.repositories import blobs, captures, cards  # noqa: PLC0415

    card = cards.add(session, name=result["name"], set_name=_SET, notes=_NOTES)
    for side in result["sides"]:
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


def _rendered(ctx: JobContext, order: DemoSpec, side: SideName, sizes: dict[str, int]) -> SideSpec:
    from rcg.datasets.rendered_scene import draw_photograph_scene  # noqa: PLC0415
    from rcg.photometric.render import render_scene, render_side  # noqa: PLC0415
    from rcg.photometric.render.write import encode_frame, rig_toml  # noqa: PLC0415

    blobs = BlobStore(ctx.data_dir / "blobs")
    if order.item:
        scene = draw_photograph_scene(*order.item, frame_size=FRAME_SIZE)
        rendered = render_scene(scene, threads=ctx.threads)
    else:
        rendered = render_side(
            order.seed, n_lights=LIGHTS, side=side, frame_size=FRAME_SIZE, threads=ctx.threads
        )
    frames = []
    for frame in rendered.frames:
        ctx.check()
        info = blobs.add(encode_frame(frame.pixels, "jpeg"))
        sizes[info.sha256] = info.bytes
        frames.append(FrameSpec(light=frame.name, sha256=info.sha256, file_name=f"{frame.name}.jpg"))
    return SideSpec(lights=LightsSpec(kind="rig", text=rig_toml(rendered.lights)), frames=frames)


def _name(order: DemoSpec) -> str:
    return f"Rendered card {order.item[0]}/{order.item[1]}" if order.item else f"Sample card {order.seed}"
