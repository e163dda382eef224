"""Recipes: keep them, check them against labels, and have them drawn on an item."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rcg.api import schemas
from rcg.api.recipe_schemas import (
    CheckIn,
    CheckOut,
    DefaultOut,
    OpOut,
    PreviewIn,
    ProblemOut,
    RecipeIn,
    RecipeOut,
    RecipesOut,
    UserOut,
)
from rcg.api.services.views import job_out
from rcg.datasets.augment import OPS, check, defaults, parse, problems
from rcg.datasets.kinds import resolve, shipped
from rcg.datasets.manifest import ItemRecord, LayerRef
from rcg.datasets.schema import Annotation, Kind, LabelSchema
from rcg.errors import ConflictError, InputError, NotFoundError
from rcg.jobs.joblog import job_folder
from rcg.store.dataset_models import Recipe as RecipeRow
from rcg.store.repositories import annotations as labels
from rcg.store.repositories import datasets, items, kinds, recipes

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from rcg.container import Container
    from rcg.store.dataset_models import DatasetItem

PREVIEWS = "previews"
"""folder of the data folder with the pictures of the newest previews, one folder per job"""
KEPT_PREVIEWS = 40
_KEPT_ROWS = 4
"""jobs of previews that stay in the list of jobs: enough for every page to read its result"""


def ops() -> list[OpOut]:
    """Return every operation, for forms."""
    return [OpOut.model_validate(op.as_json()) for op in OPS.values()]


def listing(container: Container) -> RecipesOut:
    """Return the saved recipes and those that kinds begin with."""
    with container.db.read() as session:
        users = recipes.users(session)
        saved = [recipe_out(row, users) for row in recipes.listing(session)]
        known = kinds_of(session)
    found = [
        DefaultOut(kind=kind.name, title=kind.title, recipe=defaults(kind).model_dump(mode="json"))
        for kind in known.values()
    ]
    return RecipesOut(items=saved, defaults=found)


def get(container: Container, recipe_id: str) -> RecipeOut:
    """Return a recipe by id or name."""
    with container.db.read() as session:
        return recipe_out(recipes.get(session, recipe_id), recipes.users(session))


def create(container: Container, body: RecipeIn) -> RecipeOut:
    """Keep a recipe."""
    recipe = parse(body.recipe)
    with container.db.write() as session:
        row = recipes.save(session, None, recipe.name, recipe.model_dump(mode="json"))
        return recipe_out(row, {})


def change(container: Container, recipe_id: str, body: RecipeIn) -> RecipeOut:
    """Replace a recipe. Raises ConflictError when somebody else saved since ``updated_at``."""
    recipe = parse(body.recipe)
    with container.db.write() as session:
        row = recipes.get(session, recipe_id)
        if body.updated_at is not None and body.updated_at != row.updated_at:
            raise ConflictError(
                f"The recipe {row.name!r} was saved elsewhere since it was opened here.",
                "Save yours under another name, or load the page again to see the other one.",
            )
        recipes.save(session, row, recipe.name, recipe.model_dump(mode="json"))
        return recipe_out(row, recipes.users(session))


def delete(container: Container, recipe_id: str) -> None:
    """Delete a recipe. Datasets that had it as default have none; versions keep their copy."""
    with container.db.write() as session:
        recipes.delete(session, recipes.get(session, recipe_id))


def use(container: Container, recipe_id: str, dataset_id: str, on: bool) -> RecipeOut:
    """Make a recipe the default of a dataset's new versions, or not any more.

    Raises InputError when the dataset's labels cannot follow it.
    """
    with container.db.write() as session:
        row, dataset = recipes.get(session, recipe_id), datasets.get(session, dataset_id)
        if on:
            check(parse(row.body), datasets.schema_of(dataset))
            dataset.recipe_id = row.id
        elif dataset.recipe_id == row.id:
            dataset.recipe_id = None
        datasets.touch(dataset)
        session.flush()
        return recipe_out(row, recipes.users(session))


def judge(container: Container, body: CheckIn) -> CheckOut:
    """Return what the labels of a dataset or kind cannot follow."""
    if (body.dataset is None) == (body.kind is None):
        raise InputError("Name the labels to check against.", "Give either dataset or kind.")
    recipe = parse(body.recipe)
    with container.db.read() as session:
        schema = schema_of(session, body.dataset, body.kind)
    return CheckOut(
        problems=[
            ProblemOut(step=item.step, op=item.op, reason=item.reason, hint=item.hint)
            for item in problems(recipe, schema)
        ]
    )


def preview(container: Container, body: PreviewIn) -> schemas.JobOut:
    """Queue the drawing of a recipe on an item.

    Raises:
        NotFoundError: no such item.
        ConflictError: the item has not been looked at yet, or cannot be read.
        InputError: the recipe is none, or the labels cannot follow it.
    """
    recipe = parse(body.recipe)
    with container.db.write() as session:
        row = items.get(session, body.item_id)
        if row.state != "ready":
            raise ConflictError(
                f"{row.name} cannot be shown: "
                + ("its files are still being read." if row.state == "pending" else row.problem),
                "Wait for the job that reads them." if row.state == "pending" else "Choose another item.",
            )
        schema = datasets.schema_of(datasets.get(session, row.dataset_id))
        check(recipe, schema)
        unknown = [name for name in body.layers or [] if name not in {layer.name for layer in row.layers}]
        if unknown:
            raise InputError(
                f"{row.name} has no layer {unknown[0]!r}.",
                f"It has {', '.join(layer.name for layer in row.layers)}.",
            )
        gone = recipes.forget_previews(session, _KEPT_ROWS)
        spec = {
            "item": record_of(row, labels.of_item(session, row.id)).model_dump(mode="json"),
            "label_schema": schema.model_dump(mode="json"),
            "recipe": recipe.model_dump(mode="json"),
        } | body.model_dump(include={"seed", "count", "layers", "longest"})
        # Before everything else: somebody looks at the page and waits for it.
        job = container.jobs.submit(
            session,
            "augment_preview",
            spec,
            title=f"Draw {recipe.name} on {row.name}"[:200],
            subject=f"preview:{row.id}",
            band=0,
        )
        session.flush()
        shown = job_out(job)
    _sweep(container.settings.data_dir, gone)
    return shown


def picture(container: Container, job_id: str, name: str) -> Path:
    """Return the file of a preview's picture. Raises NotFoundError."""
    path = container.settings.data_dir / PREVIEWS / job_id / name
    if not path.is_file():
        raise NotFoundError(
            f"There is no picture {name!r} of preview {job_id!r}.",
            f"The newest {KEPT_PREVIEWS} previews are kept: POST /api/recipes/preview draws it again.",
        )
    return path


def record_of(row: DatasetItem, shapes: list[Annotation]) -> ItemRecord:
    """Return an item as a version would hold it."""
    return ItemRecord(
        id=row.id,
        name=row.name,
        width=row.width_px,
        height=row.height_px,
        px_per_mm=row.px_per_mm,
        margin_mm=row.margin_mm,
        card=row.card_key,
        side=row.side,
        split="train",
        layers=[
            LayerRef.model_validate(
                {
                    "name": layer.name,
                    "role": layer.role,
                    "sha256": layer.blob_sha256,
                    "media_type": layer.media_type,
                }
            )
            for layer in row.layers
        ],
        lights=row.lights or {},
        annotations=shapes,
    )


def kinds_of(session: Session) -> dict[str, Kind]:
    """Return the kinds that ship and the user's own, by name."""
    return shipped() | kinds.all_own(session)


def schema_of(session: Session, dataset: str | None, kind: str | None) -> LabelSchema:
    """Return the label schema of a dataset or a kind."""
    if dataset is not None:
        return datasets.schema_of(datasets.get(session, dataset))
    return resolve(kind or "", kinds_of(session)).label_schema


def recipe_out(row: RecipeRow, users: dict[str, list[tuple[str, str]]]) -> RecipeOut:
    """Return a row as it is given out."""
    return RecipeOut(
        id=row.id,
        name=row.name,
        recipe=_current(row.body),
        datasets=[UserOut(id=dataset_id, name=name) for dataset_id, name in users.get(row.id, [])],
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _current(body: dict[str, Any]) -> dict[str, Any]:
    """Return a recipe with every parameter there is today; one that is no recipe any more as it is."""
    try:
        return parse(body).model_dump(mode="json")
    except InputError:
        return body


def _sweep(data_dir: Path, gone: list[str]) -> None:
    """Remove the logs of forgotten jobs, and the pictures of all but the newest previews."""
    for job_id in gone:
        shutil.rmtree(job_folder(data_dir, job_id), ignore_errors=True)
    folder = data_dir / PREVIEWS
    if not folder.is_dir():
        return
    ages = sorted(((path.stat().st_mtime_ns, path) for path in folder.iterdir()), reverse=True)
    for _, path in ages[KEPT_PREVIEWS:]:
        shutil.rmtree(path, ignore_errors=True)
