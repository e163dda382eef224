"""Names and addresses this computer is reached by, and which of them the own CA may sign for."""

from __future__ import annotations

import ipaddress
import re
import socket
from collections.abc import Sequence
from dataclasses import dataclass

import psutil

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
IpNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network

PERMITTED_DOMAINS = ("localhost", "local", "lan", "home.arpa", "ts.net")
PERMITTED_NETWORKS: tuple[IpNetwork, ...] = tuple(
    ipaddress.ip_network(text)
    for text in (
        "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "127.0.0.0/8", "169.254.0.0/16", "100.64.0.0/10",
        "::1/128", "fc00::/7", "fe80::/10",
    )
)  # fmt: skip
_DNS_NAME = re.compile(
    r"(?=.{1,253}$)([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*"
)


@dataclass(frozen=True)
class Names:
    """What the certificate names: DNS names, addresses, and what was left out, with the reason."""

    dns: tuple[str, ...]
    ips: tuple[IpAddress, ...]
    skipped: tuple[str, ...] = ()


def host_name() -> str:
    """This computer's name in lower case, without ``.local``; ``localhost`` when it has no usable one."""
    name = socket.gethostname().lower().rstrip(".").removesuffix(".local")
    return name if _DNS_NAME.fullmatch(name) else "localhost"


def lan_addresses() -> list[IpAddress]:
    """Every address of this computer that another can use, IPv4 first; loopback is left out."""
    found: set[IpAddress] = set()
    for addresses in psutil.net_if_addrs().values():
        for entry in addresses:
            if entry.family in (socket.AF_INET, socket.AF_INET6):
                found.add(ipaddress.ip_address(entry.address.split("%")[0]))
    return sorted((ip for ip in found if not ip.is_loopback), key=lambda ip: (ip.version, ip))


def wanted_names(further: Sequence[str], permitted_host: str) -> Names:
    """Collect the names for a certificate.

    One name outside the CA's constraints voids the whole certificate, so such names are skipped and listed.

    Args:
        further: names from the setting ``server.names``; addresses are allowed among them.
        permitted_host: the host name the CA was made for.
    """
    host = host_name()
    dns = ["localhost", host, f"{host}.local" if "." not in host else host]
    ips: list[IpAddress] = [ipaddress.ip_address("127.0.0.1"), ipaddress.ip_address("::1"), *lan_addresses()]
    skipped: list[str] = []
    for name in further:
        try:
            ips.append(ipaddress.ip_address(name))
        except ValueError:
            dns.append(name.lower().rstrip("."))
    good_dns = [name for name in dict.fromkeys(dns) if _keep_dns(name, permitted_host, skipped)]
    good_ips = [ip for ip in dict.fromkeys(ips) if _keep_ip(ip, skipped)]
    return Names(tuple(good_dns), tuple(good_ips), tuple(skipped))


def dns_permitted(name: str, permitted_host: str) -> bool:
    """Whether a name lies under the permitted domains or the CA's host name."""
    return any(
        name == domain or name.endswith(f".{domain}") for domain in (*PERMITTED_DOMAINS, permitted_host)
    )


def ip_permitted(ip: IpAddress) -> bool:
    """Whether an address is private, link-local, loopback or of 100.64/10."""
    return any(ip.version == network.version and ip in network for network in PERMITTED_NETWORKS)


def _keep_dns(name: str, permitted_host: str, skipped: list[str]) -> bool:
    if not _DNS_NAME.fullmatch(name):
        skipped.append(f"{name}: not a DNS name")
    elif not dns_permitted(name, permitted_host):
        skipped.append(f"{name}: outside the names this CA may sign (host {permitted_host}, its domains)")
    else:
        return True
    return False


def _keep_ip(ip: IpAddress, skipped: list[str]) -> bool:
    if ip.version == 6 and ip.is_link_local:
        skipped.append(f"{ip}: IPv6 link-local, which no browser can open")
    elif not ip_permitted(ip):
        skipped.append(f"{ip}: not a private address, outside what this CA may sign")
    else:
        return True
    return False
