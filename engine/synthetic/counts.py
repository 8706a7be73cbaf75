"""What prior.toml counts on the open `train` recordings: python -m engine.synthetic.counts --recordings DIR.

Prints one JSON object: films by label and by exact set of labels, ECGs by statement, blood pressure by age and body
mass index, each with its n. Nothing of `valid` or `test` is read.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click
import numpy as np
import pandas as pd

from engine.datasets.folder import open_recordings

ADULT = 18  # years
STATEMENTS = (
    "normal ECG",
    "sinus rhythm",
    "sinus bradycardia",
    "sinus tachycardia",
    "sinus arrhythmia",
    "atrial fibrillation",
    "left ventricular hypertrophy",
    "complete left bundle branch block",
    "complete right bundle branch block",
    "incomplete right bundle branch block",
    "left anterior fascicular block",
    "anteroseptal myocardial infarction",
    "inferior myocardial infarction",
    "first degree AV block",
    "ventricular premature complex",
    "non-diagnostic T abnormalities",
    "non-specific ischemic",
)


def read_train(table: Path, dataset: str, *numbers: str) -> pd.DataFrame:
    """Return the labelled adult `train` rows of one data set; `numbers` and age become floats."""
    rows = pd.read_csv(table, low_memory=False)
    rows = rows[(rows.dataset == dataset) & (rows.split == "train") & rows.labels.notna()]
    for name in ("age", *numbers):
        rows[name] = pd.to_numeric(rows[name], errors="coerce")
    return rows[rows.age >= ADULT].assign(held=lambda t: t.labels.str.split(";").map(frozenset))


def count_films(rows: pd.DataFrame) -> dict[str, Any]:
    """Return per label n, age, share of men, of AP views and of other labels; and the commonest exact sets."""
    labels = sorted(set().union(*rows.held))
    by_label = {}
    for name in labels:
        own = _holding(rows, name)
        beside = {other: _share(own.held, other) for other in labels if other != name}
        by_label[name] = _people(own) | {
            "ap": round(float((own["view"] == "AP").mean()), 2),
            "with": {other: share for other, share in beside.items() if share >= 0.02},
        }
    sets = rows.held.map(lambda held: ";".join(sorted(held))).value_counts()
    raw = rows[rows.labels_raw.fillna("").str.contains("Emphysema")]
    emphysema = _people(raw) | {"ap": round(float((raw["view"] == "AP").mean()), 2)}
    return {"n": len(rows), "labels": by_label, "Emphysema (labels_raw)": emphysema, "sets": sets[sets >= 4].to_dict()}


def count_ecgs(rows: pd.DataFrame) -> dict[str, Any]:
    """Return per statement n, age, share of men, heart rate (median, 5th and 95th percentile) and other statements."""
    counted: dict[str, Any] = {"n": len(rows)}
    for name in STATEMENTS:
        own = _holding(rows, name)
        beside = {other: _share(own.held, other) for other in STATEMENTS if other != name}
        counted[name] = _people(own) | {
            "rate": [round(float(own.hr_est.quantile(q)), 1) for q in (0.05, 0.5, 0.95)],
            "rate_sd": round(float(own.hr_est.std()), 1),
            "with": {other: share for other, share in beside.items() if share >= 0.01},
        }
    counted["height_cm"], counted["weight_kg"] = _by_sex(rows, "height"), _by_sex(rows, "weight")
    return counted


def count_pressures(rows: pd.DataFrame) -> dict[str, Any]:
    """Return blood pressure on age and body mass index, one row a person; people below 140/90 apart."""
    people = rows.drop_duplicates("patient_id")
    calm = people[(people.sbp < 140) & (people.dbp < 90)]
    return {"all": _pressures(people), "below 140/90": _pressures(calm), "bmi": _by_sex(people, "bmi")}


def _pressures(people: pd.DataFrame) -> dict[str, Any]:
    """Return least-squares coefficients: systolic on age and BMI; diastolic on systolic and age; mmHg."""
    ones = np.ones(len(people))
    upper = np.column_stack([ones, people.age - 50, people.bmi - 25])
    lower = np.column_stack([ones, people.sbp - 120, people.age - 50])
    fitted: dict[str, Any] = {"n": len(people)}
    for name, inputs, target in (("systolic", upper, people.sbp), ("diastolic", lower, people.dbp)):
        weights = np.linalg.lstsq(inputs, target.to_numpy(float), rcond=None)[0]
        fitted[name] = [round(float(weight), 3) for weight in weights]
        fitted[f"{name}_sd"] = round(float((target - inputs @ weights).std()), 1)
    return fitted


def _people(rows: pd.DataFrame) -> dict[str, Any]:
    age = [round(float(rows.age.mean())), round(float(rows.age.std()))]
    return {"n": len(rows), "age": age, "men": round(float((rows.sex == "M").mean()), 2)}


def _holding(rows: pd.DataFrame, name: str) -> pd.DataFrame:
    return rows[rows.held.map(lambda held: name in held)]


def _share(label_sets: pd.Series, name: str) -> float:
    return round(float(label_sets.map(lambda one: name in one).mean()), 2)


def _by_sex(rows: pd.DataFrame, name: str) -> dict[str, list[float]]:
    """Return mean, standard deviation and n of a column by sex."""
    numbers = pd.to_numeric(rows[name], errors="coerce")
    return {
        sex: [round(float(own.mean()), 1), round(float(own.std()), 1), len(own)]
        for sex, own in numbers.dropna().groupby(rows.sex)
    }


@click.command()
@click.option("--recordings", type=click.Path(path_type=Path), default=None, metavar="DIR", help="The open recordings.")
def main(recordings: Path | None) -> None:
    """Print the counts as JSON."""
    path = open_recordings(recordings)
    counted = {
        "films": count_films(read_train(path / "cxr" / "cxr.csv", "nih-cxr14")),
        "ecgs": count_ecgs(read_train(path / "ecg" / "ecg.csv", "PTB-XL", "hr_est")),
        "pressures": count_pressures(read_train(path / "ppg" / "ppg.csv", "PPG-BP (Liang 2018)", "sbp", "dbp", "bmi")),
    }
    click.echo(json.dumps(counted, indent=1))


if __name__ == "__main__":
    main()
