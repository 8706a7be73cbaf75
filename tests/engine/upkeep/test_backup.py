"""A backup is whole or not there, a restored workspace answers as before, and who was erased stays erased."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from helpers.schemas import drop_made_since
from helpers.studies import fill

from engine.access import accounts, sessions
from engine.actor import Actor
from engine.cli import run
from engine.errors import UsageError, WorkspaceError
from engine.files import sha256_of
from engine.model.release import load_release
from engine.retrieval.search import Options, search_stored
from engine.settings import ROOT
from engine.store.audit_file import AuditFile
from engine.store.database import FILE_NAME, migrations
from engine.store.people import People
from engine.upkeep.backup import WAYS, back_up, copy_database
from engine.upkeep.backup_manifest import BackedUpFile, read_manifest, whole_backups, write_manifest
from engine.upkeep.restore import check, restore
from engine.workspace.erasure import AT_TOP, COPIES, erase
from engine.workspace.study_files import check_files
from engine.workspace.workspace import open_workspace

ANN = Actor("ann")
KILLS = int(os.environ.get("CASEBIND_BACKUP_KILLS", "2"))  # processes that are killed, of some hundred moments
SERVES = """
import sys, time
from engine.actor import Actor
from engine.consent import acts
from engine.workspace.workspace import open_workspace
with open_workspace(sys.argv[1]) as place:
    acts.serve(place.path)
    patients = sorted({row.patient_id for row in place.all_rows()})
    print("serving", flush=True)
    for number in range(10 ** 6):
        place.set_consents(patients, number % 2 == 0, actor=Actor("ann"))
        time.sleep(0.02)  # so that another process comes to write too
"""
KILLED = """
import os, signal, sys
from pathlib import Path
from engine.actor import Actor
from engine.upkeep.backup import back_up, copy_database
from engine.upkeep.restore import restore
from engine.workspace.workspace import open_workspace
act, folder, store, into, left = sys.argv[1], *map(Path, sys.argv[2:5]), int(sys.argv[5])
home = str(folder.parent)  # what is opened elsewhere, such as modules, differs from run to run
def copy():
    with open_workspace(folder) as place:
        return copy_database(place)
EVENTS = ("open", "os.rename", "os.remove", "os.mkdir", "os.link", "shutil.rmtree")
def watch(event, arguments):
    global left
    if event in EVENTS and home in str(arguments[0]):
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(watch)
if act == "backup":
    back_up(folder, store, copy, actor=Actor("ann"), keep=1)
else:
    restore(max(store.glob("2*Z")), into, actor=Actor("ann"))
print(left)
"""


def made(folder: Path, store: Path, keep: int | None = None) -> Path:
    """Make a backup of a workspace that no other process has open; return its folder."""

    def copy() -> Path:
        with open_workspace(folder) as place:
            return copy_database(place)

    return back_up(folder, store, copy, actor=ANN, keep=keep).path


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A closed workspace of twelve studies."""
    with open_workspace(tmp_path / "ws", create=True) as place:
        fill(place)
    return tmp_path / "ws"


@contextmanager
def serving(folder: Path) -> Iterator[None]:
    """Let another process have the workspace open, as the app does, and change it all the time."""
    process = subprocess.Popen([sys.executable, "-c", SERVES, str(folder)], cwd=ROOT, stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None and process.stdout.readline() == b"serving\n"
        yield
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def answers(folder: Path) -> list[list[tuple[str, int]]]:
    """Return (study, bits that differ) of the nearest of every study, of all modalities."""
    release = load_release()
    with open_workspace(folder) as place:
        studies = [row.study_id for row in place.rows(actor=ANN)]
        found = [search_stored(place, release, study, Options(k=10), actor=ANN) for study in studies]
    return [[(one.study_id, one.hamming) for one in answer.neighbours] for answer in found]


def test_a_backup_made_while_the_app_serves_answers_the_same_when_restored(few_patients, tmp_path, capsys):
    folder = Path(shutil.copytree(few_patients(4, 3), tmp_path / "ws"))
    expected = answers(folder)
    assert any(expected)
    with serving(folder):
        assert run(["backup", str(tmp_path / "backups"), "--workspace", str(folder)]) == 0
    assert run(["restore", str(tmp_path / "backups"), str(tmp_path / "new")]) == 0, capsys.readouterr()
    assert "failed" not in capsys.readouterr().out
    with open_workspace(tmp_path / "new") as place:
        assert not place.remark
        states = {place.consent(row.patient_id, actor=ANN) for row in place.all_rows()}
        assert len(states) == 1, "it is of one moment: consents change together"
        if states == {False}:
            place.set_consents([row.patient_id for row in place.all_rows()], True, actor=ANN)
    assert answers(tmp_path / "new") == expected
    assert not list((folder / COPIES).iterdir())


def test_everything_that_lies_in_a_workspace_has_its_way_into_a_backup():
    assert set(WAYS) == set(AT_TOP)


def test_later_backups_share_what_did_not_change_and_the_oldest_go(folder, tmp_path):
    first, second = made(folder, tmp_path / "b"), made(folder, tmp_path / "b")
    name = next(name for name in read_manifest(first).files if name.startswith("studies/"))
    assert (first / name).samefile(second / name)
    assert not (first / name).samefile(folder / name), "a bad block would be in both"
    third = made(folder, tmp_path / "b", keep=2)
    assert whole_backups(tmp_path / "b") == [second, third]
    assert check(third).rows > check(second).rows
    assert {path.name for path in (tmp_path / "b").iterdir()} == {second.name, third.name}


def test_who_was_erased_does_not_come_back(folder, tmp_path):
    before = made(folder, tmp_path / "b")
    with open_workspace(folder) as place:
        gone = place.all_rows()[0]
        erase(place.storage, [gone.patient_id], actor=ANN)
    shutil.copy(folder / "erased.json", tmp_path / "list.json")
    elsewhere = Path(shutil.copytree(before, tmp_path / "alone" / before.name))
    done = restore(elsewhere, tmp_path / "by-list", actor=ANN, erased=[tmp_path / "list.json"])
    made(folder, tmp_path / "b")
    later = restore(before, tmp_path / "by-later-backup", actor=ANN)
    assert (done.erased, later.erased) == (1, 1)
    for name in ("by-list", "by-later-backup"):
        with open_workspace(tmp_path / name) as place:
            assert gone.study_id not in [row.study_id for row in place.all_rows()]
        assert not (tmp_path / name / "studies" / gone.file).exists()
        assert gone.study_id.encode() not in (tmp_path / name / "casebind.duckdb").read_bytes()


def test_a_restored_workspace_lets_in_nobody_who_was_signed_in(folder, tmp_path):
    people = People(folder)
    token = accounts.add(people, "ann", ["rater"], {}, actor=ANN)
    accounts.set_password(people, token, "nine old lamps at dusk")
    unused = accounts.new_link(people, "ann", actor=ANN)
    cookie = sessions.begin(people, "ann", "nine old lamps at dusk", "10.0.0.1")
    assert sessions.live(people, cookie)
    people.close()
    assert restore(made(folder, tmp_path / "b"), tmp_path / "new", actor=ANN).accounts
    people = People(tmp_path / "new")
    assert sessions.live(people, cookie) is None
    assert sessions.begin(people, "ann", "nine old lamps at dusk", "10.0.0.1")
    with pytest.raises(UsageError):
        accounts.set_password(people, unused, "ten new lamps at dawn")
    people.close()


@pytest.mark.parametrize("name", ["casebind.duckdb", "key", "audit.db", "studies"])
def test_a_damaged_backup_is_refused_by_the_name_of_its_file(name, folder, tmp_path):
    backup = made(folder, tmp_path / "b")
    file = (
        next(path for path in sorted((backup / name).rglob("*")) if path.is_file())
        if name == "studies"
        else backup / name
    )
    raw = bytearray(file.read_bytes())
    raw[len(raw) // 2] ^= 1
    file.write_bytes(raw)
    for act in (lambda: check(backup), lambda: restore(backup, tmp_path / "new", actor=ANN)):
        with pytest.raises(WorkspaceError, match=file.name):
            act()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["b", "ws"]


def test_an_audit_that_was_changed_before_the_backup_is_not_restored_as_whole(folder, tmp_path):
    with AuditFile(folder) as audit:
        audit.sync()
    with closing(sqlite3.connect(folder / "audit.db")) as audit:
        audit.execute("DROP TRIGGER no_update")
        audit.execute("UPDATE rows SET who = 'nobody' WHERE n = 1")
        audit.commit()
    with pytest.raises(WorkspaceError, match="audit"):
        restore(made(folder, tmp_path / "b"), tmp_path / "new", actor=ANN)
    assert not (tmp_path / "new").exists()


def test_what_cannot_be_is_one_sentence(folder, tmp_path):
    backup = made(folder, tmp_path / "b")
    for into in (folder, backup):
        with pytest.raises(UsageError, match="not empty"):
            restore(backup, into, actor=ANN)
    with pytest.raises(UsageError, match="inside the workspace"):
        made(folder, folder / "backups")
    with pytest.raises(WorkspaceError, match="no workspace"):
        made(tmp_path / "nowhere", tmp_path / "b")
    with open_workspace(tmp_path / "other", create=True) as place:
        fill(place, 2)
    with pytest.raises(UsageError, match="another workspace"):
        made(tmp_path / "other", tmp_path / "b")
    manifest = backup / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"key"', '"../key"'))
    with pytest.raises(WorkspaceError, match="manifest"):
        restore(backup, tmp_path / "new", actor=ANN)


def test_a_backup_of_a_workspace_that_lacks_a_file_is_made_and_says_so(folder, tmp_path, capsys):
    with open_workspace(folder) as place:
        lost = place.all_rows()[0].file
    (folder / "studies" / lost).unlink()
    assert run(["backup", str(tmp_path / "b"), "--workspace", str(folder)]) == 2
    assert lost in capsys.readouterr().err
    (backup,) = whole_backups(tmp_path / "b")
    assert check(backup).missing == (f"studies/{lost}",)


def test_studies_that_go_while_they_are_copied_are_in_neither_part_of_the_backup(folder, tmp_path):
    going = ["s0002", "s0001"]

    def copy() -> Path:
        with open_workspace(folder) as place:
            file = copy_database(place)
            if going:
                place.remove([going.pop()])
        return file

    backup = back_up(folder, tmp_path / "b", copy, actor=ANN)
    assert not going and not backup.manifest.missing
    restore(backup.path, tmp_path / "new", actor=ANN)
    with open_workspace(tmp_path / "new") as place:
        assert len(place.all_rows()) == 10 and check_files(place).whole


def test_a_copy_that_an_erasure_deletes_is_made_again(folder, tmp_path):
    copies = []

    def copy() -> Path:
        with open_workspace(folder) as place:
            copies.append(copy_database(place))
            if len(copies) == 1:
                erase(place.storage, [place.all_rows()[0].patient_id], actor=ANN)
        return copies[-1]

    backup = back_up(folder, tmp_path / "b", copy, actor=ANN)
    assert len(copies) == 2 and not copies[0].exists()
    assert restore(backup.path, tmp_path / "new", actor=ANN).erased == 0, "they are not in the backup at all"


def test_a_backup_of_an_earlier_schema_opens_and_one_of_a_later_names_its_version(folder, tmp_path):
    backup, newest = made(folder, tmp_path / "b"), migrations()[-1][0]
    manifest, file = read_manifest(backup), backup / FILE_NAME
    with duckdb.connect(str(file)) as database:
        drop_made_since(database, 12)
        database.execute("DELETE FROM schema_version WHERE version >= 12")
    early = BackedUpFile(sha256_of(file), file.stat().st_size, 0)
    write_manifest(backup, replace(manifest, schema=11, files={**manifest.files, FILE_NAME: early}))
    restore(backup, tmp_path / "new", actor=ANN)
    with open_workspace(tmp_path / "new") as place:
        assert place.database.read("SELECT max(version) FROM schema_version") == [(newest,)]
        assert len(place.all_rows()) == 12
    write_manifest(backup, replace(manifest, schema=newest + 1, casebind="99.1"))
    with pytest.raises(WorkspaceError, match=r"with version 99\.1"):
        restore(backup, tmp_path / "newer", actor=ANN)


def test_a_process_that_is_killed_leaves_what_was_there_whole(folder, tmp_path):
    store, into = tmp_path / "b", tmp_path / "new"
    made(folder, store)
    for act in ("backup", "restore"):
        whole = child(act, folder, store, into, 10**9)
        assert whole.returncode == 0, whole.stderr
        moments = 10**9 - int(whole.stdout)
        shutil.rmtree(into, ignore_errors=True)
        for number in range(KILLS):
            killed = child(act, folder, store, into, 1 + moments * (2 * number + 1) // (2 * KILLS))
            assert killed.returncode == -signal.SIGKILL
            assert whole_backups(store) and all(check(one) for one in whole_backups(store))
            with open_workspace(folder) as place:
                assert len(place.all_rows()) == 12
            if into.exists():
                with open_workspace(into) as place:
                    assert len(place.all_rows()) == 12
                shutil.rmtree(into)
        assert child(act, folder, store, into, 10**9).returncode == 0
    left = {path.name for path in (*store.iterdir(), *tmp_path.iterdir()) if path.name.startswith(".")}
    assert not left and not list((folder / COPIES).iterdir())


def child(act: str, folder: Path, store: Path, into: Path, left: int) -> subprocess.CompletedProcess[str]:
    """Run a backup or a restoring in a process that is killed at a moment; one second apart, as names are."""
    command = [sys.executable, "-c", KILLED, act, str(folder), str(store), str(into), str(left)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300)
