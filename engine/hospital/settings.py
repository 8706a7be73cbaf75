"""pacs.toml in the workspace's folder: who may send, how the archive is reached. docs/pacs.md has a whole one."""

from __future__ import annotations

import ipaddress
import re
import ssl
import tomllib
from dataclasses import dataclass, field, fields
from datetime import time
from pathlib import Path
from typing import Any, TypeVar

from engine.errors import UsageError
from engine.settings import UPLOAD_LIMIT_MB

FILE = "pacs.toml"
SECTIONS = ("listen", "sender", "folder", "pacs", "hl7", "hl7_sender")
COHORT = "Archive"
TITLE = re.compile(r"[\x20-\x5b\x5d-\x7e]{1,16}")  # the representation AE of PS3.5
QUIET = re.compile(r"(\d{1,2}):(\d\d)-(\d{1,2}):(\d\d)")
Kind = TypeVar("Kind")


@dataclass(frozen=True)
class TlsFiles:
    """Certificate, key and the authorities of the other side, as PEM files; "" for none."""

    certificate: str = ""
    key: str = ""
    ca: str = ""


@dataclass(frozen=True)
class Sender:
    """Who may send. host, port: where storage commitments are reported; "" and 0 for nowhere."""

    title: str
    host: str = ""
    port: int = 0


@dataclass(frozen=True)
class ListenSettings:
    """The listener. most_mb: of one object; plain: whether a foreign interface may be served without TLS.

    look_for_text : whether films are looked at for text in their pictures, where the extra `ocr` is installed
    """

    title: str = "CASEBIND"
    address: str = "127.0.0.1"
    port: int = 11112
    cohort: str = COHORT
    most_associations: int = 8
    most_mb: int = 200
    plain: bool = False
    look_for_text: bool = True
    tls: TlsFiles = field(default_factory=TlsFiles)
    senders: tuple[Sender, ...] = ()

    def sender(self, title: str) -> Sender | None:
        """Return the sender of an AE title."""
        return next((one for one in self.senders if one.title == title.strip()), None)


@dataclass(frozen=True)
class FolderSettings:
    """A watched folder. path: an absolute one; cohort: where its studies go; most_mb: of one file"""

    path: str
    cohort: str = COHORT
    most_mb: int = UPLOAD_LIMIT_MB


@dataclass(frozen=True)
class DimseSettings:
    """An archive without DICOMweb. title: its AE title; calling: ours, as its team has entered it."""

    title: str
    host: str
    port: int
    calling: str = "CASEBIND"


@dataclass(frozen=True)
class ArchiveSettings:
    """The archive, by DICOMweb or by DIMSE. url: the root of DICOMweb; quiet: from, to.

    password_file : what holds the password, its first line
    per_minute    : objects that a job fetches at most in a minute; 0 for no limit
    dimse         : where the archive answers C-FIND and C-GET; None where url names DICOMweb
    """

    url: str = ""
    user: str = ""
    password_file: str = ""
    proxy: str = ""
    per_minute: int = 0
    quiet: str = ""
    cohort: str = COHORT
    tls: TlsFiles = field(default_factory=TlsFiles)
    dimse: DimseSettings | None = None

    def quiet_time(self) -> tuple[time, time] | None:
        """Return from when to when a job fetches nothing, in local time; None for never."""
        match = QUIET.fullmatch(self.quiet.strip())
        if match is None:
            return None
        return time(int(match[1]), int(match[2])), time(int(match[3]), int(match[4]))


@dataclass(frozen=True)
class ReportSender:
    """Who may send reports: MSH-3 and MSH-4, and the address it sends from; "" for any."""

    application: str
    facility: str = ""
    address: str = ""


@dataclass(frozen=True)
class ReportSettings:
    """HL7 v2 over MLLP, and what is done with reports. labels: whether texts get the findings that they affirm."""

    address: str = "127.0.0.1"
    port: int = 2575
    cohort: str = COHORT
    most_mb: int = 20
    labels: bool = False
    plain: bool = False
    tls: TlsFiles = field(default_factory=TlsFiles)
    senders: tuple[ReportSender, ...] = ()

    def reaches(self, address: str) -> bool:
        """Say whether a sender may come from an address."""
        return any(one.address in ("", address) for one in self.senders)

    def permits(self, application: str, facility: str, address: str) -> bool:
        """Say whether a sender is on the list."""
        return any(
            one.application == application and one.facility in ("", facility) and one.address in ("", address)
            for one in self.senders
        )


def report_settings(workspace: Path) -> ReportSettings:
    """Return how reports are taken, as the file says or the defaults; UsageError where it cannot be."""
    content = _content(workspace)
    senders = tuple(_made(ReportSender, one, "hl7_sender") for one in content.get("hl7_sender", []))
    found = _with_tls(ReportSettings, content.get("hl7", {}), "hl7", senders=senders)
    _check_address(found, "hl7")
    return found


def listen_settings(workspace: Path) -> ListenSettings:
    """Return the listener's settings, those of the file or the defaults; UsageError where one cannot be."""
    content = _content(workspace)
    senders = tuple(_made(Sender, one, "sender") for one in content.get("sender", []))
    found = _with_tls(ListenSettings, content.get("listen", {}), "listen", senders=senders)
    _check_titles(found.title, *(one.title for one in senders))
    _check_address(found, "listen")
    return found


def folder_settings(workspace: Path) -> FolderSettings | None:
    """Return which folder is watched; None for none, UsageError where the file names one that cannot be."""
    content = _content(workspace)
    if "folder" not in content:
        return None
    found = _made(FolderSettings, content["folder"], "folder")
    if not Path(found.path).is_absolute():
        raise UsageError(f"The path of [folder] in {FILE} is not absolute: write it from the root, beginning with /.")
    if not 0 < found.most_mb <= UPLOAD_LIMIT_MB:
        raise UsageError(f"The most_mb of [folder] in {FILE} is not between 1 and {UPLOAD_LIMIT_MB}: correct it.")
    return found


def archive_settings(workspace: Path) -> ArchiveSettings:
    """Return how the archive is reached; UsageError where the file does not say so."""
    content = _content(workspace)
    if "pacs" not in content:
        raise UsageError(
            f"No archive is named: write [pacs] with its url, or dimse, into {FILE} of the workspace (docs/pacs.md)."
        )
    given = dict(content["pacs"])
    named = given.pop("dimse", None)
    if named is not None and not isinstance(named, dict):
        raise UsageError(f"The value of 'dimse' in pacs of {FILE} is no table: write title, host and port into it.")
    dimse = None if named is None else _made(DimseSettings, named, "dimse")
    return checked(_with_tls(ArchiveSettings, given, "pacs", dimse=dimse))


def names_archive(workspace: Path) -> bool:
    """Say whether an archive is named that can be asked."""
    try:
        archive_settings(workspace)
    except UsageError:
        return False
    return True


def peer_of(workspace: Path) -> DimseSettings | None:
    """Return the archive that is asked by DIMSE; None where none is named."""
    return archive_settings(workspace).dimse if "pacs" in _content(workspace) else None


def checked(found: ArchiveSettings) -> ArchiveSettings:
    """Return settings of the archive that can be; UsageError for others."""
    if found.dimse is not None:
        _check_titles(found.dimse.title, found.dimse.calling)
        if found.url:
            raise UsageError(f"The settings [pacs] in {FILE} name url and dimse: leave one of them out.")
    elif not found.url.startswith(("http://", "https://")):
        raise UsageError(f"The url of [pacs] in {FILE} is no http or https address: correct it.")
    if found.quiet and not _is_quiet(found):
        raise UsageError(f"The quiet time of [pacs] in {FILE} is not written as 07:00-19:00: correct it.")
    return found


def not_served(address: str, port: int, error: OSError) -> UsageError:
    """Return the error of a listener whose address cannot be had."""
    return UsageError(
        f"The listener cannot serve {address}:{port} ({error.strerror}): "
        "another one may run, or name another port in pacs.toml."
    )


def server_context(tls: TlsFiles) -> ssl.SSLContext | None:
    """Return TLS in which both sides show a certificate; None where none is set."""
    if not any((tls.certificate, tls.key, tls.ca)):
        return None
    if not all((tls.certificate, tls.key, tls.ca)):
        raise UsageError(f"TLS in {FILE} needs certificate, key and ca: name all three, or none.")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    try:
        context.load_cert_chain(tls.certificate, tls.key)
        context.load_verify_locations(tls.ca)
    except (OSError, ssl.SSLError) as error:
        raise UsageError(f"The certificates named in {FILE} cannot be used ({error}): check the files.") from error
    context.verify_mode = ssl.CERT_REQUIRED
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def client_context(tls: TlsFiles) -> ssl.SSLContext | None:
    """Return TLS that checks the other side's certificate and shows ours; None where none is set."""
    if not any((tls.certificate, tls.key, tls.ca)):
        return None
    try:
        context = ssl.create_default_context(cafile=tls.ca or None)
        if tls.certificate:
            context.load_cert_chain(tls.certificate, tls.key or None)
    except (OSError, ssl.SSLError) as error:
        raise UsageError(f"The certificates named in {FILE} cannot be used ({error}): check the files.") from error
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _content(workspace: Path) -> dict[str, Any]:
    try:
        content = tomllib.loads((workspace / FILE).read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise UsageError(f"The settings {FILE} of the workspace cannot be read ({error}): correct the file.") from error
    if unknown := set(content) - set(SECTIONS):
        raise UsageError(f"The settings {FILE} know no [{sorted(unknown)[0]}]: use {', '.join(SECTIONS)}.")
    return content


def _with_tls(kind: type[Kind], given: dict[str, Any], section: str, **more: Any) -> Kind:
    """Return settings whose three names of TLS files stand among the others."""
    names = {one.name for one in fields(TlsFiles)}
    tls = TlsFiles(**{name: str(value) for name, value in given.items() if name in names})
    return _made(kind, {name: value for name, value in given.items() if name not in names}, section, tls=tls, **more)


def _made(kind: type[Kind], given: dict[str, Any], section: str, **more: Any) -> Kind:
    """Return a dataclass of values of the types that its defaults have."""
    known = {one.name: one.type for one in fields(kind) if one.name not in more}  # type: ignore[arg-type]
    for name, value in given.items():
        if name not in known:
            raise UsageError(f"The settings {FILE} know no '{name}' in {section}: use {', '.join(known)}.")
        if type(value).__name__ != known[name]:
            raise UsageError(f"The value of '{name}' in {section} of {FILE} is no {known[name]}: correct it.")
    try:
        return kind(**given, **more)
    except TypeError as error:
        raise UsageError(f"The settings {FILE} lack something in {section} ({error}): complete it.") from error


def _check_titles(*titles: str) -> None:
    for title in titles:
        if not TITLE.fullmatch(title) or not title.strip():
            raise UsageError(f"The AE title '{title}' in {FILE} has no 1 to 16 plain characters: correct it.")


def _check_address(found: ListenSettings | ReportSettings, section: str) -> None:
    try:
        local = ipaddress.ip_address(found.address).is_loopback
    except ValueError as error:
        raise UsageError(
            f"The address of [{section}] in {FILE} is no IP address: name the one of an interface."
        ) from error
    if not local and not found.plain and not found.tls.certificate:
        raise UsageError(
            f"The listener would serve {found.address} without TLS: name certificate, key and ca in {FILE}, or set "
            "plain = true where a firewall lets the senders alone reach it."
        )


def _is_quiet(found: ArchiveSettings) -> bool:
    try:
        return found.quiet_time() is not None
    except ValueError:
        return False
