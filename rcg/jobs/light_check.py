"""The job that looks at one frame of a session while its lamp is still in the hand: the right side, or not.

The result goes to the frame's ``meta["check"]``; a frame that was taken again meanwhile is left alone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from rcg.errors import CancelledError, RcgError
from rcg.photometric.lights import LightsSpec
from rcg.store.blobs import BlobStore

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from rcg.jobs.handler import JobContext
    from rcg.photometric.types import Frame
    from rcg.store.models import Job


class LightCheckSpec(BaseModel):
    """What the job is told.

    Attributes:
        session, side, light, sha256: the frame.
        lights, names: of the rig: where they are, and every light of a side.
        ambient: SHA-256 of the side's frame without light, if it is here and was exposed alike.
    """

    model_config = ConfigDict(extra="forbid")

    session: str
    side: str
    light: str
    sha256: str
    lights: LightsSpec
    names: list[str]
    ambient: str | None = None


def compute(ctx: JobContext, spec: dict[str, Any]) -> dict[str, Any]:
    """Look at the frame. Returns the frame's place and ``check``: ``state``, ``words``, ``looks_like``."""
    from rcg.capture.light_check import check_frame  # noqa: PLC0415  only a slot needs the engine
    from rcg.photometric.lights import resolve  # noqa: PLC0415

    order = LightCheckSpec.model_validate(spec)
    place = {"session": order.session, "side": order.side, "light": order.light, "sha256": order.sha256}
    try:
        frame = _decoded(ctx, order.sha256, order.light)
        ambient = _decoded(ctx, order.ambient, "ambient") if order.ambient else None
        found = check_frame(frame, resolve(order.lights, order.names), ambient)
    except CancelledError:
        raise
    except RcgError as error:  # an odd photograph is no failure of the job: the grading will say more
        return place | {"check": {"state": "unknown", "words": error.detail, "looks_like": None}}
    check = {"state": found.state, "words": found.words, "looks_like": found.looks_like}
    return place | {"check": check}


def accept(session: Session, job: Job, result: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG001
    """Mark the frame, if it is still that one."""
    from rcg.store.repositories import capture_sessions as rows  # noqa: PLC0415

    rows.mark_checked(session, result["session"], result["side"], result["light"], result["sha256"],
                      result["check"])  # fmt: skip
    return result


def _decoded(ctx: JobContext, sha256: str, light: str) -> Frame:
    from rcg.photometric import images  # noqa: PLC0415
    from rcg.settings import Settings  # noqa: PLC0415

    path = BlobStore(ctx.data_dir / "blobs").path(sha256)
    return images.decode(
        path, name=light, file_name=f"light {light}", max_megapixels=Settings().limits.image_megapixels
    )
