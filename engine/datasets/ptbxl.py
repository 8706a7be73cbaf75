"""PTB-XL 1.0.1 to 1.0.3: 12-lead ECGs of 10 s with SCP-ECG statements; folds 1–8 train, 9 valid, 10 test.

Read: ptbxl_database.csv, scp_statements.csv, and records500/ where it is there, else records100/. Every statement of a
record is a label, whatever its likelihood, as in the authors' own benchmark (Strodthoff et al. 2020); its diagnostic
ones give the superclasses NORM, MI, STTC, CD and HYP.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from engine.datasets.recording import Recording
from engine.datasets.toolbox import number, recording, rows
from engine.errors import UsageError

COLUMNS = (
    "ecg_id",
    "patient_id",
    "age",
    "sex",
    "recording_date",
    "report",
    "scp_codes",
    "strat_fold",
    "filename_lr",
    "filename_hr",
)
SEX = {"0": "M", "1": "F"}
VALID, TEST = 9, 10
OVER_89 = 90.0  # the table writes 300 for everyone older than 89


def ecgs(folder: Path) -> Iterator[Recording]:
    """Yield every record of the table."""
    statements = {row[""]: row for row in rows(folder, "scp_statements.csv", ("", "description", "diagnostic_class"))}
    name = "filename_hr" if (folder / "records500").is_dir() else "filename_lr"
    for row in rows(folder, "ptbxl_database.csv", COLUMNS):
        codes = [code for code in _codes(row) if code in statements]
        classes = sorted({statements[code]["diagnostic_class"] for code in codes} - {""})
        age, number_ = number(row["age"]), int(float(row["ecg_id"]))
        yield recording(
            "PTB-XL",
            "ecg",
            f"ptbxl_{number_:05d}",
            f"ptbxl:{int(float(row['patient_id']))}",
            {"files": [folder / f"{row[name]}.hea", folder / f"{row[name]}.dat"]},
            split=_split(row["strat_fold"]),
            labels=tuple(statements[code]["description"] for code in codes),
            age=min(age, OVER_89) if age is not None else None,
            sex=SEX.get(row["sex"].split(".")[0], ""),
            report=row["report"],
            acquired_at=row["recording_date"].replace(" ", "T"),
            extra={"superclass": ";".join(classes), "scp_codes": ";".join(codes)},
        )


def _codes(row: dict[str, str]) -> list[str]:
    """Return the SCP codes of a cell such as "{'NORM': 100.0, 'SR': 0.0}", in alphabetical order."""
    try:
        return sorted(ast.literal_eval(row["scp_codes"]))
    except (ValueError, SyntaxError, TypeError) as error:
        raise UsageError(f"The scp_codes of ECG {row['ecg_id']} cannot be read: download the table again.") from error


def _split(fold: str) -> str:
    return {VALID: "valid", TEST: "test"}.get(int(float(fold)), "train")
