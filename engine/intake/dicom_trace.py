"""DICOM waveforms → Trace: leads by code or by name, amplitudes by sensitivity, in the rhythm groups (PS3.3 C.10.9)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from engine.errors import IntakeError
from engine.intake.assemble import MISSING_LIMIT, Channel, assemble, check_announced
from engine.intake.dicom_group import aligned, is_padding, padding_value
from engine.intake.gaps import is_gap
from engine.intake.identity import Identified
from engine.intake.labels import GENERIC_ECG, Label, group_words, read_label
from engine.intake.leads import lead_of_code, phrase, turned_lead_of_code
from engine.intake.units import scale_of
from engine.intake.upload import Answers
from engine.modalities import spec_of
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
_BEAT_S = 3.0  # a derived group shorter than this, beside a longer one, is a median beat
_SAME_LENGTH = 0.1  # groups of one recording differ by less than this share


@dataclass(frozen=True, eq=False)
class _Group:
    """One multiplex group: its place in the object, its channels' labels, its length in seconds."""

    index: int
    item: Dataset
    labels: tuple[Label, ...]
    duration_s: float

    @property
    def derived(self) -> bool:
        return str(self.item.get("WaveformOriginality") or "").strip().upper() == "DERIVED"

    @property
    def offset_s(self) -> float:
        return float(self.item.get("MultiplexGroupTimeOffset") or 0) / 1000

    def leads(self, wanted: tuple[str, ...]) -> set[str]:
        return {label.lead for label in self.labels if label.lead in wanted}


def trace_study(dataset: Dataset, identified: Identified, answers: Answers) -> Study:
    """Return the study of a de-identified DICOM waveform object."""
    groups = [_group(i, item) for i, item in enumerate(dataset.WaveformSequence)]
    ecg, ppg = _together(groups, (*ECG_LEADS, GENERIC_ECG)), _together(groups, (PPG_LEAD,))[:1]
    if not ecg and not ppg:
        raise _no_lead(groups)
    picked = list({group.index: group for group in (*ecg, *ppg)}.values())
    shifts = _shifts(ecg)
    channels = [c for group in picked for c in _channels(dataset, group, shifts.get(group.index, 0.0))]
    result = assemble(channels, answers)
    read = ecg if result.modality == "ecg" else ppg
    remark = ", ".join(part for part in (_which(read, groups, shifts), result.remark) if part)
    kind = "DICOM " + _CLASSES.get(str(dataset.get("SOPClassUID", "")), "waveform")
    return Study(
        result.modality,
        result.trace,
        phrase(kind, result.trace, remark),
        identified.rows + result.rows,
        "",
        identified.facts,
        identified.patient_key,
        previous_key=identified.previous_key,
    )


def _group(index: int, item: Dataset) -> _Group:
    definitions = item.get("ChannelDefinitionSequence") or []
    rate = float(item.get("SamplingFrequency") or 1)
    duration_s = int(item.get("NumberOfWaveformSamples") or 0) / rate
    return _Group(index, item, tuple(_label(definition) for definition in definitions), duration_s)


def _label(definition: Dataset) -> Label:
    """Return the lead of a channel by its source code; by label or meaning where the code is private or unknown."""
    source = definition.get("ChannelSourceSequence") or []
    texts = [definition.get("ChannelLabel"), *(item.get("CodeMeaning") for item in source)]
    named = [label for text in texts if text and (label := read_label(str(text))).lead]
    named = [label for label in named if label.lead != GENERIC_ECG] or named
    for code in (str(item.get("CodeValue") or "") for item in source):
        if lead := lead_of_code(code):
            other = next((str(label.lead) for label in named if label.lead not in (lead, GENERIC_ECG)), "")
            return Label(lead, remark=f"{lead} by its code, named {other}" if other else "")
        if lead := turned_lead_of_code(code):
            return Label(lead, -1, remark=f"−{lead} turned over to {lead}")
    if len({(label.lead, label.sign) for label in named}) > 1:
        return Label(None)
    return named[0] if named else Label(None)


def _together(groups: list[_Group], wanted: tuple[str, ...]) -> list[_Group]:
    """Return the groups that hold one recording: equally long ones that have the most leads together.

    A median beat is none of them; IntakeError where there is nothing else.
    """
    candidates = [group for group in groups if group.leads(wanted)]
    longest = max((group.duration_s for group in candidates), default=0.0)
    rhythm = [group for group in candidates if not _is_beat(group, longest)]
    if candidates and not rhythm:
        raise IntakeError(
            "The DICOM waveform holds a median beat and no rhythm, so there is no recording to search: export the "
            "rhythm strip."
        )
    if not rhythm:
        return []
    together = [_beside(best, rhythm, wanted) for best in rhythm]
    return max(together, key=lambda chosen: _worth(chosen, wanted))


def _worth(chosen: list[_Group], wanted: tuple[str, ...]) -> tuple[int, int, int, float]:
    """Return by what groups that are read together are preferred: leads, fewer derived groups, fewer groups, length."""
    leads = set().union(*(group.leads(wanted) for group in chosen))
    return len(leads), -sum(group.derived for group in chosen), -len(chosen), chosen[0].duration_s


def _beside(best: _Group, rhythm: list[_Group], wanted: tuple[str, ...]) -> list[_Group]:
    """Return a group with the equally long ones that hold other leads, in their order."""
    chosen, leads = [best], best.leads(wanted)
    for group in rhythm:
        alike = abs(group.duration_s - best.duration_s) <= _SAME_LENGTH * best.duration_s
        if alike and not group.leads(wanted) & leads and GENERIC_ECG not in group.leads(wanted) | leads:
            chosen, leads = [*chosen, group], leads | group.leads(wanted)
    return sorted(chosen, key=lambda group: group.index)


def _is_beat(group: _Group, longest_s: float) -> bool:
    said = group_words(str(group.item.get("MultiplexGroupLabel") or ""))
    short = group.duration_s <= _BEAT_S and longest_s > 1.5 * group.duration_s
    beat = short and (group.derived or group.duration_s < spec_of("ecg").shortest_s)
    return said == "MEDIAN" or (beat and said != "RHYTHM")


def _shifts(groups: list[_Group]) -> dict[int, float]:
    """Return by how many seconds each group is later than the first, as far as they were recorded together."""
    start = min((group.offset_s for group in groups), default=0.0)
    shifts = {group.index: group.offset_s - start for group in groups}
    apart = any(
        shift > MISSING_LIMIT / 2 * group.duration_s for shift, group in zip(shifts.values(), groups, strict=True)
    )
    return {} if apart else shifts


def _which(read: list[_Group], groups: list[_Group], shifts: dict[int, float]) -> str:
    """Return which groups were read, and what was done to their times."""
    said = []
    if len(read) > 1:
        stated = all(group.item.get("MultiplexGroupTimeOffset") is not None for group in read) and shifts
        how = "together" if stated else "side by side, as if recorded at one time"
        said.append(f"{len(read)} of {len(groups)} groups read {how}")
    elif len(groups) > 1:
        said.append(f"group {read[0].index + 1} of {len(groups)}")
    if any(skew for group in read for skew in _skews(group, 0.0)):
        said.append("skew between channels corrected")
    return ", ".join(said)


def _channels(dataset: Dataset, group: _Group, shift_s: float) -> list[Channel]:
    """Return the channels of one multiplex group on one time axis, NaN where a sample is missing."""
    from pydicom.waveforms import multiplex_array

    item = group.item
    n, n_channels = int(item.NumberOfWaveformSamples), int(item.NumberOfWaveformChannels)
    fs = float(item.SamplingFrequency)
    check_announced(n, n_channels, fs)
    if len(item.WaveformData) < n * n_channels * int(item.WaveformBitsAllocated) // 8 or n_channels != len(
        group.labels
    ):
        raise IntakeError(
            "The DICOM waveform ends before the samples that its header announces: it was cut off, so export it again."
        )
    stored = multiplex_array(dataset, group.index, as_raw=True)  # (n, channels)
    padding = padding_value(item)
    padded = is_padding(stored, padding, fs)
    channels = []
    for i, (definition, label, skew) in enumerate(
        zip(item.ChannelDefinitionSequence, group.labels, _skews(group, shift_s), strict=True)
    ):
        gaps = padded | is_gap(stored[:, i], *([] if padding is None else [float(padding)]))
        samples = np.where(gaps, np.nan, _physical(stored[:, i], definition)) * label.sign
        position = f"waveform group {group.index + 1}, channel {i + 1}"
        placed = aligned(samples, skew)
        channels.append(
            Channel(label.lead, placed, fs, _units(definition), position, int(label.sign < 0), label.remark)
        )
    return channels


def _skews(group: _Group, shift_s: float) -> list[float]:
    """Return by how many samples each channel begins later than the first of its group, and later by `shift_s`."""
    fs = float(group.item.get("SamplingFrequency") or 1)
    skews = []
    for definition in group.item.get("ChannelDefinitionSequence") or []:
        samples, seconds = definition.get("ChannelSampleSkew"), definition.get("ChannelTimeSkew")
        skews.append(float(seconds) * fs if seconds is not None and not samples else float(samples or 0))
    least = min(skews, default=0.0)
    return [skew - least + shift_s * fs for skew in skews]


def _physical(stored: np.ndarray, definition: Dataset) -> np.ndarray:
    """Return (n,) float64 in the channel's unit; the stored numbers where there is no sensitivity."""
    scale = _scale(definition)
    return stored.astype(np.float64) * (scale or 1) + (float(definition.get("ChannelBaseline") or 0) if scale else 0)


def _scale(definition: Dataset) -> float:
    """Return the channel's units per stored step, 0 where the file states none."""
    factor = definition.get("ChannelSensitivityCorrectionFactor")
    return float(definition.get("ChannelSensitivity") or 0) * (1.0 if factor is None else float(factor))


def _units(definition: Dataset) -> str:
    """Return the coded unit (UCUM), or its meaning where the code is private; "" without sensitivity or unit."""
    units = definition.get("ChannelSensitivityUnitsSequence") or []
    if not units or not _scale(definition):
        return ""
    written = [str(units[0].get(keyword) or "") for keyword in ("CodeValue", "CodeMeaning")]
    return next((unit for unit in written if scale_of(unit)), written[0])


def _no_lead(groups: list[_Group]) -> IntakeError:
    sources = [
        source
        for group in groups
        for definition in group.item.get("ChannelDefinitionSequence") or []
        for source in definition.get("ChannelSourceSequence") or []
    ]
    schemes = sorted(
        {str(source.get("CodingSchemeDesignator") or "") for source in sources} & {"LN", "SCT", "DCM", "MDC"}
    )
    coded = f" (codes of {' and '.join(schemes)})" if schemes else ""
    return IntakeError(
        f"No channel of the DICOM waveform is coded or named as an ECG lead or a pulse wave{coded}: export the ECG or "
        "PPG itself."
    )
