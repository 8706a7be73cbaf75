"""A row of the audit as an audit message of DICOM PS3.15 A.5 (IHE ATNA), and those as one file.

A message has an event, the people in it, its source, and what it was about: the patients by pseudonym, the studies, the
query. Codes of events are those of DCM (PS3.16, CID 400 and 401); an act without one of its own is "Security Alert"
where it is about accounts, else "DICOM Instances Accessed".
"""

from __future__ import annotations

import base64
import socket
from collections.abc import Iterable, Mapping
from typing import Any
from xml.etree import ElementTree

from engine.store.acts import KINDS, Event

DCM = "DCM"
EVENTS: dict[Event, tuple[str, str, str]] = {  # event → code, its meaning, action (C, R, U, D, E)
    "application": ("110100", "Application Activity", "E"),
    "query": ("110112", "Query", "E"),
    "access": ("110103", "DICOM Instances Accessed", "R"),
    "change": ("110103", "DICOM Instances Accessed", "U"),
    "export": ("110106", "Export", "R"),
    "import": ("110107", "Import", "C"),
    "sign-in": ("110114", "User Authentication", "E"),
    "security": ("110113", "Security Alert", "E"),
    "audit": ("110101", "Audit Log Used", "R"),
}
TYPES = {  # kind → event type
    "app started": ("110120", "Application Start"),
    "app stopped": ("110121", "Application Stop"),
    "signed in": ("110122", "Login"),
    "sign-in refused": ("110122", "Login"),
    "signed out": ("110123", "Logout"),
    "sessions ended": ("110123", "Logout"),
    "role changed": ("110136", "Security Roles Changed"),
    "account added": ("110137", "User Security Attributes Changed"),
    "account closed": ("110137", "User Security Attributes Changed"),
    "account joined": ("110137", "User Security Attributes Changed"),
    "account reopened": ("110137", "User Security Attributes Changed"),
    "password set": ("110137", "User Security Attributes Changed"),
    "link made": ("110137", "User Security Attributes Changed"),
    "break-glass": ("110127", "Emergency Override Started"),
}
OUTCOMES = {"done": "0", "refused": "4", "failed": "8"}  # success, minor failure, serious failure
PERSON, SYSTEM_OBJECT = "1", "2"  # participant object types
PATIENT, STUDY, QUERY = "1", "3", "24"  # their roles: patient, report, query


def event_of(body: Mapping[str, Any]) -> Event:
    """Return the event of a row; a kind of an earlier version is a change."""
    return KINDS.get(str(body.get("kind", "")), "change")


def message(body: Mapping[str, Any], source: str) -> ElementTree.Element:
    """Return one message; `source` names the system that kept the audit."""
    made = ElementTree.Element("AuditMessage")
    _event(made, body)
    _participants(made, body, source)
    origin = ElementTree.SubElement(made, "AuditSourceIdentification", AuditSourceID=source)
    ElementTree.SubElement(origin, "AuditSourceTypeCode", {"csd-code": "4"})  # an application server
    for patient_id in body.get("patients", ()):
        _named(_object(made, patient_id, PERSON, PATIENT, ("2", "RFC-3881", "Patient Number")), patient_id)
    for study_id in body.get("returned", ()):
        _named(_object(made, study_id, SYSTEM_OBJECT, STUDY, ("9", "RFC-3881", "Report Number")), study_id)
    if query_id := body.get("query_id"):
        asked = _object(made, query_id, SYSTEM_OBJECT, QUERY, ("10", "RFC-3881", "Search Criteria"))
        query = " ".join(str(body[name]) for name in ("code", "filters") if body.get(name))
        ElementTree.SubElement(asked, "ParticipantObjectQuery").text = base64.b64encode(query.encode()).decode()
    return made


def xml_of(bodies: Iterable[Mapping[str, Any]], source: str = "") -> str:
    """Return messages as one XML document, each as it would be sent."""
    root = ElementTree.Element("AuditMessages")
    root.extend(message(body, source or source_name()) for body in bodies)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def source_name() -> str:
    """Return how this machine is named in messages."""
    return f"casebind@{socket.gethostname()}"


def _event(made: ElementTree.Element, body: Mapping[str, Any]) -> None:
    code, meaning, action = EVENTS[event_of(body)]
    event = ElementTree.SubElement(
        made,
        "EventIdentification",
        EventActionCode=action,
        EventDateTime=str(body["time"]),
        EventOutcomeIndicator=OUTCOMES.get(str(body.get("outcome")), "0"),
    )
    _code(event, "EventID", code, meaning)
    if kind := TYPES.get(str(body["kind"])):
        _code(event, "EventTypeCode", *kind)
    said = ": ".join(str(body[name]) for name in ("use", "kind", "refused") if body.get(name))
    ElementTree.SubElement(event, "EventOutcomeDescription").text = _printable(said)


def _participants(made: ElementTree.Element, body: Mapping[str, Any], source: str) -> None:
    given = {"UserID": _printable(str(body["who"])), "UserIsRequestor": "true"}
    if body.get("session"):
        given["AlternativeUserID"] = str(body["session"])
    person = ElementTree.SubElement(made, "ActiveParticipant", given)
    for role in body.get("roles", ()):
        _code(person, "RoleIDCode", str(role), str(role), system="casebind")
    ElementTree.SubElement(made, "ActiveParticipant", UserID=source, UserIsRequestor="false")


def _object(
    made: ElementTree.Element, object_id: object, kind: str, role: str, id_type: tuple[str, str, str]
) -> ElementTree.Element:
    one = ElementTree.SubElement(
        made,
        "ParticipantObjectIdentification",
        ParticipantObjectID=_printable(str(object_id)),
        ParticipantObjectTypeCode=kind,
        ParticipantObjectTypeCodeRole=role,
    )
    code, system, meaning = id_type
    _code(one, "ParticipantObjectIDTypeCode", code, meaning, system=system)
    return one


def _named(one: ElementTree.Element, name: object) -> None:
    """Name an object by its id: the schema asks for a name or a query, and there is no other."""
    ElementTree.SubElement(one, "ParticipantObjectName").text = _printable(str(name))


def _code(parent: ElementTree.Element, name: str, code: str, meaning: str, system: str = DCM) -> None:
    attributes = {"csd-code": code, "codeSystemName": system, "originalText": meaning}
    ElementTree.SubElement(parent, name, attributes)


def _printable(words: str) -> str:
    """Return words without what XML cannot hold."""
    return "".join(one for one in words if one.isprintable())
