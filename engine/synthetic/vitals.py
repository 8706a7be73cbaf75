"""Vitals of one encounter: the person's own values, what the conditions add, and the labels that follow from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from engine.synthetic.details import PACED, SECOND_DEGREE, THIRD_DEGREE
from engine.synthetic.prior import Vitals

MAX_DRAWS = 12
FIBRILLATION = "atrial fibrillation"
OWN_RHYTHM = frozenset({FIBRILLATION, SECOND_DEGREE, THIRD_DEGREE, PACED})  # statements that name the rhythm
STAGES = ("Normal blood pressure", "Prehypertension", "Stage 1 hypertension", "Stage 2 hypertension")


@dataclass(frozen=True)
class Person:
    """What stays with a person: size, and how rate (per minute) and systolic pressure (mmHg) lie beside the mean."""

    sex: str
    height_cm: float
    bmi: float
    rate_bpm: float
    systolic_mmhg: float


@dataclass(frozen=True)
class MeasuredVitals:
    """The vitals of one encounter, as whole numbers: they are what a nurse writes down."""

    rate_bpm: float
    respiration_bpm: float
    systolic_mmhg: float
    diastolic_mmhg: float
    spo2: float


def draw_person(sex: str, tables: dict[str, Any], rng: np.random.Generator) -> Person:
    """Return a person's size and offsets, drawn from the tables under [person]."""
    size, rate, pressure = tables["size"], tables["rate"], tables["pressure"]
    height = _normal(rng, *size[f"height_{sex.lower()}"])
    bmi = float(np.clip(_normal(rng, *size[f"bmi_{sex.lower()}"]), 18, 38))
    return Person(
        sex,
        round(float(np.clip(height, 145, 200)), 0),
        bmi,
        _normal(rng, 0, rate["sd_person"]),
        _normal(rng, 0, pressure["systolic_sd_person"]),
    )


def measure(
    person: Person, age: float, added: Sequence[Vitals], tables: dict[str, Any], rng: np.random.Generator
) -> MeasuredVitals:
    """Return the vitals of one encounter: the person's own plus the sum of `added`, within the limits they set."""
    years = age - 50
    rate, pressure, breath = tables["rate"], tables["pressure"], tables["breath"]
    beats = _within_limits(rate["mean"] + person.rate_bpm, rate["sd_day"], added, "rate", usual=rate["limits"], rng=rng)
    at_50, per_year, per_index = pressure["systolic"]
    upper = at_50 + per_year * years + per_index * (person.bmi - 25) + person.systolic_mmhg
    upper = _within_limits(
        upper, pressure["systolic_sd_day"], added, "systolic", usual=pressure["systolic_limits"], rng=rng
    )
    breaths = _normal(rng, *breath["respiration"]) + _sum(added, "respiration", rng)
    oxygen = _normal(rng, *breath["spo2"]) + breath["spo2_per_year"] * years + _sum(added, "spo2", rng)
    return MeasuredVitals(
        float(round(beats)),
        float(round(float(np.clip(breaths, *breath["respiration_limits"])))),
        float(round(upper)),
        float(round(_diastolic(upper, years, pressure, rng))),
        float(round(float(np.clip(oxygen, *breath["spo2_limits"])))),
    )


def _diastolic(systolic: float, years: float, pressure: dict[str, Any], rng: np.random.Generator) -> float:
    """Return a diastolic pressure, mmHg, at least 25 under the systolic one."""
    at_120, per_mmhg, per_year = pressure["diastolic"]
    lower = at_120 + per_mmhg * (systolic - 120) + per_year * years + _normal(rng, 0, pressure["diastolic_sd"])
    return float(np.clip(lower, 46, systolic - 25))


def pressure_stage(systolic: float, diastolic: float, bounds: dict[str, Any]) -> str:
    """Return the stage of a pressure in mmHg; the higher of the systolic and the diastolic category."""
    upper = np.array([bounds[name] for name in ("normal", "raised", "stage_1")])
    return STAGES[int(max((systolic >= upper[:, 0]).sum(), (diastolic >= upper[:, 1]).sum()))]


def rhythm_statement(rate_bpm: float, statements: Sequence[str], slow: float, fast: float) -> tuple[str, ...]:
    """Return the rhythm in PTB-XL's wording for these other statements; empty where they hold the rhythm already."""
    if not OWN_RHYTHM.isdisjoint(statements):
        return ()
    if rate_bpm < slow:
        return ("sinus bradycardia",)
    if rate_bpm > fast:
        return ("sinus tachycardia",)
    return () if "sinus arrhythmia" in statements else ("sinus rhythm",)


def _normal(rng: np.random.Generator, mean: float, sd: float) -> float:
    """Return a draw within two and a half standard deviations."""
    return float(mean + sd * np.clip(rng.standard_normal(), -2.5, 2.5))


def _sum(added: Sequence[Vitals], name: str, rng: np.random.Generator) -> float:
    """Return the sum of one shift, with the widest spread among them."""
    spread = max([getattr(one, f"{name}_sd") for one in added], default=0.0)
    return sum(getattr(one, name) for one in added) + _normal(rng, 0, spread)


def _within_limits(
    own: float, sd_day: float, added: Sequence[Vitals], name: str, *, usual: Sequence[float], rng: np.random.Generator
) -> float:
    """Return a draw within the limits of the conditions that set any, else within the usual ones.

    Drawn again where it lies outside; after DRAWS, even within the near quarter, so that no limit collects values.
    """
    limits = [getattr(one, f"{name}_limits") for one in added if getattr(one, f"{name}_limits")] or [usual]
    low, high = max(float(one[0]) for one in limits), max(float(one[1]) for one in limits)
    value = own
    for _ in range(MAX_DRAWS):
        value = own + _normal(rng, 0, sd_day) + _sum(added, name, rng)
        if low <= value <= high:
            return value
    share = 0.25 * float(rng.random()) * (high - low)
    return low + share if value < low else high - share
