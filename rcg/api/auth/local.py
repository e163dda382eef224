"""The command line's own way in: address and token in the data folder, for the owner's eyes only."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

from rcg.api.auth.principal import SCOPES
from rcg.files import PRIVATE, write_atomically

if TYPE_CHECKING:
    from rcg.api.auth.service import AuthService

FILE_NAME = "cli.json"
TOKEN_NAME = "this computer's command line"  # noqa: S105  # a name, not a secret


def ensure_local_token(auth: AuthService, data_dir: Path, address: str, ca: Path | None) -> Path:
    """Write ``data/cli.json`` {"url", "token", "ca"}, mode 0600, keeping a token that is still good.

    Args:
        auth: makes the token.
        data_dir: the data folder.
        address: the server's URL, e.g. ``https://localhost:8443``.
        ca: file of the certificate authority that a client has to trust, or None when the system does.

    Returns:
        The file.
    """
    path = data_dir / FILE_NAME
    token = _token_in(path)
    principal = auth.authenticate({"authorization": f"Bearer {token}"}) if token else None
    if principal is None or not all(principal.may(scope) for scope in SCOPES):
        for row in auth.tokens():
            if row.name == TOKEN_NAME:
                auth.revoke_token(row.id)
        token = auth.create_token(TOKEN_NAME, SCOPES).secret
    content = {"url": address, "token": token, "ca": str(ca) if ca else None}
    write_atomically(path, (json.dumps(content, indent=2) + "\n").encode(), mode=PRIVATE)
    return path


def _token_in(path: Path) -> str | None:
    try:
        content = json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return None
    token = content.get("token") if isinstance(content, dict) else None
    return token if isinstance(token, str) else None
