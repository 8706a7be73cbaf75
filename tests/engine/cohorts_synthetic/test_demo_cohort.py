"""The shipped synthetic cohort keeps its promises; traces can be drawn again to the sample."""

from __future__ import annotations

from pathlib import Path

import neurokit2 as nk
import numpy as np
import pandas as pd
import pytest
import wfdb
from PIL import Image

from engine.cohorts.synthetic.patients import CONDITIONS, draw_patients
from engine.cohorts.synthetic.write import COLUMNS, write_reports, write_traces
from engine.settings import DEMO
from engine.study import ECG_LEADS

SIZE_LIMIT = 12_000_000  # bytes


@pytest.fixture(scope="module")
def manifest() -> pd.DataFrame:
    return pd.read_csv(DEMO / "manifest.csv", dtype=str, keep_default_na=False)


def stored_ecg(row: pd.Series) -> tuple[np.ndarray, list[str], float]:
    """Return stored integers (n, 12), lead names and rate of an ECG row."""
    record = wfdb.rdrecord(str(DEMO / row.file.split(";")[0]).removesuffix(".hea"), physical=False)
    return record.d_signal, record.sig_name, record.fs


def test_manifest_has_the_contract_s_columns_and_every_file_exists(manifest: pd.DataFrame) -> None:
    assert tuple(manifest.columns) == COLUMNS
    assert set(manifest.modality) == {"cxr", "ecg", "ppg", "text"}
    assert manifest.study_id.is_unique
    files = [DEMO / name for cell in manifest.file for name in cell.split(";")]
    assert [str(f) for f in files if not f.is_file()] == []


def test_every_study_says_that_it_is_synthetic(manifest: pd.DataFrame) -> None:
    assert set(manifest.synthetic) == {"true"}
    assert set(manifest.label_source) == {"generated"}
    assert manifest.licence.str.contains("synthetic").all()


def test_every_patient_has_one_encounter_with_film_ecg_and_report(manifest: pd.DataFrame) -> None:
    per_patient = manifest.groupby("patient_id")
    assert per_patient.encounter_id.nunique().eq(1).all()
    assert per_patient[["age", "sex"]].nunique().eq(1).all(axis=None)
    for modality in ("cxr", "ecg", "text"):
        assert manifest[manifest.modality == modality].patient_id.nunique() == len(per_patient)
    assert 0.7 < (manifest.modality == "ppg").sum() / len(per_patient) < 1


def test_the_cohort_stays_small() -> None:
    assert sum(f.stat().st_size for f in DEMO.rglob("*") if f.is_file()) < SIZE_LIMIT
    assert max(f.stat().st_size for f in (DEMO / "cxr").iterdir()) <= 20_000


def test_einthoven_and_goldberger_hold_exactly_in_stored_units(manifest: pd.DataFrame) -> None:
    for _, row in manifest[manifest.modality == "ecg"].iterrows():
        d, names, _ = stored_ecg(row)
        assert tuple(names) == ECG_LEADS
        i, ii, iii, avr, avl, avf = d[:, :6].T
        assert np.array_equal(iii, ii - i)
        assert np.array_equal(2 * avr, -(i + ii))
        assert np.array_equal(2 * avl, 2 * i - ii)
        assert np.array_equal(2 * avf, 2 * ii - i)


def test_ecg_and_ppg_of_one_patient_beat_together(manifest: pd.DataFrame) -> None:
    """Median rate over the intervals that both traces show, from independent detectors."""
    with_both = manifest[manifest.modality == "ppg"].merge(manifest[manifest.modality == "ecg"], on="patient_id",
                                                           suffixes=("_ppg", "_ecg"))
    for _, row in with_both.iloc[::4].iterrows():
        d, _, fs = stored_ecg(pd.Series({"file": row.file_ecg}))
        clean = nk.ecg_clean(d[:, 1] / 400, sampling_rate=int(fs))
        r = nk.ecg_peaks(clean, sampling_rate=int(fs))[1]["ECG_R_Peaks"] / fs
        pulse = pd.read_csv(DEMO / row.file_ppg)["PPG"].to_numpy(float)
        p = nk.ppg_peaks(nk.ppg_clean(pulse, sampling_rate=125), sampling_rate=125)[1]["PPG_Peaks"] / 125
        shared_r, shared_p = r[(r > p[0] - 0.6) & (r < p[-1])], p[p > r[0]]
        beats = min(len(shared_r), len(shared_p))
        rate_r = 60 * (beats - 1) / (shared_r[beats - 1] - shared_r[0])
        rate_p = 60 * (beats - 1) / (shared_p[beats - 1] - shared_p[0])
        assert rate_r == pytest.approx(rate_p, abs=2), row.patient_id


def test_labels_show_in_the_signal(manifest: pd.DataFrame) -> None:
    """Fibrillation is irregular, hypertrophy has high voltages (Sokolow-Lyon), bundle branch block is wide."""
    irregular, voltage = {}, {}
    for _, row in manifest[manifest.modality == "ecg"].iterrows():
        d, _, fs = stored_ecg(row)
        r = nk.ecg_peaks(nk.ecg_clean(d[:, 7] / 400, sampling_rate=int(fs)), sampling_rate=int(fs))[1]["ECG_R_Peaks"]
        rr = np.diff(r)
        irregular.setdefault("atrial fibrillation" in row.labels, []).append(rr.std() / rr.mean())
        v1, v5 = d[:, 6] / 400, d[:, 10] / 400
        voltage.setdefault("hypertrophy" in row.labels, []).append(np.percentile(v5, 99.8) - np.percentile(v1, 0.2))
    assert np.median(irregular[True]) > 3 * np.median(irregular[False])
    assert np.median(voltage[True]) > 3.0 > np.median(voltage[False])


def test_films_are_grey_squares_of_full_contrast(manifest: pd.DataFrame) -> None:
    for name in manifest[manifest.modality == "cxr"].file:
        film = Image.open(DEMO / name)
        assert (film.mode, film.size) == ("L", (224, 224))
        assert np.asarray(film).std() > 25


def test_the_same_seed_draws_the_same_files_and_another_does_not(tmp_path: Path) -> None:
    def draw(seed: int, name: str) -> dict[str, bytes]:
        patients = draw_patients(4, np.random.default_rng(seed))
        write_traces(patients, tmp_path / name, seed)
        write_reports(patients, tmp_path / name, seed)
        return {f.relative_to(tmp_path / name).as_posix(): f.read_bytes() for f in (tmp_path / name).rglob("*.*")}

    first, again, other = draw(3, "a"), draw(3, "b"), draw(4, "c")
    assert first == again
    assert first["ecg/syn-0001.dat"] != other["ecg/syn-0001.dat"]


def test_shipped_traces_are_those_of_the_documented_seed(manifest: pd.DataFrame, tmp_path: Path) -> None:
    patients = draw_patients(manifest.patient_id.nunique(), np.random.default_rng(7))
    write_traces(patients[:3], tmp_path, 7)
    for file in tmp_path.rglob("*.csv"):
        shipped = np.loadtxt(DEMO / "ppg" / file.name, skiprows=1)
        assert np.abs(np.loadtxt(file, skiprows=1) - shipped).max() <= 1  # one unit: rounding across platforms


def test_every_condition_is_drawn() -> None:
    drawn = {patient.condition.name for patient in draw_patients(120, np.random.default_rng(7))}
    assert drawn == {condition.name for condition in CONDITIONS}
