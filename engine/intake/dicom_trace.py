"""DICOM waveforms → Trace: leads by their code, amplitudes by sensitivity, correction and baseline (PS3.3 C.10.9)."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from engine.errors import IntakeError
from engine.intake.assemble import Channel, assemble, channel, check_announced
from engine.intake.identity import Identified
from engine.intake.leads import GENERIC_ECG, lead_of, lead_of_code, phrase
from engine.intake.upload import Answers
from engine.study import ECG_LEADS, PPG_LEAD, Study

if TYPE_CHECKING:
    from pydicom.dataset import Dataset

_CLASSES = {
    "1.2.840.10008.5.1.4.1.1.9.1.1": "12-lead ECG",
    "1.2.840.10008.5.1.4.1.1.9.1.2": "general ECG",
    "1.2.840.10008.5.1.4.1.1.9.1.3": "ambulatory ECG",
    "1.2.840.10008.5.1.4.1.1.9.1.4": "32-bit ECG",
    "1.2.840.10008.5.1.4.1.1.9.2.1": "hemodynamic waveform",
    "1.2.840.10008.5.1.4.1.1.9.5.1": "arterial pulse waveform",
}


def trace_study(dataset: Dataset, identified: Identified, answers: Answers) -> Study:
    """Return the study of a de-identified DICOM waveform object."""
    groups = list(dataset.WaveformSequence)
    leads = [[_lead(item) for item in group.get("ChannelDefinitionSequence") or []] for group in groups]
    chosen = dict.fromkeys(_best(groups, leads, wanted) for wanted in ((*ECG_LEADS, GENERIC_ECG), (PPG_LEAD,)))
    picked = [i for i in chosen if i is not None]
    if not picked:
        raise IntakeError(
            "No channel of the DICOM waveform is coded as an ECG lead or a pulse wave: export the ECG or PPG itself."
        )
    channels = [c for i in picked for c in _channels(dataset, i, leads[i])]
    result = assemble(channels, answers)
    used = next((i for i in picked if set(result.trace.leads) <= {str(lead) for lead in leads[i]}), picked[0])
    which = f"group {used + 1} of {len(groups)}" if len(groups) > 1 else ""
    kind = "DICOM " + _CLASSES.get(str(dataset.get("SOPClassUID", "")), "waveform")
    remark = ", ".join(part for part in (which, result.remark) if part)
    return Study(
        result.modality,
        result.trace,
        phrase(kind, result.trace, remark),
        identified.rows + result.rows,
        "",
        identified.facts,
        identified.patient_key,
    )


def _lead(definition: Dataset) -> str | None:
    """Return the lead of a channel by its source code; by its label only where there is no code."""
    source = definition.get("ChannelSourceSequence") or []
    codes = [str(item.get("CodeValue") or "") for item in source]
    if any(codes):
        return next((lead for code in codes if (lead := lead_of_code(code))), None)
    return lead_of(str(definition.get("ChannelLabel") or ""))


def _best(groups: list[Dataset], leads: list[list[str | None]], wanted: tuple[str, ...]) -> int | None:
    """Return the group with the most wanted leads; then an original before a derived one; then the longest."""

    def worth(i: int) -> tuple[int, bool, float]:
        rate = float(groups[i].get("SamplingFrequency") or 1)
        derived = str(groups[i].get("WaveformOriginality") or "").strip().upper() == "DERIVED"
        return (
            len({lead for lead in leads[i] if lead in wanted}),
            not derived,
            int(groups[i].get("NumberOfWaveformSamples") or 0) / rate,
        )

    candidates = [i for i in range(len(groups)) if worth(i)[0] > 0]
    return max(candidates, key=worth, default=None)


def _channels(dataset: Dataset, index: int, leads: list[str | None]) -> list[Channel]:
    """Return the channels of one multiplex group, NaN where the padding value stands."""
    from pydicom.waveforms import multiplex_array

    group = dataset.WaveformSequence[index]
    n, n_channels = int(group.NumberOfWaveformSamples), int(group.NumberOfWaveformChannels)
    fs = float(group.SamplingFrequency)
    check_announced(n, n_channels, fs)
    if len(group.WaveformData) < n * n_channels * int(group.WaveformBitsAllocated) // 8 or n_channels != len(leads):
        raise IntakeError(
            "The DICOM waveform ends before the samples that its header announces: it was cut off, so export it again."
        )
    stored = multiplex_array(dataset, index, as_raw=True)  # (n, channels)
    physical = multiplex_array(dataset, index, as_raw=False).astype(np.float32)
    if (padding := _padding(group)) is not None:
        physical[stored == padding] = np.nan
    channels = []
    for i, definition in enumerate(group.ChannelDefinitionSequence):
        named = channel(
            "", physical[:, i], fs, units=_units(definition), position=f"waveform group {index + 1}, channel {i + 1}"
        )
        channels.append(replace(named, lead=leads[i]))
    return channels


def _units(definition: Dataset) -> str:
    """Return the coded unit (UCUM), or "" where sensitivity or unit is absent."""
    units = definition.get("ChannelSensitivityUnitsSequence") or []
    return str(units[0].get("CodeValue") or "") if units and definition.get("ChannelSensitivity") is not None else ""


def _padding(group: Dataset) -> int | None:
    """Return the value that stands for a missing sample."""
    value = group.get("WaveformPaddingValue")
    if not isinstance(value, bytes) or not value:
        return int(value) if isinstance(value, int) else None
    size = min(len(value), int(group.WaveformBitsAllocated) // 8)
    signed = str(group.WaveformSampleInterpretation).strip().upper() in ("SB", "SS", "SL", "SV")
    return int.from_bytes(value[:size], "little", signed=signed)
