"""Who may do what: sign-in sessions, scoped tokens, one-time links."""

from __future__ import annotations

from rcg.api.auth.principal import SCOPES, Principal, Scope
from rcg.api.auth.service import AuthService, NewLink, NewSession, NewToken

__all__ = ["SCOPES", "AuthService", "NewLink", "NewSession", "NewToken", "Principal", "Scope"]
