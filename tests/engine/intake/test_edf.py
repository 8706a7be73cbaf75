"""EDF, EDF+ and BDF."""

from __future__ import annotations

import datetime

import edfio
import numpy as np
import pytest
from helpers.recording_files import signals

from engine.errors import IntakeError, QuestionError
from engine.intake import Answers, Upload, read


def edf(*channels: tuple[str, str, int], klass: type = edfio.Edf, **options: object) -> bytes:
    """Return a 10 s file with one sine per (label, unit, rate)."""
    signal = edfio.BdfSignal if klass is edfio.Bdf else edfio.EdfSignal
    made = [
        signal(signals(1, fs, seed=i)[:, 0], fs, label=label, physical_dimension=unit)
        for i, (label, unit, fs) in enumerate(channels)
    ]
    return klass(made, **options).to_bytes()


@pytest.mark.parametrize("klass", [edfio.Edf, edfio.Bdf])
def test_ecg_channels_are_found_by_label_and_scaled(klass: type) -> None:
    study = read(
        [Upload("a", edf(("EEG Fpz-Cz", "uV", 100), ("ECG V1", "mV", 200), ("EKG II", "mV", 200), klass=klass))]
    )
    assert study.recognised == f"{klass.__name__.upper()}, 2 leads, 200 Hz, 10 s"
    assert study.content.leads == ("II", "V1")
    np.testing.assert_allclose(study.content.samples[1], signals(1, 200, seed=1)[:, 0], atol=1e-3)


def test_microvolts_and_slower_channels() -> None:
    study = read([Upload("a", edf(("ECG I", "uV", 128), ("ECG II", "mV", 256)))])
    assert study.content.fs == 256
    assert np.abs(study.content.samples[0]).max() < 1e-3


@pytest.mark.parametrize("label", ["Pleth", "PPG", "PLETH"])
def test_pulse_channels(label: str) -> None:
    assert read([Upload("a", edf((label, "", 64)))]).modality == "ppg"


def test_both_is_a_question_and_an_unnamed_ecg_is_said() -> None:
    data = edf(("ECG", "mV", 128), ("Pleth", "", 128))
    with pytest.raises(QuestionError):
        read([Upload("a", data)])
    assert "taken as II" in read([Upload("a", data)], Answers(modality="ecg")).recognised


def test_patient_fields_become_age_sex_and_a_keyed_pseudonym() -> None:
    patient = edfio.Patient(code="MRN-77", sex="F", birthdate=datetime.date(1951, 5, 2), name="Roe")
    data = edf(("ECG II", "mV", 128), patient=patient, recording=edfio.Recording(startdate=datetime.date(2019, 3, 2)))
    study, other = read([Upload("a", data)], key=b"one"), read([Upload("a", data)], key=b"two")
    assert study.facts == {"age": 67, "sex": "F", "acquired_at": "2019"}
    assert study.patient_key == read([Upload("b", data)], key=b"one").patient_key
    assert study.patient_key != other.patient_key
    assert len(str(study.patient_key)) == 32
    assert not any(word in repr(study) for word in ("MRN-77", "Roe", "1951"))


def test_an_anonymous_file_has_no_pseudonym() -> None:
    assert read([Upload("a", edf(("ECG II", "mV", 128)))], key=b"k").patient_key is None


def test_a_cut_off_or_absurd_file_is_one_sentence() -> None:
    data = edf(("ECG II", "mV", 128))
    with pytest.raises(IntakeError, match="cut off"):
        read([Upload("a", data[:-300])])
    with pytest.raises(IntakeError, match="limit"):
        read([Upload("a", data[:236] + b"99999999" + data[244:])])
    with pytest.raises(IntakeError, match="damaged"):
        read([Upload("a", data[:200])])


def test_a_signal_without_a_range_has_no_unit() -> None:
    data = bytearray(edf(("ECG II", "mV", 200)))
    for ends in ((b"0", b"0"), (b"-32,768", b"32,767")):
        data[256 + 104 : 256 + 120] = b"".join(end.ljust(8) for end in ends)
        with pytest.raises(QuestionError) as asked:
            read([Upload("a", bytes(data))])
        assert asked.value.field == "units"


def test_annotations_without_times_leave_the_signals_readable() -> None:
    data = edf(("ECG II", "mV", 200), ("EEG Fpz-Cz", "uV", 200)).replace(b"EEG Fpz-Cz     ", b"EDF Annotations")
    assert read([Upload("a", data)]).content.leads == ("II",)
