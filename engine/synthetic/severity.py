"""How much of each finding an encounter has: the hidden state that its film shows and that shapes its traces.

Anatomy (heart size and angle, aortic knob, height of the lungs) stays with the person; severities are those of one
encounter within the range that its labels allow. Numbers and their sources: severity.toml.
"""

from __future__ import annotations

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from functools import lru_cache
from pathlib import Path
from statistics import NormalDist
from typing import Any

import numpy as np

FILE = Path(__file__).with_name("severity.toml")
ANATOMY = ("cardiothoracic_ratio", "heart_angle_deg", "aortic_knob_mm", "lung_height")
SEVERITIES = ("congestion", "effusion_ml", "pneumothorax", "emphysema", "consolidation")
SIDES = ("side", "share")
LATENT = (*ANATOMY, *SEVERITIES, *SIDES)
ANATOMY_STAYS = 0.97  # share of the variance of anatomy that stays with the person: breath and posture change the rest
BIG_HEART, FAILURE = "Cardiomegaly", "heart failure"
HYPERTENSION = ("hypertension", "hypertension with LVH")


@dataclass(frozen=True)
class Severity:
    """What the film of one encounter shows, in numbers.

    cardiothoracic_ratio : as measured on a PA film
    heart_angle_deg      : of the heart's long axis to the horizontal; small where the diaphragm is high
    aortic_knob_mm       : width
    lung_height          : 0 low lungs, 0.5 usual, 1 hyperinflated
    congestion           : 0 none, 1 redistribution, 2 interstitial oedema, 3 alveolar oedema, continuous
    effusion_left_ml, effusion_right_ml
    pneumothorax_left, pneumothorax_right : share of the hemithorax
    emphysema            : 0 to 1
    consolidation        : share of one lung, on consolidation_side ("left", "right", "" where there is none)
    """

    cardiothoracic_ratio: float
    heart_angle_deg: float
    aortic_knob_mm: float
    lung_height: float
    congestion: float = 0.0
    effusion_left_ml: float = 0.0
    effusion_right_ml: float = 0.0
    pneumothorax_left: float = 0.0
    pneumothorax_right: float = 0.0
    emphysema: float = 0.0
    consolidation: float = 0.0
    consolidation_side: str = ""

    @property
    def effusion_ml(self) -> float:
        """Both sides together."""
        return self.effusion_left_ml + self.effusion_right_ml

    @property
    def pneumothorax(self) -> float:
        """Of the side that has one."""
        return max(self.pneumothorax_left, self.pneumothorax_right)

    def facts(self) -> dict[str, float | str]:
        """Return what is there as facts of the study, rounded; findings that are absent are left out."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value if isinstance(value, str) else round(value, 3) for name, value in values.items() if value}


@dataclass(frozen=True)
class Body:
    """What severities depend on: a film's labels, the conditions, age in years, sex, body mass index in kg/m²."""

    film: tuple[str, ...]
    conditions: tuple[str, ...]
    age: float
    sex: str
    bmi: float


def draw_severity(body: Body, person_rng: np.random.Generator, rng: np.random.Generator) -> Severity:
    """Return the severities of an encounter; the same person's generator keeps anatomy and sides."""
    own = dict(zip(LATENT, person_rng.standard_normal(len(LATENT)), strict=True))
    visit = dict(zip(LATENT, rng.standard_normal(len(LATENT)), strict=True))
    stays = dict.fromkeys(ANATOMY, ANATOMY_STAYS) | dict.fromkeys(SIDES, 1.0)
    stays |= {name: table["stays"] for name, table in severity_tables()["severity"].items()}
    latent = {n: float(np.sqrt(stays[n]) * own[n] + np.sqrt(1 - stays[n]) * visit[n]) for n in LATENT}
    return severity_of(body, latent)


def severity_of(body: Body, latent: Mapping[str, float]) -> Severity:
    """Return the severities that standard normal numbers by name give this body."""
    tables = severity_tables()
    drawn = {name: _severity(tables["severity"][name], body, latent[name]) for name in SEVERITIES}
    anatomy = {name: _anatomy(name, tables["anatomy"][name], body, latent[name], drawn) for name in ANATOMY}
    right = NormalDist().cdf(latent["side"]) < tables["sides"]["right"]
    share = float(right)
    if FAILURE in body.conditions:
        mean, sd = tables["sides"]["failure_right_share"]
        share = float(np.clip(mean + sd * latent["share"], 0.35, 0.9))
    return Severity(
        **anatomy,
        congestion=drawn["congestion"],
        effusion_left_ml=drawn["effusion_ml"] * (1 - share),
        effusion_right_ml=drawn["effusion_ml"] * share,
        pneumothorax_left=0.0 if right else drawn["pneumothorax"],
        pneumothorax_right=drawn["pneumothorax"] if right else 0.0,
        emphysema=drawn["emphysema"],
        consolidation=drawn["consolidation"],
        consolidation_side=("right" if right else "left") if drawn["consolidation"] else "",
    )


@lru_cache(maxsize=1)
def severity_tables() -> dict[str, Any]:
    """Return severity.toml."""
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


def _severity(table: Mapping[str, Any], body: Body, latent: float) -> float:
    """Return a severity within the range of the first row that applies, 0 where none does."""
    row = next((row for row in table["rows"] if _applies(row, body)), None)
    if row is None:
        return 0.0
    low, high = row["range"]
    quantile = NormalDist().cdf(latent)
    return float(low + (high - low) * (quantile**2 if row["shape"] == "low" else quantile))


def _applies(row: Mapping[str, Any], body: Body) -> bool:
    return _any(row.get("labels", ()), body.film) or _any(row.get("conditions", ()), body.conditions)


def _any(names: Collection[str], among: Collection[str]) -> bool:
    return any(name in among for name in names)


def _anatomy(name: str, table: Mapping[str, Any], body: Body, latent: float, drawn: Mapping[str, float]) -> float:
    """Return a person's measure: mean and spread, with what age, mass, sex and illness add, within its limits."""
    big = "enlarged_" if "enlarged_mean" in table and BIG_HEART in body.film else ""
    value = table[f"{big}mean"] + table[f"{big}sd"] * latent
    value += table.get("per_year", 0.0) * (body.age - 50) + table.get("per_bmi", 0.0) * (body.bmi - 25)
    value += table.get("men", 0.0) * (body.sex == "M") + table.get("emphysema", 0.0) * drawn["emphysema"]
    value += table.get("hypertension", 0.0) * _any(HYPERTENSION, body.conditions)
    return float(np.clip(value, *table[f"{big}limits"]))
