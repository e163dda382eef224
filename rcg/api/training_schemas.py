"""What the routes of training take and give. Times are milliseconds since 1970 UTC."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

from rcg.api.schemas import In, JobOut, Name, PageOut
from rcg.api.training_aliases import translate
from rcg.api.version_schemas import VersionRef
from rcg.training.spec import Preset

RunState = Literal["queued", "running", "pausing", "paused", "stopping", "done", "failed", "cancelled"]
Action = Literal["pause", "resume", "stop", "cancel", "extend", "evaluate", "delete"]
Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=100)]
LaunchToken = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{4,64}$")]
Overrides = Annotated[dict[str, Any], Field(max_length=200)]


class PlanIn(In):
    """What to train on what."""

    dataset: Text = Field(description="id or name")
    version: int | Text | None = Field(
        None, description="number or id of a version; null: the newest, made if there is none"
    )
    architecture: Text | None = Field(None, description="null: the one that fits the dataset best")
    preset: Preset = "quick"
    set: Overrides = Field(default_factory=dict, description="dotted option: value, as the plan names them")


class StartIn(PlanIn):
    """A run to launch. Options may also stand beside ``set``, under the names that older scripts use:
    ``dataset_id``, ``model_type``, ``batch_size``, ``learning_rate``, ``target_accuracy`` and their like."""

    name: Name | None = Field(None, description="null: one that says what it is")
    launch_token: LaunchToken | None = Field(
        None, description="made by the caller: the same one twice is one run"
    )
    epochs: Annotated[float, Field(gt=0, le=100_000)] | None = Field(
        None, description="passes over the training items, in place of set.steps"
    )
    kind: Text | None = Field(None, description="refused when the dataset is of another kind")

    @model_validator(mode="before")
    @classmethod
    def _in_our_words(cls, body: Any) -> Any:
        return translate(body) if isinstance(body, dict) else body


class ExtendIn(In):
    """How long a run shall be."""

    steps: int = Field(ge=1, le=10_000_000, description="its steps in all, more than it has now")


class ArchitectureOut(BaseModel):
    """An architecture, and whether it fits."""

    name: str
    title: str
    description: str
    ok: bool = Field(description="whether it can learn the dataset; true where none was named")
    reason: str = Field(description="why, or why not and what to do")
    tasks: list[str]
    needs_relief: bool
    backbones: list[str]


class PlanVersion(VersionRef):
    """A version to choose."""

    note: str
    train: int
    val: int
    created_at: int


class PlanOut(BaseModel):
    """A spec with the reason for each value, and what to choose from."""

    success: Literal[True] = True
    dataset: str
    dataset_id: str
    version: PlanVersion
    version_made: bool = Field(description="whether it was made just now, because there was none")
    spec: dict[str, Any]
    fields: list[dict[str, Any]]
    warnings: list[dict[str, Any]]
    architectures: list[ArchitectureOut]
    versions: list[PlanVersion]


class PreflightOut(BaseModel):
    """The job whose result says how long and how much memory."""

    success: Literal[True] = True
    job_id: str
    job: JobOut


class RunRef(BaseModel):
    """A run by name."""

    id: str
    name: str
    state: RunState


class QueueOut(BaseModel):
    """Where a run waits."""

    place: int = Field(description="1: the next to go")
    behind: list[RunRef] = Field(description="what goes before it, the first first")


class TargetOut(BaseModel):
    """What is enough."""

    metric: str
    value: float
    reached: bool


class EtaOut(BaseModel):
    """Seconds that are left, as a range."""

    seconds_p10: float
    seconds_p50: float
    seconds_p90: float


class RunSummary(BaseModel):
    """A run as lists show it."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    name: str
    dataset: str
    dataset_id: str | None
    version: int
    version_id: str | None
    kind: str
    architecture: str
    preset: str
    state: RunState
    step: int
    steps: int
    progress: float = Field(description="0..1, by steps")
    metric: str | None
    best: float | None
    best_step: int | None
    target: TargetOut | None
    stopped_by: str
    error: dict[str, Any] | None
    job_id: str | None
    model_id: str | None
    created_at: int
    started_at: int | None
    finished_at: int | None


class RunPage(PageOut):
    """A page of runs."""

    items: list[RunSummary]


class RunOut(RunSummary):
    """A run by itself."""

    success: Literal[True] = True
    training_id: str
    message: str = Field(description="how it stands, in a sentence")
    can: list[Action] = Field(description="what may be asked of it now")
    cancelling: bool
    queue: QueueOut | None
    eta: EtaOut | None
    attempts: int
    checkpoint_step: int | None = Field(description="where it would go on from")
    model_name: str | None
    twin: RunRef | None = Field(description="the same training without relief, or with, to compare")
    spec: dict[str, Any]
    spec_sha256: str
    defaults_diff: list[dict[str, Any]] = Field(
        description="fields of the plan that were set otherwise than it proposed"
    )


class EventsOut(BaseModel):
    """Rows of a run's history, as they were written and told."""

    events: list[dict[str, Any]]
    last_seq: int = Field(description="of the newest row there is; -1 when there is none")
    more: bool = Field(description="whether rows follow the last of these")


class ComparedItem(BaseModel):
    """One held-out item as the two networks see it. Shapes are in pixels of ``width`` x ``height``."""

    item: str
    name: str
    width: int
    height: int
    url: str
    truth: list[dict[str, Any]]
    with_relief: list[dict[str, Any]]
    without_relief: list[dict[str, Any]]


class ComparedRun(RunRef):
    """One of the two networks: what it was given, and how well it found each class."""

    step: int | None
    channels: list[str]
    metrics: dict[str, float]
    per_class: dict[str, dict[str, float]]


class ComparisonOut(BaseModel):
    """The same training with and without relief, on cards that neither has seen."""

    metric: str
    with_relief: ComparedRun
    without_relief: ComparedRun | None
    items: list[ComparedItem] = Field(description="those first in which relief makes the difference")
    message: str


class FirstModelOut(BaseModel):
    """The way of a first model."""

    success: Literal[True] = True
    dataset_id: str
    job_id: str
    run_id: str | None = Field(description="null until the cards are rendered")
    state: str = Field(description="rendering, or the run's state")


class ModelOut(BaseModel):
    """A model."""

    model_config = ConfigDict(from_attributes=True, protected_namespaces=())

    id: str
    name: str
    run_id: str | None
    dataset_name: str
    version_id: str | None
    kind: str
    architecture: str
    task: str
    weights_sha256: str
    metrics: dict[str, Any]
    in_use: bool
    created_at: int


class ModelDetail(ModelOut):
    """A model by itself."""

    config: dict[str, Any]


class ModelPage(PageOut):
    """A page of models."""

    items: list[ModelOut]


class UseIn(In):
    """Whether grading shall use a model."""

    use: bool = True


class UseOut(ModelDetail):
    """A model, and which one it took the place of."""

    released: list[ModelOut] = Field(description="models of the same kind that grading used until now")
    message: str


class ModelPatch(In):
    """A model's new name."""

    name: Name


class PredictIn(In):
    """What to pre-label: a dataset's unlabelled items, or some of them."""

    dataset_id: Text | None = Field(None, description="id or name; null: that of the items")
    item_ids: list[Text] | None = Field(None, max_length=10_000, description="null: all without labels")
    least_score: float = Field(0.3, ge=0, le=1, description="predictions below are left out")


class ExecuteIn(StartIn):
    """A run to launch, as the owner's scripts do; with ``initialization_id`` what was initialised."""

    dataset: Text | None = None  # type: ignore[assignment]
    initialization_id: Text | None = Field(None, description="of a pre-flight; null: the options given here")


class InitializeOut(PreflightOut):
    """A pre-flight, with the name by which to execute it."""

    initialization_id: str
    status: Literal["initializing"] = "initializing"
    training_plan: dict[str, Any]
    warnings: list[dict[str, Any]]


class ProgressOut(BaseModel):
    """How far a run is, in the names of the owner's scripts."""

    success: Literal[True] = True
    training_id: str
    status: RunState
    message: str
    progress: float = Field(description="0..1")
    progress_percent: float
    current_step: int
    total_steps: int
    current_epoch: float | None
    loss: float | None
    learning_rate: float | None
    metric: str | None
    best_metric: float | None
    best_step: int | None
    eta_seconds: float | None
    eta: EtaOut | None
    queue_position: int | None
    error: dict[str, Any] | None


class MetricsOut(BaseModel):
    """What a run has measured: of the held-out part at each evaluation, and while training."""

    success: Literal[True] = True
    training_id: str
    metric: str | None
    best: float | None
    best_step: int | None
    current: dict[str, float] = Field(description="of the last evaluation")
    per_class: dict[str, dict[str, float]]
    interval: dict[str, list[float]]
    history: list[dict[str, Any]] = Field(description="step and metrics of each evaluation")
    training: list[dict[str, Any]] = Field(description="step, loss, lr; of a long run every so many rows")


class TrainingLogLine(BaseModel):
    """A line of a run's log."""

    t: int
    timestamp: str
    level: str
    attempt: int
    message: str


class TrainingLogsOut(BaseModel):
    """A run's log, its end."""

    success: Literal[True] = True
    training_id: str
    total: int
    logs: list[TrainingLogLine]


class TrainingStatusOut(BaseModel):
    """What trains, waits, and ended last."""

    success: Literal[True] = True
    status: Literal["idle", "training"]
    message: str
    active: list[RunSummary]
    recent: list[RunSummary]
    runs: dict[str, int] = Field(description="how many in each state")
    models: int
    gpus: int
