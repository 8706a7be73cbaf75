"""A row of the audit as an AuditEvent of FHIR R4, and those as one Bundle; from the same row as the ATNA message."""

from __future__ import annotations

import json
import re
import uuid
from collections.abc import Iterable, Mapping
from typing import Any

from engine.audit.atna import DCM, EVENTS, OUTCOMES, TYPES, event_of, source_name

CODES = "http://dicom.nema.org/resources/ontology/" + DCM
TYPE, ROLE = (f"http://terminology.hl7.org/CodeSystem/{name}" for name in ("audit-entity-type", "object-role"))
SOURCE = "http://terminology.hl7.org/CodeSystem/security-source-type"
PURPOSES = {  # purpose of use that was chosen at sign-in → HL7 v3 PurposeOfUse
    "treatment": "TREAT",
    "research": "HRESCH",
    "teaching": "TRAIN",
    "emergency": "ETREAT",
    "operations": "HOPERAT",
}
PURPOSE = "http://terminology.hl7.org/CodeSystem/v3-ActReason"
LOCAL = "urn:casebind"


def audit_event(body: Mapping[str, Any], source: str) -> dict[str, Any]:
    """Return one AuditEvent; `source` names the system that kept the audit."""
    code, meaning, action = EVENTS[event_of(body)]
    said = {"outcomeDesc": body["refused"]} if body.get("refused") else {}
    purpose = PURPOSES.get(str(body.get("use")))
    entities = [
        *(_entity(one, ("1", "Person"), ("1", "Patient"), "Patient") for one in body.get("patients", ())),
        *(_entity(one, ("2", "System Object"), ("4", "Domain Resource")) for one in body.get("returned", ())),
        *([_entity(body["query_id"], ("2", "System Object"), ("24", "Query"))] if body.get("query_id") else ()),
    ]
    return {
        "resourceType": "AuditEvent",
        "id": re.sub(r"[^A-Za-z0-9.-]", "-", str(body["entry"]))[:64],
        "type": _coding(CODES, code, meaning),
        "subtype": [_coding(CODES, *kind)] if (kind := TYPES.get(str(body["kind"]))) else [_local(body["kind"])],
        "action": action,
        "recorded": body["recorded"],
        "period": {"start": body["time"], "end": body["time"]},
        "outcome": OUTCOMES.get(str(body.get("outcome")), "0"),
        **said,
        **({"purposeOfEvent": [{"coding": [_coding(PURPOSE, purpose)]}]} if purpose else {}),
        "agent": [_agent(body)],
        "source": {"observer": {"display": source}, "type": [_coding(SOURCE, "4", "Application Server")]},
        **({"entity": entities} if entities else {}),
    }


def bundle_of(bodies: Iterable[Mapping[str, Any]], source: str = "") -> str:
    """Return AuditEvents as one Bundle of JSON."""
    entries = [{**_address(body), "resource": audit_event(body, source or source_name())} for body in bodies]
    bundle = {"resourceType": "Bundle", "type": "collection", **({"entry": entries} if entries else {})}
    return json.dumps(bundle, ensure_ascii=False, indent=1) + "\n"


def _address(body: Mapping[str, Any]) -> dict[str, str]:
    """Return the address by which a Bundle names an entry, as its event lies on no server."""
    try:
        return {"fullUrl": uuid.UUID(str(body["entry"])).urn}
    except ValueError:
        return {}  # a row of an earlier version


def _agent(body: Mapping[str, Any]) -> dict[str, Any]:
    roles = [{"coding": [_local(role)]} for role in body.get("roles", ())]
    who = {"identifier": {"system": LOCAL, "value": body["who"]}, "display": body["who"]}
    session = {"altId": body["session"]} if body.get("session") else {}
    return {"who": who, **session, **({"role": roles} if roles else {}), "requestor": True}


def _entity(
    object_id: object, kind: tuple[str, str], role: tuple[str, str], resource: str | None = None
) -> dict[str, Any]:
    what: dict[str, Any] = {"identifier": {"system": LOCAL, "value": str(object_id)}}
    if resource:
        what["type"] = resource
    return {"what": what, "type": _coding(TYPE, *kind), "role": _coding(ROLE, *role)}


def _coding(system: str, code: str, meaning: str = "") -> dict[str, str]:
    return {"system": system, "code": code, **({"display": meaning} if meaning else {})}


def _local(word: object) -> dict[str, str]:
    return {"system": LOCAL, "code": str(word).replace(" ", "-")}
