"""A real Orthanc with its DICOMweb plugin in a network namespace of its own, as it has no address to listen on."""

from __future__ import annotations

import ctypes
import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
import requests
from helpers.archive_objects import beside, chest_film, ecg

from engine.hospital.archive import DicomWebArchive
from engine.hospital.settings import ArchiveSettings

CLONE_NEWNET = 0x40000000
PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
HTTP, DICOM = 18042, 14242
USER, PASSWORD = "casebind", "for-tests-alone"
URL = f"http://127.0.0.1:{HTTP}/dicom-web"
STARTS_IN_S = 120
ABSENT = "needs root, `unshare` and Debian's orthanc with orthanc-dicomweb: make hospital"
needs_orthanc = pytest.mark.skipif(
    os.name != "posix" or os.geteuid() != 0 or not shutil.which("Orthanc") or not PLUGIN.exists(), reason=ABSENT
)


class Orthanc(NamedTuple):
    """One that runs: its process, and the file that holds the password."""

    process: subprocess.Popen[bytes]
    password_file: Path


@contextmanager
def orthanc(folder: Path) -> Iterator[Orthanc]:
    """Run an Orthanc; the thread of the block, and those that it starts, are in its network."""
    settings = {
        "Name": "casebind-test",
        "StorageDirectory": str(folder / "db"),
        "IndexDirectory": str(folder / "db"),
        "Plugins": [str(PLUGIN)],
        "HttpPort": HTTP,
        "DicomPort": DICOM,
        "DicomAet": "PACS",
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": True,
        "RegisteredUsers": {USER: PASSWORD},
        "DicomModalities": {"casebind": ["CASEBIND", "127.0.0.1", 11112]},
        "OverwriteInstances": False,
        "StableAge": 1,
        "WebDavEnabled": False,
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/", "EnableWado": True, "Ssl": False},
    }
    (folder / "orthanc.json").write_text(json.dumps(settings))
    (folder / "password").write_text(f"{PASSWORD}\n")
    start = f"ip link set lo up; exec Orthanc {folder / 'orthanc.json'}"
    with (folder / "orthanc.log").open("wb") as log:
        process = subprocess.Popen(["unshare", "-n", "sh", "-c", start], stdout=log, stderr=log)
    try:
        with _network_of(process.pid):
            _wait_for(process)
            yield Orthanc(process, folder / "password")
    finally:
        process.terminate()
        process.wait()


@contextmanager
def filled_orthanc(folder: Path) -> Iterator[Orthanc]:
    """Run an Orthanc with two patients: each with a film, an ECG and what accompanies them."""
    with orthanc(folder) as running:
        archive = DicomWebArchive(ArchiveSettings(URL, USER, str(running.password_file)), in_job=True)
        for number in (1, 2):
            made = [chest_film(number), ecg(number), beside(number)]
            archive.store(str(made[0].StudyInstanceUID), made)
        yield running


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Orthanc]:
    """A filled Orthanc for the tests of a module; a conftest beside them imports it."""
    with filled_orthanc(tmp_path_factory.mktemp("orthanc")) as running:
        yield running


@contextmanager
def _network_of(pid: int) -> Iterator[None]:
    """Put this thread into the network namespace of a process, once that has one of its own."""
    library = ctypes.CDLL(None, use_errno=True)
    own = os.readlink("/proc/self/ns/net")
    last = time.monotonic() + STARTS_IN_S
    while os.readlink(f"/proc/{pid}/ns/net") == own:
        assert time.monotonic() < last
        time.sleep(0.02)
    before = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
    there = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
    try:
        assert library.setns(there, CLONE_NEWNET) == 0, os.strerror(ctypes.get_errno())
        yield
    finally:
        library.setns(before, CLONE_NEWNET)
        os.close(there)
        os.close(before)


def _wait_for(process: subprocess.Popen[bytes]) -> None:
    last = time.monotonic() + STARTS_IN_S
    while True:
        try:
            requests.get(f"{URL}/studies", auth=(USER, PASSWORD), timeout=10, params={"limit": 1}).raise_for_status()
            return
        except requests.RequestException:
            assert process.poll() is None and time.monotonic() < last
            time.sleep(0.1)
