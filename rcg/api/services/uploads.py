"""Files on their way in: one by its hash, or several as a form. Nothing is decoded here."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Literal

from anyio import to_thread

from rcg.api import schemas
from rcg.api.errors import checked
from rcg.api.multipart import Form, ReceivedFile, media_type_of
from rcg.api.services import grading
from rcg.api.services.cards import as_json, too_many_frames
from rcg.api.services.views import capture_out, card_out, job_out
from rcg.errors import InputError, RcgError
from rcg.photometric.light_files import parse
from rcg.photometric.lights import LightsSpec, split_light, stem
from rcg.store.repositories import blobs, captures, cards

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from rcg.container import Container
    from rcg.store.models import Capture

_PIECE = 262_144
_LIGHTS = ""  # no light has this name
_KINDS: dict[str, Literal["lp", "rig"]] = {".lp": "lp", ".toml": "rig"}


async def put_blob(
    container: Container, sha256: str, stream: AsyncIterator[bytes], size: int | None
) -> tuple[schemas.BlobOut, bool]:
    """Store an image under the hash it must have; return it, and whether it is new here.

    Raises InputError when they are no image or have another hash, UnavailableError when the disk is full.
    """
    limits = container.settings.limits
    limit = limits.image_mb * 1_000_000
    await to_thread.run_sync(
        lambda: container.blobs.check_space(size or 0, min_free_mb=limits.min_free_disk_mb)
    )
    with await to_thread.run_sync(
        lambda: container.blobs.writer(expected=sha256, max_bytes=limit, size=size)
    ) as writer:
        pending = bytearray()
        async for chunk in stream:
            pending += chunk
            if len(pending) >= _PIECE:
                await to_thread.run_sync(writer.write, bytes(pending))
                pending.clear()
        await to_thread.run_sync(writer.write, bytes(pending))
        media_type = media_type_of(writer.head, "The upload")
        info = await to_thread.run_sync(writer.commit)

    def keep() -> tuple[schemas.BlobOut, bool]:
        with container.db.write() as session:
            new = blobs.get(session, sha256) is None
            return schemas.BlobOut.model_validate(blobs.ensure(session, info, media_type)), new

    return await to_thread.run_sync(keep)


def attach(container: Container, capture_id: str, form: Form) -> schemas.FilesOut:
    """Make the files of a form the frames and lights of a capture; each file is answered for by itself."""
    with container.db.write() as session:
        capture = captures.get(session, capture_id)
        answers = _attach(container, session, capture, form)
        return schemas.FilesOut(capture=capture_out(captures.get(session, capture_id)), files=answers)


def one_shot(container: Container, form: Form) -> schemas.OneShotOut:
    """Make a card of a form's files, and queue its grading: all of it, or nothing.

    Fields: ``name``, ``set_name``, ``side`` (front when not said), ``lights`` (a LightsSpec as JSON),
    ``width_mm`` with ``height_mm``.
    """
    known = {"name", "set_name", "notes", "side", "lights", "width_mm", "height_mm"}
    unknown = sorted(set(form.fields) - known)
    if unknown:
        raise InputError(f"There is no field {unknown[0]!r}.", f"The fields are {', '.join(sorted(known))}.")
    given = {key: value for key, value in form.fields.items() if value.strip()}
    side, lights = given.pop("side", "front"), given.pop("lights", None)
    if side not in grading.SIDES:
        raise InputError(f"side: {side!r} is no side of a card.", "Say front or back.")
    spec = checked(LightsSpec, lights, field="lights") if lights else None
    body = checked(schemas.CardIn, {"name": "Unnamed card", **given})
    if (body.width_mm is None) != (body.height_mm is None):
        raise InputError("A card's size needs both width_mm and height_mm.", "Give both, or neither.")
    with container.db.write() as session:
        card = cards.add(session, **body.model_dump())
        capture = captures.add(session, card, side, as_json(spec))
        answers = _attach(container, session, capture, form)
        refused = [answer for answer in answers if not answer.accepted]
        if refused:
            raise InputError(
                f"{refused[0].reason} Nothing was kept.",
                refused[0].hint or "",
                files=[answer.model_dump() for answer in answers],
            )
        job = grading.submit(container, session, card)
        session.expire_all()
        return schemas.OneShotOut(card=card_out(cards.get(session, card.id)), files=answers, job=job_out(job))


def _attach(container: Container, session: Session, capture: Capture, form: Form) -> list[schemas.FileAnswer]:
    if not form.files:
        raise InputError(
            "The upload has no files.", "Send them as a form, e.g. curl -F files=@1.jpg -F files=@2.jpg"
        )
    seen: dict[str, str] = {}
    answers = []
    for file in form.files:
        try:
            light = _take(container, session, capture, file, seen)
        except RcgError as error:
            answers.append(
                schemas.FileAnswer(
                    file_name=file.file_name, accepted=False, reason=error.detail, hint=error.hint or None
                )
            )
        else:
            sha256 = file.info.sha256 if file.info else None
            answers.append(
                schemas.FileAnswer(file_name=file.file_name, accepted=True, light=light, sha256=sha256)
            )
    return answers


def _take(
    container: Container, session: Session, capture: Capture, file: ReceivedFile, seen: dict[str, str]
) -> str | None:
    """Take one file in; return the light it is of, None for a lights file."""
    if file.error is not None:
        raise file.error
    if file.info is None:
        if _LIGHTS in seen:
            raise InputError(
                f"{file.file_name} tells the lights, and so does {seen[_LIGHTS]}.", "Send one of the two."
            )
        seen[_LIGHTS] = file.file_name
        capture.lights = as_json(lights_of(file))
        session.flush()
        return None
    light = light_of(file.file_name)
    if light in seen:
        raise InputError(
            f"{file.file_name} is of light {light!r}, and so is {seen[light]}.",
            "Send one frame per light; the light is the end of the file's name.",
        )
    limit = container.settings.limits.frames_per_capture
    if len(capture.frames) >= limit and light not in {frame.light for frame in capture.frames}:
        raise too_many_frames(limit)
    blobs.ensure(session, file.info, file.media_type)
    captures.put_frame(session, capture, light=light, sha256=file.info.sha256, file_name=file.file_name)
    seen[light] = file.file_name
    return light


def light_of(file_name: str) -> str:
    """Return the light that a file's name tells: its end, as ``card_up.jpg``; else the whole name."""
    whole = stem(file_name)
    return split_light(whole)[1] or whole or "unnamed"


def lights_of(file: ReceivedFile) -> LightsSpec:
    """Return the lights of a ``.lp`` or rig file. Raises InputError when it cannot be read."""
    ending = file.file_name[file.file_name.rfind(".") :].lower()
    try:
        text = (file.text or b"").decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{file.file_name} is no text.", "A lights file is a .lp or .toml text.") from None
    kind = _KINDS[ending]
    parse(kind, text)
    return LightsSpec(kind=kind, text=text)
