"""MIMIC in its published layouts: films, ECGs, and the pairs among them by MEDBind's rule."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

import pytest
from helpers.published_layouts import ECGS, FILMS, mimic_cxr, mimic_ecg, mimic_iv, table

from engine.datasets.adapters import collect
from engine.datasets.mimic.ecgs import labels_of
from engine.datasets.mimic.films import iso_time
from engine.datasets.mimic.hospital import hospital
from engine.datasets.recording import Recording
from engine.errors import IntakeError, UsageError
from engine.findings import findings
from engine.study import Film, Trace


def by_id(listed: list[Recording]) -> dict[str, Recording]:
    return {one.study_id: one for one in listed}


@pytest.fixture
def mimic(tmp_path: Path) -> Path:
    """All three sets, below one folder as PhysioNet is mirrored."""
    mimic_cxr(tmp_path / "files" / "mimic-cxr-jpg" / "2.0.0")
    mimic_ecg(tmp_path / "files" / "mimic-iv-ecg" / "1.0")
    mimic_iv(tmp_path / "files" / "mimiciv" / "2.2")
    return tmp_path


def test_films_carry_labels_split_view_time_and_report(tmp_path: Path) -> None:
    films = by_id(collect([mimic_cxr(tmp_path)]))
    assert set(films) == {"mimic-02aa804e", "mimic-2a2277a9", "mimic-68b5c4b1"}  # the lateral film is left out
    first = films["mimic-02aa804e"]
    assert (first.labels, first.extra) == (("Pleural Effusion",), {"uncertain": "Edema"})
    assert (first.split, films["mimic-68b5c4b1"].split) == ("train", "test")
    assert (first.view, first.acquired_at, first.patient_id) == ("PA", "2180-05-06T21:30:14", "mimic:10000032")
    study = first.study()
    assert isinstance(study.content, Film)
    assert study.facts["report"] == "Small effusion. As above."
    assert study.facts["labels"] == ["Pleural Effusion"]


def test_without_reports_and_with_a_film_missing_the_rest_is_read(tmp_path: Path) -> None:
    films = by_id(collect([mimic_cxr(tmp_path, reports=False)]))
    assert films["mimic-02aa804e"].study().facts["report"] == ""
    next(tmp_path.rglob("02aa804e.jpg")).unlink()
    with pytest.raises(IntakeError, match=r"02aa804e\.jpg is not in s50414267"):
        films["mimic-02aa804e"].study()
    assert films["mimic-2a2277a9"].study().modality == "cxr"


@pytest.mark.parametrize(
    ("date", "time", "expected"),
    [
        ("21800506", "213014.531", "2180-05-06T21:30:14"),
        ("21800506", "83045.125", "2180-05-06T08:30:45"),
        ("21800506", "512", "2180-05-06T00:05:12"),
        ("", "1", ""),
        ("2180-05-06", "1", ""),
    ],
)
def test_times_get_their_lost_zeros_back(date: str, time: str, expected: str) -> None:
    assert iso_time(date, time) == expected


def test_ecgs_carry_statements_labels_and_rate(tmp_path: Path) -> None:
    ecgs = by_id(collect([mimic_ecg(tmp_path)]))
    first, second, third = (ecgs[f"mimic-ecg-{study}"] for _, study, *_ in ECGS)
    assert first.labels == ("Ventricular hypertrophy",)
    assert first.extra == {"superclass": "HYP"}
    assert first.report == "Sinus rhythm. Left ventricular hypertrophy. Abnormal ECG"
    assert first.heart_rate == pytest.approx(91.0, abs=0.1)
    assert (second.labels, second.extra) == (("Tachycardia",), {})  # "possible" gives no label
    assert (third.labels, third.heart_rate) == (("Normal ECG",), None)  # 65535 ms is not measured
    content = first.study().content
    assert isinstance(content, Trace)
    assert (content.samples.shape, content.fs, content.units) == ((12, 5000), 500, "mV")


@pytest.mark.parametrize(
    ("statement", "finding"),
    [
        ("Atrial fibrillation with rapid ventricular response", "atrial_fibrillation"),
        ("Right bundle branch block", "bundle_branch_block"),
        ("1st degree A-V block", "av_block"),
        ("Prolonged PR interval", "av_block"),
        ("Inferior infarct - age undetermined", "infarction"),
        ("Nonspecific T wave changes", "repolarisation"),
        ("Left atrial abnormality", "cardiac_enlargement"),
        ("Ventricular premature complex(es)", "ectopy"),
        ("Electronic ventricular pacemaker", "paced"),
        ("Anterolateral myocardial ischemia", "ischaemia"),
        ("Sinus bradycardia", "bradycardia"),
        ("Normal ECG", "normal"),
    ],
)
def test_every_rule_leads_to_a_finding(statement: str, finding: str) -> None:
    labels, _ = labels_of([statement])
    assert findings(labels) == {finding}


@pytest.mark.parametrize(
    "statement", ["Cannot rule out anterior infarct", "Abnormal ECG", "Normal ECG except for rate", "Sinus rhythm"]
)
def test_hedged_and_empty_statements_give_no_label(statement: str) -> None:
    assert labels_of([statement]) == ((), ())


def test_normal_yields_to_another_class() -> None:
    assert labels_of(["Normal ECG", "Left bundle branch block"]) == (("Left bundle branch block",), ("CD",))


def test_pairs_are_of_one_admission_or_else_within_a_day(mimic: Path) -> None:
    listed = by_id(collect([mimic]))
    film, other, night = (listed[f"mimic-{dicom}"] for dicom in ("02aa804e", "2a2277a9", "68b5c4b1"))
    first, late, morning = (listed[f"mimic-ecg-{study}"] for _, study, *_ in ECGS)
    assert film.pair == first.pair == first.study_id  # both in the first admission, the ECG still in the emergency room
    assert film.encounter_id == first.encounter_id == "mimic-hadm-22595853"
    assert night.pair == morning.pair == morning.study_id  # no admission, 23.5 h apart
    assert night.encounter_id == morning.encounter_id == "mimic-s57375967"
    assert (other.pair, late.pair) == ("", "")
    assert (other.encounter_id, late.encounter_id) == ("mimic-hadm-22841357", late.study_id)


def test_age_sex_and_split_come_from_the_sister_sets(mimic: Path) -> None:
    listed = collect([mimic])
    assert {(one.patient_id, one.age, one.sex, one.split) for one in listed} == {
        ("mimic:10000032", 52.0, "F", "train"),
        ("mimic:10000764", 86.0, "M", "test"),
    }


def test_two_admissions_are_never_a_pair_and_each_is_paired_once(tmp_path: Path) -> None:
    films = [
        ("aaa", 1000001, 51, "AP", 21500101, 230000, "train"),
        ("bbb", 1000001, 52, "AP", 21500102, 10000, "train"),
        ("ccc", 1000001, 53, "AP", 21500102, 20000, "train"),
    ]
    mimic_cxr(tmp_path / "cxr", films)
    mimic_ecg(tmp_path / "ecg")
    table(
        tmp_path / "ecg" / "record_list.csv",
        ("subject_id", "study_id", "file_name", "ecg_time", "path"),
        [(1000001, 7, 7, "2150-01-02 00:50:00", "files/7")],
    )
    mimic_iv(tmp_path / "iv")
    table(
        tmp_path / "iv" / "hosp" / "admissions.csv.gz",
        ("subject_id", "hadm_id", "admittime", "dischtime"),
        [
            (1000001, 1, "2150-01-01 20:00:00", "2150-01-02 00:30:00"),
            (1000001, 2, "2150-01-02 00:40:00", "2150-01-05 00:00:00"),
        ],
    )
    folders = [tmp_path / name for name in ("cxr", "ecg")]
    assert {one.study_id for one in collect(folders) if one.pair} == {"mimic-bbb", "mimic-ecg-7"}  # 10 min, not 110 min
    paired = [one for one in collect([*folders, tmp_path / "iv"]) if one.pair]
    assert {one.study_id for one in paired} == {"mimic-bbb", "mimic-ecg-7"}
    assert {one.encounter_id for one in paired} == {"mimic-hadm-2"}
    del films[1:]
    mimic_cxr(tmp_path / "cxr", films)
    assert {one.study_id for one in collect(folders) if one.pair} == {"mimic-aaa", "mimic-ecg-7"}  # 1 h 50 min apart
    assert not any(one.pair for one in collect([*folders, tmp_path / "iv"]))  # … but of two admissions


def test_the_hospital_alone_lists_nothing_and_admits_from_the_emergency_room(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="name MIMIC-CXR-JPG or MIMIC-IV-ECG beside them"):
        collect([mimic_iv(tmp_path)])
    known = hospital(tmp_path)
    assert known.hadm_id("mimic:10000032", datetime(2180, 5, 6, 19, 20)) == "22595853"
    assert known.hadm_id("mimic:10000032", datetime(2180, 5, 6, 19, 0)) == ""
    assert known.hadm_id("mimic:10000764", datetime(2180, 5, 6, 20)) == ""


def test_a_patient_in_two_splits_is_told(tmp_path: Path) -> None:
    leaking = [FILMS[0], (*FILMS[2][:6], "validate"), FILMS[3]]
    with pytest.raises(UsageError, match=r"1 patient is in more .* such as mimic:10000032 in train and valid"):
        collect([mimic_cxr(tmp_path, leaking)])


@pytest.mark.parametrize("name", ["metadata", "split", "chexpert"])
def test_a_missing_table_is_one_sentence(tmp_path: Path, name: str) -> None:
    (mimic_cxr(tmp_path / "jpg") / f"mimic-cxr-2.0.0-{name}.csv.gz").unlink()
    with pytest.raises(UsageError, match=rf"folder jpg has no mimic-cxr-2\.0\.0-{name}\.csv"):
        collect([tmp_path / "jpg"])


def test_a_damaged_table_and_a_missing_column_are_one_sentence(tmp_path: Path) -> None:
    mimic_cxr(tmp_path)
    split = tmp_path / "mimic-cxr-2.0.0-split.csv.gz"
    split.write_bytes(split.read_bytes()[:30])
    with pytest.raises(UsageError, match="cannot be read: download it again"):
        collect([tmp_path])
    table(split, ("dicom_id", "study_id"), [("02aa804e", 1)])
    with pytest.raises(UsageError, match="has no column split"):
        collect([tmp_path])
