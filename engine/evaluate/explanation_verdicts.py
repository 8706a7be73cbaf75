"""What the recorded evaluation of a release says of its explanations: which methods passed, and where maps lie."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.evaluate.recorded import recorded
from engine.explain.maps import METHODS
from engine.model.release import Release

CHECKS = ("sanity", "faithfulness")


@dataclass(frozen=True)
class Pointing:
    """How often a film's map has its strongest place inside a radiologist's box, of `n` films.

    hit, middle : by the map, and by the middle of the film    energy, area : the map's share inside, and the box's
    """

    method: str
    n: int
    hit: float
    middle: float
    energy: float
    area: float


class Verdicts:
    """The recorded evaluation of a release's explanations, or of the one it is based on; empty where there is none.

    release : whose they are
    """

    def __init__(self, release: str, rows: Iterable[Mapping[str, Any]]) -> None:
        self.release = release
        self._rows = {(str(row["task"]), str(row["method"])): row for row in rows}

    def failed(self, kind: str, method: str) -> tuple[str, ...]:
        """Return the checks, of CHECKS, that a method failed on recordings of one kind."""
        return tuple(one for one in CHECKS if self._passes(f"{kind} {one}", method) == "no")

    def figure(self, kind: str, check: str, method: str, name: str) -> float | None:
        """Return a figure of a check, as of ("ecg", "sanity", "shap", "top layers"); None where not measured."""
        row = self._rows.get((f"{kind} {check}", method))
        found = None if row is None else row["figures"].get(name)
        return None if found is None else float(found["value"])

    def pointing(self, method: str) -> Pointing | None:
        """Return how a method points on films with boxes; None where it was not measured."""
        row = self._rows.get(("boxes localisation", method))
        if row is None:
            return None
        figures = {name: float(row["figures"][name]["value"]) for name in ("hit", "middle", "energy")}
        n, area = int(row["figures"]["hit"]["n"]), float(row["chance"]["hit"])
        return Pointing(method, n, figures["hit"], figures["middle"], figures["energy"], area)

    def first(self, kinds: Iterable[str], default: str) -> str | None:
        """Return the method that is shown first: the default, or else the next that failed on none of the kinds.

        None where every method failed on one of them.
        """
        others = [one for one in METHODS if one != default]
        found = (m for m in (default, *others) if not any(self.failed(kind, m) for kind in kinds))
        return next(found, None)

    def _passes(self, task: str, method: str) -> str:
        row = self._rows.get((task, method))
        return "" if row is None else str(row.get("passes", ""))


def verdicts(release: Release) -> Verdicts:
    """Return what is recorded of a release's explanations."""
    found = recorded(release, "explanations", or_of_base=True)
    return Verdicts("", ()) if found is None else Verdicts(found.release, found.measured["rows"])
