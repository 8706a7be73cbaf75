"""The archive by DIMSE, where it has no DICOMweb: C-FIND, C-GET, C-STORE (PS3.4 annexes B and C).

C-GET brings an object on the association that asked for it: no port of ours need be open, no title of ours be entered
as a destination, and what comes is known to be what was asked for. That is why it is taken and not C-MOVE.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from pydicom.dataset import Dataset

from engine.errors import UsageError
from engine.hospital.archive import (
    ANSWERS_IN_S,
    CONNECTS_IN_S,
    FETCHES_IN_S,
    MEGABYTE,
    MOST_FOUND,
    READS_IN_JOBS_S,
    READS_IN_S,
    SHOWN,
    AbsentError,
    FoundObject,
    FoundStudy,
    WantedStudies,
    cannot_now,
    gone,
    refuses,
    silent,
    too_large,
    unlisted,
    within,
)
from engine.hospital.classes import ACCEPTED, FIND, GET
from engine.hospital.settings import ArchiveSettings, DimseSettings, client_context
from engine.settings import UPLOAD_LIMIT_MB

SUCCESS, OUT_OF_RESOURCES, CANCELLED = 0x0000, 0xA700, 0xFE00  # PS3.4 tables B.2-1 and C.4-1
PENDING = (0xFF00, 0xFF01)
DUPLICATE = 0x0111  # PS3.7 section C.4.2: what was sent before is there
BUSY = range(0xA700, 0xA800)
ACCEPTED_IT, TRANSIENT = 0, 2  # results of asking for an association, PS3.8 table 9-21
# in which a stored object is answered the first time, and when it is sent again: together what somebody waits on a page
STORES_IN_S, STORES_IN_JOBS_S = (1.0, 2.5), (10.0, READS_IN_JOBS_S)
ASKED = 1  # message ID of what an association asks at a time


class DimseArchive:
    """One archive. in_job: waits longer for an answer, as nobody looks on, and takes lists of any length."""

    def __init__(self, settings: ArchiveSettings, peer: DimseSettings, *, in_job: bool = False) -> None:
        self._peer, self._tls, self._in_job = peer, client_context(settings.tls), in_job

    def find(self, wanted: WantedStudies, limit: int = MOST_FOUND) -> list[FoundStudy]:
        """Return the studies that match, the newest first; UsageError with one sentence where that fails."""
        filters = wanted.filters()
        return self._within(lambda: self._find(filters, wanted.modalities or ("",), None if self._in_job else limit))

    def objects(self, study: str, modalities: Sequence[str]) -> list[FoundObject]:
        """Return the objects of a study's series of some modalities, in the order of their numbers."""
        found = self._within(lambda: self._objects(study, modalities))
        return sorted(found, key=lambda one: (one.modality, one.series, one.uid))

    def fetch(self, one: FoundObject) -> bytes:
        """Return the DICOM file of an object, in the transfer syntax in which it lies where the archive can."""
        heard = [0]  # bytes
        return self._within(lambda: self._fetch(one, heard), FETCHES_IN_S, lambda: heard[0])

    def store(self, study: str, objects: Sequence[Dataset]) -> None:
        """Store objects into a study and ask for each of them again; UsageError unless all are there."""
        self._within(lambda: self._store(objects), FETCHES_IN_S)
        for one in objects:
            keys = {"SeriesInstanceUID": str(one.SeriesInstanceUID), "SOPInstanceUID": str(one.SOPInstanceUID)}
            listed = self._within(lambda keys=keys: self._listed("IMAGE", study, keys))  # type: ignore[misc]
            if [_word(each, "SOPInstanceUID") for each in listed] != [keys["SOPInstanceUID"]]:
                raise unlisted()

    def _find(self, filters: dict[str, str], kinds: Sequence[str], limit: int | None) -> list[FoundStudy]:
        found: dict[str, FoundStudy] = {}
        with self._associated(finder(), "C-FIND") as association:
            for kind in kinds:  # one at a time: not every archive matches lists
                keys = {**dict.fromkeys(SHOWN, ""), **filters, "ModalitiesInStudy": kind}
                for one in _answers(association, "STUDY", keys, limit):
                    study = _study(one)
                    if not kind or not study.modalities or kind in study.modalities:  # some archives match no kinds
                        found[study.uid] = study
        return sorted(found.values(), key=lambda one: (one.date, one.uid), reverse=True)

    def _objects(self, study: str, modalities: Sequence[str]) -> list[FoundObject]:
        found = []
        with self._associated(finder(), "C-FIND") as association:
            of_study = {"StudyInstanceUID": study, "SeriesInstanceUID": ""}
            for series in _answers(association, "SERIES", {**of_study, "Modality": ""}):
                modality, number = _word(series, "Modality"), _word(series, "SeriesInstanceUID")
                if modality not in modalities:
                    continue
                of_series = {"StudyInstanceUID": study, "SeriesInstanceUID": number}
                for one in _answers(association, "IMAGE", {**of_series, "SOPInstanceUID": "", "SOPClassUID": ""}):
                    uid, sop_class = _word(one, "SOPInstanceUID"), _word(one, "SOPClassUID")  # an optional key
                    found.append(FoundObject(study, number, uid, sop_class, modality))
        return found

    def _listed(self, level: str, study: str, keys: dict[str, str]) -> list[Dataset]:
        with self._associated(finder(), "C-FIND") as association:
            return _answers(association, level, {"StudyInstanceUID": study, **keys})

    def _fetch(self, one: FoundObject, heard: list[int]) -> bytes:
        from pynetdicom import build_role, evt

        came: list[bytes] = []
        large: list[int] = []

        def take(event: Any) -> int:
            size = event.request.DataSet.getbuffer().nbytes
            if size > UPLOAD_LIMIT_MB * MEGABYTE:
                large.append(size)
                return OUT_OF_RESOURCES
            if str(event.request.AffectedSOPInstanceUID) == one.uid:
                came.append(event.encoded_dataset())
            return SUCCESS

        def hear(event: Any) -> None:
            heard[0] += len(event.data)

        roles = [build_role(sop_class, scp_role=True) for sop_class in _classes(one.sop_class)]
        with self._associated(
            getter(one.sop_class),
            "C-GET",
            ext_neg=roles,
            evt_handlers=[(evt.EVT_C_STORE, take), (evt.EVT_DATA_RECV, hear)],
        ) as made:
            keys = {"StudyInstanceUID": one.study, "SeriesInstanceUID": one.series, "SOPInstanceUID": one.uid}
            last = SUCCESS
            for status, _ in _offered(lambda: made.send_c_get(_identifier("IMAGE", keys), GET, ASKED), "C-GET"):
                last = _status(status)
        if large:
            raise too_large()
        if came:
            return came[0]
        if last in BUSY:
            raise cannot_now(f"{last:04X}")
        raise gone() if last == SUCCESS else refuses(f"{last:04X}")

    def _store(self, objects: Sequence[Dataset]) -> None:
        """Store objects; one whose answer does not come is sent once more, over an association of its own.

        That changes nothing where it had arrived: it is the same SOP instance, and it is asked for afterwards. An
        answer that did come may be lost on our side: pynetdicom's reactor now and then takes it from the queue before
        the thread that waits for it.
        """
        left, again = list(objects), False
        while left:
            answered = self._answered(left, again)
            if again and not answered:
                raise _slow()
            left, again = left[answered:], True

    def _answered(self, objects: Sequence[Dataset], again: bool) -> int:
        """Store objects over one association; return how many were before one that was not answered, or all.

        again : whether the first one was sent before
        """
        kinds = {(str(one.SOPClassUID), str(one.file_meta.TransferSyntaxUID)) for one in objects}
        first_s, then_s = STORES_IN_JOBS_S if self._in_job else STORES_IN_S
        with self._associated(storer(sorted(kinds)), "C-STORE") as association:
            for number, one in enumerate(objects):
                if not association.is_established:
                    return number
                association.dimse_timeout = then_s if again and not number else first_s
                try:
                    answer = association.send_c_store(one)
                except ValueError as error:
                    raise _unoffered("C-STORE") from error
                if "Status" not in answer:
                    return number
                last = int(answer.Status)
                if last in BUSY:
                    raise cannot_now(f"{last:04X}")
                is_there = last == DUPLICATE and again and not number
                if last >> 12 not in (0x0, 0xB) or (0 < last < 0xB000 and not is_there):  # others store it
                    raise refuses(f"{last:04X}")
        return len(objects)

    @contextmanager
    def _associated(self, ae: Any, service: str, **more: Any) -> Iterator[Any]:
        """Associate for one question; AbsentError where nobody answers, UsageError where we are rejected."""
        reads_in_s = READS_IN_JOBS_S if self._in_job else READS_IN_S
        ae.ae_title = self._peer.calling
        ae.connection_timeout, ae.acse_timeout = CONNECTS_IN_S, reads_in_s
        ae.dimse_timeout = READS_IN_JOBS_S if service == "C-GET" else reads_in_s  # of one message, an object included
        ae.network_timeout = READS_IN_JOBS_S
        tls = (self._tls, self._peer.host) if self._tls else None
        made = ae.associate(self._peer.host, self._peer.port, ae_title=self._peer.title, tls_args=tls, **more)
        if not made.is_established:
            answer = made.acceptor.primitive
            if answer is not None and answer.result == ACCEPTED_IT:
                raise _unoffered(service)  # no presentation context
            if not made.is_rejected:
                raise silent()
            if answer.result == TRANSIENT:
                raise cannot_now("A-ASSOCIATE-RJ")
            raise UsageError("The archive rejects our AE title or does not know its own: have pacs.toml checked.")
        try:
            yield made
        finally:
            if made.is_established:
                made.release()

    def _within(
        self, call: Callable[[], Any], most_s: float = ANSWERS_IN_S, heard: Callable[[], int] | None = None
    ) -> Any:
        return within(call, None if self._in_job else most_s, heard)


def finder() -> Any:
    """Return the application entity that asks; the conformance statement reads it from here."""
    ae = _entity()
    ae.add_requested_context(FIND)
    return ae


def getter(sop_class: str) -> Any:
    """Return the application entity that fetches an object, a presentation context per class and transfer syntax.

    sop_class : of the object; "" where the archive does not say, and every class of films and recordings is proposed
    """
    from pynetdicom import ALL_TRANSFER_SYNTAXES, DEFAULT_TRANSFER_SYNTAXES

    ae = _entity()
    ae.add_requested_context(GET)
    for one in _classes(sop_class):
        is_film = ACCEPTED[one].role == "film"  # 128 contexts at most in all, and recordings lie uncompressed
        for syntax in ALL_TRANSFER_SYNTAXES if is_film or sop_class else DEFAULT_TRANSFER_SYNTAXES:
            ae.add_requested_context(one, syntax)
    return ae


def _classes(sop_class: str) -> list[str]:
    return [sop_class] if sop_class else [uid for uid, one in ACCEPTED.items() if one.role != "beside"]


def storer(kinds: Iterable[tuple[str, str]]) -> Any:
    """Return the application entity that stores objects. kinds: SOP class and transfer syntax of each."""
    ae = _entity()
    for sop_class, syntax in kinds:
        ae.add_requested_context(sop_class, syntax)
    return ae


def _entity() -> Any:
    try:
        from pynetdicom import AE
    except ModuleNotFoundError as error:
        raise UsageError("The package pynetdicom is missing: install `casebind[pacs]` to ask an archive.") from error
    return AE()


def _answers(association: Any, level: str, keys: dict[str, str], limit: int | None = None) -> list[Dataset]:
    """Return what a C-FIND finds; at the limit it is cancelled, and what had come until then counts."""
    found: list[Dataset] = []
    last, cancelled = SUCCESS, False
    for status, one in _offered(lambda: association.send_c_find(_identifier(level, keys), FIND, ASKED), "C-FIND"):
        last = _status(status)
        if last in PENDING and one is not None and not cancelled:
            found.append(one)
            if limit is not None and len(found) >= limit:
                association.send_c_cancel(ASKED, query_model=FIND)
                cancelled = True
    if last in BUSY:
        raise cannot_now(f"{last:04X}")
    if last not in (SUCCESS, CANCELLED):
        raise refuses(f"{last:04X}")
    return found


def _offered(call: Callable[[], Iterator[tuple[Dataset, Dataset | None]]], service: str) -> Any:
    """Return the answers to a request; UsageError where the archive has no such service."""
    try:
        return call()
    except ValueError as error:
        raise _unoffered(service) from error


def _unoffered(service: str) -> UsageError:
    return UsageError(f"The archive does not offer {service} to us: ask its team to permit it for our AE title.")


def _status(answer: Dataset) -> int:
    """Return the status of an answer; AbsentError where none came."""
    if "Status" not in answer:
        raise _slow()
    return int(answer.Status)


def _slow() -> AbsentError:
    return AbsentError("The archive is slow and has not answered in time: try again later.")


def _identifier(level: str, keys: dict[str, str]) -> Dataset:
    found = Dataset()
    found.QueryRetrieveLevel = level
    if not all(value.isascii() for value in keys.values()):
        found.SpecificCharacterSet = "ISO_IR 192"
    for name, value in keys.items():
        setattr(found, name, value)
    return found


def _study(one: Dataset) -> FoundStudy:
    kinds = one.get("ModalitiesInStudy") or ()
    return FoundStudy(
        uid=_word(one, "StudyInstanceUID"),
        date=_word(one, "StudyDate"),
        accession=_word(one, "AccessionNumber"),
        patient=_word(one, "PatientID"),
        modalities=(kinds,) if isinstance(kinds, str) else tuple(str(kind) for kind in kinds),
        description=_word(one, "StudyDescription"),
    )


def _word(one: Dataset, name: str) -> str:
    return str(one.get(name) or "").strip()
