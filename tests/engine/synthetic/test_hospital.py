"""A simulated hospital: the same films with couplings and without, visits known by number or by time alone."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import numpy as np
import pytest
from helpers.simple_generators import SIMPLE

from engine.errors import UsageError
from engine.synthetic.hospital import HospitalPlan, write_hospital
from engine.synthetic.patients import Encounter
from engine.synthetic.rhythm import Rhythm


def slow_pulse(one: Encounter, beats: Rhythm, person: np.random.Generator, rng: np.random.Generator) -> np.ndarray:
    """A pulse at one rate, since the simple one's shape is refused at fast ones."""
    times = np.arange(-3, 13, 0.86)
    return SIMPLE.ppg(one, Rhythm(times, np.full(times.size, "sinus")), person, rng)


MADE_BY = replace(SIMPLE, ppg=slow_pulse)
PLAN = HospitalPlan(patients=9, seed=6, arms="both")


def rows_of(manifest: Path) -> dict[str, dict[str, str]]:
    with manifest.open(newline="", encoding="utf-8") as handle:
        return {row["study_id"]: row for row in csv.DictReader(handle)}


@pytest.fixture(scope="module")
def hospital(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return write_hospital(tmp_path_factory.mktemp("hospital") / "h", MADE_BY, PLAN)


def test_both_kinds_have_the_same_films_and_labels_and_other_traces(hospital: list[Path]):
    on, off = (rows_of(file) for file in hospital)
    assert set(on) == set(off) and {row["modality"] for row in on.values()} == {"cxr", "ecg", "ppg", "text"}
    films = [name for name, row in on.items() if row["modality"] == "cxr"]
    for name in films:
        assert (hospital[0].parent / on[name]["file"]).read_bytes() == (
            hospital[1].parent / off[name]["file"]
        ).read_bytes()
        assert on[name]["severity"] == off[name]["severity"] and on[name]["labels"] == off[name]["labels"]
    assert any(on[name]["hr"] != off[name]["hr"] for name in on if name.endswith("ecg"))
    assert all(name.startswith("sim-") for name in on)


def test_visits_carry_their_number_or_times_that_lie_apart(hospital: list[Path]):
    on = rows_of(hospital[0])
    for name, row in on.items():
        if not name.endswith("-cxr"):
            continue
        ecg = on[name.removesuffix("cxr") + "ecg"]
        at, later = (datetime.fromisoformat(one["acquired_at"]) for one in (row, ecg))
        hours = (later - at).total_seconds() / 3600
        assert 0 <= hours <= 60.1
        assert row["encounter_id"] == ecg["encounter_id"]
        assert row["encounter_id"] in ("", name.removesuffix("-cxr"))
        assert row["encounter_id"] == "" or hours <= 6.1
    assert {row["encounter_id"] == "" for row in on.values()} == {True, False}


def test_a_trace_that_is_always_refused_is_left_out(tmp_path: Path):
    def flat(*given: object) -> np.ndarray:
        return np.zeros((12, 5000), np.int16)

    (made,) = write_hospital(tmp_path / "h", replace(MADE_BY, ecg=flat), HospitalPlan(patients=1, seed=6))
    assert "cxr" in {row["modality"] for row in rows_of(made).values()}
    assert "ecg" not in {row["modality"] for row in rows_of(made).values()}


def test_a_stopped_drawing_goes_on_and_another_is_refused(hospital: list[Path]):
    folder = hospital[0].parents[1]
    before, part = rows_of(hospital[0]), folder / "parts" / "00000.json"
    known = json.loads(part.read_text())
    part.unlink()
    again = write_hospital(folder, MADE_BY, PLAN)
    assert rows_of(again[0]) == before and json.loads(part.read_text()) == known
    with pytest.raises(UsageError, match="drawn otherwise"):
        write_hospital(folder, MADE_BY, HospitalPlan(patients=10, seed=6, arms="both"))
    with pytest.raises(UsageError, match="other files"):
        write_hospital(Path(__file__).parent, MADE_BY, PLAN)
