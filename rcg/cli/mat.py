"""``rcg mat``: the mat to print."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("mat")(mat)


def mat(
    out: Annotated[Path, typer.Option(help="The PDF file to write.")],
    paper: Annotated[Literal["a4", "letter"], typer.Option(help="The paper in the printer.")] = "a4",
) -> None:
    """Write the printed mat as a PDF: print it at 100 % and measure its scale bar. Needs no server."""
    from rcg.capture.mat.sheet import sheet
    from rcg.errors import InputError

    data = sheet(paper)
    try:
        out.write_bytes(data)
    except OSError as error:
        raise InputError(
            f"{out} cannot be written: {error.strerror or error}.", "Choose a folder that is there."
        ) from error
    print(f"{out}: {paper.upper() if paper == 'a4' else 'Letter'}, {len(data)} bytes")
    print("Print it at 100 %, measure the 100 mm bar, and give its length as --mat-bar or on the mat's page.")
