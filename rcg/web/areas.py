"""The areas with pages, each an app to mount. An area exists in the navigation when it exists here."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from fastapi import APIRouter, FastAPI
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Scope

from rcg.api.subapp import make_subapp
from rcg.errors import RcgError
from rcg.web import bundle as bundles
from rcg.web.annotate import annotator
from rcg.web.augment import recipes
from rcg.web.capture import mat, phone, rig_calibration, rigs
from rcg.web.grade import card, cards, report
from rcg.web.pages import Pages
from rcg.web.shell import certificate, dashboard, design, jobs, settings, sign_in
from rcg.web.studio import dataset, datasets, kind_form
from rcg.web.train import compare, models, new, run, runs

if TYPE_CHECKING:
    from rcg.container import Container

_FOR_EVER = "public, max-age=31536000, immutable"


@dataclass(frozen=True)
class Area:
    """A mounted part of the site: its name in ``/health/ready``, its title for people, its place, its app."""

    name: str
    title: str
    path: str
    app: ASGIApp


class Files(StaticFiles):
    """Static files: browsers keep those with a hash in their name for ever, and ask each time for others."""

    def __init__(self, folder: Path, hashed: frozenset[str]) -> None:
        super().__init__(directory=folder)
        self._hashed = hashed

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Serve the file with the caching its name allows."""
        response = await super().get_response(path, scope)
        response.headers["cache-control"] = _FOR_EVER if Path(path).name in self._hashed else "no-cache"
        return response


def make_areas(container: Container, *, bundle: bundles.Bundle | None = None) -> list[Area]:
    """Make every area with pages, in the order in which they are to be mounted: the root comes last.

    Raises BundleError when the pages' scripts are missing and cannot be built.
    """
    built = bundle or bundles.ensure()
    pages = Pages(built)
    areas = [
        Area(
            "capture",
            "Capture",
            "/capture",
            _app(container, pages, "Capture", phone.router, rigs.router, rig_calibration.router, mat.router),
        ),
        Area(
            "grade",
            "Cards",
            "/grade",
            _app(container, pages, "Cards", cards.router, card.router, report.router),
        ),
        Area("annotate", "Annotate", "/annotate", _app(container, pages, "Annotate", annotator.router)),
        Area("augment", "Augment", "/augment", _app(container, pages, "Augment", recipes.router)),
        Area(
            "studio",
            "Datasets",
            "/studio",
            _app(container, pages, "Datasets", kind_form.router, datasets.router, dataset.router),
        ),
        Area(
            "train",
            "Train",
            "/train",
            _app(
                container, pages, "Train", models.router, new.router, compare.router, runs.router, run.router
            ),
        ),
    ]
    shell = _app(
        container,
        pages,
        "Shell",
        dashboard.router,
        jobs.router,
        settings.router,
        design.router,
        sign_in.router,
        certificate.router,
        _doors(areas),
    )
    static = Area("static", "Files", "/static", Files(bundles.STATIC, _hashed(built)))
    return [*areas, static, Area("shell", "Dashboard", "", shell)]


def _doors(areas: list[Area]) -> APIRouter:
    """Lead from an area's name, as people type it, to its first page: a mount answers below its slash."""
    router = APIRouter()

    def enter(request: Request) -> RedirectResponse:
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(f"{request.scope['path']}/{query}", 308)

    for area in areas:
        router.add_api_route(area.path, enter, methods=["GET"], include_in_schema=False)
    return router


def _app(container: Container, pages: Pages, title: str, *routers: APIRouter) -> FastAPI:
    def error_page(request: Request, error: RcgError) -> Response | None:
        return pages.error(request, error)

    app = make_subapp(container, title, error_page=error_page)
    app.state.pages = pages
    for router in routers:
        app.include_router(router)
    return app


def _hashed(bundle: bundles.Bundle) -> frozenset[str]:
    names = {path.name for path in bundles.DIST.glob("*-????????.*")}
    return frozenset(names | {name for plain, name in bundle.files.items() if plain != name})
