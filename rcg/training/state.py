"""What a run carries from step to step, and how it goes into a checkpoint and comes back."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

import torch
from torch import nn

from rcg.errors import ConflictError
from rcg.training.model_config import Channel
from rcg.training.spec import Optimiser, RunSpec


@dataclass
class Progress:
    """Figures of a run.

    Attributes:
        step: updates that were done.
        horizons: (from step, to step) of the run as planned and of every extension.
        micro: items that go through the network at once.
        evaluated: the last step whose evaluation was done or left out.
        best, best_step: of the deciding metric; ``best_...``: all figures of then.
        best_of_all: they are of all held-out items, not of some.
        waited: evaluations since then.
        ended: what ended the run; empty while it goes on.
        aimed: the target was reached and the run went on by an extension: it ends nothing any more.
        lr_scale: halved at every roll-back.
        elapsed, evaluating: seconds of steps and of evaluations, over all attempts.
    """

    step: int
    horizons: list[list[int]]
    micro: int
    evaluated: int = 0
    best: float | None = None
    best_step: int | None = None
    best_metrics: dict[str, float] = field(default_factory=dict)
    best_per_class: dict[str, dict[str, float]] = field(default_factory=dict)
    best_interval: dict[str, list[float]] = field(default_factory=dict)
    best_of_all: bool = False
    waited: int = 0
    ended: str = ""
    aimed: bool = False
    lr_scale: float = 1.0
    rollbacks: int = 0
    skipped: int = 0
    elapsed: float = 0.0
    evaluating: float = 0.0

    @property
    def horizon(self) -> int:
        """Updates there shall be."""
        return self.horizons[-1][1]

    def extend(self, steps: int) -> None:
        """Go on to so many updates in all, whatever ended the run before."""
        self.horizons.append([self.step, steps])
        self.aimed = self.aimed or self.ended == "target"
        self.ended, self.waited = "", 0


def make_optimiser(model: nn.Module, spec: Optimiser) -> torch.optim.Optimizer:
    """Return the optimiser. Norms and biases are not decayed."""
    decayed: list[nn.Parameter] = []
    plain: list[nn.Parameter] = []
    for parameter in model.parameters():
        if parameter.requires_grad:
            (decayed if parameter.ndim > 1 else plain).append(parameter)
    groups = [
        {"params": decayed, "weight_decay": spec.weight_decay},
        {"params": plain, "weight_decay": 0.0},
    ]
    if spec.name == "sgd":
        return torch.optim.SGD(groups, lr=spec.lr, momentum=spec.momentum)
    return torch.optim.AdamW(groups, lr=spec.lr)


def pack(
    spec: RunSpec,
    progress: Progress,
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    scaler: torch.amp.GradScaler,
    channels: tuple[Channel, ...],
) -> dict[str, Any]:
    """Return everything that is needed to go on as if nothing had happened."""
    return {
        "format": 1,
        "spec": spec.sha256(),
        "progress": asdict(progress),
        "model": model.state_dict(),
        "optimiser": optimiser.state_dict(),
        "scaler": scaler.state_dict(),
        "channels": [channel.model_dump() for channel in channels],
    }


def unpack(
    state: dict[str, Any],
    spec: RunSpec,
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    scaler: torch.amp.GradScaler,
) -> tuple[Progress, tuple[Channel, ...]]:
    """Put a checkpoint's state into place. Raises ConflictError when it is another run's."""
    if state.get("spec") != spec.sha256():
        raise ConflictError(
            "The checkpoint belongs to another spec than this run's.",
            "A run's spec never changes; start a new run, with these weights to begin with if you like.",
        )
    model.load_state_dict(state["model"])
    optimiser.load_state_dict(state["optimiser"])
    if state["scaler"]:
        scaler.load_state_dict(state["scaler"])
    return Progress(**state["progress"]), tuple(Channel(**channel) for channel in state["channels"])
