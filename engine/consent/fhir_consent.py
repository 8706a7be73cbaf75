"""Consents of FHIR R4 and R4B as decisions about the four scopes; what is not understood permits nothing.

`provision` is read: a rule and the exceptions in it. A permit counts for the scopes of its purposes, where nothing
narrows it that is not read here; a denial counts whatever narrows it. A scope that nothing permits is withdrawn.
Source: https://hl7.org/fhir/R4B/consent.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from engine.errors import UsageError
from engine.store.records import SCOPES

LOCAL = "urn:casebind"  # its codes are the scopes themselves
ACT_REASON = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
PURPOSES: dict[tuple[str, str], frozenset[str]] = {
    **{(LOCAL, scope): frozenset({scope}) for scope in SCOPES},
    (ACT_REASON, "HRESCH"): frozenset({"retrieval", "training"}),  # research
    (ACT_REASON, "TRAIN"): frozenset({"retrieval", "teaching"}),  # the training of staff
    (ACT_REASON, "TREAT"): frozenset({"retrieval"}),
}
READ = {"id", "type", "period", "purpose", "provision"}  # of a provision; what else narrows it is not read
DECIDED, NO_MORE = ("active",), ("inactive", "rejected")
DEEPEST = 20  # provisions in each other


@dataclass(frozen=True)
class ConsentDocument:
    """What one Consent says. patient: a number or a pseudonym; issuers: who may have given it; scopes: scope → granted

    decided_at : when it was decided, naive UTC; None where it does not say
    """

    patient: str
    issuers: tuple[str, ...]
    decided_at: datetime | None
    scopes: dict[str, bool]


def read_consents(words: str, now: datetime) -> list[ConsentDocument]:
    """Return what the Consents in a file say: one, or those of a Bundle. now : naive UTC.

    Raises UsageError where the file holds none, or one that is a draft, was entered in error or names no patient.
    """
    try:
        content = json.loads(words)
    except ValueError as error:
        raise UsageError("The file is no JSON: export the Consent as FHIR JSON.") from error
    found = list(_consents(content))
    if not found:
        raise UsageError("The file holds no Consent of FHIR: export a Consent, or a Bundle of some, as JSON.")
    try:
        return [_document(one, now) for one in found]
    except (TypeError, AttributeError, ValueError, KeyError, RecursionError) as error:
        raise UsageError("A Consent in the file is not built as FHIR R4 says: export it again.") from error


def _consents(content: Any) -> Iterator[Mapping[str, Any]]:
    kind = content.get("resourceType") if isinstance(content, dict) else None
    if kind == "Consent":
        yield content
    elif kind == "Bundle":
        for entry in content.get("entry") or ():
            if isinstance(entry, dict):
                yield from (one for one in [entry.get("resource")] if isinstance(one, dict) and _is_consent(one))


def _is_consent(one: Mapping[str, Any]) -> bool:
    return one.get("resourceType") == "Consent"


def _document(one: Mapping[str, Any], now: datetime) -> ConsentDocument:
    status = one.get("status")
    if status not in (*DECIDED, *NO_MORE):
        raise UsageError(f"A Consent has the status '{status}', which decides nothing: import one that is active.")
    about = one.get("patient") or {}
    identifier = about.get("identifier") or {}
    number = str(identifier.get("value") or str(about.get("reference") or "").rpartition("Patient/")[2]).strip()
    if not number:
        raise UsageError("A Consent names no patient: export it with the patient's identifier or reference.")
    issuers = (str((identifier.get("assigner") or {}).get("display") or ""), str(identifier.get("system") or ""))
    provision, is_active = one.get("provision"), status in DECIDED
    if one.get("modifierExtension"):  # changes what the rest means, in a way that is not read
        is_active = False
    granted = {scope: is_active and _permits(provision, scope, now) is True for scope in SCOPES}
    return ConsentDocument(number, tuple(filter(None, issuers)), _moment(one.get("dateTime")), granted)


def _permits(provision: Mapping[str, Any] | None, scope: str, now: datetime, depth: int = 0) -> bool | None:
    """Return whether a rule permits a scope, after its exceptions; None where it says nothing of it."""
    if not provision:
        return None
    if depth > DEEPEST:
        return False
    verdict = _own(provision, scope, now)
    inner = [_permits(one, scope, now, depth + 1) for one in provision.get("provision") or ()]
    if False in inner:
        return False
    # What an exception permits counts where its rule is about everything
    opened = True in inner and not provision.get("purpose") and not _is_narrowed(provision, now)
    return True if opened else verdict


def _own(provision: Mapping[str, Any], scope: str, now: datetime) -> bool | None:
    """Return what a rule itself says of a scope."""
    purposes, kind = provision.get("purpose") or [], provision.get("type")
    known = [PURPOSES.get((str(one.get("system")), str(one.get("code")))) for one in purposes]
    meant = not purposes or any(scope in some for some in known if some)
    if kind == "permit":
        return True if meant and not _is_narrowed(provision, now) else None
    if kind == "deny":
        return False if meant or None in known else None
    return False if kind is not None else None


def _is_narrowed(provision: Mapping[str, Any], now: datetime) -> bool:
    """Return whether a rule counts for something, somebody or some time alone, which is not kept track of here."""
    period = provision.get("period") or {}
    begins = period.get("start")
    later = begins is not None and (_moment(begins) or datetime.max) > now
    return bool(set(provision) - READ) or later or "end" in period


def _moment(words: Any) -> datetime | None:
    """Return a dateTime of FHIR as naive UTC, a day or a year as its beginning; None for none."""
    if not words:
        return None
    whole = str(words) + {4: "-01-01", 7: "-01"}.get(len(str(words)), "")
    made = datetime.fromisoformat(whole)
    return made.astimezone(UTC).replace(tzinfo=None) if made.tzinfo else made


def still_withdrawn(document: ConsentDocument, withdrawn: Mapping[str, datetime]) -> Sequence[str]:
    """Return the scopes that a document grants and that stay withdrawn, as that was decided after it.

    withdrawn : scope → since when, naive UTC. A document without a date is older than any withdrawal.
    """
    before = document.decided_at or datetime.min
    return [
        scope for scope, granted in document.scopes.items() if granted and withdrawn.get(scope, datetime.min) > before
    ]
