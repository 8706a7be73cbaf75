"""WFDB records → Trace: every storage format that the wfdb library reads, single or multi-segment."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import IntakeError, QuestionError
from engine.intake.assemble import Channel, assemble, channel, check_announced
from engine.intake.leads import phrase
from engine.intake.pseudonyms import MAX_AGE
from engine.intake.recognise import RECORD_LINE, SEGMENT_LINE, SIGNAL_LINE, decode, is_wfdb_header
from engine.intake.upload import ReaderInput, Upload, base_name
from engine.study import IdentityRow, Study

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


def neutral(header: Header, name: str, files: Iterable[str]) -> str:
    """Return the header's text with record `name` and signal files s0, s1 … in the order of `files`."""
    alias = {file: f"s{i}.dat" for i, file in enumerate(files)} | {NULL: NULL}
    length = "" if header.n is None else f" {header.n}"
    rate = 1.0 if header.fs is None else header.fs  # scaled afterwards; wfdb would silently assume 250 Hz
    lines = [f"{name} {len(header.signals)} {rate:.10g}{length}"]
    lines += [f"{alias[file]} {rest}" for file, rest in header.signals]
    return "\n".join(lines) + "\n"


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


FRAME_SAMPLES_LIMIT = 1000  # samples per frame of one signal
_FACTS = re.compile(r"^\W*(age|sex|gender|dx)\W*[:=]\s*(.*)$", re.IGNORECASE)
_SEX = {"m": "M", "male": "M", "f": "F", "female": "F", "w": "F"}


@dataclass(frozen=True, eq=False)
class _Signal:
    """One signal of one segment; `label` is the file's own and stays inside this module."""

    label: str
    samples: np.ndarray
    per_frame: int
    units: str


def read_wfdb(given: ReaderInput) -> Study:
    """Return the study of a record whose (master) header is the given file."""
    master, uploads, answers = given.file, given.uploads, given.answers
    header = parse_header(master.data)
    fs = header.fs if header.fs is not None else answers.fs
    if fs is None:
        raise QuestionError(
            "The WFDB header does not give the sampling rate: say how many samples there are per second.", field="fs"
        )
    with tempfile.TemporaryDirectory(prefix="casebind-") as folder:
        if header.segments:
            signals = _read_segments(header, master, uploads, Path(folder))
        else:
            signals = _read_one(header, master, uploads, Path(folder))
    channels = [_channel(signal, i, fs) for i, signal in enumerate(signals)]
    result = assemble(channels, answers, partial=bool(header.segments))
    facts, comments = _comments(header)
    names = "WFDB record name and signal file names"
    rows: tuple[IdentityRow, ...] = (IdentityRow(names, "removed", "names may identify a person"),)
    if header.clock:
        rows += (IdentityRow("WFDB base time and date", "removed", "a date of care"),)
    kind = "WFDB" if not header.segments else f"WFDB, {len(header.segments)} segments"
    return Study(
        result.modality,
        result.trace,
        phrase(kind, result.trace, result.remark),
        rows + comments + result.rows,
        facts=facts,
    )


def parts_of(master: Upload, uploads: Sequence[Upload]) -> list[Upload]:
    """Return the uploads that belong to a header: its segments' headers and all their signal files."""
    header = parse_header(master.data)
    parts = [find(file, uploads, master) for file in header.files]
    for name, _ in header.segments:
        part = None if name == NULL else find(name + ".hea", uploads, master)
        if part is not None and part is not master:
            parts += [part, *parts_of_segment(part, uploads)]
    return [part for part in parts if part is not None]


def parts_of_segment(part: Upload, uploads: Sequence[Upload]) -> list[Upload]:
    """Return the signal files of one segment; segments of segments do not exist in WFDB."""
    files = [find(file, uploads, part) for file in parse_header(part.data).files]
    return [upload for upload in files if upload is not None]


def _channel(signal: _Signal, index: int, fs: float) -> Channel:
    position = f"WFDB signal {index + 1}"
    return channel(signal.label, signal.samples, fs * signal.per_frame, units=signal.units, position=position)


def _read_one(
    header: Header, upload: Upload, uploads: Sequence[Upload], folder: Path, name: str = "r0"
) -> list[_Signal]:
    """Write a neutral copy of one segment into `folder` and read it with wfdb."""
    for i, file in enumerate(header.files):
        found = find(file, uploads, upload)
        if found is None:
            raise IntakeError(
                "A signal file that the WFDB header names is missing: drop the header and all its signal files "
                "together."
            )
        (folder / f"s{i}.dat").write_bytes(found.data)
    (folder / f"{name}.hea").write_text(neutral(header, name, header.files), encoding="ascii", errors="replace")
    return _rdrecord(folder, name, header)


def _rdrecord(folder: Path, name: str, header: Header) -> list[_Signal]:
    import wfdb

    path = str(folder / name)
    described = wfdb.rdheader(path)
    per_frame = [spf or 1 for spf in described.samps_per_frame]
    if max(per_frame) > FRAME_SAMPLES_LIMIT:
        raise IntakeError(
            "The WFDB header announces an absurd number of samples per frame: it is damaged, so export it again."
        )
    _check_files(folder, header, described, per_frame)
    if not header.files:
        return [_Signal(str(n or ""), np.empty(0, np.float32), 1, "") for n in described.sig_name]
    try:
        record = wfdb.rdrecord(path, smooth_frames=False, return_res=32)
    except (ValueError, IndexError, RuntimeError) as error:
        raise IntakeError(
            "The signal file ends early or is damaged, so the record cannot be read: copy both files again."
        ) from error
    units = [_units(unit, rest) for unit, (_, rest) in zip(record.units, header.signals, strict=True)]
    return [
        _Signal(str(label or ""), samples, spf, unit)
        for label, samples, spf, unit in zip(record.sig_name, record.e_p_signal, per_frame, units, strict=True)
    ]


def _check_files(folder: Path, header: Header, described: Any, per_frame: list[int]) -> None:
    """Raise IntakeError where a signal file is shorter than its header announces (compressed formats excepted)."""
    from wfdb.io._signal import BYTES_PER_SAMPLE

    for i, file in enumerate(header.files):
        own = [k for k, (name, _) in enumerate(header.signals) if name == file]
        frame = sum(per_frame[k] for k in own)
        width = BYTES_PER_SAMPLE.get(described.fmt[own[0]], 0)
        stored = (folder / f"s{i}.dat").stat().st_size - (described.byte_offset[own[0]] or 0)
        if header.n is None:
            check_announced(stored / (width or 1), 1, 0.0)
            continue
        check_announced(header.n * frame, 1, 0.0)
        missing = header.n * frame * width - stored
        if missing > 0 and width:
            raise IntakeError(
                f"The signal file ends {missing:,.0f} bytes before the {header.n:,} samples that its header announces: "
                "it was cut off, so copy it again."
            )


def _units(units: str, rest: str) -> str:
    """Return the unit of a signal line, or "" where gain is absent or 0, which means uncalibrated (header(5))."""
    fields = rest.split()
    gain = re.match(r"[-+\d.e]*", fields[1])[0] if len(fields) > 1 else ""  # type: ignore[index]
    try:
        calibrated = float(gain) != 0
    except ValueError:
        calibrated = False
    return units if calibrated else ""


def _read_segments(header: Header, master: Upload, uploads: Sequence[Upload], folder: Path) -> list[_Signal]:
    """Read a multi-segment record and join its signals by name; what a segment lacks is missing (NaN)."""
    parts: list[tuple[int, list[_Signal]]] = []
    for i, (name, n) in enumerate(header.segments):
        if n == 0:  # the layout header of a variable-layout record: names only
            continue
        found = None if name == NULL else find(name + ".hea", uploads, master)
        if name != NULL and found is None:
            raise IntakeError(
                "The header of a segment is missing from the WFDB record: drop all files of the record together."
            )
        inner = folder / str(i)
        inner.mkdir()
        parts.append((n, [] if found is None else _segment(found, n, uploads, inner)))
    labels = dict.fromkeys(signal.label for _, signals in parts for signal in signals)
    check_announced(sum(n for n, _ in parts), max(1, len(labels)), 0.0)
    return [_join(label, parts) for label in labels]


def _segment(upload: Upload, n: int, uploads: Sequence[Upload], folder: Path) -> list[_Signal]:
    header = parse_header(upload.data)
    if header.segments:
        raise IntakeError(
            "A segment of the WFDB record has segments of its own, which the format does not allow: export it again."
        )
    if header.n is not None and header.n != n:
        raise IntakeError(
            "A segment of the WFDB record has another length than the master header says: export it again."
        )
    return _read_one(header, upload, uploads, folder, "r0")


def _join(label: str, parts: Sequence[tuple[int, list[_Signal]]]) -> _Signal:
    """Concatenate one signal over all segments, (n,) float32; units are dropped where segments disagree."""
    own = [(n, next((s for s in signals if s.label == label), None)) for n, signals in parts]
    present = [signal for _, signal in own if signal is not None]
    if len({signal.per_frame for signal in present}) > 1:
        raise IntakeError(
            "A signal changes its sampling rate between segments of the WFDB record: export one stretch of it."
        )
    per_frame = present[0].per_frame
    rows = [
        np.full(n * per_frame, np.nan, np.float32) if s is None or not s.samples.size else s.samples for n, s in own
    ]
    units = {signal.units for signal in present if signal.samples.size}
    return _Signal(label, np.concatenate(rows), per_frame, units.pop() if len(units) == 1 else "")


def _comments(header: Header) -> tuple[dict[str, Any], tuple[IdentityRow, ...]]:
    """Return age, sex and SNOMED codes from the comments, and one row per comment line; all other text is dropped."""
    facts: dict[str, Any] = {}
    rows = []
    for i, line in enumerate(header.comments, start=1):
        match = _FACTS.match(line)
        fact = _fact(match[1].lower(), match[2].strip()) if match else {}
        facts |= fact
        kept = next(iter(fact), None)
        reason = f"read as {kept} only" if kept else "free text may hold a name"
        rows.append(IdentityRow(f"WFDB comment {i}", "kept" if kept else "removed", reason))
    if year := re.search(r"\b\d{1,2}/\d{1,2}/((?:19|20)\d\d)\b", header.clock):
        facts["acquired_at"] = year[1]
    return facts, tuple(rows)


def _fact(key: str, value: str) -> dict[str, Any]:
    if key == "age":
        number = re.match(r"\d{1,3}(?!\d)", value)
        return {"age": min(int(number[0]), MAX_AGE)} if number else {}
    if key in ("sex", "gender"):
        sex = _SEX.get(value.lower())
        return {"sex": sex} if sex else {}
    codes = [code for code in re.split(r"[,;\s]+", value) if re.fullmatch(r"\d{6,18}", code)]
    return {"dx_codes": ";".join(codes)} if codes else {}
