"""Tests for what a file's content looks like; `engine.intake.formats` says which format each of them means."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from functools import cached_property
from typing import Final

_HEAD: Final = 1 << 16  # bytes looked at when telling kinds of text apart

# WFDB header(5): NAME[/SEGMENTS] SIGNALS [RATE … [LENGTH …]], then FILE FORMAT[xSPF][:SKEW][+OFFSET] …
RECORD_LINE: Final = re.compile(r"^\s*(\S+?)(?:/(\d+))?[ \t]+(\d+)(?:[ \t]+(\S+))?(?:[ \t]+(-?\d+))?(?:[ \t]+(.*))?$")
SIGNAL_LINE: Final = re.compile(r"^\s*(\S+)[ \t]+(0|8|16|24|32|61|80|160|212|310|311|508|516|524)(?=[x:+\s]|$)(.*)$")
SEGMENT_LINE: Final = re.compile(r"^\s*(\S+)[ \t]+(\d+)\s*$")
_NUMBER: Final = re.compile(r"^[-+]?[\d.,]+(?:e[-+]?\d+)?$", re.IGNORECASE)
_MISSING: Final = frozenset({"nan", "na", "n/a", "null", "none", "inf", "-inf"})  # how tables write a missing number
_UNIX_TIME: Final = 1e9  # seconds; September 2001, before any wristband
_SLOW_SENSOR_HZ: Final = 8.0  # an E4 writes skin conductance and temperature at 4 Hz, the pulse wave at 64 Hz
_FAST_SENSOR_HZ: Final = 1000.0
_STAMP: Final = re.compile(r"^\d{1,4}[-/:]\d{1,2}[-/:]\d{1,4}(?:[T_.,: ]|$)")  # a date or a time of day
_QUOTED: Final = re.compile(r'"([^"]*)"')
_WIDE: Final = (
    (b"\xff\xfe\x00\x00", "utf-32"),
    (b"\x00\x00\xfe\xff", "utf-32"),
    (b"\xff\xfe", "utf-16"),
    (b"\xfe\xff", "utf-16"),
)
_BMP_HEADERS: Final = frozenset({12, 40, 52, 56, 108, 124})  # lengths of a BMP's information header, bytes


class Content:
    """The bytes of one file, with the text of their head worked out once."""

    def __init__(self, data: bytes) -> None:
        self.data = data

    @cached_property
    def text(self) -> str | None:
        """The head as text, None for binary content."""
        return decode(self.data[:_HEAD])

    @cached_property
    def lines(self) -> list[str]:
        """The head's lines without blank lines and comments; none for binary content."""
        return [line for line in (self.text or "").splitlines() if line.strip() and not line.lstrip().startswith("#")]

    @cached_property
    def root(self) -> str:
        """The name of the outermost XML element, lower case and without namespace; "" where there is none."""
        text = (self.text or "").lstrip("\ufeff \t\r\n")
        while text.startswith(("<?", "<!")):
            text = text[_markup_end(text) :].lstrip()
        match = re.match(r"<(?:[\w.-]+:)?([\w.-]+)", text)
        return match[1].lower() if match else ""


Look = Callable[[Content], bool]


def magic(*signs: bytes, offset: int = 0) -> Look:
    """Return a test for any of the byte strings at `offset`."""
    return lambda content: content.data.startswith(signs, offset)


def either(*looks: Look) -> Look:
    """Return a test that holds where any of several holds."""
    return lambda content: any(look(content) for look in looks)


def opening(*words: str) -> Look:
    """Return a test for a text that starts with any of the words; case and leading blanks are ignored."""
    return lambda content: content.text is not None and content.text.lstrip().lower().startswith(words)


def root(*names: str) -> Look:
    """Return a test for an XML document whose outermost element has one of the names, in any namespace."""
    return lambda content: content.root in names


def is_bare_dicom(content: Content) -> bool:
    """Return whether a dataset without preamble starts with an element of group 0002 or 0008, implicit or explicit."""
    data = content.data
    if len(data) < 132 or data[:2] not in (b"\x02\x00", b"\x08\x00") or data[3] != 0:
        return False
    return (data[4:6].isalpha() and data[4:6].isupper()) or int.from_bytes(data[4:8], "little") <= 64


def is_bmp(content: Content) -> bool:
    """Return whether a file starts like a Windows bitmap."""
    data = content.data
    return data[:2] == b"BM" and len(data) > 26 and int.from_bytes(data[14:18], "little") in _BMP_HEADERS


def is_zip(content: Content) -> bool:
    """Return whether a file is a zip archive, whole, empty or split."""
    return content.data.startswith((b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08"))


def is_office_zip(content: Content) -> bool:
    """Return whether a zip archive is an Office or OpenDocument file, by its members' names."""
    named = b"[Content_Types].xml" in content.data or b"mimetypeapplication/vnd.oasis" in content.data[:100]
    return is_zip(content) and named


def is_wfdb(content: Content) -> bool:
    """Return whether a text starts like a WFDB header."""
    return is_wfdb_header(content.lines)


def is_table(content: Content) -> bool:
    """Return whether at least two lines consist mostly of numbers, or of words for a missing one."""
    lines = [_QUOTED.sub(_without_commas, line.strip()) for line in content.lines[:400]]
    return any(
        _mostly_numbers(lines, between) >= 2 for between in (r"[;,\t| ]+", ",", ";", r"\t", r"\|")
    ) or is_manifest(content.lines[:1])


def is_text(content: Content) -> bool:
    """Return whether the content is text of any kind."""
    return content.text is not None


def is_anything(_: Content) -> bool:
    """Return True: the test of the last format."""
    return True


def is_e4_wave(content: Content) -> bool:
    """Return whether a text is the pulse wave of an Empatica E4: a unix time, a rate, then one number a line."""
    head = _e4_head(content)
    return head is not None and head[0] == 1 and head[1] > _SLOW_SENSOR_HZ


def is_e4_other(content: Content) -> bool:
    """Return whether a text is another file of an E4: a slower sensor, three axes, beat intervals or events."""
    head = _e4_head(content)
    if head is not None:
        return not is_e4_wave(content)
    first, *rest = content.lines or [""]
    events = bool(rest) and all(_unix_time(line) for line in content.lines)
    return events or (_unix_time(first.partition(",")[0]) and first.partition(",")[2].strip().upper() == "IBI")


def is_acq(content: Content) -> bool:
    """Return whether a file starts like BIOPAC's graph header, in either byte order."""
    data = content.data
    return len(data) > 256 and any(_acq_header(data, order) for order in ("<", ">"))


def decode(data: bytes) -> str | None:
    """Return the text of a file (UTF-8, UTF-16 or UTF-32, else Latin-1), or None for binary content."""
    for mark, encoding in _WIDE:
        if data.startswith(mark):
            return data.decode(encoding, errors="replace")
    if (unmarked := _unmarked_utf16(data[:_HEAD])) is not None:
        return data.decode(unmarked, errors="replace")
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


def _markup_end(text: str) -> int:
    """Return where a leading XML declaration, comment or document type ends; the text's length if it does not."""
    close = "-->" if text.startswith("<!--") else "?>" if text.startswith("<?") else ">"
    if close == ">" and "[" in text.partition(">")[0]:
        close = "]>"  # a document type with definitions of its own
    end = text.find(close)
    return len(text) if end < 0 else end + len(close)


def _unmarked_utf16(sample: bytes) -> str | None:
    """Return the encoding of UTF-16 text without a byte-order mark, or None: ASCII beside zeros, and signs of minus."""
    whole = sample[: len(sample) // 2 * 2]
    for zero, encoding in ((1, "utf-16-le"), (0, "utf-16-be")):
        if len(whole) < 8 or whole[zero::2].count(0) < 0.6 * len(whole) / 2:
            continue
        text = whole.decode(encoding, errors="replace")
        if sum(char in "\t\n\r\u2212\u2013" or " " <= char <= "~" for char in text) >= 0.95 * len(text):
            return encoding
    return None


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


def is_manifest(lines: list[str]) -> bool:
    """Return whether the first line is the header of a manifest.csv."""
    cells = {cell.strip().strip('"').lower() for cell in re.split(r"[;,\t]", lines[0])} if lines else set()
    return {"file", "modality"} <= cells


def _e4_head(content: Content) -> tuple[int, float] | None:
    """Return columns and rate of a sensor's file of an E4, None for any other text."""
    if len(content.lines) < 3:
        return None
    first, second, third = ([cell.strip() for cell in line.split(",")] for line in content.lines[:3])
    if not len(first) == len(second) == len(third) or not all(map(_unix_time, first)):
        return None
    rates = {_number(cell) for cell in second}
    rate = rates.pop()
    return None if rates or rate is None or not 0 < rate <= _FAST_SENSOR_HZ else (len(first), rate)


def _unix_time(cell: str) -> bool:
    seconds = _number(cell)
    return seconds is not None and _UNIX_TIME < seconds < 10 * _UNIX_TIME


def _number(cell: str) -> float | None:
    try:
        return float(cell)
    except ValueError:
        return None


def _acq_header(data: bytes, order: str) -> bool:
    """Return whether version, length of the header, number of channels and step of time (ms) are those of a .acq."""
    version, length, channels = struct.unpack_from(f"{order}iih", data, 2)
    (step,) = struct.unpack_from(f"{order}d", data, 16)
    return 30 <= version < 256 and 256 <= length < 1 << 16 and 0 < channels <= 512 and 1e-4 < step < 1e5


def _without_commas(quoted: re.Match[str]) -> str:
    """Return a quoted cell as one word, a number with a point."""
    inner = quoted[1].strip()
    return inner.replace(",", ".") if _NUMBER.match(inner) else inner.replace(" ", "_")


def _mostly_numbers(lines: list[str], between: str) -> int:
    """Return how many lines consist of numbers by half at least, when they are split there."""
    rows = [[cell.strip() for cell in re.split(between, line) if cell.strip()] for line in lines]
    return sum(bool(cells) and sum(map(_numeric, cells)) * 2 >= len(cells) for cells in rows)


def _numeric(cell: str) -> bool:
    cell = cell.strip("'[]").replace("\u2212", "-")
    return cell.lower() in _MISSING or _NUMBER.match(cell) is not None or _STAMP.match(cell) is not None
