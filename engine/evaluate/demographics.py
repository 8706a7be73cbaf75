"""`casebind evaluate demographics`: ages, sexes and views of the recordings, by data set and split.

Counts are of recordings as they lie here, which may have grown since a release was trained on them; patients are those
of the data set's own ids. What a data set does not say counts as unknown, and is not filled in.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from engine.datasets.open_recordings import recordings
from engine.datasets.recording import Recording

UNKNOWN = "unknown"
QUANTILES = (5, 50, 95)
NOTE = (
    "Recordings as they lie here, by the data sets' own tables. Race, ethnicity, language and social determinants are "
    "in none of them; skin tone is known where a table has it."
)


def evaluate(path: Path) -> dict[str, Any]:
    """Return a row per data set, kind and split of the recordings under `path`."""
    groups: dict[tuple[str, str, str], list[Recording]] = defaultdict(list)
    for one in recordings(path):
        groups[one.dataset, one.modality, one.split].append(one)
    return {"notes": [NOTE], "rows": [_row(*key, found) for key, found in groups.items()]}


def _row(dataset: str, modality: str, split: str, found: Sequence[Recording]) -> dict[str, Any]:
    ages = [one.age for one in found if one.age is not None]
    years = np.percentile(ages, QUANTILES).round(1).tolist() if ages else []
    return {
        "dataset": dataset,
        "modality": modality,
        "section": split,
        "recordings": len(found),
        "people": len({one.patient_id for one in found}),
        "age": {"known": len(ages), **{f"percentile {q}": year for q, year in zip(QUANTILES, years, strict=False)}},
        "sex": dict(Counter(one.sex or UNKNOWN for one in found)),
        **({"view": dict(Counter(one.view or UNKNOWN for one in found))} if modality == "cxr" else {}),
    }


def as_table(found: dict[str, Any]) -> str:
    """Return the rows as a plain table."""
    lines = [f"{'data set':40}{'kind':6}{'split':8}{'recordings':>11}{'people':>8}  age (5, 50, 95 %)     sex, view"]
    for row in found["rows"]:
        ages = " ".join(f"{year:g}" for name, year in row["age"].items() if name != "known") or "not said"
        told = ", ".join(f"{name} {n}" for each in (row["sex"], row.get("view", {})) for name, n in each.items())
        which = f"{row['dataset'][:39]:40}{row['modality']:6}{row['section']:8}"
        lines.append(f"{which}{row['recordings']:>11,}{row['people']:>8,}  {ages:20}  {told}")
    return "\n".join([*lines, "", *found["notes"]])
