"""The dashboard: what is going on, what needs the user, and how to start."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from rcg.settings import Settings
from rcg.store.db import Session, now_ms
from rcg.store.models import Job
from rcg.store.repositories import cards, dataset_figures, datasets, jobs, runs
from rcg.web import views
from rcg.web.commands import Commands, curl
from rcg.web.formatting import size
from rcg.web.pages import ContainerDep, PagesDep, base_url

router = APIRouter()
RECENT = 12
SHOWN_FAILURES = 2
_DAY_MS = 24 * 3600 * 1000
_ENDED = ("done", "failed", "dead", "cancelled")
ACTIONS = (
    ("/capture/desk", "camera", "New capture", "a card under the lights, with your phone"),
    ("/grade/?new=1", "plus", "New card", "photographs of one card, to be graded"),
    ("/studio/?new=1", "database", "Create dataset", "what a model learns from"),
    ("/train/new", "play", "Train", "teach a model, watch it learn, use it"),
    (
        "/train/new?arch=photometric_fusion",
        "layers",
        "Multi-modal training",
        "colour and relief together, against colour alone",
    ),
)
"""what people come to do: address, icon, words, one line"""


@dataclass(frozen=True)
class Attention:
    """Something that needs the user, and where to go for it."""

    kind: str
    what: str
    now: str
    href: str
    action: str


@router.get("/")
def dashboard(request: Request, pages: PagesDep, container: ContainerDep) -> Response:
    """The first page."""
    with container.db.read() as session:
        recent = cards.listing(session, limit=RECENT)
        active = jobs.listing(session, states=jobs.ACTIVE, limit=10).rows
        ended = jobs.listing(session, states=_ENDED, limit=1).rows
        failed = jobs.listing(session, states=("failed", "dead"), limit=5)
        tiles = views.tiles(recent.rows)
        any_dataset = datasets.count(session) > 0
        any_run = sum(runs.count_by_state(session).values()) > 0
        waiting = _reviews(session)
    return pages.page(
        "shell/dashboard.html",
        title="Dashboard",
        here="/",
        cards=tiles,
        card_count=recent.total,
        active_jobs=active,
        last_job=ended[0] if ended else None,
        actions=ACTIONS,
        any_dataset=any_dataset,
        any_run=any_run,
        attention=_disk(container.settings) + _failures(failed.rows) + waiting,
        commands=_grade_commands(request, container.settings),
    )


def _grade_commands(request: Request, settings: Settings) -> dict[str, str]:
    call = curl(
        base_url(request),
        settings,
        "-F files=@up.jpg -F files=@right.jpg",
        "-F files=@down.jpg -F files=@left.jpg",
        path="/api/grade",
    )
    both = Commands(curl=call, cli="rcg grade DIR\nrcg import DIR")
    return {"grade_curl": both.curl, "grade_cli": both.cli}


def _disk(settings: Settings) -> list[Attention]:
    free = shutil.disk_usage(settings.data_dir).free if settings.data_dir.is_dir() else None
    if free is None or free >= 2 * settings.limits.min_free_disk_mb * 1_000_000:
        return []
    return [
        Attention(
            "warn",
            f"The disk of {settings.data_dir} has {size(free)} left.",
            f"Below {settings.limits.min_free_disk_mb} MB uploads and jobs are refused; make room on it.",
            "/settings",
            "Settings",
        )
    ]


def _reviews(session: Session) -> list[Attention]:
    return [
        Attention(
            "",
            f"{name}: {count} item{'' if count == 1 else 's'} pre-labelled by a model.",
            "A look at each, accepting or correcting, makes labels of them.",
            f"/studio/datasets/{dataset_id}?label_state=predicted",
            "Look through",
        )
        for dataset_id, name, count in dataset_figures.pre_labelled(session)
    ]


def _failures(failed: Sequence[Job]) -> list[Attention]:
    recent = [job for job in failed if (job.finished_at or 0) >= now_ms() - _DAY_MS]
    shown = [
        Attention(
            "bad",
            f"{job.title}: {(job.error or {}).get('detail', 'failed without saying why')}",
            str((job.error or {}).get("hint", "")),
            f"/jobs?job={job.id}",
            "Look",
        )
        for job in recent[:SHOWN_FAILURES]
    ]
    if len(recent) > SHOWN_FAILURES:
        more = len(recent) - SHOWN_FAILURES
        text = f"{more} more job{'' if more == 1 else 's'} failed within a day."
        shown.append(Attention("bad", text, "", "/jobs?state=failed", "Look"))
    return shown
