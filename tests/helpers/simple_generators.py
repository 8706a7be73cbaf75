"""Generators that need no fitting, for tests of what is written around them: plain beats, and shipped films.

They pass the gate; they claim nothing about how synthetic studies look.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import wfdb
from PIL import Image

from engine.settings import DEMO
from engine.study import ECG_LEADS
from engine.synthetic.painted import DrawnFilm
from engine.synthetic.patients import Encounter
from engine.synthetic.rhythm import Rhythm
from engine.synthetic.write import Generators

GAIN = 400
WAVES = ((-0.16, 0.022, 0.1), (-0.02, 0.008, -0.1), (0.0, 0.011, 1.0), (0.026, 0.01, -0.2), (0.3, 0.045, 0.28))
EIGHT = (0.7, 1.0, -0.4, 0.3, 0.8, 1.2, 1.1, 0.9)


def rhythm(encounter: Encounter, rng: np.random.Generator) -> Rhythm:
    beats = np.arange(-3, 13, 60 / encounter.rate_bpm) + 0.1 * rng.random()
    return Rhythm(beats, np.full(beats.size, "sinus"))


def ecg(encounter: Encounter, beats: Rhythm, person: np.random.Generator, rng: np.random.Generator) -> np.ndarray:
    t = np.arange(5000) / 500
    beat = sum(h * np.exp(-0.5 * ((t - r - at) / width) ** 2) for r in beats.r_s for at, width, h in WAVES)
    eight = np.outer(EIGHT, beat * person.uniform(0.8, 1.2)) + 0.006 * rng.standard_normal((8, t.size))
    i, ii, *chest = np.vstack([2 * np.round(eight[:2] * GAIN / 2), np.round(eight[2:] * GAIN)]).astype(int)
    return np.vstack([i, ii, ii - i, -(i + ii) // 2, i - ii // 2, ii - i // 2, *chest]).astype(np.int16)


def ppg(encounter: Encounter, beats: Rhythm, person: np.random.Generator, rng: np.random.Generator) -> np.ndarray:
    t = np.arange(1250) / 125
    pulse = sum(
        h * np.exp(-0.5 * ((t - r - at) / width) ** 2)
        for r in beats.r_s
        for at, width, h in ((0.25, 0.07, 1.0), (0.47, 0.09, 0.4))
    )
    return np.round(2048 + 400 * (pulse + 0.005 * rng.standard_normal(t.size)))


def film(encounter: Encounter, person: np.random.Generator, rng: np.random.Generator) -> DrawnFilm:
    with (DEMO / "manifest.csv").open(newline="", encoding="utf-8") as handle:
        shipped = [row for row in csv.DictReader(handle) if row["modality"] == "cxr"]
    chosen = shipped[int(rng.integers(len(shipped)))]
    return DrawnFilm(encounter, np.asarray(Image.open(DEMO / chosen["file"])))


def write_ecg(samples: np.ndarray, stem: Path) -> None:
    wfdb.wrsamp(
        stem.name,
        fs=500.0,
        units=["mV"] * 12,
        sig_name=list(ECG_LEADS),
        fmt=["516"] * 12,
        d_signal=samples.T.astype(np.int64),
        adc_gain=[float(GAIN)] * 12,
        baseline=[0] * 12,
        write_dir=str(stem.parent),
    )


SIMPLE = Generators(rhythm, film, ecg, ppg, write_ecg, "simple")
