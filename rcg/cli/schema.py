"""``rcg schema``: the published form of what RCG writes."""

from __future__ import annotations

import json
from typing import Annotated, Literal

import typer


def register(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("schema")(schema)


def schema(what: Annotated[Literal["grade"], typer.Argument(help="Of which file.")]) -> None:
    """Print the JSON Schema of a grade's report."""
    from rcg.grading.report import json_schema

    schemas = {"grade": json_schema}
    print(json.dumps(schemas[what](), indent=2, sort_keys=True))
