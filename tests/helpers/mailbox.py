"""A real mail server on loopback (aiosmtpd), and what it was given."""

from __future__ import annotations

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from helpers.server import free_port

USER, PASSWORD = "casebind", "a password of the mail server"
OFFICERS = ("officer@hospital.example", "deputy@hospital.example")


@dataclass
class Mailbox:
    """What a mail server took. is_full: it refuses every mail for the time being"""

    host: str
    port: int
    is_full: bool = False
    raw: list[bytes] = field(default_factory=list)
    to: list[list[str]] = field(default_factory=list)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        """Take a mail, as aiosmtpd calls it."""
        if self.is_full:
            return "452 No room for anna"
        self.raw.append(bytes(envelope.content or b""))
        self.to.append(list(envelope.rcpt_tos))
        return "250 taken"

    @property
    def mails(self) -> list[EmailMessage]:
        """The mails in their order."""
        return [message_from_bytes(one, policy=policy.default) for one in self.raw]  # type: ignore[misc]

    def settings(self, folder: Path, ca: Path | None = None) -> dict[str, str]:
        """Return the environment of an app that sends here; with a certificate to trust, also its password's file."""
        made = {
            "CASEBIND_MAIL_SERVER": f"{self.host}:{self.port}",
            "CASEBIND_MAIL_FROM": "casebind@hospital.example",
            "CASEBIND_MAIL_TO": ", ".join(OFFICERS),
        }
        if ca is None:
            return made
        secret = folder / "mail-password"
        secret.write_text(f"{PASSWORD}\n", "utf-8")
        known = {"CASEBIND_MAIL_USER": USER, "CASEBIND_MAIL_PASSWORD_FILE": str(secret), "CASEBIND_MAIL_CA": str(ca)}
        return {**made, **known}


@contextmanager
def mailbox(pem: Path | None = None) -> Iterator[Mailbox]:
    """Run a mail server; with certificate and key it takes nothing without STARTTLS and a sign-in."""
    box = Mailbox("127.0.0.1", free_port())
    secured: dict[str, Any] = {}
    if pem is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(pem)
        secured = {"tls_context": context, "require_starttls": True, "auth_required": True, "authenticator": _known}
    controller = Controller(box, hostname=box.host, port=box.port, **secured)
    controller.start()
    try:
        yield box
    finally:
        controller.stop()


def _known(server: SMTP, session: Session, envelope: Envelope, mechanism: str, given: Any) -> AuthResult:
    known = isinstance(given, LoginPassword) and given == LoginPassword(USER.encode(), PASSWORD.encode())
    return AuthResult(success=known, handled=False)  # what is answered is left to the server
