"""Recipes: the list, and the editor with its preview on the user's own items."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any
from urllib.parse import urlencode

from fastapi import APIRouter
from starlette.requests import Request
from starlette.responses import Response

from rcg.api.services import recipes as service
from rcg.datasets.augment import OPS, defaults, parse
from rcg.datasets.kinds import resolve
from rcg.datasets.schema import Kind
from rcg.errors import InputError
from rcg.store.db import Session
from rcg.store.repositories import datasets, recipes
from rcg.web.commands import Commands, curl
from rcg.web.pages import ContainerDep, PagesDep, base_url

router = APIRouter()
HERE = "/augment/"
_FIRST_KIND = "surface_damage"


@dataclass(frozen=True)
class Row:
    """A recipe in the list."""

    href: str
    name: str
    steps: list[tuple[str, str]]
    datasets: str = ""
    id: str = ""
    updated_at: int | None = None


@dataclass(frozen=True)
class Choice:
    """A dataset to look at recipes on."""

    id: str
    name: str
    kind: str
    items: int
    classes: list[dict[str, Any]]
    skeleton: list[tuple[str, str]]
    recipe_id: str | None


@router.get("/")
def recipes_page(request: Request, pages: PagesDep, container: ContainerDep, dataset: str = "") -> Response:
    """The user's recipes, and those that kinds begin with; ``dataset`` is looked at in the editor."""
    on = f"?{urlencode({'dataset': dataset})}" if dataset else ""
    with container.db.read() as session:
        users = recipes.users(session)
        mine = [
            Row(
                f"{HERE}{row.id}{on}", row.name, summary(row.body),
                ", ".join(name for _, name in users.get(row.id, [])), row.id, row.updated_at,
            )
            for row in recipes.listing(session)
        ]  # fmt: skip
        kinds = service.kinds_of(session)
    begin = [_begin(kind, dataset) for kind in kinds.values()]
    commands = Commands(
        curl=curl(base_url(request), container.settings, path="/api/recipes"),
        cli=_notebook("recipe = parse(json.load(open('recipe.json')))"),
    )
    return pages.page(
        "augment/recipes.html", title="Augment", here=HERE, mine=mine, begin=begin, on=on, commands=commands
    )


@router.get("/new")
def new_page(
    request: Request,
    pages: PagesDep,
    container: ContainerDep,
    kind: str = "",
    copy: str = "",
    dataset: str = "",
) -> Response:
    """The editor with a recipe that is not saved yet: a kind's default, or a copy of another."""
    with container.db.read() as session:
        choices = _choices(session)
        if copy:
            row = recipes.get(session, copy)
            body = row.body | {"name": f"{row.name} (copy)"}
        else:
            body = _first_recipe(session, choices, kind, dataset)
    return _editor(request, pages, container, body, choices, asked=dataset, kind=kind)


@router.get("/{recipe_id}")
def recipe_page(
    recipe_id: str, request: Request, pages: PagesDep, container: ContainerDep, dataset: str = ""
) -> Response:
    """The editor with a saved recipe."""
    with container.db.read() as session:
        row = recipes.get(session, recipe_id)
        choices = _choices(session)
        used = [{"id": key, "name": name} for key, name in recipes.users(session).get(row.id, [])]
    return _editor(
        request, pages, container, row.body, choices, asked=dataset,
        saved={"id": row.id, "name": row.name, "updated_at": row.updated_at, "datasets": used},
    )  # fmt: skip


def summary(body: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Say a recipe's steps, each in a word and at length: ``("mirror 50 %", "Flip left and right")``."""
    words = []
    for step in body.get("steps", []):
        op = OPS.get(str(step.get("op")))
        if op is None or not step.get("on", True):
            continue
        p = float(step.get("p", op.p))
        words.append((op.word if p == 1 else f"{op.word} {100 * p:.0f}\u2009%", op.title))
    return words


def _begin(kind: Kind, dataset: str) -> Row:
    query = {"kind": kind.name} | ({"dataset": dataset} if dataset else {})
    return Row(f"{HERE}new?{urlencode(query)}", kind.title, summary(defaults(kind).model_dump()))


def _choices(session: Session) -> list[Choice]:
    found = []
    for row, items in recipes.datasets_with_items(session):
        schema = datasets.schema_of(row)
        classes = [
            {"name": item.name, "title": item.title or item.name, "colour": item.colour}
            for item in schema.classes
        ]
        found.append(Choice(row.id, row.name, row.kind, items, classes, schema.skeleton, row.recipe_id))
    return found


def _first_recipe(session: Session, choices: Sequence[Choice], kind: str, dataset: str) -> dict[str, Any]:
    kinds = service.kinds_of(session)
    if not kind:
        kind = datasets.get(session, dataset).kind if dataset else choices[0].kind if choices else _FIRST_KIND
    try:
        found = resolve(kind, kinds)
    except InputError:
        if dataset or choices:  # a dataset outlives the kind it was made of
            return {"name": "New recipe", "steps": []}
        raise
    return defaults(found).model_dump(mode="json")


def _editor(
    request: Request,
    pages: PagesDep,
    container: ContainerDep,
    body: dict[str, Any],
    choices: Sequence[Choice],
    *,
    asked: str,
    kind: str = "",
    saved: dict[str, Any] | None = None,
) -> Response:
    try:
        body, problem = parse(body).model_dump(mode="json"), ""
    except InputError as error:  # saved by another version of RCG
        body, problem = {"name": str(body.get("name", "Recipe")), "steps": []}, f"{error.detail} {error.hint}"
    users = {item["id"] for item in (saved or {}).get("datasets", [])}
    chosen = _chosen(choices, asked, kind, users)
    config = {
        "saved": saved,
        "recipe": body,
        "ops": [op.as_json() for op in OPS.values()],
        "datasets": [asdict(item) for item in choices],
        "dataset": chosen.id if chosen else None,
        "kind": kind or _FIRST_KIND,
        "curl": curl(base_url(request), container.settings, path="PATH"),
    }
    return pages.page(
        "augment/recipe.html",
        title=body["name"],
        here=HERE,
        crumbs=(("Augment", HERE), (body["name"], None)),
        config=json.dumps(config, separators=(",", ":")),
        choices=choices,
        chosen=chosen,
        saved=saved,
        name=body["name"],
        problem=problem,
        missing=asked if asked and chosen is None else "",
        commands=Commands(curl="", cli=""),
    )


def _chosen(choices: Sequence[Choice], asked: str, kind: str, users: set[str]) -> Choice | None:
    """Return the dataset that was asked for, else one whose default the recipe is, else one of the kind."""
    if asked:
        return next((item for item in choices if asked in (item.id, item.name)), None)
    liked = [item for item in choices if item.id in users] + [item for item in choices if item.kind == kind]
    return next(iter([*liked, *choices]), None)


def _notebook(line: str) -> str:
    return (
        "python - <<'EOF'\nimport json, numpy as np\n"
        f"from rcg.datasets.augment import apply, parse\n{line}\n"
        "print(recipe.model_dump_json(indent=1))\nEOF"
    )
