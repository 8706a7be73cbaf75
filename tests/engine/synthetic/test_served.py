"""A simulated hospital's archive is served by Debian's Orthanc on loopback, is found, fetched and sends, and stops."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import requests
from helpers.archive_objects import wait_until
from helpers.served import free_ports, needs_archive

from engine.actor import single_user
from engine.cli import run
from engine.errors import UsageError
from engine.hospital import fetching
from engine.hospital.archive import WantedStudies
from engine.hospital.inbox import Inbox
from engine.hospital.listener import Listener
from engine.hospital.settings import listen_settings
from engine.store import arrivals
from engine.synthetic import served as served_module
from engine.synthetic.served import Served, load, serving
from engine.workspace.workspace import Workspace, open_workspace

ME = single_user()


@pytest.fixture
def place(tmp_path: Path, archive: Served) -> Iterator[Workspace]:
    with open_workspace(tmp_path / "ws", create=True) as made:
        shutil.copyfile(archive.folder / "pacs.toml", made.path / "pacs.toml")
        yield made


@needs_archive
def test_what_was_drawn_is_found_and_fetched_and_film_and_ecg_of_a_visit_are_one_encounter(archive, place):
    found = fetching.find(place, WantedStudies(patient="sim-0001"), actor=ME)
    assert {one.modalities for one in found} == {("CR", "SR"), ("ECG",)}
    place.close()
    assert run(["pacs", "get", "--worklist", str(archive.folder / "worklist.txt"), "--workspace", str(place.path)]) == 0
    with open_workspace(place.path) as again:
        assert set(arrivals.counts(again.database)) == {"stored"}
        rows = again.all_rows()
        assert len({row.patient_id for row in rows}) == 2
        visits = {
            row.encounter_id: {one.modality for one in rows if one.encounter_id == row.encounter_id} for row in rows
        }
        assert {"cxr", "ecg"} in visits.values()


@needs_archive
def test_the_archive_sends_to_the_listener_and_holds_nothing_twice(archive, place, hospital):
    (archive.folder / "loaded.json").unlink()
    held = load(archive, hospital, lambda line: None)
    listener = Listener(place.path, listen_settings(place.path))
    user = ("casebind", (archive.folder / "password").read_text().strip())
    home = f"http://127.0.0.1:{archive.ports.http}"
    patients = requests.get(f"{home}/patients", auth=user, timeout=60).json()
    sent = requests.post(f"{home}/modalities/casebind/store", auth=user, json=patients, timeout=120).json()
    listener.close()
    assert (sent["InstancesCount"], sent["FailedInstancesCount"]) == (held, 0)
    with Inbox(place.path) as inbox:
        assert len(inbox.waiting()) == held


@needs_archive
def test_it_is_reached_by_loopback_alone_and_a_taken_port_is_said(archive, hospital):
    with socket.create_server(("127.0.0.1", 0)) as held:
        ports = replace(free_ports(), http=held.getsockname()[1])
        with pytest.raises(UsageError, match="Address already in use"), serving(hospital.parents[1], ports):
            pass
    listening = {
        line.split()[1] for file in ("tcp", "tcp6") for line in Path(f"/proc/net/{file}").read_text().splitlines()[1:]
    }
    of_ours = [one for one in listening if int(one.split(":")[1], 16) in (archive.ports.http, archive.ports.dicom)]
    assert sorted(one.split(":")[0] for one in of_ours) == ["0100007F", "0100007F"]


@needs_archive
@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_it_ends_with_whoever_serves_it(hospital, tmp_path, how):
    copy, ports = tmp_path / "h", free_ports()
    shutil.copytree(hospital.parents[1], copy)
    script = (
        "import sys, pathlib\n"
        "from engine.commands.simulate import serve_hospital\n"
        "serve_hospital(pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2]), dict(zip(('http_port', 'dicom_port', "
        "'listen_port'), map(int, sys.argv[3:]))))\n"
    )
    words = [sys.executable, "-c", script, copy, copy / "on" / "manifest.csv", ports.http, ports.dicom, ports.listener]
    with subprocess.Popen([str(word) for word in words], stdout=subprocess.PIPE, text=True) as serving_process:
        assert serving_process.stdout is not None
        said = iter(serving_process.stdout)
        assert any(line.startswith("Stop the archive") for line in said)
        server = orthanc_of(copy)
        serving_process.send_signal(how)
        rest = list(said)
    wait_until(lambda: not Path(f"/proc/{server}").exists())
    if how is signal.SIGTERM:
        assert serving_process.returncode == 0 and rest == [
            f"The archive is stopped; what it holds stays in {copy / 'archive'}.\n"
        ]


def orthanc_of(folder: Path) -> int:
    """Return the number of the process that serves a folder's archive."""
    for one in Path("/proc").glob("[0-9]*/cmdline"):
        words = one.read_bytes().split(b"\0") if one.exists() else []
        if len(words) > 1 and words[0].endswith(b"Orthanc") and words[1].startswith(os.fsencode(folder)):
            return int(one.parent.name)
    raise AssertionError("no Orthanc runs")


def test_without_orthanc_one_sentence_comes_before_the_drawing(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(served_module, "ALSO_IN", "")
    assert run(["simulate", "hospital", "--out", str(tmp_path / "h"), "--serve"]) == 2
    assert "run `make hospital` as root" in capsys.readouterr().err and not (tmp_path / "h").exists()
