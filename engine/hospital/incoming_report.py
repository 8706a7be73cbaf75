"""A report as the archive's neighbours send it: HL7 v2 ORU^R01 and FHIR R4 DiagnosticReport come to the same form."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Status = Literal["preliminary", "final", "corrected", "cancelled"]
HL7, FHIR = ".hl7", ".json"
SUFFIXES = (HL7, FHIR)
KINDS = {HL7: "HL7 v2 ORU^R01", FHIR: "FHIR R4 DiagnosticReport"}
NO_TEXT = "The report holds no text that can be read (a PDF or nothing): have the text itself sent."
NAME_PART = re.compile(r"[^\W\d_]{2,}")
PARTICLES = frozenset(
    ("da", "das", "de", "del", "della", "den", "der", "des", "di", "do", "dos", "du", "el")
    + ("la", "las", "le", "los", "the", "van", "vom", "von", "zu", "zum", "zur")
)


@dataclass(frozen=True)
class IncomingReport:
    """One report, before it is de-identified.

    number     : by which its sender knows it again when it is corrected
    status     : what its sender says of it
    text       : its lines, headings of findings and impression included
    patient    : the patient's number and who gave it; "" where it says none
    name       : words of the patient's name, which the text may repeat
    accessions : accession numbers under which its study may be known
    visits     : numbers of the visit, and study instance UIDs
    day        : of the examination, YYYYMMDD; "" for unknown
    """

    number: str
    status: Status
    text: str
    patient: str = ""
    issuer: str = ""
    name: tuple[str, ...] = ()
    accessions: tuple[str, ...] = ()
    visits: tuple[str, ...] = ()
    day: str = ""


def name_words(*names: str) -> tuple[str, ...]:
    """Return the words of names that are looked for in a text: no single letters, nor words of every sentence."""
    words = (word for name in names for word in NAME_PART.findall(name))
    return tuple(dict.fromkeys(word for word in words if word.lower() not in PARTICLES))


def distinct(*words: str) -> tuple[str, ...]:
    """Return words once each, blank ones left out."""
    return tuple(dict.fromkeys(word.strip() for word in words if word.strip()))
