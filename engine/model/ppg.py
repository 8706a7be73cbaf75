"""PPGs: Trace → one z-scored pulse wave at 125 Hz, at most 10 s; amplitude is arbitrary and not used."""

from __future__ import annotations

import numpy as np

from engine.modalities import spec_of
from engine.signals import condition, fit_length
from engine.study import Trace

FS = spec_of("ppg").model_fs
LENGTH = 1250  # samples, 10 s
BAND_HZ = (0.4, 12.0)  # keeps the dicrotic notch, drops drift (Elgendi 2012, Curr Cardiol Rev 8:14)


def prepare(trace: Trace) -> dict[str, np.ndarray]:
    """Return the model's inputs for one PPG.

    x      : (1, 1250) float32, z-scored, zero after the end of a shorter recording
    length : () float32, share of the 10 s that is recorded
    """
    scaled, _ = condition(trace.samples, trace.fs, FS, BAND_HZ)
    x, real = fit_length(scaled[:1], LENGTH)
    return {"x": x, "length": np.array(real / LENGTH, np.float32)}
