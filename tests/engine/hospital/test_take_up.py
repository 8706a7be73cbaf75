"""What comes from the archive goes through its states into the collection, once, and says why where it does not."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.archive_objects import beside, changed, chest_film, ecg, put
from helpers.recording_files import as_bytes

from engine.actor import single_user
from engine.errors import UsageError
from engine.hospital.inbox import Inbox
from engine.hospital.inbox_acts import again, clear, inbox_state
from engine.hospital.take_up import BESIDE, BURNED_IN, OTHER_BYTES, take_up
from engine.model.release import Release
from engine.store import arrivals
from engine.workspace.erasure import erase
from engine.workspace.ingest import ERASED
from engine.workspace.workspace import Workspace

ME = single_user()


@pytest.fixture
def inbox(workspace: Workspace):
    with Inbox(workspace.path) as opened:
        yield opened


def states(place: Workspace) -> list[tuple[str, str]]:
    return [(one.state, one.why) for one in arrivals.newest(place.database)]


def from_archive(place: Workspace):
    return [row for row in place.all_rows() if row.cohort == "Archive"]


def test_a_film_and_an_ecg_of_a_visit_are_stored_without_what_names_their_patient(workspace, release: Release, inbox):
    put(inbox, [chest_film(), ecg()])
    assert take_up(workspace, release).states == {"stored": 2}
    film, recording = sorted(from_archive(workspace), key=lambda row: row.modality)
    assert (film.modality, recording.modality) == ("cxr", "ecg")
    assert film.patient_id == recording.patient_id and film.encounter_id == recording.encounter_id
    named = (b"Muster", b"H00001", b"ACC00001")
    files = [path for path in workspace.path.rglob("*") if path.is_file() and path.suffix != ".wal"]
    assert [path.name for path in files if any(word in path.read_bytes() for word in named)] == []
    assert inbox.waiting() == [] and inbox.put_aside() == []
    acts = [row for row in workspace.audit_rows() if row.kind == "object taken up"]
    assert {row.returned for row in acts} == {(film.study_id,), (recording.study_id,)}


def test_every_state_is_on_record(workspace, release, inbox):
    put(inbox, [ecg()])
    take_up(workspace, release)
    rows = workspace.database.read("SELECT state FROM arrivals ORDER BY number")
    assert [state for (state,) in rows] == ["received", "de-identified", "judged", "stored"]


def test_what_accompanies_films_is_kept_aside_and_damage_is_refused_with_its_reason(workspace, release, inbox):
    damaged = ecg(2)
    del damaged.WaveformSequence
    put(inbox, [beside(number) for number in range(4)] + [damaged])
    assert take_up(workspace, release).states == {"set aside": 4, "refused": 1}
    found = states(workspace)
    assert found.count(("set aside", BESIDE)) == 4
    assert [why for state, why in found if state == "refused"] == [
        "The DICOM file holds neither an image nor a waveform, or was cut off: export the film or the recording itself."
    ]
    assert len(inbox.put_aside()) == 5 and from_archive(workspace) == []


def test_the_same_object_sent_twice_is_stored_once_and_other_bytes_under_its_number_are_set_aside(
    workspace, release, inbox
):
    first = ecg()
    put(inbox, [first, first])
    take_up(workspace, release)
    put(inbox, [first])
    assert (again_taken := take_up(workspace, release)).known == 1 and not again_taken.states
    put(inbox, [changed(first, PatientName="Muster^Korrigiert")])
    assert take_up(workspace, release).states == {"set aside": 1}
    assert states(workspace)[0] == ("set aside", OTHER_BYTES)
    assert len(from_archive(workspace)) == 1 and len(inbox.put_aside()) == 1


def test_two_objects_under_one_number_at_once_are_one_study_and_one_flag(workspace, release, inbox):
    first = ecg()
    put(inbox, [first, changed(first, PatientName="Muster^Korrigiert")])
    assert take_up(workspace, release).states == {"set aside": 1, "stored": 1}


def test_text_in_the_picture_waits_for_somebody_who_looks(workspace, release, inbox):
    put(inbox, [chest_film(BurnedInAnnotation="YES")])
    take_up(workspace, release)
    assert states(workspace) == [("set aside", BURNED_IN)]
    assert inbox_state(workspace, actor=ME).looked == 1
    assert again(workspace, actor=ME) == 0  # nobody has said that they looked
    assert again(workspace, looked=True, actor=ME) == 1
    assert take_up(workspace, release).states == {"stored": 1}


def test_what_was_refused_is_tried_again_when_somebody_asks(workspace, release, inbox):
    damaged = ecg(3)
    del damaged.WaveformSequence
    put(inbox, [damaged])
    take_up(workspace, release)
    assert again(workspace, actor=ME) == 1 and len(inbox.waiting()) == 1
    assert take_up(workspace, release).states == {"refused": 1}
    with pytest.raises(UsageError, match="negative"):
        clear(workspace, -1, actor=ME)
    assert clear(workspace, 1, actor=ME) == 0
    assert clear(workspace, 0, actor=ME) == 1
    assert inbox.put_aside() == [] and states(workspace) == []


def test_a_corrected_object_takes_the_place_of_one_that_was_refused(workspace, release, inbox):
    whole, damaged = ecg(3), ecg(3)
    damaged.SOPInstanceUID = damaged.file_meta.MediaStorageSOPInstanceUID = whole.SOPInstanceUID
    del damaged.WaveformSequence
    put(inbox, [damaged])
    take_up(workspace, release)
    put(inbox, [whole])
    assert take_up(workspace, release).states == {"stored": 1}


def test_who_was_erased_is_refused_and_nothing_of_them_stays(workspace, release, inbox):
    put(inbox, [ecg(), beside(1), ecg(2)])
    take_up(workspace, release)
    (patient,) = {row.patient_id for row in from_archive(workspace)} - {p_of(2, workspace, inbox)}
    assert len(inbox.put_aside()) == 1
    certificate = erase(workspace.storage, [patient], actor=ME)
    assert certificate.whole and inbox.put_aside() == []
    put(inbox, [ecg()])
    assert take_up(workspace, release).states == {"refused": 1}
    assert states(workspace)[0] == ("refused", ERASED)
    assert inbox.put_aside() == [] and inbox.waiting() == []


def p_of(number: int, place: Workspace, inbox: Inbox) -> str:
    from engine.hospital.header import header_of

    file = Path(place.path / "probe.dcm")
    file.write_bytes(as_bytes(ecg(number)))
    found = header_of(file, inbox.key)
    file.unlink()
    assert found is not None and found.patient_key is not None
    return f"p-{found.patient_key[:16]}"
