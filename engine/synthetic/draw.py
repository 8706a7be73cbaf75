"""Drawing patients from the prior: leading conditions by systematic sampling, then what lies beside and follows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import NormalDist

import numpy as np

from engine.synthetic.couplings import CouplingChoice, CouplingMode, severities
from engine.synthetic.details import LABELS, EcgDetails, draw_details
from engine.synthetic.patients import Encounter, Patient, rng_for
from engine.synthetic.prior import CLEAR, NORMAL, Condition, Course, LabelSet, Prior, Vitals, read_prior
from engine.synthetic.severity import Body
from engine.synthetic.vitals import (
    FIBRILLATION,
    MeasuredVitals,
    Person,
    draw_person,
    measure,
    pressure_stage,
    rhythm_statement,
)

QUANTILES = ("age", "sex", "film", "again", "course")
WEEKS_A_YEAR = 52.18
MAX_VISITS = 3
BIG_HEART = "Cardiomegaly"
NORMAL_ECG = "normal ECG"  # never beside a statement other than the rhythm
RHYTHMS = ("sinus rhythm", "sinus bradycardia", "sinus tachycardia", "sinus arrhythmia")


@dataclass(frozen=True)
class PatientSample:
    """What the systematic sampling gives a patient: the leading condition, and even numbers in 0..1 under CHANCES."""

    condition: Condition
    quantiles: dict[str, float]
    ppg: float


@dataclass(frozen=True)
class ClinicalState:
    """What a patient has at one encounter; films and ecgs are kept by condition, so that they stay while it stays."""

    conditions: tuple[str, ...]
    films: dict[str, tuple[str, ...]]
    ecgs: dict[str, tuple[str, ...]]
    added: tuple[Vitals, ...] = ()
    ap: float | None = None


@dataclass(frozen=True)
class Drawing:
    """What all encounters are drawn from: the prior, the seed, and whether severities shape them."""

    prior: Prior
    seed: int
    choice: CouplingChoice


def draw_patients(
    n: int, seed: int, *, couplings: CouplingMode = "none", switched_off: Sequence[str] = (), painted: bool = False
) -> list[Patient]:
    """Return n patients; the same for the same arguments.

    couplings    : "none" draws no severities; "on" and "off" (the control) draw them, see couplings.CouplingMode
    switched_off : couplings by name that follow the control's draw
    painted      : with the conditions whose findings can be painted on films, see prior.read_prior
    """
    drawing = Drawing(read_prior(painted), seed, CouplingChoice(couplings, tuple(switched_off)))
    lots = sample_patients(drawing.prior, n, np.random.default_rng([seed, n]))
    return [_patient(number, lot, drawing) for number, lot in enumerate(lots, start=1)]


def sample_patients(prior: Prior, n: int, rng: np.random.Generator) -> list[PatientSample]:
    """Return n lots, shuffled: shares of conditions, and within each condition of every chance, are met evenly."""
    conditions = list(prior.conditions.values())
    levels = (np.arange(n) + rng.random()) / n
    edges = np.cumsum([one.here for one in conditions])
    picks = np.minimum(np.searchsorted(edges, levels), len(conditions) - 1)
    spread: list[dict[str, float]] = []
    for _, m in zip(*np.unique(picks, return_counts=True), strict=True):
        columns = {name: even(int(m), rng) for name in QUANTILES}
        spread += [{name: float(column[i]) for name, column in columns.items()} for i in range(m)]
    ppg = even(n, rng)
    return [PatientSample(conditions[picks[i]], spread[i], float(ppg[i])) for i in rng.permutation(n)]


def even(m: int, rng: np.random.Generator) -> np.ndarray:
    """Return (m,) numbers in 0..1, one in each m-th part, in random order (stratified sampling)."""
    return np.asarray((rng.permutation(m) + rng.random(m)) / m)


def pick(sets: Sequence[LabelSet], quantile: float) -> tuple[str, ...]:
    """Return the labels of the alternative at `chance` in 0..1 of the summed shares."""
    edges = np.cumsum([share for share, _ in sets])
    return sets[min(int(np.searchsorted(edges, quantile * edges[-1], side="right")), len(sets) - 1)][1]


def _patient(number: int, sample: PatientSample, drawing: Drawing) -> Patient:
    prior = drawing.prior
    rng, cohort = rng_for(drawing.seed, number, 0, "prior"), prior.tables["cohort"]
    sex, age = _sex_and_age(sample, cohort["ages"])
    person = draw_person(sex, prior.tables["person"], rng)
    visits = _visits(sample, sex, age, prior, rng)
    first = datetime(cohort["years"][0], 1, 8, 8) + timedelta(days=int(rng.integers(300)))
    with_ppg = sample.ppg < cohort["ppg_share"]
    made = []
    for count, (state, weeks) in enumerate(visits, start=1):
        at, years = _acquired_at(first, weeks, rng), age + weeks / WEEKS_A_YEAR
        made.append(
            _encounter(number, count, state, person, age=years, acquired_at=at, has_ppg=with_ppg, drawing=drawing)
        )
    return Patient(number, sex, tuple(made))


def _sex_and_age(sample: PatientSample, limits: Sequence[int]) -> tuple[str, float]:
    """Return sex and age in years at the lot's chances; a year is left for the follow-ups."""
    sex = "M" if sample.quantiles["sex"] < sample.condition.men else "F"
    age = NormalDist(*sample.condition.age).inv_cdf(min(max(sample.quantiles["age"], 0.005), 0.995))
    return sex, float(np.clip(age, limits[0], limits[1] - 1.2))


def _visits(
    sample: PatientSample, sex: str, age: float, prior: Prior, rng: np.random.Generator
) -> list[tuple[ClinicalState, float]]:
    """Return what a patient has at each encounter, and the weeks since the first."""
    leading = sample.condition
    decades = (age - leading.age[0]) / 10
    odds = [(name, prior.conditions[name].odds(share, decades, sex)) for share, name in leading.beside]
    beside = [name for name, chance in odds if rng.random() < chance]
    visits = [(_shown(prior, (leading.name, *beside), {}, {}, quantile=sample.quantiles["film"], rng=rng), 0.0)]
    again, chance = sample.quantiles["again"] < leading.follow_up, sample.quantiles["course"]
    while again and len(visits) < MAX_VISITS:
        state, weeks = visits[-1]
        course = _course(prior, state, chance)
        if course is None:
            break
        visits.append((_follow(prior, state, course, rng), weeks + float(rng.uniform(*course.weeks))))
        again, chance = bool(rng.random() < prior.tables["cohort"]["third_share"]), float(rng.random())
    return visits


def _acquired_at(first: datetime, weeks: float, rng: np.random.Generator) -> str:
    """Return an invented date-time in the morning or afternoon of a day."""
    return (first + timedelta(days=round(7 * weeks), minutes=int(rng.integers(9 * 60)))).isoformat(timespec="minutes")


def _shown(
    prior: Prior,
    names: Sequence[str],
    films: dict[str, tuple[str, ...]],
    ecgs: dict[str, tuple[str, ...]],
    *,
    quantile: float,
    rng: np.random.Generator,
) -> ClinicalState:
    """Return the state of these conditions; the first one's film is at `chance`, known films and ECGs are kept."""
    kept = _allowed(prior, names)
    shown, traced = dict(films), dict(ecgs)
    for i, name in enumerate(kept):
        condition = prior.conditions[name]
        drawn = quantile if i == 0 else float(rng.random())
        shown.setdefault(name, pick(condition.film, drawn))
        sometimes = [labels for share, labels in condition.ecg_sometimes if rng.random() < share]
        traced.setdefault(name, (*condition.ecg, *(label for labels in sometimes for label in labels)))
    return ClinicalState(kept, shown, traced)


def _allowed(prior: Prior, names: Sequence[str]) -> tuple[str, ...]:
    """Return the conditions that can stand together: of each exclusive group the first; "normal" only alone."""
    kept: list[str] = []
    for name in dict.fromkeys(names):
        if not any(name in group and group & set(kept) for group in prior.exclusive):
            kept.append(name)
    ill = [name for name in kept if name != NORMAL]
    return tuple(ill) or (NORMAL,)


def _course(prior: Prior, state: ClinicalState, quantile: float) -> Course | None:
    """Return the course at `chance` of the first condition that has any; None where none has."""
    courses = next((c for name in state.conditions if (c := prior.conditions[name].courses)), ())
    if not courses:
        return None
    by_name = {course.name: course for course in courses}
    return by_name[pick([(course.share, (course.name,)) for course in courses], quantile)[0]]


def _follow(prior: Prior, before: ClinicalState, course: Course, rng: np.random.Generator) -> ClinicalState:
    """Return the state that the course leads to."""
    names = [name for name in before.conditions if name not in course.gone]
    after = _shown(prior, (*names, *course.new), before.films, before.ecgs, quantile=float(rng.random()), rng=rng)
    films = dict(after.films)
    leading = after.conditions[0]
    if course.film:
        films[leading] = pick(course.film, float(rng.random()))
    if BIG_HEART in _film(before) and leading != NORMAL:  # a heart that has widened stays wide
        films[leading] = (*films[leading], BIG_HEART)
    return ClinicalState(after.conditions, films, after.ecgs, (course.vitals,), course.ap)


def _encounter(
    number: int,
    count: int,
    state: ClinicalState,
    person: Person,
    *,
    age: float,
    acquired_at: str,
    has_ppg: bool,
    drawing: Drawing,
) -> Encounter:
    prior, film = drawing.prior, _film(state)
    rng = rng_for(drawing.seed, number, count, "prior")
    conditions = [prior.conditions[name] for name in state.conditions]
    body = Body(film, state.conditions, age, person.sex, person.bmi)
    another = draw_person(person.sex, prior.tables["person"], rng_for(drawing.seed, number, 0, "other body"))
    severity, effects = severities(body, drawing.choice, drawing.seed, number, count, other_bmi=another.bmi)
    added = [*(one.vitals for one in conditions), *state.added, *([effects.vitals()] if effects else [])]
    vitals = measure(person, age, added, prior.tables["person"], rng)
    ap = max(one.ap for one in conditions) if state.ap is None else state.ap
    ecg = _statements(state, vitals, prior)
    stage = pressure_stage(vitals.systolic_mmhg, vitals.diastolic_mmhg, prior.tables["labels"]["pressure"])
    pulse = {stage, FIBRILLATION} - set(prior.tables["cohort"]["left_out"])
    return Encounter(
        patient_number=number,
        number=count,
        conditions=state.conditions,
        age=int(age),
        sex=person.sex,
        height_cm=person.height_cm,
        weight_kg=float(round(person.bmi * (person.height_cm / 100) ** 2)),
        **vitals.__dict__,
        film=film,
        view="AP" if rng.random() < ap else "PA",
        ecg=ecg,
        ppg=tuple(label for label in (stage, *ecg) if label in pulse),
        has_ppg=has_ppg,
        acquired_at=acquired_at,
        severity=severity,
        effects=effects,
        details=_details(ecg, vitals.rate_bpm, drawing, number, count),
    )


def _details(ecg: Sequence[str], rate_bpm: float, drawing: Drawing, number: int, count: int) -> EcgDetails:
    """Return what the statements leave open; artefacts of the recording only where severities are drawn as well."""
    recording = drawing.choice.mode != "none"
    if not recording and set(LABELS).isdisjoint(ecg):
        return EcgDetails()
    rng = rng_for(drawing.seed, number, count, "details")
    return draw_details(ecg, rate_bpm, drawing.prior.tables["details"], rng, recording=recording)


def _film(state: ClinicalState) -> tuple[str, ...]:
    """Return the labels of all conditions' films, sorted; No Finding only where there is nothing else."""
    labels = {label for name in state.conditions for label in state.films[name]} - {CLEAR}
    return tuple(sorted(labels)) or (CLEAR,)


def _statements(state: ClinicalState, vitals: MeasuredVitals, prior: Prior) -> tuple[str, ...]:
    """Return the ECG's statements, the rhythm last; "normal ECG" where there is nothing but a rhythm."""
    bounds = prior.tables["labels"]
    held = dict.fromkeys(label for name in state.conditions for label in state.ecgs[name])
    hidden = {label for label, by in bounds["hidden"].items() if not held.keys().isdisjoint(by)}
    other = [label for label in held if label not in (NORMAL_ECG, *RHYTHMS, *hidden)]
    rhythm = tuple(label for label in held if label in RHYTHMS)
    slow_or_fast = not bounds["slow"] <= vitals.rate_bpm <= bounds["fast"]
    if slow_or_fast or other:
        rhythm = ()
    said = (*(other or (NORMAL_ECG,)), *rhythm)
    return (*said, *rhythm_statement(vitals.rate_bpm, said, bounds["slow"], bounds["fast"]))
