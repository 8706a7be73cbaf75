"""Which way leads to the archive: DICOMweb, or DIMSE where it has none. Both have the same calls and sentences."""

from __future__ import annotations

from engine.hospital.archive import DicomWebArchive
from engine.hospital.dimse import DimseArchive
from engine.hospital.settings import ArchiveSettings

Archive = DicomWebArchive | DimseArchive


def open_archive(settings: ArchiveSettings, *, in_job: bool = False) -> Archive:
    """Return the archive of some settings. in_job: waits longer for an answer, as nobody looks on."""
    if settings.dimse is None:
        return DicomWebArchive(settings, in_job=in_job)
    return DimseArchive(settings, settings.dimse, in_job=in_job)
