"""What the routes of weights take and answer."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from rcg.api.schemas import In, JobOut


class WeightsOut(BaseModel):
    """A file of weights that a training can begin with: set its option `weights` to the `sha256`."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    sha256: str
    name: str
    bytes: int
    tensors: int | None = Field(description="null: only loading would tell")
    source: Literal["file", "official"]
    backbone: str | None = Field(description="whose weights they are; null: unknown")
    norm: str | None = Field(description="that they were trained with; null: unknown")
    created_at: int


class ModelWeights(BaseModel):
    """A model whose weights a training can begin with."""

    id: str
    name: str
    sha256: str
    architecture: str
    backbone: str
    norm: str


class OfficialOut(BaseModel):
    """Official weights of a backbone: here, on their way, or to be had."""

    backbone: str
    trained_on: str
    file_name: str | None = Field(description="null: torchvision's own words could not be read")
    host: str | None = Field(description="who is asked for them")
    about_bytes: int | None = Field(description="torchvision's figure, rounded")
    weights: WeightsOut | None = Field(description="null: not here")
    job_id: str | None = Field(description="that fetches them now")


class WeightsListing(BaseModel):
    """What a training can begin with."""

    files: list[WeightsOut]
    models: list[ModelWeights]
    official: list[OfficialOut]


class WeightsAnswer(BaseModel):
    """What became of one file of an upload."""

    file_name: str
    accepted: bool
    weights: WeightsOut | None = None
    reason: str | None = None
    hint: str | None = None


class WeightsAdded(BaseModel):
    """What became of an upload."""

    files: list[WeightsAnswer]


class WeightsGone(BaseModel):
    """A file that is no longer offered."""

    deleted: str
    freed_bytes: int = Field(description="0 while something still names its bytes")
    kept_for: list[str] = Field(description="runs that began with it, which keep the bytes")


class OfficialIn(In):
    """Whose official weights."""

    backbone: str = Field(max_length=40)


class OfficialGet(BaseModel):
    """Official weights that are here already, or the job that fetches them."""

    backbone: str
    weights: WeightsOut | None
    job_id: str | None
    job: JobOut | None
