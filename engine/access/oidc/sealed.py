"""What the provider's tokens and a begun sign-in are kept as: AES-256-GCM, bound to what they belong to."""

from __future__ import annotations

import json
import secrets
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

KEY_BYTES, NONCE_BYTES = 32, 12


class Seal:
    """Seals plain facts under one key."""

    def __init__(self, secret: bytes, use: str) -> None:
        """Derive the key of one use from a secret."""
        key = HKDF(SHA256(), KEY_BYTES, salt=None, info=f"casebind {use}".encode()).derive(secret)
        self._cipher = AESGCM(key)

    def close(self, facts: dict[str, Any], of: str) -> bytes:
        """Return facts, sealed as belonging to `of`."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, json.dumps(facts).encode(), of.encode())

    def open(self, sealed: bytes, of: str) -> dict[str, Any] | None:
        """Return the facts; None where they were changed, belong to something else or have another key's seal."""
        try:
            found = json.loads(self._cipher.decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], of.encode()))
        except (InvalidTag, ValueError):
            return None
        return found if isinstance(found, dict) else None
