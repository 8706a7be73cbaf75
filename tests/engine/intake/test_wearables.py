"""Wristbands (Empatica E4, EmbracePlus) and BIOPAC's AcqKnowledge."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from helpers.damage import check_sentence, damaged, outcome
from helpers.recording_files import zipped
from helpers.vendor_files import twelve_leads
from helpers.wearable_files import acq, avro, e4_files, e4_zip, pulse

from engine.errors import IntakeError
from engine.intake import Answers, Upload, read

WAVE = pulse(64)
ECG = twelve_leads(1000)[:, 1]
FILES = {
    "Empatica E4": e4_files(WAVE)["BVP.csv"],
    "Empatica zip": e4_zip(WAVE),
    "Empatica avro": avro(WAVE),
    "BIOPAC": acq([("ECG - ECG100C", "mV", ECG, 1), ("Pulse - PPG100C", "Volts", pulse(250, 10), 4)]),
}


@pytest.mark.parametrize("name", ["Empatica E4", "Empatica zip", "Empatica avro"])
def test_the_pulse_wave_of_a_wristband(name: str) -> None:
    study = read([Upload("BVP.csv", FILES[name])], key=b"key")
    assert (study.modality, study.trace.fs, study.facts) == ("ppg", 64, {"acquired_at": "2019"})
    np.testing.assert_allclose(study.trace.samples[0], WAVE, atol=0.01)
    assert study.recognised.startswith("Empatica")
    assert not any(word in repr(study) for word in ("Roe", "MRN", "3YK", "1560279825"))


def test_a_person_of_an_avro_file_becomes_a_pseudonym() -> None:
    keys = [read([Upload("a", avro(WAVE))], key=key).patient_key for key in (b"one", b"one", b"two")]
    assert keys[0] == keys[1] != keys[2]


@pytest.mark.parametrize("name", ["EDA.csv", "TEMP.csv", "HR.csv", "ACC.csv", "IBI.csv", "tags.csv"])
def test_other_files_of_a_wristband_are_no_recording(name: str) -> None:
    with pytest.raises(IntakeError, match=r"no pulse wave: drop its BVP\.csv"):
        read([Upload(name, e4_files(WAVE)[name])])


def test_a_zip_without_the_pulse_wave_is_one_sentence() -> None:
    members = {name: data for name, data in e4_files(WAVE).items() if name != "BVP.csv"}
    with pytest.raises(IntakeError, match="none of them is a recording"):
        read([Upload("a.zip", zipped(members))])


@pytest.mark.parametrize("wave", [{"values": []}, {"samplingFrequency": 0.0}])
def test_an_avro_file_without_a_wave_is_one_sentence(wave: dict[str, object]) -> None:
    said = outcome([Upload("a", avro(WAVE, **wave))])
    assert isinstance(said, str)
    check_sentence(said)


def test_biopac_channels_keep_rates_of_their_own() -> None:
    ecg = read([Upload("a", FILES["BIOPAC"])], Answers(modality="ecg"))
    assert ecg.recognised == "BIOPAC, lead II, 1000 Hz, 10 s, lead not named, taken as II"
    np.testing.assert_allclose(ecg.trace.samples[0], ECG, atol=1e-4)
    ppg = read([Upload("a", FILES["BIOPAC"])], Answers(modality="ppg"))
    assert (ppg.modality, ppg.trace.fs) == ("ppg", 250)
    np.testing.assert_allclose(ppg.trace.samples[0], pulse(250, 10), atol=1e-4)


def test_a_biopac_file_that_was_cut_off_or_announces_too_much() -> None:
    data = acq([("Lead II", "mV", ECG, 1)])
    with pytest.raises(IntakeError, match="cut off"):
        read([Upload("a", data[: len(data) // 2])])
    with pytest.raises(IntakeError, match="limit"):
        read([Upload("a", data.replace(ECG.size.to_bytes(4, "little"), (2_000_000_000).to_bytes(4, "little")))])


def test_without_bioread_the_sentence_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "bioread", None)
    with pytest.raises(IntakeError, match=r"pip install casebind\[biopac\]"):
        read([Upload("a", FILES["BIOPAC"])])


@pytest.mark.parametrize("name", FILES)
def test_fifty_damaged_files_end_in_a_sentence_or_a_valid_study(name: str) -> None:
    answers = Answers(modality="ecg", units="mV") if name == "BIOPAC" else Answers(modality="ppg", fs=64)
    copies = damaged(FILES[name], np.random.default_rng(len(name)), each=25)
    refused = [item for copy in copies if isinstance(item := outcome([Upload("a", copy)], answers), str)]
    assert len(refused) > 8
    for said in refused:
        check_sentence(said)


def test_samples_of_a_wristband(recordings: Path) -> None:
    folder = recordings / "uploads"
    study = read([Upload("BVP.csv", (folder / "empatica_e4_BVP.csv").read_bytes())])
    assert study.recognised.startswith("Empatica E4, PPG, 64 Hz")
    with pytest.raises(IntakeError, match="beat intervals"):
        read([Upload("IBI.csv", (folder / "empatica_e4_IBI.csv").read_bytes())])
