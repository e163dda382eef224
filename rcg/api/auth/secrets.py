"""Secrets: how they are made, told apart, and stored: as SHA-256, which is enough for random ones."""

from __future__ import annotations

import hashlib
import secrets

TOKEN_PREFIX = "rcg_"  # noqa: S105  # a prefix by which people and scanners know a token, not a secret


def digest(secret: str) -> bytes:
    """Return what is stored of a secret: 32 bytes, looked up by equality in an index."""
    return hashlib.sha256(secret.encode()).digest()


def new_session_secret() -> str:
    """256 bits for a cookie."""
    return secrets.token_urlsafe(32)


def new_token() -> str:
    """256 bits for a script, recognisable by its prefix."""
    return TOKEN_PREFIX + secrets.token_urlsafe(32)


def new_link_secret() -> str:
    """128 bits for a link that is used once."""
    return secrets.token_urlsafe(16)


def new_pairing_code() -> str:
    """Six digits, for who types: few, so they last for minutes and tries at them are counted."""
    return f"{secrets.randbelow(1_000_000):06d}"


def cookie_name(port: int) -> str:
    """Return the cookie's name; browsers do not keep the ports of a host apart, so the name does.

    ``__Host-`` makes a browser insist on Secure, Path=/ and no Domain.
    """
    return f"__Host-rcg-{port}"
