"""The numbers that a study is drawn from, and which studies are to be drawn anew because they came too near a real one.

A person's studies of one modality are drawn anew together: their body stays one.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import UsageError
from engine.synthetic.patients import Encounter, rng_for

OTHERS = 100  # more than the gate ever refuses of one person


@dataclass(frozen=True)
class RandomStreams:
    """Seeded generators for the studies of a cohort; `again` counts how often a study id was put aside."""

    seed: int
    redraws: Mapping[str, int] = field(default_factory=dict)

    def redraw_count(self, encounter: Encounter, modality: str) -> int:
        """Return how often this person's studies of the modality were put aside."""
        start, end = f"{encounter.patient_id}-", f"-{modality}"
        return sum(count for name, count in self.redraws.items() if name.startswith(start) and name.endswith(end))

    def study_rng(self, encounter: Encounter, part: str, modality: str) -> np.random.Generator:
        """Return the generator of what belongs to one study."""
        return rng_for(
            self.seed, encounter.patient_number, encounter.number, part, self.redraw_count(encounter, modality)
        )

    def person_rng(self, encounter: Encounter, modality: str, other: int = 0) -> np.random.Generator:
        """Return the generator of what stays with the person; `other` counts those that the gate would not have."""
        return rng_for(
            self.seed, encounter.patient_number, 0, "person", OTHERS * self.redraw_count(encounter, modality) + other
        )


def count_redraws(files: Sequence[Path]) -> dict[str, int]:
    """Count the studies to draw anew: those of an earlier drawing's record, and those that checks found too near.

    files : drawing.json of a cohort (its counts), records of `casebind evaluate synthetic` (one each).
    Raises UsageError where a file is neither.
    """
    total: Counter[str] = Counter()
    for file in files:
        try:
            found = json.loads(file.read_text(encoding="utf-8"))
            total.update(found["again"] if "again" in found else set(_too_near(found)))
        except (OSError, ValueError, TypeError) as error:
            raise UsageError(
                f"{file} is no record of a drawing or of its checks, so it is not used: {error}."
            ) from error
    return dict(sorted(total.items()))


def _too_near(record: Any) -> Iterator[str]:
    """Yield the study ids below a memorisation limit anywhere in the figures."""
    if isinstance(record, dict):
        yield from record["which"] if "share_below" in record else ()
        for value in record.values():
            yield from _too_near(value)
