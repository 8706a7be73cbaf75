"""A received dataset as the bytes of a DICOM file (PS3.10 section 7.1): preamble, file meta information, dataset.

`Event.encoded_dataset` of pynetdicom returns the same bytes. It makes a dataset of the file meta information first,
which takes a fifth of what the listener needs for an object.
"""

from __future__ import annotations

from struct import pack

from pynetdicom import PYNETDICOM_IMPLEMENTATION_UID, PYNETDICOM_IMPLEMENTATION_VERSION

BEGINS = b"\0" * 128 + b"DICM"
VERSION = b"\x02\0\x01\0OB\0\0" + pack("<L", 2) + b"\0\x01"


def as_file(sop_class: str, uid: str, syntax: str, dataset: bytes) -> bytes:
    """Return the file of an object.

    sop_class, uid : of the object, as its sender names them
    syntax         : transfer syntax UID in which the dataset is encoded
    """
    meta = VERSION + b"".join(
        (
            _element(0x02, b"UI", sop_class, b"\0"),
            _element(0x03, b"UI", uid, b"\0"),
            _element(0x10, b"UI", syntax, b"\0"),
            _element(0x12, b"UI", PYNETDICOM_IMPLEMENTATION_UID, b"\0"),
            _element(0x13, b"SH", PYNETDICOM_IMPLEMENTATION_VERSION, b" "),
        )
    )
    return b"".join((BEGINS, b"\x02\0\0\0UL\x04\0", pack("<L", len(meta)), meta, dataset))


def _element(number: int, vr: bytes, value: str, padding: bytes) -> bytes:
    """Return one element of group 2, Explicit VR Little Endian, of even length."""
    written = value.encode("ascii", "replace")
    written += padding * (len(written) % 2)
    return pack("<HH2sH", 0x0002, number, vr, len(written)) + written
