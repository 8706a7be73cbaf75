"""Recorded pulse traces as the generator learns from them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.synthetic.ppg.beats import Pulses


@dataclass(frozen=True, eq=False)
class Segment:
    """One recording: its row of ppg.csv, trace (n,) at fs, the ECG lead beside it or None, and its pulses."""

    row: dict[str, str]
    trace: np.ndarray
    fs: float
    ecg: np.ndarray | None
    pulses: Pulses


@dataclass(frozen=True, eq=False)
class PpgSubject:
    """One person with one device: median pulse (POINTS,), covariates (F,; NaN where unknown) and the segments."""

    style: str
    shape: np.ndarray
    covariates: np.ndarray
    segments: list[Segment]
