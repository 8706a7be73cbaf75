"""One signal, written as a DICOM waveform in every way that the standard has, and by the devices of hospitals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from helpers.recording_files import PULSE, TWELVE_LEAD, as_bytes, dataset, waveform
from helpers.vendor_files import STEP_UV, aecg, ishne, muse, scp, sierra, twelve_leads, with_calibration
from helpers.written_signals import FACTORS, Signal, Written, signals
from hypothesis import strategies as st
from pydicom.dataset import Dataset

from engine.intake import Answers, Upload
from engine.study import ECG_LEADS

SCP = dict(zip(ECG_LEADS, (1, 2, 61, 62, 63, 64, 3, 4, 5, 6, 7, 8), strict=True))
_SIGNED, _UNSIGNED = {8: "SB", 16: "SS", 32: "SL"}, {8: "UB", 16: "US", 32: "UL"}


@st.composite
def dicom_waveforms(draw: st.DrawFn) -> Written:
    """Draw a DICOM waveform of one or two groups, with skew, and perhaps a median beat or padding beside it."""
    bits = draw(st.sampled_from((8, 16, 32)))
    signal = draw(signals({8: 120, 16: 2000, 32: 2_000_000}[bits], gaps=False))
    apart = draw(st.integers(0, 3)) == 0 and len(signal.leads) > 1  # the last lead in a group of its own
    groups, rows, steps = [], [], []
    for part in [slice(0, -1), slice(-1, None)] if apart else [slice(None)]:
        group, samples, step = draw(_group(signal, part, bits))
        groups.append(group)
        rows.append(samples)
        steps += step
    if draw(st.booleans()) and signal.is_ecg:
        groups.insert(draw(st.integers(0, len(groups))), _median_beat(signal.fs, draw(st.booleans())))
    ds = dataset(TWELVE_LEAD if signal.is_ecg else PULSE, Modality="ECG", WaveformSequence=groups)
    how = {"bits": bits, "groups": len(groups), "signed": str(groups[0].WaveformSampleInterpretation)}
    uploads = [Upload("a", as_bytes(ds))]
    return Written(uploads, Answers(), signal.leads, signal.fs, np.concatenate(rows), np.array(steps), how)


@st.composite
def _group(draw: st.DrawFn, signal: Signal, part: slice, bits: int) -> tuple[Dataset, np.ndarray, list[float]]:
    """Draw one multiplex group; its samples as they have to be read, (leads, n), and a step of each."""
    leads, stored = signal.leads[part], signal.stored[part]
    code = draw(st.sampled_from(("5.6.3-9-{}", "2:{}")))
    codes = [code.format(SCP[lead]) if signal.is_ecg else "109116" for lead in leads]
    group = waveform(np.zeros(stored.T.shape, np.int16), codes, fs=signal.fs)
    signed = draw(st.booleans())
    shift = 0 if signed else 2 ** (bits - 1)
    group.WaveformBitsAllocated, group.WaveformSampleInterpretation = bits, (_SIGNED if signed else _UNSIGNED)[bits]
    padded = np.zeros(stored.shape[1], dtype=bool)
    if draw(st.integers(0, 3)) == 0:
        padded[-round(0.2 * signal.fs) :] = True
        stored = stored.copy()
        stored[:, np.flatnonzero(~padded)[-1]] |= 1  # the last sample is no padding
        group.add_new("WaveformPaddingValue", "OB" if bits == 8 else "OW", shift.to_bytes(bits // 8, "little"))
    words = np.ascontiguousarray(np.where(padded, 0, stored).T) + shift
    group.WaveformData = words.astype(f"<{'i' if signed else 'u'}{bits // 8}").tobytes()
    group["WaveformData"].VR = "OB" if bits == 8 else "OW"
    by_name = draw(st.booleans()) and signal.is_ecg
    rows, steps, skews = [], [], []
    for row, lead, channel in zip(stored, leads, group.ChannelDefinitionSequence, strict=True):
        factor, offset, scale = draw(_scaled(channel, bits, shift, signal.is_ecg))
        if by_name:
            source = channel.ChannelSourceSequence[0]
            source.CodeValue, source.CodingSchemeDesignator, source.CodeMeaning = "X1", "99ACME", f"Lead {lead}"
        skews.append(draw(st.sampled_from((0, 0, 3))))
        channel.ChannelSampleSkew = skews[-1]
        rows.append(np.where(padded, np.nan, (row * scale + offset) * factor))
        steps.append(scale * factor)
    return group, _moved(rows, skews), steps


@st.composite
def _scaled(draw: st.DrawFn, channel: Dataset, bits: int, shift: int, is_ecg: bool) -> tuple[float, float, float]:
    """Draw unit and sensitivity of a channel; the unit in mV, the offset and the step in the unit."""
    unit = draw(st.sampled_from(tuple(FACTORS))) if is_ecg else "1"
    sensitivity, correction = draw(st.sampled_from((0.5, 2.5, 0.001))), draw(st.sampled_from((1.0, 1.25)))
    sensitivity = float(f"{sensitivity / FACTORS[unit] * 1e-3:.10g}") if is_ecg else sensitivity
    scale, offset = sensitivity * correction, draw(st.sampled_from((0.0, 0.25, -3.0)))
    channel.ChannelSensitivity, channel.ChannelSensitivityCorrectionFactor = sensitivity, correction
    channel.ChannelBaseline, channel.WaveformBitsStored = float(f"{offset - shift * scale:.10g}"), bits
    channel.ChannelSensitivityUnitsSequence[0].CodeValue = unit
    return FACTORS[unit] if is_ecg else 1.0, float(channel.ChannelBaseline) + shift * scale, scale


def _moved(rows: Sequence[np.ndarray], skews: Sequence[int]) -> np.ndarray:
    """Return (leads, n) samples, each later by its skew."""
    least = min(skews)
    moved = [np.concatenate([np.full(skew - least, np.nan), row]) for row, skew in zip(rows, skews, strict=True)]
    return np.stack([row[: rows[0].size] for row in moved])


def _median_beat(fs: float, named: bool) -> Dataset:
    beat = waveform(np.zeros((round(0.8 * fs), 12), np.int16), [f"2:{SCP[lead]}" for lead in ECG_LEADS], fs=fs)
    beat.WaveformOriginality, beat.MultiplexGroupLabel = "DERIVED", "MEDIAN BEAT" if named else ""
    return beat


@st.composite
def device_files(draw: st.DrawFn) -> Written:
    """Draw the file of a hospital's device: a resting ECG of twelve leads, or a Holter recording of one to three."""
    fs, seconds = draw(st.sampled_from((250, 500, 1000))), draw(st.sampled_from((5, 10)))
    values = twelve_leads(fs, seconds, draw(st.integers(0, 2**32 - 1)))
    kind = draw(st.sampled_from(("aecg", "scp", "muse", "sierra", "ishne")))
    leads = ECG_LEADS
    match kind:
        case "aecg":
            shown = with_calibration(values, fs) if draw(st.booleans()) else values
            data = aecg(shown, fs, beat=draw(st.booleans()))
        case "scp":
            data = scp(values, fs, first=draw(st.sampled_from((0, 1))))
        case "muse":
            data = muse(values, fs)
        case "sierra":
            version, encoding = (
                draw(st.sampled_from(("1.03", "1.04", "1.04.01"))),
                draw(st.sampled_from(("utf-8", "utf-16"))),
            )
            data = sierra(values, fs, version, encoding)
        case _:
            chosen = sorted(draw(st.sets(st.integers(0, 11), min_size=1, max_size=3)))
            leads, values = tuple(ECG_LEADS[i] for i in chosen), values[:, chosen]
            data = ishne(values, fs, leads)
    step = np.full(len(leads), STEP_UV / 1000)
    return Written([Upload("a", data)], Answers(), leads, float(fs), values.T, step, {"kind": kind, "fs": fs})
