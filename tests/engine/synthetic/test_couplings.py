"""Severities follow labels and stay with the person; couplings carry them into vitals, ECG and PPG, the control not."""

from __future__ import annotations

import tomllib
from dataclasses import fields, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from helpers.synthetic_ecgs import encounter, shipped

from engine.synthetic import couplings, severity
from engine.synthetic.checks.couplings import figures
from engine.synthetic.couplings import coupling_names, effects_of, with_severity
from engine.synthetic.draw import draw_patients
from engine.synthetic.ecg.draw import draw_shape
from engine.synthetic.ecg.shaping import frontal_axis
from engine.synthetic.effects import Effects
from engine.synthetic.patients import Encounter, Patient
from engine.synthetic.ppg.draw import draw_ppg
from engine.synthetic.ppg.model import load_model
from engine.synthetic.rhythm import draw_rhythm
from engine.synthetic.severity import Severity

USUAL = Severity(0.46, 42.0, 33.0, 0.5)


@lru_cache(maxsize=3)
def cohort(mode: couplings.CouplingMode) -> tuple[Patient, ...]:
    return tuple(draw_patients(120, 3, couplings=mode))


def encounters(mode: couplings.CouplingMode) -> list[Encounter]:
    return [one for patient in cohort(mode) for one in patient.encounters]


@pytest.mark.parametrize("file", [severity.FILE, couplings.FILE], ids=lambda file: file.name)
def test_every_number_says_where_it_is_from(file: Path) -> None:
    def without(table: dict[str, Any], path: str = "") -> list[str]:
        numbers = any(isinstance(v, int | float) or (isinstance(v, list) and v and isinstance(v[0], float))
                      for v in table.values())  # fmt: skip
        found = [path] if numbers and not table.get("source") else []
        for name, value in table.items():
            inner = value if isinstance(value, list) and name != "rows" else [value]
            found += [x for one in inner if isinstance(one, dict) for x in without(one, f"{path}.{name}")]
        return found

    assert without(tomllib.loads(file.read_text(encoding="utf-8"))) == []


def test_severities_lie_on_the_side_of_their_limits_that_the_film_s_labels_ask_for() -> None:
    for one in encounters("on"):
        state, film = one.severity, one.film
        assert state is not None
        assert (state.cardiothoracic_ratio > 0.5) == ("Cardiomegaly" in film)
        assert (state.effusion_ml >= 200) == ("Pleural Effusion" in film) == (state.effusion_ml > 0)
        assert (state.pneumothorax > 0) == ("Pneumothorax" in film)
        assert min(state.pneumothorax_left, state.pneumothorax_right) == 0
        assert ("Edema" not in film) or state.congestion >= 1.3
        assert bool(state.consolidation_side) == (state.consolidation > 0)
        assert "cardiothoracic_ratio" in state.facts() and all(state.facts().values())


def test_anatomy_and_side_stay_with_the_person() -> None:
    pairs = [(a, b) for p in cohort("on") for a, b in zip(p.encounters, p.encounters[1:], strict=False)]
    assert len(pairs) > 10
    angles = np.array([[a.severity.heart_angle_deg, b.severity.heart_angle_deg] for a, b in pairs])  # type: ignore[union-attr]
    assert np.corrcoef(angles.T)[0, 1] > 0.9


def test_without_couplings_patients_are_drawn_as_if_there_were_none_and_the_control_shows_the_same_films() -> None:
    for plain, on, off in zip(encounters("none"), encounters("on"), encounters("off"), strict=True):
        assert plain.severity is None and plain.effects is None
        assert (plain.film, plain.ecg[:1], plain.age) == (on.film, on.ecg[:1], on.age)
        assert on.severity == off.severity
    assert [one.effects for one in encounters("on")] != [one.effects for one in encounters("off")]


def test_the_control_has_the_same_spread_of_every_effect() -> None:
    for field in fields(Effects):
        on, off = (np.array([getattr(one.effects, field.name) for one in encounters(m)]) for m in ("on", "off"))  # type: ignore[arg-type]
        assert abs(on.mean() - off.mean()) <= 0.35 * max(on.std(), off.std()) + 1e-9, field.name
        assert 0.6 < (on.std() + 1e-9) / (off.std() + 1e-9) < 1.7, field.name


def test_a_film_does_not_tell_the_axis_of_the_control_by_the_body_mass() -> None:
    def told(mode: couplings.CouplingMode) -> tuple[float, float]:
        plain = [one for p in cohort(mode) for one in p.encounters[:1] if one.film == ("No Finding",)]
        bmi, axis = np.array(
            [[one.weight_kg / (one.height_cm / 100) ** 2, one.effects.axis_deg] for one in plain]  # type: ignore[union-attr]
        ).T
        return float(np.corrcoef(bmi, axis)[0, 1]), len(plain) ** -0.5

    (on, error), (off, _) = told("on"), told("off")
    assert on < -2.5 * error and abs(off) < 2.5 * error


def test_one_coupling_can_be_switched_off_alone_and_an_unknown_one_is_refused() -> None:
    name = "heart angle to axis"
    other = replace(USUAL, heart_angle_deg=60.0, cardiothoracic_ratio=0.6)
    assert effects_of(USUAL, other, [name]).axis_deg == pytest.approx(58.0)
    assert effects_of(USUAL, other, [name]).log_voltage == pytest.approx(0.0)
    assert effects_of(USUAL, other, coupling_names()) == effects_of(other)
    with pytest.raises(KeyError, match="no coupling heart to moon"):
        draw_patients(1, 1, couplings="on", switched_off=["heart to moon"])


def beat_of(state: Severity, *labels: str, seed: int = 1) -> Any:
    one = with_severity(encounter(*labels), state)
    return draw_shape(shipped(), one, np.random.default_rng([seed, 1]), np.random.default_rng([seed, 2]))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_beat_follows_the_film(seed: int) -> None:
    labels = ("sinus rhythm",)
    steep, flat = (beat_of(replace(USUAL, heart_angle_deg=a), *labels, seed=seed) for a in (56.0, 30.0))
    assert frontal_axis(steep.qrs) > frontal_axis(flat.qrs) + 30
    large, small = (beat_of(replace(USUAL, cardiothoracic_ratio=c), *labels, seed=seed) for c in (0.6, 0.4))
    assert np.ptp(large.qrs, axis=1).mean() > 1.25 * np.ptp(small.qrs, axis=1).mean() and large.qrs_s > small.qrs_s
    fluid, collapsed = replace(USUAL, effusion_left_ml=1200.0), replace(USUAL, pneumothorax_left=0.6)
    dry = np.ptp(beat_of(USUAL, *labels, seed=seed).qrs[5:], axis=1).mean()
    assert np.ptp(beat_of(fluid, *labels, seed=seed).qrs[5:], axis=1).mean() < 0.75 * dry
    assert np.ptp(beat_of(collapsed, *labels, seed=seed).qrs[5:], axis=1).mean() < 0.75 * dry


def test_a_label_s_criteria_hold_whatever_the_film_shows() -> None:
    extreme = Severity(0.69, 26.0, 47.0, 0.85, congestion=2.5, effusion_left_ml=1300.0)
    for seed in range(4):
        shape = beat_of(extreme, "normal ECG", "sinus rhythm", seed=seed)
        assert -20 < frontal_axis(shape.qrs) < 90 and shape.qrs_s < 0.106


def test_congestion_makes_the_pulse_small_and_alternating() -> None:
    model, one = load_model(), encounter("sinus rhythm", rate=80.0)
    rhythm = draw_rhythm(one, np.random.default_rng(5))

    def heights(state: Severity) -> np.ndarray:
        drawn = with_severity(one, state)
        samples = draw_ppg(model, drawn, rhythm, np.random.default_rng(6), np.random.default_rng(7))
        feet = np.round((rhythm.r_s[(rhythm.r_s > 0.5) & (rhythm.r_s < 8.5)]) * 125).astype(int)
        return np.array([np.ptp(samples[at : at + 70]) for at in feet], float)

    calm, failing = heights(USUAL), heights(replace(USUAL, congestion=3.0))
    assert np.median(failing) < 0.8 * np.median(calm)
    swing = [abs(np.median(h[::2]) - np.median(h[1::2])) / np.median(h) for h in (calm, failing)]
    assert swing[1] > swing[0]


def test_film_and_ecg_of_a_patient_find_each_other_with_couplings_and_hardly_without() -> None:
    found = {}
    for mode in ("on", "off"):
        found[mode] = figures(120, 3, mode)  # type: ignore[arg-type]
    on, off = found["on"], found["off"]
    assert on["r_at_10"] > on["chance"] + 0.15 and on["r_at_10"] > off["r_at_10"] + 0.1
    assert on["mean_rank"] < off["mean_rank"]
