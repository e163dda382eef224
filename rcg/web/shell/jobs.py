"""Jobs: the table, one job's drawer, and the fragments that follow the events."""

from __future__ import annotations

import json
from typing import Any

from fastapi import APIRouter
from starlette.responses import Response

from rcg.store.db import Session
from rcg.store.models import Job
from rcg.store.repositories import jobs
from rcg.store.repositories.page import Page
from rcg.web.pages import ContainerDep, PagesDep

router = APIRouter(prefix="/jobs")
STATES: dict[str, tuple[str, ...]] = {
    "": (),
    "active": jobs.ACTIVE,
    "done": ("done",),
    "failed": ("failed", "dead"),
    "cancelled": ("cancelled",),
}
PER_PAGE = 50


@router.get("")
def table_page(
    pages: PagesDep, container: ContainerDep, state: str = "", offset: int = 0, job: str | None = None
) -> Response:
    """All jobs, newest first; ``job`` opens that one's drawer."""
    state = state if state in STATES else ""
    with container.db.read() as session:
        by_state = jobs.count_by_state(session)
        page = _page(session, state, offset)
    counts = {key: sum(by_state.get(name, 0) for name in names) for key, names in STATES.items()}
    return pages.page(
        "shell/jobs.html", title="Jobs", here="/jobs", page=page, state=state, counts=counts, open_job=job
    )


@router.get("/table")
def table(pages: PagesDep, container: ContainerDep, state: str = "", offset: int = 0) -> Response:
    """The table alone."""
    state = state if state in STATES else ""
    with container.db.read() as session:
        return pages.fragment("shell/jobs_table.html", page=_page(session, state, offset), state=state)


@router.get("/active")
def active(pages: PagesDep, container: ContainerDep) -> Response:
    """What is running, for the dashboard."""
    with container.db.read() as session:
        running = jobs.listing(session, states=jobs.ACTIVE, limit=10).rows
        ended = jobs.listing(session, states=("done", "failed", "dead", "cancelled"), limit=1).rows
        return pages.fragment(
            "shell/active_jobs.html", active_jobs=running, last_job=ended[0] if ended else None
        )


@router.get("/drawer")
def drawer(pages: PagesDep, container: ContainerDep) -> Response:
    """The newest jobs, for the drawer."""
    with container.db.read() as session:
        running = jobs.listing(session, states=jobs.ACTIVE, limit=20)
        ended = jobs.listing(session, states=("done", "failed", "dead", "cancelled"), limit=8).rows
        return pages.fragment("shell/drawer_jobs.html", jobs=[*running.rows, *ended], active=running.total)


@router.get("/{job_id}/drawer")
def job_drawer(job_id: str, pages: PagesDep, container: ContainerDep) -> Response:
    """One job with its error, its log and its specification."""
    with container.db.read() as session:
        job = jobs.get(session, job_id)
        return pages.fragment("shell/job.html", job=job, job_details=_details(job.error))


def _page(session: Session, state: str, offset: int) -> Page[Job]:
    return jobs.listing(session, states=STATES[state], offset=offset, limit=PER_PAGE)


def _details(error: dict[str, Any] | None) -> str:
    data = (error or {}).get("data") or {}
    return "\n\n".join(
        value if isinstance(value, str) else f"{key}: {json.dumps(value, indent=1)}"
        for key, value in data.items()
    )
