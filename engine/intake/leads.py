"""Codes of leads → the canonical names; a trace in one phrase."""

from __future__ import annotations

import re

from engine.intake.labels import GENERIC_ECG, read_label, split_units
from engine.intake.units import scale_of
from engine.modalities import spec_of_trace
from engine.study import ECG_LEADS, PPG_LEAD, Trace

__all__ = ["GENERIC_ECG", "lead_of", "lead_of_code", "phrase", "scale_of", "split_units", "turned_lead_of_code"]

_CANONICAL = {lead.upper(): lead for lead in ECG_LEADS}
# DICOM PS3.16 CID 3001 "ECG Lead": SCP-ECG numbers under MDC or SCPECG, and ISO/IEEE 11073-10101 reference codes.
# Code 65 (−aVR) has the opposite sign: turned_lead_of_code knows it.
_SCP = {
    1: "I",
    2: "II",
    3: "V1",
    4: "V2",
    5: "V3",
    6: "V4",
    7: "V5",
    8: "V6",
    61: "III",
    62: "aVR",
    63: "aVL",
    64: "aVF",
}
_SCP_DERIVED = {
    31: "I",
    32: "II",
    33: "V1",
    34: "V2",
    35: "V3",
    36: "V4",
    37: "V5",
    38: "V6",
    111: "III",
    112: "aVR",
    113: "aVL",
    114: "aVF",
}
_MDC_LEAD_BLOCK = 131072  # partition 2 of ISO/IEEE 11073-10101; MDC_ECG_LEAD_I is 131072 + 1 × 256 + offset 1 = 131329
_MDC_LEADS = _MDC_LEAD_BLOCK + 256
# PS3.16 CID 3004 "Arterial Pulse Waveform" (DCM 109116) and MDC_PULS_OXIM_PLETH (ISO/IEEE 11073-10101, 2::19380).
_PPG_CODES = {"109116", "2:19380", "150452", "MDC_PULS_OXIM_PLETH"}


def lead_of(label: str) -> str | None:
    """Return the ECG lead, "PPG" or GENERIC_ECG that a channel is as it stands, or None; see `read_label` for more."""
    found = read_label(label)
    return found.lead if found.sign > 0 else None


def lead_of_code(value: str) -> str | None:
    """Return the lead of a DICOM channel source code ("2:1", "5.6.3-9-1", "131329", "MDC_ECG_LEAD_I"), or None."""
    value = value.strip().upper()
    if value in _PPG_CODES:
        return PPG_LEAD
    if value.startswith("MDC_ECG_LEAD_"):
        return _CANONICAL.get(value.removeprefix("MDC_ECG_LEAD_"))
    number = None
    if match := re.fullmatch(r"(?:2:|5\.6\.3-9-)(\d+)", value):
        number = int(match[1])
    elif value.isdigit() and _MDC_LEADS < int(value) < _MDC_LEADS + 256:
        number = int(value) - _MDC_LEADS
    if number is None:
        return None
    return _SCP.get(number) or _SCP_DERIVED.get(number)


def turned_lead_of_code(value: str) -> str | None:
    """Return the lead that a code says to be turned over (SCP-ECG 65 is −aVR), or None."""
    return "aVR" if re.fullmatch(r"(?:2:|5\.6\.3-9-)65|131393|MDC_ECG_LEAD_MINUS_?AVR", value.strip().upper()) else None


def phrase(kind: str, trace: Trace, remark: str = "") -> str:
    """Return e.g. "WFDB, 12 leads, 500 Hz, 10 s"."""
    n = len(trace.leads)
    only = len(spec_of_trace(trace).leads) == 1
    leads = trace.leads[0] if only else f"{n} leads" if n > 1 else f"lead {trace.leads[0]}"
    parts = [kind, leads, f"{trace.fs:g} Hz", f"{trace.duration_s:.4g} s", remark]
    return ", ".join(part for part in parts if part)
