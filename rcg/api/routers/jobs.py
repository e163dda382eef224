"""Jobs and the stream of events."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Header, Query
from fastapi.responses import StreamingResponse

from rcg.api import schemas
from rcg.api.deps import ContainerDep
from rcg.api.routers.cards import Limit, Offset
from rcg.api.services import events, grading, jobs

router = APIRouter(tags=["jobs"])


@router.get("/jobs")
def list_jobs(
    container: ContainerDep,
    state: Annotated[list[schemas.JobState] | None, Query(description="may be given several times")] = None,
    kind: Annotated[str | None, Query(max_length=40)] = None,
    subject: Annotated[str | None, Query(max_length=40, description="what it is about: card:ID")] = None,
    offset: Offset = 0,
    limit: Limit = 50,
) -> schemas.JobPage:
    """A page of jobs, newest first."""
    return jobs.listing(container, states=state or (), kind=kind, subject=subject, offset=offset, limit=limit)


@router.get("/jobs/{job_id}")
def get_job(job_id: str, container: ContainerDep) -> schemas.JobOut:
    """A job: state, progress, result or error."""
    return jobs.get(container, job_id)


@router.get("/jobs/{job_id}/log")
def get_log(job_id: str, container: ContainerDep) -> list[schemas.LogLine]:
    """What the job wrote, oldest first."""
    return jobs.log(container, job_id)


@router.post("/jobs/{job_id}/cancel")
def cancel_job(job_id: str, container: ContainerDep) -> schemas.JobOut:
    """Ask a job to stop."""
    return jobs.cancel(container, job_id)


@router.post("/jobs/{job_id}/retry")
def retry_job(job_id: str, container: ContainerDep) -> schemas.JobOut:
    """Queue a job again that failed, died or was cancelled."""
    return jobs.retry(container, job_id)


@router.post("/demo", status_code=202)
def demo(container: ContainerDep, body: schemas.DemoIn | None = None) -> schemas.JobOut:
    """Render a made-up card, both sides, and grade it."""
    wanted = body or schemas.DemoIn()
    return grading.demo(container, wanted.seed, wanted.item)


@router.get(
    "/events",
    response_class=StreamingResponse,
    responses={200: {"content": {"text/event-stream": {}}, "description": "server-sent events"}},
)
async def stream_events(
    container: ContainerDep,
    last_event_id: Annotated[str | None, Header(max_length=64, description="where to go on from")] = None,
    after: Annotated[str | None, Query(max_length=64, description="the same, for a first connection")] = None,
) -> StreamingResponse:
    """Progress, logs and states of all jobs as they happen. Each has an id; send it back to go on from there.

    `event: reset` says that events were missed: load lists anew. A comment comes every 15 s to keep the line
    open.
    """
    return StreamingResponse(
        events.stream(container, last_event_id or after),
        media_type="text/event-stream",
        headers={"cache-control": "no-store", "x-accel-buffering": "no"},
    )
