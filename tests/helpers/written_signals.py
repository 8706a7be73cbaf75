"""Signals that tests write in every way that files hold them, drawn by hypothesis, with what is right of each file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from hypothesis import strategies as st

from engine.intake import Answers, Upload
from engine.study import ECG_LEADS

FACTORS = {"mV": 1.0, "uV": 1e-3, "V": 1e3}  # millivolts
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
    lambda lead: f"Ableitung {lead}",
    lambda lead: f"{lead} (ECG)",
    lambda lead: f"{lead}_raw",
    lambda lead: f"EKG/{lead}",
    lambda lead: {"I": "LA-RA", "II": "LL-RA", "III": "LL-LA"}.get(lead, lead),
    lambda lead: {"I": "D1", "II": "DII", "III": "D3"}.get(lead, lead),
)
TURNED = ("-{}", "\u2212{}", "ECG -{}", "{} inverted", "(-){}", "-1 x {}")
PULSE_LABELS = ("PPG", "Pleth", "PLETH R", "ppg_ir", "SpO2 wave", "Plethysmogram", "BVP")
RATES_HZ = (100.0, 125.0, 128.0, 200.0, 250.0, 256.0, 257.0, 360.0, 500.0, 512.0, 1000.0)


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
    """Whole numbers of resolution steps: (leads, n) int64; a step in mV; places of missing samples, (n,) bool."""

    leads: tuple[str, ...]
    fs: float
    stored: np.ndarray
    step_mv: float
    gaps: np.ndarray

    @property
    def is_ecg(self) -> bool:
        return self.leads != ("PPG",)


@st.composite
def signals(draw: st.DrawFn, largest: int = 2000, *, gaps: bool = True) -> Signal:
    """Draw an ECG of some leads or a pulse wave of 3 s to 4 s whose stored values stay within ±`largest`."""
    ecg = draw(st.booleans())
    leads = tuple(sorted(draw(st.sets(st.sampled_from(ECG_LEADS), min_size=1, max_size=3)), key=ECG_LEADS.index))
    leads = leads if ecg else ("PPG",)
    fs = draw(st.sampled_from(RATES_HZ))
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


@st.composite
def labelled(draw: st.DrawFn, signal: Signal, labels: int = len(LABELS)) -> tuple[list[str], np.ndarray]:
    """Draw a label for each lead, some of them turned over, and the sign of each lead, (leads,).

    labels : how many of the ways to write a label may be drawn
    """
    if not signal.is_ecg:
        return [draw(st.sampled_from(PULSE_LABELS))], np.ones(1)
    write, names, signs = draw(st.sampled_from(LABELS[:labels])), [], np.ones(len(signal.leads))
    for i, lead in enumerate(signal.leads):
        turned = draw(st.integers(0, 9)) == 0
        names.append(draw(st.sampled_from(TURNED)).format(lead) if turned else write(lead))
        signs[i] = -1 if turned else 1
    return names, signs
