"""MIMIC-IV-Note (2.2): discharge summaries, as much of each as a language model of some hundred tokens can read.

Read: note/discharge.csv(.gz). The beginning of a summary alone would leave out its diagnoses and course, so the
sections that say them are kept, each up to a number of words.
"""

from __future__ import annotations

import re
from pathlib import Path

from engine.datasets.toolbox import rows

SECTIONS = {  # heading → words that are kept, in the order in which they are read
    "chief complaint": 30,
    "discharge diagnosis": 70,
    "discharge condition": 30,
    "discharge disposition": 12,
    "past medical history": 90,
    "brief hospital course": 240,
    "history of present illness": 120,
}
HEADINGS = re.compile(rf"^\s*({'|'.join(SECTIONS)})\s*:", re.IGNORECASE | re.MULTILINE)
OTHER_HEADING = re.compile(r"^\s*[A-Z][A-Za-z /&-]{2,40}:\s*$", re.MULTILINE)
WORDS = 500  # of a summary without these headings


def discharge_notes(folder: Path) -> dict[str, str]:
    """Return hadm_id → what is kept of its discharge summary; addenda stand behind the summary itself."""
    columns = ("hadm_id", "note_type", "note_seq", "text")
    found: dict[str, str] = {}
    for row in rows(folder / "note", "discharge.csv", columns):
        if row["hadm_id"] and (row["note_type"] == "DS" or row["hadm_id"] not in found):
            found[row["hadm_id"]] = telling_sections(row["text"])
    return found


def telling_sections(text: str) -> str:
    """Return the sections of a summary in the order of SECTIONS, blanks made single; its beginning without any."""
    parts = HEADINGS.split(text)
    bodies: dict[str, str] = {}
    for name, body in zip(parts[1::2], parts[2::2], strict=True):
        own = OTHER_HEADING.split(body, maxsplit=1)[0]
        bodies.setdefault(name.lower(), _words(own, SECTIONS[name.lower()]))
    said = [f"{name.capitalize()}: {bodies[name]}." for name in SECTIONS if bodies.get(name)]
    return " ".join(said) or _words(text, WORDS)


def _words(text: str, most: int) -> str:
    return " ".join(text.split()[:most]).rstrip(".")
