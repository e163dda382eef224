"""Annotations of an item, edited step by step."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from rcg.api import label_schemas as schemas
from rcg.api.deps import ContainerDep
from rcg.api.services import labels

router = APIRouter(tags=["annotations"])
ItemId = Annotated[str, Path(min_length=1, max_length=64, description="id of an item")]


@router.get("/items/{item_id}/annotations", response_model=schemas.LabelsOut)
def get_annotations(item_id: ItemId, container: ContainerDep) -> Response:
    """An item's annotations, its revision, and what undo and redo would take next."""
    return Response(
        labels.sheet(container, item_id), media_type="application/json", headers={"cache-control": "no-store"}
    )


@router.post("/items/{item_id}/ops")
def edit(item_id: ItemId, body: schemas.OpsIn, container: ContainerDep) -> schemas.OpsOut:
    """Add, change and remove annotations, undo and redo: all of the ops, or none.

    When this answers, the ops are on the disk. An op id that came before is not applied again, so a request
    whose answer was lost is simply sent again. 409 says that the item was changed elsewhere since
    `base_revision`; its `data` hold the present annotations.
    """
    return labels.edit(container, item_id, body)


@router.post("/items/{item_id}/undo")
def undo(item_id: ItemId, container: ContainerDep, body: schemas.OneStepIn | None = None) -> schemas.OpsOut:
    """Take back the last step."""
    return labels.undo(container, item_id, body or schemas.OneStepIn(), "undo")


@router.post("/items/{item_id}/redo")
def redo(item_id: ItemId, container: ContainerDep, body: schemas.OneStepIn | None = None) -> schemas.OpsOut:
    """Do the last step that was taken back again."""
    return labels.undo(container, item_id, body or schemas.OneStepIn(), "redo")


@router.post("/items/{item_id}/label-state")
def set_label_state(item_id: ItemId, body: schemas.LabelStateIn, container: ContainerDep) -> schemas.OpsOut:
    """Say that an item is labelled, with or without annotations, or that it is not."""
    return labels.set_state(container, item_id, body)


@router.post("/items/{item_id}/accept-predictions")
def accept_predictions(item_id: ItemId, body: schemas.AcceptIn, container: ContainerDep) -> schemas.OpsOut:
    """Take predictions for right: those named, or all of at least a score. One step to undo."""
    return labels.accept(container, item_id, body)


@router.get("/datasets/{dataset}/labelling")
def labelling(
    dataset: Annotated[str, Path(min_length=1, max_length=100, description="id or name of a dataset")],
    container: ContainerDep,
    item: Annotated[str | None, Query(max_length=64, description="an item: where it stands")] = None,
) -> schemas.LabellingOut:
    """How many items are labelled and how many are left; for an item its place and its neighbours."""
    return labels.progress(container, dataset, item)
