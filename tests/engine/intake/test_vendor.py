"""ECG files of hospital devices: HL7 aECG, SCP-ECG, Philips and GE XML, ISHNE Holter."""

from __future__ import annotations

import re
import struct
from pathlib import Path

import numpy as np
import pytest
from helpers.damage import check_sentence, damaged, outcome
from helpers.vendor_files import STEP_UV, WORDS, aecg, ishne, muse, scp, sierra, twelve_leads, with_calibration

from engine.errors import IntakeError, QuestionError
from engine.intake import Answers, Upload, read
from engine.study import ECG_LEADS, Study

ECG = twelve_leads()
RESTING = {"HL7 aECG": aecg(ECG), "SCP-ECG": scp(ECG), "Philips XML": sierra(ECG), "GE MUSE XML": muse(ECG)}
EVERY = RESTING | {"ISHNE Holter": ishne(ECG[:, [1, 6, 10]])}
FORMATS = pytest.mark.parametrize("name", EVERY)
UPLOADS = {  # what the sample of each format is recognised as
    "aecg_example_same_as_scp_and_dicom.xml": "HL7 aECG, 12 leads, 500 Hz, 10 s",
    "aecg_hl7_fda_subject1_0.xml": "HL7 aECG, 12 leads, 500 Hz, 10 s",
    "philips_sierra_1_03.xml": "Philips XML, 12 leads, 500 Hz, 10 s, calibration pulse left out",
    "philips_sierra_1_04_01.xml": "Philips XML, 12 leads, 500 Hz, 10 s, calibration pulse left out",
    "philips_sierra_1_04_utf16.xml": "Philips XML, 12 leads, 500 Hz, 10 s, calibration pulse left out",
    "philips_sierra_1_04_utf16_as_aecg.xml": "HL7 aECG, 12 leads, 500 Hz, 10 s, calibration pulse left out",
    "scp_ecg_example.scp": "SCP-ECG, 12 leads, 500 Hz, 10 s",
    "ishne_holter.ecg": "ISHNE Holter, lead II, 128 Hz, 4667 s, lead not named, taken as II",
}


def one(data: bytes, answers: Answers = Answers()) -> Study:  # noqa: B008 (frozen)
    return read([Upload("a", data)], answers, b"key")


@pytest.mark.parametrize("name", RESTING)
def test_the_same_ecg_is_the_same_in_every_format(name: str) -> None:
    study = one(RESTING[name])
    assert study.recognised.startswith(f"{name}, 12 leads, 500 Hz, 10 s")
    assert study.trace.leads == ECG_LEADS
    np.testing.assert_allclose(study.trace.samples.T, ECG, atol=1e-4)


@FORMATS
def test_names_numbers_and_statements_stay_in_the_file(name: str) -> None:
    study = one(EVERY[name])
    assert study.facts == {"age": 67, "sex": "F", "acquired_at": "2019"}
    assert not any(word in repr(study) for word in WORDS)
    assert study.patient_key == one(EVERY["SCP-ECG"]).patient_key
    assert study.patient_key != read([Upload("a", EVERY[name])], key=b"another").patient_key


def test_leads_that_ge_does_not_store_are_computed_and_said_to_be() -> None:
    study = one(muse(ECG))
    assert study.recognised.endswith("III, aVR, aVL, aVF computed from I and II")
    np.testing.assert_allclose(study.trace.samples[3], -(ECG[:, 0] + ECG[:, 1]) / 2, atol=1e-4)


def test_the_rhythm_is_read_and_never_the_median_beat() -> None:
    for data in (muse(ECG), aecg(ECG)):
        assert one(data).trace.duration_s == 10


@pytest.mark.parametrize("seconds", [10, 4])
@pytest.mark.parametrize("write", [sierra, aecg])
def test_a_calibration_pulse_in_all_leads_is_cut(write: object, seconds: int) -> None:
    values = twelve_leads(seconds=seconds)
    study = one(write(with_calibration(values)))  # type: ignore[operator]
    assert "calibration pulse left out" in study.recognised
    np.testing.assert_allclose(study.trace.samples.T, values, atol=1e-4)


def test_a_last_second_without_the_pulse_stays() -> None:
    study = one(aecg(np.concatenate([ECG, np.zeros((500, 12))])))
    assert study.trace.duration_s == 11
    assert "calibration" not in study.recognised


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
@pytest.mark.parametrize("version", ["1.03", "1.04", "1.04.01"])
def test_philips_versions_and_encodings(version: str, encoding: str) -> None:
    np.testing.assert_allclose(one(sierra(ECG, version=version, encoding=encoding)).trace.samples.T, ECG, atol=1e-4)


def test_a_version_that_is_not_read_is_said() -> None:
    with pytest.raises(IntakeError, match="version or compression"):
        one(sierra(ECG, version="3.99"))


@pytest.mark.parametrize("name", RESTING)
def test_limb_leads_that_contradict_each_other_are_refused(name: str) -> None:
    mixed = ECG[:, [0, 2, 1, *range(3, 12)]]  # II and III exchanged
    write = {"HL7 aECG": aecg, "SCP-ECG": scp, "Philips XML": sierra}.get(name)
    if write is None:
        assert "aVR" in one(muse(mixed)).trace.leads  # eight stored leads cannot contradict each other
    else:
        with pytest.raises(IntakeError, match="leads I and II say"):
            one(write(mixed))


def test_a_lead_that_is_stored_upside_down_is_turned_over() -> None:
    turned = ECG.copy()
    turned[:, 3] *= -1
    leads = tuple("avrneg" if lead == "aVR" else lead for lead in ECG_LEADS)
    np.testing.assert_allclose(one(aecg(turned, leads=leads)).trace.samples.T, ECG, atol=1e-4)


def test_rates_that_are_no_whole_number_and_a_missing_unit() -> None:
    assert one(aecg(twelve_leads(fs=128), fs=128.205)).trace.fs == pytest.approx(128.205)
    with pytest.raises(QuestionError) as asked:
        one(muse(ECG, unit="COUNTS"))
    assert asked.value.field == "units"


@pytest.mark.parametrize("number", ["5,0", "five", ""])
def test_a_scale_that_is_no_number_is_not_taken_for_one(number: str) -> None:
    stated, spelt = f'<scale value="{STEP_UV}"'.encode(), f'<scale value="{number}"'.encode()
    with pytest.raises(IntakeError, match=f"the number '{number}' for its scale"):
        one(aecg(twelve_leads()).replace(stated, spelt))


def test_a_scale_of_zero_is_no_flat_ecg() -> None:
    with pytest.raises(IntakeError, match="Lead I of the file has a scale of zero"):
        one(aecg(twelve_leads()).replace(f'<scale value="{STEP_UV}"'.encode(), b'<scale value="0"'))
    per_bit = re.compile(rb"<LeadAmplitudeUnitsPerBit>[^<]*")
    with pytest.raises(IntakeError, match="scale of zero"):
        one(per_bit.sub(b"<LeadAmplitudeUnitsPerBit>0", muse(twelve_leads())))


def test_an_scp_record_with_a_wrong_checksum_is_refused() -> None:
    data = bytearray(scp(ECG))
    data[-100] ^= 1
    with pytest.raises(IntakeError, match="checksum"):
        one(bytes(data))


def test_devices_that_count_scp_samples_from_zero_are_read() -> None:
    np.testing.assert_array_equal(one(scp(ECG, first=0)).trace.samples, one(scp(ECG)).trace.samples)
    data = bytearray(scp(ECG, first=0))
    data[-100] ^= 1
    with pytest.raises(IntakeError, match="checksum"):
        one(bytes(data))


def test_muse_data_with_a_wrong_checksum_are_refused() -> None:
    data = muse(ECG)
    at = data.rindex(b"</WaveFormData>") - 40
    with pytest.raises(IntakeError, match="checksum"):
        one(data[:at] + (b"AAAA" if data[at : at + 4] != b"AAAA" else b"BBBB") + data[at + 4 :])


def test_holter_leads_by_name_gaps_and_a_cut_file() -> None:
    data = ishne(ECG[:, [1, 6, 10]])
    study = one(data[:-6] + struct.pack("<3h", -32768, 1, 1))
    assert study.trace.leads == ("II", "V1", "V5")
    assert np.isnan(study.trace.samples[0, -1])
    assert np.isfinite(study.trace.samples[1:, -1]).all()
    assert "shorter than its header says" in one(data[:-6000]).recognised
    with pytest.raises(IntakeError, match="cut off"):
        one(data[:-3])


def test_an_unnamed_holter_lead_is_taken_as_ii_and_said() -> None:
    study = one(ishne(ECG[:, :2], leads=(None, None)))
    assert study.recognised.endswith("lead not named, taken as II")
    assert study.trace.leads == ("II",)


@pytest.mark.parametrize("root", ["AnnotatedECG", "RestingECG", "restingecgdata"])
@pytest.mark.parametrize(
    "attack",
    [
        '<!DOCTYPE r [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;">]><{0}>&c;</{0}>',
        '<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/hostname">]><{0}>&x;</{0}>',
        "<{0}>" + "<a>" * 60_000,
        "<{0}>" + "<a>" * 20_000 + "</a>" * 20_000 + "</{0}>",
        "<{0}/>",
    ],
)
def test_hostile_xml_ends_in_a_sentence(root: str, attack: str) -> None:
    said = outcome([Upload("a", attack.replace("{0}", root).encode())])
    assert isinstance(said, str)
    check_sentence(said)


@pytest.mark.parametrize("name", ["notes.xml", "a.svg"])
def test_other_xml_is_refused_as_such(name: str) -> None:
    with pytest.raises(IntakeError, match="XML file of a kind that is not read"):
        read([Upload(name, b'<?xml version="1.0"?><!-- <AnnotatedECG> --><CardiologyXML>1</CardiologyXML>')])


@FORMATS
def test_fifty_damaged_files_end_in_a_sentence_or_a_valid_study(name: str) -> None:
    data = {"ISHNE Holter": ishne(ECG[:600, [1, 6, 10]])}.get(name, EVERY[name])
    found = [outcome([Upload("a", copy)]) for copy in damaged(data, np.random.default_rng(len(name)), each=25)]
    refused = [item for item in found if isinstance(item, str)]
    assert len(refused) > 25
    for said in refused:
        check_sentence(said)
    if name == "SCP-ECG":  # every byte is under a checksum
        assert len(refused) == 50


@pytest.mark.parametrize("name", UPLOADS)
def test_samples_of_devices(name: str, recordings: Path) -> None:
    study = one((recordings / "uploads" / name).read_bytes())
    assert study.recognised == UPLOADS[name]
    assert study.trace.units == "mV"


def test_one_ecg_in_three_formats_and_another_in_two(recordings: Path) -> None:
    folder = recordings / "uploads"
    first, second, other = (
        one((folder / name).read_bytes()).trace
        for name in (
            "aecg_example_same_as_scp_and_dicom.xml",
            "scp_ecg_example.scp",
            "dicom_ecg_500hz_with_median_beat.dcm",
        )
    )
    assert first.leads == second.leads == other.leads == ECG_LEADS
    np.testing.assert_allclose(first.samples, second.samples, atol=1e-6)
    np.testing.assert_allclose(first.samples, other.samples, atol=2.5e-3)  # it declares 0 as padding, and has no gap
    philips, converted = (
        one((folder / name).read_bytes()).trace
        for name in ("philips_sierra_1_04_utf16.xml", "philips_sierra_1_04_utf16_as_aecg.xml")
    )
    off = np.abs(philips.samples - converted.samples)
    assert np.quantile(off, 0.99) <= 2 * STEP_UV / 1000 + 1e-4
