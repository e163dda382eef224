"""From a dataset version to a run spec: a value for every option, and the reason for it. No torch here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from rcg.datasets.schema import Kind
from rcg.errors import InputError
from rcg.training import advice, proposals
from rcg.training.advice import Advice
from rcg.training.architectures import Architecture, compatible
from rcg.training.architectures import architecture as named
from rcg.training.draft import Draft, Field
from rcg.training.fields import unknown
from rcg.training.spec import PRESETS, KnownWeights, RunSpec
from rcg.training.summary import Summary


@dataclass(frozen=True)
class Plan:
    """A spec, where its values come from, and what to know before launching it."""

    spec: RunSpec
    fields: list[Field]
    warnings: list[Advice]

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON."""
        return {
            "spec": self.spec.model_dump(mode="json"),
            "fields": [asdict(one) for one in self.fields],
            "warnings": [asdict(one) for one in self.warnings],
        }


def plan(
    summary: Summary,
    kind: Kind,
    architecture: str | None = None,
    preset: str = "quick",
    overrides: Mapping[str, Any] | None = None,
    *,
    gpus: int = 0,
    begins_with: KnownWeights | None = None,
) -> Plan:
    """Plan a run.

    Args:
        summary: of the version, by :func:`rcg.training.summary.summarise`.
        kind: of the dataset.
        architecture: None: the one to propose.
        preset: quick, balanced or best.
        overrides: dotted option -> value, as JSON or as text; what depends on it follows.
        gpus: CUDA devices here; larger networks are proposed where there is one.
        begins_with: what is known of the weights that the overrides name; backbone and norm follow it.

    Raises:
        InputError: an option does not exist, has a wrong value, or the dataset cannot be trained on so.
    """
    if preset not in PRESETS:
        raise InputError(f"There is no preset {str(preset)[:40]!r}.", f"Choose {', '.join(PRESETS)}.")
    chosen = _architecture(summary, kind, architecture)
    advice.refuse(summary, kind)
    draft = Draft(_joined(overrides or {}, kind), begins_with=begins_with)
    proposals.data(draft, summary, kind, chosen, preset, gpus)
    proposals.network(draft, summary, chosen, preset, gpus)
    proposals.length(draft, summary, chosen, preset, gpus)
    proposals.learning(draft)
    proposals.stopping(draft, summary, kind, preset)
    spec = draft.spec(
        dataset={
            "name": summary.dataset, "kind": summary.kind, "version": summary.number,
            "manifest_sha256": summary.manifest_sha256,
        },
        architecture=chosen.name,
        preset=preset,
    )  # fmt: skip
    return Plan(spec, draft.fields, advice.warnings(summary, kind, spec, draft.coverage))


def _architecture(summary: Summary, kind: Kind, name: str | None) -> Architecture:
    judged = compatible(kind, summary.label_schema, summary.layers)
    if name is None:
        fit = next((one for one, ok, _ in judged if ok), None)
        if fit is None:
            raise InputError("No architecture fits this dataset.", judged[0][2])
        return fit
    wanted = named(name)
    ok, reason = next((ok, reason) for one, ok, reason in judged if one is wanted)
    if not ok:
        others = [one.name for one, ok, _ in judged if ok]
        raise InputError(
            f"{wanted.title} cannot learn this dataset. {reason}",
            f"Choose {' or '.join(others)}." if others else "Change the dataset.",
            architectures=others,
        )
    return wanted


def _joined(overrides: Mapping[str, Any], kind: Kind) -> dict[str, Any]:
    """``stop.target.value`` and ``stop.target.metric`` are the halves of one option."""
    found = {key: value for key, value in overrides.items() if not key.startswith("stop.target.")}
    halves = {
        key.rpartition(".")[2]: value for key, value in overrides.items() if key.startswith("stop.target.")
    }
    if halves:
        if set(halves) - {"metric", "value"}:
            raise unknown(next(key for key in overrides if key.startswith("stop.target.")))
        whole = {"metric": kind.metric, **(found.get("stop.target") or {}), **halves}
        found["stop.target"] = whole if "value" in whole else None
    return found
