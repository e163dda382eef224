"""Kinds: what one is, and the form to define one of one's own."""

from __future__ import annotations

from dataclasses import dataclass

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from rcg.api.services.datasets import kinds as kind_service
from rcg.datasets.layers import LIGHT_PREFIX
from rcg.datasets.schema import Kind
from rcg.store.repositories import kinds as kind_rows
from rcg.training.architectures import ARCHITECTURES
from rcg.training.metrics import METRICS
from rcg.web.commands import Commands, curl
from rcg.web.pages import ContainerDep, PagesDep, base_url
from rcg.web.studio.kind_cards import kind_card
from rcg.web.studio.path import counted

router = APIRouter(prefix="/kinds")
LIGHTS = tuple(f"{LIGHT_PREFIX}{number}" for number in range(1, 9))
LAYERS = (
    (("colour",), "Colour", "the photograph"),
    (("albedo",), "Albedo", "the print without light and gloss"),
    (("normal",), "Normals", "which way each spot of the surface faces"),
    (("height",), "Height", "micrometres above the card's plane"),
    (("curvature",), "Curvature", "dents and bumps stand out"),
    (("specular",), "Gloss", "where it mirrors"),
    (("confidence",), "Confidence", "how sure the measurement is"),
    (LIGHTS, "Lights 1 to 8", "the photograph under each light"),
)


@dataclass(frozen=True)
class LayerRow:
    """A layer, or the eight lights as one, and how a kind uses it."""

    names: tuple[str, ...]
    word: str
    says: str
    shown: bool
    needed: bool
    given: bool


@router.get("/new")
def new_kind(request: Request, pages: PagesDep, container: ContainerDep) -> Response:
    """A form that begins like a kind there is: ``from`` names it."""
    listed = {kind.name: kind for kind in kind_service.listing(container)}
    begin = listed.get(request.query_params.get("from", ""), listed["surface_damage"])
    return _form(pages, container, request, begin, listed, new=True)


@router.get("/{name}")
def kind_page(name: str, request: Request, pages: PagesDep, container: ContainerDep) -> Response:
    """One kind: a form for the user's own, a description of those that ship."""
    kind = kind_service.get(container, name)
    if not kind.shipped:
        return _form(pages, container, request, kind, {}, new=False)
    return pages.page(
        "studio/kind.html",
        title=kind.title,
        here="/studio/",
        crumbs=(("Datasets", "/studio/"), (kind.title, None)),
        kind=kind,
        card=kind_card(kind),
        layers=layer_rows(kind),
        architectures=[(each, ARCHITECTURES.get(each)) for each in kind.architectures],
        metric=METRICS.get(kind.metric),
        datasets=_datasets(container, kind.name),
        counted=counted,
    )


def _form(
    pages: PagesDep,
    container: ContainerDep,
    request: Request,
    kind: Kind,
    listed: dict[str, Kind],
    *,
    new: bool,
) -> Response:
    title = "A kind of your own" if new else kind.title
    path = "/api/kinds" if new else f"/api/kinds/{kind.name}"
    method = "POST" if new else "PUT"
    return pages.page(
        "studio/kind_form.html",
        title=title,
        here="/studio/",
        crumbs=(("Datasets", "/studio/"), (title, None)),
        kind=kind,
        new=new,
        starts=[(each.name, each.title, each.shipped) for each in listed.values()],
        layers=layer_rows(kind),
        architectures=list(ARCHITECTURES.values()),
        metrics=list(METRICS.values()),
        datasets=[] if new else _datasets(container, kind.name),
        used=None,
        counted=counted,
        commands=Commands(
            curl(base_url(request), container.settings, f"-X {method}", "--json @kind.json", path=path),
            "rcg dataset kinds --json\nrcg dataset create NAME --kind " + ("KIND" if new else kind.name),
        ),
    )


def layer_rows(kind: Kind) -> list[LayerRow]:
    """The layers with how a kind uses each; layers of another name that it lists come last."""
    known = {name for names, _, _ in LAYERS for name in names}
    others = dict.fromkeys([*kind.layers, *kind.required_layers, *kind.channels])
    rows = [*LAYERS, *(((name,), name, "a layer of your own") for name in others if name not in known)]
    return [
        LayerRow(
            names,
            word,
            says,
            shown=any(name in kind.layers for name in names),
            needed=any(name in kind.required_layers for name in names),
            given=any(name in kind.channels for name in names),
        )
        for names, word, says in rows
    ]


def _datasets(container: ContainerDep, name: str) -> list[str]:
    with container.db.read() as session:
        return list(kind_rows.datasets_of(session, name))
