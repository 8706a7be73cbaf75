"""ECGs: Trace → twelve z-scored leads at 100 Hz with their amplitudes beside them (MEDBind §3.1: 12 × 1000)."""

from __future__ import annotations

import numpy as np

from engine.modalities import spec_of
from engine.signals import condition, fit_length
from engine.study import ECG_LEADS, Trace

FS = spec_of("ecg").model_fs
LENGTH = 1000  # samples, 10 s
LOG_MV_FLOOR = -3.0  # log10 of the smallest lead amplitude (mV) that is told apart
BAND_HZ = (0.5, 40.0)  # the band of the z-scored PTB-XL recordings


def prepare(trace: Trace) -> dict[str, np.ndarray]:
    """Return the model's inputs for one ECG of any lead subset.

    x         : (12, 1000) float32, z-scored per lead, zero where a lead or the time is missing
    amplitude : (12,) float32, log10 of the lead's deviation in mV, 0 where unknown
    flags     : (24,) float32, lead present (12) ‖ amplitude known (12)
    length    : () float32, share of the 10 s that is recorded
    """
    scaled, deviation = condition(trace.samples, trace.fs, FS, BAND_HZ)
    scaled, real = fit_length(scaled, LENGTH)
    rows = [ECG_LEADS.index(lead) for lead in trace.leads]
    x, amplitude, flags = np.zeros((12, LENGTH), np.float32), np.zeros(12, np.float32), np.zeros(24, np.float32)
    x[rows] = scaled
    alive = (deviation > 1e-9).astype(np.float32)
    flags[rows] = alive
    if trace.units == "mV":
        amplitude[rows] = np.log10(np.maximum(deviation, 10**LOG_MV_FLOOR)) * alive
        flags[[12 + row for row in rows]] = alive
    return {"x": x, "amplitude": amplitude, "flags": flags, "length": np.array(real / LENGTH, np.float32)}
