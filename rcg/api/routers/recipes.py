"""Augmentation recipes and their preview."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path
from fastapi.responses import FileResponse

from rcg.api import schemas
from rcg.api.deps import ContainerDep
from rcg.api.recipe_schemas import CheckIn, CheckOut, OpOut, PreviewIn, RecipeIn, RecipeOut, RecipesOut
from rcg.api.services import recipes

router = APIRouter(prefix="/recipes", tags=["recipes"])
_IMMUTABLE = "private, max-age=31536000, immutable"
RecipeId = Annotated[str, Path(max_length=100, description="id or name")]
DatasetId = Annotated[str, Path(max_length=200, description="id or name")]
JobId = Annotated[str, Path(pattern=r"^[0-9a-f]{32}$")]
PictureName = Annotated[str, Path(pattern=r"^(before|[0-9]{1,2})\.[A-Za-z0-9_-]{1,64}\.webp$")]


@router.get("")
def list_recipes(container: ContainerDep) -> RecipesOut:
    """Every recipe, and those that kinds begin with."""
    return recipes.listing(container)


@router.post("", status_code=201)
def create_recipe(body: RecipeIn, container: ContainerDep) -> RecipeOut:
    """Save a recipe."""
    return recipes.create(container, body)


@router.get("/ops")
def list_ops() -> list[OpOut]:
    """Every operation with its parameters, their limits and units."""
    return recipes.ops()


@router.post("/check")
def check_recipe(body: CheckIn, container: ContainerDep) -> CheckOut:
    """What the labels of a dataset or a kind cannot follow."""
    return recipes.judge(container, body)


@router.post("/preview", status_code=202)
def preview_recipe(body: PreviewIn, container: ContainerDep) -> schemas.JobOut:
    """Draw a recipe on an item. The job's result holds the pictures and shapes of every draw."""
    return recipes.preview(container, body)


@router.get("/preview/{job_id}/{name}", response_class=FileResponse)
def preview_picture(job_id: JobId, name: PictureName, container: ContainerDep) -> FileResponse:
    """A picture of a preview. The newest previews are kept."""
    path = recipes.picture(container, job_id, name)
    return FileResponse(path, media_type="image/webp", headers={"cache-control": _IMMUTABLE})


@router.get("/{recipe_id}")
def get_recipe(recipe_id: RecipeId, container: ContainerDep) -> RecipeOut:
    """A recipe."""
    return recipes.get(container, recipe_id)


@router.put("/{recipe_id}")
def change_recipe(recipe_id: RecipeId, body: RecipeIn, container: ContainerDep) -> RecipeOut:
    """Replace a recipe. Versions that were made with it keep their copy."""
    return recipes.change(container, recipe_id, body)


@router.delete("/{recipe_id}", status_code=204)
def delete_recipe(recipe_id: RecipeId, container: ContainerDep) -> None:
    """Delete a recipe. Datasets whose default it was have none; versions keep their copy."""
    recipes.delete(container, recipe_id)


@router.put("/{recipe_id}/datasets/{dataset_id}")
def use_recipe(recipe_id: RecipeId, dataset_id: DatasetId, container: ContainerDep) -> RecipeOut:
    """Make a recipe the default of a dataset's new versions."""
    return recipes.use(container, recipe_id, dataset_id, True)


@router.delete("/{recipe_id}/datasets/{dataset_id}")
def stop_using_recipe(recipe_id: RecipeId, dataset_id: DatasetId, container: ContainerDep) -> RecipeOut:
    """Take the default away from a dataset."""
    return recipes.use(container, recipe_id, dataset_id, False)
