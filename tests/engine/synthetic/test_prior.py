"""The prior names a source for every number, and patients drawn from it are consistent with it and with themselves."""

from __future__ import annotations

import copy
import re
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.synthetic.draw import draw_patients, even
from engine.synthetic.patients import Encounter, Patient, rng_for
from engine.synthetic.prior import FILE, prior_of, read_prior

PATIENTS, SEED = 300, 7
FILM_LABELS = {
    "No Finding",
    "Cardiomegaly",
    "Pleural Effusion",
    "Edema",
    "Pneumonia",
    "Lung Opacity",
    "Consolidation",
    "Atelectasis",
    "Pneumothorax",
    "Lung Lesion",
    "Pleural Other",
    "Emphysema",
}
PUBLISHED = re.compile(r"[A-Z].*, .*(19|20)\d\d")


@pytest.fixture(scope="module")
def patients() -> list[Patient]:
    return draw_patients(PATIENTS, SEED)


@pytest.fixture(scope="module")
def encounters(patients: list[Patient]) -> list[Encounter]:
    return [one for patient in patients for one in patient.encounters]


def tables() -> dict[str, Any]:
    return tomllib.loads(FILE.read_text(encoding="utf-8"))


def numbered(table: dict[str, Any], path: str = "", source: str = "") -> list[tuple[str, str]]:
    """Return the path and the source of every table, at any depth, that itself holds a number.

    source : of the table that it stands in, where it states none of its own
    """
    source = table.get("source", source)
    found = [(path, source)] if any(_holds_number(value) for value in table.values()) else []
    for name, value in table.items():
        inner = value if isinstance(value, list) else [value]
        for one in (one for one in inner if isinstance(one, dict)):
            found += numbered(one, f"{path}.{name}", source)
    return found


def _holds_number(value: Any) -> bool:
    if isinstance(value, list):
        return any(_holds_number(one) for one in value)
    return isinstance(value, int | float) and not isinstance(value, bool)


def test_every_table_with_a_number_says_where_it_is_from() -> None:
    found = numbered(tables())
    assert len(found) > 120
    for path, source in found:
        known = "teaching mix" in source or "counted on train of" in source or PUBLISHED.search(source)
        assert known or source == "by definition", path


def test_what_the_prior_counts_on_train_is_what_the_command_counts(recordings: Path) -> None:
    from engine.synthetic.counts import count_ecgs, count_films, read_train

    films = count_films(read_train(recordings / "cxr" / "cxr.csv", "nih-cxr14"))
    ecgs = count_ecgs(read_train(recordings / "ecg" / "ecg.csv", "PTB-XL", "hr_est"))
    assert films["labels"]["Pneumonia"]["n"] == 302
    assert films["labels"]["Edema"]["ap"] == 0.85
    said = re.compile(r"counted on train of PTB-XL, ([^(,;]+) \(age (\d+) and (\d+), men (0\.\d+)\), n (\d+)")
    checked = 0
    for statement, age, spread, men, n in said.findall(FILE.read_text(encoding="utf-8")):
        own = ecgs[statement]
        assert (own["age"], own["men"], own["n"]) == ([int(age), int(spread)], float(men), int(n)), statement
        checked += 1
    assert checked >= 12


def test_shares_are_met_to_a_patient(patients: list[Patient]) -> None:
    prior = read_prior()
    drawn = Counter(patient.encounters[0].conditions[0] for patient in patients)
    for condition in prior.conditions.values():
        assert abs(drawn[condition.name] - PATIENTS * condition.here) < 1 + 1e-9, condition.name


def test_every_label_is_met_often_enough_to_have_neighbours(encounters: list[Encounter]) -> None:
    films = Counter(label for one in encounters for label in one.film)
    ecgs = Counter(label for one in encounters for label in one.ecg)
    assert set(films) <= FILM_LABELS
    assert min(films.values()) >= 8
    assert len(ecgs) == 13
    assert set(tables()["cohort"]["left_out"]).isdisjoint(
        {*films, *ecgs, *(label for one in encounters for label in one.ppg)}
    )
    assert min(ecgs.values()) >= 8


def test_a_label_left_out_takes_its_condition_with_it() -> None:
    whole, changed = copy.deepcopy(tables()), copy.deepcopy(tables())
    whole["cohort"]["left_out"] = []
    changed["cohort"]["left_out"] = ["Emphysema", "Pleural Other"]
    prior = prior_of(changed)
    assert {"COPD", "pleural thickening"} <= set(prior_of(whole).conditions)
    assert "COPD" not in read_prior().conditions, "too few films show emphysema to learn it from"
    assert {"COPD", "pleural thickening"}.isdisjoint(prior.conditions)
    assert "residual atelectasis" in {
        course.name for one in prior_of(whole).conditions.values() for course in one.courses
    }
    after = {name for one in read_prior().conditions.values() for course in one.courses for name in course.new}
    assert after <= set(read_prior().conditions), "no course leads to a condition that is not drawn"
    assert sum(one.here for one in prior.conditions.values()) == pytest.approx(1)
    shown = {label for one in prior.conditions.values() for _, labels in one.film for label in labels}
    assert shown.isdisjoint({"Emphysema", "Pleural Other"})


def test_vitals_fit_the_labels(encounters: list[Encounter]) -> None:
    for one in encounters:
        assert one.diastolic_mmhg + 25 <= one.systolic_mmhg
        assert 84 <= one.spo2 <= 100
        if "atrial fibrillation" in one.ecg:
            assert not any(label.startswith("sinus") for label in one.ecg)
            assert one.ppg[-1] == "atrial fibrillation"
        else:
            assert ("sinus tachycardia" in one.ecg) == (one.rate_bpm > 100)
            assert ("sinus bradycardia" in one.ecg) == (one.rate_bpm < 55)
        calm = one.systolic_mmhg < 120 and one.diastolic_mmhg < 80
        assert ("Normal blood pressure" in one.ppg) == calm
        if one.conditions == ("normal",):
            assert one.film == ("No Finding",)
            assert one.ecg[0] == "normal ECG"
            assert one.systolic_mmhg < 140
        if "heart failure" in one.conditions and one.number == 1:
            assert {"Cardiomegaly"} < set(one.film)
            assert set(one.film) & {"Edema", "Pleural Effusion"}


def test_labels_that_exclude_each_other_never_meet(encounters: list[Encounter]) -> None:
    prior = read_prior()
    for one in encounters:
        assert len(one.film) == 1 or "No Finding" not in one.film
        assert all(len(group & set(one.conditions)) <= 1 for group in prior.exclusive)
        if "normal ECG" in one.ecg:
            assert all(label == "normal ECG" or label.startswith("sinus") for label in one.ecg)


def test_follow_ups_are_of_the_same_person_later(patients: list[Patient]) -> None:
    again = [patient for patient in patients if len(patient.encounters) > 1]
    assert 0.14 <= len(again) / PATIENTS <= 0.24
    for patient in again:
        first, *rest = patient.encounters
        assert [one.number for one in patient.encounters] == list(range(1, len(rest) + 2))
        moments = [one.acquired_at for one in patient.encounters]
        assert moments == sorted(moments)
        assert len(set(moments)) == len(moments)
        for one in rest:
            assert (one.sex, one.height_cm, one.weight_kg) == (first.sex, first.height_cm, first.weight_kg)
            years = int(one.acquired_at[:4]) - int(first.acquired_at[:4])
            assert first.age <= one.age <= first.age + years + 1
    resolved = [(p.encounters[0], p.encounters[1]) for p in again if p.encounters[0].conditions == ("pneumothorax",)]
    assert any("Pneumothorax" not in after.film for _, after in resolved)


def test_the_sick_are_filmed_lying_more_often(encounters: list[Encounter]) -> None:
    def ap(label: str) -> float:
        return float(np.mean([one.view == "AP" for one in encounters if label in one.film]))

    assert ap("Edema") > 0.5 > 0.25 > ap("No Finding")


def test_a_patient_is_the_same_for_a_seed_and_another_for_another_seed() -> None:
    assert draw_patients(20, 1) == draw_patients(20, 1)
    assert draw_patients(20, 1) != draw_patients(20, 2)


def test_generators_of_parts_are_apart_and_stable() -> None:
    one = rng_for(7, 3, 1, "ecg").random(4)
    assert np.array_equal(one, rng_for(7, 3, 1, "ecg").random(4))
    others = [rng_for(7, 3, 1, "ppg"), rng_for(7, 3, 2, "ecg"), rng_for(7, 4, 1, "ecg"), rng_for(8, 3, 1, "ecg")]
    assert not any(np.array_equal(one, other.random(4)) for other in others)
    with pytest.raises(KeyError):
        rng_for(7, 3, 1, "shoe size")


def test_even_numbers_fall_once_in_every_part() -> None:
    numbers = even(9, np.random.default_rng(0))
    assert sorted(int(value * 9) for value in numbers) == list(range(9))
