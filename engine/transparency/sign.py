"""A report made fast: its digest, signed by the key that signs the audit's checkpoints, and checked by anybody."""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from engine.audit.key import is_signed, public_of
from engine.errors import UsageError

CONTEXT = b"casebind transparency report\x00"  # so that a signature of it is none of a checkpoint
SCHEMA = Path(__file__).parent / "schema.json"


@lru_cache(maxsize=1)
def schema() -> dict[str, Any]:
    """Return the JSON schema of a report."""
    found: dict[str, Any] = json.loads(SCHEMA.read_text("utf-8"))
    return found


def check_form(report: dict[str, Any]) -> None:
    """Raise UsageError, which names the place, where a report has not the form of the schema."""
    from jsonschema import Draft202012Validator

    wrong = next(iter(Draft202012Validator(schema()).iter_errors(report)), None)
    if wrong is not None:
        place = wrong.json_path.removeprefix("$.") or "the whole"
        raise UsageError(f"The report has not the form of its schema at {place}: make it again.")


def signed(report: dict[str, Any], key: Ed25519PrivateKey | None) -> dict[str, Any]:
    """Return a report with its digest, and by a key with its signature; the signature is empty without one."""
    content = _canonical(report)
    signature = {
        "sha256": hashlib.sha256(content).hexdigest(),
        "key": "" if key is None else public_of(key),
        "signature": "" if key is None else key.sign(CONTEXT + content).hex(),
    }
    return {**report, "signature": signature}


def verify(report: dict[str, Any]) -> str:
    """Return the public key that signed a report, "" for one without a signature; UsageError where it was changed."""
    check_form(report)
    stated = report.get("signature", {})
    content = _canonical({name: value for name, value in report.items() if name != "signature"})
    if stated.get("sha256") != hashlib.sha256(content).hexdigest():
        raise UsageError("The report was changed after it was made: ask whoever made it for another one.")
    if stated["key"] and not is_signed(stated["key"], stated["signature"], CONTEXT + content):
        raise UsageError("The report's signature is not of this report: ask whoever made it for another one.")
    return str(stated["key"])


def _canonical(report: dict[str, Any]) -> bytes:
    return json.dumps(report, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
