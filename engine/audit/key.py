"""The key that signs checkpoints: Ed25519, in a file of its own that its owner alone reads and the app need not."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from engine import settings
from engine.errors import UsageError

VARIABLE = "CASEBIND_AUDIT_KEY"
FILE = "audit-key.pem"
READABLE_BY_OTHERS = 0o077


def key_path(given: Path | None = None) -> Path:
    """Return where the key is: as given, or CASEBIND_AUDIT_KEY, or in the user's own settings folder."""
    named = os.environ.get(VARIABLE)
    return given or (Path(named).expanduser() if named else settings.state_path() / FILE)


def signing_key(path: Path) -> Ed25519PrivateKey:
    """Return the key of a file, which is made where there is none; UsageError where others may read it."""
    try:
        if not path.exists():
            _make(path)
        if path.stat().st_mode & READABLE_BY_OTHERS:
            raise UsageError(f"Others may read the key {path}: run `chmod 400` on it, or make another one.")
        found = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except OSError as problem:
        raise UsageError(f"The key {path} cannot be read ({problem.strerror}): name another file by --key.") from None
    except ValueError:
        raise UsageError(f"{path} is no key of Casebind's: name another file by --key.") from None
    if not isinstance(found, Ed25519PrivateKey):
        raise UsageError(f"{path} holds a key of another kind: name another file by --key.")
    return found


def public_of(key: Ed25519PrivateKey) -> str:
    """Return the public half as 64 hex digits."""
    return key.public_key().public_bytes_raw().hex()


def is_signed(public: str, signature: str, signed: bytes) -> bool:
    """Say whether a signature, in hex, is of these bytes by this key."""
    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(public)).verify(bytes.fromhex(signature), signed)
    except (InvalidSignature, ValueError):
        return False
    return True


def _make(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    pem = Ed25519PrivateKey.generate().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400), "wb") as out:
        out.write(pem)
        os.fsync(out.fileno())
