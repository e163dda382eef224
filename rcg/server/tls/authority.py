"""The own certificate authority: EC P-256, ten years, allowed to sign for this home and for nothing else.

Its name constraints (RFC 5280, 4.2.1.10) make a stolen key worthless against the rest of the internet:
a browser that trusts this authority refuses anything it signs for a public name or a public address.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from rcg.server.address import PERMITTED_DOMAINS, PERMITTED_NETWORKS, host_name
from rcg.server.tls.files import belongs, cert_pem, key_pem, read_certificate, read_key, write_private

YEARS = 10
RENEW_BEFORE = dt.timedelta(days=400)
"""an authority that ends sooner than a fresh server certificate would is replaced"""
SKEW = dt.timedelta(days=1)
"""phones' clocks are not exact"""


@dataclass(frozen=True)
class Authority:
    """The authority's certificate and key, and what had to be done to have them."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    notice: str = ""

    @property
    def permitted_host(self) -> str:
        """The host name this authority was made for: the first permitted name that is no common domain."""
        constraints = self.certificate.extensions.get_extension_for_class(x509.NameConstraints).value
        names = [
            str(tree.value) for tree in constraints.permitted_subtrees or () if isinstance(tree, x509.DNSName)
        ]
        return next((name for name in names if name not in PERMITTED_DOMAINS), "localhost")


def cert_path(folder: Path) -> Path:
    """Where the authority's certificate lies: the file that devices are to trust."""
    return folder / "rcg-ca.pem"


def key_path(folder: Path) -> Path:
    """Where the authority's key lies; mode 0600."""
    return folder / "rcg-ca.key"


def load(folder: Path) -> Authority | None:
    """The authority of a folder, or None when it is missing, broken, or near its end."""
    certificate, key = read_certificate(cert_path(folder)), read_key(key_path(folder))
    if (
        certificate is None
        or not isinstance(key, ec.EllipticCurvePrivateKey)
        or not belongs(key, certificate)
    ):
        return None
    if certificate.not_valid_after_utc - _now() < RENEW_BEFORE:
        return None
    try:
        return Authority(certificate, key)
    finally:
        key_path(folder).chmod(0o600)


def ensure(folder: Path) -> Authority:
    """The authority of a folder, made when there is none; unusable files are kept under another name.

    Raises:
        CertificateError: when the folder or a file in it cannot be read or written.
    """
    found = load(folder)
    if found is not None:
        return found
    notice = _set_aside(folder)
    authority = make(host_name(), notice)
    write_private(key_path(folder), key_pem(authority.key))
    write_private(cert_path(folder), cert_pem(authority.certificate), mode=0o644)
    return authority


def make(host: str, notice: str = "") -> Authority:
    """A new authority for a host name."""
    key = ec.generate_private_key(ec.SECP256R1())
    # iOS does not list a root without a common name in its trust screen; X.520 allows 64 characters.
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"RCG local CA ({host[:48]})")])
    usage = {
        "digital_signature": False, "content_commitment": False, "key_encipherment": False,
        "data_encipherment": False, "key_agreement": False, "key_cert_sign": True, "crl_sign": True,
        "encipher_only": False, "decipher_only": False,
    }  # fmt: skip
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(_now() - SKEW)
        .not_valid_after(_now() + dt.timedelta(days=365 * YEARS))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.KeyUsage(**usage), critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.NameConstraints(permitted(host), None), critical=True)
        .sign(key, hashes.SHA256())
    )
    return Authority(certificate, key, notice)


def permitted(host: str) -> list[x509.GeneralName]:
    """The permitted subtrees: common home domains, the host name, private address ranges."""
    domains = dict.fromkeys((*PERMITTED_DOMAINS, host))
    return [*(x509.DNSName(name) for name in domains), *(x509.IPAddress(net) for net in PERMITTED_NETWORKS)]


def fingerprint(certificate: x509.Certificate) -> str:
    """SHA-256 of a certificate in pairs of hex digits, to compare by eye."""
    return certificate.fingerprint(hashes.SHA256()).hex(":").upper()


def _set_aside(folder: Path) -> str:
    stamp = _now().strftime("%Y%m%d-%H%M%S")
    moved = []
    for path in (cert_path(folder), key_path(folder)):
        if path.exists():
            path.rename(path.with_name(f"{path.name}.unusable-{stamp}"))
            moved.append(path.name)
    if not moved:
        return ""
    return (
        f"The certificate authority in {folder} was broken, incomplete or about to end; a new one was made "
        f"(old: {', '.join(moved)} -> *.unusable-{stamp}). Trust it on your devices again: rcg certs trust."
    )


def _now() -> dt.datetime:
    return dt.datetime.now(dt.UTC)
