"""``rcg grade``: from a folder of lit frames to a report, without a server."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal

import typer

from rcg.errors import InputError
from rcg.files import write_for_user


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("grade")(grade)


def grade(
    folder: Annotated[
        Path,
        typer.Argument(
            metavar="DIR", help="Frames of one side named by light, or front/ and back/; or one photo."
        ),
    ],
    json_out: Annotated[
        str | None,
        typer.Option("--json", metavar="OUT", help="Write the report as JSON; - is standard output."),
    ] = None,
    lights: Annotated[Path | None, typer.Option(help="A .lp file or a rig in TOML.")] = None,
    elevation: Annotated[
        float | None,
        typer.Option(help="Assumed elevation of lights that are told by name, degrees. [default: 45]"),
    ] = None,
    ring: Annotated[
        int | None, typer.Option(help="How many lights a numbered ring has. [default: 8]")
    ] = None,
    size: Annotated[str | None, typer.Option(help="Card size in mm, WIDTHxHEIGHT. [default: 63x88]")] = None,
    side: Annotated[
        Literal["front", "back"], typer.Option(help="Which side a folder of one side shows.")
    ] = "front",
    capture: Annotated[str | None, typer.Option(help="Which of several captures in the folder.")] = None,
    name: Annotated[str | None, typer.Option(help="The card's name, for the report.")] = None,
    pictures: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Write the layers as WebP pictures into this folder.")
    ] = None,
    px_per_mm: Annotated[float, typer.Option(help="Scale of the maps.", min=5, max=60)] = 20.0,
    mat_bar: Annotated[
        float | None,
        typer.Option(
            help="Measured length of the printed mat's 100 mm bar; with it the mat tells the card's size.",
            min=50,
            max=150,
        ),
    ] = None,
    threads: Annotated[int, typer.Option(help="Compute threads; 0: one per core.", min=0)] = 0,
    timings: Annotated[bool, typer.Option(help="Print the seconds of each stage to standard error.")] = False,
) -> None:
    """Grade a card from its photographs. Needs no server."""
    from rcg.capture.folder import read_folder
    from rcg.capture.run import chosen_size, grade_input
    from rcg.capture.summary import summary
    from rcg.grading.report import to_json

    target = None if json_out in (None, "-") else _checked_target(Path(str(json_out)))
    card = read_folder(
        folder, side=side, capture=capture, lights_file=lights, elevation_deg=elevation, ring=ring
    )
    progress, finish = progress_line()
    try:
        outcome = grade_input(
            card,
            name=name,
            size=chosen_size(*(parse_size(size) if size else (None, None))),
            px_per_mm=px_per_mm,
            mat_scale=None if mat_bar is None else mat_bar / 100,
            threads=threads or os.cpu_count() or 1,
            progress=progress,
            each_side=_picture_writer(pictures) if pictures else None,
        )
    finally:
        finish()
    if json_out == "-":
        sys.stdout.buffer.write(to_json(outcome.report))
    else:
        print(summary(outcome.report))
        for note in card.notes:
            sys.stderr.write(f"{note}\n")
    if target is not None:
        write_for_user(target, to_json(outcome.report))
    if timings:
        for stage, seconds in outcome.seconds.items():
            sys.stderr.write(f"{stage:<20}{seconds:7.2f} s\n")


def parse_size(text: str) -> tuple[float, float]:
    """Return ``"63x88"`` as (63.0, 88.0), millimetres.

    Raises:
        InputError: anything else, or a side outside 20..300 mm.
    """
    try:
        width, height = (float(part) for part in text.lower().replace("×", "x").split("x"))
    except ValueError:
        width = height = 0.0
    if not (20 <= width <= 300 and 20 <= height <= 300):
        raise InputError(f"{text!r} is no card size.", "Give width x height in millimetres, as 63x88.")
    return width, height


def _checked_target(path: Path) -> Path:
    """Find out before the work that a place cannot be written to."""
    if not path.parent.is_dir():
        raise InputError(
            f"The folder {path.parent} does not exist.", "Make it, or give another place to --json."
        )
    if path.is_dir():
        raise InputError(f"{path} is a folder.", "Give a file's name to --json.")
    if not os.access(path.parent, os.W_OK):
        raise InputError(f"The folder {path.parent} cannot be written to.", "Give another place to --json.")
    return path


def _picture_writer(folder: Path) -> Callable[..., None]:
    from rcg.photometric.pictures import each_layer, webp
    from rcg.photometric.types import Maps

    def write(side: str, maps: Maps) -> None:
        place = folder / side
        place.mkdir(parents=True, exist_ok=True)
        for picture in each_layer(maps):
            write_for_user(place / f"{picture.name.replace(':', '_')}.webp", webp(picture))

    return write


def progress_line() -> tuple[Callable[[float, str], None] | None, Callable[[], None]]:
    """Return a progress line for a terminal, and what clears it; nothing where no terminal looks."""
    if not sys.stderr.isatty():
        return None, lambda: None

    def show(fraction: float, message: str) -> None:
        sys.stderr.write(f"\r\x1b[K{fraction:4.0%}  {message}")
        sys.stderr.flush()

    def clear() -> None:
        sys.stderr.write("\r\x1b[K")
        sys.stderr.flush()

    return show, clear
