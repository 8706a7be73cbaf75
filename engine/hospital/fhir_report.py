"""FHIR R4 DiagnosticReport as JSON, alone or in a Bundle with what it refers to. http://hl7.org/fhir/R4/

Read field by field and not by models: an archive's resources break profiles, and of a report a dozen fields count.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from html.parser import HTMLParser
from typing import Any

from engine.errors import IntakeError
from engine.hospital.incoming_report import NO_TEXT, IncomingReport, Status, distinct, name_words

STATES: dict[str, Status] = {
    "final": "final",
    "amended": "corrected",
    "corrected": "corrected",
    "appended": "corrected",
    "cancelled": "cancelled",
    "entered-in-error": "cancelled",
}
NO_RESOURCE = "The file is no FHIR R4 DiagnosticReport, nor a Bundle with one: have one exported as JSON."
DAMAGED = "The DiagnosticReport has fields of other kinds than FHIR R4 gives them: have it exported again."
BLOCKS = ("p", "div", "br", "li", "tr", "h1", "h2", "h3", "h4", "h5", "h6")
Resource = dict[str, Any]


def reports_in(data: bytes) -> list[bytes]:
    """Return one Bundle per report, each with what it may refer to; IntakeError where there is none."""
    whole = loaded(data)
    entries = whole.get("entry", []) if whole.get("resourceType") == "Bundle" else [{"resource": whole}]
    resources = [one["resource"] for one in entries if isinstance(one, dict) and isinstance(one.get("resource"), dict)]
    reports = [one for one in resources if one.get("resourceType") == "DiagnosticReport"]
    if not reports:
        raise IntakeError(NO_RESOURCE)
    known = _known([one for one in entries if isinstance(one, dict)])
    return [_bundle([{"resource": one}, *_meant_by(one, known)]) for one in reports]


def report_of(data: bytes) -> IncomingReport:
    """Return the first report of a Bundle; IntakeError where it has no text or fields of other kinds."""
    whole = loaded(reports_in(data)[0])
    try:
        return _Reader(whole["entry"]).report()
    except (AttributeError, KeyError, TypeError, ValueError, IndexError, AssertionError) as error:  # of HTMLParser too
        raise IntakeError(DAMAGED) from error


def loaded(data: bytes) -> Resource:
    """Return a JSON object; IntakeError where there is none."""
    try:
        found = json.loads(data.decode("utf-8-sig"))
        json.dumps(found, ensure_ascii=False).encode()  # refuses half a surrogate pair
    except (ValueError, RecursionError) as error:
        raise IntakeError(NO_RESOURCE) from error
    if not isinstance(found, dict):
        raise IntakeError(NO_RESOURCE)
    return found


class _Reader:
    """Reads one report among the entries of a Bundle."""

    def __init__(self, entries: list[Resource]) -> None:
        self._report: Resource = entries[0]["resource"]
        self._known = {name: entry["resource"] for name, entry in _known(entries[1:]).items()}
        self._known |= {f"#{one.get('id')}": one for one in self._report.get("contained", [])}

    def report(self) -> IncomingReport:
        """Return the report."""
        report, status = self._report, STATES.get(str(self._report.get("status")), "preliminary")
        text = self._text()
        if not text and status in ("final", "corrected"):
            raise IntakeError(NO_TEXT)
        subject = self._meant(report.get("subject"), "Patient")
        patient = _first(subject, "MR")
        names = [part for one in subject.get("name", []) for part in (one.get("family", ""), *one.get("given", []))]
        orders = [self._meant(one) for one in report.get("basedOn", [])]
        studies = [self._meant(one) for one in report.get("imagingStudy", [])]
        numbers = [one for found in (report, *orders, *studies) for one in found.get("identifier", [])]
        values = [str(one.get("value", "")) for one in numbers]
        uids = [value.removeprefix("urn:oid:") for value in values if value.startswith("urn:oid:")]
        visit = _first(self._meant(report.get("encounter")), "VN")
        own = str(_first(report).get("value") or report.get("id") or "")
        return IncomingReport(
            number=f"fhir|{own}",
            status=status,
            text=text,
            patient=str(patient.get("value", "")),
            issuer=str((patient.get("assigner") or {}).get("display", "")),
            name=name_words(*(str(one) for one in names)),
            accessions=distinct(*(value for value in values if not value.startswith("urn:"))),
            visits=distinct(str(visit.get("value", "")), *uids),
            day=str(report.get("effectiveDateTime") or "")[:10].replace("-", ""),
        )

    def _meant(self, reference: Resource | None, kind: str = "") -> Resource:
        """Return what a reference points at, with the reference's own identifier where it names one.

        kind : of which resource it has to be; another one counts as none
        """
        if not reference:
            return {}
        found = self._known.get(_name_in(reference), {})
        found = {} if kind and found.get("resourceType") != kind else found
        own = reference.get("identifier")
        return {**found, "identifier": [*([own] if own else []), *found.get("identifier", [])]}

    def _text(self) -> str:
        """Return the presented text, else the narrative; then the conclusion, where that is not in it."""
        shown = [words for one in self._report.get("presentedForm", []) if (words := _attached(one))]
        narrative = _stripped(str((self._report.get("text") or {}).get("div", "")))
        text = "\n".join(shown) or narrative
        conclusion = str(self._report.get("conclusion") or "").strip()
        if conclusion and conclusion not in text:
            text = f"{text}\nIMPRESSION: {conclusion}" if text else conclusion
        return text.strip()


def _name_in(reference: Any) -> str:
    """Return what a reference names, without a version; "" where it names nothing."""
    return str(reference.get("reference") or "").partition("/_history/")[0] if isinstance(reference, dict) else ""


def _known(entries: list[Resource]) -> dict[str, Resource]:
    """Return entries by what references call them; a name that two resources share names neither."""
    found: dict[str, Resource] = {}
    shared: set[str] = set()
    for entry in entries:
        one = entry.get("resource")
        if not isinstance(one, dict):
            continue
        kind, number, address = (
            str(word or "") for word in (one.get("resourceType"), one.get("id"), entry.get("fullUrl"))
        )
        for name in {f"{kind}/{number}" if kind and number else "", address} - {""}:
            shared |= {name} if name in found else set()
            found[name] = entry
    return {name: entry for name, entry in found.items() if name not in shared}


def _meant_by(report: Resource, known: dict[str, Resource]) -> list[Resource]:
    """Return the entries that a report refers to, and so none of another patient's."""
    fields = [report.get(name) for name in ("subject", "encounter", "basedOn", "imagingStudy")]
    references = [one for found in fields for one in (found if isinstance(found, list) else [found])]
    names = dict.fromkeys(_name_in(one) for one in references)
    return [known[name] for name in names if name in known]


def _attached(one: Resource) -> str:
    """Return the words of an attachment that is plain text; "" for others."""
    kind, _, more = str(one.get("contentType", "")).partition(";")
    if kind.strip().lower() != "text/plain" or not one.get("data"):
        return ""
    found = re.search(r"charset=\"?([\w-]+)", more, re.IGNORECASE)
    try:
        return base64.b64decode(one["data"], validate=True).decode(found[1] if found else "utf-8")
    except (binascii.Error, LookupError, UnicodeDecodeError) as error:
        raise IntakeError(DAMAGED) from error


def _first(resource: Resource, kind: str = "") -> Resource:
    """Return the identifier whose type has a code (HL7 table 0203), else the first one."""
    numbers: list[Resource] = resource.get("identifier", [])
    typed = [one for one in numbers if kind in [c.get("code") for c in (one.get("type") or {}).get("coding", [])]]
    return (typed or numbers or [{}])[0]


def _bundle(entries: list[Resource]) -> bytes:
    made = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    return json.dumps(made, ensure_ascii=False, sort_keys=True).encode()


class _Words(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.words: list[str] = []

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.words += ["\n"] if tag in BLOCKS else []


def _stripped(html: str) -> str:
    """Return the words of a narrative, a block a line."""
    parser = _Words()
    parser.feed(html)
    lines = (" ".join(line.split()) for line in "".join(parser.words).split("\n"))
    return "\n".join(line for line in lines if line)
