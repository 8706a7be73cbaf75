"""Published labels → the findings that modalities share, and the phrases that say them.

Two studies are *relevant* to one another when they share a finding; to be normal is no finding. Calibration, figures,
cards and the gate of a round all ask `shared_findings`, or `sharing` of arrays. Labels are positive-only: a missing
one denies nothing.
"""

from __future__ import annotations

import re
import tomllib
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    import numpy as np

NORMAL = "normal"  # the entry of the vocabulary that says there is no finding
TACHYCARDIA_PER_MIN, BRADYCARDIA_PER_MIN = 100.0, 60.0  # usual adult limits of sinus rhythm at rest


@lru_cache(maxsize=1)
def vocabulary() -> dict[str, dict[str, list[str]]]:
    """Return families.toml: finding → {patterns, phrases, unseen}."""
    return tomllib.loads((Path(__file__).parent / "families.toml").read_text())


@lru_cache(maxsize=4096)
def findings_of_label(label: str) -> frozenset[str]:
    """Return the findings that one published label means; "infarction" excludes "cerebral infarction"."""
    text = label.strip().lower()
    hits = {name for name, entry in vocabulary().items() if any(re.search(p, text) for p in entry["patterns"])}
    return frozenset(hits - {"infarction", "ischaemia"} if "cerebrovascular" in hits else hits)


def findings(labels: Iterable[str], heart_rate: float | None = None) -> frozenset[str]:
    """Return all findings of a study; a known heart rate (per minute) adds fast or slow heart rate.

    "normal" is dropped where another finding stands beside it.
    """
    found = set().union(*(findings_of_label(label) for label in labels))
    if heart_rate is not None and heart_rate == heart_rate:
        found |= {"tachycardia"} if heart_rate > TACHYCARDIA_PER_MIN else set()
        found |= {"bradycardia"} if heart_rate < BRADYCARDIA_PER_MIN else set()
    others = found - {"normal", "tachycardia", "bradycardia", "prehypertension"}
    return frozenset(found - {"normal"} if others else found)


def abnormal(labels: Iterable[str], heart_rate: float | None = None) -> frozenset[str]:
    """Return the findings of a study that another can share: all but "normal"."""
    return findings(labels, heart_rate) - {NORMAL}


def shared_findings(one: Iterable[str], other: Iterable[str]) -> frozenset[str]:
    """Return the findings that two studies share by their labels; that both are normal is nothing shared."""
    return abnormal(one) & abnormal(other)


def sharing(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Return which pairs share a finding: (q, findings), (g, findings) bool in vocabulary order → (q, g) bool."""
    counted = is_shareable()
    found: np.ndarray = (one & counted).astype("float32") @ (other & counted).astype("float32").T > 0
    return found


def is_shareable() -> np.ndarray:
    """Return which findings two studies can share, (findings,) bool in vocabulary order: all but "normal"."""
    import numpy as np

    return np.array([name != NORMAL for name in vocabulary()])


def phrase(finding: str, rng: object = None) -> str:
    """Return the finding's name, or with a numpy Generator one of its phrases at random."""
    phrases = vocabulary()[finding]["phrases"]
    return phrases[0] if rng is None else phrases[rng.integers(len(phrases))]  # type: ignore[attr-defined]


def sentence(names: Iterable[str]) -> str:
    """Return findings as one phrase in vocabulary order, e.g. "pleural effusion, pneumonia"."""
    chosen = set(names)
    return ", ".join(phrase(name) for name in vocabulary() if name in chosen)
