"""What the API takes and gives. Times are milliseconds since 1970 UTC, lengths millimetres."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from rcg.api.auth.principal import Scope
from rcg.photometric.lights import LightsSpec

SideName = Literal["front", "back"]
JobState = Literal["queued", "running", "done", "failed", "cancelled", "dead"]
Name = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]
ShortText = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200)]
LongText = Annotated[str, StringConstraints(strip_whitespace=True, max_length=10_000)]
LightName = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
Count = Annotated[int, Field(ge=0, le=2**31 - 1)]
Millimetres = Annotated[float, Field(ge=10, le=500, allow_inf_nan=False)]


class In(BaseModel):
    """A body that comes in; unknown keys are errors, so that a typo is found."""

    model_config = ConfigDict(extra="forbid")


class Out(BaseModel):
    """A body that goes out, read from a row."""

    model_config = ConfigDict(from_attributes=True)


class ErrorBody(BaseModel):
    """The one form of every error."""

    error: str = Field(description="stable name of the kind of error")
    detail: str = Field(description="what was wrong, with the value")
    hint: str = Field(description="what to do")
    data: dict[str, Any] | None = None


class PageOut(BaseModel):
    """Where a page of a list stands in it."""

    total: int
    offset: int
    limit: int
    next_offset: int | None = Field(description="where the next page starts; null on the last one")


class BlobOut(Out):
    """A stored file."""

    sha256: str
    bytes: int
    media_type: str


class FrameOut(Out):
    """One photograph under one light."""

    light: str
    position: int
    sha256: str = Field(validation_alias="blob_sha256")
    file_name: str
    meta: dict[str, Any] | None = Field(None, description="how it was taken, where a capture session took it")
    created_at: int

    model_config = ConfigDict(from_attributes=True, populate_by_name=True)


class CaptureOut(Out):
    """One side of one card, a frame per light."""

    id: str
    card_id: str
    side: SideName
    lights: LightsSpec | None
    created_at: int
    frames: list[FrameOut]


class GradeSummary(Out):
    """What a list shows of a grade."""

    id: str
    card_id: str
    job_id: str
    overall: str | None
    score: float | None
    created_at: int
    report_url: str
    thumbnail_url: str | None = Field(description="small picture of the first side, where there is one")


class CardOut(Out):
    """A card with its captures and grades, newest grade first."""

    id: str
    name: str
    set_name: str
    notes: str
    width_mm: float | None
    height_mm: float | None
    created_at: int
    captures: list[CaptureOut]
    grades: list[GradeSummary]


class CardPage(PageOut):
    """A page of cards."""

    items: list[CardOut]


class CardIn(In):
    """A new card."""

    name: Name
    set_name: ShortText = ""
    notes: Annotated[str, StringConstraints(max_length=10_000)] = ""
    width_mm: Millimetres | None = Field(None, description="null: the default size, 63 x 88 mm")
    height_mm: Millimetres | None = None


class CardPatch(In):
    """What to change of a card; what is left out stays."""

    name: Name | None = None
    set_name: ShortText | None = None
    notes: Annotated[str, StringConstraints(max_length=10_000)] | None = None
    width_mm: Millimetres | None = None
    height_mm: Millimetres | None = None


class CaptureIn(In):
    """A new capture."""

    side: SideName
    lights: LightsSpec | None = Field(None, description="where the lights are; null: the frames' names tell")


class LightsIn(In):
    """The lights of a capture."""

    lights: LightsSpec | None


class FrameIn(In):
    """Which stored file is the frame of a light."""

    sha256: Sha256
    file_name: ShortText = ""
    position: int | None = Field(None, ge=0, le=1000, description="order; null: last, or as before")


class FileAnswer(BaseModel):
    """What became of one file of an upload."""

    file_name: str
    accepted: bool
    light: str | None = None
    sha256: str | None = None
    reason: str | None = Field(None, description="why it was refused")
    hint: str | None = None


class FilesOut(BaseModel):
    """What became of an upload."""

    capture: CaptureOut
    files: list[FileAnswer]


class JobOut(Out):
    """A unit of queued work."""

    id: str
    kind: str
    title: str
    subject: str | None
    resource: str
    state: JobState
    attempt: int
    crashes: int
    losses: int
    cancel_requested: bool
    progress: float
    message: str
    result: dict[str, Any] | None
    error: dict[str, Any] | None
    created_at: int
    started_at: int | None
    finished_at: int | None


class JobPage(PageOut):
    """A page of jobs."""

    items: list[JobOut]


class LogLine(BaseModel):
    """A line of a job's log."""

    at: int
    level: str
    attempt: int
    text: str


class OneShotOut(BaseModel):
    """What POST /grade made."""

    card: CardOut
    files: list[FileAnswer]
    job: JobOut


class LayerOut(BaseModel):
    """A picture of one map or frame. Its card fills it but for the margin on each side."""

    side: SideName
    name: str
    url: str
    width_px: int
    height_px: int
    px_per_mm: float
    margin_mm: float


class RedeemIn(In):
    """The secret of a one-time link: what stands behind its #; or a pairing's six digits."""

    secret: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class MeOut(BaseModel):
    """Who is asking."""

    kind: Literal["session", "token"]
    id: str
    name: str
    scopes: list[Scope]
    expires_at: int | None


class SessionOut(Out):
    """A signed-in device."""

    id: str
    kind: Literal["browser", "phone"] = Field(description="a phone may look and capture, no more")
    device: str
    created_at: int
    last_seen_at: int
    current: bool = False


class SessionPatch(In):
    """A device's new name."""

    device: Name


class LinkIn(In):
    """What the link is for."""

    purpose: Literal["sign_in"] = "sign_in"


class PairingOut(BaseModel):
    """What lets one phone in, once: open ``path`` on it, or type the code at ``/pair``."""

    path: str
    code: str = Field(description="six digits")
    expires_at: int


class LinkOut(BaseModel):
    """A one-time link. Open ``path`` on this server."""

    path: str
    expires_at: int | None


class TokenIn(In):
    """A new token."""

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
    scopes: Annotated[list[Scope], Field(min_length=1)]
    days: Annotated[float, Field(gt=0, le=36_500, allow_inf_nan=False)] | None = Field(
        None, description="null: until it is revoked"
    )


class TokenOut(Out):
    """A token, without its secret."""

    id: str
    name: str
    scopes: list[Scope]
    created_at: int
    expires_at: int | None
    last_used_at: int | None


class NewTokenOut(TokenOut):
    """A token just made."""

    token: str = Field(description="shown this once; only its hash is kept")


class DemoIn(In):
    """Which card to render."""

    seed: int | None = Field(
        None, ge=0, le=2**31 - 1, description="the same seed gives the same card; without one, the next"
    )
    item: tuple[Count, Count] | None = Field(
        None, description="seed and number of a card of a rendered dataset: that card, photographed"
    )


class CpuOut(BaseModel):
    """The processor."""

    percent: float = Field(description="load since the last time it was asked")
    cores: int
    load_average: list[float] = Field(description="jobs that wanted the processor, over 1, 5 and 15 minutes")


class MemoryOut(BaseModel):
    """The computer's memory."""

    available_bytes: int
    total_bytes: int


class DiskOut(BaseModel):
    """The disk of the data folder."""

    folder: str
    free_bytes: int
    total_bytes: int
    files_bytes: int = Field(description="what RCG's stored files take")


class GpuOut(BaseModel):
    """One GPU, as its driver reports it; null where it does not."""

    index: int
    name: str
    memory_used_bytes: int
    memory_total_bytes: int
    percent: float | None = Field(description="share of time it was busy")
    temperature_c: float | None


class SystemOut(BaseModel):
    """How the computer is doing."""

    version: str
    uptime_s: float
    cpu: CpuOut
    memory: MemoryOut
    disk: DiskOut
    gpus: list[GpuOut]
    gpu_note: str | None = Field(description="why there is no GPU in the list")
    cards: int
    grades: int
    jobs: dict[str, int] = Field(description="how many in each state")


class SettingOut(BaseModel):
    """One setting."""

    name: str = Field(description="dotted, as in the file: server.port")
    value: str = Field(description="for people; secrets hidden")
    source: str = Field(description="file and line, or environment variable, that set it")


class LogsOut(BaseModel):
    """The end of the server's log."""

    file: str
    lines: list[str]
