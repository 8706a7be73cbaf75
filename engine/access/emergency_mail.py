"""Mails to the officers about emergencies: one when an emergency begins, one with what came of it when it has ended.

The audit is the spool: what a server has taken has its row, what it has not waits and is sent again, also by another
process after a crash. A crash between a server's yes and the row sends a mail twice; both have the same Message-ID.
A mail says who, when, how many studies, and where to read more: no reason, no study and nobody's pseudonym.
"""

from __future__ import annotations

import logging
import threading
import time
from datetime import UTC, datetime
from email.message import EmailMessage
from email.utils import format_datetime

from engine.access import emergencies, mode
from engine.access.emergencies import Emergency, Stage
from engine.access.mail_server import MailServer
from engine.errors import WorkspaceError
from engine.store.acts import Act
from engine.store.audit_file import SYSTEM, AuditFile
from engine.strings import several, speaking, text

LOOKS_EVERY_S, AGAIN_AFTER_S = 10.0, 60.0
_log = logging.getLogger("casebind.mail")


def send_due(audit: AuditFile, server: MailServer) -> int:
    """Send every mail that is due; return how many. WorkspaceError where the server takes none: they wait.

    What an officer has marked as read is not mailed any more.
    """
    due = [(one, stage) for one in emergencies.unmailed(audit) if (stage := one.due) is not None]
    if not due:
        return 0
    sent = 0
    try:
        with server.connected() as smtp:
            for one, stage in due:
                refused = smtp.send_message(about(one, stage, server, audit.workspace()))
                facts = {"row": one.row, "stage": stage, "officers": len(server.officers) - len(refused)}
                audit.append(SYSTEM, Act(emergencies.REPORTED, about=facts))
                sent += 1
    except WorkspaceError as problem:
        for one, stage in due[sent:]:
            if stage not in one.failed:  # one row on it, however often it is tried
                facts = {"row": one.row, "stage": stage}
                audit.append(SYSTEM, Act(emergencies.REPORTED, refused=str(problem), outcome="failed", about=facts))
        raise
    return sent


def about(one: Emergency, stage: Stage, server: MailServer, workspace: str) -> EmailMessage:
    """Return the mail about one stage of an emergency.

    workspace : its id in the audit, so that the same mail has the same Message-ID whoever sends it
    """
    with speaking(server.language):
        last = one.ended or one.began
        words = text(f"mail.{stage}", who=one.who, began=_minute(one.began), ended=_minute(last))
        seen = several(one.studies, "mail.studies")
        link = f"{mode.public_address() or mode.DEFAULT_ADDRESS}/record"
        made = server.mail(
            text("mail.subject", who=one.who), "\n\n".join([words, seen, text("mail.read", row=one.row, link=link)])
        )
    made["Date"] = format_datetime(datetime.now(UTC))
    made["Message-ID"] = f"<{workspace}.{one.row}.{stage}@{server.sender.partition('@')[2]}>"
    return made


def trial(server: MailServer) -> None:
    """Send the officers a mail that says it is a trial; WorkspaceError where the server does not take it."""
    with speaking(server.language):
        made = server.mail(text("mail.trial_subject"), text("mail.trial"))
    with server.connected() as smtp:
        smtp.send_message(made)


def watch(audit: AuditFile, server: MailServer) -> None:
    """Send what is due from now on, in a thread that ends with the process."""
    threading.Thread(target=_go_on, args=(audit, server), name="emergency-mail", daemon=True).start()


def _go_on(audit: AuditFile, server: MailServer) -> None:
    while True:
        pause = LOOKS_EVERY_S
        try:
            send_due(audit, server)
        except Exception as problem:
            _log.warning("A mail about an emergency waits: %s.", type(problem).__name__)
            pause = AGAIN_AFTER_S
        time.sleep(pause)


def _minute(when: datetime) -> str:
    return f"{when:%Y-%m-%d %H:%M}"
