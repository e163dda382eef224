"""What the routes that the owner's scripts call take and give for datasets."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, Field

from rcg.api.dataset_schemas import DatasetDetail, DatasetFilesOut, DatasetName, KindName
from rcg.api.schemas import In, JobOut, LongText
from rcg.api.version_schemas import VersionOut


class OwnerCreateIn(In):
    """A new dataset as the owner's scripts ask for it."""

    name: DatasetName
    model_type: KindName = Field(description="a kind or its alias")
    description: LongText = ""


class OwnerCreatedOut(BaseModel):
    """The dataset that was made, and where its files go."""

    success: Literal[True] = True
    dataset_id: str
    metadata: dict[str, Any]
    upload_endpoints: dict[str, str]


class OwnerImagesOut(DatasetFilesOut):
    """What became of an upload of images."""

    success: bool = Field(description="whether every file was accepted")
    uploaded_count: int
    failed_count: int


class OwnerAnnotationsOut(BaseModel):
    """The job that reads the annotations."""

    success: Literal[True] = True
    job_id: str
    job: JobOut
    message: str


class OwnerManageOut(BaseModel):
    """Everything to manage a dataset with."""

    success: Literal[True] = True
    dataset: DatasetDetail
    metadata: dict[str, Any]
    statistics: dict[str, Any]
    problems: list[dict[str, Any]]
    readiness: dict[str, Any]
    versions: list[VersionOut]
    upload_endpoints: dict[str, str]
    actions: dict[str, str] = Field(description="what can be done with it, and where")


class OwnerDiscoverOut(BaseModel):
    """Every dataset with what can be trained on it. Advice, never a gate."""

    success: Literal[True] = True
    datasets: list[dict[str, Any]]
    total: int
