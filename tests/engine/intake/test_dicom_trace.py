"""DICOM waveform objects: leads by code, amplitudes by sensitivity."""

from __future__ import annotations

import numpy as np
import pytest
from helpers.recording_files import LEADS, PULSE, TWELVE_LEAD, as_bytes, dataset, signals, waveform

from engine.errors import IntakeError, QuestionError
from engine.intake import Answers, Upload, read
from engine.study import Study

SCP = ["2:1", "2:2", "2:61", "2:62", "2:63", "2:64", "2:3", "2:4", "2:5", "2:6", "2:7", "2:8"]


def taken_in(*groups: object, sop_class: str = TWELVE_LEAD, **answers: object) -> Study:
    ds = dataset(sop_class, Modality="ECG", WaveformSequence=list(groups))
    return read([Upload("ecg", as_bytes(ds))], Answers(**answers), key=b"k")


def stored(seconds: float = 10, n: int = 12) -> np.ndarray:
    """Return (n, leads) int16 stored values; one step is 2.5 uV."""
    return np.rint(signals(n, fs=500, seconds=seconds) * 1000 / 2.5).astype(np.int16)


@pytest.mark.parametrize(
    "codes",
    [
        SCP,
        [code.replace("2:", "5.6.3-9-") for code in SCP],
        [str(131328 + int(code[2:])) for code in SCP],
        [f"MDC_ECG_LEAD_{lead.upper()}" for lead in LEADS],
    ],
)
def test_leads_are_found_by_code_whatever_their_order(codes: list[str]) -> None:
    values, order = stored(), np.random.default_rng(3).permutation(12)
    study = taken_in(waveform(values[:, order], [codes[i] for i in order]))
    assert study.recognised == "DICOM 12-lead ECG, 12 leads, 500 Hz, 10 s"
    assert study.content.leads == LEADS
    np.testing.assert_allclose(study.content.samples, values.T * 2.5e-3, rtol=1e-5)


def test_the_code_wins_over_the_label() -> None:
    group = waveform(stored(n=1), ["2:8"])
    group.ChannelDefinitionSequence[0].ChannelLabel = "Lead I"
    assert taken_in(group).content.leads == ("V6",)


def test_sensitivity_correction_baseline_and_unit_make_millivolts() -> None:
    group = waveform(stored(n=1), ["2:2"], unit="mV")
    channel = group.ChannelDefinitionSequence[0]
    channel.ChannelSensitivity, channel.ChannelSensitivityCorrectionFactor, channel.ChannelBaseline = 0.01, 2.0, 0.5
    study = taken_in(group)
    np.testing.assert_allclose(study.content.samples[0], stored(n=1)[:, 0] * 0.02 + 0.5, rtol=1e-5)


def test_without_a_unit_it_is_asked_for() -> None:
    group = waveform(stored(n=1), ["2:2"])
    del group.ChannelDefinitionSequence[0].ChannelSensitivityUnitsSequence
    with pytest.raises(QuestionError):
        taken_in(group)
    assert taken_in(group, units="uV").content.units == "mV"


def test_the_rhythm_is_taken_before_the_median_beat_and_said_so() -> None:
    median = waveform(stored(seconds=3), SCP, WaveformOriginality="DERIVED")
    study = taken_in(median, waveform(stored(), SCP), waveform(stored(seconds=20, n=2), SCP[:2]))
    assert study.recognised.endswith("10 s, group 2 of 3")


def test_padding_values_are_missing_samples() -> None:
    values = stored(n=1)
    values[100:200] = -32768
    group = waveform(values, ["2:2"])
    group.add_new((0x5400, 0x100A), "OW", (-32768).to_bytes(2, "little", signed=True))
    samples = taken_in(group).content.samples
    assert np.isnan(samples[0, 100:200]).all()
    assert not np.isnan(samples[0, :100]).any()


def test_a_pulse_wave_object_is_a_ppg() -> None:
    study = taken_in(waveform(stored(n=1), ["109116"], unit="1"), sop_class=PULSE)
    assert (study.modality, study.content.leads, study.content.units) == ("ppg", ("PPG",), "au")


def test_a_waveform_without_leads_or_cut_off_is_one_sentence() -> None:
    with pytest.raises(IntakeError, match="No channel"):
        taken_in(waveform(stored(n=1), ["2:0"]))
    with pytest.raises(IntakeError, match="cut off"):
        taken_in(waveform(stored(n=1), ["2:2"], NumberOfWaveformSamples=9000))
    with pytest.raises(IntakeError, match="limit"):
        taken_in(waveform(stored(n=1), ["2:2"], NumberOfWaveformSamples=900_000_000))


def test_a_padding_value_of_zero_is_missing_only_at_the_ends_of_all_channels() -> None:
    values = stored(n=2)
    values[1000:1200, 0] = 0
    values[-100:] = 0
    values[-101] = 5
    group = waveform(values, ["2:1", "2:2"])
    group.add_new((0x5400, 0x100A), "OW", bytes(2))
    samples = taken_in(group).content.samples
    assert np.isnan(samples[:, -100:]).all()
    assert not np.isnan(samples[:, :-100]).any()


def test_groups_of_one_recording_are_joined_and_said() -> None:
    values = stored(seconds=2.5)
    groups = [waveform(values[:, i : i + 3], SCP[i : i + 3]) for i in range(0, 12, 3)]
    study = taken_in(*groups)
    assert study.content.leads == LEADS
    assert "side by side" in study.recognised
    np.testing.assert_allclose(study.content.samples, values.T * 2.5e-3, rtol=1e-5, atol=1e-7)


def test_most_leads_together_are_read_and_not_the_longest_strip() -> None:
    values = stored(seconds=2.5)
    groups = [waveform(values[:, i : i + 3], SCP[i : i + 3]) for i in range(0, 12, 3)]
    strip = waveform(stored(n=3), [SCP[1], SCP[6], SCP[10]], MultiplexGroupLabel="RHYTHM")
    study = taken_in(*groups, strip)
    assert (study.content.leads, study.content.duration_s) == (LEADS, 2.5)
    assert "4 of 5 groups" in study.recognised


@pytest.mark.parametrize("label", ["Median complexes", ""])
def test_a_group_too_short_for_an_ecg_is_a_beat_beside_a_longer_one(label: str) -> None:
    beat = waveform(stored(seconds=1.2), SCP, MultiplexGroupLabel=label)
    study = taken_in(beat, waveform(stored(n=2), SCP[:2]))
    assert (study.content.leads, study.content.duration_s) == (("I", "II"), 10)


def test_a_label_counts_before_a_meaning_that_only_says_ecg_and_a_code_before_both() -> None:
    group = waveform(stored(n=2), ["X1", SCP[1]])
    first, second = group.ChannelDefinitionSequence
    first.ChannelSourceSequence[0].CodeMeaning, first.ChannelLabel = "ECG", "V2"
    second.ChannelLabel = "Lead V6"
    study = taken_in(group)
    assert study.content.leads == ("II", "V2")
    assert "II by its code, named V6" in study.recognised


def test_a_sensitivity_of_zero_leaves_the_unit_open() -> None:
    group = waveform(stored(n=2), SCP[:2])
    group.ChannelDefinitionSequence[0].ChannelSensitivity = 0
    with pytest.raises(QuestionError) as asked:
        taken_in(group)
    assert asked.value.field == "units"


def test_a_labelled_median_beat_alone_is_one_sentence() -> None:
    median = waveform(stored(seconds=3), SCP, WaveformOriginality="DERIVED", MultiplexGroupLabel="MEDIAN BEAT")
    with pytest.raises(IntakeError, match="median beat"):
        taken_in(median)
    rhythm = waveform(stored(n=8), [*SCP[:2], *SCP[6:]], MultiplexGroupLabel="RHYTHM")
    assert taken_in(median, rhythm).content.leads == ("I", "II", "V1", "V2", "V3", "V4", "V5", "V6")


@pytest.mark.parametrize("scheme", ["99ACME", "LN"])
def test_unknown_codes_are_read_by_label_or_meaning(scheme: str) -> None:
    group = waveform(stored(n=3), ["LD1", "LD2", "LD3"])
    for channel, meaning in zip(group.ChannelDefinitionSequence, ("Lead II", "-aVR", "pressure"), strict=True):
        channel.ChannelSourceSequence[0].CodingSchemeDesignator = scheme
        channel.ChannelSourceSequence[0].CodeMeaning = meaning
    study = taken_in(group)
    assert study.content.leads == ("II", "aVR")
    np.testing.assert_allclose(study.content.samples[1], -stored(n=3)[:, 1] * 2.5e-3, rtol=1e-5)


@pytest.mark.parametrize(("keyword", "values"), [("ChannelSampleSkew", (0, 7)), ("ChannelTimeSkew", (0.0, 0.0047))])
def test_channels_that_begin_later_are_aligned(keyword: str, values: tuple[float, float]) -> None:
    t = np.arange(5000) / 500
    late = values[1] if keyword == "ChannelTimeSkew" else values[1] / 500
    rows = [np.rint(400 * np.sin(2 * np.pi * 3 * (t + shift))) for shift in (0.0, late)]
    group = waveform(np.stack(rows, axis=1), ["2:1", "2:2"])
    for channel, skew in zip(group.ChannelDefinitionSequence, values, strict=True):
        setattr(channel, keyword, skew)
    study = taken_in(group)
    assert "skew between channels corrected" in study.recognised
    np.testing.assert_allclose(*study.content.samples[:, 10:], atol=3.1e-3)
