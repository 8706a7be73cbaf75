"""Files with reports, into the inbox: HL7 v2 messages or batches of them, FHIR R4 resources or Bundles."""

from __future__ import annotations

from pathlib import Path

from engine.actor import Actor
from engine.errors import IntakeError
from engine.hospital import fhir_report, hl7
from engine.hospital.inbox import Inbox
from engine.hospital.incoming_report import FHIR, HL7, KINDS
from engine.hospital.settings import report_settings
from engine.store.acts import Act
from engine.store.audit_file import AuditFile
from engine.store.received import Origin

SENDER = "file"
MEGABYTE = 1_000_000


def add_report_file(workspace: Path, file: Path, cohort: str = "", *, actor: Actor) -> int:
    """Put the reports of a file into the inbox of a workspace, on disk when this returns; return how many.

    The same message or resource comes once. Raises IntakeError for
    a file that holds no report or is larger than permitted; nothing of it is in the inbox then.
    """
    settings = report_settings(workspace)
    if file.stat().st_size > settings.most_mb * MEGABYTE:
        raise IntakeError(f"The file is larger than {settings.most_mb} MB: split it, or raise most_mb in pacs.toml.")
    data = file.read_bytes()
    made = _fhir(data) if data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{" else _hl7(data)
    with Inbox(workspace) as inbox, AuditFile(workspace) as audit:
        audit.append(actor, Act("reports added", about={"objects": len(made)}))
        for number, one, suffix in made:
            inbox.receive_report(number, one, suffix, Origin(KINDS[suffix], SENDER, cohort or settings.cohort))
    return len(made)


def _fhir(data: bytes) -> list[tuple[str, bytes, str]]:
    return [("fhir", one, FHIR) for one in fhir_report.reports_in(data)]


def _hl7(data: bytes) -> list[tuple[str, bytes, str]]:
    messages = hl7.messages_in(data)
    if not messages:
        raise IntakeError(hl7.NO_MESSAGE)
    return [
        (f"{hl7.sender_and_control(message)}|{number}", one, HL7)
        for message in messages
        for number, one in enumerate(hl7.reports_in(message))
    ]
