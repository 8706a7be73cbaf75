"""Keyed pseudonyms, and the limits at which a fact begins to identify a person."""

from __future__ import annotations

import functools
import hashlib
import hmac
import secrets

SHOWN = 16  # hex digits of a keyed hash in a patient id
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


def patient_pseudonym(key: bytes, identifier: str, issuer: str = "") -> str:
    """Return the patient id that a workspace with this key gives to whoever has an identifier elsewhere.

    It is the same for a manifest and for a file that name the same identifier. issuer : who gave it, where that is
    known; "" for an identifier that is none.
    """
    return shown_pseudonym(patient_key(key, identifier, issuer))


def patient_key(key: bytes, identifier: str, issuer: str = "") -> str | None:
    """Return the keyed hash by which a patient is recognised; None for a blank or anonymised identifier."""
    made, issuer = pseudonym(key, identifier), issuer.strip()
    return pseudonym(key, f"{issuer}|{identifier.strip()}") if made and issuer else made


def previous_patient_key(key: bytes, identifier: str, issuer: str = "") -> str | None:
    """Return the keyed hash that was made of a number without an issuer before files and manifests were alike.

    None where the number has an issuer, whose hash stayed the same. By it are known who was erased, or came, then.
    """
    named = pseudonym(key, identifier) is not None and not issuer.strip()
    return pseudonym(key, f"|{identifier.strip()}") if named else None


def shown_pseudonym(made: str | None) -> str:
    """Return the patient id that stands for a keyed hash; "" for none."""
    return f"p-{made[:SHOWN]}" if made else ""
