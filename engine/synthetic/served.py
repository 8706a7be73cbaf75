"""A simulated hospital's archive: Debian's Orthanc with its films, ECGs and reports, on loopback alone.

    DIR/archive/objects/      what Orthanc keeps         DIR/archive/password      of the user `casebind`
               /pacs.toml     the settings to copy into a workspace
               /worklist.txt  an accession number a line
               /reports.hl7   its reports as an information system sends them

Objects have the same numbers each time, so that loading may be stopped and gone on with.
"""

from __future__ import annotations

import base64
import csv
import json
import os
import secrets
import shutil
import subprocess
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from engine.errors import UsageError
from engine.files import write_whole
from engine.intake.paths import read_paths
from engine.synthetic.archive import ArchivePatient, ecg_object, film_object, report_message, report_object, send
from engine.synthetic.own_network import LOOPBACK, Relay, Wire, words

if TYPE_CHECKING:
    from pydicom.dataset import FileDataset

FOLDER, USER, TITLE, OURS = "archive", "casebind", "SIMPACS", "CASEBIND"
PLUGIN = Path("/usr/share/orthanc/plugins/libOrthancDicomWeb.so")
ALSO_IN = "/usr/sbin:/usr/local/sbin"  # where Debian puts servers, and no user's PATH leads
STARTS_IN_S = 120.0
AT_ONCE = 50  # objects of one association
MODALITIES = ("cxr", "ecg", "text")
Said = Callable[[str], object]


@dataclass(frozen=True)
class Ports:
    """Of loopback: DICOMweb and Orthanc's pages, its DICOM port, and the port at which Casebind listens."""

    http: int = 18042
    dicom: int = 14242
    listener: int = 11112


@dataclass(frozen=True)
class Served:
    """An archive that runs. process: of its network"""

    folder: Path
    ports: Ports
    process: subprocess.Popen[bytes]

    @property
    def url(self) -> str:
        """The root of its DICOMweb services."""
        return f"http://{LOOPBACK}:{self.ports.http}/dicom-web"

    @property
    def pacs_file(self) -> str:
        """The settings by which a workspace finds, fetches, sends back and listens."""
        return (
            f'[pacs]\nurl = "{self.url}"\nuser = "{USER}"\npassword_file = "{self.folder / "password"}"\n\n'
            "[hl7]\nlabels = true\n\n"
            f'[listen]\ntitle = "{OURS}"\nport = {self.ports.listener}\n\n'
            f'[[sender]]\ntitle = "{TITLE}"\nhost = "{LOOPBACK}"\nport = {self.ports.dicom}\n'
        )

    @property
    def sends(self) -> str:
        """The line for the shell by which the archive sends everything that it holds to `casebind listen`."""
        asked = f'curl -s -u "{USER}:$(cat {self.folder / "password"})" http://{LOOPBACK}:{self.ports.http}'
        return f"{asked}/patients | {asked}/modalities/{USER}/store -d @-"


def need() -> str:
    """Return the path of Orthanc; UsageError where it, or what it needs, is missing."""
    found = shutil.which("Orthanc", path=f"{os.environ.get('PATH', '')}:{ALSO_IN}")
    if found is None or not PLUGIN.exists():
        raise UsageError(
            "Orthanc with its DICOMweb plugin is missing: run `make hospital` as root, which installs Debian's "
            "orthanc and orthanc-dicomweb."
        )
    if shutil.which("unshare") is None:
        raise UsageError("The archive needs a network of its own, and `unshare` is missing: serve it on Linux.")
    try:
        import pynetdicom  # noqa: F401
    except ModuleNotFoundError as error:
        raise UsageError(
            f"The package {error.name} is missing: install `casebind[pacs]` to serve an archive."
        ) from error
    return found


@contextmanager
def serving(hospital: Path, ports: Ports) -> Iterator[Served]:
    """Run the archive of a hospital that was drawn, empty or as it was left; it ends with the block.

    Raises UsageError where Orthanc is missing, a port is taken or no network of its own can be made.
    """
    program, folder = need(), (hospital / FOLDER).resolve()
    (folder / "objects").mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        sockets = stack.enter_context(tempfile.TemporaryDirectory(prefix="casebind-"))  # a socket's name is short
        http, dicom, listener = (f"{sockets}/{name}" for name in ("http", "dicom", "listener"))
        try:
            outside = Relay([Wire(ports.http, http), Wire(ports.dicom, dicom), Wire(listener, ports.listener)])
        except OSError as error:
            raise UsageError(
                f"The archive cannot be served at ports {ports.http} and {ports.dicom} "
                f"({os.strerror(error.errno or 0)}): another one may run, or name others with --http-port and "
                "--dicom-port."
            ) from error
        stack.callback(outside.close)
        inside = [Wire(http, ports.http), Wire(dicom, ports.dicom), Wire(ports.listener, listener)]
        command = words(inside, [program, str(_settings(folder, ports))], as_root=os.geteuid() == 0)
        log = stack.enter_context((folder / "orthanc.log").open("wb"))
        process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=log, stderr=log, start_new_session=True)
        stack.callback(_end, process)
        made = Served(folder, ports, process)
        _wait_for(made)
        write_whole(folder / "pacs.toml", made.pacs_file, mode=0o600)
        yield made


def load(served: Served, manifest: Path, on_progress: Said, stopped: Callable[[], bool] = lambda: False) -> int:
    """Put the films, ECGs and reports of a manifest into an archive; return how many it holds of them then.

    What came before is not sent again. Raises UsageError where the archive does not take them.
    """
    with manifest.open(newline="", encoding="utf-8") as handle:
        rows = [row for row in csv.DictReader(handle) if row["modality"] in MODALITIES]
    accessions = dict.fromkeys(_accession(row) for row in rows)
    write_whole(served.folder / "worklist.txt", "".join(f"{one}\n" for one in accessions))
    reports = (report_message(_words(row, manifest.parent), _patient(row)) for row in rows if row["modality"] == "text")
    write_whole(served.folder / "reports.hl7", "\n".join(reports))
    note = served.folder / "loaded.json"
    done = int(json.loads(note.read_text("utf-8"))) if note.exists() else 0
    for first in range(done, len(rows), AT_ONCE):
        if stopped():
            return first
        some = [_object_of(row, manifest.parent) for row in rows[first : first + AT_ONCE]]
        if send(some, (LOOPBACK, served.ports.dicom), title=OURS, called=TITLE) != len(some):
            raise UsageError(
                f"The archive did not take all objects ({served.folder / 'orthanc.log'} says why): give the same "
                "command again to go on."
            )
        write_whole(note, json.dumps(first + len(some)))
        on_progress(f"{first + len(some):,} of {len(rows):,} objects in the archive")
    return len(rows)


def _object_of(row: Mapping[str, str], folder: Path) -> FileDataset:
    """Return a study of the manifest as the archive holds it; film and report of a visit are one DICOM study."""
    who = _patient(row)
    if row["modality"] == "text":
        return report_object(_words(row, folder), who)
    study = read_paths([folder / one for one in row["file"].split(";")])
    if row["modality"] == "cxr":
        return film_object(study.film, who, view=row["view"] or "PA")
    return ecg_object(study.trace, who)


def _patient(row: Mapping[str, str]) -> ArchivePatient:
    at = row["acquired_at"].replace("-", "").replace("T", "").replace(":", "")
    age = int(row["age"]) if row["age"] else None
    return ArchivePatient(
        row["patient_id"], row["encounter_id"], _accession(row), at, row["sex"], age, number_from=row["study_id"]
    )


def _words(row: Mapping[str, str], folder: Path) -> str:
    return (folder / row["file"]).read_text("utf-8")


def _accession(row: Mapping[str, str]) -> str:
    """Return the accession number of a row: one for film and report, one for the ECG; 16 characters at most."""
    visit = row["study_id"].rpartition("-")[0].replace("-", "").upper()
    return f"{visit}{'E' if row['modality'] == 'ecg' else 'F'}"


def _settings(folder: Path, ports: Ports) -> Path:
    """Write Orthanc's settings and the password; return the former's file."""
    if not (folder / "password").exists():
        write_whole(folder / "password", f"{secrets.token_urlsafe(16)}\n", mode=0o600)
    content = {
        "Name": "Simulated archive of Casebind",
        "StorageDirectory": str(folder / "objects"),
        "IndexDirectory": str(folder / "objects"),
        "Plugins": [str(PLUGIN)],
        "HttpPort": ports.http,
        "DicomPort": ports.dicom,
        "DicomAet": TITLE,
        "RemoteAccessAllowed": False,
        "AuthenticationEnabled": True,
        "RegisteredUsers": {USER: (folder / "password").read_text("utf-8").strip()},
        "DicomModalities": {USER: [OURS, LOOPBACK, ports.listener]},
        "OverwriteInstances": False,
        "StableAge": 1,
        "WebDavEnabled": False,
        "DicomWeb": {"Enable": True, "Root": "/dicom-web/", "EnableWado": True, "Ssl": False},
    }
    write_whole(folder / "orthanc.json", json.dumps(content, indent=1), mode=0o600)
    return folder / "orthanc.json"


def _wait_for(served: Served) -> None:
    """Wait until the archive answers; UsageError where it ends before."""
    password = (served.folder / "password").read_text("utf-8").strip()
    asked = urllib.request.Request(f"{served.url}/studies?limit=1")
    asked.add_header("Authorization", "Basic " + base64.b64encode(f"{USER}:{password}".encode()).decode())
    asked.add_header("Accept", "application/dicom+json")
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    last = time.monotonic() + STARTS_IN_S
    while True:
        try:
            with opener.open(asked, timeout=10):
                return
        except (OSError, urllib.error.URLError) as error:
            if served.process.poll() is not None or time.monotonic() > last:
                raise UsageError(
                    f"The archive did not start; {served.folder / 'orthanc.log'} says why. A network of its own "
                    "needs root, or a system that lets users make one."
                ) from error
            time.sleep(0.1)


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the network with the server in it: it ends when nobody holds its standard input."""
    if process.stdin is not None:
        process.stdin.close()
    process.wait()
