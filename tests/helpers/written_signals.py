"""One signal, written in every way that files hold it: tables, WFDB, EDF and DICOM, by hypothesis' draws."""

from __future__ import annotations

import csv
import datetime
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from helpers.recording_files import PULSE, TWELVE_LEAD, as_bytes, dataset, waveform
from hypothesis import strategies as st

from engine.intake import Answers, Upload
from engine.study import ECG_LEADS

FACTORS = {"mV": 1.0, "uV": 1e-3, "V": 1e3}  # millivolts
SCP = dict(zip(ECG_LEADS, (1, 2, 61, 62, 63, 64, 3, 4, 5, 6, 7, 8), strict=True))
LABELS: tuple[Callable[[str], str], ...] = (
    lambda lead: lead,
    str.lower,
    str.upper,
    lambda lead: f"Lead {lead}",
    lambda lead: f"ECG {lead}",
    lambda lead: f"ECG ({lead})",
    lambda lead: f"ecg_{lead}",
    lambda lead: f"ECG-{lead}",
    lambda lead: f"MDC_ECG_LEAD_{lead.upper()}",
)
PULSE_LABELS = ("PPG", "Pleth", "PLETH R", "ppg_ir", "SpO2 wave", "Plethysmogram")


@dataclass(frozen=True, eq=False)
class Written:
    """Files, what the user answers, and what is right.

    samples : (leads, n) in mV for an ECG, in the file's own numbers for a PPG; NaN where missing
    step    : (leads,) one resolution step, in the same unit
    how     : what was drawn, for the message of a failure
    """

    uploads: list[Upload]
    answers: Answers
    leads: tuple[str, ...]
    fs: float
    samples: np.ndarray
    step: np.ndarray
    how: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Signal:
    """Whole numbers of resolution steps: (leads, n) int64; a step in mV per lead; NaN places (n,) bool."""

    leads: tuple[str, ...]
    fs: float
    stored: np.ndarray
    step_mv: float
    gaps: np.ndarray

    @property
    def is_ecg(self) -> bool:
        return self.leads != ("PPG",)

    @property
    def physical(self) -> np.ndarray:
        values = self.stored * self.step_mv
        return np.where(self.gaps, np.nan, values)


@st.composite
def signals(draw: st.DrawFn, largest: int = 2000, *, gaps: bool = True) -> Signal:
    """Draw an ECG of some leads or a pulse wave of 3 s to 4 s whose stored values stay within ±`largest`."""
    ecg = draw(st.booleans())
    leads = tuple(sorted(draw(st.sets(st.sampled_from(ECG_LEADS), min_size=1, max_size=3)), key=ECG_LEADS.index))
    leads = leads if ecg else ("PPG",)
    fs = draw(st.sampled_from((100.0, 125.0, 128.0, 200.0, 250.0, 256.0, 257.0, 360.0, 500.0, 512.0, 1000.0)))
    n = round(fs * draw(st.sampled_from((3.0, 3.5, 4.0))))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    t = np.arange(n) / fs
    waves = [
        np.sin(2 * np.pi * (1 + 0.3 * i) * t + rng.uniform(0, 6)) + 0.4 * np.sin(2 * np.pi * (7 + i) * t)
        for i in range(len(leads))
    ]
    rough = np.stack(waves) + 0.02 * rng.standard_normal((len(leads), n))
    size = draw(st.sampled_from((0.1, 0.5, 1.0)))
    stored = np.rint(rough / np.abs(rough).max() * size * (largest - 1)).astype(np.int64)
    missing = np.zeros(n, dtype=bool)
    if gaps and draw(st.booleans()):
        first = draw(st.integers(0, n - 12))
        missing[first : first + draw(st.integers(1, 11))] = True
    return Signal(leads, fs, stored, draw(st.sampled_from((0.001, 0.0025, 0.005))), missing)


# ---- tables -----------------------------------------------------------------------------------------------------

RATES: tuple[Callable[[float], str], ...] = (
    lambda fs: f"Sampling rate: {fs:g} Hz",
    lambda fs: f"Sample Rate,{fs:g} hertz",
    lambda fs: f"fs={fs:g}",
    lambda fs: f"Sampling Rate (Hz):= {fs:.2f}",
    lambda fs: f"sampling frequency [kHz]: {fs / 1000:g}",
    lambda fs: f"Sampling interval: {1000 / fs:.9g} ms",
    lambda fs: f"Sampling period;{1 / fs:.9g} s",
    lambda fs: f"{fs:g} samples/s",
    lambda fs: f"Abtastrate: {fs:g} Hz",
)
DISTRACTIONS = (
    "Heart rate: 72 bpm",
    "Average Heart Rate,64 bpm",
    "Notch filter frequency: 50 Hz",
    "Low pass: 150 Hz; high pass: 0.05 Hz",
    "Samples: 5000",
    "Device,Watch7 (11)",
    "Recorded Date,2026-08-26 18:15:35 +0100",
    "Pulse rate 61",
    "Respiration rate: 16",
    "Resolution: 12 bit",
    "Paper speed 25 mm/s",
)
TIMES = ("none", "s", "ms", "us", "unlabelled s", "unlabelled ms", "unix s", "unix ms", "clock", "iso", "count")
MISSING = ("", "NaN", "NA", "null", "-", "-32768", "-99999")


def _times(kind: str, fs: float, n: int) -> tuple[str, list[str]]:
    """Return the label and the cells of a time column."""
    t = np.arange(n) / fs
    start = datetime.datetime(2024, 3, 1, 10, 0, 5, tzinfo=datetime.UTC)
    stamps = [start + datetime.timedelta(seconds=float(x)) for x in t] if kind in ("clock", "iso") else []
    match kind:
        case "s":
            return "time (s)", [f"{x:.6f}" for x in t]
        case "ms":
            return "Time [ms]", [f"{1000 * x:.4f}" for x in t]
        case "us":
            return "t_us", [f"{1e6 * x:.1f}" for x in t]
        case "unlabelled s":
            return "time", [f"{x:.5f}" for x in t]
        case "unlabelled ms":
            return "timestamp", [f"{1000 * x:.3f}" for x in t]
        case "unix s":
            return "timestamp", [f"{1.7e9 + x:.5f}" for x in t]
        case "unix ms":
            return "Timestamp", [f"{1.7e12 + 1000 * x:.2f}" for x in t]
        case "clock":
            return "time", [stamp.strftime("%H:%M:%S.%f") for stamp in stamps]
        case "iso":
            return "datetime", [stamp.strftime("%Y-%m-%dT%H:%M:%S.%f") for stamp in stamps]
        case _:
            return "time", [str(i) for i in range(n)]


@st.composite
def tables(draw: st.DrawFn) -> Written:
    """Draw a table of one signal."""
    signal = draw(signals())
    unit = draw(st.sampled_from(("mV", "uV")))
    factor = FACTORS[unit] if signal.is_ecg else 1.0
    decimals = draw(st.sampled_from((4, 5, 6))) if factor == 1.0 else draw(st.sampled_from((1, 2)))
    delimiter = draw(st.sampled_from((",", ";", "\t", "|", " ")))
    decimal = draw(st.sampled_from((".", ",")))
    missing = draw(st.sampled_from(MISSING[1:] if delimiter == " " else MISSING))
    quoting = csv.QUOTE_ALL if decimal == delimiter else draw(st.sampled_from((csv.QUOTE_MINIMAL, csv.QUOTE_ALL)))
    quoting = csv.QUOTE_MINIMAL if delimiter == " " else quoting
    timed = draw(st.sampled_from(TIMES))
    minus = draw(st.sampled_from(("-", "-", "\u2212")))
    encoding = draw(st.sampled_from(("utf-8", "utf-8-sig", "utf-16", "latin-1" if minus == "-" else "utf-8")))
    grouping = draw(st.booleans()) and unit == "uV" and signal.is_ecg and delimiter in ";|\t"

    def number(value: float, missed: bool) -> str:
        if missed:
            return missing
        text = f"{value:{',' if grouping else ''}.{decimals}f}"
        if decimal == ",":
            text = text.translate(str.maketrans(",.", ".,"))
        return text.replace("-", minus)

    rng_order = draw(st.permutations(range(len(signal.leads) + (timed != "none"))))
    label = draw(st.sampled_from(LABELS))
    unit_at = draw(st.sampled_from(("(", "[", "_", "row", "note", "answer"))) if signal.is_ecg else "answer"
    columns: list[tuple[str, str, list[str]]] = []  # label, unit row, cells
    for row, lead in zip(signal.stored * signal.step_mv / factor, signal.leads, strict=True):
        name = label(lead) if signal.is_ecg else draw(st.sampled_from(PULSE_LABELS))
        name = {"(": f"{name} ({unit})", "[": f"{name} [{unit}]", "_": f"{name}_{unit}"}.get(unit_at, name)
        columns.append((name, unit, [number(v, m) for v, m in zip(row, signal.gaps, strict=True)]))
    if timed != "none":
        name, cells = _times(timed, signal.fs, signal.stored.shape[1])
        cells = [cell.replace(".", decimal) for cell in cells] if timed not in ("clock", "iso") else cells
        columns.append((name, "s" if timed == "s" else "", cells))
    columns = [columns[i] for i in rng_order]
    if delimiter == " ":
        columns = [(name.replace(" ", "_"), below, cells) for name, below, cells in columns]
    for name, cells in (("patient", ["Jane Roe"]), ("hr", ["72"]), ("marker", [""])):
        if delimiter != " " and draw(st.integers(0, 5)) == 0:
            columns.insert(draw(st.integers(0, len(columns))), (name, "", cells * signal.stored.shape[1]))
    notes, answers = _notes(draw, signal.fs, stated=timed in ("none", "count"), decimal=decimal)
    if unit_at == "note":
        notes.append(f"Unit: {unit}")
    comment = draw(st.sampled_from(("# ", "", "% ")))
    head = [comment + note for note in notes]
    if not comment and any(delimiter in note for note in notes):
        head = [f"# {note}" for note in notes]
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, quoting=quoting, lineterminator="\n")
    writer.writerow([name for name, _, _ in columns])
    if unit_at == "row":
        writer.writerow([below or "-" for _, below, _ in columns])
    writer.writerows(zip(*(cells for _, _, cells in columns), strict=True))
    lines = head + text.getvalue().splitlines()
    if delimiter in ",;" and draw(st.integers(0, 4)) == 0:
        lines = [f"sep={delimiter}", *lines]
    newline = draw(st.sampled_from(("\n", "\r\n", "\r")))
    if delimiter != " " and draw(st.integers(0, 4)) == 0:
        lines = [
            line if i < len(lines) - len(text.getvalue().splitlines()) else line + delimiter
            for i, line in enumerate(lines)
        ]
    data = (newline.join(lines) + newline).encode(encoding)
    if timed == "unlabelled ms" and signal.fs == 1000:
        answers = Answers(fs=signal.fs)  # 0.000, 1.000, 2.000 … may count samples
    if unit_at == "answer" and signal.is_ecg:
        answers = Answers(fs=answers.fs, units=unit)
    how = {"timed": timed, "delimiter": delimiter, "decimal": decimal, "unit_at": unit_at, "notes": notes}
    rounded = np.round(signal.physical / factor, decimals) * factor
    step = np.full(len(signal.leads), 10.0**-decimals * factor)
    return Written([Upload("x.csv", data)], answers, signal.leads, signal.fs, rounded, step, how)


def _notes(draw: st.DrawFn, fs: float, *, stated: bool, decimal: str) -> tuple[list[str], Answers]:
    """Return lines above a table: distractions, and the rate where there is no time column, or the user's answer."""
    notes = draw(st.lists(st.sampled_from(DISTRACTIONS), max_size=3, unique=True))
    if not stated:
        return notes, Answers()
    if draw(st.integers(0, 3)) == 0:
        return notes, Answers(fs=fs)
    notes.insert(draw(st.integers(0, len(notes))), draw(st.sampled_from(RATES))(fs))
    return notes, Answers()


# ---- WFDB -------------------------------------------------------------------------------------------------------

LARGEST = {"16": 30_000, "212": 2000, "24": 8_000_000, "32": 2_000_000_000, "80": 120}
_LOWEST = {"16": -(2**15), "212": -(2**11), "24": -(2**23), "32": -(2**31), "80": -(2**7)}


def _packed(fmt: str, frames: np.ndarray) -> bytes:
    """Return (n, signals) stored values as signal(5) lays them out."""
    flat = frames.reshape(-1)
    if fmt == "16":
        return flat.astype("<i2").tobytes()
    if fmt == "32":
        return flat.astype("<i4").tobytes()
    if fmt == "80":
        return (flat + 128).astype(np.uint8).tobytes()
    if fmt == "24":
        return flat.astype("<i4").view(np.uint8).reshape(-1, 4)[:, :3].tobytes()
    even = np.concatenate([flat, np.zeros(flat.size % 2, flat.dtype)]) & 0xFFF
    a, b = even[::2], even[1::2]
    triples = np.stack([a & 0xFF, (a >> 8) | ((b >> 8) << 4), b & 0xFF], axis=1).astype(np.uint8)
    return triples.tobytes()[: (flat.size * 3 + 1) // 2]


@st.composite
def wfdb_records(draw: st.DrawFn) -> Written:
    """Draw a WFDB record of one segment or of two with other gains, baselines and units."""
    fmt = draw(st.sampled_from(tuple(LARGEST)))
    signal = draw(signals(LARGEST[fmt]))
    n = signal.stored.shape[1]
    parts = draw(st.sampled_from((1, 2))) if n % 2 == 0 else 1
    label = draw(st.sampled_from(LABELS[:6]))
    names = [label(lead) if signal.is_ecg else draw(st.sampled_from(PULSE_LABELS[:3])) for lead in signal.leads]
    files, pieces, steps = [], [], []
    for part in range(parts):
        stretch = slice(part * n // parts, (part + 1) * n // parts)
        lines, columns, piece = [], [], []
        for row, name in zip(signal.stored[:, stretch], names, strict=True):
            unit = draw(st.sampled_from(tuple(FACTORS))) if signal.is_ecg else "NU"
            gain = draw(st.sampled_from((200.0, 1000.0, 400.5, 0.5))) / FACTORS[unit if signal.is_ecg else "mV"] ** -1
            room = LARGEST[fmt] - int(np.abs(row).max())
            baseline = draw(st.sampled_from((0, room // 2, -room // 3)))
            stored = np.where(signal.gaps[stretch], _LOWEST[fmt], row + baseline)
            columns.append(stored)
            lines.append(f"p{part}.dat {fmt} {gain:.10g}({baseline})/{unit} 0 0 0 0 0 {name}")
            factor = FACTORS[unit] if signal.is_ecg else 1.0
            piece.append(np.where(signal.gaps[stretch], np.nan, row / float(f"{gain:.10g}") * factor))
            steps.append(factor / gain)
        frames = np.stack(columns, axis=1)
        header = f"p{part} {len(names)} {signal.fs:g} {len(frames)}\n" + "\n".join(lines) + "\n"
        files += [Upload(f"p{part}.hea", header.encode()), Upload(f"p{part}.dat", _packed(fmt, frames))]
        pieces.append(np.stack(piece))
    samples = np.concatenate(pieces, axis=1)
    if parts > 1:
        master = f"m/2 {len(names)} {signal.fs:g} {n}\n" + "".join(f"p{i} {n // 2}\n" for i in range(2))
        files.append(Upload("m.hea", master.encode()))
    if not signal.is_ecg and parts > 1:
        samples = samples.copy()
    step = np.full(len(names), max(steps))
    return Written(files, Answers(), signal.leads, signal.fs, samples, step, {"fmt": fmt, "parts": parts})


# ---- EDF --------------------------------------------------------------------------------------------------------


@st.composite
def edf_files(draw: st.DrawFn) -> Written:
    """Draw an EDF or BDF file, each signal with its own ranges and unit."""
    bits = draw(st.sampled_from((16, 24)))
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    signal = draw(signals(draw(st.sampled_from((2000, high - 10)))))
    label = draw(st.sampled_from(LABELS[:6]))
    seconds = 1
    per_record = round(signal.fs * seconds)
    n = signal.stored.shape[1] // per_record * per_record
    names, units, ranges, rows, columns, steps = [], [], [], [], [], []
    for row, lead in zip(signal.stored[:, :n], signal.leads, strict=True):
        unit = draw(st.sampled_from(("mV", "uV", "µV", "ÂµV", "V"))) if signal.is_ecg else ""
        factor = {"mV": 1.0, "V": 1e3}.get(unit, 1e-3) if signal.is_ecg else 1.0
        digital = (low, high) if draw(st.booleans()) else (low + 1, high)
        width = digital[1] - digital[0]
        limits = draw(st.sampled_from(((-3.2768, 3.2767), (-5.0, 5.0), (-1.0, 4.0), (3.2767, -3.2768))))
        gain = (limits[1] - limits[0]) / width
        values = limits[0] + (row - digital[0]) * gain
        gaps = signal.gaps[:n] if np.abs(row).max() < 0.2 * high else np.zeros(n, dtype=bool)
        columns.append(np.where(gaps, digital[0], row))
        rows.append(np.where(gaps, np.nan, values * factor))
        steps.append(abs(gain) * factor)
        names.append(label(lead)[:16] if signal.is_ecg else draw(st.sampled_from(PULSE_LABELS))[:16])
        units.append(unit)
        ranges.append((limits, digital))
    data = _edf(names, units, ranges, columns, (per_record, bits))
    how = {"names": names, "units": units, "ranges": ranges}
    return Written([Upload("a.edf", data)], Answers(), signal.leads, signal.fs, np.stack(rows), np.array(steps), how)


def _edf(
    names: Sequence[str],
    units: Sequence[str],
    ranges: Sequence[Any],
    columns: Sequence[np.ndarray],
    form: tuple[int, int],
) -> bytes:
    """Return an EDF (16 bits) or BDF (24 bits) file of records of one second."""
    per_record, bits = form
    k, n_records = len(names), columns[0].size // per_record

    def fields(values: Sequence[object], width: int) -> bytes:
        return b"".join(str(value).encode("latin-1")[:width].ljust(width) for value in values)

    version = b"0".ljust(8) if bits == 16 else b"\xffBIOSEMI"
    head = version + b"X X X X".ljust(80) + b"Startdate X X X X".ljust(80) + b"01.01.8500.00.00"
    head += fields([256 * (k + 1)], 8) + b"".ljust(44) + fields([n_records], 8) + fields([1], 8) + fields([k], 4)
    head += fields(names, 16) + fields([""] * k, 80) + fields(units, 8)
    head += fields([limits[0] for limits, _ in ranges], 8) + fields([limits[1] for limits, _ in ranges], 8)
    head += fields([digital[0] for _, digital in ranges], 8) + fields([digital[1] for _, digital in ranges], 8)
    head += fields([""] * k, 80) + fields([per_record] * k, 8) + fields([""] * k, 32)
    flat = np.concatenate(
        [column[i * per_record : (i + 1) * per_record] for i in range(n_records) for column in columns]
    )
    if bits == 16:
        return head + flat.astype("<i2").tobytes()
    return head + flat.astype("<i4").view(np.uint8).reshape(-1, 4)[:, :3].tobytes()


# ---- DICOM ------------------------------------------------------------------------------------------------------


@st.composite
def dicom_waveforms(draw: st.DrawFn) -> Written:
    """Draw a DICOM waveform with 8, 16 or 32 bits, sensitivities of its channels, skew, and perhaps a median beat."""
    bits = draw(st.sampled_from((8, 16, 32)))
    signal = draw(signals({8: 120, 16: 2000, 32: 2_000_000}[bits], gaps=False))
    codes = [f"5.6.3-9-{SCP[lead]}" if signal.is_ecg else "109116" for lead in signal.leads]
    group = waveform(np.zeros((signal.stored.shape[1], len(codes)), np.int16), codes, fs=signal.fs)
    group.WaveformBitsAllocated, group.WaveformSampleInterpretation = bits, {8: "SB", 16: "SS", 32: "SL"}[bits]
    group.WaveformData = np.ascontiguousarray(signal.stored.T).astype(f"<i{bits // 8}").tobytes()
    group["WaveformData"].VR = "OB" if bits == 8 else "OW"
    rows, steps = [], []
    by_name = draw(st.booleans()) and signal.is_ecg
    for row, lead, channel in zip(signal.stored, signal.leads, group.ChannelDefinitionSequence, strict=True):
        unit = draw(st.sampled_from(tuple(FACTORS))) if signal.is_ecg else "1"
        sensitivity, correction = draw(st.sampled_from((0.5, 2.5, 0.001))), draw(st.sampled_from((1.0, 1.25)))
        baseline = draw(st.sampled_from((0.0, 0.25, -3.0)))
        sensitivity = float(f"{sensitivity / FACTORS[unit] * 1e-3:.10g}") if signal.is_ecg else sensitivity
        factor = FACTORS[unit] if signal.is_ecg else 1.0
        channel.ChannelSensitivity, channel.ChannelSensitivityCorrectionFactor = sensitivity, correction
        channel.ChannelBaseline, channel.WaveformBitsStored = baseline, bits
        channel.ChannelSensitivityUnitsSequence[0].CodeValue = unit
        source = channel.ChannelSourceSequence[0]
        if by_name:
            source.CodeValue, source.CodingSchemeDesignator, source.CodeMeaning = "X1", "99ACME", f"Lead {lead}"
        skew = draw(st.sampled_from((0, 0, 3)))
        channel.ChannelSampleSkew = skew
        values = (row * sensitivity * correction + baseline) * factor
        rows.append((values, skew))
        steps.append(sensitivity * correction * factor)
    least = min(skew for _, skew in rows)
    moved = [np.concatenate([np.full(skew - least, np.nan), values])[: values.size] for values, skew in rows]
    groups = [group]
    if draw(st.booleans()) and signal.is_ecg:
        beat = waveform(
            np.zeros((round(0.8 * signal.fs), 12), np.int16), [f"2:{SCP[lead]}" for lead in ECG_LEADS], fs=signal.fs
        )
        beat.WaveformOriginality, beat.MultiplexGroupLabel = "DERIVED", draw(st.sampled_from(("MEDIAN BEAT", "")))
        groups.insert(draw(st.integers(0, 1)), beat)
    ds = dataset(TWELVE_LEAD if signal.is_ecg else PULSE, Modality="ECG", WaveformSequence=groups)
    how = {"bits": bits, "groups": len(groups), "by_name": by_name}
    return Written(
        [Upload("a", as_bytes(ds))], Answers(), signal.leads, signal.fs, np.stack(moved), np.array(steps), how
    )
