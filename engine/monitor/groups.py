"""Whose recordings they are, in groups that are large enough to count: age band, sex, and the view of a film."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

AGES = (18.0, 40.0, 65.0)  # years at which the next band begins
SEXES = ("F", "M")
VIEWS = ("AP", "PA")


def group_of(modality: str, facts: Mapping[str, Any]) -> int:
    """Return the number of a group, -1 where age or sex is not known; facts: age, sex, view of a study."""
    try:
        age = float(str(facts.get("age")))
    except ValueError:
        age = -1.0
    sex = str(facts.get("sex") or "")
    if not age >= 0 or sex not in SEXES:
        return -1
    band = sum(age >= limit for limit in AGES)
    view = str(facts.get("view") or "")
    shown = 1 + VIEWS.index(view) if modality == "cxr" and view in VIEWS else 0
    return (band * len(SEXES) + SEXES.index(sex)) * (len(VIEWS) + 1) + shown
