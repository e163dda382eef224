"""The server's own certificate: every permitted name and address of this computer, for at most 397 days."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from rcg.server.address import IpAddress, Names
from rcg.server.tls.authority import SKEW, Authority
from rcg.server.tls.files import belongs, cert_pem, key_pem, read_certificate, read_key, write_private

LIFETIME = dt.timedelta(days=396)
"""with the day before its making 397, which every browser accepts"""
RENEW_BEFORE = dt.timedelta(days=30)


@dataclass(frozen=True)
class Leaf:
    """A server certificate on disk."""

    certificate: x509.Certificate
    cert: Path
    key: Path

    @property
    def ends(self) -> dt.datetime:
        """The moment it ends (UTC)."""
        return self.certificate.not_valid_after_utc

    @property
    def days_left(self) -> int:
        """Whole days until it ends; negative when it has."""
        return (self.ends - dt.datetime.now(dt.UTC)).days

    @property
    def names(self) -> list[str]:
        """The names and addresses it is good for."""
        dns, ips = _names_of(self.certificate)
        return [*dns, *map(str, ips)]


def paths(folder: Path) -> tuple[Path, Path]:
    """Where the server's certificate and key lie."""
    return folder / "rcg.pem", folder / "rcg.key"


def load(folder: Path) -> Leaf | None:
    """The server's certificate, or None when it or its key is missing or broken."""
    cert, key = paths(folder)
    certificate, private = read_certificate(cert), read_key(key)
    if certificate is None or private is None or not belongs(private, certificate):
        return None
    return Leaf(certificate, cert, key)


def why_renew(leaf: Leaf | None, authority: Authority, names: Names) -> str:
    """Why a new certificate is needed, empty when the present one serves on.

    An address that went away is no reason: it may come back, and each renewal cuts no one off.
    """
    if leaf is None:
        return "there was none that could be used"
    try:
        leaf.certificate.verify_directly_issued_by(authority.certificate)
    except (InvalidSignature, ValueError, TypeError):
        return "it was signed by another authority"
    if leaf.ends - dt.datetime.now(dt.UTC) < RENEW_BEFORE:
        return f"it ends in {leaf.days_left} days"
    dns, ips = _names_of(leaf.certificate)
    missing = [*(set(names.dns) - set(dns)), *(str(ip) for ip in set(names.ips) - set(ips))]
    return f"it lacked {', '.join(sorted(missing))}" if missing else ""


def issue(folder: Path, authority: Authority, names: Names) -> Leaf:
    """Make and store a new server certificate. The key is new, too."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = sign(authority, key.public_key(), names)
    cert, key_file = paths(folder)
    # A crash between the two leaves a pair that does not match; load() then takes it for missing.
    write_private(key_file, key_pem(key))
    write_private(cert, cert_pem(certificate), mode=0o644)
    return Leaf(certificate, cert, key_file)


def sign(authority: Authority, public: ec.EllipticCurvePublicKey, names: Names) -> x509.Certificate:
    """Sign a server certificate; whether the names are permitted is checked by who calls and who verifies."""
    now = dt.datetime.now(dt.UTC)
    usage = {
        "digital_signature": True, "content_commitment": False, "key_encipherment": False,
        "data_encipherment": False, "key_agreement": False, "key_cert_sign": False, "crl_sign": False,
        "encipher_only": False, "decipher_only": False,
    }  # fmt: skip
    sans: list[x509.GeneralName] = [*map(x509.DNSName, names.dns), *map(x509.IPAddress, names.ips)]
    issuer_id = authority.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    return (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "RCG server")]))
        .issuer_name(authority.certificate.subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SKEW)
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(**usage), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.SubjectAlternativeName(sans), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer_id), critical=False
        )
        .sign(authority.key, hashes.SHA256())
    )


def _names_of(certificate: x509.Certificate) -> tuple[list[str], list[IpAddress]]:
    try:
        sans = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return [], []
    ips = [
        ip for ip in sans.get_values_for_type(x509.IPAddress) if isinstance(ip, (IPv4Address, IPv6Address))
    ]
    return sans.get_values_for_type(x509.DNSName), ips
