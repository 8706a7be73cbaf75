"""PTB-XL, CPSC2018, BIDMC and PPG-BP in their published layouts."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import wfdb
from helpers.published_layouts import RECORDS, ecg, ecg_mv, ptbxl, table
from openpyxl import Workbook
from scipy.io import savemat

from engine.datasets.adapters import collect
from engine.datasets.recording import Recording
from engine.datasets.toolbox import SHARES, split_of
from engine.errors import IntakeError, UsageError
from engine.findings import findings
from engine.study import ECG_LEADS, Trace


def by_id(listed: list[Recording]) -> dict[str, Recording]:
    return {one.study_id: one for one in listed}


def trace(one: Recording) -> Trace:
    content = one.study().content
    assert isinstance(content, Trace)
    return content


def test_ptbxl_has_its_folds_statements_and_superclasses(tmp_path: Path) -> None:
    listed = by_id(collect([ptbxl(tmp_path)]))
    assert {name: (one.split, one.patient_id, one.age, one.sex) for name, one in listed.items()} == {
        "ptbxl_00001": ("train", "ptbxl:15709", 56.0, "F"),
        "ptbxl_00002": ("valid", "ptbxl:13243", 90.0, "M"),  # 300 stands for older than 89
        "ptbxl_00003": ("test", "ptbxl:20372", None, "F"),
    }
    first, second, third = listed.values()
    assert first.labels == ("normal ECG", "sinus rhythm")
    assert second.extra == {"superclass": "HYP;MI", "scp_codes": "IMI;LVH;SR"}
    assert findings(second.labels) == {"infarction", "cardiac_enlargement"}
    assert third.labels == ("atrial fibrillation",)
    assert first.acquired_at == "1984-11-09T09:17:34"
    assert (trace(first).samples.shape, trace(first).fs, trace(first).leads) == ((12, 1000), 100, ECG_LEADS)


def test_ptbxl_is_read_at_500_hz_where_that_is_there(tmp_path: Path) -> None:
    listed = collect([ptbxl(tmp_path, fast=True)])
    assert trace(listed[1]).fs == 500
    assert np.abs(trace(listed[1]).samples - ecg_mv(1)).max() < 0.01  # mV
    (tmp_path / "scp_statements.csv").unlink()
    with pytest.raises(UsageError, match=r"has no scp_statements\.csv"):
        collect([tmp_path])


def test_a_patient_in_two_folds_and_a_folder_named_twice_are_told(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"ptbxl_00001: name each data set's folder once"):
        collect([ptbxl(tmp_path), tmp_path])
    again = (4, "15709.0", 57.0, 1, "{'NORM': 100.0}", 10)
    with pytest.raises(UsageError, match="1 patient is in more than one split, such as ptbxl:15709 in test and train"):
        collect([ptbxl(tmp_path, (*RECORDS, again))])


def test_cpsc_in_the_challenges_own_layout(tmp_path: Path) -> None:
    table(
        tmp_path / "REFERENCE.csv",
        ("Recording", "First_label", "Second_label", "Third_label"),
        [("A0001", 5, "", ""), ("A0002", 2, 8, "")],
    )
    for name, sex, age in (("A0001", "Male", 74), ("A0002", "Female", np.nan)):
        (tmp_path / "TrainingSet1").mkdir(exist_ok=True)
        savemat(tmp_path / "TrainingSet1" / f"{name}.mat", {"ECG": {"sex": sex, "age": age, "data": ecg_mv()}})
    first, second = collect([tmp_path])
    assert (first.labels, second.labels) == (("Right bundle branch block",), ("Atrial fibrillation", "ST depression"))
    study = first.study()
    assert isinstance(study.content, Trace)
    assert (study.facts["age"], study.facts["sex"], study.content.fs, study.content.units) == (74.0, "M", 500.0, "mV")
    assert np.allclose(study.content.samples, ecg_mv())
    savemat(tmp_path / "TrainingSet1" / "A0001.mat", {"ECG": {"sex": "Male", "age": 74, "data": ecg_mv()[:3]}})
    with pytest.raises(IntakeError, match="does not hold twelve leads"):
        first.study()


def test_cpsc_in_physionets_layout(tmp_path: Path) -> None:
    wfdb.wrsamp(
        "A0001", 500, ["mV"] * 12, list(ECG_LEADS), ecg_mv().T.astype(float), fmt=["16"] * 12, write_dir=str(tmp_path)
    )
    (tmp_path / "g1").mkdir()
    (tmp_path / "A0001.dat").rename(tmp_path / "g1" / "A0001.mat")
    header = (tmp_path / "A0001.hea").read_text().replace("A0001.dat", "A0001.mat")
    (tmp_path / "A0001.hea").unlink()
    said = "# Age: 74\n# Sex: Male\n# Dx: 59118001,426783006\n# Rx: Unknown\n"
    (tmp_path / "g1" / "A0001.hea").write_text(header + said)
    (only,) = collect([tmp_path])
    assert (only.study_id, only.age, only.sex) == ("cpsc2018_A0001", 74.0, "M")
    assert only.labels == ("Right bundle branch block", "Normal")
    assert findings(only.labels) == {"bundle_branch_block"}
    assert np.abs(trace(only).samples - ecg_mv()).max() < 0.01  # mV


def bidmc(folder: Path, number: int = 1, person: str = "s01182") -> Path:
    """Write one recording of 8 min: the PPG counts its samples, the ECG counts backwards."""
    n, name = 8 * 60 * 125 + 1, f"bidmc_{number:02d}"
    ramp = np.arange(n)
    table(
        folder / "bidmc_csv" / f"{name}_Signals.csv",
        ("Time [s]", " RESP", " PLETH", " V", " AVR", " II"),
        [(i / 125, 0.2, i, 0.5, 0.3, -i) for i in ramp],
    )
    table(
        folder / "bidmc_csv" / f"{name}_Numerics.csv",
        ("Time [s]", " HR", " PULSE", " RESP", " SpO2"),
        [(second, "NaN" if second < 60 else 60 + second // 60, 90, 20, 97) for second in range(481)],
    )
    (folder / "bidmc_csv" / f"{name}_Fix.txt").write_text(
        f"Data extracted from {person}/{person}-2666-10-02\n\nAge: 90+\nGender: M\nLocation: micu\n"
    )
    return folder


def test_bidmc_gives_minutes_of_ppg_with_their_ecg(tmp_path: Path) -> None:
    bidmc(tmp_path)
    listed = by_id(collect([bidmc(tmp_path, 2)]))
    assert len(listed) == 2 * 2 * 8
    assert {one.patient_id for one in listed.values()} == {"bidmc:s01182"}  # two recordings of one person
    ppg, ecg = listed["bidmc_01_3"], listed["bidmc_01_3_ecg"]
    assert ppg.pair == ecg.pair == ppg.encounter_id == ecg.encounter_id == "bidmc_01_3"
    assert (ppg.age, ppg.sex, ppg.labels, ecg.labels) == (90.0, "M", ("Critical care (MICU)",), ())
    assert (ppg.heart_rate, listed["bidmc_01_0"].heart_rate) == (63.0, None)
    assert (trace(ppg).leads, trace(ppg).fs, trace(ppg).units) == (("PPG",), 125.0, "au")
    assert (trace(ecg).leads, trace(ecg).units) == (("II",), "mV")
    assert trace(ppg).samples[0, [0, -1]].tolist() == [22500, 29999]
    assert np.array_equal(trace(ecg).samples, -trace(ppg).samples)


def test_bidmc_in_wfdb_is_cut_alike(tmp_path: Path) -> None:
    time = np.arange(8 * 60 * 125 + 1) / 125
    waves = np.stack([np.sin(2 * np.pi * rate * time) for rate in (0.3, 1.5, 1.5, 1.5, 1.5)], axis=1)
    wfdb.wrsamp(
        "bidmc01",
        125,
        ["pm", "NU", "mV", "mV", "mV"],
        ["RESP,", "PLETH,", "V,", "AVR,", "II,"],
        waves,
        fmt=["16"] * 5,
        write_dir=str(tmp_path),
        comments=["age: 77 sex: F location: ccu"],
    )
    listed = by_id(collect([tmp_path]))
    ppg, ecg = listed["bidmc_01_7"], listed["bidmc_01_7_ecg"]
    assert (ppg.patient_id, ppg.age, ppg.sex, ppg.labels) == ("bidmc:01", 77.0, "F", ("Critical care (CCU)",))
    assert (trace(ppg).samples.shape, trace(ecg).leads, trace(ecg).units) == ((1, 7500), ("II",), "mV")
    assert np.allclose(trace(ecg).samples[0], waves[420 * 125 : 480 * 125, 4], atol=1e-3)


def ppgbp(folder: Path) -> Path:
    book, place = Workbook(), folder / "Data File"
    place.mkdir(parents=True)
    book.active.title = "cardiovascular dataset"
    book.active.append(["PPG-BP dataset"])
    book.active.append(
        [
            "Num.",
            "subject_ID",
            "Sex(M/F)",
            "Age(year)",
            "Height(cm)",
            "Weight(kg)",
            "Systolic Blood Pressure(mmHg)",
            "Diastolic Blood Pressure(mmHg)",
            "Heart Rate(b/m)",
            "BMI(kg/m^2)",
            "Hypertension",
            "Diabetes",
            "cerebral infarction",
            "cerebrovascular disease",
        ]
    )
    book.active.append([1, 2, "Female", 45, 152, 63, 161, 89, 97, 27.3, "Stage 2 hypertension", "Type 2 Diabetes"])
    book.active.append([2, 3, "Male", 50, 157, 50, 110, 67, 76, 20.3, "Normal", "", "", ""])
    book.save(place / "PPG-BP dataset.xlsx")
    (place / "0_subject").mkdir()
    for name in ("2_1", "2_2", "3_1"):
        (place / "0_subject" / f"{name}.txt").write_text("\t".join(str(float(i)) for i in range(2100)) + "\t")
    return folder


def test_ppgbp_joins_the_book_with_the_segments(tmp_path: Path) -> None:
    listed = by_id(collect([ppgbp(tmp_path)]))
    assert set(listed) == {"ppgbp_2_1", "ppgbp_2_2", "ppgbp_3_1"}
    first, last = listed["ppgbp_2_1"], listed["ppgbp_3_1"]
    assert (first.labels, last.labels) == (("Stage 2 hypertension", "Type 2 Diabetes"), ("Normal blood pressure",))
    assert findings(first.labels) == {"hypertension", "diabetes"}
    assert (first.age, first.sex, first.heart_rate, first.extra) == (45.0, "F", 97.0, {"sbp": "161", "dbp": "89"})
    assert first.split == listed["ppgbp_2_2"].split
    assert (trace(first).samples.shape, trace(first).fs) == ((1, 2100), 1000.0)
    (tmp_path / "Data File" / "0_subject" / "2_1.txt").write_text("no numbers")
    with pytest.raises(IntakeError, match="something else than numbers"):
        first.study()
    (tmp_path / "Data File" / "PPG-BP dataset.xlsx").write_bytes(b"PK\x03\x04 damaged")
    with pytest.raises(UsageError, match=r"workbook .* cannot be read"):
        collect([tmp_path])


def test_splits_that_are_not_published_are_fixed_and_near_their_shares() -> None:
    drawn = [split_of(f"patient:{number}") for number in range(4000)]
    assert drawn[:5] == [split_of(f"patient:{number}") for number in range(5)]
    for name, share in SHARES:
        assert drawn.count(name) / 4000 == pytest.approx(share, abs=0.025)


def test_an_unknown_and_an_empty_folder_are_one_sentence(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("nothing")
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(UsageError, match="the layout of no known data set"):
            collect([folder])
    table(tmp_path / "ptbxl_database.csv", ("ecg_id",), [])
    with pytest.raises(UsageError, match=r"has no scp_statements\.csv"):
        collect([tmp_path])


def test_ludb_takes_statements_from_headers_and_leaves_their_gains_aside(tmp_path: Path) -> None:
    table(tmp_path / "ludb.csv", ("ID",), [(5,)])
    (tmp_path / "data").mkdir()
    statements = ("Rhythm: Sinus bradycardia.", "Electric axis of the heart: left.", "Left ventricular hypertrophy. ")
    wfdb.wrsamp(
        "5",
        500,
        ["mV"] * 12,
        [lead.lower() for lead in ECG_LEADS],
        d_signal=np.rint(ecg_mv().T * 1000).astype(int),
        fmt=["16"] * 12,
        adc_gain=[574.0] * 12,
        baseline=[2] * 12,
        write_dir=str(tmp_path / "data"),
        comments=["<age>: 61", "<sex>: M", "<diagnoses>:", *statements],
    )
    (only,) = collect([tmp_path])
    assert (only.study_id, only.patient_id, only.age, only.sex) == ("ludb_5", "ludb:5", 61.0, "M")
    assert only.labels == ("sinus bradycardia", "left ventricular hypertrophy")
    assert np.abs(trace(only).samples - ecg_mv()).max() < 1e-3  # mV
    (tmp_path / "data" / "5.dat").unlink()
    with pytest.raises(IntakeError, match=r"5\.dat is not in data"):
        only.study()


def test_chapman_names_its_codes_by_its_own_table(tmp_path: Path) -> None:
    table(
        tmp_path / "ConditionNames_SNOMED-CT.csv",
        ("Acronym Name", "Full Name", "Snomed_CT"),
        [("AFIB", "Atrial Fibrillation", 164889003), ("SB", "Sinus Bradycardia", 426177001)],
    )
    place = tmp_path / "WFDBRecords" / "01" / "010"
    ecg(place / "JS00001.hea", comments=["Age: 85", "Sex: Male", "Dx: 164889003,59118001", "Rx: Unknown"])
    (place / "JS00001.dat").rename(place / "JS00001.mat")
    header = place / "JS00001.hea"
    header.write_text(header.read_text().replace("JS00001.dat", "JS00001.mat"))
    (only,) = collect([tmp_path])
    assert (only.study_id, only.age, only.sex) == ("chapman_JS00001", 85.0, "M")
    assert only.labels == ("Atrial Fibrillation",)
    assert np.abs(trace(only).samples - ecg_mv()).max() < 0.01  # mV
