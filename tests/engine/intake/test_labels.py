"""Labels of channels: leads, signs, electrode pairs and units as files write them."""

from __future__ import annotations

import pytest

from engine.intake.labels import read_label

LEADS = {
    "II": "II",
    "ii (mV)": "II",
    "Lead II [uV]": "II",
    "ECG II/mV": "II",
    "ECG_LEAD_II (mV)": "II",
    "ECG (V5)": "V5",
    "V5 (ECG)": "V5",
    "ECG (V5) [mV]": "V5",
    "V5 (mV)": "V5",
    "V 5": "V5",
    "ECG-V5": "V5",
    "D1": "I",
    "D3": "III",
    "DI": "I",
    "DII (mV)": "II",
    "Ableitung aVL": "aVL",
    "Derivación V3": "V3",
    "ECG C3": "V3",
    "LA-RA": "I",
    "ECG LL-RA": "II",
    "LL-LA": "III",
    "II-I": "III",
    "V1-WCT": "V1",
    "Shimmer_B64E_ECG_LA-RA_24BIT_CAL": "I",
    "ECG1_II": "II",
    "II (LL-RA)": "II",
    "V5 (C5)": "V5",
    "ECG/V5": "V5",
    "ECG[II]mV": "II",
    "ch 1 II": "II",
    "Einthoven II": "II",
    "modified lead II": "II",
    "V1 (precordial)": "V1",
    "V1-mV": "V1",
    "PPG IR 940nm": "PPG",
    "MDC_PULS_OXIM_PLETH": "PPG",
    "PLETH R": "PPG",
    "Pleth": "PPG",
    "SpO2 wave": "PPG",
    "SpO2 (wave)": "PPG",
    "PPG (IR)": "PPG",
    "Photoplethysmogramm": "PPG",
    "Shimmer_B64E_PPG_A13_CAL": "PPG",
    "IR_LED": "PPG",
}
TURNED = {"-aVR": "aVR", "−aVR (mV)": "aVR", "–aVR": "aVR", "ECG -aVR": "aVR", "aVR inverted": "aVR", "RA-LA": "I"}
TURNED |= {"(-)aVR": "aVR", "aVR (-)": "aVR", "-1 x aVR": "aVR", "aVR*-1": "aVR"}
OPEN = (
    "ECG",
    "EKG",
    "ECG ch2",
    "EcgWaveform",
    "EEG EKG1-REF",
    "POL ECG1",
    "ECGL-ECGR",
    "ECG 2",
    "ECG_L",
    "ECG R",
    "EKG1-EKG2",
    "ECG V5-RA",
    "ECG II-A1",
    "Vx-RL",
    "aVL-aVR",
    "CM5",
)
NONE = (
    *("SpO2", "SpO2 [%]", "Pulse [bpm]", "Pulse rate", "PPG HR", "PPG_quality", "Shimmer_B64E_PPGtoHR_CAL", "ECG HR"),
    *(
        "C3",
        "EEG C3-A2",
        "C4-M1",
        "A1-A2",
        "V3R",
        "V3 (R)",
        "II (V5)",
        "V1-REF",
        "LA-REF",
        "V7",
        "V5.1",
        "aVR-",
        "II*",
        "time",
        "id",
        "R",
        "V",
        "vx",
    ),
)


@pytest.mark.parametrize("label", LEADS)
def test_a_lead_is_read_past_its_separators(label: str) -> None:
    found = read_label(label)
    assert (found.lead, found.sign) == (LEADS[label], 1)


@pytest.mark.parametrize("label", TURNED)
def test_a_turned_lead_keeps_its_sign_and_is_said(label: str) -> None:
    found = read_label(label)
    assert (found.lead, found.sign) == (TURNED[label], -1)
    assert "turned over" in found.remark


def test_a_difference_of_leads_is_computed_and_not_read_as_one_name() -> None:
    assert (read_label("I-II").lead, read_label("I-II").sign) == ("III", -1)
    assert (read_label("II - III").lead, read_label("II - III").sign) == ("I", 1)


@pytest.mark.parametrize("label", OPEN)
def test_an_ecg_of_no_standard_lead_stays_open(label: str) -> None:
    found = read_label(label)
    assert found.lead == "ECG"
    assert "-" not in label or "no standard lead" in found.remark


@pytest.mark.parametrize("label", NONE)
def test_what_is_no_wave_is_none(label: str) -> None:
    assert read_label(label).lead is None


@pytest.mark.parametrize("label", ["ECG [µV]", "ECG [μV]", "ECG [ÂµV]", "ecg_uV", "ECG in uV", "ECG / uV"])
def test_the_unit_is_read_in_every_encoding(label: str) -> None:
    from engine.intake.units import scale_of

    assert scale_of(read_label(label).units) == ("mV", 1e-3)
