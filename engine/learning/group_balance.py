"""Rounds in which each group of people counts equally: what a study or a rated pair weighs by the group who asks.

A group's entries together weigh as much as any other group's (inverse frequency, as class weights of
scikit-learn's "balanced"); the mean weight stays 1. Who is of no known group, or of one of fewer than FEWEST, weighs 1:
a handful of people must not teach as much as hundreds. Groups are those of figures (engine.metrics.fairness).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from engine.errors import UsageError
from engine.metrics.fairness import age_band

By = Literal["", "age", "sex"]  # "": everybody counts alike, as they come
BALANCES: tuple[By, ...] = ("", "age", "sex")
FEWEST = 10  # entries of a group that is weighed


def checked(by: str) -> By:
    """Return by what groups count equally; UsageError where nothing is known by that."""
    found = next((one for one in BALANCES if one == by), None)
    if found is None:
        raise UsageError(f"A round cannot be balanced by '{by}': use age or sex.")
    return found


def groups_of(by: By, ages: Sequence[float | None], sexes: Sequence[str]) -> list[str]:
    """Return the group of each entry, "" where it is not known; ages in years, NaN or None where unknown."""
    if by == "age":
        return ["" if age is None or np.isnan(age) else age_band(float(age)) for age in ages]
    return list(sexes) if by == "sex" else [""] * len(sexes)


def shares(groups: Sequence[str]) -> np.ndarray:
    """Return what each entry weighs so that large groups weigh alike together: (n,) float32."""
    names, number, sizes = np.unique(np.asarray(groups, dtype=str), return_inverse=True, return_counts=True)
    large = (names != "") & (sizes >= FEWEST)
    weight = np.ones(len(names))
    if large.any():
        weight[large] = sizes[large].mean() / sizes[large]
    return np.asarray(weight[number], np.float32)
