"""What there is to train on: each dataset's readiness with its figures, what fits it, how long it would take.

It is advice: no number of cards is demanded anywhere.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rcg.api.owner_schemas import OwnerDiscoverOut, OwnerManageOut
from rcg.api.services.datasets import catalogue, health, kinds, owner
from rcg.api.services.datasets.views import dataset_out, version_out
from rcg.errors import RcgError
from rcg.store.repositories import datasets, rates, versions
from rcg.training.architectures import ARCHITECTURES

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from rcg.container import Container
    from rcg.store.dataset_models import Dataset
    from rcg.store.repositories.rates import Rate

_AT_ONCE = 200


def discover(container: Container) -> OwnerDiscoverOut:
    """Return every dataset with what can be trained on it."""
    found: list[dict[str, Any]] = []
    with container.db.read() as session:
        measured = rates.of_architectures(session, list(ARCHITECTURES))
        known = kinds.known(session)
        offset: int | None = 0
        while offset is not None:
            page = datasets.listing(session, offset=offset, limit=_AT_ONCE)
            counts = datasets.counts(session, [row.id for row in page.rows])
            for row in page.rows:
                shown = dataset_out(row, counts[row.id], known).model_dump(mode="json")
                found.append(
                    shown | {"dataset_id": row.id, "model_type": row.kind} | _judged(session, row, measured)
                )
            offset = page.next_offset
    return OwnerDiscoverOut(datasets=found, total=len(found))


def manage(container: Container, id_or_name: str) -> OwnerManageOut:
    """Return a dataset with its figures, its versions and everything that can be done with it."""
    with container.db.read() as session:
        row = datasets.get(session, id_or_name)
        detail = catalogue.detail(session, row)
        report = health.of(session, row)
        judged = _judged(session, row, rates.of_architectures(session, list(ARCHITECTURES)))
        made = [version_out(one) for one in versions.of_dataset(session, row.id)]
    address = f"/api/datasets/{detail.id}"
    return OwnerManageOut(
        dataset=detail,
        metadata=owner.metadata(detail),
        statistics=report.health.statistics.as_json(),
        problems=report.problems,
        readiness=judged,
        versions=made,
        upload_endpoints=owner.upload_endpoints(detail.id),
        actions={
            "items": f"GET {address}/items",
            "change": f"PATCH {address}",
            "delete": f"DELETE {address}",
            "upload_images": f"POST {address}/upload/images",
            "upload_annotations": f"POST {address}/upload/annotations",
            "export": f"POST {address}/export",
            "version": f"POST {address}/versions",
            "train": "POST /api/training/start",
            "page": f"/studio/datasets/{detail.id}",
        },
    )


def _judged(session: Session, row: Dataset, measured: dict[str, Rate]) -> dict[str, Any]:
    """Return what is said of a dataset: readiness, architectures, advice, duration; reasons where none."""
    try:
        found = health.judged(row, health.of(session, row))
    except RcgError as error:
        return {
            "readiness": {"tier": "insufficient", "figures": {}, "reasons": [error.detail]},
            "compatible_architectures": [],
            "architectures": [],
            "recommendations": [error.hint],
            "expected_duration": None,
            "expected_duration_reason": error.detail,
        }
    fitting = [one["architecture"] for one in found["architectures"] if one["fits"]]
    return {
        "readiness": {"tier": found["tier"], "figures": found["figures"], "reasons": found["reasons"]},
        "compatible_architectures": fitting,
        "architectures": found["architectures"],
        "recommendations": found["recommendations"],
        **_duration(fitting, measured),
    }


def _duration(fitting: list[str], measured: dict[str, Rate]) -> dict[str, Any]:
    """Return how long a training of the first architecture that fits took here, or why that is not known."""
    if not fitting:
        return {
            "expected_duration": None,
            "expected_duration_reason": "No architecture fits the dataset as it is.",
        }
    rate = measured.get(fitting[0])
    if rate is None:
        return {
            "expected_duration": None,
            "expected_duration_reason": f"No training of {fitting[0]} has ended on this computer yet; its "
            "pre-flight (POST /api/training/preflight) measures three steps.",
        }
    return {
        "expected_duration": {
            "architecture": fitting[0],
            "seconds_per_step": rate.seconds_per_step,
            "steps": rate.steps,
            "seconds": rate.seconds_per_step * rate.steps,
            "measured_runs": rate.runs,
        },
        "expected_duration_reason": None,
    }
