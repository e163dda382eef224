"""``rcg demo``: a rendered card through the running server."""

from __future__ import annotations

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("demo")(demo)


def demo(
    seed: Annotated[int, typer.Option(help="Which card; the same seed gives the same one.", min=0)] = 1,
) -> None:
    """Render a two-sided sample card on the running server and grade it there."""
    from rcg.cli.importer import print_grade
    from rcg.client import Client

    with Client() as client:
        job = client.post("/demo", {"seed": seed})
        print_grade(client, job["id"])
