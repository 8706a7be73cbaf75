"""What the shipped synthetic cohort promises. CASEBIND_COHORT names another folder, e.g. a draft, to be held to it."""

from __future__ import annotations

import os
from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import wfdb
from PIL import Image

from engine.reference import CHECKED, findings_in
from engine.settings import DEMO
from engine.study import ECG_LEADS, PPG_LEAD, Trace
from engine.synthetic.checks.agreement import RATE_LIMIT_BPM, ecg_peak_times, ppg_peak_times, rates_over_same_beats
from engine.synthetic.draw import draw_patients
from engine.synthetic.write import COLUMNS, FURTHER

COHORT = Path(os.environ.get("CASEBIND_COHORT", DEMO))
SHIPPED = COHORT == DEMO
SEED, DRAWN = 7, 300
SIZE_LIMIT, ECG_LIMIT, PPG_LIMIT = 30_000_000, 12_000_000, 6_500  # bytes: all, all ECGs, one PPG


@pytest.fixture(scope="module")
def manifest() -> pd.DataFrame:
    return pd.read_csv(COHORT / "manifest.csv", dtype=str, keep_default_na=False)


def stored_ecg(row: pd.Series) -> tuple[np.ndarray, list[str], float, float]:
    """Return stored integers (n, 12), lead names, rate in Hz and units per mV of an ECG row."""
    record = wfdb.rdrecord(str(COHORT / row.file.split(";")[0]).removesuffix(".hea"), physical=False)
    return record.d_signal, record.sig_name, record.fs, record.adc_gain[0]


def test_manifest_has_the_contract_s_columns_and_every_file_exists_and_no_other(manifest: pd.DataFrame) -> None:
    further = (name for name in FURTHER if name != CHECKED)  # drawn before its checks, as the card says
    assert tuple(manifest.columns) == (*COLUMNS, *further)
    assert manifest.study_id.is_unique
    named = {name for cell in manifest.file for name in cell.split(";")}
    folders = [COHORT / name for name in ("cxr", "ecg", "ppg", "text")]
    there = {f.relative_to(COHORT).as_posix() for folder in folders for f in folder.iterdir()}
    assert named == there


def test_every_study_says_that_it_is_synthetic(manifest: pd.DataFrame) -> None:
    assert set(manifest.synthetic) == {"true"}
    assert set(manifest.label_source) == {"generated"}
    assert manifest.licence.str.contains("synthetic").all()
    for name in manifest[manifest.modality == "cxr"].file:
        assert b"synthetic" in Image.open(COHORT / name).info["comment"]
    for name in manifest[manifest.modality == "ecg"].file:
        assert "# synthetic" in (COHORT / name.split(";")[0]).read_text(encoding="ascii")


def test_every_encounter_has_film_ecg_and_report_and_mostly_a_ppg(manifest: pd.DataFrame) -> None:
    counts = manifest.groupby("encounter_id").modality.agg(Counter)
    for held in counts:
        assert {held[name] for name in ("cxr", "ecg", "text")} == {1}
        assert held["ppg"] <= 1
    assert 0.7 < sum(held["ppg"] for held in counts) / len(counts) < 1
    assert manifest.groupby("encounter_id").patient_id.nunique().eq(1).all()
    shared = ["age", "acquired_at", "conditions", "hr", "sbp"]
    assert manifest.groupby("encounter_id")[shared].nunique().eq(1).all(axis=None)
    assert manifest.groupby("patient_id")[["sex", "height_cm"]].nunique().eq(1).all(axis=None)


@pytest.mark.skipif(not SHIPPED, reason="a draft may be of any size")
def test_it_has_hundreds_of_patients_some_of_whom_come_again(manifest: pd.DataFrame) -> None:
    visits = manifest.groupby("patient_id").encounter_id.nunique()
    assert len(visits) >= 250
    assert 0.12 <= (visits > 1).mean() <= 0.3


def test_the_cohort_stays_small() -> None:
    sizes = {f: f.stat().st_size for f in COHORT.rglob("*") if f.is_file()}
    assert sum(sizes.values()) <= SIZE_LIMIT
    assert sum(size for f, size in sizes.items() if f.parent.name == "ecg") <= ECG_LIMIT
    assert max(size for f, size in sizes.items() if f.parent.name == "ppg") <= PPG_LIMIT


def test_patients_and_their_studies_are_those_of_the_prior_and_the_seed(manifest: pd.DataFrame) -> None:
    patients = draw_patients(DRAWN, SEED, couplings="on", painted=True)
    encounters = [one for patient in patients for one in patient.encounters]
    assert {one.patient_id for one in encounters} == set(manifest.patient_id)
    by_study = manifest.set_index("study_id")
    for one in encounters:
        film, ecg, text = (by_study.loc[f"{one.encounter_id}-{name}"] for name in ("cxr", "ecg", "text"))
        assert (film["labels"].split(";"), film["view"]) == (list(one.film), one.view)
        assert ecg["labels"].split(";") == list(one.ecg)
        assert (COHORT / text["file"]).read_text(encoding="utf-8").strip() == text["report"]
        assert film["report"] in text["report"] and ecg["report"] in text["report"]


def test_what_is_known_of_a_film_is_said_of_it_and_lies_on_it(manifest: pd.DataFrame) -> None:
    for _, film in manifest[manifest.modality == "cxr"].iterrows():
        assert 0.5 < float(film.spacing_mm) < 1.0
        known = findings_in(film)
        painted = {one.label for one in known} - {"", "Support Devices"}
        assert painted == set(film.labels.split(";")) - {"No Finding"}
        assert all(one.words in film.report for one in known if one.label == "Support Devices")
        assert all(0 <= value <= 1 for one in known for outline in one.polygons for point in outline for value in point)


def test_einthoven_and_goldberger_hold_exactly_in_stored_units(manifest: pd.DataFrame) -> None:
    for _, row in manifest[manifest.modality == "ecg"].iterrows():
        d, names, fs, _ = stored_ecg(row)
        assert (tuple(names), d.shape, fs) == (ECG_LEADS, (5000, 12), 500)
        i, ii, iii, avr, avl, avf = d[:, :6].T.astype(int)
        assert np.array_equal(iii, ii - i)
        assert np.array_equal(2 * avr, -(i + ii))
        assert np.array_equal(2 * avl, 2 * i - ii)
        assert np.array_equal(2 * avf, 2 * ii - i)


def rates_of(ecg: pd.Series, ppg: pd.Series) -> tuple[float, float]:
    """Return beats per minute of both traces over the same beats, from independent detectors."""
    d, names, fs, gain = stored_ecg(ecg)
    pulse = pd.read_csv(COHORT / ppg.file)[PPG_LEAD].to_numpy(np.float32)
    r = ecg_peak_times(Trace(d.T.astype(np.float32) / gain, tuple(names), fs, "mV"))
    p = ppg_peak_times(Trace(pulse[None], (PPG_LEAD,), float(ppg.fs), "au"))
    return rates_over_same_beats(r, p)[:2]


def test_ecg_and_ppg_of_an_encounter_beat_together(manifest: pd.DataFrame) -> None:
    """Of a quarter of the encounters; a detector may double or miss a beat of a few, as on real recordings."""
    found = [of.set_index("modality") for _, of in manifest.groupby("encounter_id") if "ppg" in set(of.modality)]
    apart = [rates_of(pair.loc["ecg"], pair.loc["ppg"]) for pair in found[::4]]
    within = [abs(heart - pulse) <= RATE_LIMIT_BPM for heart, pulse in apart]
    assert np.mean(within) >= 0.95, [pair for pair, good in zip(apart, within, strict=True) if not good]


def test_films_are_grey_with_contrast_and_no_two_are_the_same(manifest: pd.DataFrame) -> None:
    seen = set()
    for name in manifest[manifest.modality == "cxr"].file:
        film = Image.open(COHORT / name)
        assert film.mode == "L"
        assert film.size == (512, 512)
        assert np.asarray(film).std() > 15
        seen.add(np.asarray(film).tobytes())
    assert len(seen) == (manifest.modality == "cxr").sum()
