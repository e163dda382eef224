"""What is measured of a rig's lights: asked for, kept, taken back, given out as files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from rcg.api import schemas
from rcg.api.calibration_schemas import CalibrateIn, KeepIn, Part, RigCapture, RigCaptures, SettleIn, What
from rcg.api.errors import checked
from rcg.api.multipart import Form
from rcg.api.rig_schemas import RigOut
from rcg.api.services.rigs import places_of, put_away, rig_out
from rcg.api.services.uploads import light_of
from rcg.api.services.views import job_out
from rcg.capture.lights import calibration as measured
from rcg.capture.lights import ring_names
from rcg.capture.lights.driver import check_light
from rcg.capture.lights.places import count_of
from rcg.errors import ConflictError, InputError
from rcg.photometric.light_text import lp_text
from rcg.photometric.lights import is_ambient, resolve
from rcg.store.db import now_ms
from rcg.store.repositories import blobs, capture_sessions, captures, cards, jobs, preferences, rigs

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from rcg.container import Container
    from rcg.store.capture_models import Rig

Frames = list[dict[str, str]]
_WORDS = {
    "ball": "Measure the lights of",
    "flat": "Measure the flat field of",
    "ring": "Refine the lights of",
}


def captures_of(container: Container, rig_id: str) -> RigCaptures:
    """Return the newest captures that were made with a rig."""
    with container.db.read() as session:
        row = rigs.get(session, rig_id)
        found = []
        for taken in capture_sessions.complete_of_rig(session, row.id):
            for capture_id in taken.captures.values():
                capture = captures.find(session, capture_id)
                card = None if capture is None else cards.find(session, capture.card_id)
                if capture is None or card is None:
                    continue
                lit = [frame for frame in capture.frames if not is_ambient(frame.light)]
                found.append(
                    RigCapture(
                        id=capture.id, card_id=card.id, card=card.name, side=capture.side, lights=len(lit),
                        created_at=capture.created_at,
                    )
                )  # fmt: skip
        return RigCaptures(items=found)


def start(container: Container, rig_id: str, body: CalibrateIn) -> schemas.JobOut:
    """Queue a measurement on captures. Raises InputError when their lights are not the rig's."""
    with container.db.write() as session:
        row = rigs.get(session, rig_id)
        names = ring_names(count_of(places_of(row)))
        sets = []
        for capture_id in body.capture_ids:
            frames: Frames = [
                {"light": frame.light, "sha256": frame.blob_sha256, "file_name": frame.file_name}
                for frame in captures.get(session, capture_id).frames
            ]
            lit = sorted(frame["light"] for frame in frames if not is_ambient(frame["light"]))
            if lit != sorted(names):
                raise InputError(
                    f"The capture has the lights {', '.join(lit)}; {row.name} has {', '.join(names)}.",
                    "Choose a capture that was made with this rig.",
                )
            sets.append(frames)
        return _submit(container, session, row, body.what, sets, body.options)


def start_files(container: Container, rig_id: str, form: Form) -> schemas.JobOut:
    """Queue a measurement on photographs that came as a form.

    Fields: ``what`` (ball, flat, ring), ``options`` (CalibrateOptions as JSON). Files: one per light, in
    their order or named by them; files in folders are sets, one for each place of the ball.
    """
    unknown = sorted(set(form.fields) - {"what", "options"})
    if unknown:
        raise InputError(f"There is no field {unknown[0]!r}.", "The fields are what and options.")
    what = form.fields.get("what", "").strip()
    if what not in ("ball", "flat", "ring"):
        raise InputError(f"what: {what!r} cannot be measured.", "Say ball, flat or ring.")
    options = checked(measured.CalibrateOptions, form.fields.get("options") or "{}", field="options")
    if not form.files:
        raise InputError("No photograph came.", "Send one per light: -F files=@1.jpg -F files=@2.jpg ...")
    groups: dict[str, list[tuple[str, str]]] = {}
    with container.db.write() as session:
        row = rigs.get(session, rig_id)
        for file in form.files:
            if file.error is not None:
                raise file.error
            if file.info is None:
                raise InputError(
                    f"{file.file_name} is no photograph.", "Send JPEG, PNG, TIFF or WebP, one per light."
                )
            blobs.ensure(session, file.info, file.media_type)
            folder, _, name = file.file_name.rpartition("/")
            groups.setdefault(folder, []).append((name, file.info.sha256))
        names = ring_names(count_of(places_of(row)))
        sets = [_in_order(files, names) for _, files in sorted(groups.items())]
        return _submit(container, session, row, what, sets, options)  # type: ignore[arg-type]


def _in_order(files: list[tuple[str, str]], names: tuple[str, ...]) -> Frames:
    """Give each file its light: by the end of its name, else in the order in which they came."""
    told = [light_of(name) for name, _ in files]
    lit = [light for light in told if not is_ambient(light)]
    if len(lit) != len(names):
        raise InputError(
            f"{len(lit)} photographs under a light came; the rig has {len(names)} lights.",
            "Send one per light, in order or named 1.jpg, 2.jpg, ...; one more may be ambient.",
        )
    if sorted(lit) != sorted(names):
        rest = iter(names)
        told = [light if is_ambient(light) else next(rest) for light in told]
    return [
        {"light": light, "sha256": sha256, "file_name": name}
        for light, (name, sha256) in zip(told, files, strict=True)
    ]


def _submit(
    container: Container,
    session: Session,
    row: Rig,
    what: What,
    sets: list[Frames],
    options: measured.CalibrateOptions,
) -> schemas.JobOut:
    if what != "ball" and len(sets) > 1:
        raise InputError(
            f"{len(sets)} sets of photographs came for a white card.", "Give one photograph per light."
        )
    scale = preferences.mat_scale(session)
    spec = {
        "rig_id": row.id, "what": what, "places": row.lights, "sets": sets,
        "options": options.model_dump(mode="json"), "mat_scale": scale,
    }  # fmt: skip
    job = container.jobs.submit(
        session, "calibrate", spec, title=f"{_WORDS[what]} {row.name}", subject=f"rig:{row.id}", band=0
    )
    session.flush()
    return job_out(job)


def keep(container: Container, rig_id: str, body: KeepIn) -> RigOut:
    """Keep a calibration with a rig; what it replaces can be taken back.

    Raises:
        ConflictError: the job has not ended well, or is another rig's.
        InputError: it does not belong to the rig's lights.
    """
    if (body.job_id is None) == (body.calibration is None):
        raise InputError("Nothing to keep was named.", "Give either job_id or calibration.")
    with container.db.write() as session:
        row = rigs.get(session, rig_id)
        given = body.calibration if body.job_id is None else _result(session, row, body.job_id)
        try:
            found = measured.CALIBRATION.validate_python(given)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            raise InputError(
                f"The calibration is wrong at {where}: {first['msg']}.", "Send what rcg calibrate made."
            ) from error
        measured.check(places_of(row), found)
        put_away(session, row, found.what)
        value = (row.calibration or {}) | {found.what: found.model_dump(mode="json")}
        rigs.change(session, row, calibration=value)
        return rig_out(row)


def _result(session: Session, row: Rig, job_id: str) -> dict[str, Any]:
    job = jobs.get(session, job_id)
    result = job.result or {}
    if job.kind != "calibrate" or job.state != "done" or result.get("rig_id") != row.id:
        raise ConflictError(
            f"The job {job.title!r} ({job.state}) has nothing to keep for {row.name}.",
            "Name a measurement of this rig that is done.",
        )
    return dict(result["calibration"])


def restore(container: Container, rig_id: str, what: Part) -> RigOut:
    """Take back the calibration before this one; this one becomes the earlier."""
    with container.db.write() as session:
        row = rigs.get(session, rig_id)
        earlier = list((row.calibration or {}).get("earlier", {}).get(what, []))
        if not earlier:
            raise ConflictError("There is no earlier calibration to take back.")
        back = measured.CALIBRATION.validate_python(earlier.pop(0))
        measured.check(places_of(row), back)
        now = (row.calibration or {}).get(what)
        kept = [now, *earlier] if now is not None else earlier
        value = dict(row.calibration or {})
        value["earlier"] = value.get("earlier", {}) | {what: kept}
        rigs.change(session, row, calibration=value | {what: back.model_dump(mode="json")})
        return rig_out(row)


def forget(container: Container, rig_id: str, what: Part) -> RigOut:
    """Go back to what was told of the rig; the calibration can be taken back."""
    with container.db.write() as session:
        row = rigs.get(session, rig_id)
        if not (row.calibration or {}).get(what):
            raise ConflictError(f"{row.name} has no such calibration.")
        put_away(session, row, what)
        return rig_out(row)


def settle(container: Container, rig_id: str, body: SettleIn) -> RigOut:
    """Keep how long a camera saw a light take; a camera waits for the slowest."""
    with container.db.write() as session:
        row = rigs.get(session, rig_id)
        names = ring_names(count_of(places_of(row)))
        if body.light not in names:
            check_light(body.light if body.light != "all" else "none", names)
        calibration = dict(row.calibration or {})
        now = {"seconds": round(body.seconds, 4), "at": now_ms()}
        each = calibration.get("settle", {}) | {body.light: now}
        slowest = round(1000 * max(one["seconds"] for one in each.values()), 1)
        rigs.change(session, row, calibration=calibration | {"settle": each}, settle_ms=slowest)
        return rig_out(row)


def as_lp(container: Container, rig_id: str) -> tuple[str, str]:
    """Return a rig's name and its lights as a ``.lp`` file, rows named ``1.jpg``, ``2.jpg``, ..."""
    with container.db.read() as session:
        row = rigs.get(session, rig_id)
        names = ring_names(count_of(places_of(row)))
        lights = resolve(measured.spec_of(places_of(row), row.calibration, row.name), names)
        return row.name, lp_text([f"{name}.jpg" for name in names], lights.directions)


def as_toml(container: Container, rig_id: str) -> tuple[str, str]:
    """Return a rig's name and its lights as a rig file, measured flat field and all."""
    with container.db.read() as session:
        row = rigs.get(session, rig_id)
        return row.name, measured.rig_file(places_of(row), row.calibration, row.name)
