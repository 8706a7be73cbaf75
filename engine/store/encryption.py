"""The form of an encrypted file: AES-256-GCM in frames, none of which can be changed, moved, left out or added.

    header   "CASEBIND", form (1 byte), key id (16 bytes), salt (32 bytes)
    frames   of 1 MiB and a last one of up to 1 MiB, each followed by its tag of 16 bytes

The key of a file comes from its patient's key and the salt by HKDF-SHA-256, so no nonce is ever used twice under it: a
nonce is the frame's number, and whether it is the last (STREAM; Hoang, Reyhanitabar, Rogaway and Vizár, CRYPTO 2015).
Header and name of the file are authenticated with every frame, so a file in the place of another is found.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

MAGIC, FORM = b"CASEBIND", 1
HEADER = struct.Struct(">8sB16s32s")
FRAME_BYTES, TAG_BYTES, NONCE_BYTES, KEY_BYTES = 1 << 20, 16, 12, 32
CONTENT = b"casebind content"


class ChangedError(ValueError):
    """What was encrypted is not as it was written, or is not what is asked for."""


def derived(key: bytes, use: bytes, *, salt: bytes | None = None, length: int = KEY_BYTES) -> bytes:
    """Return a key for one use out of another key (HKDF-SHA-256, RFC 5869)."""
    return HKDF(SHA256(), length, salt, use).derive(key)


def is_encrypted(data: bytes) -> bool:
    """Say whether the beginning of a file is that of an encrypted one; no study file begins alike."""
    return data[: len(MAGIC)] == MAGIC


def encrypt(data: bytes, key_id: bytes, key: bytes, name: str) -> bytes:
    """Return the encrypted form of a file. key_id : 16 bytes by which the key is found; name : of the file"""
    header = HEADER.pack(MAGIC, FORM, key_id, os.urandom(32))
    box, about = _box(key, header), header + name.encode()
    last = max(0, (len(data) - 1) // FRAME_BYTES)
    frames = (data[n * FRAME_BYTES : (n + 1) * FRAME_BYTES] for n in range(last + 1))
    return b"".join([header, *(box.encrypt(_nonce(n, n == last), one, about) for n, one in enumerate(frames))])


def decrypt(data: bytes, key_of: Callable[[bytes], bytes], name: str) -> bytes:
    """Return the file that was encrypted. Raises ChangedError where it was changed, cut or is another file.

    key_of : key id → key; what it raises is passed on
    """
    if len(data) < HEADER.size + TAG_BYTES:
        raise ChangedError(f"{name} is cut off")
    header, size = data[: HEADER.size], FRAME_BYTES + TAG_BYTES
    _, form, key_id, _ = HEADER.unpack(header)
    if form != FORM:
        raise ChangedError(f"{name} is of form {form}")
    box, about, body = _box(key_of(key_id), header), header + name.encode(), memoryview(data)[HEADER.size :]
    last = (len(body) - 1) // size
    try:
        return b"".join(
            box.decrypt(_nonce(n, n == last), body[n * size : (n + 1) * size], about) for n in range(last + 1)
        )
    except (InvalidTag, ValueError) as error:
        raise ChangedError(f"{name} is not as it was written") from error


def wrap(data: bytes, key: bytes, about: bytes) -> bytes:
    """Return a few bytes encrypted under a key, with a random nonce before them; `about` is authenticated."""
    nonce = os.urandom(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, data, about)


def unwrap(data: bytes, key: bytes, about: bytes) -> bytes:
    """Return what `wrap` was given; ChangedError where data, key or `about` are others."""
    try:
        return AESGCM(key).decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], about)
    except (InvalidTag, ValueError) as error:
        raise ChangedError("another key, or changed") from error


def _box(key: bytes, header: bytes) -> AESGCM:
    *_, salt = HEADER.unpack(header)
    return AESGCM(derived(key, CONTENT, salt=salt))


def _nonce(number: int, is_last: bool) -> bytes:
    return number.to_bytes(NONCE_BYTES - 1, "big") + bytes([is_last])
