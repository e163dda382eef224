"""``rcg certs status|init|trust``."""

from __future__ import annotations

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the commands."""
    certs = typer.Typer(no_args_is_help=True, help="The certificate authority and the server's certificate.")
    certs.command()(status)
    certs.command()(init)
    certs.command()(trust)
    app.add_typer(certs, name="certs")


def status() -> None:
    """Show what is served, for which names, until when, and what was left out."""
    from rcg.server.tls import authority, leaf, mkcert
    from rcg.settings_sources import load

    folder = load().certs_dir
    found = mkcert.find(folder)
    served = found.leaf or leaf.load(folder)
    if served is None:
        print(f"No certificate in {folder} yet; `rcg serve` or `rcg certs init` makes one.")
        raise typer.Exit(1)
    print(f"certificate  {served.cert}" + ("  (mkcert)" if found.leaf else ""))
    print(f"  names      {', '.join(served.names)}")
    print(f"  ends       {served.ends:%Y-%m-%d} ({served.days_left} days left)")
    ca = None if found.leaf else authority.load(folder)
    if ca is not None:
        print(f"authority    {authority.cert_path(folder)}")
        print(f"  ends       {ca.certificate.not_valid_after_utc:%Y-%m-%d}")
        print(f"  SHA-256    {authority.fingerprint(ca.certificate)}")
    for reason in found.skipped:
        print(f"  left out   {reason}")


def init() -> None:
    """Make the authority and the certificate now, or renew what needs it; `rcg serve` does the same by
    itself."""
    from rcg.server.tls import certificates
    from rcg.settings_sources import load

    settings = load()
    found = certificates.ensure(settings.certs_dir, settings.server.names)
    print(f"{found.leaf.cert} is good until {found.leaf.ends:%Y-%m-%d} for {', '.join(found.leaf.names)}")
    for line in (*found.notices, *(f"left out: {reason}" for reason in found.skipped)):
        print(f"  {line}")


def trust(
    by_hand: Annotated[bool, typer.Option("--by-hand", help="Change nothing; print what to do.")] = False,
) -> None:
    """Make this computer's browsers and programs trust the authority, as mkcert does."""
    from rcg.server.tls import certificates, trust
    from rcg.settings_sources import load

    settings = load()
    found = certificates.ensure(settings.certs_dir, settings.server.names)
    if not found.own or found.authority is None:
        print("mkcert made this certificate; `mkcert -install` makes this computer trust it.")
        return
    stores = trust.stores(found.authority)
    for line in trust.by_hand(found.authority, stores) if by_hand else trust.install(found.authority, stores):
        print(line)
