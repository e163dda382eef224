"""Runs and models as pages show them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from pydantic import ValidationError

from rcg.datasets.manifest import Header
from rcg.store.blobs import BlobStore
from rcg.store.db import now_ms
from rcg.store.training_models import Model, Run
from rcg.training.architectures import ARCHITECTURES
from rcg.training.metrics import METRICS, Metric
from rcg.web.formatting import number, sentence, unit

GOING = ("running", "pausing", "stopping")
ENDED = ("done", "failed", "cancelled")


@dataclass(frozen=True)
class Target:
    """What a run shall reach: the metric by name, the value, and whether the best has reached it."""

    metric: str
    value: float
    reached: bool


@dataclass(frozen=True)
class RunView:
    """A run in a list or at the head of its page.

    Attributes:
        dataset_href: None when the dataset is gone.
        measure: what the deciding metric is called, is measured in, and which way is better.
        took_s: seconds from its start to its end or to now; None before it began.
    """

    id: str
    href: str
    name: str
    state: str
    dataset: str
    dataset_id: str | None
    dataset_href: str | None
    version: int | None
    kind: str
    architecture: str
    preset: str
    step: int
    steps: int
    measure: Metric | None
    best: float | None
    best_step: int | None
    target: Target | None
    stopped_by: str
    error: Mapping[str, Any] | None
    job_id: str | None
    created_at: int
    started_at: int | None
    finished_at: int | None
    took_s: float | None

    @property
    def share(self) -> float:
        """How far it is, 0..1, by its steps."""
        return min(1.0, self.step / self.steps) if self.steps else 0.0

    @property
    def going(self) -> bool:
        """Whether it computes now."""
        return self.state in GOING

    @property
    def ended(self) -> bool:
        """Whether nothing more comes unless somebody asks."""
        return self.state in ENDED

    @property
    def again_href(self) -> str:
        """Where it is trained again with other options."""
        query: dict[str, str | int] = {"dataset": self.dataset_id or ""}
        if self.version is not None:
            query["version"] = self.version
        return "/train/new?" + urlencode(query | {"from": self.id})


def run_view(run: Run) -> RunView:
    """A run's row as a view."""
    dataset = run.spec.get("dataset")
    version = dataset.get("version") if isinstance(dataset, dict) else None
    measure = METRICS.get(run.metric or "")
    until = run.finished_at or (now_ms() if run.state in GOING else None)
    took = (until - run.started_at) / 1000 if until and run.started_at else None
    return RunView(
        id=run.id,
        href=f"/train/runs/{run.id}",
        name=run.name,
        state=run.state,
        dataset=run.dataset_name,
        dataset_id=run.dataset_id,
        dataset_href=f"/studio/datasets/{run.dataset_id}" if run.dataset_id else None,
        version=version,
        kind=run.kind,
        architecture=architecture_title(run.architecture),
        preset=run.preset,
        step=run.step,
        steps=run.steps,
        measure=measure,
        best=run.best,
        best_step=run.best_step,
        target=_target(run, measure),
        stopped_by=run.stopped_by,
        error=run.error,
        job_id=run.job_id,
        created_at=run.created_at,
        started_at=run.started_at,
        finished_at=run.finished_at,
        took_s=took,
    )


def _target(run: Run, measure: Metric | None) -> Target | None:
    stop = run.spec.get("stop")
    target = stop.get("target") if isinstance(stop, dict) else None
    if not isinstance(target, dict) or not isinstance(target.get("value"), int | float):
        return None
    name, value = str(target.get("metric") or run.metric), float(target["value"])
    aimed = METRICS.get(name, measure)
    comparable = run.best is not None and name == run.metric and aimed is not None
    reached = run.stopped_by == "target" or bool(
        comparable and aimed and aimed.reached(run.best or 0.0, value)
    )
    return Target(name, value, reached)


def architecture_title(name: str) -> str:
    """What an architecture is called; its identifier where this RCG does not know it."""
    known = ARCHITECTURES.get(name)
    return known.title if known else sentence(name)


def metric_title(name: str | None) -> str:
    """What a metric is called; its identifier where this RCG does not know it."""
    known = METRICS.get(name or "")
    return known.title if known else sentence(name or "")


def metric_value(name: str | None, value: float | None) -> str:
    """A metric's value: shares of 1 with three digits, lengths with their unit."""
    known = METRICS.get(name or "")
    return unit(value, known.unit, 2) if known and known.unit else number(value, 3)


def measures() -> dict[str, dict[str, Any]]:
    """What scripts of the pages must know of each metric."""
    return {
        name: {"title": one.title, "unit": one.unit, "higher": one.higher, "about": one.description}
        for name, one in METRICS.items()
    }


def classes_of(blobs: BlobStore, manifest_sha256: str | None) -> dict[str, dict[str, Any]]:
    """Titles and palette colours of a version's classes or points; empty where its manifest is gone."""
    try:
        with blobs.path(manifest_sha256 or "").open("rb") as file:
            schema = Header.model_validate_json(file.readline()).label_schema
    except (OSError, ValidationError, ValueError):
        return {}
    named = {
        one.name: {"title": one.title or sentence(one.name), "colour": one.colour} for one in schema.classes
    }
    points = {
        one.name: {"title": one.title or sentence(one.name), "colour": index % 8 + 1}
        for index, one in enumerate(schema.points)
    }
    return points | named


@dataclass(frozen=True)
class ClassRow:
    """One class of a result: the deciding metric with its interval, 0..1 or in the metric's unit."""

    name: str
    title: str
    colour: int
    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class ModelView:
    """A model in a list or on its page."""

    id: str
    href: str
    name: str
    in_use: bool
    kind: str
    task: str
    architecture: str
    dataset: str
    run_id: str | None
    metric: str
    value: float | None
    low: float | None
    high: float | None
    metrics: dict[str, float]
    classes: list[ClassRow]
    weights_sha256: str
    spec_sha256: str
    manifest_sha256: str
    version: int | None
    version_id: str | None
    step: int | None
    layers: list[str]
    input_size: tuple[int, int] | None
    parameters: int | None
    device: str
    created_at: int


def model_view(model: Model) -> ModelView:
    """A model's row as a view; what its configuration does not say is None."""
    config = model.config
    lineage = _record(config.get("lineage"))
    dataset = _record(lineage.get("dataset"))
    figures = {key: value for key, value in model.metrics.items() if isinstance(value, int | float)}
    figures = figures or _record(config.get("metrics"))
    metric = str(config.get("metric") or next(iter(figures), ""))
    low, high = _interval(config, metric)
    size = config.get("input_size")
    return ModelView(
        id=model.id,
        href=f"/train/models/{model.id}",
        name=model.name,
        in_use=model.in_use,
        kind=model.kind,
        task=model.task,
        architecture=architecture_title(model.architecture),
        dataset=model.dataset_name,
        run_id=model.run_id,
        metric=metric,
        value=figures.get(metric),
        low=low,
        high=high,
        metrics=figures,
        classes=_classes(config, metric),
        weights_sha256=model.weights_sha256,
        spec_sha256=str(lineage.get("spec_sha256") or ""),
        manifest_sha256=str(dataset.get("manifest_sha256") or ""),
        version=dataset.get("version"),
        version_id=model.version_id,
        step=lineage.get("step"),
        layers=[str(name) for name in config.get("layers") or ()],
        input_size=(size[0], size[1]) if isinstance(size, list | tuple) and len(size) == 2 else None,
        parameters=config.get("parameters"),
        device=str(lineage.get("device") or ""),
        created_at=model.created_at,
    )


def _classes(config: Mapping[str, Any], metric: str) -> list[ClassRow]:
    schema = _record(config.get("label_schema"))
    known = {
        str(one.get("name")): one for one in [*(schema.get("points") or ()), *(schema.get("classes") or ())]
    }
    rows = []
    for index, (name, figures) in enumerate(_record(config.get("per_class")).items()):
        low, high = _interval(config, f"{name}/{metric}")
        about = known.get(name, {})
        rows.append(
            ClassRow(
                name=name,
                title=str(about.get("title") or sentence(name)),
                colour=int(about.get("colour") or index % 8 + 1),
                value=_record(figures).get(metric),
                low=low,
                high=high,
            )
        )
    return rows


def _interval(config: Mapping[str, Any], key: str) -> tuple[float | None, float | None]:
    found = _record(config.get("interval")).get(key)
    return (found[0], found[1]) if isinstance(found, list | tuple) and len(found) == 2 else (None, None)


def _record(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
