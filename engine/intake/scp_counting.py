"""SCP-ECG files of devices that count samples from 0, where EN 1064 counts from 1."""

from __future__ import annotations

import binascii
import struct

from engine.errors import IntakeError

_POINTERS = 22  # where the pointers of section 0 begin: id (2 bytes), length (4), index (4) each
_HEADER = 16  # bytes before the content of a section


def counted_from_one(data: bytes) -> bytes:
    """Return a file whose leads all start at sample 0 with starts of 1 (Contec's devices), any other one unchanged.

    Raises IntakeError where the checksum of the record does not match, since it is written anew for a changed file.
    """
    size = int.from_bytes(data[2:6], "little")
    start, length = _section(data, 3)
    if not start or not _HEADER < length <= len(data) - start or not _POINTERS < size <= len(data):
        return data  # damage that the parser names
    if binascii.crc_hqx(data[2:size], 0xFFFF) != int.from_bytes(data[:2], "little"):
        raise IntakeError(
            "The checksum of the SCP-ECG file does not match its content, so it was damaged: export it again."
        )
    first = start + _HEADER + 2
    leads = range(first, first + 9 * data[start + _HEADER], 9)
    if leads.stop > start + length or any(data[at : at + 4] != b"\0\0\0\0" for at in leads):
        return data
    changed = bytearray(data)
    for at in leads:
        changed[at] = 1
    struct.pack_into("<H", changed, start, binascii.crc_hqx(bytes(changed[start + 2 : start + length]), 0xFFFF))
    struct.pack_into("<H", changed, 0, binascii.crc_hqx(bytes(changed[2:size]), 0xFFFF))
    return bytes(changed)


def _section(data: bytes, wanted: int) -> tuple[int, int]:
    """Return where a section begins and its length in bytes; zeros where section 0 does not point to it."""
    end = 6 + int.from_bytes(data[10:14], "little")
    for at in range(_POINTERS, min(end, len(data)) - 9, 10):
        number, length, index = struct.unpack_from("<HII", data, at)
        if number == wanted and index:
            return index - 1, length
    return 0, 0
