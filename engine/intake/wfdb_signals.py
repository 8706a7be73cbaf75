"""Signals of one WFDB segment (signal(5)), in numpy; FLAC-compressed ones by libsndfile.

The wfdb library reads the same, by which the tests hold it, but imports half a second of packages that no search needs.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from engine.intake.wfdb_header import Header, SignalLine

_COMPRESSED = {"508": 8, "516": 16, "524": 24}  # bits
_WIDTHS = {
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
class _Line(SignalLine):
    """The same with what decodes a signal.

    skew    : frames by which its samples lie late in the file
    initial : the first sample, from which format 8 counts
    """

    file: str
    fmt: str
    skew: int
    initial: int


def signal_lines(header: Header) -> Sequence[SignalLine]:
    """Return what a header says of its signals, in its order."""
    return _lines(header)


def physical_signals(header: Header, lines: Sequence[SignalLine], data: Mapping[str, bytes]) -> list[np.ndarray]:
    """Return each signal in its unit, (frames · per_frame,) float64, NaN where its format says that there is no sample.

    data : the content of every file that the header names
    Raises ValueError, IndexError or RuntimeError where a file is damaged or ends early.
    """
    found: dict[int, np.ndarray] = {}
    coded = _lines(header)
    for file in header.files:
        own = [i for i, line in enumerate(coded) if line.file == file]
        found |= zip(own, _stored(data[file], [coded[i] for i in own], header.n), strict=True)
    if len(found) < len(coded):
        raise ValueError("a signal without a file beside others with one")
    return [_physical(line, found[i]) for i, line in enumerate(coded)]


def _physical(line: _Line, stored: np.ndarray) -> np.ndarray:
    values = stored.astype(np.float64)
    values[stored == _NOTHING[line.fmt]] = np.nan
    found: np.ndarray = (values - line.baseline) / line.gain
    return found


def _lines(header: Header) -> list[_Line]:
    return [_line(file, rest) for file, rest in header.signals]


def _line(file: str, rest: str) -> _Line:
    found = _LINE.match(rest)
    if found is None:
        raise ValueError("no signal line")
    return _Line(
        label=found["label"],
        units=found["units"] or "mV",
        per_frame=int(found["per_frame"] or 1) or 1,
        width=_WIDTHS.get(found["fmt"], 0),
        offset=int(found["offset"] or 0),
        gain=float(found["gain"] or 0) or _DEFAULT_GAIN,
        baseline=int(found["baseline"] or found["zero"] or 0),
        file=file,
        fmt=found["fmt"],
        skew=int(found["skew"] or 0),
        initial=int(found["initial"] or 0),
    )


def _stored(data: bytes, lines: Sequence[_Line], n: int | None) -> list[np.ndarray]:
    """Return the stored samples of the signals of one file, each (frames · per_frame,) int.

    n : frames that the header announces, or None for as many as the file holds. Raises ValueError where there are less.
    """
    frame = sum(line.per_frame for line in lines)
    late = max(line.skew for line in lines)
    fmt, offset = lines[0].fmt, lines[0].offset
    flat = _uncompressed(data, lines) if fmt in _COMPRESSED else _decoded(data[offset:], fmt)
    frames = flat.size // frame if n is None else n
    if frames * frame > flat.size:
        raise ValueError("the file is shorter than announced")
    there = flat[: (frames + late) * frame]
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


def _uncompressed(data: bytes, lines: Sequence[_Line]) -> np.ndarray:
    """Return all samples of a FLAC file in the order of a plain one, (n,) int32."""
    import soundfile

    bits, per_frame = _COMPRESSED[lines[0].fmt], lines[0].per_frame
    if data[:4] != b"fLaC" or any(line.per_frame != per_frame for line in lines):
        raise ValueError("no FLAC file, or signals of several rates in one")
    with soundfile.SoundFile(io.BytesIO(data)) as sound:
        own_bits = {"PCM_S8": 8, "PCM_16": 16, "PCM_24": 24}.get(sound.subtype, 32)
        if own_bits > bits or sound.channels != len(lines):
            raise ValueError("other bits or signals than announced")
        sound.seek(lines[0].offset)
        samples = sound.read(dtype="int32", always_2d=True) >> (32 - own_bits)
    whole = len(samples) // per_frame * per_frame
    return samples[:whole].reshape(-1, per_frame, len(lines)).transpose(0, 2, 1).reshape(-1)


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
