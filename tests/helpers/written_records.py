"""One signal, written as a WFDB record, an EDF or a BDF file in every way that the formats have."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from helpers.written_signals import FACTORS, Signal, Written, labelled, signals
from hypothesis import strategies as st

from engine.intake import Answers, Upload

# ---- WFDB -------------------------------------------------------------------------------------------------------

LARGEST = {"16": 30_000, "61": 30_000, "160": 30_000, "212": 2000, "24": 8_000_000, "32": 2_000_000_000, "80": 120}
_LOWEST = {
    "16": -(2**15),
    "61": -(2**15),
    "160": -(2**15),
    "212": -(2**11),
    "24": -(2**23),
    "32": -(2**31),
    "80": -(2**7),
}


def _packed(fmt: str, frames: np.ndarray) -> bytes:
    """Return (n, signals) stored values as signal(5) lays them out."""
    flat = frames.reshape(-1)
    if fmt == "16":
        return flat.astype("<i2").tobytes()
    if fmt == "61":
        return flat.astype(">i2").tobytes()
    if fmt == "160":
        return (flat + 2**15).astype("<u2").tobytes()
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
    form = draw(st.sampled_from(tuple(LARGEST)))
    signal = draw(signals(LARGEST[form]))
    n = signal.stored.shape[1]
    parts = draw(st.sampled_from((1, 2))) if n % 2 == 0 else 1
    names, signs = draw(labelled(signal))
    names = [name if name.isascii() else name.replace("\u2212", "-") for name in names]
    files, pieces, steps, headers = [], [], [], []
    for part in range(parts):
        stretch = slice(part * n // parts, (part + 1) * n // parts)
        header, data, samples, step = draw(_segment(signal, f"p{part}", form, (stretch, names)))
        files += [Upload(f"p{part}.hea", header), Upload(f"p{part}.dat", data)]
        pieces.append(samples * signs[:, None])
        steps.append(step)
        headers.append(header)
    if parts > 1:
        master = f"m/2 {len(names)} {signal.fs:g} {n}\n" + "".join(f"p{i} {n // 2}\n" for i in range(2))
        files.append(Upload("m.hea", master.encode()))
    samples, step = np.concatenate(pieces, axis=1), np.full(len(names), max(steps))
    return Written(files, Answers(), signal.leads, signal.fs, samples, step, {"form": form, "headers": headers})


@st.composite
def _segment(
    draw: st.DrawFn, signal: Signal, name: str, form: str, what: tuple[slice, list[str]]
) -> tuple[bytes, bytes, np.ndarray, float]:
    """Draw header and signal file of a stretch of the signal; its samples as stored, (leads, n) mV, and a step, mV."""
    stretch, labels = what
    offset = draw(st.sampled_from((0, 0, 24)))
    lines, columns, rows, steps = [], [], [], []
    for row, label in zip(signal.stored[:, stretch], labels, strict=True):
        unit = draw(st.sampled_from((*FACTORS, ""))) if signal.is_ecg else "NU"  # mV where a gain has no unit
        factor = FACTORS.get(unit, 1.0) if signal.is_ecg else 1.0
        gain = float(f"{draw(st.sampled_from((200.0, 1000.0, 400.5, 0.5))) * factor:.10g}")
        room = LARGEST[form] - int(np.abs(row).max())
        baseline = draw(st.sampled_from((0, room // 2, -room // 3)))
        zero = draw(st.sampled_from((0, baseline, 7)))
        written = f"{gain:.10g}" + ("" if zero == baseline else f"({baseline})") + (f"/{unit}" if unit else "")
        place = f"{name}.dat {form}" + (f"+{offset}" if offset else "")
        lines.append(f"{place} {written} {draw(st.sampled_from((0, 12, 16)))} {zero} 0 0 0 {label}")
        columns.append(np.where(signal.gaps[stretch], _LOWEST[form], row + baseline))
        rows.append(np.where(signal.gaps[stretch], np.nan, row / gain * factor))
        steps.append(factor / gain)
    frames = np.stack(columns, axis=1)
    rate = draw(st.sampled_from((f"{signal.fs:g}", f"{signal.fs:g}/{signal.fs:g}(0)")))
    after = draw(st.sampled_from(("", " 10:00:00 01/01/2020")))
    header = f"{name} {len(labels)} {rate} {len(frames)}{after}\n" + "\n".join(lines) + "\n"
    comment = draw(st.sampled_from(("", "#Age: 67 Sex: F Dx: 500 Hz\n")))
    return (header + comment).encode(), b"\0" * offset + _packed(form, frames), np.stack(rows), max(steps)


# ---- EDF --------------------------------------------------------------------------------------------------------

_BESIDE = (("HR", "bpm"), ("EEG Fpz-Cz", "uV"), ("SpO2", "%"), ("Pulse Rate", "bpm"))


@dataclass(frozen=True, eq=False)
class _EdfSignal:
    """One signal of an EDF file: (n,) stored values, `per_record` in each record."""

    label: str
    unit: str
    physical: tuple[float, float]
    digital: tuple[int, int]
    stored: np.ndarray
    per_record: int


@st.composite
def edf_files(draw: st.DrawFn) -> Written:
    """Draw an EDF or BDF file, each signal with its own ranges and unit, other signals and annotations beside them."""
    bits = draw(st.sampled_from((16, 24)))
    high = 2 ** (bits - 1) - 1
    signal = draw(signals(draw(st.sampled_from((2000, high - 10)))))
    record_s = draw(st.sampled_from((1.0, 0.5))) if signal.fs % 2 == 0 else 1.0
    per_record = round(signal.fs * record_s)
    n = signal.stored.shape[1] // per_record * per_record
    names, signs = draw(labelled(signal))
    names = [name.replace("\u2212", "-")[:16] for name in names]
    written, rows, steps = [], [], []
    for row, name, sign in zip(signal.stored[:, :n], names, signs, strict=True):
        unit = draw(st.sampled_from(("mV", "uV", "µV", "ÂµV", "V"))) if signal.is_ecg else ""
        factor = {"mV": 1.0, "V": 1e3}.get(unit, 1e-3) if signal.is_ecg else 1.0
        digital = draw(st.sampled_from(((-high - 1, high), (-high, high))))
        limits = draw(st.sampled_from(((-3.2768, 3.2767), (-5.0, 5.0), (-1.0, 4.0), (3.2767, -3.2768))))
        gain = (limits[1] - limits[0]) / (digital[1] - digital[0])
        gaps = signal.gaps[:n] if np.abs(row).max() < 0.2 * high else np.zeros(n, dtype=bool)
        written.append(_EdfSignal(name, unit, limits, digital, np.where(gaps, digital[0], row), per_record))
        rows.append(np.where(gaps, np.nan, (limits[0] + (row - digital[0]) * gain) * factor * sign))
        steps.append(abs(gain) * factor)
    label, unit = draw(st.sampled_from(_BESIDE))
    for _ in range(draw(st.integers(0, 1))):
        slow = np.full(n // per_record, 72)
        other = _EdfSignal(label, unit, (-100.0, 100.0), (-high, high), slow, 1)
        written.insert(draw(st.integers(0, len(written))), other)
    data = _edf(written, bits, record_s, annotated=draw(st.booleans()))
    how = {"signals": [(one.label, one.unit, one.physical, one.digital) for one in written], "record_s": record_s}
    return Written([Upload("a.edf", data)], Answers(), signal.leads, signal.fs, np.stack(rows), np.array(steps), how)


def _edf(signals: list[_EdfSignal], bits: int, record_s: float, *, annotated: bool) -> bytes:
    """Return an EDF (16 bits) or BDF (24 bits) file; an annotated one has the time of each record, as EDF+ has."""
    n_records, width, name = signals[0].stored.size // signals[0].per_record, bits // 8, "EDF" if bits == 16 else "BDF"
    ends = (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    times = _EdfSignal(f"{name} Annotations", "", (-1, 1), ends, np.empty(0), 20)
    described = [*signals, times] if annotated else signals

    def fields(size: int, *values: object) -> bytes:
        return b"".join(str(value).encode("latin-1").ljust(size) for value in values)

    head = (b"0".ljust(8) if bits == 16 else b"\xffBIOSEMI") + fields(80, "X X X X", "Startdate X X X X")
    head += b"01.01.8500.00.00" + fields(8, 256 * (len(described) + 1)) + fields(44, f"{name}+C" if annotated else "")
    head += fields(8, n_records, f"{record_s:g}") + fields(4, len(described))
    head += fields(16, *(one.label for one in described)) + fields(80, *("" for _ in described))
    head += fields(8, *(one.unit for one in described))
    head += b"".join(fields(8, *(one.physical[end] for one in described)) for end in (0, 1))
    head += b"".join(fields(8, *(one.digital[end] for one in described)) for end in (0, 1))
    head += fields(80, *("" for _ in described)) + fields(8, *(one.per_record for one in described))
    body = bytearray(head + fields(32, *("" for _ in described)))
    for i in range(n_records):
        for one in signals:
            stored = one.stored[i * one.per_record : (i + 1) * one.per_record].astype("<i4")
            body += stored.view(np.uint8).reshape(-1, 4)[:, :width].tobytes()
        if annotated:
            body += f"+{i * record_s:g}\x14\x14\0".encode().ljust(20 * width, b"\0")
    return bytes(body)
