"""Where a finished job leads: what it made, to look at or to fetch."""

from __future__ import annotations

from typing import Any, NamedTuple


class Onward(NamedTuple):
    """An address and the word for it."""

    href: str
    word: str


def onward(job: Any) -> Onward | None:
    """Return the way on from a job that is done, None where it has none or is not done."""
    if job.state != "done":
        return None
    result: dict[str, Any] = job.result or {}
    what, _, about = (getattr(job, "subject", None) or "").partition(":")
    if grade := result.get("grade_id"):
        return Onward(f"/grade/reports/{grade}", "Report")
    if run := result.get("run_id") or (about if what == "run" else ""):
        return Onward(f"/train/runs/{run}", "Run")
    if what == "rig":
        return Onward(f"/capture/rigs/{about}?calibration={job.id}", "Result")
    if what == "dataset":
        return _of_dataset(job, about)
    return None


def _of_dataset(job: Any, dataset_id: str) -> Onward:
    page = f"/studio/datasets/{dataset_id}"
    if job.kind == "dataset_export":
        return Onward(f"/api/datasets/{dataset_id}/exports/{job.id}", "Download")
    if job.kind == "dataset_import":
        return Onward(f"{page}?imported={job.id}", "Dataset")
    if job.kind == "predict":
        return Onward(f"{page}?label_state=predicted", "Look through")
    return Onward(page, "Dataset")
