"""Signals of one WFDB segment by the wfdb library, from a neutral copy of its files: what our own reader is held by."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import wfdb
from wfdb.io._signal import BYTES_PER_SAMPLE

from engine.intake.wfdb_header import NULL, Header, SignalLine


def signal_lines(header: Header, folder: Path) -> list[SignalLine]:
    """Return what the library says of each signal."""
    said = wfdb.rdheader(str(_written(header, {}, folder)))
    return [
        SignalLine(
            str(said.sig_name[i] or ""),
            said.units[i],
            said.samps_per_frame[i] or 1,
            BYTES_PER_SAMPLE.get(said.fmt[i], 0),
            said.byte_offset[i] or 0,
            said.adc_gain[i],
            said.baseline[i],
        )
        for i in range(len(header.signals))
    ]


def physical_signals(header: Header, data: Mapping[str, bytes], folder: Path) -> list[np.ndarray]:
    """Return the physical values of each signal."""
    record = wfdb.rdrecord(str(_written(header, data, folder)), smooth_frames=False, return_res=64)
    return list(record.e_p_signal)


def _written(header: Header, data: Mapping[str, bytes], folder: Path) -> Path:
    """Write record r0 with the signal files s0, s1 …; return its path without a suffix."""
    alias = {file: f"s{i}.dat" for i, file in enumerate(header.files)}
    for file, content in data.items():
        (folder / alias[file]).write_bytes(content)
    length = "" if header.n is None else f" {header.n}"
    rate = 1.0 if header.fs is None else header.fs
    lines = [f"r0 {len(header.signals)} {rate:.10g}{length}"]
    lines += [f"{(alias | {NULL: NULL})[file]} {rest}" for file, rest in header.signals]
    (folder / "r0.hea").write_text("\n".join(lines) + "\n", encoding="ascii", errors="replace")
    return folder / "r0"
