"""What routes ask for: the container, who is asking."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, cast

from fastapi import Depends, Request

from rcg.api.auth import Principal
from rcg.errors import UnauthorisedError

if TYPE_CHECKING:
    from rcg.container import Container
else:
    Container = Any  # FastAPI reads annotations at run time, where this one is only a name


def container_of(request: Request) -> Container:
    """Return the parts of this server."""
    return cast("Container", request.app.state.container)


def principal_of(request: Request) -> Principal:
    """Return who asks. The root's middleware has let nobody unknown through; this holds it to that."""
    principal = getattr(request.state, "principal", None)
    if not isinstance(principal, Principal):
        raise UnauthorisedError(
            "You are not signed in.", "rcg link makes a sign-in link, rcg token create a token."
        )
    return principal


ContainerDep = Annotated[Container, Depends(container_of)]
PrincipalDep = Annotated[Principal, Depends(principal_of)]
