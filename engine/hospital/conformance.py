"""The conformance statement, in the parts of PS3.2, from the tables by which we listen and ask."""

from __future__ import annotations

from collections.abc import Sequence

from pydicom.uid import UID, ExplicitVRLittleEndian
from pynetdicom import ALL_TRANSFER_SYNTAXES, PYNETDICOM_IMPLEMENTATION_UID, PYNETDICOM_IMPLEMENTATION_VERSION

from engine.hospital.classes import ACCEPTED, SENT
from engine.hospital.dimse import finder, getter, storer
from engine.hospital.listener import (
    CANNOT_UNDERSTAND,
    NETWORK_S,
    NOT_AUTHORISED,
    OUT_OF_RESOURCES,
    PDU_BYTES,
    SUCCESS,
    entity,
)
from engine.hospital.settings import DimseSettings, ListenSettings
from engine.version import __version__

ROLES = {"film": "taken up", "recording": "taken up", "beside": "kept aside"}


def statement(settings: ListenSettings, peer: DimseSettings | None = None) -> str:
    """Return the statement as Markdown. peer: the archive that is asked by DIMSE, where there is one."""
    return "\n\n".join(
        (
            f"# DICOM conformance statement of Casebind {__version__}",
            _entity(settings),
            _services(settings),
            _classes(settings),
            _asked(peer),
            _syntaxes(),
            _statuses(),
            _security(settings),
        )
    )


def _table(heads: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> str:
    return "\n".join(f"| {' | '.join(row)} |" for row in (heads, ("---",) * len(heads), *rows))


def _entity(settings: ListenSettings) -> str:
    rows = [
        ("AE title", settings.title),
        ("Address and port", f"{settings.address}:{settings.port}"),
        ("Calling AE titles accepted", ", ".join(one.title for one in settings.senders) or "none yet"),
        ("Associations at once", str(settings.most_associations)),
        ("Maximum PDU", f"{PDU_BYTES:,} bytes"),
        ("Largest object", f"{settings.most_mb} MB"),
        ("Network time-out", f"{NETWORK_S} s"),
        ("Implementation class UID", PYNETDICOM_IMPLEMENTATION_UID),
        ("Implementation version name", PYNETDICOM_IMPLEMENTATION_VERSION),
    ]
    return "## Application entity\n\n" + _table(("Property", "Value"), rows)


def _services(settings: ListenSettings) -> str:
    rows = [
        ("Verification", "no", "yes"),
        ("Storage", "yes, of what goes back", "yes; of what C-GET brings too, on the association that asked"),
        ("Query/Retrieve, Study Root: C-FIND and C-GET", "yes", "no"),
        ("Query/Retrieve: C-MOVE", "no", "no; its sub-operations are taken as any other storage"),
        ("Storage Commitment Push Model", "no", "yes, reported on an association of its own"),
    ]
    reported = [f"{one.title} at {one.host}:{one.port}" for one in settings.senders if one.port]
    where = f"Commitments are reported to: {', '.join(reported) or 'nobody yet, so they are refused'}."
    return "## Services\n\n" + _table(("Service", "SCU", "SCP"), rows) + f"\n\n{where}"


def _classes(settings: ListenSettings) -> str:
    roles = {uid: one.role for uid, one in ACCEPTED.items()}
    rows = [
        (str(context.abstract_syntax), UID(context.abstract_syntax).name, ROLES[roles[context.abstract_syntax]])
        for context in entity(settings).supported_contexts
        if context.abstract_syntax in roles
    ]
    lead = "Every class is accepted in every transfer syntax below. What is kept aside is stored, and not searched."
    return f"## Storage classes\n\n{lead}\n\n" + _table(("SOP class UID", "Name", "What becomes of it"), rows)


def proposed() -> list[tuple[str, str, str]]:
    """Return the presentation contexts that we propose to an archive: what for, SOP class, transfer syntax."""
    taken = [uid for uid, one in ACCEPTED.items() if one.role != "beside"]
    entities = [
        ("found", finder()),
        *(("fetched", getter(uid)) for uid in taken),
        ("sent back", storer((uid, ExplicitVRLittleEndian) for uid in SENT)),
    ]
    return [
        (what, str(context.abstract_syntax), str(syntax))
        for what, ae in entities
        for context in ae.requested_contexts
        for syntax in context.transfer_syntax
    ]


def _asked(peer: DimseSettings | None) -> str:
    syntaxes: dict[tuple[str, str], list[str]] = {}
    for what, sop_class, syntax in proposed():
        syntaxes.setdefault((what, sop_class), []).append(syntax)
    every = {str(one) for one in ALL_TRANSFER_SYNTAXES}
    rows = [
        (sop_class, UID(sop_class).name, what, "all below" if every <= set(found) else ", ".join(dict.fromkeys(found)))
        for (what, sop_class), found in syntaxes.items()
    ]
    whom = f"{peer.title} at {peer.host}:{peer.port}, as {peer.calling}" if peer else "none yet"
    lead = (
        f"Asked by DIMSE: {whom}. What is found is a study, its series and their objects (C-FIND, Study Root). An "
        "object is fetched alone (C-GET), and we are the SCP of its class then (role selection). The C-FIND of a "
        "person who waits is cancelled at its limit (C-CANCEL)."
    )
    heads = ("SOP class UID", "Name", "What for", "Transfer syntaxes")
    return f"## What is asked of an archive without DICOMweb\n\n{lead}\n\n" + _table(heads, rows)


def _syntaxes() -> str:
    rows = [(str(one), UID(one).name) for one in ALL_TRANSFER_SYNTAXES]
    return "## Transfer syntaxes\n\n" + _table(("UID", "Name"), rows)


def _statuses() -> str:
    rows = [
        (f"{SUCCESS:04X}", "the object is on disk under its name, with the folder that names it"),
        (f"{OUT_OF_RESOURCES:04X}", "larger than the largest object, or the disk refused: keep it and send it again"),
        (f"{CANNOT_UNDERSTAND:04X}", "its SOP instance UID is none"),
        (f"{NOT_AUTHORISED:04X}", "of a commitment: it is not known where to report"),
    ]
    notes = (
        "The same object sent again is accepted and stored once. Other bytes under a known SOP instance UID are "
        "accepted and kept aside. Nothing is coerced."
    )
    return "## Statuses\n\n" + _table(("Status", "Meaning"), rows) + f"\n\n{notes}"


def _security(settings: ListenSettings) -> str:
    tls = (
        "TLS 1.2 or later; both sides show a certificate (BCP 195, PS3.15 annex B)."
        if settings.tls.certificate
        else "No TLS is set."
    )
    return (
        f"## Security and character sets\n\n{tls} Called and calling AE titles are checked. Objects are de-identified "
        "when they are taken up (keep-list on the Basic Profile of PS3.15 annex E). Character sets are those that "
        "pydicom decodes."
    )
