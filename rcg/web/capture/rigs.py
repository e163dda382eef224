"""Rigs: the list, one rig with its lights, and the page that is a light itself."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from rcg.store.repositories import rigs
from rcg.web.pages import ContainerDep, PagesDep

router = APIRouter()
HERE = "/capture/rigs"


@router.get("/rigs")
def rigs_page(pages: PagesDep, container: ContainerDep) -> Response:
    """Every rig."""
    with container.db.read() as session:
        found = [{"id": row.id, "name": row.name, "driver": row.driver} for row in rigs.listing(session)]
    return pages.page("capture/rigs.html", title="Rigs", here=HERE, rigs=found)
