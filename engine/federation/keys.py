"""Keys and certificates of a federation: an authority and a certificate for the coordinator, a key for each site.

    DIR/ca.pem            the coordinator's authority; every site gets a copy, and trusts nothing else
    DIR/server.pem, .key  what the coordinator shows, for its names and addresses
    DIR/sites/NAME.pub    public keys that sites have sent: who may take part, under which name
    DIR/NAME.key, .pub    of a site; the first never leaves it

Elliptic keys over P-384, as Flower's SuperNode authentication asks for. The authority's own key is not kept: a new
certificate is a new authority.
"""

from __future__ import annotations

import ipaddress
import os
import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import UsageError, brief
from engine.files import write_whole

if TYPE_CHECKING:
    from cryptography.x509 import CertificateBuilder, GeneralName

AUTHORITY, CERTIFICATE, SERVER_KEY, SITES = "ca.pem", "server.pem", "server.key", "sites"
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9-]{0,39}")
DAYS = 825  # of a certificate
OWNER_ALONE = 0o600


def checked_name(name: str) -> str:
    """Return a site's name; UsageError where it is none."""
    if not NAME.fullmatch(name):
        raise UsageError(f"'{brief(name)}' is no site's name: use up to 40 letters, digits and hyphens.")
    return name


def make_site_key(folder: Path, name: str) -> Path:
    """Write a site's key, for its owner alone, and return the file with its public half; nothing is overwritten."""
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric import ec

    key_file, public_file = folder / f"{checked_name(name)}.key", folder / f"{name}.pub"
    _absent(key_file)
    folder.mkdir(parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP384R1())
    private = key.private_bytes(form.Encoding.PEM, form.PrivateFormat.OpenSSH, form.NoEncryption())
    write_whole(public_file, key.public_key().public_bytes(form.Encoding.OpenSSH, form.PublicFormat.OpenSSH))
    write_whole(key_file, private, mode=OWNER_ALONE)
    return public_file


def make_coordinator_keys(folder: Path, hosts: Sequence[str], days: int = DAYS) -> Path:
    """Write an authority and a certificate for the coordinator's names and addresses; return what sites must have."""
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives import serialization as form
    from cryptography.hazmat.primitives.asymmetric import ec

    _absent(folder / SERVER_KEY)
    (folder / SITES).mkdir(parents=True, exist_ok=True)
    authority, server = (ec.generate_private_key(ec.SECP384R1()) for _ in range(2))
    signer = x509.SubjectKeyIdentifier.from_public_key(authority.public_key())
    usage = x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=True,
        crl_sign=True,
        encipher_only=False,
        decipher_only=False,
    )
    own = (
        _certificate("Casebind federation", "Casebind federation", days)
        .public_key(authority.public_key())
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(signer, critical=False)
    )
    shown = (
        _certificate("Casebind coordinator", "Casebind federation", days)
        .public_key(server.public_key())
        .add_extension(x509.SubjectAlternativeName([_host(one) for one in hosts]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(signer), critical=False)
    )
    for file, made in ((AUTHORITY, own), (CERTIFICATE, shown)):
        write_whole(folder / file, made.sign(authority, hashes.SHA384()).public_bytes(form.Encoding.PEM))
    private = server.private_bytes(form.Encoding.PEM, form.PrivateFormat.TraditionalOpenSSL, form.NoEncryption())
    write_whole(folder / SERVER_KEY, private, mode=OWNER_ALONE)
    return folder / AUTHORITY


def site_keys(folder: Path) -> dict[str, str]:
    """Return site → public key, of all that the coordinator has been given; UsageError where two are one."""
    found = {
        checked_name(file.stem): file.read_text("ascii").strip() for file in sorted((folder / SITES).glob("*.pub"))
    }
    if len(set(found.values())) < len(found):
        raise UsageError(f"Two sites in {folder / SITES} have one key: have each make its own.")
    return found


def _certificate(name: str, issuer: str, days: int) -> CertificateBuilder:
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    subject, by = (x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, one)]) for one in (name, issuer))
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(by)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))  # clocks of hospitals differ
        .not_valid_after(now + timedelta(days=days))
    )


def _host(name: str) -> GeneralName:
    from cryptography import x509

    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _absent(file: Path) -> None:
    if os.path.lexists(file):
        raise UsageError(f"There is {file} already: take another folder, or move it away first.")
