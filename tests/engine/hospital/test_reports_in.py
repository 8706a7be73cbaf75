"""Reports come in by HL7 v2 and FHIR R4, meet the study of their visit, and correct what came before."""

from __future__ import annotations

import base64
import os
import random
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.archive_objects import chest_film, ecg, put
from helpers.archive_processes import Killable, taking_up
from helpers.report_messages import listening_for_reports, message, reports_sent, resource

from engine.actor import single_user
from engine.cli import run
from engine.hospital.inbox import Inbox
from engine.hospital.incoming_report import NO_TEXT
from engine.hospital.report_files import add_report_file
from engine.hospital.report_take_up import (
    CANCELLED,
    NOBODY,
    OTHER_BEFORE,
    OTHER_PATIENT,
    PRELIMINARY,
    SUPERSEDED,
    UNMATCHED,
)
from engine.hospital.take_up import take_up
from engine.model.release import Release
from engine.store import arrivals
from engine.store.arrivals import LAST
from engine.workspace.workspace import Workspace, open_workspace

KILLS = int(os.environ.get("CASEBIND_KILLS", 4))
BETWEEN_S = 0.05  # two messages; each is stored by itself, and the last take-up has those that are left


@pytest.fixture
def inbox(workspace: Workspace) -> Iterator[Inbox]:
    with Inbox(workspace.path) as opened:
        yield opened


def came(place: Workspace, data: bytes, name: str = "report.hl7") -> None:
    file = place.path.parent / name
    file.write_bytes(data)
    add_report_file(place.path, file, actor=single_user())


def texts(place: Workspace) -> list[str]:
    rows = [row for row in place.all_rows() if row.cohort == "Archive" and row.modality == "text"]
    return [place.study_of(row).note.text for row in rows]


def changes(place: Workspace) -> int:
    """Return how many transactions were committed so far."""
    sql = "SELECT last_value FROM duckdb_sequences() WHERE sequence_name = 'commit_number'"
    with place.database.snapshot() as cursor:
        return int(cursor.execute(sql).fetchall()[0][0])


def last(place: Workspace) -> tuple[str, str]:
    found = arrivals.newest(place.database, 1)[0]
    return found.state, found.why


def test_a_message_joins_the_visit_of_its_accession_without_what_names_its_patient(workspace, release: Release, inbox):
    (workspace.path / "pacs.toml").write_text("[hl7]\nlabels = true\n")
    put(inbox, [chest_film()])
    came(workspace, message("Mr Muster, H00001: cardiomegaly.", "No pleural effusion."))
    assert take_up(workspace, release).states == {"stored": 2}
    film, report = sorted((r for r in workspace.all_rows() if r.cohort == "Archive"), key=lambda row: row.modality)
    assert (film.modality, report.modality) == ("cxr", "text")
    assert (film.patient_id, film.encounter_id) == (report.patient_id, report.encounter_id)
    assert report.labels == ("cardiomegaly",) and report.label_source == "from report"
    assert "Muster" not in texts(workspace)[0] and "H00001" not in texts(workspace)[0]
    assert inbox.waiting() == [] and inbox.put_aside() == []
    files = [path for path in workspace.path.rglob("*") if path.is_file()]
    assert [path.name for path in files if b"ACC00001" in path.read_bytes()] == []


def test_a_report_waits_for_its_study_and_joins_when_it_comes(workspace, release, inbox):
    came(workspace, message("Clear lungs."))
    assert take_up(workspace, release).states == {"set aside": 1}
    assert last(workspace) == ("set aside", UNMATCHED)
    put(inbox, [ecg(2)])
    assert take_up(workspace, release).states == {"stored": 1}  # of somebody else
    put(inbox, [chest_film()])
    assert take_up(workspace, release).states == {"stored": 2}
    assert texts(workspace) == ["Clear lungs."] and inbox.put_aside() == []


def test_visit_number_and_day_match_where_no_accession_does(workspace, release, inbox):
    put(inbox, [chest_film(StudyDate="20250310"), ecg(2)])
    came(workspace, message("Clear lungs.", accession="", visit="A1"))
    came(workspace, message("Large heart.", accession="", day="20250311", control="2", filler="F2"))
    came(workspace, message("Small heart.", accession="", day="20250313", control="3", filler="F3"))
    assert take_up(workspace, release).states == {"stored": 4, "set aside": 1}
    assert sorted(texts(workspace)) == ["Clear lungs.", "Large heart."]


def test_a_report_of_another_patient_under_the_accession_is_not_joined(workspace, release, inbox):
    put(inbox, [chest_film()])
    came(workspace, message("Clear lungs.", patient="H00009"))
    take_up(workspace, release)
    assert last(workspace) == ("set aside", OTHER_PATIENT) and texts(workspace) == []


def test_a_number_without_its_issuer_and_no_number_at_all_are_not_joined(workspace, release, inbox):
    put(inbox, [chest_film()])
    narrative = {"status": "generated", "div": "<div>Clear lungs.</div>"}
    came(workspace, resource(issuer="", text=narrative), "one.json")
    assert take_up(workspace, release).states == {"stored": 1, "set aside": 1}
    assert last(workspace) == ("set aside", OTHER_PATIENT)
    came(workspace, message("Clear lungs.", patient=""))
    assert take_up(workspace, release).states == {"set aside": 1}
    assert last(workspace) == ("set aside", NOBODY)
    assert texts(workspace) == [] and len(inbox.put_aside()) == 2


def test_corrections_replace_and_late_preliminary_and_cancelled_ones_do_not_come_in(workspace, release, inbox):
    put(inbox, [chest_film()])
    for control, (words, status, expected) in enumerate(
        (
            ("First look.", "P", ("set aside", PRELIMINARY)),
            ("Clear lungs.", "F", ("stored", "")),
            ("Left effusion.", "C", ("stored", "")),
            ("Clear lungs, late.", "F", ("set aside", SUPERSEDED)),
        )
    ):
        came(workspace, message(words, status=status, control=str(control)))
        take_up(workspace, release)
        assert last(workspace) == expected
    assert texts(workspace) == ["Left effusion."]
    came(workspace, message("Left effusion.", status="X", control="9"))
    take_up(workspace, release)
    assert last(workspace) == ("set aside", CANCELLED) and texts(workspace) == []


def test_reports_of_different_numbers_are_stored_at_once_and_a_correction_after_what_it_corrects(
    workspace: Workspace, release: Release, inbox: Inbox
):
    put(inbox, [chest_film()])
    take_up(workspace, release)
    before = changes(workspace)
    for number in range(8):
        came(workspace, message(f"Finding {number}.", filler=f"F{number}", control=str(number)))
    came(workspace, message("Finding 3, corrected.", filler="F3", status="C", control="9"))
    assert take_up(workspace, release).states == {"stored": 9}
    assert sorted(texts(workspace)) == sorted(
        [f"Finding {number}." for number in range(8) if number != 3] + ["Finding 3, corrected."]
    )
    assert changes(workspace) - before < 2 * 9  # each by itself takes three and more


def test_a_report_number_that_another_patient_had_neither_replaces_nor_cancels(workspace, release, inbox):
    put(inbox, [chest_film(), chest_film(2)])
    came(workspace, message("Clear lungs."))
    assert take_up(workspace, release).states == {"stored": 3}
    for control, status in (("2", "C"), ("3", "X")):
        came(workspace, message("Large heart.", status=status, control=control, patient="H00002", accession="ACC00002"))
        take_up(workspace, release)
        assert last(workspace) == ("set aside", OTHER_BEFORE)
    assert texts(workspace) == ["Clear lungs."]


def test_a_number_without_an_issuer_on_the_film_needs_more_than_a_day(workspace, release, inbox):
    film = chest_film(StudyDate="20250310")
    film.IssuerOfPatientID = ""
    put(inbox, [film])
    came(workspace, message("By day.", accession="", day="20250310", filler="F2"))
    came(workspace, message("By accession.", control="2"))
    assert take_up(workspace, release).states == {"stored": 2, "set aside": 1}
    assert texts(workspace) == ["By accession."]


def test_a_report_joins_after_a_take_up_that_was_stopped_before_it_asked(workspace, release, inbox):
    came(workspace, message("Clear lungs."))
    take_up(workspace, release)
    put(inbox, [chest_film()])
    stopped = iter([False, False, True])
    assert take_up(workspace, release, stopped=lambda: next(stopped)).states == {"stored": 1}
    assert texts(workspace) == []
    assert take_up(workspace, release).states == {"stored": 1}
    assert texts(workspace) == ["Clear lungs."]


def test_short_names_go_and_words_of_every_sentence_stay(workspace, release, inbox):
    put(inbox, [chest_film()])
    named = message("WU, Wu and wu; von der Lunge: klar.").replace(b"Muster^Nummer1", b"Wu^von der")
    came(workspace, named)
    take_up(workspace, release)
    assert texts(workspace) == ["[name], [name] and wu; von der Lunge: klar."]


def test_a_report_that_is_too_long_or_of_an_impossible_day_does_not_stop_the_others(workspace, release, inbox):
    put(inbox, [chest_film()])
    came(workspace, message("x" * 30_000))
    came(workspace, message("Clear lungs.", accession="", day="99999999", control="2"))
    came(workspace, message("Large heart.", control="3", filler="F3"))
    assert take_up(workspace, release).states == {"stored": 2, "refused": 1, "set aside": 1}


def test_the_same_message_and_the_same_text_come_once(workspace, release, inbox):
    put(inbox, [chest_film()])
    came(workspace, message("Clear lungs."))
    take_up(workspace, release)
    came(workspace, message("Clear lungs."))
    assert take_up(workspace, release).known == 1
    came(workspace, message("Clear lungs.", control="again"))
    take_up(workspace, release)
    assert texts(workspace) == ["Clear lungs."] and inbox.waiting() == []
    came(workspace, message("Large heart.", filler="F2"))  # of a sender that counts anew each day
    assert take_up(workspace, release).states == {"stored": 1}


def test_a_bundle_of_fhir_is_matched_by_its_order_and_amended(workspace, release, inbox):
    put(inbox, [chest_film()])
    shown = [{"contentType": "text/plain; charset=utf-8", "data": base64.b64encode("Herz groß.".encode()).decode()}]
    came(workspace, resource(presentedForm=shown, conclusion="Kardiomegalie."), "one.json")
    assert take_up(workspace, release).states == {"stored": 2}
    assert texts(workspace) == ["Herz groß.\nIMPRESSION: Kardiomegalie."]
    narrative = {"status": "generated", "div": "<div><p>Heart <b>normal</b>.</p><p>Lungs &amp; pleura clear.</p></div>"}
    came(workspace, resource("amended", text=narrative), "two.json")
    take_up(workspace, release)
    assert texts(workspace) == ["Heart normal.\nLungs & pleura clear."]
    pdf = [{"contentType": "application/pdf", "data": "JVBERg=="}]
    came(workspace, resource("amended", presentedForm=pdf), "three.json")
    take_up(workspace, release)
    assert last(workspace) == ("refused", NO_TEXT) and len(texts(workspace)) == 1


def test_nothing_that_was_acknowledged_is_lost(tmp_path: Path, release: Release):
    draw, acknowledged, number = random.Random(3), [], 0
    with open_workspace(tmp_path / "ws", create=True) as place, Inbox(place.path) as inbox:
        put(inbox, [chest_film()])
        take_up(place, release)
    listener, taker = Killable(listening_for_reports, tmp_path / "ws", 0), Killable(taking_up, tmp_path / "ws")
    port = listener.ready
    for round_ in range(KILLS):
        until = time.monotonic() + draw.uniform(0.1, 0.5)
        while time.monotonic() < until:
            number += 1
            try:
                answer = reports_sent(port, [message(f"Text {number}.", control=str(number), filler=f"F{number}")])
            except OSError:
                continue
            acknowledged += [number] if b"MSA|AA" in answer[0] else []
            time.sleep(BETWEEN_S)
        if round_ % 2:
            listener.kill()
            listener = Killable(listening_for_reports, tmp_path / "ws", port)
        else:
            taker.kill()
            taker = Killable(taking_up, tmp_path / "ws")
    listener.kill()
    taker.kill()
    with open_workspace(tmp_path / "ws") as place, Inbox(place.path) as inbox:
        take_up(place, release)
        assert inbox.waiting() == [] and inbox.put_aside() == []
        assert all(one.state in LAST for one in arrivals.newest(place.database, 1_000_000))
        found = texts(place)
    assert acknowledged and {f"Text {one}." for one in acknowledged} <= set(found) and len(set(found)) == len(found)


def test_the_command_takes_files_and_names_the_one_it_cannot(workspace, tmp_path: Path, capsys):
    good, bad = tmp_path / "good.hl7", tmp_path / "bad.json"
    good.write_bytes(b"FHS|^~\\&\r" + message("One.") + message("Two.", control="2", filler="F2") + b"FTS|2\r")
    bad.write_text("{}")
    assert run(["inbox", "add", str(good), "--workspace", str(workspace.path)]) == 0
    assert "2 reports wait" in capsys.readouterr().out
    assert run(["inbox", "add", str(bad), "--workspace", str(workspace.path)]) == 2
    assert "bad.json" in capsys.readouterr().err
