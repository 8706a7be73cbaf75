"""MIMIC-IV-ECG 1.0: 12-lead ECGs, 10 s at 500 Hz, with the machine's statements and what our rules make of them.

Read: record_list.csv, machine_measurements.csv and files/pNNNN/pSUBJECT/sSTUDY/STUDY.hea and .dat. The cardiologists'
free text that MEDBind prefers (section 3.1) is not published with it, so the machine's statements are the report.
No split is published: a patient has the split of MIMIC-CXR where its films are at hand ("the same patient-level splits
for all MIMIC datasets", section 3.1), else a fixed one drawn from the pseudonym.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from engine.datasets.recording import Recording
from engine.datasets.toolbox import label_maps, number, recording, rows

STATEMENTS = tuple(f"report_{i}" for i in range(18))
RR_MS = (200.0, 3000.0)  # 300 to 20 beats per minute; the machine writes 65535 and the like for "not measured"


def ecgs(folder: Path) -> Iterator[Recording]:
    """Yield every ECG of the record list."""
    measured = {
        row["study_id"]: (tuple(row[name] for name in STATEMENTS if row.get(name)), row["rr_interval"])
        for row in rows(folder, "machine_measurements.csv", ("subject_id", "study_id", "report_0", "rr_interval"))
    }
    for row in rows(folder, "record_list.csv", ("subject_id", "study_id", "ecg_time", "path")):
        statements, rr = measured.get(row["study_id"], ((), ""))
        labels, superclasses = labels_of(statements)
        yield recording(
            "MIMIC-IV-ECG",
            "ecg",
            f"mimic-ecg-{row['study_id']}",
            f"mimic:{row['subject_id']}",
            {
                "files": [folder / f"{row['path']}.hea", folder / f"{row['path']}.dat"],
                "hadm_id": row.get("hadm_id", ""),
            },
            labels=labels,
            heart_rate=_heart_rate(rr),
            report=". ".join(statements),
            acquired_at=row["ecg_time"].replace(" ", "T"),
            extra={"superclass": ";".join(superclasses)} if superclasses else {},
        )


def labels_of(statements: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the labels that a machine's statements mean and MEDBind's classes of them, each once, in rule order.

    A hedged statement ("possible …") gives none, and "normal" stands only where no other class does.
    """
    numbers = sorted(set().union(*(_rules_of(text) for text in statements)))
    found = [label_maps()["mimic_ecg"]["rules"][number_] for number_ in numbers]
    classes = list(dict.fromkeys(rule["superclass"] for rule in found if "superclass" in rule))
    if len(classes) > 1 and "NORM" in classes:
        found = [rule for rule in found if rule.get("superclass") != "NORM"]
        classes.remove("NORM")
    return tuple(rule["label"] for rule in found), tuple(classes)


@lru_cache(maxsize=65_536)
def _rules_of(statement: str) -> frozenset[int]:
    """Return the numbers of the rules that one statement meets; the machine has a few thousand statements."""
    table = label_maps()["mimic_ecg"]
    if re.search(table["hedged"], statement, re.IGNORECASE):
        return frozenset()
    met = (re.search(rule["pattern"], statement, re.IGNORECASE) for rule in table["rules"])
    return frozenset(number_ for number_, match in enumerate(met) if match)


def _heart_rate(rr: str) -> float | None:
    """Return beats per minute from the mean RR interval in ms, None where it was not measured."""
    value = number(rr)
    return round(60_000 / value, 1) if value is not None and RR_MS[0] <= value <= RR_MS[1] else None
