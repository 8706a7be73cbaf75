"""Chapman-Shaoxing and Ningbo (PhysioNet ecg-arrhythmia 1.0.0): 12-lead ECGs of 10 s at 500 Hz with SNOMED CT codes.

Read: ConditionNames_SNOMED-CT.csv and WFDBRecords/NN/NNN/JS00001.hea and .mat. No patient is named: a recording is its
own patient, and its split is fixed by it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from engine.datasets.recording import Recording
from engine.datasets.toolbox import SEXES, header_facts, number, recording, rows

NAMES = "ConditionNames_SNOMED-CT.csv"


def ecgs(folder: Path) -> Iterator[Recording]:
    """Yield every recording in the order of its name; a code that the table does not name gives no label."""
    known = {row["Snomed_CT"]: row["Full Name"] for row in rows(folder, NAMES, ("Full Name", "Snomed_CT"))}
    headers = folder.glob("WFDBRecords/*/*/JS*.hea")
    for header in sorted(headers, key=lambda file: file.stem):
        facts = header_facts(header)
        codes = facts.get("Dx", "").split(",")
        yield recording(
            "Chapman-Shaoxing / Ningbo",
            "ecg",
            f"chapman_{header.stem}",
            f"chapman_{header.stem}",
            {"files": [header, header.with_suffix(".mat")]},
            labels=tuple(dict.fromkeys(known[code] for code in codes if code in known)),
            age=number(facts.get("Age", "")),
            sex=SEXES.get(facts.get("Sex", "").lower(), ""),
        )
