"""What the routes of datasets take and give. Times are milliseconds since 1970 UTC, coordinates pixels."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Field, StringConstraints, model_validator

from rcg.api.schemas import In, JobOut, PageOut
from rcg.datasets.schema import Annotation, LabelSchema, Split

LabelState = Literal["unlabelled", "predicted", "labelled"]
ItemState = Literal["pending", "ready", "broken"]
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
Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=10_000)]
Ids = Annotated[
    list[Annotated[str, StringConstraints(max_length=64)]], Field(min_length=1, max_length=10_000)
]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class VersionRef(BaseModel):
    """Which version."""

    id: str
    number: int


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
    description: Text = ""


class DatasetPatch(In):
    """What to change of a dataset; what is left out stays."""

    name: DatasetName | None = None
    description: Text | None = None
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


class SharesIn(In):
    """How cards are shared out; the three need not add up to 1."""

    train: Share = 0.8
    val: Share = 0.2
    test: Share = 0.0

    @model_validator(mode="after")
    def _some(self) -> SharesIn:
        if self.train <= 0:
            raise ValueError("train must be above 0")
        return self


class VersionIn(In):
    """A new version."""

    note: Text = ""
    shares: SharesIn = SharesIn()
    seed: int = Field(0, ge=0, le=2**31 - 1)
    recipe: dict[str, Any] | None = Field(None, description="augmentation recipe")
    recipe_id: str | None = Field(None, description="a stored recipe; both null: the dataset's own, if any")


class VersionOut(BaseModel):
    """An immutable version."""

    id: str
    dataset_id: str | None = Field(description="null: the dataset was deleted")
    dataset_name: str
    kind: str
    number: int
    note: str
    hash: str = Field(description="SHA-256 of its manifest")
    summary: dict[str, Any]
    split: dict[str, Any]
    recipe: dict[str, Any] | None
    created_at: int
    new: bool | None = Field(None, description="False: an equal version was there already and is this one")


class PartOut(BaseModel):
    """One part of a split."""

    items: int
    cards: int
    annotations: int


class SplitOut(BaseModel):
    """How a version would be split now."""

    seed: int
    shares: dict[str, float]
    parts: dict[Split, PartOut]
    left_out: dict[str, int] = Field(description="items that a version leaves out, by the reason")
    notes: list[str]


class LayerOut(BaseModel):
    """A layer of an item."""

    name: str
    role: str
    media_type: str
    url: str | None = Field(description="its picture; null while it is being made")
    data_url: str


class ItemOut(BaseModel):
    """An item of a dataset."""

    id: str
    dataset_id: str
    name: str
    position: int
    width: int
    height: int
    px_per_mm: float | None
    margin_mm: float
    side: str | None
    card_id: str | None
    card_key: str
    split: Split | None = Field(description="the part it was given to; null: the version's seed decides")
    source: str
    state: ItemState
    problem: str
    label_state: LabelState
    annotations: int
    classes: dict[str, int]
    thumbnail: str | None
    layers: list[LayerOut]
    revision: int


class ItemPage(PageOut):
    """A page of items."""

    items: list[ItemOut]


class Neighbours(BaseModel):
    """The items before and after, in the dataset's order."""

    previous: str | None
    next: str | None


class ItemDetail(ItemOut):
    """An item with its annotations."""

    dataset_name: str
    kind: str
    lights: dict[str, tuple[float, float, float]]
    shapes: list[Annotation] = Field(description="its annotations")
    neighbours: Neighbours


class ItemPatch(In):
    """What to change of an item; what is left out stays."""

    split: Split | None = None
    card_key: (
        Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)] | None
    ) = None
    px_per_mm: Annotated[float, Field(gt=0, le=1000, allow_inf_nan=False)] | None = None
    side: Literal["front", "back"] | None = None


class IdsIn(In):
    """Which items."""

    ids: Ids


class GoneOut(BaseModel):
    """How many were deleted."""

    deleted: int


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


class OwnerCreateIn(In):
    """A new dataset as the owner's scripts ask for it."""

    name: DatasetName
    model_type: KindName = Field(description="a kind or its alias")
    description: Text = ""


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
