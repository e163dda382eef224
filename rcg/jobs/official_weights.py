"""The job that fetches a backbone's official weights: the one download of RCG, and only when a person asks.

Where they lie is torchvision's word (:mod:`rcg.training.official`). The file grows in the attempt's scratch
folder, which goes with the attempt, so that whatever ends it leaves nothing half-written; it becomes a blob
when its SHA-256 begins as its name says and torch can read it.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rcg.errors import ConflictError, InputError, TooLargeError, UnavailableError
from rcg.jobs.grade import Strict
from rcg.store.blobs import BlobInfo, BlobStore
from rcg.training.weight_files import TORCH

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from rcg.jobs.handler import JobContext
    from rcg.store.models import Job
    from rcg.training.official import Source

KIND: Final = "official_weights"
_CONNECT_S, _SILENCE_S = 15.0, 30.0
_PIECE: Final = 262_144
_MEGABYTE: Final = 1_000_000
_CHECKING: Final = 0.95


class OfficialSpec(Strict):
    """What the job is told.

    Attributes:
        max_mb: no file is larger.
        min_free_disk_mb: what must stay free.
    """

    backbone: str
    max_mb: int
    min_free_disk_mb: int = 0


def compute(ctx: JobContext, spec: dict[str, Any]) -> dict[str, Any]:
    """Fetch, check and store the file.

    Raises:
        UnavailableError: its host does not answer, or the disk is full.
        InputError: what came is not what its name says.
    """
    ctx.progress(0.0, "Asking torchvision where they lie")  # torch alone takes seconds
    from rcg.training import official  # noqa: PLC0415
    from rcg.training.weights import read_any  # noqa: PLC0415 - torch

    order = OfficialSpec.model_validate(spec)
    entry, source = official.official(order.backbone), official.source(order.backbone)
    blobs = BlobStore(ctx.data_dir / "blobs", min_free_mb=order.min_free_disk_mb)
    path = ctx.scratch / "weights"
    sha256 = _fetch(ctx, source, path, blobs, order.max_mb)
    wanted = source.sha256_prefix
    if not sha256.startswith(wanted):
        raise InputError(
            f"{source.file_name} came damaged: its SHA-256 begins with {sha256[: len(wanted)]}, and by its "
            f"name it must begin with {wanted}.",
            "Get it again; nothing of it was kept.",
        )
    ctx.progress(_CHECKING, "Reading it")
    tensors = len(read_any(path, source.file_name))
    info = blobs.adopt(path)
    ctx.log(f"{source.file_name} from {source.host}: {info.bytes} bytes, {tensors} tensors.")
    return {
        "sha256": info.sha256,
        "bytes": info.bytes,
        "name": source.file_name,
        "tensors": tensors,
        "backbone": order.backbone,
        "norm": entry.norm,
        "blob": str(blobs.path(info.sha256)),
    }


def accept(session: Session, job: Job, result: dict[str, Any]) -> dict[str, Any]:  # noqa: ARG001
    """Note the file. Raises ConflictError when it was deleted just now."""
    from rcg.store.repositories import blobs, weights  # noqa: PLC0415

    if not Path(result.pop("blob")).is_file():
        raise ConflictError(f"{result['name']} was deleted while it came.", "Get it again.")
    blobs.ensure(session, BlobInfo(result["sha256"], result["bytes"]), TORCH)
    row = weights.add(
        session,
        sha256=result["sha256"],
        name=result["name"],
        size=result["bytes"],
        tensors=result["tensors"],
        source="official",
        backbone=result["backbone"],
        norm=result["norm"],
    )
    return result | {"weights_id": row.id}


def _fetch(ctx: JobContext, source: Source, path: Path, blobs: BlobStore, max_mb: int) -> str:
    """Stream the file to ``path``; return its SHA-256."""
    import httpx  # noqa: PLC0415

    limits = httpx.Timeout(_SILENCE_S, connect=_CONNECT_S)
    by_hand = (
        f"Try again when there is a connection. Or fetch {source.url} on another computer and add the file "
        "here: rcg weights add FILE, or “Add a file” on the page of a new run."
    )
    ctx.progress(0.01, f"Asking {source.host}")
    try:
        with httpx.stream("GET", source.url, timeout=limits, follow_redirects=True) as answer:
            if answer.status_code != httpx.codes.OK:
                raise UnavailableError(
                    f"{source.host} answered {answer.status_code} for {source.file_name}.", by_hand
                )
            return _kept(ctx, source, answer, path, blobs, max_mb)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise UnavailableError(
            f"{source.host} does not answer: {str(error) or type(error).__name__}.", by_hand
        ) from error


def _kept(ctx: JobContext, source: Source, answer: Any, path: Path, blobs: BlobStore, max_mb: int) -> str:
    claimed = answer.headers.get("content-length", "")
    total = int(claimed) if claimed.isdigit() else source.about_bytes
    blobs.check_space(total or 0)
    digest, count = hashlib.sha256(), 0
    with path.open("wb") as file:
        for piece in answer.iter_bytes(_PIECE):
            count += len(piece)
            if count > max_mb * _MEGABYTE:
                raise TooLargeError(
                    f"{source.file_name} is larger than {max_mb} MB.",
                    "Raise limits.weights_mb in config/rcg.toml.",
                )
            file.write(piece)
            digest.update(piece)
            ctx.progress(
                min(_CHECKING, count / total) if total else 0.5, _so_far(count, total, source.host, claimed)
            )
    return digest.hexdigest()


def _so_far(count: int, total: int | None, host: str, claimed: str) -> str:
    """Say how much has come: of a total that the host tells, or of about what torchvision does."""
    of = f" of {'' if claimed else 'about '}{total / _MEGABYTE:.0f}" if total else ""
    return f"{count / _MEGABYTE:.1f}{of} MB from {host}"
