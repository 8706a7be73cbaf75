"""The hospital's mail server, from the environment, and one mail given to it: SMTP, with TLS before anything is said.

Without TLS nothing goes to another machine. The password is read from a file, never from the environment, which other
programs inherit.
"""

from __future__ import annotations

import ipaddress
import os
import re
import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from pathlib import Path

from engine.access import mode
from engine.errors import UsageError, WorkspaceError, brief
from engine.strings import ENGLISH, LANGUAGES

SERVER, FROM, TO = "CASEBIND_MAIL_SERVER", "CASEBIND_MAIL_FROM", "CASEBIND_MAIL_TO"
USER, PASSWORD_FILE = "CASEBIND_MAIL_USER", "CASEBIND_MAIL_PASSWORD_FILE"
CA, SPOKEN = "CASEBIND_MAIL_CA", "CASEBIND_MAIL_LANGUAGE"
PORT, TIMEOUT_S = 587, 20.0  # of mail submission (RFC 6409)
ADDRESS = re.compile(r"[^@\s,<>\"]+@[^@\s,<>\"]+")


@dataclass(frozen=True)
class MailServer:
    """Where mails are given in, and from whom to whom they go.

    user, password_file : None where the server asks for none
    ca                  : who signed the server's certificate; None for the authorities of the system
    language            : code of the language in which officers are written to
    """

    host: str
    port: int
    sender: str
    officers: tuple[str, ...]
    user: str | None = None
    password_file: Path | None = None
    ca: Path | None = None
    language: str = ENGLISH

    @property
    def name(self) -> str:
        """Host and port, as a sentence names them."""
        return f"{self.host}:{self.port}"

    @contextmanager
    def connected(self) -> Iterator[smtplib.SMTP]:
        """Give a connection on which mails can be sent; WorkspaceError where there is none, or a mail is not taken."""
        try:
            with smtplib.SMTP(self.host, self.port, timeout=TIMEOUT_S) as smtp:
                smtp.ehlo_or_helo_if_needed()
                if not self._is_here() or smtp.has_extn("starttls"):
                    smtp.starttls(context=ssl.create_default_context(cafile=self.ca))
                if self.user is not None:
                    smtp.login(self.user, self._password())
                yield smtp
        except (OSError, smtplib.SMTPException) as problem:
            raise WorkspaceError(
                f"The mail server {self.name} took no mail ({_said(problem)}): it is asked again."
            ) from problem

    def mail(self, subject: str, words: str) -> EmailMessage:
        """Return a mail to the officers, as one that a program wrote."""
        made = EmailMessage()
        made["From"], made["To"], made["Subject"] = self.sender, ", ".join(self.officers), subject
        made["Auto-Submitted"] = "auto-generated"  # so that no answer of an absent person comes back (RFC 3834)
        made.set_content(words)
        return made

    def _is_here(self) -> bool:
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host in mode.LOOPBACK

    def _password(self) -> str:
        return "" if self.password_file is None else self.password_file.read_text("utf-8").strip()


def mail_server() -> MailServer | None:
    """Return what the environment says, None where it names no server; UsageError where it cannot be used."""
    given = os.environ.get(SERVER, "").strip()
    if not given:
        return None
    found = re.fullmatch(r"(\[[0-9a-fA-F:.]+\]|[\w.-]+)(?::(\d{1,5}))?", given)
    if found is None or not 0 < int(found[2] or PORT) < 65_536:
        raise UsageError(f"{SERVER} is {brief(given)!r}: write it as host or host:port.")
    (sender,), officers = _addresses(FROM, most=1), _addresses(TO)
    user, language = os.environ.get(USER) or None, os.environ.get(SPOKEN, ENGLISH)
    if language not in LANGUAGES:
        raise UsageError(f"{SPOKEN} is {brief(language)!r}: set it to {' or '.join(LANGUAGES)}.")
    password, ca = _file(PASSWORD_FILE), _file(CA)
    if (user is None) != (password is None):
        raise UsageError(f"{USER} and {PASSWORD_FILE} go together: set both, or neither.")
    return MailServer(found[1].strip("[]"), int(found[2] or PORT), sender, officers, user, password, ca, language)


def _addresses(variable: str, most: int | None = None) -> tuple[str, ...]:
    given = tuple(one.strip() for one in os.environ.get(variable, "").split(",") if one.strip())
    wrong = next((one for one in given if not ADDRESS.fullmatch(one)), None)
    if wrong is not None or not given or (most is not None and len(given) > most):
        held = f"is {brief(wrong)!r}" if wrong else f"holds {len(given)} addresses"
        wanted = "one address" if most == 1 else "addresses"
        raise UsageError(f"{variable} {held}: set it to {wanted} such as officer@hospital.example.")
    return given


def _file(variable: str) -> Path | None:
    """Return the file that a variable names, None where it names none; UsageError where it cannot be read."""
    named = os.environ.get(variable)
    if not named:
        return None
    try:
        Path(named).read_bytes()
    except OSError as problem:
        raise UsageError(
            f"{variable}: {brief(named)} cannot be read ({problem.strerror}): name another file."
        ) from None
    return Path(named)


def _said(problem: Exception) -> str:
    """Return what went wrong, without what the server may quote of a mail."""
    if isinstance(problem, smtplib.SMTPResponseException):
        return f"status {problem.smtp_code}"
    if isinstance(problem, smtplib.SMTPRecipientsRefused):
        return f"status {min(code for code, _ in problem.recipients.values())}"
    return brief(str(problem).rstrip(".")) or type(problem).__name__
