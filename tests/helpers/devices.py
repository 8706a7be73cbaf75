"""Recordings as files of the formats that a device reads, and what `casebind-edge search` printed."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from typing import Any

import edfio
import numpy as np
import wfdb

from engine.study import Trace


def answer(done: subprocess.CompletedProcess[str]) -> dict[str, Any]:
    """Return the object that a search printed."""
    assert done.returncode == 0, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def written(trace: Trace, folder: Path) -> dict[str, Path]:
    """Write an ECG in mV as CSV, EDF and WFDB; return the file to name of each."""
    values = np.nan_to_num(trace.samples).astype(float)
    table = ["time_s," + ",".join(f"{lead} (mV)" for lead in trace.leads)]
    table += [f"{i / trace.fs:.4f}," + ",".join(f"{x:.4f}" for x in row) for i, row in enumerate(values.T)]
    (folder / "trace.csv").write_text("\n".join(table) + "\n", encoding="utf-8")
    ends = (-8.0, 8.0)
    signals = [
        edfio.EdfSignal(row, trace.fs, label=lead, physical_dimension="mV", physical_range=ends)
        for lead, row in zip(trace.leads, values, strict=True)
    ]
    edfio.Edf(signals).write(folder / "trace.edf")
    named = {"units": ["mV"] * len(trace.leads), "sig_name": list(trace.leads), "fmt": ["16"] * len(trace.leads)}
    wfdb.wrsamp("trace", fs=trace.fs, p_signal=values.T, write_dir=str(folder), **named)
    return {"csv": folder / "trace.csv", "edf": folder / "trace.edf", "wfdb": folder / "trace.hea"}
