"""An authority and certificates that it signed, for servers and clients on loopback."""

from __future__ import annotations

import ipaddress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID


class Certificates(NamedTuple):
    """Where the files lie."""

    folder: Path

    @property
    def ca(self) -> Path:
        return self.folder / "ca.pem"

    def certificate(self, name: str) -> Path:
        return self.folder / f"{name}.pem"

    def key(self, name: str) -> Path:
        return self.folder / f"{name}.key"


def certificates(folder: Path, *names: str) -> Certificates:
    """Write an authority and a certificate for each name, all for 127.0.0.1; return where they lie."""
    made = Certificates(folder)
    authority = ec.generate_private_key(ec.SECP256R1())
    issuer = _name("test authority")
    root = _builder(issuer, issuer, authority).add_extension(x509.BasicConstraints(True, None), True)
    made.ca.write_bytes(root.sign(authority, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    address = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))])
    for name in names:
        key = ec.generate_private_key(ec.SECP256R1())
        signed = _builder(_name(name), issuer, key).add_extension(address, False).sign(authority, hashes.SHA256())
        made.certificate(name).write_bytes(signed.public_bytes(serialization.Encoding.PEM))
        private = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        made.key(name).write_bytes(key.private_bytes(serialization.Encoding.PEM, *private))
    return made


def _name(words: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, words)])


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
    )
