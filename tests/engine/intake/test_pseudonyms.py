"""One number is one patient, whatever names it; nobody is made of blanks."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.recording_files import as_bytes, film, wfdb_uploads

from engine.intake import Upload, read
from engine.intake.pseudonyms import patient_key, patient_pseudonym, shown_pseudonym

KEY, NUMBER = b"a workspace's secret", "4711-08"


def dicom(**elements: str) -> str | None:
    return read([Upload("a.dcm", as_bytes(film(**elements)))], key=KEY).patient_key


def test_one_number_is_one_patient_in_a_film_a_comment_and_a_manifest(tmp_path: Path) -> None:
    uploads = wfdb_uploads(tmp_path, comments=[f"MRN: {NUMBER}", "Name: Jane Roe"])
    traced = read(uploads, key=KEY)
    assert traced.patient_key == dicom(PatientID=f" {NUMBER} ") == patient_key(KEY, NUMBER)
    assert shown_pseudonym(traced.patient_key) == patient_pseudonym(KEY, NUMBER)
    assert NUMBER not in str((traced.facts, traced.identity))


def test_a_number_of_another_issuer_or_workspace_is_another_patient() -> None:
    keys = {dicom(PatientID=NUMBER), dicom(PatientID=NUMBER, IssuerOfPatientID="NORTH"), patient_key(b"two", NUMBER)}
    assert len(keys) == 3 and None not in keys


@pytest.mark.parametrize("comment", ["<subject_id>: 4711-08", "Patient ID = 4711-08", "patient number: 4711-08"])
def test_comments_name_a_patient_in_the_ways_of_archives(tmp_path: Path, comment: str) -> None:
    assert read(wfdb_uploads(tmp_path, comments=[comment]), key=KEY).patient_key == patient_key(KEY, NUMBER)


def test_a_blank_or_anonymised_number_is_nobody(tmp_path: Path) -> None:
    assert [patient_pseudonym(KEY, one) for one in ("", "  ", "XXXX", "-")] == [""] * 4
    assert read(wfdb_uploads(tmp_path, comments=["Age: 40", "patient id:"]), key=KEY).patient_key is None
