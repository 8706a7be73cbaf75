"""What happens to each admission: words of its text, which say a part, and its outcomes.

The log-odds of death in hospital and of readmission are sums of what the words weigh and what film and ECG weigh
(courses.toml). The words are drawn without a look at film and ECG, so what those add is not in the text.
"""

from __future__ import annotations

import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from engine.synthetic.admissions.drawn import DrawnVisit

FILE = Path(__file__).with_name("courses.toml")
NORMAL_ECG, WIDE = "normal ECG", 0.5  # label; cardiothoracic ratio


@dataclass(frozen=True)
class DrawnCourse:
    """One admission of an invented patient.

    words      : list of courses.toml → what was drawn of it
    odds       : log-odds of death in hospital and of readmission
    died, readmitted : the outcomes; who died is not readmitted
    """

    visit: DrawnVisit
    words: dict[str, str]
    odds: tuple[float, float]
    died: bool
    readmitted: bool
    acuity: int
    temperature: float
    insurance: str
    marital_status: str
    earlier: bool
    later: bool
    recorded_before: bool
    split: str


@lru_cache(maxsize=1)
def tables() -> dict[str, Any]:
    """Return courses.toml."""
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


def draw_courses(visits: Sequence[DrawnVisit], seed: int) -> list[DrawnCourse]:
    """Return the course of every visit; a patient's depends on the seed and the patient's number alone."""
    return [_course(visit, np.random.default_rng([seed, visit.number, 26])) for visit in visits]


def shown_weights(visit: DrawnVisit) -> np.ndarray:
    """Return what film and ECG add to the log-odds of death in hospital and of readmission: (2,)."""
    table = tables()["shown"]
    held = (visit.effusion_ml > 0, visit.cardiothoracic_ratio > WIDE, NORMAL_ECG not in visit.statements)
    weights = np.array([table[name] for name in ("effusion", "wide_heart", "abnormal_ecg")])
    return np.asarray((np.array(held, float) - np.array(table["mean"])) @ weights)


def _course(visit: DrawnVisit, rng: np.random.Generator) -> DrawnCourse:
    own, more = tables(), tables()["admissions"]
    drawn = {name: _pick(rows, rng) for name, rows in own["words"].items()}
    odds = np.array([own["base"]["mortality"], own["base"]["readmission"]]) + shown_weights(visit)
    odds += np.sum([row[2:] for row in drawn.values()], axis=0)
    chance = rng.random(2) < 1 / (1 + np.exp(-odds))
    mean, spread = more["temperature_f"]
    return DrawnCourse(
        visit,
        {name: str(row[0]) for name, row in drawn.items()},
        (float(odds[0]), float(odds[1])),
        died=bool(chance[0]),
        readmitted=bool(chance[1] and not chance[0]),
        acuity=int(_pick(more["acuity"], rng)[0]),
        temperature=round(float(mean + spread * rng.standard_normal()), 1),
        insurance=_pick(more["insurance"], rng)[0],
        marital_status=_pick(more["marital_status"], rng)[0],
        earlier=bool(rng.random() < more["earlier"]),
        later=bool(rng.random() < more["later"]),
        recorded_before=bool(rng.random() < more["recorded_before"]),
        split=_pick([[name, share] for name, share in own["splits"].items()], rng)[0],
    )


def _pick(rows: Sequence[Any], rng: np.random.Generator) -> Any:
    """Return one row by the shares in second place."""
    shares = np.array([row[1] for row in rows], float)
    return rows[int(rng.choice(len(rows), p=shares / shares.sum()))]
