"""ECGs in millivolts as DICOM waveforms: 12-lead, General or Ambulatory ECG Waveform Storage, whichever may hold it."""

from __future__ import annotations

import numpy as np
from pydicom.dataset import Dataset, FileDataset
from pydicom.uid import AmbulatoryECGWaveformStorage, GeneralECGWaveformStorage, TwelveLeadECGWaveformStorage

from engine.report.dicom.common import Owner, comment, finished, new_dataset
from engine.study import ECG_LEADS, Study, Trace

STEP_MV = 0.001  # one count is 1 µV; what is stored is off by at most half of it
MAX_COUNT = 32767
PADDING = -32768  # stands for a missing sample
TWELVE_LEAD_SAMPLES = 16384  # PS3.3 A.34.3.4.3
GENERAL_HZ, AMBULATORY_HZ = (200, 1000), (50, 1000)  # PS3.3 A.34.4.4.4 and A.34.5.4.4
# PS3.16 CID 3001 "ECG Lead": ISO/IEEE 11073-10101 codes under MDC
LEAD_CODES = {
    "I": "2:1",
    "II": "2:2",
    "III": "2:61",
    "aVR": "2:62",
    "aVL": "2:63",
    "aVF": "2:64",
    "V1": "2:3",
    "V2": "2:4",
    "V3": "2:5",
    "V4": "2:6",
    "V5": "2:7",
    "V6": "2:8",
}
LEAD_NAMES = {lead: f"Lead {lead}" for lead in LEAD_CODES}


def storage_class(trace: Trace) -> str | None:
    """Return the storage class that may hold this trace unchanged, or None where none may.

    No sample is made up: an ECG below 200 Hz is an Ambulatory ECG, whose class allows 50 Hz on.
    """
    if trace.units != "mV" or not set(trace.leads) <= set(ECG_LEADS) or not 1 <= len(trace.leads) <= 12:
        return None
    if np.nanmax(np.abs(trace.samples), initial=0.0) > MAX_COUNT * STEP_MV:
        return None
    n = trace.samples.shape[1]
    if GENERAL_HZ[0] <= trace.fs <= GENERAL_HZ[1]:
        twelve = len(trace.leads) == 12 and n <= TWELVE_LEAD_SAMPLES
        return str(TwelveLeadECGWaveformStorage if twelve else GeneralECGWaveformStorage)
    return str(AmbulatoryECGWaveformStorage) if AMBULATORY_HZ[0] <= trace.fs < GENERAL_HZ[0] else None


def waveform_object(study: Study, trace: Trace, owner: Owner, sop_class: str) -> FileDataset:
    """Return the ECG with all its samples."""
    dataset = new_dataset(owner, study, sop_class, "ECG")
    moment = dataset.StudyDate + dataset.StudyTime if dataset.StudyDate else f"{owner.when:%Y%m%d%H%M%S}"
    dataset.AcquisitionDateTime = moment
    dataset.AcquisitionContextSequence = []
    dataset.WaveformSequence = [_group(trace)]
    dataset.WaveformAnnotationSequence = [_annotation(comment("comment_trace", study))]
    return finished(dataset)


def _annotation(words: str) -> Dataset:
    """Return words that viewers show with the whole recording."""
    item = Dataset()
    item.ReferencedWaveformChannels = [1, 0]
    item.UnformattedTextValue = words
    return item


def _group(trace: Trace) -> Dataset:
    """Return the multiplex group of all leads."""
    counts = np.rint(trace.samples.astype(np.float64) / STEP_MV)
    counts = np.where(np.isfinite(counts), counts, PADDING).astype("<i2")  # (leads, n)
    item = Dataset()
    item.WaveformOriginality = "ORIGINAL"
    item.NumberOfWaveformChannels = len(trace.leads)
    item.NumberOfWaveformSamples = trace.samples.shape[1]
    item.SamplingFrequency = f"{trace.fs:.10g}"
    item.MultiplexGroupLabel = "RHYTHM"
    item.ChannelDefinitionSequence = [_channel(lead) for lead in trace.leads]
    item.WaveformBitsAllocated = 16
    item.WaveformSampleInterpretation = "SS"
    item.add_new("WaveformPaddingValue", "OW", np.array(PADDING, "<i2").tobytes())
    item.add_new("WaveformData", "OW", np.ascontiguousarray(counts.T).tobytes())
    return item


def _channel(lead: str) -> Dataset:
    item = Dataset()
    item.ChannelLabel = lead
    item.ChannelSourceSequence = [_code(LEAD_CODES[lead], "MDC", LEAD_NAMES[lead])]
    item.ChannelSensitivity = str(STEP_MV)
    item.ChannelSensitivityUnitsSequence = [_code("mV", "UCUM", "mV")]
    item.ChannelSensitivityCorrectionFactor = "1"
    item.ChannelBaseline = "0"
    item.ChannelSampleSkew = "0"
    item.WaveformBitsStored = 16
    return item


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    item = Dataset()
    item.CodeValue, item.CodingSchemeDesignator, item.CodeMeaning = value, scheme, meaning
    return item
