"""Archives that answer DIMSE: dcmtk's dcmqrscp, and servers of pynetdicom that refuse, stop or fall silent."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pynetdicom import AE, ALL_TRANSFER_SYNTAXES

from engine.hospital.classes import ACCEPTED, FIND, GET
from engine.hospital.settings import DimseSettings

QRSCP, QRSCP_PORT, STARTS_IN_S = "QRSCP", 14343, 60


@contextmanager
def dcmqrscp(folder: Path) -> Iterator[DimseSettings]:
    """Run dcmtk's archive in the network of this thread; that has to be loopback alone, as it serves every address."""
    assert [name for _, name in socket.if_nameindex()] == ["lo"]
    (folder / "db").mkdir()
    (folder / "qr.cfg").write_text(
        f"NetworkTCPPort = {QRSCP_PORT}\nMaxPDUSize = 16384\nMaxAssociations = 16\n"
        "HostTable BEGIN\nHostTable END\nVendorTable BEGIN\nVendorTable END\n"
        f"AETable BEGIN\n{QRSCP} {folder / 'db'} RW (200, 1024mb) ANY\nAETable END\n"
    )
    command = [shutil.which("dcmqrscp") or "dcmqrscp", "-c", str(folder / "qr.cfg")]
    with (folder / "qr.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
    try:
        last = time.monotonic() + STARTS_IN_S
        while not _answers(QRSCP_PORT):
            assert process.poll() is None and time.monotonic() < last
            time.sleep(0.05)
        yield DimseSettings(QRSCP, "127.0.0.1", QRSCP_PORT)
    finally:
        process.terminate()
        process.wait()


@contextmanager
def peer(
    handlers: list[tuple[Any, Callable[..., Any]]], classes: Sequence[str] = (FIND, GET), **more: Any
) -> Iterator[int]:
    """Run an archive of some handlers; yield its port. more: of pynetdicom's start_server, and `calling` titles."""
    ae = AE(ae_title="PACS")
    ae.require_calling_aet = more.pop("calling", [])
    for one in classes:
        ae.add_supported_context(one)
    for one in ACCEPTED if GET in classes else ():
        ae.add_supported_context(one, ALL_TRANSFER_SYNTAXES, scu_role=True, scp_role=True)
    server = ae.start_server(("127.0.0.1", 0), block=False, evt_handlers=handlers, **more)
    try:
        yield server.socket.getsockname()[1]
    finally:
        ae.shutdown()


def _answers(port: int) -> bool:
    with socket.socket() as one:
        return one.connect_ex(("127.0.0.1", port)) == 0
