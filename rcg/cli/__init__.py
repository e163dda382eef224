"""The command line: ``rcg COMMAND``. Each module adds its commands; heavy imports wait until one runs."""

from __future__ import annotations

import sys
from importlib import import_module

import typer

from rcg.errors import RcgError

COMMAND_MODULES: tuple[str, ...] = (
    "serve",
    "tokens",
    "certs",
    "config",
    "grade",
    "solve",
    "importer",
    "rig",
    "capture",
    "calibrate",
    "demo",
    "render",
    "mat",
    "schema",
    "dataset",
    "train",
    "weights",
    "bench",
)
"""modules of this package, in the order of ``rcg --help``"""

app = typer.Typer(
    name="rcg",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="A card-grading laboratory on your own computer.",
)
for _name in COMMAND_MODULES:
    import_module(f"rcg.cli.{_name}").register(app)


def main() -> None:
    """Run the command line; an error a person can act on is printed as a sentence, without a traceback."""
    try:
        app()
    except RcgError as error:
        sys.stderr.write(f"rcg: {error.detail}\n")
        if error.hint:
            sys.stderr.write(f"     {error.hint}\n")
        sys.exit(1)
