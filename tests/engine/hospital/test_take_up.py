"""What comes from the archive goes through its states into the collection, once, and says why where it does not."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.archive_objects import beside, changed, chest_film, ecg, put
from helpers.burned_in import NAME, NEEDS_OCR, shipped_film, with_words
from helpers.recording_files import as_bytes
from helpers.studies import fill
from pydicom.dataset import FileDataset

from engine.access.sessions import Session
from engine.actor import Actor, single_user
from engine.errors import NotPermittedError, UsageError
from engine.hospital.film_text import LEFT_OUT, NO_PLACE, SAYS_SO, SECONDARY, SEEMS
from engine.hospital.inbox import Inbox
from engine.hospital.inbox_acts import again, clear, inbox_state
from engine.hospital.take_up import BESIDE, OTHER_BYTES, take_up
from engine.hospital.waiting_films import films_that_wait, waiting_film
from engine.intake.burned_in import text_boxes
from engine.intake.identity import previous_patient_key_of
from engine.model.release import Release
from engine.store import arrivals
from engine.store.classes import Attributes
from engine.workspace.agreements import agree
from engine.workspace.erased import add_erased
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
    assert states(workspace) == [("set aside", SAYS_SO)]
    assert len(films_that_wait(workspace, actor=ME)) == 1
    assert again(workspace, actor=ME) == 0  # nobody has said that they looked
    assert again(workspace, burned_in="keep", actor=ME) == 1
    assert take_up(workspace, release).states == {"stored": 1}


@NEEDS_OCR
def test_a_name_in_the_pixels_is_set_aside_until_somebody_has_chosen(workspace, release, inbox):
    put(inbox, [named_film(), chest_film(2)])
    assert take_up(workspace, release).states == {"set aside": 1, "stored": 1}
    assert ("set aside", SEEMS) in states(workspace) and len(films_that_wait(workspace, actor=ME)) == 1
    assert again(workspace, burned_in="black-out", actor=ME) == 1
    assert take_up(workspace, release).states == {"stored": 1}
    (film,) = [one for one in from_archive(workspace) if one.extra.get("burned_in", {}).get("choice")]
    assert film.extra["burned_in"]["choice"] == "black-out" and film.extra["burned_in"]["boxes"]
    study = workspace.study(film.study_id, actor=ME)
    assert study is not None and text_boxes(study.film) == ()
    about = [row.about for row in workspace.audit_rows() if row.kind == "inbox taken up again"]
    assert about == [{"objects": 1, "text": "black-out"}]


def test_films_that_wait_are_looked_at_one_by_one_on_record(workspace, release, inbox):
    put(inbox, [chest_film(number, BurnedInAnnotation="YES") for number in (1, 2)])
    take_up(workspace, release)
    first, second = films_that_wait(workspace, actor=ME)
    shown = waiting_film(workspace, first, actor=ME)
    assert shown.study.modality == "cxr" and "Muster" not in str(shown.study.facts)
    (opened,) = [row for row in workspace.audit_rows() if row.kind == "waiting film opened"]
    assert opened.patients == (first.patient_id,)
    assert again(workspace, burned_in="keep", only=first, actor=ME) == 1
    assert films_that_wait(workspace, actor=ME) == [second]
    with pytest.raises(UsageError, match="waits no longer"):
        waiting_film(workspace, first, actor=ME)
    assert take_up(workspace, release).states == {"stored": 1}
    with pytest.raises(NotPermittedError):
        waiting_film(workspace, second, actor=Actor("eve", sign_in="s", roles=("learner",), signed_in=True))


def test_who_signed_in_sees_what_is_bound_for_cohorts_in_sight_and_for_operations_alone(workspace, release, inbox):
    put(inbox, [chest_film(1, BurnedInAnnotation="YES"), ecg()])
    assert take_up(workspace, release).states == {"set aside": 1, "stored": 1}
    (film,) = films_that_wait(workspace, actor=ME)

    def curator(use: str, department: str) -> Actor:
        return Session("s", "cara", ("curator",), (("department", department),), 60.0, use).actor()

    for use in ("treatment", "teaching", "research"):
        for do in (inbox_state, films_that_wait, again):
            with pytest.raises(NotPermittedError):
                do(workspace, actor=curator(use, "radiology"))
        with pytest.raises(NotPermittedError):
            waiting_film(workspace, film, actor=curator(use, "radiology"))
    radiology, cardiology = (curator("operations", one) for one in ("radiology", "cardiology"))
    found = inbox_state(workspace, actor=radiology)
    patients = {one.patient_id for one in found.newest}
    assert len(found.newest) == 2 and None not in patients
    inbox_state(workspace, actor=radiology, noted=patients)  # the page drawn once more
    read = [row for row in workspace.audit_rows() if row.kind == "inbox read"]
    assert [(row.who, set(row.patients)) for row in read] == [("cara", patients)]
    agree(workspace, "Archive", Attributes(department="cardiology"), actor=ME)
    assert inbox_state(workspace, actor=radiology).newest == films_that_wait(workspace, actor=radiology) == []
    with pytest.raises(NotPermittedError):
        waiting_film(workspace, film, actor=radiology)
    assert again(workspace, burned_in="keep", actor=radiology) == 0
    assert len(inbox_state(workspace, actor=cardiology).newest) == 2
    assert waiting_film(workspace, film, actor=cardiology).study.modality == "cxr"
    assert again(workspace, burned_in="keep", actor=cardiology) == 1


@NEEDS_OCR
def test_a_film_is_left_out_for_good_and_one_without_a_place_is_not_blacked_out(workspace, release, inbox):
    put(inbox, [named_film()])
    take_up(workspace, release)
    assert again(workspace, burned_in="refuse", actor=ME) == 1
    assert states(workspace) == [("refused", LEFT_OUT)] and inbox.waiting() == []
    assert again(workspace, actor=ME) == again(workspace, burned_in="keep", actor=ME) == 0
    put(inbox, [chest_film(2, BurnedInAnnotation="YES")])
    take_up(workspace, release)
    assert again(workspace, burned_in="black-out", actor=ME) == 1
    take_up(workspace, release)
    assert ("set aside", NO_PLACE) in states(workspace) and from_archive(workspace) == []


def test_without_a_look_a_secondary_picture_waits_and_others_come_in(workspace, release, inbox):
    (workspace.path / "pacs.toml").write_text("[listen]\nlook_for_text = false\n", encoding="utf-8")
    copies = [chest_film(2, ConversionType="WSD"), chest_film(3, ImageType=["DERIVED", "SECONDARY"])]
    put(inbox, [chest_film(), *copies])
    assert take_up(workspace, release).states == {"set aside": 2, "stored": 1}
    assert [why for _, why in states(workspace) if why] == [SECONDARY] * 2
    assert again(workspace, burned_in="keep", actor=ME) == 2
    assert take_up(workspace, release).states == {"stored": 2}


def test_who_came_or_was_erased_under_the_pseudonym_of_an_earlier_version_is_known(workspace, release, inbox):
    """Earlier versions made another one of a number without an issuer."""
    previous = f"p-{hashed(2, inbox)[:16]}"
    fill(workspace, 1, patient_id=previous)
    put(inbox, [without_issuer(2)])
    assert take_up(workspace, release).states == {"stored": 1}
    assert [row.patient_id for row in from_archive(workspace)] == [previous]
    add_erased(workspace.path, inbox.key, [f"p-{hashed(3, inbox)[:16]}"], [])
    put(inbox, [without_issuer(3)])
    assert take_up(workspace, release).states == {"refused": 1}
    assert states(workspace)[0] == ("refused", ERASED) and inbox.put_aside() == []


def without_issuer(number: int) -> FileDataset:
    """Return an ECG whose patient's number has no issuer."""
    return changed(ecg(number), IssuerOfPatientID="")


def named_film() -> FileDataset:
    """Return a film with a name in its pixels."""
    one = chest_film()
    pixels = with_words(shipped_film(), NAME, (30, 24))
    one.Rows, one.Columns = pixels.shape
    one.PixelData = pixels.tobytes()
    return one


def hashed(number: int, inbox: Inbox) -> str:
    """Return the keyed hash that earlier versions made of a patient's number."""
    made = previous_patient_key_of(without_issuer(number), inbox.key)
    assert made is not None
    return made


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
