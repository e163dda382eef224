"""The job that grades a card: stored frames in; report, layers and rows out."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from rcg.grading.schema import CardHeader, SideName
from rcg.photometric.lights import LightsSpec
from rcg.store.blobs import BlobInfo, BlobStore

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from rcg.grading.inspect import Detector
    from rcg.grading.schema import ModelUsed
    from rcg.jobs.handler import JobContext
    from rcg.photometric.types import Maps
    from rcg.store.models import Job

REPORT_TYPE, LAYER_TYPE = "application/json", "image/webp"


class Strict(BaseModel):
    """A part of a spec; unknown keys are errors."""

    model_config = ConfigDict(extra="forbid")


class FrameSpec(Strict):
    """One stored frame."""

    light: str
    sha256: str
    file_name: str


class SideSpec(Strict):
    """One side: its frames in order, and its lights (None: told by the frames' names)."""

    capture_id: str | None = None
    lights: LightsSpec | None = None
    frames: list[FrameSpec]


class ModelSpec(Strict):
    """A model that is in use: how to build it again, and its weights' blob."""

    name: str
    weights_sha256: str
    config: dict[str, Any]


class GradeSpec(Strict):
    """What the job is told."""

    card_id: str
    header: CardHeader
    sides: dict[SideName, SideSpec]
    models: list[ModelSpec] = []
    mat_scale: float | None = None


def compute(ctx: JobContext, spec: dict[str, Any]) -> dict[str, Any]:
    """Grade the card and store report and layers as blobs. Running it twice gives the same blobs."""
    order = GradeSpec.model_validate(spec)
    return {"card_id": order.card_id} | grade_sides(
        ctx, order.header, order.sides, ctx.progress, order.models, order.mat_scale
    )


def accept(session: Session, job: Job, result: dict[str, Any]) -> dict[str, Any]:
    """Write the grade's rows. A card that was deleted meanwhile keeps nothing, and the result says so."""
    from rcg.store.repositories import cards  # noqa: PLC0415

    card_id = result["card_id"]
    if cards.find(session, card_id) is None:
        return {"card_id": card_id, "grade_id": None, "note": "The card was deleted while it was graded."}
    return keep_grade(session, job.id, card_id, result)


def grade_sides(
    ctx: JobContext,
    header: CardHeader,
    sides: Mapping[SideName, SideSpec],
    progress: Callable[[float, str], None],
    models: Sequence[ModelSpec] = (),
    mat_scale: float | None = None,
) -> dict[str, Any]:
    """Grade stored frames with the models that are in use; store report and layers.

    Returns:
        ``report`` {sha256, bytes}, ``overall``, ``score``, ``layers``, ``seconds``, for :func:`keep_grade`.
    """
    # The web process imports this module for `accept`; only a slot needs the engine.
    from rcg.capture.card_input import CardInput, FrameFile, SideInput  # noqa: PLC0415
    from rcg.capture.run import grade_input  # noqa: PLC0415
    from rcg.grading.report import to_json  # noqa: PLC0415
    from rcg.photometric.types import CardSize  # noqa: PLC0415
    from rcg.settings import Settings  # noqa: PLC0415

    blobs = BlobStore(ctx.data_dir / "blobs")
    card = CardInput(
        {
            name: SideInput(
                tuple(FrameFile(f.light, f.file_name, blobs.path(f.sha256), f.sha256) for f in side.frames),
                side.lights,
            )
            for name, side in sides.items()
        }
    )
    layers: list[dict[str, Any]] = []
    outcome = grade_input(
        card,
        name=header.name,
        set_name=header.set_name,
        size=CardSize(header.width_mm, header.height_mm, header.size_source),
        mat_scale=mat_scale,
        max_megapixels=float(Settings().limits.image_megapixels),
        threads=ctx.threads,
        progress=progress,
        models=[_detector(ctx, blobs, model) for model in models],
        each_side=lambda side, maps: layers.extend(_store_layers(blobs, side, maps, ctx.threads)),
    )
    for stage, seconds in outcome.seconds.items():
        ctx.log(f"{stage}: {seconds:.2f} s")
    report = blobs.add(to_json(outcome.report))
    overall = outcome.report.grades.overall
    return {
        "report": {"sha256": report.sha256, "bytes": report.bytes},
        "overall": overall.grade if overall else None,
        "score": overall.score if overall else None,
        "layers": layers,
        "seconds": {stage: round(seconds, 3) for stage, seconds in outcome.seconds.items()},
    }


def keep_grade(session: Session, job_id: str, card_id: str, result: Mapping[str, Any]) -> dict[str, Any]:
    """Write the rows of what :func:`grade_sides` made, once per job; return the job's result."""
    from rcg.store.repositories import blobs, grades  # noqa: PLC0415

    grade = grades.of_job(session, job_id)
    if grade is None:
        blobs.ensure(session, _info(result["report"]), REPORT_TYPE)
        for layer in result["layers"]:
            blobs.ensure(session, _info(layer), LAYER_TYPE)
        grade = grades.add(
            session,
            card_id=card_id,
            job_id=job_id,
            report_sha256=result["report"]["sha256"],
            overall=result["overall"],
            score=result["score"],
            layers=[
                grades.NewLayer(
                    side=layer["side"],
                    name=layer["name"],
                    blob_sha256=layer["sha256"],
                    width_px=layer["width_px"],
                    height_px=layer["height_px"],
                    px_per_mm=layer["px_per_mm"],
                    margin_mm=layer["margin_mm"],
                )
                for layer in result["layers"]
            ],
        )
    return {
        "card_id": card_id,
        "grade_id": grade.id,
        "overall": result["overall"],
        "score": result["score"],
        "seconds": dict(result["seconds"]),
    }


def _store_layers(blobs: BlobStore, side: SideName, maps: Maps, threads: int) -> list[dict[str, Any]]:
    from rcg.photometric.pictures import Picture, layers, webp  # noqa: PLC0415

    def store(picture: Picture) -> dict[str, Any]:
        info = blobs.add(webp(picture))
        return {
            "side": side,
            "name": picture.name,
            "sha256": info.sha256,
            "bytes": info.bytes,
            "width_px": picture.array.shape[1],
            "height_px": picture.array.shape[0],
            "px_per_mm": picture.px_per_mm,
            "margin_mm": picture.margin_mm,
            "scale": picture.scale,
        }

    began = time.perf_counter()
    with ThreadPoolExecutor(max_workers=max(1, threads)) as pool:
        stored = list(pool.map(store, layers(maps)))
    maps.seconds["pictures"] = time.perf_counter() - began
    return stored


def _detector(ctx: JobContext, blobs: BlobStore, model: ModelSpec) -> tuple[ModelUsed, Detector]:
    from rcg.capture.detect import load_detector  # noqa: PLC0415

    ctx.log(f"Loading the model {model.name}")
    return load_detector(model.config, blobs.path(model.weights_sha256), name=model.name)


def _info(stored: Mapping[str, Any]) -> BlobInfo:
    return BlobInfo(stored["sha256"], stored["bytes"])
