"""After an erasure nothing of a patient or a query is in any file, however the process that erases ends."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.accounts import PASSWORD
from helpers.studies import COHORT, DIGEST, RELEASE, new_study

from engine.access import accounts, sessions
from engine.actor import Actor
from engine.errors import UsageError
from engine.files import utc_now
from engine.store.database import FILE_NAME
from engine.store.people import People
from engine.store.places import PLACES
from engine.store.records import StoredQuery
from engine.workspace import erasure
from engine.workspace.byte_search import PIECE, Sequences, apart, files_below, search_bytes
from engine.workspace.certificate import certificate_of, certificates
from engine.workspace.workspace import Workspace, open_workspace

ANN = Actor("ann")
GONE, STAYS = "hosp-777123", "hosp-888456"
QUERY_OF, OTHER_QUERY = "q-of-hosp777", "q-of-another"
KILLS = int(
    os.environ.get("CASEBIND_ERASE_KILLS", "4")
)  # processes that are killed, of 81 moments at which it opens, renames or deletes a file
CHILD = """
import os, signal, sys
from pathlib import Path
from engine.actor import Actor
from engine.workspace import erasure
from engine.workspace.workspace import open_workspace
with open_workspace(sys.argv[1]) as place:
    left = int(sys.argv[3])
    def watch(event, arguments):
        global left
        if event in ("open", "os.rename", "os.remove", "shutil.rmtree"):
            left -= 1
            if left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.addaudithook(watch)
    erasure.erase(place.storage, [sys.argv[2]], actor=Actor("ann"))
"""


def filled(folder: Path) -> Path:
    """Return a workspace in which a patient stands in as many places as can be."""
    rng = np.random.default_rng(3)
    kinds = ("cxr", "ecg", "ppg", "text")
    batch = [new_study(number, kinds[number % 4], rng, patient_id=f"hosp-{number:06d}") for number in range(8)]
    for number, patient in ((100, GONE), (101, GONE), (102, STAYS)):
        made = new_study(
            number, "ecg", rng, patient_id=patient, encounter_id=f"enc-{patient}", patient_key=f"k-{patient}"
        )
        batch.append(
            replace(made, row=replace(made.row, study_id=f"study-{number}-{patient}"), row_key=f"row-{number}")
        )
    with open_workspace(folder, create=True) as place:
        place.add(COHORT, RELEASE, DIGEST, batch)
        ask(place, QUERY_OF, batch[8], {"patient_id": GONE})
        ask(place, OTHER_QUERY, new_study(500, "cxr", rng), {})
        gone, stays = batch[8].row.study_id, batch[10].row.study_id
        for query, study in ((QUERY_OF, stays), (OTHER_QUERY, gone), (OTHER_QUERY, stays)):
            place.rate(query, study, "relevant", actor=ANN, release=RELEASE, comment=f"like {gone}, as {GONE} {GONE}")
        with place.database.write() as cursor:
            write_everywhere(cursor, gone, stays)
        (place.path / "maps").mkdir()
        (place.path / "maps" / "pair.npz").write_bytes(b"made of " + gone.encode())
        (place.path / "reports").mkdir()
        (place.path / "reports" / "skipped.csv").write_text(f"number,study\n1,{gone}\n2,{stays}\n")
        (place.path / "studies" / f".{gone}.tmp").write_text("left by a process that was killed")
    return folder


def ask(place: Workspace, query_id: str, study: object, facts: dict[str, str]) -> None:
    """Store a query of a study's content."""
    asked = replace(study.study, facts=facts)
    stored = StoredQuery(query_id, "ann", asked, {}, RELEASE, study.code, study.embedding, utc_now())
    place.audit("search", actor=ANN, stored_query=stored)


FILLED = {  # table → columns and what stands in them for a study and a number
    "collection_cases": "(collection_id, study_id, place, note, query_id, added_at)"
    " SELECT 'c', $study, $n, $words, $of, now()",
    "quiz_questions": "(quiz_id, number, study_id, modality, options, labelled, note)"
    " SELECT 'z', $n, $study, 'ecg', [], [], ''",
    "run_questions": "SELECT 'run', $n, 'z', $n",
    "quiz_answers": "(run_id, place, chosen, is_right, answered_at) SELECT 'run', $n, [], true, now()",
    "question_openings": "SELECT 'run', $n, now()",
    "accepted_answers": "SELECT 'z', $n, 'words', now(), NULL",
    "review_pairs": "SELECT 'queue', 1, $other, $study, 1, false",
    "annotations": "SELECT 'a' || $n, $study, 'ann', 'box', 'box', [], $words, '', NULL, NULL, now(), now()",
    "former_codes": "SELECT $study, 'd', 1, 2, 3, 4, 5",
    "saved_searches": "SELECT 's' || $n, 'ann', 'mine', 'query=' || $asked, now(), now()",
}


def write_everywhere(cursor: object, gone: str, stays: str) -> None:
    """Put rows about both studies into the tables that only pages fill."""
    for number, study, asked in ((1, gone, QUERY_OF), (2, stays, OTHER_QUERY)):
        known = {
            "n": number,
            "study": study,
            "words": f"see {gone}",
            "of": QUERY_OF,
            "other": OTHER_QUERY,
            "asked": asked,
        }
        for table, values in FILLED.items():
            used = {name: value for name, value in known.items() if f"${name}" in values}
            cursor.execute(f"INSERT INTO {table} {values}", used)


def rows(place: Workspace) -> dict[str, int]:
    """Return table → rows, of every place."""
    return {one.table: place.database.read(f"SELECT count(*) FROM {one.table}")[0][0] for one in PLACES}


def left_of(folder: Path, *ids: str) -> list[str]:
    """Return the files, those of the record of acts aside, in whose name or content an id stands, in any case."""
    wanted = [one.lower().encode() for one in ids]
    return [
        str(file.relative_to(folder))
        for file in files_below(folder, erasure.RECORD_OF_ACTS)
        if any(one in file.read_bytes().lower() or one in os.fsencode(file.name).lower() for one in wanted)
    ]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a filled workspace that tests copy."""
    return filled(tmp_path_factory.mktemp("erasure") / "ws")


@pytest.fixture
def place(whole: Path, tmp_path: Path) -> Iterator[Workspace]:
    with open_workspace(shutil.copytree(whole, tmp_path / "ws")) as opened:
        yield opened


def check_gone(place: Workspace) -> None:
    """Assert that nothing of the patient is left, and that what belongs to others is."""
    assert left_of(place.path, GONE, QUERY_OF, f"k-{GONE}", "row-100", "row-101") == []
    found = rows(place)
    one_each = ("collection_cases", "quiz_questions", "run_questions", "quiz_answers", "question_openings")
    one_each += (
        "accepted_answers",
        "review_pairs",
        "annotations",
        "former_codes",
        "saved_searches",
        "queries",
        "ratings",
    )
    assert {table: found[table] for table in one_each} == dict.fromkeys(one_each, 1)
    assert (found["studies"], found["codes"], found["embeddings"], found["small_embeddings"]) == (9, 9, 9, 9)
    assert place.database.read("SELECT note, query_id FROM collection_cases") == [("see [erased]", None)]
    assert place.database.read("SELECT comment FROM ratings") == [("like [erased], as [erased] [erased]",)]
    assert "2,study-102" in (place.path / "reports" / "skipped.csv").read_text()
    assert place.study(f"study-102-{STAYS}", actor=ANN).modality == "ecg"


def test_nothing_of_an_erased_patient_is_in_any_file(place: Workspace) -> None:
    own = place.codes(RELEASE, "ecg")
    words = [own.words[:, i].astype("<u8").tobytes() for i, name in enumerate(own.ids) if GONE in str(name)]
    assert left_of(place.path, GONE)
    made = erasure.erase(place.storage, [GONE], actor=ANN, reason="asked by letter")
    check_gone(place)
    everything = b"".join(file.read_bytes() for file in files_below(place.path, erasure.RECORD_OF_ACTS))
    assert len(words) == 2
    assert all(one not in everything for one in words)
    assert made.whole
    assert made.rows["studies"] == 2
    assert made.files >= 4
    assert made.file_before[0] != made.file_after[0]
    assert made.searched_bytes > made.file_after[1]
    assert certificate_of(place.path, place.key, GONE) == made
    page = (place.path / "certificates" / f"{made.number}.txt").read_text()
    assert "asked by letter" in page
    assert made.file_after[0] in page
    with pytest.raises(UsageError, match="There is no patient"):
        erasure.erase(place.storage, [GONE], actor=ANN)


def test_ids_go_from_reasons_and_from_words_in_which_they_stand_in_capitals(place: Workspace) -> None:
    reason = f"{GONE.upper()} with study-100-{GONE} came by ambulance"
    people = People(place.path)  # open all the time, as the app has it
    token = accounts.add(people, "anna", ["clinician"], {}, actor=ANN)
    accounts.set_password(people, token, PASSWORD)
    cookie = sessions.begin(people, "anna", PASSWORD, "here", use="emergency", reason=reason)
    with pytest.raises(UsageError):
        sessions.begin(people, GONE, PASSWORD, "here")
    with place.database.write() as cursor:
        cursor.execute("INSERT INTO guidelines VALUES (1, $words, 'ann', now())", {"words": f"as {GONE.upper()}."})
    assert set(left_of(place.path, GONE)) >= {"people.db-wal", FILE_NAME}
    other = erasure.erase(place.storage, ["hosp-000003"], actor=ANN, reason=f"not for {GONE}, hosp-000003 asked")
    assert other.reason == f"not for {GONE}, [erased] asked"
    made = erasure.erase(place.storage, [GONE], actor=ANN, reason=f"asked by {GONE.title()} letter")
    assert (made.reason, made.found) == ("asked by [erased] letter", {})
    assert left_of(place.path, GONE) == []
    assert [one.reason for one in certificates(place.path) if one.number == other.number] == [
        "not for [erased], [erased] asked"
    ]
    assert place.database.read("SELECT words FROM guidelines") == [("as [erased].",)]
    session = sessions.live(people, cookie)
    assert session is not None and session.reason == "[erased] with [erased] came by ambulance"
    assert [row["about"]["reason"] for row in people.audit.rows() if row["kind"] == "break-glass"] == [reason]
    people.close()


def test_an_id_that_is_anothers_in_other_letters_leaves_the_other_alone(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    with open_workspace(tmp_path / "ws", create=True) as place:
        names = ("hosp-abc123", "HOSP-ABC123")
        batch = [new_study(number, "text", rng, patient_id=name) for number, name in enumerate(names)]
        place.add(COHORT, RELEASE, DIGEST, batch)
        with place.database.write() as cursor:
            words = {"words": " and ".join(names)}
            cursor.execute("INSERT INTO guidelines VALUES (1, $words, 'ann', now())", words)
        made = erasure.erase(place.storage, [names[0]], actor=ANN)
        assert made.whole
        assert {row.patient_id for row in place.all_rows()} == {names[1]}
        assert place.database.read("SELECT words FROM guidelines") == [(f"[erased] and {names[1]}",)]


def test_a_search_of_bytes_finds_either_case_at_the_edge_of_what_it_reads_at_once(tmp_path: Path) -> None:
    wanted = Sequences((b"Kq",), (b"hosp-777", b"q-1"))
    for at in (0, PIECE - 9, PIECE - 8, PIECE - 7, PIECE - 1, PIECE, PIECE + 1, 2 * PIECE - 8):
        content = bytearray(2 * PIECE)
        content[at : at + 8] = b"Hosp-777"
        (tmp_path / "file").write_bytes(content)
        assert search_bytes(tmp_path, wanted).found == {"file": 1}, at
    (tmp_path / "file").write_bytes(b"kq KQ Kq Q-1 q-1")
    assert search_bytes(tmp_path, wanted).found == {"file": 3}


def test_who_has_the_workspace_open_while_it_is_searched_keeps_it(place: Workspace) -> None:
    apart(place.path, Sequences((b"study",)), (), place.database.path)
    opening = "import sys; from pathlib import Path; from engine.workspace.workspace import open_workspace\n"
    opening += "open_workspace(Path(sys.argv[1]))"
    done = subprocess.run(
        [sys.executable, "-c", opening, str(place.path)], capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 1 and "by another process" in done.stderr


def test_a_query_is_erased_alone(place: Workspace) -> None:
    made = erasure.erase(place.storage, queries=[OTHER_QUERY], actor=ANN)
    assert left_of(place.path, OTHER_QUERY) == []
    assert left_of(place.path, GONE)
    assert (made.kind, made.rows["queries"], made.rows["ratings"]) == ("queries", 1, 2)


@pytest.mark.parametrize("kill", range(KILLS))
def test_a_process_that_is_killed_anywhere_is_gone_on_with(whole: Path, tmp_path: Path, kill: int) -> None:
    folder = shutil.copytree(whole, tmp_path / "ws")
    at = 1 + kill * 81 // KILLS
    child = subprocess.run([sys.executable, "-c", CHILD, str(folder), GONE, str(at)], capture_output=True, check=False)
    assert child.returncode in (-9, 0), child.stderr
    with open_workspace(folder) as place:
        if not certificates(folder):  # it was killed before it had written what it was to do
            assert GONE in {row.patient_id for row in place.all_rows()}
            erasure.erase(place.storage, [GONE], actor=ANN)
        check_gone(place)
        assert [one.whole for one in certificates(folder)] == [True]
        assert certificates(folder)[0].rows["studies"] == 2
    with open_workspace(folder) as place:
        assert len(certificates(folder)) == 1


def test_who_was_erased_is_erased_again_when_an_older_copy_is_put_in_place(place: Workspace, tmp_path: Path) -> None:
    folder = place.path
    older = tmp_path / "older"
    place.database.checkpoint()
    shutil.copytree(folder, older)
    erasure.erase(place.storage, [GONE], actor=ANN)
    place.close()
    for name in (FILE_NAME, "studies", "queries", "reports", "maps"):
        target = folder / name
        shutil.rmtree(target, ignore_errors=True)
        target.unlink(missing_ok=True)
        (shutil.copytree if (older / name).is_dir() else shutil.copy)(older / name, target)
    (folder / "casebind.journal").unlink()
    again = open_workspace(folder)
    check_gone(again)
    assert [one.reason for one in certificates(folder)].count(erasure.REPLAYED) == 1
    again.openers += 1  # the fixture closes it too


def test_an_id_that_is_part_of_anothers_is_searched_in_columns(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    with open_workspace(tmp_path / "ws", create=True) as place:
        batch = [new_study(number, "text", rng, patient_id=name) for number, name in enumerate(("p1", "p10", "x-p1-b"))]
        place.add(COHORT, RELEASE, DIGEST, batch)
        made = erasure.erase(place.storage, ["p1"], actor=ANN)
        assert made.whole
        assert made.indistinct >= 1
        assert {row.patient_id for row in place.all_rows()} == {"p10", "x-p1-b"}
        assert json.loads((place.path / "certificates" / f"{made.number}.json").read_text())["indistinct"] >= 1
