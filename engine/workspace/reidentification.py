"""The file that says which ids pseudonyms stand for: sealed for the privacy officer, whose private key alone opens it.

Hybrid public key encryption (RFC 9180) with X25519, HKDF-SHA256 and AES-256-GCM. The officer makes the pair of keys and
keeps the private one elsewhere; the machine of the workspace has the public one alone, and cannot open what it wrote.

    b"casebind-reid-1\\n" | encapsulated key | sealed JSON: a list of [what, pseudonym, id]
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

from engine.errors import UsageError
from engine.files import write_whole

MAGIC = b"casebind-reid-1\n"
OWNER_ALONE = 0o600
_SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)
Ids = Mapping[tuple[str, str], str]  # (what, pseudonym) → the id that it stands for


def make_keys(private: Path, public: Path) -> None:
    """Write a new pair of keys as PEM, the private one for its owner alone; UsageError where a file is there."""
    key = X25519PrivateKey.generate()
    pem, plain = serialization.Encoding.PEM, serialization.NoEncryption()
    contents = {
        private: (key.private_bytes(pem, serialization.PrivateFormat.PKCS8, plain), OWNER_ALONE),
        public: (key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo), 0o644),
    }
    for file in contents:
        check_new(file)
    for file, (content, mode) in contents.items():
        write_whole(file, content, mode=mode)


def check_new(file: Path) -> None:
    """Raise UsageError where a file cannot be written, since it is there or its folder is not."""
    if os.path.lexists(file):
        raise UsageError(f"{file} is there already and is not written over: name another file.")
    if not file.absolute().parent.is_dir():
        raise UsageError(f"There is no folder {file.absolute().parent} to write to: make it first.")


def public_key(file: Path) -> X25519PublicKey:
    """Read the officer's public key; UsageError where it is none."""
    try:
        key = serialization.load_pem_public_key(file.read_bytes())
    except (OSError, ValueError):
        key = None
    if not isinstance(key, X25519PublicKey):
        raise UsageError(
            f"{file} holds no public key of an officer (X25519, PEM): `casebind reidentification keys` makes a pair."
        )
    return key


def write(file: Path, ids: Ids, key: X25519PublicKey) -> None:
    """Write a sealed file, whole or not at all, for its owner alone; UsageError where it cannot be written."""
    check_new(file)
    table = json.dumps([[what, pseudonym, one] for (what, pseudonym), one in sorted(ids.items())])
    sealed = _SUITE.encrypt(table.encode("utf-8"), key, info=MAGIC)
    try:
        write_whole(file, MAGIC + sealed, mode=OWNER_ALONE)
    except OSError as error:
        raise UsageError(f"{file} cannot be written ({error.strerror}): name another file.") from None


def read(file: Path, private: Path) -> dict[tuple[str, str], str]:
    """Open a sealed file; UsageError where it is none, or was sealed for another key."""
    try:
        key, content = serialization.load_pem_private_key(private.read_bytes(), None), file.read_bytes()
    except (OSError, ValueError, TypeError) as error:
        raise UsageError(f"The private key or {file.name} cannot be read ({error}): check both files.") from None
    if not isinstance(key, X25519PrivateKey) or not content.startswith(MAGIC):
        raise UsageError(f"{file.name} is no re-identification file, or {private.name} no key of an officer.")
    try:
        table = _SUITE.decrypt(content.removeprefix(MAGIC), key, info=MAGIC)
    except (InvalidTag, ValueError):
        raise UsageError(
            f"{file.name} was sealed for another key, or is damaged: look for the key of its day."
        ) from None
    return {(what, pseudonym): one for what, pseudonym, one in json.loads(table)}
