"""``rcg weights``: files that a training can begin with, with or without a running server."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from rcg.errors import InputError

if TYPE_CHECKING:
    from rcg.cli.backend import Backend

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for a script.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    group = typer.Typer(no_args_is_help=True, help="Weights that a training can begin with.")
    commands = (("list", list_weights), ("add", add), ("official", official), ("delete", delete))
    for name, command in commands:
        group.command(name)(command)
    app.add_typer(group, name="weights")


def list_weights(as_json: AsJson = False) -> None:
    """List added files, models' weights, and the official ones that there are."""
    with _backend() as backend:
        found = backend.get("/weights")
    if as_json:
        print(json.dumps(found, indent=2))
        return
    for one in found["files"]:
        whose = one["backbone"] or "backbone unknown"
        print(f"{one['name']:44} {one['source']:9} {one['bytes'] / 1e6:8.1f} MB  {whose}")
    for one in found["models"]:
        print(f"{one['name']:44} {'model':9} {'':11}  {one['backbone']}")
    if not found["files"] and not found["models"]:
        print("Nothing is here to begin with; add a file: rcg weights add FILE")
    for one in found["official"]:
        if one["weights"] is None:
            state = "being fetched" if one["job_id"] else f"rcg weights official {one['backbone']}"
            print(f"{one['file_name'] or one['backbone']:44} {'to be had':9} {_about(one):>11}  {state}")


def add(
    source: Annotated[
        Path, typer.Argument(metavar="FILE", help="A .safetensors file, or what torch.save wrote.")
    ],
    as_json: AsJson = False,
) -> None:
    """Add a file of weights. Adding it again changes nothing."""
    if not source.is_file():
        raise InputError(f"There is no file at {source}.", "Give a file of weights.")
    with _backend() as backend:
        answer = backend.upload("/weights", [(source.name, source)])
    one = answer["files"][0]["weights"]
    _say(as_json, one, f"{one['name']} is here. Begin with it: {_begin(one['name'])}")


def official(
    backbone: Annotated[str, typer.Argument(metavar="BACKBONE", help="e.g. resnet50_v2 or mobilenet_v3.")],
    as_json: AsJson = False,
) -> None:
    """Get a backbone's official weights from where torchvision says that they lie."""
    with _backend() as backend:
        answer = backend.post("/weights/official", {"backbone": backbone})
        if answer["weights"] is None:
            _wait(backend, answer["job_id"])
            answer = backend.post("/weights/official", {"backbone": backbone})
        one = answer["weights"]
    _say(as_json, one, f"{one['name']} is here. Begin with it: {_begin(one['name'])}")


def delete(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name or id of a file.")],
    as_json: AsJson = False,
) -> None:
    """Offer a file no more. Runs that began with it lose nothing."""
    with _backend() as backend:
        gone = backend.remove(f"/weights/{quote(name, safe='')}")
    kept = f" Its bytes stay for {', '.join(gone['kept_for'][:5])}." if gone["kept_for"] else ""
    freed = f" {gone['freed_bytes'] / 1e6:.1f} MB are free again." if gone["freed_bytes"] else kept
    _say(as_json, gone, f"{gone['deleted']} is deleted.{freed}")


def _wait(backend: Backend, job_id: str) -> None:
    """Wait for the download; Ctrl-C cancels it."""
    from rcg.cli.grade import progress_line

    progress, clear = progress_line()
    try:
        backend.wait_job(job_id, progress)
    except KeyboardInterrupt:
        backend.post(f"/jobs/{job_id}/cancel")
        raise
    finally:
        clear()


def _about(one: dict[str, Any]) -> str:
    """Say how large a file is that is not here, in torchvision's words."""
    return f"~{one['about_bytes'] / 1e6:.0f} MB" if one["about_bytes"] else ""


def _begin(name: str) -> str:
    return f"rcg train --dataset NAME --set {shlex.quote(f'weights={name}')}"


def _say(as_json: bool, body: dict[str, Any], text: str) -> None:
    print(json.dumps(body, indent=2) if as_json else text)


def _backend() -> Any:
    from rcg.cli.backend import open_backend

    return open_backend()
