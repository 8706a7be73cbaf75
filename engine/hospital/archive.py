"""The archive by DICOMweb (PS3.18): find by QIDO-RS, fetch by WADO-RS, store by STOW-RS; every failure is one sentence.

On pages every call ends within seconds, whatever the archive does. Retries are for jobs (engine.hospital.fetching).
Addresses are never logged, as they hold what was asked for.
"""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import requests
from pydicom.dataset import Dataset

from engine.errors import UsageError
from engine.hospital.settings import ArchiveSettings
from engine.settings import UPLOAD_LIMIT_MB

ANSWERS_IN_S = 3.5  # of a search on a page
FETCHES_IN_S = 120.0
LEAST_HEARD = 50_000  # bytes of an object that come in `ANSWERS_IN_S` at least, where somebody waits
LOOKS_EVERY_S = 0.1
CONNECTS_IN_S, READS_IN_S = 2.0, 3.0
READS_IN_JOBS_S = 60.0
MEGABYTE, CHUNK = 1_000_000, 1 << 16
MOST_FOUND = 100
SHOWN = ("StudyDate", "AccessionNumber", "PatientID", "ModalitiesInStudy", "StudyDescription", "StudyInstanceUID")
WHOLE = 'multipart/related; type="application/dicom"; transfer-syntax=*'  # as it lies: old servers cannot transcode
logging.getLogger("dicomweb_client").setLevel(logging.CRITICAL)
Found = TypeVar("Found")


class AbsentError(UsageError):
    """The archive did not answer, or said that it cannot now; later it may."""


class BrokenAnswerError(AbsentError):
    """The archive answered with what cannot be read; asked once more it may be whole."""


@dataclass(frozen=True)
class WantedStudies:
    """What is looked for; what is left out does not narrow. since, until: YYYYMMDD, both included."""

    accession: str = ""
    patient: str = ""
    since: str = ""
    until: str = ""
    modalities: tuple[str, ...] = ()

    def filters(self) -> dict[str, str]:
        """Return the matching keys of QIDO-RS; UsageError where nothing is named."""
        found = {"AccessionNumber": self.accession.strip(), "PatientID": self.patient.strip()}
        if self.since or self.until:
            found["StudyDate"] = f"{self.since}-{self.until}"
        found = {name: value for name, value in found.items() if value}
        if not found:
            raise UsageError("Nothing is named: give an accession number, a patient number or a date.")
        if any("*" in value or "?" in value for value in found.values()):
            raise UsageError("The number holds a wildcard, which archives read differently: give the whole number.")
        return found


@dataclass(frozen=True)
class FoundStudy:
    """One study of the archive, as its list says it."""

    uid: str
    date: str
    accession: str
    patient: str
    modalities: tuple[str, ...]
    description: str


@dataclass(frozen=True)
class FoundObject:
    """One object of the archive, by its numbers. sop_class: "" where the archive does not say."""

    study: str
    series: str
    uid: str
    sop_class: str
    modality: str


class DicomWebArchive:
    """One archive. in_job: waits longer for an answer, as nobody looks on."""

    def __init__(self, settings: ArchiveSettings, *, in_job: bool = False) -> None:
        session = requests.Session()
        session.trust_env = False
        if settings.user:
            session.auth = (settings.user, _password(settings.password_file))
        session.verify = settings.tls.ca or True
        if settings.tls.certificate:
            session.cert = (settings.tls.certificate, settings.tls.key)
        if settings.proxy:
            session.proxies = {"http": settings.proxy, "https": settings.proxy}
        self._session, self._url = session, settings.url.rstrip("/")
        self._timeout = CONNECTS_IN_S, READS_IN_JOBS_S if in_job else READS_IN_S
        self._answers_in_s = None if in_job else ANSWERS_IN_S
        self._client = _client_class()(self._url, session=session, timeout=self._timeout, permissive_uid=True)
        self._client.set_http_retry_params(retry=False)

    def find(self, wanted: WantedStudies, limit: int = MOST_FOUND) -> list[FoundStudy]:
        """Return the studies that match, the newest first; UsageError with one sentence where that fails."""
        filters, remaining = wanted.filters(), self._answers_in_s is None
        kinds: Sequence[str] = wanted.modalities or ("",)
        found: dict[str, FoundStudy] = {}
        for kind in kinds:  # one at a time: not every archive matches lists
            more = {"ModalitiesInStudy": kind} if kind else {}
            for one in self._ask(
                lambda more=more: self._client.search_for_studies(  # type: ignore[misc]
                    search_filters={**filters, **more}, fields=SHOWN, limit=limit, get_remaining=remaining
                )
            ):
                study = _study(one)
                found[study.uid] = study
        return sorted(found.values(), key=lambda one: (one.date, one.uid), reverse=True)

    def objects(self, study: str, modalities: Sequence[str]) -> list[FoundObject]:
        """Return the objects of a study's series of some modalities, in the order of their numbers."""
        series = self._ask(lambda: self._client.search_for_series(study, fields=("Modality", "SeriesInstanceUID")))
        found = []
        for one in series:
            modality, uid = _word(one, "00080060"), _word(one, "0020000E")
            if modality in modalities:
                listed = self._ask(lambda uid=uid: self._client.search_for_instances(study, uid))  # type: ignore[misc]
                for each in listed:
                    found.append(FoundObject(study, uid, _word(each, "00080018"), _word(each, "00080016"), modality))
        return sorted(found, key=lambda one: (one.modality, one.series, one.uid))

    def fetch(self, one: FoundObject) -> bytes:
        """Return the DICOM file of an object in the transfer syntax in which it lies."""
        url, body = f"{self._url}/studies/{one.study}/series/{one.series}/instances/{one.uid}", bytearray()
        return self._ask(lambda: self._file(url, body), FETCHES_IN_S, lambda: len(body))

    def store(self, study: str, objects: Sequence[Dataset]) -> None:
        """Store objects into a study and ask for each of them again; UsageError unless all are there."""
        self._ask(lambda: self._client.store_instances(list(objects), study), FETCHES_IN_S)
        for one in objects:
            series, uid = str(one.SeriesInstanceUID), str(one.SOPInstanceUID)
            listed = self._ask(
                lambda series=series, uid=uid: self._client.search_for_instances(  # type: ignore[misc]
                    study, series, search_filters={"SOPInstanceUID": uid}
                )
            )
            if [_word(each, "00080018") for each in listed] != [uid]:
                raise unlisted()

    def _file(self, url: str, body: bytearray) -> bytes:
        with self._session.get(url, headers={"Accept": WHOLE}, timeout=self._timeout, stream=True) as answer:
            answer.raise_for_status()
            for chunk in answer.iter_content(CHUNK):
                body += chunk
                if len(body) > UPLOAD_LIMIT_MB * MEGABYTE:
                    raise too_large()
            file = _first_part(bytes(body), answer.headers.get("Content-Type", ""))
            if file[128:132] != b"DICM":  # a portal's page, for one
                raise ValueError("the answer is no DICOM file")
            return file

    def _ask(
        self, call: Callable[[], Found], most_s: float | None = None, heard: Callable[[], int] | None = None
    ) -> Found:
        """Return what a call returns; its failure is one sentence, and nobody waits longer for it than is said."""
        most_s = self._answers_in_s if most_s is None or self._answers_in_s is None else most_s
        try:
            return within(call, most_s, heard)
        except Exception as error:
            raise _said(error) from error


def within(call: Callable[[], Found], most_s: float | None, heard: Callable[[], int] | None = None) -> Found:
    """Return what a call returns or raise what it raises; AbsentError where that takes longer than some seconds.

    most_s : None where it may take for ever; heard : returns how many bytes came, which may not stand still meanwhile
    """
    if most_s is None:
        return call()
    found: list[Found] = []
    failed: list[Exception] = []

    def run() -> None:
        try:
            found.append(call())
        except Exception as error:
            failed.append(error)

    thread = threading.Thread(target=run, name="archive", daemon=True)
    thread.start()
    if heard is None:
        thread.join(most_s)
    else:
        _join_while_heard(thread, most_s, heard)
    if failed:
        raise failed[0]
    if not found:
        raise AbsentError("The archive is slow and has not answered in time: try again later.")
    return found[0]


def _join_while_heard(thread: threading.Thread, most_s: float, heard: Callable[[], int]) -> None:
    since, before = time.monotonic(), 0  # when so much had come
    last = since + most_s
    while thread.is_alive() and time.monotonic() < min(last, since + ANSWERS_IN_S):
        thread.join(LOOKS_EVERY_S)
        if heard() - before >= LEAST_HEARD:
            since, before = time.monotonic(), heard()


def silent() -> AbsentError:
    """Return that nobody answers."""
    return AbsentError("The archive does not answer at its address: try again later, or have pacs.toml checked.")


def gone() -> UsageError:
    """Return that the archive lacks what it listed."""
    return UsageError("The archive has no such study or object any more: find it again.")


def cannot_now(status: object) -> AbsentError:
    """Return that the archive is out of resources."""
    return AbsentError(f"The archive cannot answer now (status {status}): try again later.")


def refuses(status: object) -> UsageError:
    """Return that the archive refuses what was asked."""
    return UsageError(f"The archive refuses the request (status {status}): ask its team.")


def unlisted() -> UsageError:
    """Return that stored objects are not found again."""
    return UsageError("The archive took the objects and does not list them: ask its team, nothing counts as sent.")


def too_large() -> UsageError:
    """Return that an object is beyond the limit of uploads."""
    return UsageError(f"The object has more than {UPLOAD_LIMIT_MB} MB, so it is not fetched: choose another one.")


def _client_class() -> Any:
    try:
        from dicomweb_client.api import DICOMwebClient
    except ModuleNotFoundError as error:
        raise UsageError(
            "The package dicomweb-client is missing: install `casebind[pacs]` to ask an archive."
        ) from error
    return DICOMwebClient


def _said(error: Exception) -> Exception:
    """Return an error as one sentence, without the address that was asked."""
    if isinstance(error, UsageError):
        return error
    if isinstance(error, requests.HTTPError) and error.response is not None:
        status = error.response.status_code
        if status in (401, 403):
            return UsageError("The archive refuses our name or password: have pacs.toml checked.")
        if status in (404, 410):
            return gone()
        if status in (408, 429) or status >= 500:
            return cannot_now(status)
        return refuses(status)
    if isinstance(error, requests.exceptions.SSLError):
        return UsageError("The archive's certificate is not trusted: have ca in pacs.toml checked.")
    if isinstance(error, requests.ConnectionError | requests.Timeout):
        return silent()
    return BrokenAnswerError(f"The archive's answer cannot be read ({type(error).__name__}): try again later.")


def _password(file: str) -> str:
    try:
        return Path(file).read_text("utf-8").splitlines()[0]
    except (OSError, ValueError, IndexError) as error:
        raise UsageError("The password file that pacs.toml names cannot be read: check its path and owner.") from error


def _study(one: dict[str, Any]) -> FoundStudy:
    kinds = one.get("00080061", {}).get("Value", [])
    return FoundStudy(
        uid=_word(one, "0020000D"),
        date=_word(one, "00080020"),
        accession=_word(one, "00080050"),
        patient=_word(one, "00100020"),
        modalities=tuple(str(kind) for kind in kinds),
        description=_word(one, "00081030"),
    )


def _word(one: dict[str, Any], tag: str) -> str:
    """Return the first value of an element of DICOM JSON, "" where it has none."""
    values = one.get(tag, {}).get("Value") or [""]
    return str(values[0] if values[0] is not None else "").strip()


def _first_part(body: bytes, content_type: str) -> bytes:
    """Return the first part of a multipart answer; some archives answer with the file alone."""
    if not content_type.lower().startswith("multipart/"):
        return body
    boundary = next((word for word in map(str.strip, content_type.split(";")) if word.startswith("boundary=")), "")
    mark = b"--" + boundary.removeprefix("boundary=").strip('"').encode()
    _, _, rest = body.partition(mark)
    _, _, content = rest.partition(b"\r\n\r\n")
    end = content.rfind(b"\r\n" + mark)
    if end < 0:
        raise ValueError("the answer was cut off")
    return content[: content.find(b"\r\n" + mark)] if content.count(mark) > 1 else content[:end]
