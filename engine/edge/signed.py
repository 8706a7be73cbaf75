"""A folder of parts with a signed manifest, as a hospital and its device exchange them; the standard library alone.

    manifest.json   what it is, and "parts": {file: SHA-256}
    manifest.hmac   HMAC-SHA256 of the manifest's bytes under the device's key, hex

The key is one device's, made when its first bundle is built, and carried to it apart from the bundle.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import os
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.errors import UsageError
from engine.files import sha256_of, write_whole

FORMAT = 1
MANIFEST, SIGNATURE = "manifest.json", "manifest.hmac"
KEY_BYTES = 32
READABLE_BY_OTHERS = 0o077


def device_key(path: Path, *, make: bool = False) -> bytes:
    """Return the key in a file, (32,) bytes as 64 hex digits there; UsageError where there is none or others read it.

    make : whether to make one, for its owner alone, where the file is not there
    """
    try:
        if make and not path.exists():
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
                out.write(secrets.token_hex(KEY_BYTES) + "\n")
        if path.stat().st_mode & READABLE_BY_OTHERS:
            raise UsageError(f"Others may read the device's key {path}: run `chmod 600` on it, or make another one.")
        key = bytes.fromhex(path.read_text("ascii").strip())
    except OSError as problem:
        raise UsageError(
            f"The device's key {path} cannot be read ({problem.strerror}): name its file by --key."
        ) from None
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise UsageError(f"{path} is no key of a device: name the file that `casebind edge build` made by --key.")
    return key


def seal(folder: Path, said: Mapping[str, Any], key: bytes) -> dict[str, Any]:
    """Write the manifest of a folder's files and its signature; return the manifest."""
    files = sorted(file for file in folder.iterdir() if file.name not in (MANIFEST, SIGNATURE))
    manifest = {"format": FORMAT, **said, "parts": {file.name: sha256_of(file) for file in files}}
    text = json.dumps(manifest, indent=1, sort_keys=True, ensure_ascii=False).encode() + b"\n"
    write_whole(folder / MANIFEST, text)
    write_whole(folder / SIGNATURE, signature(text, key) + "\n")
    return manifest


def signature(signed: bytes, key: bytes) -> str:
    """Return the HMAC-SHA256 of bytes as hex."""
    return hmac.new(key, signed, hashlib.sha256).hexdigest()


def opened(folder: Path, key: bytes) -> dict[str, Any]:
    """Return the manifest of a folder; UsageError where it or a part is not what was signed under the key."""
    try:
        text, stated = (folder / MANIFEST).read_bytes(), (folder / SIGNATURE).read_text("ascii").strip()
    except (OSError, ValueError):
        raise UsageError(f"{folder} holds no signed bundle: build one with `casebind edge build`.") from None
    if not hmac.compare_digest(signature(text, key), stated):
        raise UsageError(
            f"The bundle in {folder} is not signed with this device's key: build it anew for this device, or name its "
            "own key."
        )
    manifest: dict[str, Any] = json.loads(text)
    if manifest.get("format") != FORMAT:
        raise UsageError(
            f"The bundle in {folder} has format {manifest.get('format')}, this program reads {FORMAT}: install both of "
            "one version."
        )
    for name, wanted in manifest["parts"].items():
        if Path(name).name != name or not (folder / name).is_file() or sha256_of(folder / name) != wanted:
            raise UsageError(f"The part {name} of the bundle in {folder} is missing or changed: take the bundle again.")
    return manifest
