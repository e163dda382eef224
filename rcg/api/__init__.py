"""REST: thin routers over services, one security middleware, one form of error."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from fastapi import FastAPI

    from rcg.container import Container


def make_api(container: Container) -> FastAPI:
    """Make the sub-app for ``/api``. The routers are imported here, so that the command line need not."""
    from rcg.api.app import build  # noqa: PLC0415

    return build(container)
