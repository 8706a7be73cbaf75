"""Inputs that a start encodes once, so that the first query finds the models ready."""

from __future__ import annotations

import numpy as np

from engine.study import Film, Note, Study, Trace


def warmup_studies() -> list[Study]:
    """Return one plausible input per modality; what comes of it is thrown away."""
    seconds = np.arange(1250, dtype=np.float32) / 125
    wave = np.sin(2 * np.pi * 1.2 * seconds)[None].astype(np.float32)
    return [
        Study("text", Note("normal"), "typed text"),
        Study("ppg", Trace(wave, ("PPG",), 125.0, "au"), "PPG"),
        Study("ecg", Trace(wave, ("II",), 125.0, "mV"), "ECG"),
        Study("cxr", Film(np.tile(np.linspace(0, 255, 256).astype(np.uint8), (256, 1)), 8), "film"),
    ]
