"""Studies of the synthetic cohort as an archive holds them: films as CR, ECGs as 12-lead waveforms, reports as SR.

Names, numbers and dates are made up; every object is marked as synthetic in its comments. Units and codes are those of
PS3.16 CID 3001 (leads) and UCUM.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, generate_uid

from engine.study import ECG_LEADS, Film, Trace

NOTE = "synthetic, for demonstration only"
LEADS = dict(
    zip(ECG_LEADS, ("2:1", "2:2", "2:61", "2:62", "2:63", "2:64", *(f"2:{n}" for n in range(3, 9))), strict=True)
)
MICROVOLT = 2.5  # of one stored step
FILM, ECG = "1.2.840.10008.5.1.4.1.1.1", "1.2.840.10008.5.1.4.1.1.9.1.1"  # CR; 12-lead ECG
REPORT = "1.2.840.10008.5.1.4.1.1.88.11"  # Basic Text SR

ANSWERS_S, TRIES = 10.0, 3  # in which an object is acknowledged, and associations without that before it is given up


@dataclass(frozen=True)
class ArchivePatient:
    """Who an object belongs to, as the archive has it.

    visit       : admission number, "" for none
    at          : YYYYMMDDhhmm
    number_from : from what the object's number is made, the same one each time; "" for a new one each time
    """

    number: str
    visit: str = ""
    accession: str = ""
    at: str = "202501010800"
    sex: str = ""
    age: int | None = None
    number_from: str = ""


def film_object(film: Film, patient: ArchivePatient, *, view: str = "PA") -> FileDataset:
    """Return a film as a CR object."""
    made = _object(FILM, "CR", patient)
    made.BodyPartExamined, made.ViewPosition, made.BurnedInAnnotation = "CHEST", view, "NO"
    made.Rows, made.Columns = film.pixels.shape
    made.SamplesPerPixel, made.PhotometricInterpretation, made.PixelRepresentation = 1, "MONOCHROME2", 0
    made.BitsAllocated = 8 * film.pixels.dtype.itemsize
    made.BitsStored, made.HighBit = film.bits, film.bits - 1
    if film.spacing_mm is not None:
        made.ImagerPixelSpacing = list(film.spacing_mm)
    made.add_new(
        "PixelData", "OB" if film.bits <= 8 else "OW", film.pixels.tobytes() + b"\0" * (film.pixels.nbytes % 2)
    )
    return made


def ecg_object(trace: Trace, patient: ArchivePatient) -> FileDataset:
    """Return a calibrated 12-lead ECG as a 12-lead waveform object."""
    made, group = _object(ECG, "ECG", patient), Dataset()
    values = np.rint(np.nan_to_num(trace.samples.T) * 1000 / MICROVOLT)
    group.WaveformOriginality = "ORIGINAL"
    group.NumberOfWaveformSamples, group.NumberOfWaveformChannels = values.shape
    group.SamplingFrequency = trace.fs
    group.WaveformBitsAllocated, group.WaveformSampleInterpretation = 16, "SS"
    group.ChannelDefinitionSequence = [_channel(lead) for lead in trace.leads]
    group.add_new("WaveformData", "OW", values.astype("<i2").tobytes())
    made.WaveformSequence = [group]
    return made


def report_object(words: str, patient: ArchivePatient) -> FileDataset:
    """Return a report as a Basic Text SR (PS3.3 A.35.1, TID 2000) in the study of its film."""
    made = _object(REPORT, "SR", patient)
    made.StudyInstanceUID = _study_number(patient, "CR")
    made.SeriesNumber, made.CompletionFlag, made.VerificationFlag = 2, "COMPLETE", "UNVERIFIED"
    made.ValueType, made.ContinuityOfContent = "CONTAINER", "SEPARATE"
    made.ConceptNameCodeSequence = [_code("18748-4", "LN", "Diagnostic imaging report")]
    made.ReferencedPerformedProcedureStepSequence, made.PerformedProcedureCodeSequence = [], []
    made.SpecificCharacterSet = "ISO_IR 192"
    finding = Dataset()
    finding.RelationshipType, finding.ValueType, finding.TextValue = "CONTAINS", "TEXT", words
    finding.ConceptNameCodeSequence = [_code("121071", "DCM", "Finding")]
    made.ContentSequence = [finding]
    return made


def report_message(words: str, patient: ArchivePatient) -> str:
    """Return a report as an information system sends it: HL7 v2.5.1 ORU^R01, of the accession number of its film."""
    text = words.translate({ord(mark): f"\\{letter}\\" for mark, letter in zip("|^~\\&", "FSRET", strict=True)})
    order, stay = [""] * 26, [""] * 20
    order[0], order[1], order[3], order[7] = "OBR", "1", f"{patient.accession}^SIMRIS", patient.at
    order[4], order[18], order[25] = "18748-4^Diagnostic imaging report^LN", patient.accession, "F"
    stay[0], stay[1], stay[19] = "PV1", "1", patient.visit
    lines = [
        rf"MSH|^~\&|SIMRIS|SIM|CASEBIND||{patient.at}||ORU^R01^ORU_R01|{patient.accession}|P|2.5.1||||||UNICODE UTF-8",
        f"PID|1||{patient.number}^^^SIM^MR||Simulated^{patient.number}",
        "|".join(stay),
        "|".join(order),
        *(f"OBX|{n}|TX|18748-4^^LN||{line}||||||F" for n, line in enumerate(text.splitlines(), start=1)),
    ]
    return "\r".join(lines) + "\r"


def as_file(made: FileDataset) -> bytes:
    """Return an object as the bytes of a DICOM file."""
    buffer = io.BytesIO()
    made.save_as(buffer, enforce_file_format=True)
    return buffer.getvalue()


def cohort_objects(folder: Path, count: int, start: int = 0) -> Iterator[FileDataset]:
    """Yield films and ECGs of a cohort in turn, a patient's next to each other; the cohort anew where it ends.

    folder : of a cohort, with cxr/ and ecg/ · start : the first one's place in that row
    """
    from engine.intake.paths import read_paths

    stems = sorted(file.stem.removesuffix("-ecg") for file in (folder / "ecg").glob("*.hea"))
    stems = [stem for stem in stems if (folder / "cxr" / f"{stem}-cxr.jpg").is_file()]
    for place in range(start, start + count):
        stem, again = stems[place // 2 % len(stems)], place // 2 // len(stems)
        patient = ArchivePatient(f"{stem}-{again}", f"V-{stem}-{again}", f"A{place // 2:07d}")
        if place % 2:
            yield film_object(read_paths([folder / "cxr" / f"{stem}-cxr.jpg"]).film, patient)
        else:
            yield ecg_object(read_paths([folder / "ecg" / f"{stem}-ecg.hea"]).trace, patient)


def _object(sop_class: str, modality: str, patient: ArchivePatient) -> FileDataset:
    meta, sources = FileMetaDataset(), [patient.number_from, modality] if patient.number_from else None
    meta.MediaStorageSOPClassUID = UID(sop_class)
    meta.MediaStorageSOPInstanceUID = generate_uid(entropy_srcs=sources and ["object", *sources])
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    made = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    made.SOPClassUID, made.SOPInstanceUID = UID(sop_class), meta.MediaStorageSOPInstanceUID
    made.StudyInstanceUID = _study_number(patient, modality)
    made.SeriesInstanceUID, made.Modality = generate_uid(entropy_srcs=sources and ["series", *sources]), modality
    made.PatientID, made.PatientName, made.IssuerOfPatientID = patient.number, f"Simulated^{patient.number}", "SIM"
    made.PatientBirthDate, made.PatientSex = "", patient.sex
    if patient.age is not None:
        made.PatientAge = f"{patient.age:03d}Y"
    made.AdmissionID, made.AccessionNumber = patient.visit, patient.accession
    made.StudyID, made.ReferringPhysicianName, made.SeriesNumber, made.InstanceNumber = "", "", 1, 1
    made.StudyDate = made.ContentDate = patient.at[:8]
    made.StudyTime = made.ContentTime = f"{patient.at[8:12]}00"
    made.AcquisitionDateTime = f"{patient.at[:12]}00"
    made.ImageComments = NOTE
    return made


def _study_number(patient: ArchivePatient, modality: str) -> UID:
    return generate_uid(entropy_srcs=[f"study {patient.accession or patient.number} {modality}"])


def _code(value: str, scheme: str, meaning: str) -> Dataset:
    made = Dataset()
    made.CodeValue, made.CodingSchemeDesignator, made.CodeMeaning = value, scheme, meaning
    return made


def _channel(lead: str) -> Dataset:
    channel = Dataset()
    channel.ChannelSourceSequence = [_code(LEADS[lead], "MDC", f"Lead {lead}")]
    channel.ChannelSensitivityUnitsSequence = [_code("uV", "UCUM", "microvolt")]
    channel.ChannelSensitivity, channel.ChannelSensitivityCorrectionFactor, channel.ChannelBaseline = MICROVOLT, 1, 0
    channel.WaveformBitsStored = 16
    return channel


def send(objects: Sequence[FileDataset], address: tuple[str, int], *, title: str, called: str) -> int:
    """Send objects by C-STORE; return how many were acknowledged.

    What was not acknowledged in time is sent again, over another association, as archives do. pynetdicom's own sender
    loses an answer now and then: its reactor may take it before the thread that waits for it.
    """
    done = tries = 0
    while done < len(objects) and tries < TRIES:
        acknowledged = _sent(objects[done:], address, title, called)
        done, tries = done + acknowledged, 0 if acknowledged else tries + 1
    return done


def _sent(objects: Sequence[FileDataset], address: tuple[str, int], title: str, called: str) -> int:
    """Send objects over one association until one is not acknowledged; return how many were."""
    from pynetdicom import AE

    entity = AE(ae_title=title)
    entity.acse_timeout = entity.network_timeout = 120
    entity.dimse_timeout = ANSWERS_S
    for sop_class, syntax in sorted({(str(one.SOPClassUID), str(one.file_meta.TransferSyntaxUID)) for one in objects}):
        entity.add_requested_context(sop_class, syntax)
    association = entity.associate(*address, ae_title=called)
    if not association.is_established:
        return 0
    acknowledged = 0
    for one in objects:
        if not association.is_established or getattr(association.send_c_store(one), "Status", None) != 0:
            break
        acknowledged += 1
    if association.is_established:
        association.release()
    return acknowledged
