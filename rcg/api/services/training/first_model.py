"""Build my first model: render cards, make a dataset of them, train on it; one button, one way through.

The rendering is a job whose end makes the version and launches the run in one transaction, so that neither a
reload nor a kill leaves it half-way. The run gets a twin without relief (:mod:`rcg.jobs.twin`).
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from rcg.api import training_schemas as schemas
from rcg.api.dataset_schemas import DatasetIn
from rcg.api.services.datasets import catalogue, kinds, versions
from rcg.api.services.training import choices, launch
from rcg.api.version_schemas import SharesIn, VersionIn
from rcg.jobs import chain, cuda
from rcg.jobs.dataset_accept import accept_rows
from rcg.jobs.launching import launch as launch_run
from rcg.jobs.twin import FIRST_MODEL
from rcg.store.blobs import BlobStore
from rcg.store.repositories import datasets, jobs, runs
from rcg.training.plan import plan

if TYPE_CHECKING:
    from rcg.container import Container
    from rcg.store.db import Session
    from rcg.store.models import Job

JOB: Final = "first_model"
KIND: Final = "photometric_fusion"
NAME: Final = "First model"
TRAIN_CARDS: Final = 64
VAL_CARDS: Final = 32
SEED: Final = 1
PX_PER_MM: Final = 4.0
"""enough for the training size of the quick preset, and a third quicker than the usual scale"""
OVERRIDES: Final[dict[str, Any]] = {"steps": 200, "batch_size": 4, "eval_every": 50, "checkpoint_every": 50}
_GOING: Final = ("queued", "running", "pausing", "paused", "stopping")


def build(container: Container) -> schemas.FirstModelOut:
    """Begin, or say how far what was begun is: asking twice builds one."""
    with container.db.write() as session:
        under_way = _under_way(session)
        if under_way is not None:
            return under_way
        name = datasets.free_name(session, NAME)
        cards = TRAIN_CARDS + VAL_CARDS
        dataset = catalogue.add(
            session,
            DatasetIn(
                name=name,
                kind=KIND,
                description=f"{cards} rendered cards, {VAL_CARDS} held out. Their labels are the truth.",
            ),
        )
        job = container.jobs.submit(
            session,
            JOB,
            {
                "dataset_id": dataset.id,
                "kind": KIND,
                "seed": SEED,
                "cards": cards,
                "held_out": VAL_CARDS,
                "px_per_mm": PX_PER_MM,
                "workers": container.jobs.training_threads,
            },
            title=f"Render {cards} cards for {name}",
            subject=catalogue.subject(dataset.id),
            band=0,
        )
        session.flush()
        return schemas.FirstModelOut(dataset_id=dataset.id, job_id=job.id, run_id=None, state="rendering")


def accept(session: Session, job: Job, result: dict[str, Any]) -> dict[str, Any]:
    """Take the cards in, freeze them as a version, and launch the run; all or nothing."""
    store = BlobStore(Path(result.pop("blobs")))
    answer = accept_rows(session, job, result)
    dataset = datasets.find(session, answer["dataset_id"])
    if dataset is None:
        return answer | {"run_id": None}
    body = VersionIn(note="first model", shares=SharesIn(train=1, val=0, test=0))
    version, _ = versions.make_in(session, store, dataset, body)
    summary = choices.summary_of(store.path(version.manifest_sha256))
    made = plan(summary, kinds.resolve(session, KIND), overrides=OVERRIDES, gpus=cuda.count())
    run = launch_run(
        session,
        chain.submit,
        made.spec,
        name=dataset.name,
        dataset_id=dataset.id,
        version_id=version.id,
        defaults_diff=launch.differences(made),
        launch_token=f"{FIRST_MODEL}{dataset.id}",
    )
    return answer | {"run_id": run.id, "version_id": version.id, "version": version.number}


def _under_way(session: Session) -> schemas.FirstModelOut | None:
    """Return the first model that is being built, if one is."""
    rendering = jobs.active_of_kind(session, JOB)
    for job in rendering:
        if not job.cancel_requested:
            return schemas.FirstModelOut(
                dataset_id=job.spec["dataset_id"], job_id=job.id, run_id=None, state="rendering"
            )
    run = runs.newest_with_token(session, FIRST_MODEL)
    if run is None or run.state not in _GOING or run.job_id is None:
        return None
    return schemas.FirstModelOut(
        dataset_id=run.dataset_id or "", job_id=run.job_id, run_id=run.id, state=run.state
    )
