"""Finds mkcert certificates (any pair ``NAME.pem`` and ``NAME-key.pem``) in the certificate folder."""

from __future__ import annotations

import datetime as dt
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

from rcg.server.tls.files import belongs, read_certificate, read_key
from rcg.server.tls.leaf import Leaf


@dataclass
class Found:
    """The newest usable pair, if any, and why others were not taken."""

    leaf: Leaf | None = None
    skipped: list[str] = field(default_factory=list)


def find(folder: Path) -> Found:
    """Look for ``NAME-key.pem`` beside ``NAME.pem``: mkcert's own file names."""
    found = Found()
    now = dt.datetime.now(dt.UTC)
    for key_file in sorted(folder.glob("*-key.pem")):
        cert_file = key_file.with_name(key_file.name.removesuffix("-key.pem") + ".pem")
        certificate, key = read_certificate(cert_file), read_key(key_file)
        if certificate is None:
            found.skipped.append(f"{key_file.name}: no readable {cert_file.name} beside it")
        elif key is None or not belongs(key, certificate):
            found.skipped.append(f"{cert_file.name}: {key_file.name} is not its key")
        elif certificate.not_valid_after_utc <= now:
            found.skipped.append(f"{cert_file.name}: ended on {certificate.not_valid_after_utc:%Y-%m-%d}")
        elif (
            found.leaf is None
            or certificate.not_valid_before_utc > found.leaf.certificate.not_valid_before_utc
        ):
            found.leaf = Leaf(certificate, cert_file, key_file)
    return found


def authority_file(folder: Path) -> Path | None:
    """mkcert's ``rootCA.pem``: beside the pair, or where mkcert keeps it for this user."""
    home = Path.home()
    data = os.environ.get("XDG_DATA_HOME")
    usual = home / "Library/Application Support" if sys.platform == "darwin" else home / ".local/share"
    roots = [folder, Path(os.environ.get("CAROOT") or "/nonexistent"), Path(data or usual) / "mkcert"]
    return next((root / "rootCA.pem" for root in roots if (root / "rootCA.pem").is_file()), None)
