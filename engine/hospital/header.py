"""The few elements of an object that are read before it is de-identified: what it is, whose, of which visit."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from pydicom import dcmread
from pydicom.dataset import FileDataset

from engine.intake.dicom import WithinLimits
from engine.intake.identity import patient_key_of, previous_patient_key_of
from engine.intake.pseudonyms import patient_key, pseudonym

READ = (
    *("SOPClassUID", "PatientID", "IssuerOfPatientID", "AdmissionID", "StudyInstanceUID", "AccessionNumber"),
    *("BurnedInAnnotation", "ImageType", "ConversionType", "Modality"),
)
COPIES = {"DF", "WSD"}  # conversion types: digitised film, workstation


@dataclass(frozen=True)
class ObjectHeader:
    """What an object says of itself.

    patient_key  : keyed hash of its patient's number and that number's issuer; None where it names nobody
    previous_key : the keyed hash that earlier versions made of a number without an issuer; None for others
    visit        : pseudonym of its visit, or of its study where it names no visit; "" without a patient
    burned_in    : whether it says that text is burned into the picture
    secondary    : whether it says that its picture was made of another one, or of no such device
    accession    : hash of its accession number, by which a report finds it; "" for none
    """

    sop_class: str
    patient_key: str | None
    visit: str
    burned_in: bool
    previous_key: str | None = None
    secondary: bool = False
    accession: str = ""


def accession_key(number: str, key: bytes) -> str:
    """Return the hash of an accession number; "" for a blank one."""
    return (pseudonym(key, f"accession {number.strip()}") or "") if number.strip() else ""


def visit_key(patient: str, issuer: str, number: str, key: bytes) -> str:
    """Return the encounter of a visit number, or study instance UID, of a patient; "" where either is blank."""
    return _visit(patient_key(key, patient, issuer), number, key)


def _visit(patient: str | None, number: str, key: bytes) -> str:
    visit = pseudonym(key, f"visit {patient} {number}") if number and patient else None
    return f"v-{visit[:16]}" if visit else ""


def header_of(file: Path, key: bytes) -> ObjectHeader | None:
    """Return the header of a DICOM file; None where it has none that can be read."""
    try:
        data = file.read_bytes()
        found = dcmread(WithinLimits(data), stop_before_pixels=True, specific_tags=list(READ))
        return _header(found, key)
    except OSError:
        raise
    except Exception:  # pydicom raises many kinds of errors on damaged files
        return None


def _header(found: FileDataset, key: bytes) -> ObjectHeader | None:
    sop_class = str(found.get("SOPClassUID") or "")
    if not sop_class:
        return None
    patient = patient_key_of(found, key)
    named = next((word for name in ("AdmissionID", "StudyInstanceUID") if (word := str(found.get(name) or ""))), "")
    burned_in = str(found.get("BurnedInAnnotation") or "").strip().upper() == "YES"
    copied = "SECONDARY" in str(found.get("ImageType") or "").upper()
    copied |= str(found.get("ConversionType") or "").strip().upper() in COPIES
    copied |= str(found.get("Modality") or "").strip().upper() == "OT"
    previous = previous_patient_key_of(found, key)
    accession = accession_key(str(found.get("AccessionNumber") or ""), key)
    return ObjectHeader(sop_class, patient, _visit(patient, named, key), burned_in, previous, copied, accession)
