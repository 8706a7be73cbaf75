"""WFDB headers (header(5)): parsed by their lines, checked before anything is read for them, and found their files."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from engine.errors import IntakeError
from engine.intake.assemble import check_announced
from engine.intake.recognise import RECORD_LINE, SEGMENT_LINE, SIGNAL_LINE, decode, is_wfdb_header
from engine.intake.upload import Upload, base_name

NULL = "~"  # a segment or signal without data
SIGNAL_LIMIT = 512
SEGMENT_LIMIT = 2000


@dataclass(frozen=True)
class Header:
    """One parsed header.

    fs       : frames per second, Hz, or None where the record line ends before it
    n        : announced samples per signal, or None
    signals  : (file name, rest of the line) per signal; empty for a multi-segment header
    segments : (record name, length) per segment; empty for a single segment
    """

    name: str
    n_signals: int
    fs: float | None
    n: int | None
    clock: str
    signals: tuple[tuple[str, str], ...]
    segments: tuple[tuple[str, int], ...]
    comments: tuple[str, ...]

    @property
    def files(self) -> tuple[str, ...]:
        """Signal files that the header names, each once, in order."""
        return tuple(dict.fromkeys(file for file, _ in self.signals if file != NULL))

    @property
    def named(self) -> set[str]:
        """Base names of everything the header refers to."""
        parts = {base_name(name) + ".hea" for name, _ in self.segments if name != NULL}
        return parts | {base_name(file) for file in self.files}


@dataclass(frozen=True)
class SignalLine:
    """What a header says of one signal.

    width    : bytes of a sample in its file, 0 in a compressed one
    offset   : bytes before the first sample of its file
    gain     : stored steps per unit
    baseline : the stored value of 0
    """

    label: str
    units: str
    per_frame: int
    width: float
    offset: int
    gain: float
    baseline: int


def parse_header(data: bytes) -> Header:
    """Parse a header's bytes; IntakeError says what is wrong with it."""
    lines = [line.strip() for line in (decode(data) or "").splitlines() if line.strip()]
    comments = tuple(line.lstrip("# \t") for line in lines if line.startswith("#"))
    lines = [line for line in lines if not line.startswith("#")]
    record = RECORD_LINE.match(lines[0]) if lines else None
    if record is None or not is_wfdb_header(lines):
        raise IntakeError(
            "The WFDB header is damaged: its first line must give name, signals, rate and length; export it again."
        )
    n_signals = int(record[3])
    fs = _rate(record[4])
    n = int(record[5]) if record[5] else None
    signals: tuple[tuple[str, str], ...] = ()
    segments: tuple[tuple[str, int], ...] = ()
    if record[2] is not None:
        segments = _segments(lines[1:], int(record[2]))
    else:
        signals = _signals(lines[1:], n_signals)
    if n is not None:
        check_announced(n, max(1, n_signals), fs or 0.0)
    return Header(record[1], n_signals, fs, n, record[6] or "", signals, segments, comments)


def find(name: str, uploads: Iterable[Upload], header_upload: Upload) -> Upload | None:
    """Return the upload that a header means by a file name, ignoring case and folders.

    Where nobody has that name, a file renamed together with its header (same stem) is taken.
    """
    others = [upload for upload in uploads if upload is not header_upload]
    wanted = base_name(name)
    for upload in others:
        if upload.base == wanted:
            return upload
    suffix = wanted.rpartition(".")[2]
    twins = [upload for upload in others if upload.stem == header_upload.stem and upload.base.endswith("." + suffix)]
    return twins[0] if len(twins) == 1 else None


def _rate(text: str | None) -> float | None:
    """Return the sampling frequency of "360", "360/1000(5)" …, or None where absent."""
    if text is None:
        return None
    try:
        fs = float(text.split("/")[0].split("(")[0])
    except ValueError:
        fs = -1.0
    if not 0 < fs < 1e9:
        raise IntakeError(
            "The WFDB header gives a sampling rate that is not a positive number: correct it, or export it again."
        )
    return fs


def _signals(lines: list[str], announced: int) -> tuple[tuple[str, str], ...]:
    if announced == 0 or not lines:
        raise IntakeError(
            f"The WFDB header announces {announced:,} signals and describes none, so there is nothing to read: "
            "export it again."
        )
    if announced != len(lines) or announced > SIGNAL_LIMIT:
        raise IntakeError(
            f"The WFDB header announces {announced:,} signals and describes {len(lines):,} (at most "
            f"{SIGNAL_LIMIT} are read): "
            "it is damaged or incomplete, so export it again."
        )
    matches = [SIGNAL_LINE.match(line) for line in lines]
    if None in matches:
        raise IntakeError(
            f"Line {matches.index(None) + 2} of the WFDB header describes no signal: export the record again."
        )
    return tuple((match[1], match[2] + match[3]) for match in matches if match)


def _segments(lines: list[str], announced: int) -> tuple[tuple[str, int], ...]:
    matches = [SEGMENT_LINE.match(line) for line in lines]
    if announced != len(lines) or not lines or None in matches or announced > SEGMENT_LIMIT:
        raise IntakeError(
            f"The WFDB header announces {announced:,} segments and lists {len(lines):,} (at most "
            f"{SEGMENT_LIMIT} are read): "
            "it is damaged or incomplete, so export it again."
        )
    segments = tuple((match[1], int(match[2])) for match in matches if match)
    check_announced(sum(n for _, n in segments), 1, 0.0)
    return segments
