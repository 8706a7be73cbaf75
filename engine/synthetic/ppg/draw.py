"""PulseModel + encounter + rhythm → ten seconds of PPG."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from engine.synthetic.effects import Effects
from engine.synthetic.ppg import sensor, transit
from engine.synthetic.ppg.beats import FS, peaks
from engine.synthetic.ppg.model import STYLES, PulseModel, covariates
from engine.synthetic.ppg.train import SAMPLES, heavy, superposed, through, wandering

if TYPE_CHECKING:
    from engine.synthetic.patients import Encounter
    from engine.synthetic.rhythm import Rhythm

STYLE_SHARES = (0.55, 0.27, 0.18)  # of STYLES: a finger clip mostly
OWN_SHARE = 0.85  # of the variance between persons that stays with the person from visit to visit
MAX_DISTANCE = 1.3  # persons are drawn no further out than this multiple of the typical distance
SWING_LIMIT, MAX_SWING = 1.4, 0.2  # deviations from the typical swing; share of the pulse's height
STRETCH = 0.3  # pulse length goes with the interval before to this power: systole shortens less than diastole
TRIES, STRONGER, CALMER = 16, 1.1, 0.85
FROM_FOOT_S = (0.02, 0.55)  # after the foot within which the systolic peak is looked for
FIRST_S = 0.25  # NeuroKit2 finds no peak of a pulse that is cut by the beginning


@dataclass(frozen=True, eq=False)
class Traits:
    """What stays with a person: standard normal draws behind pulse shape (C,), SWINGS (4,) and transit time."""

    shape: np.ndarray
    swing: np.ndarray
    transit: float


@dataclass(frozen=True, eq=False)
class PpgDrawingPlan:
    """Everything random about one recording; n beats, C components.

    expected, own (C,) : scores that the covariates say, and what person and visit add; each (n, C): what a pulse adds
    feet_s, lengths_s, heights, base (n,) : of the pulses; heights and base as shares of a regular pulse's height
    breath (SAMPLES,), disturbance (SAMPLES,), gain : respiratory wave of the base; drift and noise; counts a height
    """

    style: str
    expected: np.ndarray
    own: np.ndarray
    each: np.ndarray
    feet_s: np.ndarray
    lengths_s: np.ndarray
    heights: np.ndarray
    base: np.ndarray
    breath: np.ndarray
    disturbance: np.ndarray
    gain: float


def draw_ppg(
    model: PulseModel, encounter: Encounter, rhythm: Rhythm, person_rng: np.random.Generator, rng: np.random.Generator
) -> np.ndarray:
    """Return (1250,) int64 at 125 Hz: a 12-bit sensor's counts after its own offset is taken off, 0 to 999.

    Where NeuroKit2 misses a pulse or takes a second wave for one, the recording is made calmer until every R peak has
    one pulse: weak pulses are drawn, a pulse deficit is not.
    """
    plan = draw_plan(model, encounter, rhythm, draw_traits(model, person_rng), rng)
    samples = rendered(model, plan)
    for _ in range(TRIES):
        missed, extra = unmatched(samples, plan.feet_s)
        if not missed.any() and not extra:
            break
        plan = calmer(plan, missed, extra)
        samples = rendered(model, plan)
    return samples


def calmer(plan: PpgDrawingPlan, missed: np.ndarray, extra: bool) -> PpgDrawingPlan:
    """Return a plan whose pulses are more alike and fit their intervals better, the missed ones (n,) a bit stronger.

    extra : peaks belong to no pulse, so that the shape too comes nearer to the expected one.
    """
    intervals = np.append(np.diff(plan.feet_s), plan.lengths_s[-1])
    return replace(
        plan,
        own=plan.own * (CALMER if extra else 1.0),
        each=plan.each * CALMER,
        heights=plan.heights**CALMER * np.where(missed, STRONGER, 1.0),
        lengths_s=plan.lengths_s**CALMER * intervals ** (1 - CALMER),
        base=plan.base * CALMER,
        breath=plan.breath * CALMER,
        disturbance=plan.disturbance * CALMER,
    )


def draw_traits(model: PulseModel, person_rng: np.random.Generator) -> Traits:
    """Return a person's traits; the same generator state gives the same person."""
    shape = person_rng.standard_normal(len(model.components))
    return Traits(shape, person_rng.standard_normal(len(model.swing)), float(person_rng.standard_normal()))


def draw_plan(
    model: PulseModel, encounter: Encounter, rhythm: Rhythm, traits: Traits, rng: np.random.Generator
) -> PpgDrawingPlan:
    """Draw everything random about one recording."""
    style = str(rng.choice(STYLES, p=STYLE_SHARES))
    number, n = STYLES.index(style), rhythm.r_s.size
    z = np.clip(np.sqrt(0.7) * traits.swing + np.sqrt(0.3) * rng.standard_normal(4), -SWING_LIMIT, SWING_LIMIT)
    effects = encounter.effects or Effects()
    swing = np.exp(model.swing + model.calm[number] + model.swing_factor @ z)
    swing = np.minimum(swing * np.exp(np.array([effects.log_breath, effects.log_breath, 0.0, 0.0])), MAX_SWING)
    feet = pulse_feet(model, encounter, rhythm, traits, rng)
    uneven = heavy(n, rng)
    by_height, by_base = (uneven * wandering(n, s, k, rng) for s, k in zip(swing[2:], model.memory, strict=True))
    hz, phase = encounter.respiration_bpm / 60, rng.uniform(0, 2 * np.pi)
    usual, before = usual_interval(rhythm.r_s), intervals_before(rhythm.r_s)
    unrest = np.exp(model.unrest[number, 0] + model.unrest[number, 1] * np.clip(rng.standard_normal(), -2, 2))
    lag = phase + rng.normal(np.pi / 2, 0.4)  # base and height do not swing together
    return PpgDrawingPlan(
        style=style,
        expected=model.scores(encounter_covariates(encounter, style)),
        own=own_scores(model, traits, number, rng),
        each=unrest * uneven[:, None] * (wandering((n, len(model.components)), 1.0, 0.3, rng) @ model.pulses[number].T),
        feet_s=feet,
        lengths_s=usual * (before / usual) ** STRETCH,
        heights=alternating(n, effects.alternans)
        * filled(model, rhythm)
        * np.exp(swing[0] * np.sin(2 * np.pi * hz * feet + phase) + by_height),
        base=by_base,
        breath=swing[1] * np.sin(2 * np.pi * hz * np.arange(SAMPLES) / FS + lag),
        disturbance=sensor.disturbance(SAMPLES, model.noise[number], style, rng) * np.exp(-effects.log_pulse),
        gain=float(sensor.COUNTS * np.exp(sensor.COUNTS_SPREAD * rng.standard_normal() + effects.log_pulse)),
    )


def alternating(n: int, alternans: float) -> np.ndarray:
    """Return factors (n,) of pulse heights: every second one lower by the share `alternans`."""
    return 1.0 - alternans * (np.arange(n) % 2)


def encounter_covariates(encounter: Encounter, style: str) -> np.ndarray:
    """Return the model's covariates (F,) of an encounter recorded with one style of device.

    Arteries that are stiffer or softer than usual make the pulse that of another age.
    """
    values = {
        "age": encounter.age + (encounter.effects.vascular_years if encounter.effects else 0.0),
        "systolic": encounter.systolic_mmhg,
        "diastolic": encounter.diastolic_mmhg,
        "bmi": encounter.weight_kg / (encounter.height_cm / 100) ** 2,
        "rate": encounter.rate_bpm,
    }
    return covariates(values, encounter.sex == "M", style)


def own_scores(model: PulseModel, traits: Traits, style: int, rng: np.random.Generator) -> np.ndarray:
    """Return what a person and, less, a visit add to the expected scores, (C,)."""
    own = np.sqrt(OWN_SHARE) * traits.shape + np.sqrt(1 - OWN_SHARE) * rng.standard_normal(traits.shape.size)
    own *= min(1.0, MAX_DISTANCE * np.sqrt(own.size) / np.linalg.norm(own))
    return model.persons[style] @ own


def pulse_feet(
    model: PulseModel, encounter: Encounter, rhythm: Rhythm, traits: Traits, rng: np.random.Generator
) -> np.ndarray:
    """Return the feet (n,) in s, one for each R peak."""
    pressure = transit.mean_pressure(encounter.systolic_mmhg, encounter.diastolic_mmhg)
    usual = transit.transit_s(encounter.age, pressure, encounter.height_cm, traits.transit)
    late = transit.lateness_s(intervals_before(rhythm.r_s), usual_interval(rhythm.r_s))
    return rhythm.r_s + usual + late + float(model.jitter_s[0]) * rng.standard_normal(rhythm.r_s.size)


def filled(model: PulseModel, rhythm: Rhythm) -> np.ndarray:
    """Return heights (n,) that the rhythm gives the pulses; 1 in a regular one."""
    usual = usual_interval(rhythm.r_s)
    heights = transit.filling_height(
        intervals_before(rhythm.r_s), intervals_before(rhythm.r_s, 2), usual, model.filling
    )
    early = rhythm.kind == "ventricular"
    after = np.concatenate([[False], early[:-1]])
    return heights * np.where(early, transit.VENTRICULAR, np.where(after, transit.AFTER_VENTRICULAR, 1.0))


def usual_interval(r_s: np.ndarray) -> float:
    """Return the mean interval of a rhythm, s."""
    return float(np.mean(np.diff(r_s)))


def intervals_before(r_s: np.ndarray, back: int = 1) -> np.ndarray:
    """Return the interval that ends `back` - 1 beats before each beat (n,), s; the usual one where it is not known."""
    rr = np.diff(r_s)
    return np.concatenate([np.full(min(back, r_s.size), rr.mean()), rr])[: r_s.size]


def rendered(model: PulseModel, plan: PpgDrawingPlan) -> np.ndarray:
    """Return the samples (SAMPLES,) of a plan."""
    shapes = np.array([model.shape(plan.expected + plan.own + one) for one in plan.each])
    t = np.arange(SAMPLES) / FS
    pulses = superposed(t, plan.feet_s, plan.lengths_s, plan.heights, shapes)
    x = pulses + plan.breath + through(t, plan.feet_s, plan.base) + plan.disturbance
    return sensor.digitised(sensor.sensed(x, plan.style), plan.gain)


def unmatched(samples: np.ndarray, feet_s: np.ndarray) -> tuple[np.ndarray, bool]:
    """Say which pulses (n,) have no systolic peak of NeuroKit2's, and whether there are peaks that belong to none."""
    found = peaks(samples.astype(float), usual=True) / FS
    early, late = FROM_FOOT_S
    ends = np.append(feet_s[1:], np.inf)
    inside = (feet_s > FIRST_S) & (feet_s + late < SAMPLES / FS)
    owner = np.searchsorted(feet_s + early, found) - 1
    counts = np.bincount(owner[owner >= 0], minlength=feet_s.size)[: feet_s.size]
    known = np.flatnonzero(inside)
    return inside & (counts == 0) & (ends > feet_s), bool((counts[known] > 1).any())
