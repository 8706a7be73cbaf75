"""What an archive holds: films and ECGs of the shipped cohort as devices store them, and what accompanies them."""

from __future__ import annotations

import io
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from helpers.recording_files import TWELVE_LEAD, as_bytes, dataset, film, waveform
from pydicom import dcmread
from pydicom.dataset import FileDataset
from pydicom.uid import (
    BasicTextSRStorage,
    ComputedRadiographyImageStorage,
    EncapsulatedPDFStorage,
    GrayscaleSoftcopyPresentationStateStorage,
    KeyObjectSelectionDocumentStorage,
    generate_uid,
)

from engine import settings
from engine.hospital.inbox import Inbox
from engine.intake.paths import read_paths
from engine.store.received import Origin

CODES = ("2:1", "2:2", "2:61", "2:62", "2:63", "2:64", *(f"2:{number}" for number in range(3, 9)))
BESIDE = (
    BasicTextSRStorage,
    KeyObjectSelectionDocumentStorage,
    GrayscaleSoftcopyPresentationStateStorage,
    EncapsulatedPDFStorage,
)


def ecg(number: int = 1, **elements: object) -> FileDataset:
    """Return the ECG of a patient of the shipped cohort as a cart stores it."""
    study = read_paths([settings.DEMO / "ecg" / f"syn-{number:04d}-e1-ecg.hea"])
    values = np.nan_to_num(study.trace.samples.T)
    group = waveform(np.rint(values * 1000).astype(np.int16), list(CODES), fs=study.trace.fs)
    return dataset(TWELVE_LEAD, Modality="ECG", WaveformSequence=[group], **_patient(number), **elements)


def chest_film(number: int = 1, **elements: object) -> FileDataset:
    """Return the film of a patient of the shipped cohort as a digitiser stores it."""
    pixels = read_paths([settings.DEMO / "cxr" / f"syn-{number:04d}-e1-cxr.jpg"]).film.pixels
    made = film(pixels.astype(np.uint8), bits=8, Modality="CR", **_patient(number), **elements)
    made.SOPClassUID = made.file_meta.MediaStorageSOPClassUID = ComputedRadiographyImageStorage
    return made


def beside(number: int = 1) -> FileDataset:
    """Return an object that accompanies others; each number another kind in turn."""
    kind = BESIDE[number % len(BESIDE)]
    return dataset(kind, Modality="SR", ContentSequence=[], **_patient(number))


def changed(one: FileDataset, **elements: object) -> FileDataset:
    """Return a copy of an object under the same number with other elements."""
    copy = dcmread(io.BytesIO(as_bytes(one)))
    for keyword, value in elements.items():
        setattr(copy, keyword, value)
    return copy


def put(inbox: Inbox, objects: Sequence[FileDataset], sender: str = "CART", cohort: str = "Archive") -> None:
    """Put objects into an inbox as the listener does."""
    for one in objects:
        inbox.receive(str(one.SOPInstanceUID), as_bytes(one), Origin(one.SOPClassUID.name, sender, cohort))


def wait_until(holds: Callable[[], bool], seconds: float = 120.0) -> None:
    """Wait until something holds, for as long as a busy machine may need; fail with its name where it does not."""
    last = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < last, holds
        time.sleep(0.02)


def pacs_file(workspace: Path, words: str) -> None:
    """Write the settings of the archive into a workspace."""
    (workspace / "pacs.toml").write_text(words, encoding="utf-8")


def listen_command(workspace: Path) -> list[str]:
    """Return the words that start the listener of a workspace."""
    return [sys.executable, "-m", "engine.cli", "listen", "--workspace", str(workspace)]


def _patient(number: int) -> dict[str, object]:
    visit = f"A{number}"
    return {
        "PatientID": f"H{number:05d}",
        "IssuerOfPatientID": "WARD",
        "PatientName": f"Muster^Nummer{number}",
        "AdmissionID": visit,
        "AccessionNumber": f"ACC{number:05d}",
        "StudyInstanceUID": generate_uid(entropy_srcs=[f"study {number}"]),
        "SeriesInstanceUID": generate_uid(),
    }
