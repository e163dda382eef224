"""What the routes of labelling take and give. Coordinates are pixels of the item's grid."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, Field, StringConstraints

from rcg.api.schemas import In
from rcg.datasets.schema import Annotation

OpId = Annotated[str, StringConstraints(pattern=r"^[0-9A-Za-z_-]{1,40}$")]
AnnotationId = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{32}$")]
Some = Annotated[list[Annotation], Field(min_length=1, max_length=20_000)]
MAX_OPS = 500


class OpBase(In):
    """An op's id is made by whoever sends it; the same one again is applied once."""

    op_id: OpId


class AddOp(OpBase):
    """Add annotations behind those that are there."""

    kind: Literal["add"]
    annotations: Some


class ChangeOp(OpBase):
    """Give annotations a new content; their place stays."""

    kind: Literal["change"]
    annotations: Some


class RemoveOp(OpBase):
    """Delete annotations. One that is gone already is no error."""

    kind: Literal["remove"]
    ids: Annotated[list[AnnotationId], Field(min_length=1, max_length=20_000)]


class StateOp(OpBase):
    """Say that an item is labelled, with or without annotations, or that it is not."""

    kind: Literal["set_state"]
    label_state: Literal["labelled", "unlabelled"]


class UndoOp(OpBase):
    """Take back or do again. ``target`` is the step that is meant; null: the next one there is."""

    kind: Literal["undo", "redo"]
    target: OpId | None = None


Op = Annotated[AddOp | ChangeOp | RemoveOp | StateOp | UndoOp, Field(discriminator="kind")]


class OpsIn(In):
    """Steps in their order: all are applied, or none."""

    base_revision: int | None = Field(
        None, ge=0, description="the revision they were made on; null: whatever it is now"
    )
    ops: Annotated[list[Op], Field(min_length=1, max_length=MAX_OPS)]


class OneStepIn(In):
    """An undo or redo."""

    op_id: OpId | None = Field(None, description="null: one is made")
    base_revision: int | None = Field(None, ge=0)


class LabelStateIn(In):
    """The label state an item gets."""

    label_state: Literal["labelled", "unlabelled"]


class AcceptIn(In):
    """Which predictions are right."""

    ids: list[AnnotationId] | Literal["all"]
    min_score: float = Field(0, ge=0, le=1, description="with all: those below it keep waiting")


class StepOut(BaseModel):
    """A step that can be undone or redone."""

    op_id: str
    words: str = Field(description="draw, change, delete")


class LabelsOut(BaseModel):
    """An item's annotations and what can be undone."""

    revision: int
    label_state: str
    annotations: list[Annotation]
    can_undo: bool
    can_redo: bool
    undo: StepOut | None
    redo: StepOut | None


class OpsOut(BaseModel):
    """What ops came to."""

    revision: int
    label_state: str
    applied: int = Field(description="ops that were new; the others had been applied before")
    changed: list[Annotation] = Field(description="annotations as undo, redo or accepting left them")
    removed: list[str] = Field(description="annotations that undo or redo took away")
    can_undo: bool
    can_redo: bool
    undo: StepOut | None
    redo: StepOut | None


class LabellingOut(BaseModel):
    """How far a dataset is, and where an item stands in it."""

    items: int = Field(description="that can be read")
    labelled: int
    predicted: int
    unlabelled: int
    predictions: int = Field(description="annotations that wait for a person")
    total: int = Field(description="items with those that cannot be read")
    index: int | None = Field(description="place of the item in the dataset's order, from 0")
    previous: str | None
    next: str | None
    next_open: str | None = Field(description="the next item that is not labelled")
