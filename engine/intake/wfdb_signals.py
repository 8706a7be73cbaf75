"""The samples in a WFDB signal file (signal(5)), in numpy: every storage format but the compressed ones."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from engine.intake.wfdb_header import Header

COMPRESSED = ("508", "516", "524")  # FLAC; the wfdb library reads them
BYTES_PER_SAMPLE = {
    "8": 1.0,
    "80": 1.0,
    "16": 2.0,
    "61": 2.0,
    "160": 2.0,
    "24": 3.0,
    "32": 4.0,
    "212": 1.5,
    "310": 4 / 3,
    "311": 4 / 3,
}
# The stored value that stands for no sample.
_NOTHING = {"80": -(2**7), "508": -(2**7), "310": -(2**9), "311": -(2**9), "212": -(2**11)}
_NOTHING |= dict.fromkeys(("16", "61", "160", "516"), -(2**15)) | dict.fromkeys(("24", "524"), -(2**23))
_NOTHING |= dict.fromkeys(("8", "32"), -(2**31))  # format 8 holds differences, so only what is beyond the file
_DEFAULT_GAIN = 200.0  # of a line that states none, or 0
_LINE = re.compile(
    r"""(?P<fmt>\d+) x?(?P<per_frame>\d*) :?(?P<skew>\d*) \+?(?P<offset>\d*)
    [ \t]* (?P<gain>-?\d*\.?\d*e?[+-]?\d*) \(?(?P<baseline>-?\d*)\)? /?(?P<units>[\w^\-?%/]*)
    [ \t]* \d* [ \t]* (?P<zero>-?\d*) [ \t]* (?P<initial>-?\d*) [ \t]* -?\d* [ \t]* \d*
    [ \t]* (?P<label>\S?[^\t\n\r\f\v]*)""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class SignalLine:
    """What a header says of one signal.

    skew     : frames by which its samples lie late in the file
    offset   : bytes before the first sample of its file
    gain     : stored steps per unit
    baseline : the stored value of 0
    initial  : the first sample, from which format 8 counts
    """

    file: str
    fmt: str
    per_frame: int
    skew: int
    offset: int
    gain: float
    baseline: int
    units: str
    initial: int
    label: str

    def without_gaps(self, stored: np.ndarray) -> np.ndarray:
        """Return stored samples (n,) as float64, NaN where the format says that there is none."""
        values = stored.astype(np.float64)
        values[stored == _NOTHING[self.fmt]] = np.nan
        return values


def signal_lines(header: Header) -> list[SignalLine]:
    """Return the lines of a header that was checked; ValueError where one holds no numbers in their places."""
    return [_line(file, rest) for file, rest in header.signals]


def _line(file: str, rest: str) -> SignalLine:
    found = _LINE.match(rest)
    if found is None:
        raise ValueError("no signal line")
    zero = found["baseline"] or found["zero"]
    return SignalLine(
        file,
        found["fmt"],
        int(found["per_frame"] or 1) or 1,
        int(found["skew"] or 0),
        int(found["offset"] or 0),
        float(found["gain"] or 0) or _DEFAULT_GAIN,
        int(zero or 0),
        found["units"] or "mV",
        int(found["initial"] or 0),
        found["label"],
    )


def stored_signals(data: bytes, lines: Sequence[SignalLine], n: int | None) -> list[np.ndarray]:
    """Return the stored samples of the signals of one file, each (frames · per_frame,) int.

    n : frames that the header announces, or None for as many as the file holds. Raises ValueError where there are less.
    """
    frame = sum(line.per_frame for line in lines)
    late = max(line.skew for line in lines)
    flat = _decoded(data[lines[0].offset :], lines[0].fmt)
    frames = flat.size // frame if n is None else n
    if frames * frame > flat.size:
        raise ValueError("the file is shorter than announced")
    there = flat[: (frames + late) * frame // frame * frame]
    table = there[: there.size // frame * frame].reshape(-1, frame)
    first, out = 0, []
    for line in lines:
        own = table[:, first : first + line.per_frame]
        first += line.per_frame
        if line.fmt == "8":
            own = (np.cumsum(own.reshape(-1), dtype=np.int32) + line.initial).reshape(own.shape)
        shifted = own[line.skew : line.skew + frames]
        rest = np.full((frames - len(shifted), line.per_frame), _NOTHING[line.fmt], np.int32)
        out.append(np.concatenate([shifted, rest]).reshape(-1))
    return out


def _decoded(data: bytes, fmt: str) -> np.ndarray:
    """Return all samples of a file in their order, (n,) int32; the bytes of an unfinished one are left out."""
    if fmt in _PACKED:
        block, held, decode = _PACKED[fmt]
        raw = np.frombuffer(data + bytes(-len(data) % block), np.uint8).reshape(-1, block).astype(np.int32)
        samples = np.stack(decode(raw.T), axis=1).reshape(-1)
        whole, rest = divmod(len(data), block)
        return samples[: whole * len(held) + sum(rest >= needed for needed in held)]
    kind = {"8": "i1", "80": "u1", "16": "<i2", "61": ">i2", "160": "<u2", "32": "<i4"}[fmt]
    samples = np.frombuffer(data[: len(data) // np.dtype(kind).itemsize * np.dtype(kind).itemsize], kind)
    return samples.astype(np.int32) - {"80": 128, "160": 32768}.get(fmt, 0)


def _signed(value: np.ndarray, bits: int) -> np.ndarray:
    """Return unsigned integers of so many bits as two's complement."""
    return np.where(value >= 1 << (bits - 1), value - (1 << bits), value)


def _of_24(byte: np.ndarray) -> list[np.ndarray]:
    return [_signed(byte[0] | byte[1] << 8 | byte[2] << 16, 24)]


def _of_212(byte: np.ndarray) -> list[np.ndarray]:
    return [_signed(byte[0] | (byte[1] & 0x0F) << 8, 12), _signed(byte[2] | (byte[1] >> 4) << 8, 12)]


def _of_310(byte: np.ndarray) -> list[np.ndarray]:
    low, high = byte[0] | byte[1] << 8, byte[2] | byte[3] << 8
    third = (low >> 11) | (high >> 11) << 5
    return [_signed(low >> 1 & 0x3FF, 10), _signed(high >> 1 & 0x3FF, 10), _signed(third, 10)]


def _of_311(byte: np.ndarray) -> list[np.ndarray]:
    word = byte[0] | byte[1] << 8 | byte[2] << 16 | (byte[3] & 0x3F) << 24
    return [_signed(word >> shift & 0x3FF, 10) for shift in (0, 10, 20)]


# format → bytes of a block, bytes that each of its samples needs to be there, what decodes (block, n) bytes
_PACKED: dict[str, tuple[int, tuple[int, ...], Callable[[np.ndarray], list[np.ndarray]]]] = {
    "24": (3, (3,), _of_24),
    "212": (3, (2, 3), _of_212),
    "310": (4, (2, 4, 4), _of_310),
    "311": (4, (2, 3, 4), _of_311),
}
