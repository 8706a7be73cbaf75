"""Figures of recorded JSON, whatever their evaluation: what each is of, its interval and n, and where it stands."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

NAMES = (  # keys whose words say what a row is of, in this order
    *("task", "modality", "view", "data set", "dataset", "stage", "of", "by", "group", "kind", "name", "section"),
    *("query", "target", "source", "attack", "budget", "method", "representation", "language", "part", "limit"),
)
PARTS = frozenset({"value", "low", "high", "n", "patients", "chance", "interval_95", "seed", "bits", "version"})
INTERVALS = ("interval_95", "interval")  # of a share, beside it
PASSED = frozenset({"rows", "figures", "measured", "stages"})  # keys that only hold together
CHANCE = "chance_"


@dataclass(frozen=True)
class ReportFigure:
    """One figure.

    of       : what it is of, such as "ecg→ecg within PTB-XL · ours 256"      metric : what is measured
    low, high: of its interval; None where none was recorded                   n, patients : that it rests on
    chance   : what no knowledge gives; None where that was not said    flagged : by the evaluation itself
    source, pointer : the file in the release's folder, and the place in it
    """

    of: str
    metric: str
    value: float
    low: float | None
    high: float | None
    n: int | None
    patients: int | None
    chance: float | None
    flagged: bool
    source: str
    pointer: str

    @property
    def is_measured(self) -> bool:
        """Whether it has an interval."""
        return self.low is not None and self.high is not None

    @property
    def is_above_chance(self) -> bool:
        """Whether its whole interval lies above chance; True where chance was not said."""
        return self.chance is None or (self.low is not None and self.low > self.chance)

    def as_dict(self) -> dict[str, Any]:
        """Return it for the report."""
        return asdict(self)


def figures(content: Any, source: str, pointer: str = "") -> Iterator[ReportFigure]:
    """Yield every figure of JSON: each value with an interval, each share with its own, and each lone number."""
    yield from _walk(content, source, pointer, (), {})


def _walk(
    content: Any, source: str, pointer: str, names: tuple[str, ...], around: Mapping[str, Any]
) -> Iterator[ReportFigure]:
    if isinstance(content, list):
        if content and not all(isinstance(one, int | float) for one in content):  # a list of numbers is a curve
            for number, one in enumerate(content):
                at = f"{pointer}/{number}"
                if isinstance(one, Mapping) and _is_number(one.get("value")):
                    own = (*names[:-1], *(str(one[key]) for key in NAMES if isinstance(one.get(key), str)))
                    yield _interval(names[-1] if names else "", one, source, at, names=own, row={}, around=around)
                else:
                    yield from _walk(one, source, at, names, around)
    elif isinstance(content, Mapping):
        own = tuple(str(content[key]) for key in NAMES if isinstance(content.get(key), str))
        here = (*names, *(word for word in own if word not in names))
        for key, value in content.items():
            at = f"{pointer}/{str(key).replace('~', '~0').replace('/', '~1')}"
            if isinstance(value, Mapping) and _is_number(value.get("value")):
                yield _interval(str(key), value, source, at, names=here, row=content, around=around)
            elif key == "share" and _is_number(value) and _bounds(content):
                yield _share(content, source, at, here)
            elif isinstance(value, Mapping | list) and key not in PARTS:
                deeper = here if key in PASSED else (*here, str(key))
                yield from _walk(value, source, at, deeper, content if key == "figures" else {})
            elif _is_number(value) and key not in PARTS and not str(key).startswith(CHANCE):
                yield ReportFigure(_said(here), str(key), value, None, None, None, None, None, False, source, at)


def _interval(
    metric: str,
    one: Mapping[str, Any],
    source: str,
    pointer: str,
    *,
    names: tuple[str, ...],
    row: Mapping[str, Any],
    around: Mapping[str, Any],
) -> ReportFigure:
    """Return a value with its interval; patients and chance stand beside it, in its row, or in the row around."""
    chances = around.get("chance"), row.get("chance")
    chance = next((found[metric] for found in chances if isinstance(found, Mapping) and metric in found), None)
    chance = next((c for c in (chance, row.get(f"{CHANCE}{metric}"), one.get("chance")) if _is_number(c)), None)
    patients = next((p for p in (one.get("patients"), around.get("patients"), row.get("patients")) if p), None)
    low, high = (one[name] if _is_number(one.get(name)) else None for name in ("low", "high"))
    flagged = bool(one.get("beyond")) or around.get("passes") == "no"
    return ReportFigure(
        of=_said(names),
        metric=metric,
        value=one["value"],
        low=low,
        high=high,
        n=one.get("n"),
        patients=patients,
        chance=chance,
        flagged=flagged,
        source=source,
        pointer=pointer,
    )


def _share(row: Mapping[str, Any], source: str, pointer: str, names: tuple[str, ...]) -> ReportFigure:
    low, high = _bounds(row)
    return ReportFigure(
        of=_said(names),
        metric="share",
        value=row["share"],
        low=low,
        high=high,
        n=row.get("n"),
        patients=row.get("patients"),
        chance=None,
        flagged=False,
        source=source,
        pointer=pointer,
    )


def _bounds(row: Mapping[str, Any]) -> list[float]:
    """Return the interval that stands beside a share; empty without one."""
    found: list[float] = next((row[name] for name in INTERVALS if isinstance(row.get(name), list)), [])
    return found if len(found) == 2 and all(map(_is_number, found)) else []


def _said(names: tuple[str, ...]) -> str:
    return " · ".join(names)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
