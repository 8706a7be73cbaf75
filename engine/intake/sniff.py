"""Content → format. A file's suffix is never believed."""

from __future__ import annotations

import re
from typing import Final

READABLE: Final = frozenset({"dicom", "png", "jpeg", "wfdb", "edf", "bdf", "table", "zip"})

# (offset, magic bytes, format), tried in this order.
_MAGIC: Final[tuple[tuple[int, bytes, str], ...]] = (
    (128, b"DICM", "dicom"),
    (0, b"\x89PNG\r\n\x1a\n", "png"),
    (0, b"\xff\xd8\xff", "jpeg"),
    (0, b"PK\x03\x04", "zip"),
    (0, b"PK\x05\x06", "zip"),
    (0, b"PK\x07\x08", "zip"),
    (0, b"%PDF", "pdf"),
    (0, b"0       ", "edf"),
    (0, b"\xffBIOSEMI", "bdf"),
    (16, b"SCPECG", "scp"),
    (0, b"ISHNE1.0", "ishne"),
    (0, b"II*\x00", "tiff"),
    (0, b"MM\x00*", "tiff"),
    (0, b"II+\x00", "tiff"),
    (0, b"MM\x00+", "tiff"),
    (0, b"GIF8", "gif"),
    (8, b"WEBP", "webp"),
    (4, b"ftypheic", "heic"),
    (4, b"ftypheix", "heic"),
    (4, b"ftypmif1", "heic"),
    (4, b"ftypavif", "heic"),
    (0, b"\x00\x00\x00\x0cjP  ", "jpeg2000"),
    (0, b"\xff\x4f\xff\x51", "jpeg2000"),
    (4, b"ftyp", "video"),
    (0, b"\x1aE\xdf\xa3", "video"),
    (8, b"AVI ", "video"),
    (0, b"\x00\x00\x01\xba", "video"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "office"),
    (0, b"MATLAB 5.0", "matlab"),
    (0, b"\x89HDF\r\n\x1a\n", "hdf5"),
    (0, b"\x93NUMPY", "numpy"),
    (0, b"fLaC", "signal"),
    (0, b"\x1f\x8b", "compressed"),
    (0, b"7z\xbc\xaf\x27\x1c", "compressed"),
    (0, b"Rar!", "compressed"),
    (0, b"\xfd7zXZ", "compressed"),
    (0, b"BZh", "compressed"),
)
_TEXT_MAGIC: Final = (("{\\rtf", "rtf"), ("<!doctype html", "html"), ("<html", "html"), ("<?xml", "xml"), ("<", "xml"))
_HEAD: Final = 1 << 16  # bytes looked at when telling kinds of text apart

# WFDB header(5): NAME[/SEGMENTS] SIGNALS [RATE … [LENGTH …]], then FILE FORMAT[xSPF][:SKEW][+OFFSET] …
RECORD_LINE: Final = re.compile(r"^\s*(\S+?)(?:/(\d+))?[ \t]+(\d+)(?:[ \t]+(\S+))?(?:[ \t]+(-?\d+))?(?:[ \t]+(.*))?$")
SIGNAL_LINE: Final = re.compile(r"^\s*(\S+)[ \t]+(0|8|16|24|32|61|80|160|212|310|311|508|516|524)(?=[x:+\s]|$)(.*)$")
SEGMENT_LINE: Final = re.compile(r"^\s*(\S+)[ \t]+(\d+)\s*$")
_NUMBER: Final = re.compile(r"^[-+]?[\d.,]+(?:e[-+]?\d+)?$", re.IGNORECASE)
_MISSING: Final = frozenset({"nan", "na", "n/a", "null", "none", "inf", "-inf"})  # how tables write a missing number


def sniff(data: bytes) -> str:
    """Return the format of a file's content: one of READABLE, or a name that `refusal` explains."""
    for offset, magic, kind in _MAGIC:
        if data[offset : offset + len(magic)] == magic:
            return _office_or_zip(data) if kind == "zip" else kind
    if data[:2] == b"BM" and len(data) > 26 and int.from_bytes(data[14:18], "little") in (12, 40, 52, 56, 108, 124):
        return "bmp"
    if _bare_dicom(data):
        return "dicom"
    text = decode(data[:_HEAD])
    return "binary" if text is None else _kind_of_text(text)


def decode(data: bytes) -> str | None:
    """Return the text of a file (UTF-8, UTF-16 with a byte-order mark, else Latin-1), or None for binary content."""
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return data.decode("utf-16", errors="replace")
    sample = data[:_HEAD]
    control = sum(sample.count(byte) for byte in range(32) if byte not in (9, 10, 12, 13))
    if control:
        return None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        if error.start >= len(data) - 3:  # the head was cut inside a character
            return data[: error.start].decode("utf-8-sig")
    high = sum(sample.count(byte) for byte in range(128, 256))
    return data.decode("latin-1") if high <= len(sample) * 0.3 else None


def _bare_dicom(data: bytes) -> bool:
    """Tell a DICOM dataset without preamble by a first element of group 0002 or 0008, implicit or explicit VR."""
    if len(data) < 132 or data[:2] not in (b"\x02\x00", b"\x08\x00") or data[3] != 0:
        return False
    return (data[4:6].isalpha() and data[4:6].isupper()) or int.from_bytes(data[4:8], "little") <= 64


def _office_or_zip(data: bytes) -> str:
    """Tell Office documents, which are zip archives, from plain archives by their member names."""
    if b"[Content_Types].xml" in data or b"mimetypeapplication/vnd.oasis" in data[:100]:
        return "office"
    return "zip"


def _kind_of_text(text: str) -> str:
    start = text.lstrip().lower()
    for magic, kind in _TEXT_MAGIC:
        if start.startswith(magic):
            return kind
    lines = [line for line in text.splitlines() if line.strip() and not line.lstrip().startswith("#")]
    if is_wfdb_header(lines):
        return "wfdb"
    return "table" if _tabular(lines) else "text"


def is_wfdb_header(lines: list[str]) -> bool:
    """Return whether lines without comments start like a WFDB header (header(5))."""
    record = RECORD_LINE.match(lines[0]) if lines else None
    if record is None or (_NUMBER.match(record[4] or "0") is None and "/" not in (record[4] or "")):
        return False
    if len(lines) == 1:
        return record[4] is not None or record[2] is not None
    if record[2] is not None:
        return SEGMENT_LINE.match(lines[1]) is not None
    signal = SIGNAL_LINE.match(lines[1])
    return signal is not None and _NUMBER.match(signal[1]) is None


def _numeric(cell: str) -> bool:
    return cell.lower() in _MISSING or _NUMBER.match(cell) is not None


def _tabular(lines: list[str]) -> bool:
    """Return whether at least two lines consist mostly of numbers, or of words for a missing one."""
    rows = [[cell for cell in re.split(r"[;,\t| ]+", line.strip()) if cell] for line in lines[:400]]
    mostly = [cells for cells in rows if cells and sum(_numeric(cell) for cell in cells) * 2 >= len(cells)]
    return len(mostly) >= 2 or is_manifest(lines[:1])


def is_manifest(lines: list[str]) -> bool:
    """Return whether the first line is the header of a manifest.csv."""
    cells = {cell.strip().strip('"').lower() for cell in re.split(r"[;,\t]", lines[0])} if lines else set()
    return {"file", "modality"} <= cells
