"""Who a request comes from, and what that one may do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from rcg.errors import ForbiddenError, InputError

Scope = Literal["read", "capture", "label", "train", "admin"]
SCOPES: tuple[Scope, ...] = get_args(Scope)


@dataclass(frozen=True)
class Principal:
    """A signed-in browser (``session``, may do all) or a script (``token``, may do what its scopes say).

    Attributes:
        kind: ``session`` or ``token``.
        id: id of the row.
        name: the device, or the token's name.
        scopes: what it may do; ``admin`` holds all others.
        expires_at: when it ends, ms since 1970, or None.
    """

    kind: Literal["session", "token"]
    id: str
    name: str
    scopes: frozenset[Scope]
    expires_at: int | None

    def may(self, scope: Scope) -> bool:
        """Whether it holds the scope."""
        return scope in self.scopes or "admin" in self.scopes

    def require(self, *any_of: Scope) -> None:
        """Raise ForbiddenError unless it holds one of the scopes."""
        if not any(self.may(scope) for scope in any_of):
            wanted, held = " or ".join(any_of), ", ".join(sorted(self.scopes)) or "none"
            raise ForbiddenError(
                f"This needs the scope {wanted}; {self.name!r} has {held}.",
                f"Make a token that has it: rcg token create --scope {any_of[0]}",
                scopes=list(any_of),
            )


def parse_scopes(names: Iterable[str]) -> frozenset[Scope]:
    """Return the scopes of these names. Raises InputError for an unknown name or for none at all."""
    wanted = set(names)
    unknown = sorted(wanted - set(SCOPES))
    if unknown:
        raise InputError(f"There is no scope {unknown[0]!r}.", f"The scopes are {', '.join(SCOPES)}.")
    if not wanted:
        raise InputError("A token needs at least one scope.", f"The scopes are {', '.join(SCOPES)}.")
    return frozenset(scope for scope in SCOPES if scope in wanted)
