"""Findings: what published labels share, and the names by which people write them.

families.py, families.toml   published label → the families that modalities share, and the phrases that bind them
vocabulary.toml, names/      the findings that people type and labels name; how each language writes them
names.py, spelling.py        both read; words without case, accents and endings, and one edit apart
words.py, phrases.py         a text → words as they may be meant; phrases of them
matching.py, items.py        names among the words between two commas, and what stands around them
recogniser.py                a text or a label → the findings that it names, with denial and side
reports.py, reports.toml     a report → its sections and what it affirms and denies
context.py, measures.py      what reports.toml says of words around findings, and of measurements
suggestions.py               findings spelt like words that name none
"""

from engine.findings.families import (
    BRADYCARDIA_PER_MIN,
    NORMAL,
    TACHYCARDIA_PER_MIN,
    abnormal,
    findings,
    findings_of_label,
    is_shareable,
    phrase,
    sentence,
    shared_findings,
    sharing,
    vocabulary,
)
from engine.findings.recogniser import Mention, labels_of, recognise

__all__ = [
    "BRADYCARDIA_PER_MIN",
    "NORMAL",
    "TACHYCARDIA_PER_MIN",
    "Mention",
    "abnormal",
    "findings",
    "findings_of_label",
    "is_shareable",
    "labels_of",
    "phrase",
    "recognise",
    "sentence",
    "shared_findings",
    "sharing",
    "vocabulary",
]
