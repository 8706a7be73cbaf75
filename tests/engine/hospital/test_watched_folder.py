"""What is put into a watched folder goes into the inbox once, whole, and what cannot is refused beside its reason."""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from helpers.archive_objects import chest_film, ecg, listen_command, pacs_file, wait_until
from helpers.recording_files import as_bytes, wfdb_uploads, zipped
from helpers.vendor_files import aecg

from engine import settings
from engine.actor import single_user
from engine.errors import UsageError
from engine.hospital.film_text import PICTURE
from engine.hospital.inbox import Inbox
from engine.hospital.inbox_acts import again
from engine.hospital.settings import FolderSettings, folder_settings
from engine.hospital.take_up import take_up
from engine.hospital.watched_folder import EMPTY, NOT_UTF8, WatchedFolder
from engine.intake.paths import read_paths
from engine.intake.pseudonyms import patient_pseudonym
from engine.model.release import Release
from engine.sentences import is_known
from engine.store import arrivals
from engine.upkeep.backup import back_up, copy_database
from engine.workspace.erased import add_erased
from engine.workspace.ingest import ERASED
from engine.workspace.workspace import Workspace

ME = single_user()
DEMO_ECG = settings.DEMO / "ecg"
PULSE = b"# sampling rate: 125 Hz\n" + (settings.DEMO / "ppg" / "syn-0001-e1-ppg.csv").read_bytes()
RECORD = ("syn-0001-e1-ecg.hea", "syn-0001-e1-ecg_1.dat", "syn-0001-e1-ecg_2.dat")
FILM = settings.DEMO / "cxr" / "syn-0001-e1-cxr.jpg"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "from the cart"
    made.mkdir(mode=0o700)
    return made


@pytest.fixture
def watched(workspace: Workspace, folder: Path) -> Iterator[WatchedFolder]:
    one = WatchedFolder(workspace.path, FolderSettings(str(folder), "Cart"))
    yield one
    one.close()


def looked(watched: WatchedFolder, *at: float) -> None:
    """Look at some seconds; at 0 and 2 a file that lies there is seen unchanged, at 62 its waiting is over."""
    for now in at or (0, 2):
        watched.look(now)


def below(folder: Path) -> list[str]:
    """Return the names of the files of a folder, "" for one that is not there."""
    return sorted(one.name for one in folder.iterdir() if one.is_file()) if folder.is_dir() else []


def put_record(folder: Path, *names: str) -> None:
    for name in names or RECORD:
        (folder / name).write_bytes((DEMO_ECG / name).read_bytes())


def waiting(place: Workspace) -> int:
    with Inbox(place.path) as inbox:
        return len(inbox.waiting())


def test_every_format_of_uploads_comes_in_once_with_its_states(workspace, release: Release, watched, folder):
    put_record(folder)
    third = read_paths([DEMO_ECG / "syn-0003-e1-ecg.hea"]).trace
    (folder / "ward.xml").write_bytes(aecg(np.nan_to_num(third.samples.T), fs=third.fs))
    (folder / "pulse.csv").write_bytes(PULSE)
    (folder / "ecg.dcm").write_bytes(as_bytes(ecg(2)))
    fourth = {one.name: one.read_bytes() for one in DEMO_ECG.glob("syn-0004-e1-ecg*")}
    (folder / "record.zip").write_bytes(zipped(fourth))
    looked(watched)
    assert below(folder) == [] and waiting(workspace) == 5
    assert below(folder / "taken") == sorted([*RECORD, "ward.xml", "pulse.csv", "ecg.dcm", "record.zip"])
    assert (folder / "taken" / "pulse.csv").read_bytes() == PULSE
    assert take_up(workspace, release).states == {"stored": 5}
    rows = [row for row in workspace.all_rows() if row.cohort == "Cart"]
    assert sorted(row.modality for row in rows) == ["ecg", "ecg", "ecg", "ecg", "ppg"]
    kinds = {one.kind for one in arrivals.newest(workspace.database)}
    assert kinds == {"12-lead ECG Waveform Storage", "WFDB", "HL7 aECG", "CSV", "zip"}
    names = [path for path in workspace.path.rglob("*") if path.is_file() and b"ward.xml" in path.read_bytes()]
    assert names == []
    before = workspace.database.read("SELECT state FROM arrivals WHERE kind = 'CSV' ORDER BY number")
    assert [state for (state,) in before] == ["received", "de-identified", "judged", "stored"]


def test_the_same_bytes_under_any_name_are_one_study(workspace, release, watched, folder):
    for name in ("a.csv", "b.csv"):
        (folder / name).write_bytes(PULSE)
    looked(watched)
    (folder / "a.csv").write_bytes(PULSE)
    looked(watched, 10, 12)
    taken = take_up(workspace, release)
    assert taken.states == {"stored": 1} and below(folder) == []
    assert below(folder / "taken") == ["a-2.csv", "a.csv", "b.csv"]


def test_what_is_still_written_waits_until_it_is_unchanged(workspace, watched, folder):
    content = PULSE
    (folder / "pulse.csv").write_bytes(content[:1000])
    (folder / "other.csv.part").write_bytes(content)
    (folder / ".hidden.csv").write_bytes(content)
    looked(watched, 0, 1)
    (folder / "pulse.csv").write_bytes(content)
    looked(watched, 2, 3)
    assert waiting(workspace) == 0
    watched.look(4)
    assert waiting(workspace) == 1 and below(folder) == [".hidden.csv", "other.csv.part"]


def test_a_header_waits_for_the_files_that_it_names_and_then_says_which_did_not_come(workspace, watched, folder):
    put_record(folder, *RECORD[:2])
    looked(watched, 0, 2, 50)
    assert below(folder) == sorted(RECORD[:2]) and waiting(workspace) == 0
    put_record(folder, RECORD[2])
    looked(watched, 50, 52)
    assert below(folder) == [] and waiting(workspace) == 1
    put_record(folder, *RECORD[:2])
    looked(watched, 100, 102, 160)
    assert below(folder) == [] and below(folder / "refused") == sorted([*RECORD[:2], *(f"{n}.txt" for n in RECORD[:2])])
    said = (folder / "refused" / f"{RECORD[0]}.txt").read_text()
    assert "did not come within 60 s" in said and said.endswith(f"Missing: {RECORD[2]}\n")
    assert all(RECORD[2] not in str(row) for row in workspace.audit_rows())


def test_signals_wait_for_their_header(workspace, watched, folder):
    put_record(folder, *RECORD[1:])
    looked(watched, 0, 2, 40)
    put_record(folder, RECORD[0])
    looked(watched, 45, 47)
    assert below(folder) == [] and waiting(workspace) == 1


def test_what_is_no_recording_is_refused_beside_its_reason_and_on_record(workspace, watched, folder):
    (folder / "letter.txt").write_text("Dear colleague")
    (folder / "nothing.csv").touch()
    (folder / "signal.dat").write_bytes(bytes(range(256)) * 9)
    looked(watched, 0, 2, 59)
    assert len(below(folder)) == 3
    watched.look(60)
    assert below(folder) == [] and waiting(workspace) == 0
    said = {name: (folder / "refused" / f"{name}.txt").read_text() for name in ("letter.txt", "nothing.csv")}
    assert said["letter.txt"].startswith("This is plain text") and said["nothing.csv"] == f"{EMPTY}\n"
    assert "without its header" in (folder / "refused" / "signal.dat.txt").read_text()
    rows = [row for row in workspace.audit_rows() if row.kind == "file refused"]
    assert len(rows) == 3 and all(row.outcome == "refused" and row.refused for row in rows)
    assert all("letter" not in str(row) for row in rows)


def test_a_file_over_the_limit_and_links_and_pipes_are_not_read(workspace, folder):
    secret = folder.parent / "secret.csv"
    secret.write_bytes(PULSE)
    (folder / "link.csv").symlink_to(secret)
    os.mkfifo(folder / "pipe.csv")
    (folder / "study").mkdir()
    (folder / "large.csv").write_bytes(PULSE * (1 + 1_000_000 // len(PULSE)))
    watched = WatchedFolder(workspace.path, FolderSettings(str(folder), most_mb=1))
    looked(watched)
    watched.close()
    assert waiting(workspace) == 0 and (folder / "link.csv").is_symlink() and secret.exists()
    assert below(folder / "refused") == ["large.csv", "large.csv.txt"]
    assert "the limit is 1 MB" in (folder / "refused" / "large.csv.txt").read_text()


def test_hostile_names_harm_nothing(workspace, release, watched, folder):
    content = PULSE
    names = [b"two\nlines.csv", b"\xff\xfe.csv", b"-rf", "ä".encode() * 125 + b".csv", b"x" * 255]
    for number, name in enumerate(names):
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_bytes(content + b"\n" * number)
    (folder / ("n" * 255)).write_text("no recording")
    bad = os.fsdecode(b"r\xe9c")
    for one in wfdb_uploads(folder.parent):
        (folder / f"{bad}.{one.name[-3:]}").write_bytes(one.data)
    looked(watched, 0, 2, 62)
    assert below(folder) == [] and waiting(workspace) == len(names)
    taken = below(folder / "taken")
    assert len(taken) == len(names) and {"two\nlines.csv", "-rf"} < set(taken)
    refused = below(folder / "refused")
    assert len(refused) == 6 and all(len(os.fsencode(name)) <= 255 for name in refused)
    assert (folder / "refused" / f"{bad}.hea.txt").read_text() == f"{NOT_UTF8}\n"
    assert take_up(workspace, release).all == len(names)


def test_a_picture_waits_for_somebody_who_looks_where_nothing_looks_for_text(workspace, release, watched, folder):
    pacs_file(workspace.path, "[listen]\nlook_for_text = false\n")
    (folder / "film.jpg").write_bytes(FILM.read_bytes())
    packed = as_bytes(chest_film(2, BurnedInAnnotation="YES"))
    (folder / "packed.zip").write_bytes(zipped({"film.dcm": packed}))
    looked(watched)
    assert take_up(workspace, release).states == {"set aside": 2}
    assert PICTURE in {one.why for one in arrivals.newest(workspace.database)}
    assert again(workspace, burned_in="keep", actor=ME) == 2
    assert take_up(workspace, release).states == {"stored": 2}


def test_who_was_erased_is_refused_and_what_is_refused_is_kept_under_its_patient(workspace, release, watched, folder):
    uploads = wfdb_uploads(folder.parent, "who", comments=["Patient ID: 4711"])
    flat = wfdb_uploads(folder.parent, "flat", comments=["Patient ID: 4712"])
    flat[0] = type(flat[0])(flat[0].name, bytes(len(flat[0].data)))
    for one in (*uploads, *flat):
        (folder / one.name).write_bytes(one.data)
    add_erased(workspace.path, workspace.key, [patient_pseudonym(workspace.key, "4711")], [])
    looked(watched)
    assert take_up(workspace, release).states == {"refused": 2}
    assert ERASED in {one.why for one in arrivals.newest(workspace.database)}
    with Inbox(workspace.path) as inbox:
        assert [one.file.name.partition("~")[0] for one in inbox.put_aside()] == [
            patient_pseudonym(workspace.key, "4712")
        ]


def test_a_file_that_is_written_over_while_it_is_taken_has_its_turn(workspace, release, watched, folder, monkeypatch):
    (folder / "pulse.csv").write_bytes(PULSE)
    receive = Inbox.receive_upload

    def received(self, files, origin):
        made = receive(self, files, origin)
        if not below(folder / "taken"):
            (folder / "pulse.csv").write_bytes(PULSE + b"\n")
        return made

    monkeypatch.setattr(Inbox, "receive_upload", received)
    looked(watched)
    assert below(folder) == ["pulse.csv"] and below(folder / "taken") == []
    monkeypatch.undo()
    looked(watched, 10, 12)
    assert below(folder) == [] and waiting(workspace) == 2


def test_the_command_says_what_troubles_it_and_nothing_of_libraries(workspace, folder, tmp_path):
    pacs_file(workspace.path, f'[folder]\npath = "{folder}"\ncohort = "Cart"\n')
    log = tmp_path / "log"
    with log.open("wb") as out:
        listening = subprocess.Popen(listen_command(workspace.path), stdout=subprocess.PIPE, stderr=out)
        try:
            assert listening.stdout is not None and b"is watched" in listening.stdout.readline()
            folder.rename(tmp_path / "gone")
            wait_until(lambda: b"\n" in log.read_bytes())
        finally:
            listening.terminate()
            listening.wait(60)
    assert "cannot be opened (No such file or directory)" in log.read_text() and log.read_text().count("\n") == 1


def test_a_full_disk_and_a_folder_that_goes_are_one_sentence_each_and_it_goes_on(workspace, watched, folder, caplog):
    (folder / "pulse.csv").write_bytes(PULSE)
    with full_disk():
        looked(watched, 0, 2, 4, 6)
    assert len(caplog.messages) == 1 and "was not taken (File too large)" in caplog.text
    assert below(folder) == ["pulse.csv"]
    folder.rename(folder.with_name("away"))
    looked(watched, 8, 10)
    assert len(caplog.messages) == 2 and "cannot be opened (No such file or directory)" in caplog.text
    folder.with_name("away").rename(folder)
    looked(watched, 12, 14)
    assert below(folder) == [] and waiting(workspace) == 1


@contextmanager
def full_disk() -> Iterator[None]:
    """Let no file of this process grow over 4 kB, as a full disk does."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_folder_open_to_everybody_is_refused_with_what_repairs_it(workspace, folder):
    folder.chmod(0o777)
    with pytest.raises(UsageError, match=r"mode 0777\): run `chmod o-rwx '.*from the cart'`"):
        WatchedFolder(workspace.path, FolderSettings(str(folder)))
    folder.chmod(0o770)
    WatchedFolder(workspace.path, FolderSettings(str(folder))).close()


def test_two_processes_do_not_watch_one_folder_and_none_lies_in_the_workspace(workspace, watched, folder):
    with pytest.raises(UsageError, match="Another process watches"):
        WatchedFolder(workspace.path, FolderSettings(str(folder)))
    with pytest.raises(UsageError, match="lies in the workspace"):
        WatchedFolder(workspace.path, FolderSettings(str(workspace.path / "studies")))


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ('path = "cart"', "is not absolute"),
        ('path = "/cart"\nmost_mb = 0', "is not between 1 and 200"),
        ('cohort = "Cart"', "lack something in folder"),
        ('path = "/cart"\nevery = 1', "know no 'every' in folder"),
    ],
)
def test_settings_that_cannot_be_are_said(tmp_path, words, said):
    pacs_file(tmp_path, f"[folder]\n{words}\n")
    with pytest.raises(UsageError, match=said):
        folder_settings(tmp_path)


def test_a_signal_is_the_same_by_folder_and_by_upload(workspace, release, watched, folder):
    put_record(folder)
    looked(watched)
    take_up(workspace, release)
    (row,) = [row for row in workspace.all_rows() if row.cohort == "Cart"]
    study = workspace.study(row.study_id, actor=ME)
    assert study is not None
    assert np.array_equal(study.trace.samples, read_paths([DEMO_ECG / RECORD[0]]).trace.samples, equal_nan=True)


def test_what_the_record_says_of_a_refusal_is_said_in_each_language(workspace, watched, folder):
    put_record(folder, RECORD[0])
    (folder / "nothing.csv").touch()
    (folder / os.fsdecode(b"r\xe9c.hea")).write_bytes(b"r 1 100 10\nr.dat 16\n")
    (folder / os.fsdecode(b"r\xe9c.dat")).write_bytes(bytes(20))
    looked(watched, 0, 2, 62)
    said = [row.refused for row in workspace.audit_rows() if row.kind == "file refused"]
    assert len(said) == 3 and all(is_known(one) for one in said)


def test_the_command_watches_until_it_is_stopped_and_a_backup_has_what_waits(workspace, folder, tmp_path):
    pacs_file(workspace.path, f'[folder]\npath = "{folder}"\n')
    (folder / "pulse.csv").write_bytes(PULSE)
    with subprocess.Popen(listen_command(workspace.path), stdout=subprocess.PIPE, text=True) as listening:
        wait_until(lambda: below(folder / "taken") == ["pulse.csv"])
        listening.terminate()
        said, _ = listening.communicate(timeout=60)
    assert listening.returncode == 0 and said == f"The folder {folder} is watched; stop it with Ctrl-C.\n"
    made = back_up(workspace.path, tmp_path / "backups", lambda: copy_database(workspace), actor=ME)
    assert len(list(made.path.glob("inbox/new/*.upload"))) == 1
