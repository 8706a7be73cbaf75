"""casebind audit seal | verify | export | send | mail"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import click

from engine import settings
from engine.access import emergency_mail
from engine.access.mail_server import SERVER, mail_server
from engine.actor import Actor, single_user
from engine.audit.checkpoint import checkpoint_files, is_due, read_checkpoint
from engine.audit.export import FORMATS, exported
from engine.audit.key import VARIABLE, key_path, signing_key
from engine.audit.seal import seal as seal_all
from engine.audit.sending import Receiver
from engine.audit.sending import send as send_rows
from engine.audit.stamps import ADDRESS, ROOTS, Authority, Stamps, authority, check_stamps, stamp, stamp_file, trusted
from engine.audit.verify import Verification
from engine.audit.verify import verify as verify_all
from engine.commands.shared import workspace_option
from engine.errors import UsageError, WorkspaceError
from engine.files import write_whole
from engine.store.acts import Act
from engine.store.audit_file import FILE, AuditFile
from engine.store.audit_questions import AuditQuestion
from engine.strings import several, text

NOT_WHOLE = 4  # exit status
LOOKS_EVERY_S = 10.0
roots_option = click.option(
    "--roots", type=click.Path(path_type=Path), metavar="FILE", help=f"The authority's root certificates; else {ROOTS}."
)
who_option = click.option("--who", default=single_user().name, help="Name for the audit.", show_default=True)


@click.group("audit")
def command() -> None:
    """Seal, verify, export and send on the audit: what everybody did. The app may be running."""


@command.command("seal")
@click.option("--key", "key_file", type=click.Path(path_type=Path), metavar="FILE", help=f"Else {VARIABLE}.")
@click.option("--watch", is_flag=True, help="Go on, and seal after every 1,000 rows and every hour with a row.")
@click.option("--stamp-by", "address", metavar="URL", help=f"A time stamping authority (RFC 3161); else {ADDRESS}.")
@roots_option
@who_option
@workspace_option
def seal(
    *, key_file: Path | None, watch: bool, address: str | None, roots: Path | None, who: str, workspace: Path | None
) -> None:
    """Sign the root over every row, and print the checkpoint's file. Keep a copy on another machine.

    The key is made at first use, for its owner alone. Whoever can read it can forge; so run this as a user of its own,
    or have an authority stamp each checkpoint: what is sealed cannot be sealed anew at a time that is over.
    """
    by = authority(address, roots)
    key, folder = signing_key(key_path(key_file)), _folder(workspace)
    with AuditFile(folder) as audit:
        while True:
            if not watch or is_due(audit, folder):
                made, path = seal_all(audit, folder, key, Actor(who))
                click.echo(f"{path}  {made.size} rows, root {made.root}")
                _stamp(path, by, watch)
            if not watch:
                return
            time.sleep(LOOKS_EVERY_S)


@command.command("verify")
@click.option("--against", type=click.Path(path_type=Path), metavar="FILE", help="A checkpoint kept elsewhere.")
@roots_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
@who_option
@workspace_option
def verify(*, against: Path | None, roots: Path | None, as_json: bool, who: str, workspace: Path | None) -> int:
    """Say whether a row was changed, added, taken away or written anew; exit status 4 where one was.

    Without a checkpoint from elsewhere or a stamp, whoever owns the files can have written all of them anew.
    """
    trust = trusted(roots)
    folder = _folder(workspace)
    anchor = read_checkpoint(against) if against else None
    with AuditFile(folder, read_only=True) as audit:
        found = verify_all(audit, folder, anchor)
    stamps = check_stamps([*checkpoint_files(folder), *([against] if against else [])], trust)
    if found.is_whole:  # what is not is left as it stands
        about = {"rows": found.rows, **({"against": anchor.size} if anchor else {})}
        with suppress(WorkspaceError), AuditFile(folder) as audit:
            audit.append(Actor(who), Act("record verified", about=about))
    click.echo(
        json.dumps(_plain(found, stamps)) if as_json else "\n".join([found.sentence, *_of_stamps(found, stamps)])
    )
    return 0 if found.is_whole and not stamps.does_not_fit else NOT_WHOLE


@command.command("export")
@click.option("--format", "form", type=click.Choice(sorted(FORMATS)), default="csv", show_default=True)
@click.option("--since", type=click.DateTime(), help="UTC.")
@click.option("--until", type=click.DateTime(), help="UTC; not included.")
@click.option("--person", default="", help="Only what this person did.")
@click.option("--patient", default="", help="Only what concerns this patient.")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="Else standard output.")
@who_option
@workspace_option
def export(
    *,
    form: str,
    since: datetime | None,
    until: datetime | None,
    person: str,
    patient: str,
    out: Path | None,
    who: str,
    workspace: Path | None,
) -> None:
    """Write rows as CSV, as audit messages of DICOM (ATNA) or as AuditEvents of FHIR R4; the export is a row too."""
    question = AuditQuestion(_utc(since), _utc(until), person, patient)
    with AuditFile(_folder(workspace)) as audit:
        words = exported(audit, question, form, Actor(who))
    if out is None:
        sys.stdout.write(words)
        return
    try:
        write_whole(out, words, mode=0o600)
    except OSError as problem:
        raise UsageError(f"{out} cannot be written ({problem.strerror}): name another file.") from None
    click.echo(f"{out}", err=True)


@command.command("send")
@click.option("--to", "address", required=True, metavar="HOST[:PORT]", help="An audit repository; port 6514 else.")
@click.option("--ca", type=click.Path(path_type=Path), metavar="FILE", help="Who signed its certificate.")
@click.option("--own", type=click.Path(path_type=Path), metavar="FILE", help="Certificate and key of this machine.")
@click.option("--watch", is_flag=True, help="Go on; what cannot be sent waits.")
@workspace_option
def send(*, address: str, ca: Path | None, own: Path | None, watch: bool, workspace: Path | None) -> None:
    """Send rows on as audit messages over syslog on TLS (RFC 5424, RFC 5425); those that were not sent wait."""
    receiver, folder = Receiver.of(address, ca, own), _folder(workspace)
    with AuditFile(folder) as audit:
        about = {"format": "syslog", "to": f"{receiver.host}:{receiver.port}"}
        audit.append(single_user(), Act("record exported", about=about))
        while True:
            try:
                sent = send_rows(audit, folder, receiver)
                if sent or not watch:
                    click.echo(f"{sent} {'row' if sent == 1 else 'rows'} sent to {receiver.host}:{receiver.port}")
            except WorkspaceError as problem:
                if not watch:
                    raise
                click.echo(str(problem), err=True)
            if not watch:
                return
            time.sleep(LOOKS_EVERY_S)


@command.command("mail")
@click.option("--trial", is_flag=True, help="Send a mail that says it is a trial, and nothing else.")
@workspace_option
def mail(*, trial: bool, workspace: Path | None) -> None:
    """Send the privacy officers the mails about emergency access that wait; the running app does it by itself."""
    server = mail_server()
    if server is None:
        raise UsageError(f"No mail server is set: set {SERVER} and what belongs to it (docs/access.md).")
    if trial:
        emergency_mail.trial(server)
        click.echo(text("mail.trial_sent", officers=", ".join(server.officers)))
        return
    with AuditFile(_folder(workspace)) as audit:
        click.echo(several(emergency_mail.send_due(audit, server), "mail.sent"))


def _folder(workspace: Path | None) -> Path:
    folder = workspace or settings.workspace_path()
    if not (folder / FILE).is_file():
        raise WorkspaceError(f"There is no audit at {folder}: run `casebind demo`, or name another by --workspace.")
    return folder


def _stamp(checkpoint: Path, by: Authority | None, watch: bool) -> None:
    """Have a checkpoint stamped where there is an authority; who watches goes on without, and is told."""
    try:
        if by is not None:
            click.echo(f"{stamp_file(checkpoint)}  stamped {stamp(checkpoint, by):%Y-%m-%d %H:%M:%S} UTC")
    except WorkspaceError as problem:
        if not watch:
            raise
        click.echo(str(problem), err=True)


def _of_stamps(found: Verification, stamps: Stamps) -> Iterator[str]:
    """Yield what the stamps say, in a sentence each."""
    if stamps.does_not_fit:
        yield text("audit.stamp_does_not_fit", file=stamps.does_not_fit)
    elif found.is_whole and stamps.at is not None:
        yield text("audit.stamped", rows=stamps.rows, when=f"{stamps.at:%Y-%m-%d %H:%M:%S}")


def _plain(found: Verification, stamps: Stamps) -> dict[str, object]:
    last = found.last
    return {
        "whole": found.is_whole,
        "rows": found.rows,
        "first_bad": found.first_bad,
        "found": found.found,
        "checkpoint": None if last is None else {"size": last.size, "time": last.time, "key": last.key},
        "stamped": None if stamps.at is None else {"size": stamps.rows, "time": stamps.at.isoformat()},
        "stamp_does_not_fit": stamps.does_not_fit,
    }


def _utc(when: datetime | None) -> datetime | None:
    return None if when is None else when.replace(tzinfo=UTC)
