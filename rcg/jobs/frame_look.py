"""The job that looks at one frame of a session as it comes in.

For a lamp in the hand: was it held at the right side, while it still is in the hand? For a file of a watched
folder, which no page has seen: a small picture and figures of quality. What is found goes to the frame's row;
a frame that was taken again meanwhile is left alone.
"""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict

from rcg.errors import CancelledError, RcgError
from rcg.photometric.lights import LightsSpec
from rcg.store.blobs import BlobStore

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from sqlalchemy.orm import Session

    from rcg.jobs.handler import JobContext
    from rcg.photometric.types import Frame
    from rcg.store.models import Job

_SMALL_PX, _CROP_PX = 200, 768


class FrameLookSpec(BaseModel):
    """What the job is told.

    Attributes:
        session, side, light, sha256: the frame.
        lights, names: of the rig: where they are, and every light of a side.
        ambient: SHA-256 of the side's frame without light, if it is here and was exposed alike.
        check: whether the side of the light is looked at.
        picture: whether a small picture and figures of quality are wanted.
    """

    model_config = ConfigDict(extra="forbid")

    session: str
    side: str
    light: str
    sha256: str
    lights: LightsSpec
    names: list[str]
    ambient: str | None = None
    check: bool = True
    picture: bool = False


def compute(ctx: JobContext, spec: dict[str, Any]) -> dict[str, Any]:
    """Look at the frame.

    Returns:
        The frame's place; ``check`` (``state``, ``words``, ``looks_like``) and ``thumbnail`` (a JPEG in
        base64) with ``quality``, where they were asked for.
    """
    order = FrameLookSpec.model_validate(spec)
    found: dict[str, Any] = {
        key: getattr(order, key) for key in ("session", "side", "light", "sha256")
    }  # fmt: skip
    try:
        frame = _decoded(ctx, order.sha256, order.light)
        if order.picture:
            found |= _picture(frame)
        if order.check:
            found["check"] = _check(ctx, order, frame)
    except CancelledError:
        raise
    except RcgError as error:  # an odd photograph is no failure of the job: the grading will say more
        found["check"] = {"state": "unknown", "words": error.detail, "looks_like": None}
    return found


def accept(session: Session, job: Job, result: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG001
    """Write what was found to the frame, if it is still that one."""
    from rcg.store.repositories import capture_sessions as rows  # noqa: PLC0415

    picture = result.get("thumbnail")
    rows.mark_seen(
        session,
        result["session"],
        result["side"],
        result["light"],
        result["sha256"],
        {key: result[key] for key in ("check", "quality") if key in result},
        base64.b64decode(picture) if picture else None,
    )
    return {key: value for key, value in result.items() if key != "thumbnail"}


def _check(ctx: JobContext, order: FrameLookSpec, frame: Frame) -> dict[str, Any]:
    from rcg.capture.light_check import check_frame  # noqa: PLC0415  only a slot needs the engine
    from rcg.photometric.lights import resolve  # noqa: PLC0415

    ambient = _decoded(ctx, order.ambient, "ambient") if order.ambient else None
    found = check_frame(frame, resolve(order.lights, order.names), ambient)
    return {"state": found.state, "words": found.words, "looks_like": found.looks_like}


def _picture(frame: Frame) -> dict[str, Any]:
    """A small JPEG, and the same figures that a phone's page measures."""
    import cv2  # noqa: PLC0415

    pixels = _eight_bits(frame)
    height, width = pixels.shape[:2]
    crop = min(_CROP_PX, width, height)
    top, left = (height - crop) // 2, (width - crop) // 2
    middle = cv2.cvtColor(pixels[top : top + crop, left : left + crop], cv2.COLOR_RGB2GRAY)
    scale = _SMALL_PX / max(width, height)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
    grey = cv2.cvtColor(small, cv2.COLOR_RGB2GRAY)
    inner = grey[grey.shape[0] // 4 : 3 * grey.shape[0] // 4, grey.shape[1] // 4 : 3 * grey.shape[1] // 4]
    _, data = cv2.imencode(".jpg", cv2.cvtColor(small, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 70])
    quality = {
        "sharpness": float(cv2.Laplacian(middle, cv2.CV_64F).var()),
        "clipped": float((inner >= 250).mean()),
        "dark": float((inner <= 5).mean()),
        "mean": float(inner.mean()),
    }
    return {"thumbnail": base64.b64encode(data.tobytes()).decode(), "quality": quality}


def _eight_bits(frame: Frame) -> npt.NDArray[np.uint8]:
    import numpy as np  # noqa: PLC0415

    pixels = frame.pixels
    if pixels.dtype == np.uint8:
        return np.asarray(pixels, np.uint8)
    full = 65535 if pixels.dtype == np.uint16 else 1
    return np.asarray(np.clip(255 / full * np.nan_to_num(pixels.astype(np.float32)), 0, 255), np.uint8)


def _decoded(ctx: JobContext, sha256: str, light: str) -> Frame:
    from rcg.photometric import images  # noqa: PLC0415
    from rcg.settings import Settings  # noqa: PLC0415

    path = BlobStore(ctx.data_dir / "blobs").path(sha256)
    return images.decode(
        path, name=light, file_name=f"light {light}", max_megapixels=Settings().limits.image_megapixels
    )
