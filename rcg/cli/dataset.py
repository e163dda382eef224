"""``rcg dataset``: make, fill, look at, version and export datasets, with or without a running server."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

if TYPE_CHECKING:
    from rcg.cli.backend import Backend

Name = Annotated[str, typer.Argument(metavar="NAME", help="Name or id of the dataset.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for a script.")]
Seed = Annotated[int, typer.Option(min=0, help="Decides which card falls into which part.")]
Train = Annotated[float, typer.Option(min=0.01, max=1, help="Share of cards to learn from.")]
Val = Annotated[float, typer.Option(min=0, max=1, help="Share held out to measure on while training.")]
Test = Annotated[float, typer.Option(min=0, max=1, help="Share held out to the very end.")]
Kind = Annotated[str, typer.Option(help="What it teaches; see rcg dataset kinds.")]


def register(app: typer.Typer) -> None:
    """Add the commands to the command line."""
    group = typer.Typer(no_args_is_help=True, help="Datasets: what models are taught from.")
    for name, command in (
        ("create", create), ("list", list_datasets), ("kinds", kinds), ("render", render),
        ("import", import_files), ("export", export), ("version", version), ("split", split),
        ("health", health),
    ):  # fmt: skip
        group.command(name)(command)
    app.add_typer(group, name="dataset")


def create(
    name: Name,
    kind: Kind,
    description: Annotated[str, typer.Option(help="What it is for.")] = "",
    as_json: AsJson = False,
) -> None:
    """Make an empty dataset."""
    with _backend() as backend:
        made = backend.post("/datasets", {"name": name, "kind": kind, "description": description})
        _answer(as_json, made, lambda: f"{made['name']} ({made['kind']}): {_place(backend, made)}")


def list_datasets(
    q: Annotated[str, typer.Argument(metavar="[TEXT]", help="In name or description.")] = "",
    as_json: AsJson = False,
) -> None:
    """List datasets."""
    found: list[dict[str, Any]] = []
    with _backend() as backend:
        offset: int | None = 0
        while offset is not None:
            page = backend.get("/datasets", q=q, offset=offset, limit=200)
            found += page["items"]
            offset = page["next_offset"]
    if as_json:
        print(json.dumps(found, indent=2))
    for one in found if not as_json else ():
        latest = f"version {one['latest_version']['number']}" if one["latest_version"] else "no version"
        items = f"{one['items']:>7} items, {one['labelled']:>7} labelled"
        print(f"{one['name']:32} {one['kind']:24} {items}, {latest}")
    if not found and not as_json:
        print(
            "There are no datasets"
            + (f" with {q!r}." if q else "; make one: rcg dataset create NAME --kind KIND")
        )


def kinds(as_json: AsJson = False) -> None:
    """List the kinds of dataset."""
    with _backend() as backend:
        found = backend.get("/kinds")
    if as_json:
        print(json.dumps(found, indent=2))
        return
    for one in found:
        own = "" if one["shipped"] else " (your own)"
        print(f"{one['name']:24} {one['title']}{own}: {one['description']}")


def render(
    name: Annotated[str, typer.Option(help="Of the new dataset.")],
    kind: Kind = "surface_damage",
    cards: Annotated[int, typer.Option(min=1, help="How many cards to render.")] = 64,
    seed: Annotated[int, typer.Option(min=0, help="The same seed gives the same cards.")] = 1,
    as_json: AsJson = False,
) -> None:
    """Render cards into a new dataset, with every layer and annotations that are the truth."""
    with _backend() as backend:
        body = {"name": name, "kind": kind, "cards": cards, "seed": seed}
        made = backend.post("/datasets/render", body)
        result = _waited(backend, made["job"]["id"])
        shown = {"dataset": made["dataset"]["name"], "dataset_id": made["dataset"]["id"], **result}
        _answer(
            as_json, shown,
            lambda: f"{name}: {result['items']} items, {result['annotations']} annotations. "
            f"{_place(backend, made['dataset'])}",
        )  # fmt: skip


def import_files(
    name: Name,
    source: Annotated[
        Path,
        typer.Argument(
            metavar="PATH", help="A folder, a zip or tar archive, an annotation file or an image."
        ),
    ],
    kind: Annotated[
        str | None, typer.Option(help="Make the dataset, of this kind, when there is none of the name.")
    ] = None,
    annotation_format: Annotated[
        str,
        typer.Option("--format", help="auto, coco_json, yolo_txt, pascal_voc or custom_json."),
    ] = "auto",
    as_json: AsJson = False,
) -> None:
    """Bring images and annotations in. Bringing the same in twice doubles nothing."""
    from rcg.cli.dataset_archive import as_upload
    from rcg.client import AnswerError
    from rcg.errors import NotFoundError

    with as_upload(source) as (file_name, path), _backend() as backend:
        address = f"/datasets/{quote(name, safe='')}"
        try:
            dataset = backend.get(address)
        except AnswerError as error:
            if error.answer_status != 404:
                raise
            if kind is None:
                raise NotFoundError(
                    error.detail, "Add --kind KIND to make it (rcg dataset kinds)."
                ) from error
            dataset = backend.post("/datasets", {"name": name, "kind": kind})
        fields = {"annotation_format": annotation_format}
        job = backend.upload(
            f"/datasets/{dataset['id']}/import", [(file_name, path)], fields, field="archive"
        )
        result = _waited(backend, job["id"])
        _answer(as_json, result, lambda: _imported(dataset["name"], result, _place(backend, dataset)))


def export(
    name: Name,
    target: Annotated[Path, typer.Argument(metavar="OUT", help="The zip file to write, or a folder for it.")],
    form: Annotated[
        str, typer.Option("--format", help="coco_json, yolo_txt, pascal_voc, custom_json or folder.")
    ] = "coco_json",
    number: Annotated[
        int | None, typer.Option("--version", help="Of a version. [default: everything as it is now]")
    ] = None,
    images: Annotated[bool, typer.Option(help="With the images, or annotations alone.")] = True,
    as_json: AsJson = False,
) -> None:
    """Write a dataset as a zip archive, and say what the format could not carry."""
    with _backend() as backend:
        dataset = backend.get(f"/datasets/{quote(name, safe='')}")
        body = {"format": form, "version": number, "images": images}
        job = backend.post(f"/datasets/{dataset['id']}/export", body)
        result = _waited(backend, job["id"])
        path = target / result["file_name"] if target.is_dir() else target
        backend.download(f"/datasets/{dataset['id']}/exports/{job['id']}", path)
        _answer(
            as_json, {"file": str(path), **result},
            lambda: "\n".join([f"{path}: {path.stat().st_size / 1e6:.1f} MB", *_losses(result["loss"])]),
        )  # fmt: skip


def version(
    name: Name,
    note: Annotated[str, typer.Option(help="What is new in it.")] = "",
    seed: Seed = 0,
    train: Train = 0.8,
    val: Val = 0.2,
    test: Test = 0.0,
    recipe: Annotated[str | None, typer.Option(help="Name or id of an augmentation recipe.")] = None,
    as_json: AsJson = False,
) -> None:
    """Freeze the labelled items as a version, split by card. Equal content is one version."""
    body = {
        "note": note,
        "seed": seed,
        "shares": {"train": train, "val": val, "test": test},
        "recipe_id": recipe,
    }
    with _backend() as backend:
        made = backend.post(f"/datasets/{quote(name, safe='')}/versions", body)
    _answer(as_json, made, lambda: _version(made))


def split(
    name: Name,
    seed: Seed = 0,
    train: Train = 0.8,
    val: Val = 0.2,
    test: Test = 0.0,
    as_json: AsJson = False,
) -> None:
    """Show how a version made now would be split."""
    with _backend() as backend:
        shown = backend.get(
            f"/datasets/{quote(name, safe='')}/split", seed=seed, train=train, val=val, test=test
        )
    _answer(as_json, shown, lambda: "\n".join([*_parts(shown["parts"]), *shown["notes"]]))


def health(name: Name, as_json: AsJson = False) -> None:
    """Say what is not well with a dataset. Exits with 1 when something keeps it from being trained on."""
    with _backend() as backend:
        report = backend.get(f"/datasets/{quote(name, safe='')}/health")
    _answer(as_json, report, lambda: "\n".join(_problems(report["problems"])))
    if any(problem["severity"] == "error" for problem in report["problems"]):
        raise typer.Exit(1)


def _backend() -> Any:
    from rcg.cli.backend import open_backend

    return open_backend()


def _waited(backend: Backend, job_id: str) -> dict[str, Any]:
    from rcg.cli.grade import progress_line

    progress, clear = progress_line()
    try:
        result: dict[str, Any] = backend.wait_job(job_id, progress)["result"]
    finally:
        clear()
    return result


def _answer(as_json: bool, body: Mapping[str, Any], text: Callable[[], str]) -> None:
    sys.stdout.write((json.dumps(body, indent=2) if as_json else text()) + "\n")


def _place(backend: Backend, dataset: Mapping[str, Any]) -> str:
    return backend.page(f"/studio/datasets/{dataset['id']}")


def _imported(name: str, result: Mapping[str, Any], place: str) -> str:
    new = f"{result['items']} new items, {result['annotations']} new annotations"
    known = f"{result['known_items']} items and {result['known_annotations']} annotations"
    lines = [f"{name}: {new}; {known} were there already."]
    if result["without_item"]:
        first = ", ".join(result["missing_names"][:3])
        lines.append(f"Labels of {result['without_item']} images that are not here were left out: {first}.")
    return "\n".join([*lines, *_losses(result["loss"]), place])


def _losses(losses: list[dict[str, Any]]) -> list[str]:
    return [f"  {loss['count']} x {loss['what']} (e.g. {loss['example']})" for loss in losses]


def _version(made: Mapping[str, Any]) -> str:
    head = f"{made['dataset_name']} version {made['number']}: {made['hash'][:12]}"
    if made["new"] is False:
        head += " (an equal version was there already)"
    return "\n".join([head, *_parts(made["summary"]["splits"])])


def _parts(parts: Mapping[str, Mapping[str, int]]) -> list[str]:
    return [
        f"  {part:6} {one['items']:>7} items of {one['cards']} cards, {one['annotations']} annotations"
        for part, one in parts.items()
    ]


def _problems(problems: list[dict[str, Any]]) -> list[str]:
    if not problems:
        return ["Nothing is wrong with it."]
    return [f"{one['severity']:8} {one['title']} ({one['count']}): {one['hint']}" for one in problems]
