"""``rcg bench``: measured figures, with the machine they were measured on."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rcg.bench.table import Table

JsonOption = Annotated[Path | None, typer.Option("--json", help="Also write the figures as JSON.")]


def register(app: typer.Typer) -> None:
    """Add the command group."""
    group = typer.Typer(
        no_args_is_help=True, help="Measure this machine: start times, latency, seconds per stage."
    )
    group.command()(serve)
    group.command()(grade)
    group.command()(capture)
    group.command()(calibrate)
    group.command()(datasets)
    group.command()(training)
    group.command()(photometric)
    app.add_typer(group, name="bench")


def serve(json_out: JsonOption = None) -> None:
    """Start times, /health/live idle and under load, enqueue to start, jobs per second."""
    from rcg.bench.serve import bench_serve

    _show(bench_serve(_say), json_out)


def grade(
    threads: Annotated[int, typer.Option(min=1, help="Compute threads.")] = 2,
    seed: Annotated[int, typer.Option(help="Which rendered card.")] = 1,
    json_out: JsonOption = None,
) -> None:
    """Seconds per stage from 8 photographs of 12 MP to a graded side, and the solver against numpy."""
    from rcg.bench.grade import bench_grade

    _show(bench_grade(threads, seed, _say), json_out)


def capture(
    sets: Annotated[
        int | None, typer.Option(min=0, help="Rendered captures; 200 for the figures of record.")
    ] = None,
    timings: Annotated[
        int | None, typer.Option(min=0, help="Sides that the phone's page is timed for, with sim and WLED.")
    ] = None,
    closed_loop: Annotated[
        int | None, typer.Option(min=0, help="Sides whose frames are compared with what each light shows.")
    ] = None,
    disconnects: Annotated[
        int | None, typer.Option(min=0, help="Connections cut between a script and the server.")
    ] = None,
    page_disconnects: Annotated[
        int | None, typer.Option(min=0, help="Requests of the phone's page that are cut.")
    ] = None,
    guidance: Annotated[
        int | None, typer.Option(min=0, help="Seconds of counting looks at a slowed processor.")
    ] = None,
    threads: Annotated[int, typer.Option(min=1, help="Compute threads.")] = 2,
    json_out: JsonOption = None,
) -> None:
    """The mat (registration, corners, order of the lights), and the phone's page in Chromium.

    What is named is measured and nothing else; without a name everything, in short.
    """
    from rcg.bench.capture import bench_capture
    from rcg.bench.phone import Chosen

    named = [sets, timings, closed_loop, disconnects, page_disconnects, guidance]
    given = named if any(value is not None for value in named) else [20, 3, 3, 100, 12, 10]
    rendered, *phone = [value or 0 for value in given]
    _show(bench_capture(rendered, threads, _say, Chosen(*phone)), json_out)


def calibrate(json_out: JsonOption = None) -> None:
    """Rendered balls and white cards: directions, places, flat fields and what they are worth for normals."""
    from rcg.bench.calibrate import bench_calibrate

    _show(bench_calibrate(_say), json_out)


def datasets(
    items: Annotated[int, typer.Option(min=100, help="Items, of ten polygons each.")] = 10_000,
    datumaro: Annotated[
        Path | None, typer.Option(help="A Python interpreter that has datumaro, to measure its export too.")
    ] = None,
    json_out: JsonOption = None,
) -> None:
    """Export, import, judge and split a dataset of many polygons: CPU time and memory against json.load."""
    from rcg.bench.datasets import bench_datasets

    _show(bench_datasets(items, datumaro, _say), json_out)


def training(
    threads: Annotated[int, typer.Option(min=1, help="Compute threads.")] = 2,
    cards: Annotated[
        Path | None, typer.Option(help="Folder that keeps the rendered cards for the next time.")
    ] = None,
    json_out: JsonOption = None,
) -> None:
    """What the quick recipe learns of rendered cards with and without relief; our loop and a bare one."""
    from rcg.bench.training import bench_training

    _show(bench_training(threads, cards, _say), json_out)


def photometric(
    threads: Annotated[int, typer.Option(min=1, help="Compute threads.")] = 2,
    data: Annotated[
        Path | None, typer.Option(help="Folder of photometric sets. [default: RCG_BENCH_DATA]")
    ] = None,
    cards: Annotated[
        int,
        typer.Option(min=0, help="Rendered cards with defects, and as many without, to search for flaws."),
    ] = 4,
    pairs: Annotated[
        int, typer.Option(min=0, help="Rendered cards that are graded without and with one defect more.")
    ] = 7,
    json_out: JsonOption = None,
) -> None:
    """The solver's speed against numpy and memory, its angles against trimmed squares, defects found."""
    from rcg.bench.photometric import bench_photometric

    _show(bench_photometric(threads, data, cards, pairs, _say), json_out)


def _say(text: str) -> None:
    sys.stderr.write(text + "\n")


def _show(table: Table, json_out: Path | None) -> None:
    print(table.as_markdown())
    if json_out:
        json_out.write_text(json.dumps(table.as_json(), indent=2) + "\n", "utf-8")
