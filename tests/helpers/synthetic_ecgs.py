"""Encounters to draw ECGs for, and what a reader measures on the drawn ones: medians over beats, with own rules."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from engine.settings import MODELS
from engine.study import ECG_LEADS
from engine.synthetic.ecg import GAIN, draw_ecg, load_model
from engine.synthetic.ecg.leads import FS
from engine.synthetic.ecg.model import EcgModel
from engine.synthetic.ecg.segments import qrs_limits
from engine.synthetic.patients import Encounter
from engine.synthetic.rhythm import Rhythm, draw_rhythm

BEFORE, AFTER = 200, 275  # samples around R
INDEPENDENT = [0, 1, 6, 7, 8, 9, 10, 11]
SHIPPED = MODELS / "generators" / "ecg.npz"


@lru_cache(maxsize=1)
def shipped() -> EcgModel:
    """The shipped generator."""
    return load_model(SHIPPED)


def encounter(*labels: str, rate: float = 70.0, age: int = 62, sex: str = "M", number: int = 1) -> Encounter:
    """An encounter with these ECG statements."""
    return Encounter(
        number,
        1,
        (),
        age,
        sex,
        172.0,
        76.0,
        rate,
        15.0,
        132.0,
        80.0,
        97.0,
        (),
        "PA",
        labels,
        (),
        False,
        "2025-01-01T09:00",
    )


def draw(one: Encounter, seed: int = 0) -> tuple[np.ndarray, Rhythm]:
    """Its ECG (12, 5000) as stored, and its rhythm."""
    rhythm = draw_rhythm(one, np.random.default_rng([seed, 1]))
    person, rng = np.random.default_rng([seed, 2]), np.random.default_rng([seed, 3])
    return draw_ecg(shipped(), one, rhythm, person, rng), rhythm


def median_beat(samples: np.ndarray, rhythm: Rhythm, kind: str) -> dict[str, np.ndarray]:
    """The median beat of one kind, mV by lead, 0 just before the QRS; R at BEFORE."""
    mv = samples / GAIN
    at = [round(r * FS) for r, k in zip(rhythm.r_s, rhythm.kind, strict=True) if k == kind and 0.5 < r < 9.3]
    beat = np.median([mv[:, r - BEFORE : r + AFTER] for r in at], axis=0)
    return dict(zip(ECG_LEADS, beat - beat[:, BEFORE - 70 : BEFORE - 55].mean(axis=1, keepdims=True), strict=True))


class Read:
    """Measurements on one drawn ECG."""

    def __init__(self, one: Encounter, seed: int) -> None:
        self.samples, self.rhythm = draw(one, seed)
        kind = "fibrillation" if "atrial fibrillation" in one.ecg else "sinus"
        self.beat = median_beat(self.samples, self.rhythm, kind)
        rows = np.stack(list(self.beat.values()))[INDEPENDENT]
        self.onset, self.end = qrs_limits(rows, BEFORE)
        before = slice(self.onset - 8, self.onset - 2)
        self.beat = {lead: row - row[before].mean() for lead, row in self.beat.items()}

    @property
    def qrs_ms(self) -> float:
        return 1000 * (self.end - self.onset) / FS

    def qrs(self, lead: str) -> np.ndarray:
        return self.beat[lead][self.onset - 4 : self.end + 5]

    def r(self, lead: str) -> float:
        return float(self.qrs(lead).max())

    def s(self, lead: str) -> float:
        return float(-self.qrs(lead).min())

    def t(self, lead: str) -> float:
        part = self.beat[lead][self.end + 35 : BEFORE + 200]
        return float(part[np.argmax(np.abs(part))])

    @property
    def axis(self) -> float:
        net = {lead: self.qrs(lead).sum() for lead in ("I", "aVF")}
        return float(np.degrees(np.arctan2(net["aVF"] * 2 / np.sqrt(3), net["I"])))


@lru_cache(maxsize=32)
def several(label: str, n: int = 8, **how: float) -> tuple[Read, ...]:
    """Several people with one statement, men and women."""
    rhythm = () if label == "atrial fibrillation" else ("sinus rhythm",)
    return tuple(
        Read(encounter(label, *rhythm, sex="MF"[i % 2], age=50 + 4 * i, number=i, **how), 100 + i)  # type: ignore[arg-type]
        for i in range(n)
    )
