"""What every DICOM object shares: deterministic UIDs, pseudonymous patient and study, equipment, private codes."""

from __future__ import annotations

import hashlib
import hmac
import io
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian

from engine import plain_text
from engine.strings import notice, text
from engine.study import Study

SCHEME = "99CASEBIND"
MANUFACTURER = "Casebind"
LO, SH, LT = 64, 16, 10240  # longest values of these representations


@dataclass(frozen=True)
class Owner:
    """Whose object it is: the study's own id, its encounter and its patient, all pseudonyms; and of when."""

    study_id: str
    encounter_id: str
    patient_id: str
    key: bytes
    when: datetime
    version: str
    release: str

    def uid(self, *parts: str) -> UID:
        """Return the UID of these parts, the same for one workspace and another in every other one.

        Derived from a UUID under the root 2.25 (PS3.5 B.2), which nobody needs to register.
        """
        return derived_uid(self.key, *parts)


def derived_uid(key: bytes, *parts: str) -> UID:
    """Return 2.25.<UUID> from a keyed hash of the parts."""
    digest = hmac.new(key, "\x1f".join(parts).encode(), hashlib.sha256).digest()
    return UID(f"2.25.{uuid.UUID(bytes=digest[:16], version=5).int}")


def new_dataset(owner: Owner, study: Study, sop_class: str, modality: str) -> FileDataset:
    """Return a dataset with patient, study, series, equipment and SOP common modules filled in."""
    dataset = FileDataset("", {}, file_meta=FileMetaDataset(), preamble=b"\0" * 128)
    dataset.SpecificCharacterSet = "ISO_IR 192"
    dataset.SOPClassUID = UID(sop_class)
    dataset.SOPInstanceUID = owner.uid("object", owner.study_id)
    _patient(dataset, owner, study)
    _identity(dataset, study)
    dataset.StudyInstanceUID = owner.uid("study", owner.encounter_id)
    dataset.StudyDate, dataset.StudyTime = _acquired(study)
    dataset.StudyID = _short(owner.encounter_id, SH)
    dataset.AccessionNumber = dataset.ReferringPhysicianName = ""
    dataset.SeriesInstanceUID = owner.uid("series", owner.study_id)
    dataset.SeriesNumber, dataset.InstanceNumber = 1, 1
    dataset.SeriesDescription = _short(text("report.series_case", notice=text("notice.short")), LO)
    dataset.Modality = modality
    dataset.Manufacturer, dataset.ManufacturerModelName = MANUFACTURER, MANUFACTURER
    dataset.SoftwareVersions = [_short(owner.version, LO), _short(f"release {owner.release}", LO)]
    dataset.DeviceSerialNumber = _short(owner.release, LO)
    dataset.ContentDate, dataset.ContentTime = f"{owner.when:%Y%m%d}", f"{owner.when:%H%M%S}"
    dataset.InstanceCreationDate, dataset.InstanceCreationTime = dataset.ContentDate, dataset.ContentTime
    return dataset


def _patient(dataset: Dataset, owner: Owner, study: Study) -> None:
    dataset.PatientID = _short(owner.patient_id, LO)
    dataset.PatientName = f"{_short(owner.patient_id, LO - 1).replace('^', '-').replace('=', '-')}^"
    dataset.PatientBirthDate = ""
    sex = str(study.facts.get("sex") or "")
    dataset.PatientSex = sex if sex in ("F", "M", "O") else ""
    age = study.facts.get("age")
    if age is not None:
        dataset.PatientAge = f"{min(int(float(age)), 999):03d}Y"


def _identity(dataset: Dataset, study: Study) -> None:
    """State what can be claimed: text in the pixels of recorded films is never ruled out, so nothing is said of it."""
    synthetic = bool(study.facts.get("synthetic"))
    dataset.DeidentificationMethod = text("report.deid_synthetic" if synthetic else "report.deid_recorded")
    if synthetic or study.modality != "cxr":
        dataset.PatientIdentityRemoved = "YES"


def _acquired(study: Study) -> tuple[str, str]:
    """Return DICOM date and time of "2024-04-14T13:29"; empty where unknown."""
    found = str(study.facts.get("acquired_at") or "")
    try:
        moment = datetime.fromisoformat(found)
    except ValueError:
        return "", ""
    return f"{moment:%Y%m%d}", f"{moment:%H%M%S}" if "T" in found or " " in found else ""


def comment(name: str, study: Study) -> str:
    """Return the words for ImageComments: the notice, what the object is, and whether it is synthetic."""
    mark = f"{text('card.synthetic')}. " if study.facts.get("synthetic") else ""
    return mark + text(f"report.{name}", notice=notice())


def as_waveforms(document: Dataset, referenced: Iterable[Dataset]) -> None:
    """Make the references to waveforms items of value type WAVEFORM, as PS3.3 C.17.3.2.1 asks.

    highdicom writes COMPOSITE for them, which the standard keeps for what is neither image nor waveform.
    """
    waveforms = {str(dataset.SOPInstanceUID) for dataset in referenced if "Rows" not in dataset}
    for item in _items(document):
        if item.ValueType == "COMPOSITE" and str(item.ReferencedSOPSequence[0].ReferencedSOPInstanceUID) in waveforms:
            item.ValueType = "WAVEFORM"


def _items(dataset: Dataset) -> Iterator[Dataset]:
    for item in dataset.get("ContentSequence", []):
        yield item
        yield from _items(item)


def finished(dataset: FileDataset) -> FileDataset:
    """Return the dataset with its file meta information, ready to be written."""
    dataset.file_meta.MediaStorageSOPClassUID = dataset.SOPClassUID
    dataset.file_meta.MediaStorageSOPInstanceUID = dataset.SOPInstanceUID
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    return dataset


def to_bytes(dataset: Dataset) -> bytes:
    """Return the DICOM file."""
    out = io.BytesIO()
    dataset.save_as(out, enforce_file_format=True)
    return out.getvalue()


def private_code(value: str, meaning: str) -> Any:
    """Return a code of Casebind's own scheme."""
    from highdicom.sr import CodedConcept

    return CodedConcept(_short(value, SH), SCHEME, _short(plain_text.one_line(meaning), LO) or "-")


def scheme_identification(owner: Owner) -> Dataset:
    """Return the item that says what 99CASEBIND is (PS3.3 C.12.1.1.16)."""
    item = Dataset()
    item.CodingSchemeDesignator = SCHEME
    item.CodingSchemeName = "Casebind private codes"
    item.CodingSchemeVersion = _short(owner.version, SH)
    item.CodingSchemeResponsibleOrganization = MANUFACTURER
    return item


def _short(words: str, most: int) -> str:
    """Return a value that fits its representation; a backslash would begin a second value."""
    return plain_text.one_line(words).replace("\\", "/")[:most]
