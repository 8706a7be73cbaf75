"""WFDB records → Trace: every storage format that the wfdb library reads, single or multi-segment."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.errors import IntakeError, QuestionError
from engine.intake.assemble import SAME_RATE, Channel, assemble, channel, check_announced
from engine.intake.gaps import is_gap
from engine.intake.labels import read_label
from engine.intake.leads import phrase
from engine.intake.pseudonyms import MAX_AGE, patient_key
from engine.intake.units import scale_of
from engine.intake.upload import Answers, ReaderInput, Upload
from engine.intake.wfdb_header import NULL, Header, SignalLine, find, parse_header
from engine.intake.wfdb_signals import physical_signals, signal_lines
from engine.study import ECG_LEADS, PPG_LEAD, IdentityRow, Study

_EXACT = 2**23  # integers up to here are exact in float32, with a bit to spare
FRAME_SAMPLES_LIMIT = 1000  # samples per frame of one signal
_NUMBER = re.compile(
    r"^\W*(?:patient|subject)[ _]?(?:id|number|no)\W*[:=]\s*(\S.*)$|^\W*mrn\W*[:=]\s*(\S.*)$", re.IGNORECASE
)
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
    fs = header.fs if header.fs is not None else answers.fs  # an answer wins over a stated one in assemble()
    if fs is None:
        raise QuestionError(
            "The WFDB header does not give the sampling rate: say how many samples there are per second.", field="fs"
        )
    if header.segments:
        signals = _read_segments(header, master, uploads, answers)
    else:
        signals = _read_one(header, master, uploads)
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
        patient_key=_patient_key(header, given.key),
    )


def _patient_key(header: Header, key: bytes) -> str | None:
    """Return the keyed hash of a patient's number in the comments, or None."""
    found = next(filter(None, map(_NUMBER.match, header.comments)), None)
    return None if found is None else patient_key(key, (found[1] or found[2]).strip("<>() \t"))


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


def _read_one(header: Header, upload: Upload, uploads: Sequence[Upload]) -> list[_Signal]:
    """Return the signals of one segment."""
    data = {}
    for file in header.files:
        found = find(file, uploads, upload)
        if found is None:
            raise IntakeError(
                "A signal file that the WFDB header names is missing: drop the header and all its signal files "
                "together."
            )
        data[file] = found.data
    lines = signal_lines(header)
    if max(line.per_frame for line in lines) > FRAME_SAMPLES_LIMIT:
        raise IntakeError(
            "The WFDB header announces an absurd number of samples per frame: it is damaged, so export it again."
        )
    _check_files(header, lines, data)
    if not header.files:
        return [_Signal(line.label, np.empty(0, np.float32), 1, "") for line in lines]
    try:
        signals = physical_signals(header, lines, data)
    except (ValueError, IndexError, RuntimeError) as error:
        raise IntakeError(
            "The signal file ends early or is damaged, so the record cannot be read: copy both files again."
        ) from error
    return [
        _Signal(line.label, _samples(line, physical), line.per_frame, _units(line.units, rest))
        for line, physical, (_, rest) in zip(lines, signals, header.signals, strict=True)
    ]


def _samples(line: SignalLine, physical: np.ndarray) -> np.ndarray:
    """Return a signal in its unit, float32, NaN where a sample is missing."""
    samples, stored = physical, np.rint(physical * line.gain + line.baseline)
    if np.abs(np.nan_to_num(stored)).max(initial=abs(line.baseline)) < _EXACT:
        samples = (stored.astype(np.float32) - np.float32(line.baseline)) / np.float32(line.gain)
    return np.where(is_gap(stored), np.nan, samples).astype(np.float32)


def _check_files(header: Header, lines: Sequence[SignalLine], data: Mapping[str, bytes]) -> None:
    """Raise IntakeError where a signal file is shorter than its header announces (compressed formats excepted)."""
    for file in header.files:
        own = [line for line, (name, _) in zip(lines, header.signals, strict=True) if name == file]
        frame, width = sum(line.per_frame for line in own), own[0].width
        stored = len(data[file]) - own[0].offset
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


def _read_segments(header: Header, master: Upload, uploads: Sequence[Upload], answers: Answers) -> list[_Signal]:
    """Read a multi-segment record and join its signals by lead; what a segment lacks is missing (NaN)."""
    parts: list[tuple[int, list[_Signal]]] = []
    for name, n in header.segments:
        if n == 0:  # the layout header of a variable-layout record: names only
            continue
        found = None if name == NULL else find(name + ".hea", uploads, master)
        if name != NULL and found is None:
            raise IntakeError(
                "The header of a segment is missing from the WFDB record: drop all files of the record together."
            )
        parts.append((n, [] if found is None else _segment(found, (n, header.fs), uploads)))
    names = dict.fromkeys(_joined_by(signal, signals) for _, signals in parts for signal in signals)
    check_announced(sum(n for n, _ in parts), max(1, len(names)), 0.0)
    return [_join(name, parts, answers) for name in names]


def _segment(upload: Upload, announced: tuple[int, float | None], uploads: Sequence[Upload]) -> list[_Signal]:
    """Return the signals of one segment, of which the master header announces length and rate."""
    header, (n, fs) = parse_header(upload.data), announced
    if header.segments:
        raise IntakeError(
            "A segment of the WFDB record has segments of its own, which the format does not allow: export it again."
        )
    if header.n is not None and header.n != n:
        raise IntakeError(
            "A segment of the WFDB record has another length than the master header says: export it again."
        )
    if header.fs is not None and fs is not None and abs(header.fs / fs - 1) > SAME_RATE:
        raise IntakeError(
            "A segment of the WFDB record has another sampling rate than the master header says: export it again."
        )
    return _read_one(header, upload, uploads)


def _joined_by(signal: _Signal, beside: Sequence[_Signal]) -> str:
    """Return what a signal is joined by over the segments: its lead, or its label where that is no lead of one sign."""
    found = read_label(signal.label)
    same = sum(read_label(other.label).lead == found.lead for other in beside)
    return found.lead if found.lead in ECG_LEADS and found.sign > 0 and same == 1 else signal.label


def _join(name: str, parts: Sequence[tuple[int, list[_Signal]]], answers: Answers) -> _Signal:
    """Concatenate one signal over all segments, (n,) float32, in one unit; see _in_one_unit."""
    own = [(n, next((s for s in signals if _joined_by(s, signals) == name), None)) for n, signals in parts]
    present = [signal for _, signal in own if signal is not None]
    if len({signal.per_frame for signal in present}) > 1:
        raise IntakeError(
            "A signal changes its sampling rate between segments of the WFDB record: export one stretch of it."
        )
    per_frame = present[0].per_frame
    lead = read_label(present[0].label).lead
    units, factors = _in_one_unit({signal.units for signal in present if signal.samples.size}, lead, answers)
    rows = [
        np.full(n * per_frame, np.nan, np.float32) if s is None or not s.samples.size else s.samples * factors[s.units]
        for n, s in own
    ]
    return _Signal(present[0].label, np.concatenate(rows), per_frame, units)


def _in_one_unit(units: set[str], lead: str | None, answers: Answers) -> tuple[str, dict[str, np.float32]]:
    """Return the unit that the segments of a signal are brought to, and the factor of each of their own units.

    The answer counts for segments without a unit. Until there is one, the unit of an ECG is open ("") and is asked for.
    """
    unchanged = dict.fromkeys(units, np.float32(1))
    if len(units) <= 1 or lead is None:
        return next(iter(units)) if len(units) == 1 else "", unchanged
    scales = {unit: scale_of(unit) or scale_of(answers.units or "") for unit in units}
    kinds = {None if scale is None else scale[0] for scale in scales.values()}
    if len(kinds - {None}) > 1 or (None in kinds and lead == PPG_LEAD):
        raise IntakeError(
            "The segments of the WFDB record are in units that cannot be brought to one: export one stretch of it."
        )
    if None in kinds:
        return "", unchanged
    return str(kinds.pop()), {unit: np.float32(scale[1]) for unit, scale in scales.items() if scale is not None}


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
