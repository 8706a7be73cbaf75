"""Twelve leads → a WFDB record in format 516 (FLAC), which keeps every stored value and halves the size."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine.cohorts.synthetic.heart.leads import FS, GAIN
from engine.study import ECG_LEADS

PER_FILE = 8  # a FLAC stream holds at most eight channels


def write_ecg(samples: np.ndarray, stem: Path) -> None:
    """Write samples (12, n) int16, leads.GAIN units per mV at leads.FS, as stem.hea, stem.dat and stem_2.dat.

    Baseline 0; the header carries no date, name or comment.
    """
    import wfdb

    first, second = f"{stem.name}.dat", f"{stem.name}_2.dat"
    wfdb.wrsamp(
        stem.name, fs=FS, units=["mV"] * 12, sig_name=list(ECG_LEADS), d_signal=samples.T.astype(np.int64),
        fmt=["516"] * 12, adc_gain=[float(GAIN)] * 12, baseline=[0] * 12, write_dir=str(stem.parent),
        file_name=[first] * PER_FILE + [second] * (12 - PER_FILE),
    )  # fmt: skip
