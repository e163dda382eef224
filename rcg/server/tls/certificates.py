"""Which certificate is served, and is it still right? Made and renewed here, without being asked."""

from __future__ import annotations

import errno
import fcntl
import logging
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from rcg.server.address import wanted_names
from rcg.server.tls import authority, leaf, mkcert
from rcg.server.tls.files import CertificateError
from rcg.server.tls.leaf import Leaf

logger = logging.getLogger("rcg.tls")


@dataclass(frozen=True)
class Certificates:
    """What is served.

    Attributes:
        leaf: the server's certificate.
        authority: the file that devices and curl are to trust; None when a foreign one is not to be found.
        own: whether RCG made it (False: mkcert files were found).
        skipped: names and files that were not used, with the reason.
        notices: what changed and what the user should do about it.
    """

    leaf: Leaf
    authority: Path | None
    own: bool
    skipped: tuple[str, ...] = ()
    notices: tuple[str, ...] = field(default=())


def ensure(folder: Path, names: Sequence[str] = ()) -> Certificates:
    """The certificate to serve, made or renewed when needed.

    Args:
        folder: the certificate folder.
        names: further host names from the settings.

    Raises:
        CertificateError: when files cannot be read or written.
    """
    with _locked(folder):
        found = mkcert.find(folder)
        if found.leaf is not None:
            return Certificates(
                found.leaf, mkcert.authority_file(folder), own=False, skipped=tuple(found.skipped)
            )
        ca = authority.ensure(folder)
        wanted = wanted_names(names, ca.permitted_host)
        present = leaf.load(folder)
        why = leaf.why_renew(present, ca, wanted)
        notices = [ca.notice] if ca.notice else []
        if present is None or why:
            present = leaf.issue(folder, ca, wanted)
            logger.info("new server certificate until %s: %s", present.ends.date(), why)
        skipped = (*found.skipped, *wanted.skipped)
        return Certificates(
            present, authority.cert_path(folder), own=True, skipped=skipped, notices=tuple(notices)
        )


def make_context(certificates: Certificates) -> ssl.SSLContext:
    """A server context with the certificate loaded; TLS 1.2 and newer."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_alpn_protocols(["http/1.1"])
    load_into(context, certificates)
    return context


def load_into(context: ssl.SSLContext, certificates: Certificates) -> None:
    """Put a certificate into a context, also one that is serving: new connections get it."""
    try:
        context.load_cert_chain(certificates.leaf.cert, certificates.leaf.key)
    except (ssl.SSLError, OSError) as error:
        raise CertificateError(
            f"The certificate {certificates.leaf.cert} cannot be used: {error}.",
            "Move it out of the folder; RCG then makes its own.",
        ) from error


@contextmanager
def _locked(folder: Path) -> Iterator[None]:
    """Two processes (a server and ``rcg certs init``) never write the same files at once."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with (folder / ".lock").open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield
    except OSError as error:
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            raise  # a full disk has its own sentence, for every folder
        raise CertificateError(
            f"The certificate folder {folder} is not usable: {error.strerror or error}.",
            "Make it a folder that this user may write, or set certs_dir to another one.",
        ) from error
