"""``rcg serve``, ``rcg status``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from rcg.server.logs import LogLevel


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(serve)
    app.command()(status)


def serve(
    host: Annotated[
        str | None, typer.Option(help="Address to bind; 127.0.0.1 keeps RCG to this computer.")
    ] = None,
    port: Annotated[int | None, typer.Option(help="The HTTPS port; 0 takes any free one.")] = None,
    data_dir: Annotated[Path | None, typer.Option(help="Folder of the database and the photographs.")] = None,
    log_level: Annotated[LogLevel, typer.Option(help="How much logs/rcg.log holds.")] = "info",
    open_browser: Annotated[bool, typer.Option("--open", help="Open the browser when ready.")] = False,
) -> None:
    """Run RCG until Ctrl-C."""
    from rcg import paths
    from rcg.server.run import print_failure, run
    from rcg.settings_sources import SettingsError, load

    try:
        settings = load(
            server__host=host, server__port=port, data_dir=data_dir.absolute() if data_dir else None
        )
    except SettingsError as error:
        print_failure(error, None, data_dir or paths.home() / "data")
        raise typer.Exit(1) from None
    raise typer.Exit(run(settings, log_level=log_level, open_browser=open_browser))


def status() -> None:
    """Say how the running server is: every area, every part, what is wrong and what to do."""
    import httpx

    from rcg.server import local_client
    from rcg.settings_sources import load

    settings = load()
    try:
        with local_client.client(settings, timeout_s=5) as client:
            answer = client.get("/health/ready")
    except httpx.TransportError as error:
        raise local_client.not_running(settings, error) from error
    body = answer.json()
    print(
        f"{body['status']}  {answer.url.copy_with(path='/')}"
        + (f"  (step {body['step']})" if "step" in body else "")
    )
    for name, part in body["parts"].items():
        print(f"  {'ok  ' if part['ok'] else 'BAD '} {name:12} {part.get('detail', '')}")
        if part.get("hint"):
            print(f"       {'':12} {part['hint']}")
    print(f"  areas: {', '.join(body['areas'])}")
    raise typer.Exit(0 if answer.status_code == 200 else 1)
