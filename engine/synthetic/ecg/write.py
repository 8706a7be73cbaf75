"""Twelve leads → a WFDB record, by default in format 516 (FLAC), which keeps every stored value and halves the size."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine.study import ECG_LEADS
from engine.synthetic.ecg.leads import FS, GAIN


def write_ecg(samples: np.ndarray, stem: Path, form: str = "516") -> None:
    """Write samples (12, n) int16, leads.GAIN units per mV at leads.FS, as stem.hea, stem_1.dat and stem_2.dat.

    Two files, since a FLAC stream holds at most eight channels; in format 16 it is one, stem.dat. Baseline 0; no date,
    name or comment in the header.
    """
    import wfdb

    leads = len(ECG_LEADS)
    wfdb.wrsamp(
        stem.name,
        fs=FS,
        units=["mV"] * leads,
        sig_name=list(ECG_LEADS),
        d_signal=samples.T.astype(np.int64),
        fmt=[form] * leads,
        adc_gain=[float(GAIN)] * leads,
        baseline=[0] * leads,
        write_dir=str(stem.parent),
    )
