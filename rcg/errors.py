"""The one error type that users see, in one form everywhere.

Every failure a user can cause or cure is an :class:`RcgError`: it says what was wrong, with the value, and
what to do. The REST API renders it as ``{"error", "detail", "hint"}``; pages and the command line show the
same words.
"""

from __future__ import annotations

from typing import Any, ClassVar


class RcgError(Exception):
    """Something went wrong that a person can understand and act on.

    Args:
        detail: what was wrong, naming the value.
        hint: the way out, as an instruction. May be empty when the detail says it all.
        data: further machine-readable facts, JSON-serialisable.

    Subclasses set ``code`` (stable, snake_case; the ``error`` field) and ``status`` (HTTP).
    """

    code: ClassVar[str] = "internal_error"
    status: ClassVar[int] = 500

    def __init__(self, detail: str, hint: str = "", **data: Any) -> None:
        super().__init__(detail)
        self.detail = detail
        self.hint = hint
        self.data = data

    def as_json(self) -> dict[str, Any]:
        """Return the one JSON form: ``error``, ``detail``, ``hint`` and, where there is any, ``data``."""
        body: dict[str, Any] = {"error": self.code, "detail": self.detail, "hint": self.hint}
        if self.data:
            body["data"] = self.data
        return body

    def __str__(self) -> str:
        return f"{self.detail} {self.hint}".strip()


class InputError(RcgError):
    """The input is wrong: a value, a file or a set of files."""

    code = "invalid_input"
    status = 422


class NotFoundError(RcgError):
    """The thing that was named does not exist."""

    code = "not_found"
    status = 404


class ConflictError(RcgError):
    """The request does not fit the present state of the thing it names."""

    code = "conflict"
    status = 409


class UnauthorisedError(RcgError):
    """No valid session or token came with the request."""

    code = "not_signed_in"
    status = 401


class ForbiddenError(RcgError):
    """Signed in, but this session or token may not do that."""

    code = "forbidden"
    status = 403


class TooLargeError(RcgError):
    """An upload is over its limit."""

    code = "too_large"
    status = 413


class UnavailableError(RcgError):
    """A part RCG needs is not there at the moment (Valkey, disk space, a driver)."""

    code = "unavailable"
    status = 503


class StartError(RcgError):
    """RCG cannot start. The detail and hint are printed as they are, without a traceback."""

    code = "cannot_start"


class CancelledError(RcgError):
    """A job saw that it was cancelled and stopped cleanly."""

    code = "cancelled"
    status = 409
