"""What is painted on a film: a finding as drawn, the region that it takes, and what a report may say of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

Polygon = tuple[tuple[float, float], ...]


@dataclass(frozen=True)
class FilmFinding:
    """One finding to paint.

    kind     : a name of kinds()
    side     : "left", "right" or "both" of the patient; "" where the finding has none
    severity : 0 … 1, which findings.toml maps to millimetres, millilitres or ratios
    place    : zone, lobe or tip, as the kind understands it; "" to draw one
    supine   : whether the patient lay (AP): fluid layers, free air rises to the front
    """

    kind: str
    side: str = ""
    severity: float = 0.5
    place: str = ""
    supine: bool = False


@dataclass(frozen=True)
class Region:
    """Where a finding lies on the film: polygons of (x, y) in fractions 0 … 1 of its width and height."""

    label: str  # CheXpert-14 wording where it has a word
    kind: str
    side: str
    polygons: tuple[Polygon, ...]

    def as_dict(self) -> dict[str, Any]:
        """Return the region as JSON."""
        return asdict(self)


@dataclass(frozen=True)
class PaintedFact:
    """What is true of one painted finding: `measured` by name and unit, as depth_mm or ml; `words` for a report."""

    label: str
    kind: str
    side: str
    place: str
    severity: float
    words: str
    measured: dict[str, float] = field(default_factory=dict)

    def as_dict(self) -> dict[str, Any]:
        """Return the fact as JSON."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class Painted:
    """A film (h, w) float32 in 0 … 1 with findings, their regions and facts."""

    film: np.ndarray
    regions: tuple[Region, ...]
    facts: tuple[PaintedFact, ...]


@dataclass(frozen=True, eq=False)
class Stroke:
    """What one painter did: the new density, the mask (h, w) of what it painted, the finding as painted, and words.

    moved : (2, h, w) pixels: the new film at a place shows the old one at that place + moved; None where nothing moved
    """

    density: np.ndarray
    mask: np.ndarray
    finding: FilmFinding
    words: str
    measured: Mapping[str, float]
    moved: np.ndarray | None = None
