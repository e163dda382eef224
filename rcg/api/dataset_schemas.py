"""What the routes of datasets take and give. Times are milliseconds since 1970 UTC, coordinates pixels."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, Field, StringConstraints, model_validator

from rcg.api.item_schemas import ItemState, LabelState
from rcg.api.schemas import In, JobOut, LongText, PageOut
from rcg.api.version_schemas import VersionRef
from rcg.datasets.schema import LabelSchema

ImportFormat = Literal["auto", "coco_json", "yolo_txt", "pascal_voc", "custom_json"]
ExportFormat = Literal[
    "coco_json", "yolo_txt", "yolo_txt:detect", "yolo_txt:segment", "yolo_txt:pose", "pascal_voc",
    "custom_json", "folder",
]  # fmt: skip


def _fits_addresses(name: str) -> str:
    if any(char in "/\\" or ord(char) < 32 for char in name) or not name.strip("."):
        raise ValueError("a dataset's name stands in addresses: no slashes, no line breaks, not dots alone")
    return name


DatasetName = Annotated[
    str,
    StringConstraints(strip_whitespace=True, min_length=1, max_length=100),
    AfterValidator(_fits_addresses),
]
KindName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=64)]


class DatasetOut(BaseModel):
    """A dataset as lists show it."""

    id: str
    name: str
    kind: str
    kind_title: str
    description: str
    items: int
    labelled: int = Field(description="items that a version would hold: labelled, and readable")
    annotations: int
    classes: dict[str, int] = Field(description="annotations by class")
    states: dict[ItemState, int] = Field(description="items by state")
    label_states: dict[LabelState, int] = Field(description="items by label state")
    versions: int
    latest_version: VersionRef | None
    thumbnails: list[str] = Field(description="addresses of up to four small pictures")
    created_at: int
    updated_at: int


class DatasetDetail(DatasetOut):
    """A dataset by itself."""

    label_schema: LabelSchema
    recipe_id: str | None
    jobs: list[JobOut] = Field(description="queued and running jobs about it")


class DatasetPage(PageOut):
    """A page of datasets; ``datasets`` is the same list as ``items``."""

    success: Literal[True] = True
    items: list[DatasetOut]
    datasets: list[DatasetOut]


class DatasetIn(In):
    """A new dataset."""

    name: DatasetName
    kind: KindName
    description: LongText = ""


class DatasetPatch(In):
    """What to change of a dataset; what is left out stays."""

    name: DatasetName | None = None
    description: LongText | None = None
    label_schema: LabelSchema | None = None
    recipe_id: str | None = None
    renames: dict[str, str] | None = Field(
        None,
        description="classes and points that get another name, old: new; null: a new name in the place of an "
        "old one is taken for its new name",
    )
    drop_annotations: bool = Field(False, description="delete the annotations of classes that go")


class CopyIn(In):
    """The copy's name."""

    name: DatasetName | None = Field(None, description="null: a free name like the old one")


class RenderIn(In):
    """Which cards to render into a new dataset."""

    name: DatasetName
    kind: KindName
    cards: int = Field(ge=1, le=100_000)
    seed: int = Field(1, ge=0, le=2**31 - 1)


class RenderMoreIn(In):
    """Which cards to render into a dataset that is there."""

    cards: int = Field(ge=1, le=100_000)
    seed: int = Field(1, ge=0, le=2**31 - 1)


class CapturesIn(In):
    """Which captures become items."""

    card_ids: list[str] = Field([], max_length=10_000)
    capture_ids: list[str] = Field([], max_length=10_000)
    all: bool = Field(False, description="every card's newest capture of each side")
    px_per_mm: float | None = Field(None, ge=2, le=60, description="scale of the items; null: of the maps")

    @model_validator(mode="after")
    def _something(self) -> CapturesIn:
        if not (self.card_ids or self.capture_ids or self.all):
            raise ValueError("name card_ids or capture_ids, or set all")
        return self


class FolderImportIn(In):
    """A folder on the server's own disk: its name below data/inbox or data/revolutionary_datasets."""

    folder: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=400)]
    annotation_format: ImportFormat = "auto"


class ExportIn(In):
    """What to write."""

    format: ExportFormat = "coco_json"
    version: int | str | None = Field(
        None, description="number or id of a version; null: everything as it is now"
    )
    images: bool = Field(True, description="False: annotations alone")


class DatasetFileAnswer(BaseModel):
    """What became of one file of an upload."""

    file_name: str
    accepted: bool
    item_id: str | None = None
    item_name: str | None = Field(None, description="its name in the dataset")
    known: bool = Field(False, description="this very picture was there already under this name")
    width: int | None = None
    height: int | None = None
    format: str | None = None
    reason: str | None = Field(None, description="why it was refused, or what to know")
    hint: str | None = None


class DatasetFilesOut(BaseModel):
    """What became of an upload of images."""

    files: list[DatasetFileAnswer]
    accepted: int
    refused: int
    job: JobOut | None = Field(description="makes the small pictures; null when nothing was new")


class DatasetJobOut(BaseModel):
    """A dataset and the job that fills it."""

    dataset: DatasetDetail
    job: JobOut


class LegacyOut(BaseModel):
    """A folder of an older program that can be imported."""

    folder: str
    name: str
    kind: str | None
    images: int
    annotations: int
    formats: list[str]
    imported_as: str | None = Field(description="name of the dataset that it became, where it did")
    note: str


class LegacyImportIn(In):
    """How to take an older folder in."""

    name: DatasetName | None = Field(None, description="null: the folder's own name")
    kind: KindName | None = Field(None, description="null: as the folder says")
