"""The twin of a first model: the same training without relief, so that one can see what relief is worth."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from rcg.jobs import chain
from rcg.jobs.launching import launch
from rcg.store.repositories import runs
from rcg.training.architectures import has_relief
from rcg.training.spec import RunSpec, read_spec

if TYPE_CHECKING:
    from rcg.store.db import Session
    from rcg.store.training_models import Run

FIRST_MODEL: Final = "first-model:"
"""launch token of a run that is to have a twin: this and the dataset's id"""
TWIN: Final = "without-relief:"
"""launch token of the twin: this and the run's id"""
_PLAIN_ARCHITECTURE: Final = "mask_rcnn_primary"


def wants_twin(run: Run) -> bool:
    """Whether a finished run is to be followed by its twin."""
    return (run.launch_token or "").startswith(FIRST_MODEL) and has_relief(run.spec["channels"])


def launch_twin(session: Session, run: Run) -> Run:
    """Queue the twin of a run, or return the one there is."""
    known = twin_of(session, run)
    if known is not None:
        return known
    return launch(
        session,
        chain.submit,
        without_relief(read_spec(run.spec)),
        name=f"{run.name}, colour alone",
        dataset_id=run.dataset_id,
        version_id=run.version_id,
        launch_token=f"{TWIN}{run.id}",
    )


def twin_of(session: Session, run: Run) -> Run | None:
    """Return the twin of a run, if it has one."""
    return runs.by_token(session, f"{TWIN}{run.id}")


def original_of(session: Session, run: Run) -> Run | None:
    """Return the run whose twin this is, if it is one."""
    token = run.launch_token or ""
    return runs.find(session, token.removeprefix(TWIN)) if token.startswith(TWIN) else None


def without_relief(spec: RunSpec) -> RunSpec:
    """Return the spec that differs in nothing but the relief that the network is not given."""
    model = spec.model.model_copy(update={"fusion": "early"}) if spec.model.type == "mask" else spec.model
    return RunSpec.model_validate(
        spec.model_copy(
            update={
                "architecture": _PLAIN_ARCHITECTURE,
                "channels": tuple(name for name in spec.channels if not has_relief([name])),
                "modality_dropout": 0.0,
                "model": model,
            }
        ).model_dump()
    )
