"""Real files for the intake tests, written by the formats' own libraries; every signal and film is made up here."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

from engine.intake import Upload

LEADS = ("I", "II", "III", "aVR", "aVL", "aVF", "V1", "V2", "V3", "V4", "V5", "V6")
DX = "1.2.840.10008.5.1.4.1.1.1.1"
TWELVE_LEAD = "1.2.840.10008.5.1.4.1.1.9.1.1"
PULSE = "1.2.840.10008.5.1.4.1.1.9.5.1"


def signals(n_leads: int = 12, fs: float = 100, seconds: float = 10, seed: int = 0) -> np.ndarray:
    """Return (n, leads) millivolts: each lead a sine of its own frequency and size, so that mix-ups show."""
    t = np.arange(round(fs * seconds)) / fs
    phase = np.random.default_rng(seed).uniform(0, np.pi, n_leads)
    return np.stack(
        [(0.3 + 0.1 * i) * np.sin(2 * np.pi * (1 + 0.2 * i) * t + phase[i]) for i in range(n_leads)], axis=1
    )


def wfdb_uploads(folder: Path, name: str = "rec", **options: object) -> list[Upload]:
    """Write a record with wfdb.wrsamp and return its files as uploads."""
    import wfdb

    values = options.pop("values", None)
    values = signals() if values is None else values
    n = values.shape[1]  # type: ignore[union-attr]
    arguments = {"fs": 100, "units": ["mV"] * n, "sig_name": list(LEADS[:n]), "fmt": ["16"] * n} | options
    wfdb.wrsamp(name, p_signal=values, write_dir=str(folder), **arguments)
    return [Upload(path.name, path.read_bytes()) for path in sorted(folder.glob(f"{name}*"))]


def chest(height: int = 96, width: int = 80, bits: int = 12, seed: int = 1) -> np.ndarray:
    """Return (height, width) stored values over the whole range of `bits`, smooth enough for every codec."""
    y, x = np.mgrid[0:height, 0:width]
    smooth = 0.5 + 0.3 * np.sin(x / 9) * np.cos(y / 13) + 0.2 * np.random.default_rng(seed).random((height, width))
    smooth[0, 0], smooth[0, 1] = 0.0, 1.0
    scaled = (smooth - smooth.min()) / (smooth.max() - smooth.min()) * (2**bits - 1)
    return np.rint(scaled).astype(np.uint8 if bits <= 8 else np.uint16)


def dataset(sop_class: str, **elements: object) -> FileDataset:
    """Return a minimal DICOM file with a patient; elements are set by keyword."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = sop_class
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    ds.SOPClassUID, ds.SOPInstanceUID = sop_class, meta.MediaStorageSOPInstanceUID
    ds.StudyInstanceUID, ds.SeriesInstanceUID = generate_uid(), generate_uid()
    ds.PatientName, ds.PatientID, ds.PatientSex, ds.PatientAge = "Doe^Jane", "4711", "F", "063Y"
    ds.StudyDate = "20230504"
    for keyword, value in elements.items():
        setattr(ds, keyword, value)
    return ds


def film(pixels: np.ndarray | None = None, bits: int = 12, **elements: object) -> FileDataset:
    """Return a DX film of stored values `pixels`."""
    pixels = chest(bits=bits) if pixels is None else pixels
    ds = dataset(DX, Modality="DX", BodyPartExamined="CHEST", ViewPosition="PA", BurnedInAnnotation="NO")
    ds.Rows, ds.Columns = pixels.shape[:2]
    ds.SamplesPerPixel, ds.PhotometricInterpretation = 1, "MONOCHROME2"
    ds.BitsAllocated = 8 * pixels.dtype.itemsize
    ds.BitsStored, ds.HighBit = bits, bits - 1
    ds.PixelRepresentation = int(pixels.dtype.kind == "i")
    ds.ImagerPixelSpacing = [0.14, 0.14]
    ds.PixelData = pixels.tobytes()
    ds["PixelData"].VR = "OB" if pixels.dtype.itemsize == 1 else "OW"
    for keyword, value in elements.items():
        setattr(ds, keyword, value)
    return ds


def waveform(values: np.ndarray, codes: list[str], fs: float = 500, unit: str = "uV", **group: object) -> Dataset:
    """Return one multiplex group of (n, channels) stored int16 values with a sensitivity of 2.5 units."""
    item = Dataset()
    item.WaveformOriginality = "ORIGINAL"
    item.NumberOfWaveformSamples, item.NumberOfWaveformChannels = values.shape
    item.SamplingFrequency = fs
    item.WaveformBitsAllocated, item.WaveformSampleInterpretation = 16, "SS"
    item.ChannelDefinitionSequence = [_channel(code, unit) for code in codes]
    item.WaveformData = values.astype("<i2").tobytes()
    item["WaveformData"].VR = "OW"
    for keyword, value in group.items():
        setattr(item, keyword, value)
    return item


def _channel(code: str, unit: str) -> Dataset:
    channel, source, units = Dataset(), Dataset(), Dataset()
    source.CodeValue, source.CodingSchemeDesignator, source.CodeMeaning = code, "MDC", "some lead"
    units.CodeValue, units.CodingSchemeDesignator, units.CodeMeaning = unit, "UCUM", "unit"
    channel.ChannelSourceSequence = [source]
    channel.ChannelSensitivityUnitsSequence = [units]
    channel.ChannelSensitivity, channel.ChannelSensitivityCorrectionFactor, channel.ChannelBaseline = 2.5, 1.0, 0.0
    channel.WaveformBitsStored = 16
    return channel


def as_bytes(ds: FileDataset) -> bytes:
    """Return a dataset as a DICOM file."""
    buffer = io.BytesIO()
    ds.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def zipped(members: dict[str, bytes], compression: int = zipfile.ZIP_DEFLATED) -> bytes:
    """Return a zip archive of the members."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", compression) as archive:
        for name, data in members.items():
            archive.writestr(name, data)
    return buffer.getvalue()
