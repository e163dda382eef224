"""``rcg train``: train a model, with or without a running server."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from uuid import uuid4

import typer

from rcg.errors import InputError, RcgError

if TYPE_CHECKING:
    from rcg.cli.backend import Backend

ENDED = ("done", "failed", "cancelled", "paused")
_LOOK_S = 0.5


class TrainingFailedError(RcgError):
    """The run failed; its own words."""

    code = "training_failed"
    status = 422


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("train")(train)


def train(
    dataset: Annotated[str | None, typer.Option(help="Name or id of the dataset.")] = None,
    arch: Annotated[str | None, typer.Option(help="Architecture; the one that fits when not given.")] = None,
    preset: Annotated[str, typer.Option(help="quick, balanced or best.")] = "quick",
    version: Annotated[
        str | None, typer.Option(help="Number or id of a version; the newest, made if there is none.")
    ] = None,
    steps: Annotated[int | None, typer.Option(min=1, help="Updates of the weights.")] = None,
    options: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="An option of the plan, e.g. optimiser.lr=0.001."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="What to call the run.")] = None,
    wait: Annotated[bool, typer.Option(help="Wait for its end. Without a server it always waits.")] = False,
    json_out: Annotated[
        str | None,
        typer.Option(
            "--json", metavar="OUT", help="Write run, metrics and model here; - is standard output."
        ),
    ] = None,
    plan: Annotated[
        bool, typer.Option(help="Print the options with their reasons, and train nothing.")
    ] = False,
    resume: Annotated[str | None, typer.Option(metavar="RUN", help="Go on with a paused run.")] = None,
) -> None:
    """Train a model on a dataset. Ctrl-C pauses the run; --resume goes on with it."""
    from rcg.cli.backend import open_backend

    target = Path(json_out) if json_out not in (None, "-") else None
    if target is not None and not target.resolve().parent.is_dir():
        raise InputError(f"The folder of {target} does not exist.", "Make it, or write somewhere else.")
    chosen = {key: _value(text) for key, text in (_pair(each) for each in options or [])}
    if steps is not None:
        chosen["steps"] = steps
    with open_backend() as backend:
        if resume is not None:
            run = backend.post(f"/training/{resume}/resume")
        elif dataset is None:
            raise InputError(
                "Nothing was named to train on.", "Say --dataset NAME; rcg dataset list shows them."
            )
        else:
            body = _order(dataset, version, arch, preset, chosen)
            if plan:
                _print_plan(backend.post("/training/plan", body), as_json=json_out == "-")
                return
            run = backend.post("/training/start", body | {"name": name, "launch_token": uuid4().hex})
        if wait or backend.here or json_out is not None:
            run = _followed(backend, run["id"])
        answer = _answer(backend, run)
        _write(answer, target, json_out, backend.page(f"/train/runs/{run['id']}"))
    if run["state"] in ("failed", "cancelled"):
        error = run["error"] or {}
        raise TrainingFailedError(
            error.get("detail") or f"The run {run['name']} was {run['state']}.",
            error.get("hint") or f"Go on with it: rcg train --resume {run['id']}",
        )


def _order(
    dataset: str, version: str | None, arch: str | None, preset: str, chosen: dict[str, Any]
) -> dict[str, Any]:
    number = int(version) if version is not None and version.isdigit() else version
    return {"dataset": dataset, "version": number, "architecture": arch, "preset": preset, "set": chosen}


def _pair(text: str) -> tuple[str, str]:
    key, found, value = text.partition("=")
    if not found or not key.strip():
        raise InputError(f"--set {text!r} is no KEY=VALUE.", "For example: --set batch_size=8")
    return key.strip(), value.strip()


def _value(text: str) -> Any:
    """A value as JSON where it is some, else as a text; words with commas are a list."""
    try:
        return json.loads(text)
    except ValueError:
        return [part.strip() for part in text.split(",")] if "," in text else text


def _followed(backend: Backend, run_id: str) -> dict[str, Any]:
    """Wait for the run's end; Ctrl-C asks it to pause, twice ends the command."""
    from rcg.cli.grade import progress_line

    progress, clear = progress_line()
    asked = False
    try:
        while True:
            try:
                run: dict[str, Any] = backend.get(f"/training/{run_id}")
                if run["state"] in ENDED:
                    return run
                if progress:
                    progress(run["progress"], run["message"])
                time.sleep(_LOOK_S)
            except KeyboardInterrupt:
                if asked:
                    raise
                asked = True
                clear()
                sys.stderr.write(
                    "rcg: pausing; the run keeps what it has learnt. Ctrl-C again ends at once.\n"
                )
                backend.post(f"/training/{run_id}/pause")
    finally:
        clear()


def _answer(backend: Backend, run: dict[str, Any]) -> dict[str, Any]:
    """The run, with its model and the figures of its last evaluation."""
    model = backend.get(f"/models/{run['model_id']}") if run.get("model_id") else None
    config = (model or {}).get("config", {})
    return {
        "run": run,
        "model": model,
        "metrics": config.get("metrics", {}),
        "per_class": config.get("per_class", {}),
        "interval": config.get("interval", {}),
    }


def _write(answer: dict[str, Any], target: Path | None, json_out: str | None, page: str) -> None:
    text = json.dumps(answer, indent=2) + "\n"
    if json_out == "-":
        sys.stdout.write(text)
        return
    if target is not None:
        target.write_text(text, "utf-8")
    run = answer["run"]
    print(f"{run['name']}: {run['message']}")
    for metric, value in answer["metrics"].items():
        print(f"  {metric:12} {value:.4f}")
    for label, figures in answer["per_class"].items():
        print(f"  {label:20} " + ", ".join(f"{key} {value:.3f}" for key, value in figures.items()))
    if run["state"] == "paused":
        print(f"Go on with it: rcg train --resume {run['id']}")
    print(page)


def _print_plan(made: dict[str, Any], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps(made, indent=2))
        return
    group = ""
    for one in made["fields"]:
        if one["group"] != group:
            group = one["group"]
            print(f"\n{group}")
        print(f"  {one['key']:28} {json.dumps(one['value']):28} {one['reason']}")
    for warning in made["warnings"]:
        print(f"\n{warning['text']} {warning['action']}")
