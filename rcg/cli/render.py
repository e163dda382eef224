"""``rcg render``: a card that never was, with its truth."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from rcg.errors import InputError


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("render")(render)


def render(
    seed: Annotated[int, typer.Option(help="The same seed gives the same files.")],
    out: Annotated[Path, typer.Option(help="Folder for the frames, the lights and the truth.")],
    side: Annotated[
        Literal["front", "back", "both"], typer.Option(help="both: folders front and back.")
    ] = "front",
    lights: Annotated[int, typer.Option(help="How many lights; 1 is at the card's top, clockwise.")] = 8,
    size: Annotated[
        str, typer.Option(help="Frame size in pixels, WIDTHxHEIGHT; 3024x4032 is 12 megapixels.")
    ] = "1500x2000",
    px_per_mm: Annotated[
        float | None, typer.Option(help="Scale at the card's centre; by default the card fills the frame.")
    ] = None,
    image_format: Annotated[Literal["jpeg", "png"], typer.Option("--format", help="Of the frames.")] = "jpeg",
    mat: Annotated[
        bool, typer.Option("--mat", help="The card on the printed mat, every frame taken by hand.")
    ] = False,
    effects: Annotated[
        str,
        typer.Option(
            help="Beyond the ordinary card, by comma: foil, coat, chips, sleeve, shadows, creases, "
            "print_lines, stains."
        ),
    ] = "",
    maps: Annotated[bool, typer.Option(help="Write the truth maps (normals, albedo, height) too.")] = True,
) -> None:
    """Render a card under several lights, with its truth, to test and try the engine with."""
    from rcg.photometric.render import render_side, write_side

    frame_size = parse_size(size)
    asked = [name.strip() for name in effects.split(",") if name.strip()]
    for name in ("front", "back") if side == "both" else (side,):
        folder = out / name if side == "both" else out
        rendered = render_side(
            seed,
            n_lights=lights,
            side=name,
            px_per_mm=px_per_mm,
            frame_size=frame_size,
            mat=mat,
            effects=asked,
        )
        write_side(rendered, folder, image_format=image_format, maps=maps)
        centering = rendered.truth.centering
        if centering.left_right is None or centering.top_bottom is None:
            raise InputError(
                "The rendered print has no straight edge at the stations.", "Choose another seed."
            )
        print(
            f"{folder}: {lights} frames of {frame_size[0]} x {frame_size[1]}, "
            f"centering {_pair(centering.left_right.mean)} left/right, "
            f"{_pair(centering.top_bottom.mean)} top/bottom"
        )


def parse_size(text: str) -> tuple[int, int]:
    """``"1500x2000"`` to (1500, 2000).

    Raises:
        InputError: anything else, or less than 100 pixels or more than 20000 on a side.
    """
    width, _, height = text.lower().partition("x")
    if not (
        width.isdecimal() and height.isdecimal() and all(100 <= int(v) <= 20000 for v in (width, height))
    ):
        raise InputError(f"--size is {text!r}.", "Give width x height in pixels, as in --size 1500x2000.")
    return int(width), int(height)


def _pair(pair: tuple[float, float]) -> str:
    return f"{pair[0]:.1f} / {pair[1]:.1f}"
