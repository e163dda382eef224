"""Reads and writes keys and certificates; a crash leaves the old file or the new one, never half of one."""

from __future__ import annotations

from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import PrivateKeyTypes

from rcg.errors import StartError
from rcg.files import write_atomically


class CertificateError(StartError):
    """The certificates cannot be read, written or used."""

    code = "certificate"


def write_private(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Replace a file in one step; it has its mode before it has its name."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, data, mode=mode)
    except OSError as error:
        raise CertificateError(
            f"Cannot write {path}: {error.strerror or error}.",
            f"Make the folder {path.parent} writable for this user, or set certs_dir to another one.",
        ) from error


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """A private key as unencrypted PKCS#8 PEM; its file's mode protects it."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def cert_pem(certificate: x509.Certificate) -> bytes:
    """A certificate as PEM."""
    return certificate.public_bytes(serialization.Encoding.PEM)


def read_certificate(path: Path) -> x509.Certificate | None:
    """The first certificate of a PEM file; None when the file is missing or broken."""
    try:
        return x509.load_pem_x509_certificate(_read(path))
    except (FileNotFoundError, ValueError):
        return None


def read_key(path: Path) -> PrivateKeyTypes | None:
    """The private key of a PEM file; None when the file is missing, broken or encrypted."""
    try:
        return serialization.load_pem_private_key(_read(path), None)
    except (FileNotFoundError, ValueError, TypeError):
        return None


def belongs(key: PrivateKeyTypes, certificate: x509.Certificate) -> bool:
    """Whether the key is the certificate's."""
    form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return key.public_key().public_bytes(*form) == certificate.public_key().public_bytes(*form)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except PermissionError as error:
        raise CertificateError(
            f"{path} cannot be read by this user.",
            "Give the file to the user who runs RCG (it was probably made by root).",
        ) from error
    except IsADirectoryError as error:
        raise CertificateError(
            f"{path} is a folder, a certificate file was expected.", "Move it away."
        ) from error
