"""Names and codes of leads → the canonical names; units → millivolts; a trace in one phrase."""

from __future__ import annotations

import re

from engine.modalities import spec_of_trace
from engine.study import ECG_LEADS, PPG_LEAD, Trace

GENERIC_ECG = "ECG"  # the file says that it is an ECG but not which lead

_CANONICAL = {lead.upper(): lead for lead in ECG_LEADS}
# MLII is the modified lead II of Holter recorders; electrode pairs are named positive-negative (EN 60601-2-51).
_ALIASES = {
    "MLI": "I",
    "MLII": "II",
    "MLIII": "III",
    "ML2": "II",
    "DI": "I",
    "DII": "II",
    "DIII": "III",
    "1": "I",
    "2": "II",
    "3": "III",
    "LARA": "I",
    "LLRA": "II",
    "LLLA": "III",
    "C1": "V1",
    "C2": "V2",
    "C3": "V3",
    "C4": "V4",
    "C5": "V5",
    "C6": "V6",
    "VR": "aVR",
    "VL": "aVL",
    "VF": "aVF",
}
_PREFIXED_ONLY = {"1", "2", "3", "C1", "C2", "C3", "C4", "C5", "C6"}  # a bare "c1" is as likely to be "column 1"
_GENERIC = {"ECG", "EKG", "ECG1", "EKG1", "ECGRAW", "ECGSIGNAL", "ELECTROCARDIOGRAM"}
_PPG = {
    "PPG",
    "PLETH",
    "PLETHYSMOGRAM",
    "PLETHYSMOGRAPH",
    "PHOTOPLETHYSMOGRAM",
    "PULSE",
    "PULSEWAVE",
    "PULSOX",
    "IR",
    "INFRARED",
    "RED",
    "GREEN",
    "PPGIR",
    "PPGRED",
    "PPGGREEN",
    "IRPPG",
    "REDPPG",
    "GREENPPG",
    "SPO2WAVE",
    "SPO2WAVEFORM",
    "PLETHWAVE",
    "PPGRAW",
    "PPGSIGNAL",
    "BVP",
    "PPG1",
    "FINGERPPG",
    "PPGFINGER",
}
# Light sources in the order in which one is taken when a file holds several: infrared carries the cleanest pulse.
_PPG_ORDER = ("PPG", "PLETH", "IR", "INFRARED", "PPGIR", "IRPPG", "GREEN", "PPGGREEN", "RED", "PPGRED")

# DICOM PS3.16 CID 3001 "ECG Lead": SCP-ECG numbers under MDC or SCPECG, and ISO/IEEE 11073-10101 reference codes.
# Code 65 (−aVR) has the opposite sign and is left out on purpose.
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

_UNITS = {
    "mv": 1.0,
    "millivolt": 1.0,
    "millivolts": 1.0,
    "uv": 1e-3,
    "microvolt": 1e-3,
    "microvolts": 1e-3,
    "v": 1e3,
    "volt": 1e3,
    "volts": 1e3,
    "nv": 1e-6,
}
_UNIT_TAIL = re.compile(
    r"^(.*?)[\s_/\-]*[(\[]\s*([^()\[\]]+?)\s*[)\]]$|^(.*?)[\s_/]+(mV|uV|µV|μV|au|a\.u\.|sd|zscore|millivolts?|microvolts?)$",
    re.IGNORECASE,
)


def lead_of(label: str) -> str | None:
    """Return the canonical ECG lead, "PPG", GENERIC_ECG (an ECG of unknown lead), or None for anything else."""
    key = re.sub(r"[^A-Z0-9]", "", label.upper())
    for prefix in ("", "ECG", "EKG", "LEAD", "ECGLEAD", "EKGLEAD", "MDCECGLEAD"):
        rest = key.removeprefix(prefix) if prefix and key.startswith(prefix) else (key if not prefix else "")
        if rest in _CANONICAL:
            return _CANONICAL[rest]
        if (
            rest in _ALIASES
            and not (rest in _PREFIXED_ONLY and not prefix)
            and not (rest.isdigit() and "LEAD" not in prefix)
        ):
            return _ALIASES[rest]
    if key in _GENERIC:
        return GENERIC_ECG
    return PPG_LEAD if key in _PPG else None


def ppg_rank(label: str) -> int:
    """Return the preference of one pulse channel among several; lower is better."""
    key = re.sub(r"[^A-Z0-9]", "", label.upper())
    return _PPG_ORDER.index(key) if key in _PPG_ORDER else len(_PPG_ORDER)


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


def split_units(label: str) -> tuple[str, str]:
    """Split "II (mV)" or "ecg_uV" into label and units; units are "" where the label has none."""
    match = _UNIT_TAIL.match(label.strip())
    if match is None:
        return label.strip(), ""
    name, units = (match[1], match[2]) if match[2] else (match[3], match[4])
    return (name.strip(), units.strip()) if name.strip() else (label.strip(), "")


def scale_of(units: str) -> tuple[str, float] | None:
    """Return ("mV", factor), ("au", 1) or ("sd", 1) for a unit as written in a file, or None where it says nothing."""
    key = units.strip().lower().replace("µ", "u").replace("μ", "u")
    if key in _UNITS:
        return "mV", _UNITS[key]
    if key in ("au", "a.u.", "a.u", "arbitrary"):
        return "au", 1.0
    return ("sd", 1.0) if key in ("sd", "zscore", "z-score", "z") else None


def phrase(kind: str, trace: Trace, remark: str = "") -> str:
    """Return e.g. "WFDB, 12 leads, 500 Hz, 10 s"."""
    n = len(trace.leads)
    only = len(spec_of_trace(trace).leads) == 1
    leads = trace.leads[0] if only else f"{n} leads" if n > 1 else f"lead {trace.leads[0]}"
    parts = [kind, leads, f"{trace.fs:g} Hz", f"{trace.duration_s:.4g} s", remark]
    return ", ".join(part for part in parts if part)
