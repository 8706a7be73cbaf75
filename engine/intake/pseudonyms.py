"""Keyed pseudonyms, and the limits at which a fact begins to identify a person."""

from __future__ import annotations

import functools
import hashlib
import hmac
import secrets

MAX_AGE = 90  # ages of 90 and more are identifying (45 CFR 164.514(b)(2)(i)(C)) and are given as 90


@functools.cache
def process_key() -> bytes:
    """Return a random key that lives as long as the process."""
    return secrets.token_bytes(32)


def pseudonym(key: bytes, identifier: str) -> str | None:
    """Return HMAC-SHA256(key, identifier) as 32 hex characters, or None for a blank or anonymised identifier."""
    clean = identifier.strip().strip("\x00")
    if not clean.strip("^Xx- "):
        return None
    return hmac.new(key, clean.encode("utf-8", "replace"), hashlib.sha256).hexdigest()[:32]
