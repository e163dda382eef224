"""``rcg config check|show``."""

from __future__ import annotations

import typer


def register(app: typer.Typer) -> None:
    """Add the commands."""
    config = typer.Typer(no_args_is_help=True, help="The settings: check them, show them.")
    config.command()(check)
    config.command()(show)
    app.add_typer(config, name="config")


def check() -> None:
    """Find mistakes in the settings files and the environment; exit code 1 when there are any."""
    from rcg.settings_places import files
    from rcg.settings_sources import load

    load()
    read = [str(file) for file in files() if file.is_file()]
    print(f"The settings are good ({', '.join(read) or 'built-in values only'}).")


def show() -> None:
    """Show every setting with its value and where it comes from; secrets are hidden."""
    from rcg.settings_places import values
    from rcg.settings_sources import load

    for value in values(load()):
        print(f"{value.name:28} {value.text:32} {value.source}")
