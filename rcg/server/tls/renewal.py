"""Keeps the certificate current while the server runs: near its end, and when addresses change."""

from __future__ import annotations

import asyncio
import logging
import ssl
from typing import TYPE_CHECKING

from rcg.errors import RcgError
from rcg.server.tls import certificates

if TYPE_CHECKING:
    from rcg.server.startup import Startup

logger = logging.getLogger("rcg.tls")
EVERY_S = 3600.0


async def keep_current(startup: Startup, context: ssl.SSLContext, every_s: float = EVERY_S) -> None:
    """Look every hour, until cancelled. A failure is logged and tried again later."""
    while True:
        await asyncio.sleep(every_s)
        try:
            await asyncio.to_thread(renew, startup, context)
        except RcgError as error:
            logger.warning("the certificate was not renewed: %s", error)


def renew(startup: Startup, context: ssl.SSLContext) -> bool:
    """Make the certificate anew where needed and load it into the serving context.

    Returns:
        Whether another certificate is served now.
    """
    settings, before = startup.settings, startup.certificates
    found = certificates.ensure(settings.certs_dir, settings.server.names)
    startup.hosts.refresh(found.leaf.names)
    if before is not None and found.leaf.certificate == before.leaf.certificate:
        return False
    certificates.load_into(context, found)
    startup.certificates = found
    logger.info(
        "serving a new certificate until %s for %s", found.leaf.ends.date(), ", ".join(found.leaf.names)
    )
    return True
