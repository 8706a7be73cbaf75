"""Send to Casebind: a DICOM listener (PS3.7, PS3.8) that stores what known senders send, and answers for it.

It is a process of its own that opens no record: an object is written into the inbox, brought to disk and renamed, and
only then acknowledged (`engine.hospital.inbox`). Nothing is decoded on receipt.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from pynetdicom import AE, ALL_TRANSFER_SYNTAXES, evt

from engine.errors import CasebindError, IntakeError, UsageError
from engine.hospital import peer_limits
from engine.hospital.classes import ACCEPTED, COMMITMENT, VERIFICATION, name_of
from engine.hospital.commitment import Commitments
from engine.hospital.inbox import Inbox
from engine.hospital.settings import ListenSettings, not_served, server_context
from engine.store.acts import Act
from engine.store.audit_file import SYSTEM, AuditFile
from engine.store.received import Origin

SUCCESS, OUT_OF_RESOURCES, CANNOT_UNDERSTAND, NOT_AUTHORISED = 0x0000, 0xA700, 0xC000, 0x0124  # PS3.4 table B.2-1
ACSE_S, DIMSE_S, NETWORK_S = 10, 30, 60
PDU_BYTES = 131_072
REFUSALS_APART_S = 60.0  # one row of the audit a minute for the same stranger
TITLES_OF_ADDRESS = 10  # of which a minute has rows
MEGABYTE = 1_000_000
MESSAGES_OF_MOST = 2  # times the largest object: one somewhat larger is answered, a longer message is cut off
MOST_REMEMBERED = 1000
_log = logging.getLogger(__name__)


class Listener:
    """The listener of one workspace, from its making to `close`."""

    def __init__(self, workspace: Path, settings: ListenSettings) -> None:
        """Begin to listen. UsageError where the address cannot be had or no sender is named."""
        if not settings.senders:
            raise UsageError("No sender is named: write [[sender]] with its title into pacs.toml (docs/pacs.md).")
        context = server_context(settings.tls)
        self._settings, self._inbox, self._audit = settings, Inbox(workspace), AuditFile(workspace)
        self._inbox.clean()
        self._refused: dict[tuple[str, str], float] = {}
        self._commitments = Commitments(self._inbox, settings)
        try:
            server: Any = entity(settings).start_server(
                (settings.address, settings.port),
                block=False,
                ssl_context=peer_limits.LateHandshake(context) if context is not None else None,  # type: ignore[arg-type]
                evt_handlers=self._handlers(),
            )
        except OSError as error:
            self._inbox.close()
            self._audit.close()
            raise not_served(settings.address, settings.port, error) from error
        self._server = server
        self.port = int(server.socket.getsockname()[1])
        about = {
            "title": settings.title,
            "tls": context is not None,
            "senders": [one.title for one in settings.senders],
        }
        self._audit.append(SYSTEM, Act("listener started", about=about))

    def close(self) -> None:
        """End: associations are ended, what was acknowledged is on disk."""
        self._server.shutdown()
        self._commitments.close()
        self._audit.append(SYSTEM, Act("listener stopped"))
        self._audit.close()
        self._inbox.close()

    def _handlers(self) -> list[Any]:
        most = (MESSAGES_OF_MOST * self._settings.most_mb + 1) * MEGABYTE
        return [
            (evt.EVT_CONN_OPEN, peer_limits.limit, [most]),
            (evt.EVT_DIMSE_RECV, peer_limits.message_ended),
            (evt.EVT_C_ECHO, self._echo),
            (evt.EVT_C_STORE, self._store),
            (evt.EVT_N_ACTION, self._commitments.asked),
            (evt.EVT_REJECTED, self._rejected),
        ]

    def _echo(self, event: Any) -> int:
        """Answer an echo, and note it: it is the one test that a PACS team runs."""
        return self._guarded(lambda: self._inbox.received.happened("echo", _sender(event)))

    def _store(self, event: Any) -> int:
        """Put one object on disk; return the status of PS3.4 B.2.3."""
        if event.request.DataSet.getbuffer().nbytes > self._settings.most_mb * MEGABYTE:
            return OUT_OF_RESOURCES
        uid, sop_class = str(event.request.AffectedSOPInstanceUID), str(event.request.AffectedSOPClassUID)
        origin = Origin(name_of(sop_class), _sender(event), self._settings.cohort)
        return self._guarded(lambda: self._inbox.receive(uid, event.encoded_dataset(), origin))

    def _guarded(self, act: Callable[[], object]) -> int:
        """Return success once something is on disk, else why the sender has to keep it."""
        try:
            act()
        except IntakeError as error:
            _log.warning("%s", error)
            return CANNOT_UNDERSTAND
        except (OSError, CasebindError) as error:
            _log.error("An object was not stored (%s); its sender keeps it.", error)
            return OUT_OF_RESOURCES
        return SUCCESS

    def _rejected(self, event: Any) -> None:
        """Put a stranger on record, title and address, once a minute; of an address no more than a few titles."""
        requestor, now = event.assoc.requestor, time.monotonic()
        stranger = (str(requestor.ae_title).strip(), str(requestor.address))
        lately = [one for one, at in self._refused.items() if now - at < REFUSALS_APART_S and one[1] == stranger[1]]
        if stranger in lately or len(lately) >= TITLES_OF_ADDRESS:
            return
        if len(self._refused) >= MOST_REMEMBERED:
            self._refused.clear()
        self._refused[stranger] = now
        why = "The association was rejected: title, called title or their number is not permitted."
        about = {"title": stranger[0], "address": stranger[1]}
        self._audit.append(SYSTEM, Act("sender refused", refused=why, about=about))


def entity(settings: ListenSettings) -> AE:
    """Return the application entity with what it accepts; the conformance statement reads it from here."""
    ae = AE(ae_title=settings.title)
    ae.require_called_aet = True
    ae.require_calling_aet = [one.title for one in settings.senders]
    ae.maximum_associations = settings.most_associations
    ae.acse_timeout, ae.dimse_timeout, ae.network_timeout = ACSE_S, DIMSE_S, NETWORK_S
    ae.maximum_pdu_size = PDU_BYTES
    ae.add_supported_context(VERIFICATION)
    ae.add_supported_context(COMMITMENT)
    for sop_class in ACCEPTED:
        ae.add_supported_context(sop_class, ALL_TRANSFER_SYNTAXES)
    return ae


def _sender(event: Any) -> str:
    return str(event.assoc.requestor.ae_title).strip()
