"""The sub-app for /api: every router, one OpenAPI document."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import FastAPI

from rcg.api import schemas
from rcg.api.routers import (
    auth,
    blobs,
    capture,
    cards,
    datasets,
    docs,
    grades,
    jobs,
    kinds,
    labels,
    mat,
    models,
    owner_datasets,
    owner_training,
    recipes,
    rig_calibration,
    rigs,
    system,
    training,
    watch,
    weights,
)
from rcg.api.subapp import make_subapp

if TYPE_CHECKING:
    from rcg.container import Container

DESCRIPTION = """Everything a page can do, a script can do here.

Send `Authorization: Bearer TOKEN`; `rcg token create` makes a token. Every error has one form:
`{"error", "detail", "hint"}`. Times are milliseconds since 1970 UTC, lengths millimetres.
"""
_ERRORS: dict[int | str, dict[str, Any]] = {
    "4XX": {"model": schemas.ErrorBody, "description": "what was wrong, and what to do"},
    "5XX": {"model": schemas.ErrorBody, "description": "RCG failed, or a part of it is not there"},
}


def build(container: Container) -> FastAPI:
    """Make the app; mount it at ``/api``."""
    app = make_subapp(
        container,
        "RCG API",
        openapi_url="/openapi.json",
        description=DESCRIPTION,
        responses=_ERRORS,
        license_info={"name": "Apache-2.0"},
    )
    # The owner's routes come first: "/datasets/discover" must not be taken for a dataset's id.
    workshop = (owner_datasets, owner_training, datasets, kinds, labels, recipes, training, models, weights)
    for part in (
        cards,
        grades,
        rigs,
        rig_calibration,
        mat,
        capture,
        watch,
        *workshop,
        jobs,
        blobs,
        auth,
        system,
        docs,
    ):
        app.include_router(part.router)
    _declare_token(app)
    return app


def _declare_token(app: FastAPI) -> None:
    """Say in the OpenAPI document that a bearer token opens it; the check itself is the root's middleware."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        document = generate()
        components = document.setdefault("components", {})
        components["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        document["security"] = [{"token": []}]
        document["servers"] = [{"url": "/api"}]
        return document

    app.openapi = openapi  # type: ignore[method-assign]
