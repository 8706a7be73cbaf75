"""A workspace that is encrypted says everything that it said before, and no file of it shows any of it to others."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from helpers.studies import COHORT, DIGEST, RELEASE, new_study

from engine.actor import Actor
from engine.cli import run
from engine.errors import UsageError, WorkspaceError
from engine.files import utc_now
from engine.store import pair_maps
from engine.store.data_keys import FILE as KEYS
from engine.store.key_source import make_key_file, read_workspace_key
from engine.store.records import StoredQuery
from engine.store.workspace_files import KeylessError
from engine.study import Note, Study, fingerprint
from engine.upkeep.backup import back_up, copy_database
from engine.upkeep.restore import restore
from engine.workspace import encrypting, erasure
from engine.workspace.annotations import canvas_of_study
from engine.workspace.byte_search import Sequences, search_bytes
from engine.workspace.certificate import certificates
from engine.workspace.study_files import check_files
from engine.workspace.workspace import Workspace, open_workspace

ANN = Actor("ann")
SAID, REPORTED, ASKED = "Frau Muster left lower lobe", "Herr Beispiel cardiomegaly", "asked by Doktor Probe"
KILLS = int(os.environ.get("CASEBIND_ENCRYPT_KILLS", "3"))  # of MOMENTS at which a process is killed
MOMENTS = 60  # a file is opened, renamed or deleted while the workspace of these tests is encrypted
CHILD = """
import os, signal, sys
from engine.actor import Actor
from engine.workspace import encrypting
from engine.workspace.workspace import open_workspace
for one in sys.argv[2:]:
    folder, moment = one.rsplit("=", 1)
    if os.fork() == 0:
        with open_workspace(folder) as place:
            left = int(moment)
            def watch(event, arguments):
                global left
                if event in ("open", "os.rename", "os.remove", "os.mkdir"):
                    left -= 1
                    if left == 0:
                        os.kill(os.getpid(), signal.SIGKILL)
            sys.addaudithook(watch)
            encrypting.begin(place, sys.argv[1], actor=Actor("ann"))
            encrypting.encrypt_plain(place)
            print(int(moment) - left, flush=True)
        os._exit(0)
    os.wait()
"""


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A workspace in which a patient's film, trace, words and report stand, with a stored query and a map of a pair."""
    folder = tmp_path_factory.mktemp("plain") / "ws"
    rng = np.random.default_rng(5)
    batch = [new_study(n, kind, rng) for n, kind in enumerate(("cxr", "ecg", "ppg", "text"))]
    batch = [replace(one, row=replace(one.row, report=f"{REPORTED} {n}")) for n, one in enumerate(batch)]
    note = Note(SAID)
    batch[3] = replace(batch[3], study=replace(batch[3].study, content=note, fingerprint=fingerprint(note)))
    batch[3] = replace(batch[3], row=replace(batch[3].row, fingerprint=fingerprint(note)))
    with open_workspace(folder, create=True) as place:
        place.add(COHORT, RELEASE, DIGEST, batch)
        ask(
            place,
            "q1",
            Study("text", Note(ASKED), "text", facts={"report": f"{REPORTED} of a query"}),
            np.arange(32, dtype=np.uint8),
        )
        place.maps.save("pair", [pair_maps.patient("p0")], {"values": np.arange(5.0)})
        place.database.checkpoint()
    (folder / "studies" / ".0f.tmp").write_text(f"{SAID} by a process that was killed")
    return folder


def ask(place: Workspace, query_id: str, study: Study, code: np.ndarray) -> None:
    stored = StoredQuery(query_id, "ann", study, {}, RELEASE, code, np.ones(256, np.float32), utc_now())
    place.audit("search", actor=ANN, stored_query=stored)


@pytest.fixture
def folder(whole: Path, tmp_path: Path) -> Path:
    return shutil.copytree(whole, tmp_path / "ws")


@pytest.fixture
def key(tmp_path: Path) -> str:
    source = f"file:{tmp_path / 'workspace.key'}"
    make_key_file(source)
    return source


def said_by(place: Workspace) -> list[object]:
    """Return everything that the content files and the reports of the workspace say."""
    rows = place.all_rows()
    studies = [place.study_of(row) for row in rows]
    query = place.query("q1", actor=ANN)
    assert query is not None and isinstance(query.study.content, Note)
    stored = place.maps.load("pair")
    assert stored is not None
    return [
        *(one.fingerprint for one in studies),
        *(fingerprint(one.content) for one in studies),
        *(one.facts["report"] for one in studies),
        query.study.content.text,
        query.study.facts,
        stored["values"].tolist(),
        canvas_of_study(place, rows[0].study_id, actor=ANN),
    ]


def content_of(folder: Path) -> list[bytes]:
    """Return pieces of everything that is to be hidden: of each content file, and the words."""
    pieces = [SAID.encode(), REPORTED.encode(), ASKED.encode()]
    for file in sorted(one for name in ("studies", "queries", "maps") for one in (folder / name).rglob("*.*")):
        data = file.read_bytes()
        pieces += [data[at : at + 24] for at in range(len(data) // 3, len(data) - 24, max(24, len(data) // 8))]
    return list(dict.fromkeys(pieces))


def encrypted(folder: Path, source: str) -> encrypting.Encrypted:
    with open_workspace(folder) as place:
        encrypting.begin(place, source, actor=ANN)
        return encrypting.encrypt_plain(place)


def test_everything_reads_as_before_and_no_byte_of_it_is_in_any_file(folder: Path, key: str) -> None:
    pieces = content_of(folder)
    with open_workspace(folder) as place:
        before = said_by(place)
    assert set(search_bytes(folder, Sequences(pieces)).found) >= {"casebind.duckdb", "studies/.0f.tmp"}
    assert all(search_bytes(folder, Sequences([one])).found for one in pieces)
    made = encrypted(folder, key)
    assert (made.done, made.left, made.keys) == (6, 0, 6)  # four patients, a query, the maps
    assert search_bytes(folder, Sequences(pieces)).found == {}
    with open_workspace(folder) as place:
        assert said_by(place) == before
        assert check_files(place).whole


def test_what_comes_later_is_encrypted_as_it_comes(folder: Path, key: str) -> None:
    encrypted(folder, key)
    note, later = Note("Frau Spaeter"), new_study(9, "text", np.random.default_rng(9))
    study = replace(later.study, content=note)
    with open_workspace(folder) as place:
        place.add(
            COHORT, RELEASE, DIGEST, [replace(later, study=study, row=replace(later.row, report="of Frau Spaeter"))]
        )
        ask(place, "q2", Study("text", note, "text", facts={"report": "of Frau Spaeter"}), later.code)
        assert encrypting.state(place).left == 0
        assert place.study("s0009", actor=ANN).content == note
        found = place.query("q2", actor=ANN)
        assert found is not None and (found.study.content, found.study.facts["report"]) == (note, "of Frau Spaeter")
    assert search_bytes(folder, Sequences([b"Frau Spaeter"])).found == {}


def test_another_key_is_taken_by_rotation_and_the_former_opens_nothing(folder: Path, key: str, tmp_path: Path) -> None:
    encrypted(folder, key)
    other = f"file:{tmp_path / 'other.key'}"
    make_key_file(other)
    written = {file: file.read_bytes() for file in (folder / "studies").rglob("*.*")}
    with open_workspace(folder) as place:
        before = said_by(place)
        with pytest.raises(UsageError, match="--rotate"):
            encrypting.begin(place, other, actor=ANN)
        assert encrypting.rotate(place, other, actor=ANN) == 6
    Path(key.partition(":")[2]).unlink()
    with open_workspace(folder) as place:
        assert said_by(place) == before
    assert {file: file.read_bytes() for file in (folder / "studies").rglob("*.*")} == written
    make_key_file(key)
    shutil.copy(key.partition(":")[2], other.partition(":")[2])
    with pytest.raises(WorkspaceError, match="is not the one that the workspace"):
        open_workspace(folder)


def test_without_its_key_or_its_keys_a_workspace_says_so_and_loses_nothing(folder: Path, key: str) -> None:
    encrypted(folder, key)
    file = Path(key.partition(":")[2])
    for spoil, said in (
        (lambda: file.rename(file.with_suffix(".away")), "cannot be read"),
        (lambda: file.chmod(0o640), "by others than its owner"),
        (lambda: file.write_text("short"), "no 32 bytes"),
        (lambda: (folder / KEYS).rename(folder.parent / KEYS), "are missing"),
    ):
        content = file.read_text()
        spoil()
        with pytest.raises(WorkspaceError, match=said):
            open_workspace(folder)
        for moved, home in ((file.with_suffix(".away"), file), (folder.parent / KEYS, folder / KEYS)):
            if moved.exists():
                moved.rename(home)
        file.write_text(content)
        file.chmod(0o600)
    with open_workspace(folder) as place:
        assert check_files(place).whole


def test_a_damaged_or_exchanged_file_is_named_and_the_others_read_on(folder: Path, key: str) -> None:
    encrypted(folder, key)
    with open_workspace(folder) as place:
        rows = {row.modality: row for row in place.all_rows()}
        cut, taken, given = (place.studies_folder / rows[kind].file for kind in ("cxr", "ecg", "ppg"))
        cut.write_bytes(cut.read_bytes()[:-1])
        shutil.copy(given, taken)
        for kind in ("cxr", "ecg"):
            with pytest.raises(WorkspaceError, match="was changed or cut off since: restore it"):
                place.study_of(rows[kind])
        assert check_files(place).damaged == (rows["cxr"].study_id, rows["ecg"].study_id)
        assert place.study_of(rows["text"]).content == Note(SAID)


def test_an_erasure_destroys_the_key_so_that_a_copy_of_the_file_is_unreadable(folder: Path, key: str) -> None:
    encrypted(folder, key)
    with open_workspace(folder) as place:
        row = place.all_rows()[0]
        file = place.studies_folder / row.file
        copy = file.read_bytes()
        erasure.erase(place.storage, [row.patient_id], actor=ANN)
        assert certificates(folder)[0].found == {} and certificates(folder)[0].keys == 1
        file.write_bytes(copy)
        with pytest.raises(KeylessError):
            place.files.read(file)
        assert len(place.files.keys) == 5


@pytest.mark.skipif(not hasattr(os, "fork"), reason="processes are forked")
def test_a_process_that_is_killed_anywhere_is_gone_on_with(whole: Path, key: str, tmp_path: Path) -> None:
    pieces = content_of(whole)
    with open_workspace(shutil.copytree(whole, tmp_path / "asked")) as place:
        before = said_by(place)
    moments = [1 + n * MOMENTS // KILLS for n in range(KILLS)]
    copies = [shutil.copytree(whole, tmp_path / f"ws{moment}") for moment in moments]
    asked = [f"{copy}={moment}" for copy, moment in zip(copies, moments, strict=True)]
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", CHILD, key, *asked, f"{tmp_path / 'asked'}=1000"],
        capture_output=True,
        text=True,
    )
    assert done.stdout.split() and not done.stderr, done
    assert int(done.stdout.split()[-1]) >= MOMENTS * 0.8, "the moments do not reach the end: lower MOMENTS"
    for copy in copies:
        with open_workspace(copy) as place:
            assert said_by(place) == before  # whatever is encrypted by now
        assert encrypted(copy, key).left == 0
        assert search_bytes(copy, Sequences(pieces)).found == {}
        with open_workspace(copy) as place:
            assert said_by(place) == before


def test_a_key_comes_from_a_credential_or_a_command_and_never_from_the_workspace(
    folder: Path, key: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = Path(key.partition(":")[2])
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(file.parent))
    expected = read_workspace_key(key)
    assert read_workspace_key(f"credential:{file.name}") == expected
    assert read_workspace_key(f"command:cat '{file}'") == expected
    monkeypatch.delenv("CREDENTIALS_DIRECTORY")
    with pytest.raises(WorkspaceError, match="was not given"):
        read_workspace_key(f"credential:{file.name}")
    with pytest.raises(WorkspaceError, match="command that prints its key failed"):
        read_workspace_key(f"command:cat '{tmp_path / 'nowhere'}'")
    with open_workspace(folder) as place:
        for source in (f"file:{folder / 'inside.key'}", "env:KEY", ""):
            with pytest.raises(UsageError):
                encrypting.begin(place, source, actor=ANN)
        assert not place.files.is_encrypting
    encrypted(folder, f"command:cat '{file}'")
    (folder / KEYS).chmod(0o660)
    with pytest.raises(WorkspaceError, match="others may write it"):
        open_workspace(folder)
    monkeypatch.setenv("CASEBIND_KEY_SOURCE", key)
    with open_workspace(folder) as place:
        assert check_files(place).whole


def test_a_backup_carries_wrapped_keys_and_is_restored_with_the_workspace_key_alone(
    folder: Path, key: str, tmp_path: Path
) -> None:
    pieces = content_of(folder)
    encrypted(folder, key)
    with open_workspace(folder) as place:
        before = said_by(place)[:-2]  # a backup leaves out the map of the pair
        made = back_up(folder, tmp_path / "backups", lambda: copy_database(place), actor=ANN)
    file = Path(key.partition(":")[2])
    assert search_bytes(made.path, Sequences([*pieces, bytes.fromhex(file.read_text())])).found == {}
    file.rename(file.with_suffix(".away"))
    with pytest.raises(WorkspaceError, match="cannot be read"):
        restore(made.path, tmp_path / "new", actor=ANN)
    assert not (tmp_path / "new").exists()
    file.with_suffix(".away").rename(file)
    restore(made.path, tmp_path / "new", actor=ANN)
    with open_workspace(tmp_path / "new") as place:
        place.maps.save("pair", [], {"values": np.arange(5.0)})
        assert said_by(place)[:-2] == before


def test_the_commands_make_a_key_encrypt_and_rotate(
    folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = tmp_path / "one.key", tmp_path / "two.key"
    assert run(["encrypt", f"file:{one}", "--workspace", str(folder)]) == 0
    assert one.stat().st_mode & 0o777 == 0o600
    said = capsys.readouterr()
    assert "6 files encrypted; 6 keys" in said.out and "copy it to a safe elsewhere" in said.err
    assert run(["encrypt", "--rotate", f"file:{two}", "--workspace", str(folder)]) == 0
    assert "6 keys wrapped anew" in capsys.readouterr().out
    one.unlink()
    assert run(["encrypt", "--json", "--workspace", str(folder)]) == 0
    assert '"left": 0' in capsys.readouterr().out
    assert run(["encrypt", f"file:{one}", "--workspace", str(folder)]) == 2
    assert not one.exists()
