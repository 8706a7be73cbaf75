"""Messages as a radiology information system sends them, and a sender that speaks MLLP."""

from __future__ import annotations

import json
import signal
import socket
import ssl
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from engine.hospital.mllp import ReportListener
from engine.hospital.settings import ReportSender, ReportSettings

HEAD = b"MSH|^~\\&|RIS|WARD|CASEBIND||20250310101500||ORU^R01^ORU_R01|1|P|2.5.1\r"


def message(
    *lines: str,
    status: str = "F",
    control: str = "1",
    filler: str = "F1",
    accession: str = "ACC00001",
    patient: str = "H00001",
    visit: str = "",
    day: str = "",
) -> bytes:
    """Return an ORU^R01 with a line of text per observation."""
    order = [""] * 26
    order[0], order[1], order[3], order[7], order[18], order[25] = "OBR", "1", f"{filler}^RIS", day, accession, status
    stay = [""] * 20
    stay[0], stay[1], stay[19] = "PV1", "1", visit
    found = [f"OBX|{number}|TX|1^^L||{line}||||||F" for number, line in enumerate(lines, start=1)]
    rest = [f"PID|1||{patient}^^^WARD^MR||Muster^Nummer1", "|".join(stay), "|".join(order), *found]
    return HEAD.replace(b"|1|P|", f"|{control}|P|".encode()) + ("\r".join(rest) + "\r").encode()


def resource(status: str = "final", issuer: str = "WARD", **fields: object) -> bytes:
    """Return a Bundle of FHIR R4 with a report, its patient and its order."""
    assigner = {"assigner": {"display": issuer}} if issuer else {}
    patient = {
        "resourceType": "Patient",
        "id": "p",
        "identifier": [{"value": "H00001", **assigner}],
        "name": [{"family": "Muster"}],
    }
    order = {"resourceType": "ServiceRequest", "id": "o", "identifier": [{"value": "ACC00001"}]}
    report = {
        "resourceType": "DiagnosticReport",
        "id": "r1",
        "status": status,
        "subject": {"reference": "Patient/p"},
        "basedOn": [{"reference": "ServiceRequest/o"}],
        **fields,
    }
    entries = [{"resource": one} for one in (patient, order, report)]
    return json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}).encode()


def settings_for_reports(port: int = 0, **more: Any) -> ReportSettings:
    """Return settings that let one system in."""
    return ReportSettings(**{"port": port, "senders": (ReportSender("RIS", "WARD", "127.0.0.1"),), **more})


def reports_sent(port: int, messages: Sequence[bytes], context: ssl.SSLContext | None = None) -> list[bytes]:
    """Send messages over one connection; return the answer to each. OSError where the connection ends before."""
    answers = []
    with socket.create_connection(("127.0.0.1", port), timeout=60) as plain:
        connection = context.wrap_socket(plain, server_hostname="127.0.0.1") if context else plain
        with connection.makefile("rb") as stream:
            for one in messages:
                connection.sendall(b"\x0b" + one + b"\x1c\r")
                answer = b""
                while not answer.endswith(b"\x1c\r"):
                    if not (byte := stream.read(1)):
                        raise ConnectionError("the connection ended before the answer")
                    answer += byte
                answers.append(answer)
    return answers


def listening_for_reports(workspace: Path, port: int, said: Connection) -> None:
    """Listen until killed; say the port."""
    said.send(ReportListener(workspace, settings_for_reports(port)).port)
    signal.pause()
