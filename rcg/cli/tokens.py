"""``rcg link``, ``rcg token create|list|revoke``: they work with and without the running server."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rcg.api.auth import AuthService
    from rcg.settings import Settings


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command()(link)
    tokens = typer.Typer(no_args_is_help=True, help="Tokens for scripts.")
    tokens.command()(create)
    tokens.command("list")(list_tokens)
    tokens.command()(revoke)
    app.add_typer(tokens, name="token")


def link() -> None:
    """Print a link that signs one browser in; it works once, within 15 minutes."""
    with _auth() as (auth, settings):
        print(f"{_url(settings)}{auth.create_link('sign_in').path}")


def create(
    name: Annotated[str, typer.Option(help="What will use it.")],
    scope: Annotated[list[str], typer.Option(help="read, capture, label, train or admin; may be repeated.")],
    days: Annotated[float | None, typer.Option(help="How long it lasts; without it until revoked.")] = None,
) -> None:
    """Make a token for a script and print it, this once."""
    with _auth() as (auth, _settings):
        print(auth.create_token(name, scope, days=days).secret)


def list_tokens() -> None:
    """List the tokens that hold."""
    with _auth() as (auth, _settings):
        for row in auth.tokens():
            used = f"used {_day(row.last_used_at)}" if row.last_used_at else "never used"
            ends = f"ends {_day(row.expires_at)}" if row.expires_at else "no end"
            print(f"{row.id}  {row.name:24} {','.join(row.scopes):24} {used}, {ends}")


def revoke(token_id: Annotated[str, typer.Argument(help="Its id, from `rcg token list`.")]) -> None:
    """End a token at once."""
    with _auth() as (auth, _settings):
        auth.revoke_token(token_id)
        print(f"Token {token_id} is revoked.")


@contextmanager
def _auth() -> Iterator[tuple[AuthService, Settings]]:
    from rcg.api.auth import AuthService
    from rcg.server import folders
    from rcg.settings_sources import load
    from rcg.store.db import Database
    from rcg.store.migrate import migrate

    settings = load()
    folders.open_folders(settings)
    db = Database(settings.database.url) if settings.database.url else Database.in_folder(settings.data_dir)
    try:
        migrate(db)
        yield AuthService(db, port=settings.server.port), settings
    finally:
        db.close()


def _url(settings: Settings) -> str:
    from rcg.errors import UnavailableError
    from rcg.server import local_client

    try:
        return local_client.read(settings.data_dir).url
    except UnavailableError:  # no server has run here yet
        return f"https://localhost:{settings.server.port}"


def _day(ms: int) -> str:
    return dt.datetime.fromtimestamp(ms / 1000, dt.UTC).strftime("%Y-%m-%d")
