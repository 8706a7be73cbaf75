"""Storage commitment (PS3.4 annex J): an answer at once, the report later on an association that is opened for it.

What is owed is in the ledger of the inbox before the request is answered, and stays until the sender took the report,
whatever kills the process meanwhile.
"""

from __future__ import annotations

import io
import logging
import threading
from typing import Any

from pydicom.dataset import Dataset
from pydicom.uid import ImplicitVRLittleEndian
from pynetdicom import AE, build_role
from pynetdicom.dsutils import decode, encode
from pynetdicom.sop_class import StorageCommitmentPushModelInstance

from engine.hospital.classes import COMMITMENT
from engine.hospital.inbox import Inbox
from engine.hospital.settings import ListenSettings, Sender
from engine.store.received import Owed

SUCCESS, PROCESSING_FAILURE, NOT_AUTHORISED = 0x0000, 0x0110, 0x0124
NO_SUCH_OBJECT = 0x0112
ALL_COMMITTED, SOME_FAILED = 1, 2  # event types of PS3.4 J.3.3
ASKED = 1  # action type of PS3.4 J.3.2
FIRST_WAIT_S, LONGEST_WAIT_S = 1.0, 300.0
_log = logging.getLogger(__name__)


class Commitments:
    """Reports what is owed, from its making to `close`."""

    def __init__(self, inbox: Inbox, settings: ListenSettings) -> None:
        self._inbox, self._settings = inbox, settings
        self._due, self._ended = threading.Event(), threading.Event()
        self._due.set()  # what an earlier process owed
        self._thread = threading.Thread(target=self._run, name="commitments", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """End; what is still owed is reported by the next listener."""
        self._ended.set()
        self._due.set()
        self._thread.join()

    def asked(self, event: Any) -> tuple[int, None]:
        """Take a request (N-ACTION); it is in the ledger when the status is returned."""
        sender = self._settings.sender(str(event.assoc.requestor.ae_title))
        if sender is None or not sender.port:
            return NOT_AUTHORISED, None  # pacs.toml does not say where the report would go
        try:
            request = event.action_information
            number = str(request.TransactionUID)
            content = encode(request, True, True)
            if event.action_type != ASKED or content is None:
                return PROCESSING_FAILURE, None
            self._inbox.received.owe(Owed(number, sender.title, content))
        except Exception:  # a dataset that does not decode, a full disk: the sender asks again
            _log.exception("A storage commitment was not taken.")
            return PROCESSING_FAILURE, None
        self._due.set()
        return SUCCESS, None

    def _run(self) -> None:
        wait_s = FIRST_WAIT_S
        while not self._ended.is_set():
            self._due.wait()
            self._due.clear()
            while not self._ended.is_set() and (owed := self._inbox.received.owed()):
                left = [one for one in owed if not self._paid(one)]
                wait_s = min(wait_s * 2, LONGEST_WAIT_S) if left else FIRST_WAIT_S
                if left:
                    self._ended.wait(wait_s)

    def _paid(self, one: Owed) -> bool:
        """Report one commitment; return whether nothing more is owed."""
        sender = self._settings.sender(one.sender)
        if sender is None or not sender.port:  # no longer among the senders
            self._inbox.received.paid(one.number)
            return True
        report, event_type = self._report(one)
        if not _sent(self._settings, sender, report, event_type):
            return False
        self._inbox.received.paid(one.number)
        return True

    def _report(self, one: Owed) -> tuple[Dataset, int]:
        """Return which objects are on disk or were taken up from there, and the event type."""
        request = decode(io.BytesIO(one.request), True, True)
        report = Dataset()
        report.TransactionUID = request.TransactionUID
        kept, missing = [], []
        for item in request.get("ReferencedSOPSequence", []):
            named = Dataset()
            named.ReferencedSOPClassUID = item.ReferencedSOPClassUID
            named.ReferencedSOPInstanceUID = item.ReferencedSOPInstanceUID
            if self._inbox.has(str(item.ReferencedSOPInstanceUID)):
                kept.append(named)
            else:
                named.FailureReason = NO_SUCH_OBJECT
                missing.append(named)
        if kept:
            report.ReferencedSOPSequence = kept
        if missing:
            report.FailedSOPSequence = missing
        return report, SOME_FAILED if missing else ALL_COMMITTED


def _sent(settings: ListenSettings, sender: Sender, report: Dataset, event_type: int) -> bool:
    """Send a report on a new association; return whether the sender took it. Some refuse it on the one that asked."""
    ae = AE(ae_title=settings.title)
    ae.acse_timeout = ae.dimse_timeout = ae.network_timeout = 30
    ae.connection_timeout = 10
    ae.add_requested_context(COMMITMENT, ImplicitVRLittleEndian)
    role = build_role(COMMITMENT, scp_role=True)
    association = ae.associate(sender.host, sender.port, ae_title=sender.title, ext_neg=[role])
    if not association.is_established:
        return False
    try:
        status, _ = association.send_n_event_report(report, event_type, COMMITMENT, StorageCommitmentPushModelInstance)
    except (RuntimeError, ValueError):
        return False
    finally:
        association.release()
    return bool(status) and status.Status == SUCCESS
