"""Admissions of MIMIC in its published layout: outcomes, what is connected to each, and what a text may not know."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from helpers.published_layouts import mimic_cxr, mimic_ecg, table

from engine.datasets.admissions import admissions
from engine.datasets.mimic.admissions import Admission
from engine.datasets.mimic.notes import SECTIONS, telling_sections
from engine.errors import UsageError
from engine.evaluate.outcomes.texts import MORTALITY, READMISSION, text_of

PATIENT = 10000032
ADMITTED = ("subject_id", "hadm_id", "admittime", "dischtime", "admission_type", "discharge_location", "edregtime")
NOTE = """Name:  ___                 Unit No:   ___

Chief Complaint:
Shortness of breath

History of Present Illness:
He was short of breath.

Discharge Medications:
1. Furosemide

Brief Hospital Course:
Comfort measures only.

Discharge Disposition:
Expired

Discharge Diagnosis:
Cardiogenic shock
"""
STAYS: tuple[tuple[object, ...], ...] = (
    (PATIENT, 1, "2180-05-06 22:23:00", "2180-05-08 17:15:00", "EW EMER.", "HOME", "2180-05-06 19:17:00"),
    (PATIENT, 2, "2180-06-01 10:00:00", "2180-06-03 10:00:00", "URGENT", "ACUTE HOSPITAL", ""),
    (PATIENT, 3, "2180-06-10 10:00:00", "2180-06-12 10:00:00", "URGENT", "HOME", ""),
    (PATIENT, 4, "2180-09-10 10:00:00", "2180-09-14 10:00:00", "EW EMER.", "DIED", ""),
)


def mimic(
    folder: Path,
    films: Sequence[tuple[object, ...]] = (),
    ecgs: Sequence[tuple[object, ...]] = (),
    stays: Sequence[tuple[object, ...]] = STAYS,
) -> Path:
    """Write MIMIC's sets below one folder, as a mirror of PhysioNet has them."""
    table(folder / "mimiciv" / "2.2" / "hosp" / "admissions.csv.gz", ADMITTED, stays)
    patients = ("subject_id", "gender", "anchor_age", "anchor_year")
    table(folder / "mimiciv" / "2.2" / "hosp" / "patients.csv.gz", patients, [(PATIENT, "M", 52, 2180)])
    columns = ("subject_id", "hadm_id", "seq_num", "icd_code", "icd_version")
    coded = [(PATIENT, 1, 2, "I10", 10), (PATIENT, 1, 1, "J18", 10), (PATIENT, 4, 1, "R570", 10)]
    table(folder / "mimiciv" / "2.2" / "hosp" / "diagnoses_icd.csv.gz", columns, coded)
    titles = [("I10", 10, "Hypertension"), ("J18", 10, "Pneumonia"), ("R570", 10, "Cardiogenic shock")]
    table(
        folder / "mimiciv" / "2.2" / "hosp" / "d_icd_diagnoses.csv", ("icd_code", "icd_version", "long_title"), titles
    )
    notes = ("note_id", "subject_id", "hadm_id", "note_type", "note_seq", "charttime", "storetime", "text")
    said = [(f"{PATIENT}-DS-{number}", PATIENT, number, "DS", number, "", "", NOTE) for number in (1, 4)]
    table(folder / "mimic-iv-note" / "2.2" / "note" / "discharge.csv.gz", notes, said)
    ed = folder / "mimic-iv-ed" / "2.2" / "ed"
    table(
        ed / "edstays.csv.gz", ("subject_id", "hadm_id", "stay_id", "intime"), [(PATIENT, 4, 9, "2180-09-10 08:00:00")]
    )
    measured = ("subject_id", "stay_id", "temperature", "heartrate", "resprate", "o2sat", "sbp", "dbp", "acuity")
    values = [(PATIENT, 9, 98.4, 110, "", 91, 88, 50, 1, "Dyspnea")]
    table(ed / "triage.csv.gz", (*measured, "chiefcomplaint"), values)
    mimic_cxr(folder / "mimic-cxr-jpg" / "2.0.0", films or [film("f0", "21790101")])
    mimic_ecg(folder / "mimic-iv-ecg" / "1.0", ecgs or [ecg(40000009, "2179-01-01 00:00:00")])
    return folder


def film(name: str, date: str, time: str = "100000.000") -> tuple[object, ...]:
    return (name, PATIENT, 50000000 + len(name) * 1000 + ord(name[-1]), "AP", date, time, "train")


def ecg(study: int, time: str) -> tuple[object, ...]:
    return (PATIENT, study, time, ("Sinus rhythm", "Normal ECG"), 800)


def by_number(folder: Path) -> dict[str, Admission]:
    return {one.hadm_id: one for one in admissions([folder])}


def test_outcomes_are_read_from_discharge_and_next_admission(tmp_path: Path) -> None:
    found = by_number(mimic(tmp_path))
    assert [found[str(number)].died for number in (1, 2, 3, 4)] == [False, False, False, True]
    # 24 days to the next; sent to another hospital, so not asked; 90 days to the next; died, so not asked
    assert [found[str(number)].readmitted for number in (1, 2, 3, 4)] == [True, None, False, None]
    assert (found["1"].age, found["1"].sex, found["1"].split) == (52, "M", "train")
    assert found["1"].start.isoformat() == "2180-05-06T19:17:00"  # registered in the emergency department


def test_recordings_are_connected_by_admission_else_within_a_day_and_never_after_the_discharge(tmp_path: Path) -> None:
    films = [
        film("during", "21800507"),
        film("before", "21800506", "010000.000"),  # 18 hours before the first admission
        film("long-before", "21800504"),
        film("after", "21800508", "200000.000"),  # 3 hours after its discharge
    ]
    found = by_number(mimic(tmp_path, films, [ecg(40000001, "2180-09-11 00:00:00")]))
    assert [one.study_id for one in found["1"].films] == ["mimic-before", "mimic-during"]
    assert [one.study_id for one in found["4"].ecgs] == ["mimic-ecg-40000001"]
    assert not any(found[str(number)].films for number in (2, 3, 4)) and not found["1"].ecgs


def test_a_number_of_the_admission_in_the_table_goes_before_its_time(tmp_path: Path) -> None:
    folder = mimic(tmp_path)
    columns = ("subject_id", "study_id", "file_name", "ecg_time", "path", "hadm_id")
    listed = [
        (PATIENT, 1, "1", "2180-05-07 00:00:00", "files/1", "3"),
        (PATIENT, 2, "2", "2180-05-07 00:00:00", "files/2", ""),
    ]
    table(folder / "mimic-iv-ecg" / "1.0" / "record_list.csv", columns, listed)
    found = by_number(folder)
    assert [one.study_id for one in found["3"].ecgs] == ["mimic-ecg-1"]
    assert [one.study_id for one in found["1"].ecgs] == ["mimic-ecg-2"]


def test_a_text_about_death_knows_nothing_of_the_discharge(tmp_path: Path) -> None:
    found = by_number(mimic(tmp_path))
    text = text_of(found["4"], MORTALITY)
    assert text.startswith("52-year-old man.") and "Chief complaint: Dyspnea." in text
    assert "History: Pneumonia; Hypertension." in text  # of the earlier admission, by its sequence
    assert found["4"].note and found["4"].diagnoses == ("Cardiogenic shock",)  # they are there, and are not read
    lowered = text.lower()
    for leak in ("expired", "died", "comfort", "shock", "hospice", "disposition", "course"):
        assert leak not in lowered
    assert text_of(found["1"], READMISSION) == found["1"].note
    assert found["4"].measured == {
        "temperature": 98.4,
        "heartrate": 110,
        "o2sat": 91,
        "sbp": 88,
        "dbp": 50,
        "acuity": 1,
    }


def test_of_a_summary_the_sections_that_tell_most_are_kept_in_order() -> None:
    assert telling_sections(NOTE) == (
        "Chief complaint: Shortness of breath. Discharge diagnosis: Cardiogenic shock. Discharge disposition: Expired. "
        "Brief hospital course: Comfort measures only. History of present illness: He was short of breath."
    )
    assert telling_sections("One two\nthree.") == "One two three"
    long = telling_sections("Brief Hospital Course:\n" + "word " * 1000)
    assert long.count("word") == SECTIONS["brief hospital course"]


@pytest.mark.parametrize(
    ("removed", "sentence"),
    [("mimic-iv-note", r"no discharge summaries .* name MIMIC-IV-Note"), ("mimiciv", r"no MIMIC-IV in the folders")],
)
def test_a_set_that_is_missing_is_asked_for(tmp_path: Path, removed: str, sentence: str) -> None:
    mimic(tmp_path)
    (tmp_path / removed).rename(tmp_path.with_name(f"{tmp_path.name}-{removed}"))
    with pytest.raises(UsageError, match=sentence):
        admissions([tmp_path])


def test_without_triage_everything_else_is_read(tmp_path: Path) -> None:
    mimic(tmp_path)
    (tmp_path / "mimic-iv-ed").rename(tmp_path.with_name(f"{tmp_path.name}-ed"))
    found = by_number(tmp_path)
    assert found["4"].measured == {} and found["4"].complaint == ""


def test_a_damaged_table_is_a_sentence(tmp_path: Path) -> None:
    file = mimic(tmp_path) / "mimic-iv-note" / "2.2" / "note" / "discharge.csv.gz"
    file.write_bytes(file.read_bytes()[:80])
    with pytest.raises(UsageError, match=r"The table discharge\.csv\.gz cannot be read: download it again\."):
        admissions([tmp_path])
    table(file, ("hadm_id", "text"), [])
    with pytest.raises(UsageError, match=r"discharge\.csv\.gz has no column note_seq"):
        admissions([tmp_path])
