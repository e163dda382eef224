"""The names this server answers to; any other is refused, for it may be a DNS rebinding attack."""

from __future__ import annotations

from rcg.server.address import host_name, lan_addresses
from rcg.settings import Settings


class KnownHosts:
    """Host names and addresses, lower-case, without port; ``refresh`` when certificate or network changed."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._certificate: tuple[str, ...] = ()
        self._known: frozenset[str] = frozenset()
        self.refresh()

    def __call__(self) -> frozenset[str]:
        """The names, for the security middleware."""
        return self._known

    def refresh(self, certificate_names: list[str] | None = None) -> None:
        """Collect the names anew: own names, own addresses, the settings', those of the certificate."""
        if certificate_names is not None:
            self._certificate = tuple(certificate_names)
        host = host_name()
        # An address typed by hand cannot be rebound, so public ones of this computer are in as well.
        self._known = frozenset({
            "localhost", "127.0.0.1", "::1", host, f"{host}.local", self._settings.server.host,
            *map(str, lan_addresses()),
            *(name.lower() for name in self._settings.server.names),
            *(name.lower() for name in self._certificate),
        })  # fmt: skip
