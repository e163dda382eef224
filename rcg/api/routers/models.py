"""Models: look, use."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query

from rcg.api import training_schemas as schemas
from rcg.api.deps import ContainerDep
from rcg.api.routers.cards import Limit, Offset
from rcg.api.schemas import JobOut
from rcg.api.services.training import models
from rcg.store.repositories.models import Sort

router = APIRouter(tags=["models"])
ModelId = Annotated[str, Path(min_length=1, max_length=64, description="id of a model")]


@router.get("/models")
def list_models(
    container: ContainerDep,
    q: Annotated[str, Query(max_length=200, description="text in name, dataset or architecture")] = "",
    kind: Annotated[str | None, Query(max_length=64)] = None,
    in_use: bool | None = None,
    sort: Sort = "newest",
    offset: Offset = 0,
    limit: Limit = 50,
) -> schemas.ModelPage:
    """A page of models."""
    return models.listing(container, q=q, kind=kind, in_use=in_use, sort=sort, offset=offset, limit=limit)


@router.get("/models/{model_id}")
def get_model(model_id: ModelId, container: ContainerDep) -> schemas.ModelDetail:
    """A model with all that is needed to build it again."""
    return models.get(container, model_id)


@router.patch("/models/{model_id}")
def rename_model(model_id: ModelId, body: schemas.ModelPatch, container: ContainerDep) -> schemas.ModelDetail:
    """Give a model another name."""
    return models.rename(container, model_id, body.name)


@router.delete("/models/{model_id}", status_code=204)
def delete_model(model_id: ModelId, container: ContainerDep) -> None:
    """Delete a model that grading does not use."""
    models.delete(container, model_id)


@router.post("/models/{model_id}/use")
def use_model(
    model_id: ModelId, container: ContainerDep, body: schemas.UseIn | None = None
) -> schemas.UseOut:
    """Let grading use it, or not. Of each kind it uses one; the answer says which one was released."""
    return models.use(container, model_id, wanted=(body or schemas.UseIn()).use)


@router.post("/models/{model_id}/predict", status_code=202)
def predict(model_id: ModelId, body: schemas.PredictIn, container: ContainerDep) -> JobOut:
    """Pre-label items that no person has labelled. The predictions wait in the annotator."""
    return models.predict(container, model_id, body)
