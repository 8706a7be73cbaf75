"""What a reader study shows: the difference in area under the ROC curve between the arms, and what else it measured.

The primary endpoint is the first finding's. Other findings, sensitivity, specificity, time and certainty are secondary:
their p-values are not corrected for their number.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from engine.errors import UsageError, brief
from engine.metrics.mrmc import (
    CaseParts,
    Covariances,
    Difference,
    OrResult,
    auc_parts,
    covariance_of,
    crossed_difference,
    obuchowski_rockette,
    sensitivity_parts,
    specificity_parts,
)
from engine.reader_study.protocol import MIN_OF_EACH
from engine.reader_study.results import ClosedReaderStudy, CrossedReadings, crossed
from engine.store.reader_studies import ARMS

MIN_SECONDS = 0.1  # a shorter time has no logarithm that means anything
NEEDED = ("reader", "case", "truth", "rating")
ARM_COLUMNS = ("treatment", "modality")


@dataclass(frozen=True)
class Figure:
    """One figure of merit: per arm and reader, and the test of no difference between the arms."""

    name: str
    values: tuple[tuple[float, ...], tuple[float, ...]]
    result: OrResult


@dataclass(frozen=True)
class FindingAnalysis:
    """What one finding shows. arms : their names, the second less the first is the difference

    time_ratio : geometric mean of seconds, second arm by first; None where times were not taken
    left_out   : cases that not every reader read in both arms
    """

    finding: str
    arms: tuple[str, str]
    readers: int
    cases: int
    present: int
    left_out: int
    alpha: float
    covariances: Covariances
    figures: tuple[Figure, ...]
    time_ratio: Difference | None = None
    seconds: tuple[float, float] | None = None
    certainty: Difference | None = None

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values; what is not a number is null."""
        return {
            "finding": self.finding,
            "arms": list(self.arms),
            "n": {"readers": self.readers, "cases": self.cases, "present": self.present, "left_out": self.left_out},
            "alpha": self.alpha,
            "covariances": self.covariances,
            **{one.name: _figure_json(one) for one in self.figures},
            "time_ratio": _plain(self.time_ratio),
            "median_seconds": _plain(self.seconds),
            "certainty": _plain(self.certainty),
        }


def of_study(study: ClosedReaderStudy, covariances: Covariances | None = None) -> list[FindingAnalysis]:
    """Return the analysis of every finding of a closed study, the primary one first, as its protocol says.

    covariances : others than the protocol's, to see whether it matters
    """
    how = covariances or study.protocol.covariances
    return [
        analysed(crossed(study, at), study.protocol.alpha, how, ("without", "with"))
        for at in range(len(study.protocol.findings))
    ]


def analysed(
    found: CrossedReadings, alpha: float, covariances: Covariances, arms: tuple[str, str] = ("without", "with")
) -> FindingAnalysis:
    """Return the analysis of crossed readings; UsageError where too few cases have the finding, or lack it."""
    cases, present = len(found.truth), int(found.truth.sum())
    if min(present, cases - present) < MIN_OF_EACH:
        raise UsageError(
            f"{brief(found.finding)} is present in {present} of the {cases} cases that every reader read in both arms: "
            f"an analysis needs {MIN_OF_EACH} with it and {MIN_OF_EACH} without."
        )
    readers = found.ratings.shape[1]
    flat = found.ratings.reshape(-1, cases)
    parts = {"auc": auc_parts(flat, found.truth)}
    if found.present.size:
        decided = found.present.reshape(-1, cases)
        parts["sensitivity"] = sensitivity_parts(decided, found.truth)
        parts["specificity"] = specificity_parts(decided, found.truth)
    times = np.maximum(found.seconds, MIN_SECONDS) if found.seconds.size else None
    return FindingAnalysis(
        finding=found.finding,
        arms=arms,
        readers=readers,
        cases=cases,
        present=present,
        left_out=found.left_out,
        alpha=alpha,
        covariances=covariances,
        figures=tuple(_figure(name, one, cases, alpha, covariances) for name, one in parts.items()),
        time_ratio=None if times is None else _ratio(crossed_difference(np.log(times[1]) - np.log(times[0]), alpha)),
        seconds=None if times is None else (float(np.median(times[0])), float(np.median(times[1]))),
        certainty=crossed_difference(found.certainty[1] - found.certainty[0], alpha) if found.certainty.size else None,
    )


def read_long(file: Path) -> tuple[dict[str, CrossedReadings], tuple[str, str]]:
    """Return finding → readings, and the names of the arms, of a CSV in the long layout of any reader study.

    Its columns are reader, treatment (or modality), case, truth (1 or 0) and rating; finding, present and seconds count
    where they are there. UsageError where it cannot be read so.
    """
    try:
        with file.open(newline="", encoding="utf-8-sig") as handle:
            rows = list(csv.DictReader(handle))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"The file {file} cannot be read as CSV: export the readings in the long layout.") from error
    arm_column = next((one for one in ARM_COLUMNS if rows and one in rows[0]), None)
    missing = [one for one in NEEDED if not rows or one not in rows[0]]
    if missing or arm_column is None:
        raise UsageError(f"The file {file} has no column '{(missing or ARM_COLUMNS)[0]}': add it and try again.")
    names = {row[arm_column] for row in rows}
    if len(names) != len(ARMS):
        raise UsageError(f"The file {file} has {len(names)} arms and two are compared: leave the others out.")
    arms = ARMS if names == set(ARMS) else tuple(sorted(names))
    by_finding: dict[str, list[Mapping[str, str]]] = {}
    for row in rows:
        by_finding.setdefault(row.get("finding") or "finding", []).append(row)
    found = {name: _crossed(file, name, some, arm_column, arms) for name, some in by_finding.items()}
    return found, (arms[0], arms[1])


def _crossed(
    file: Path, finding: str, rows: Sequence[Mapping[str, str]], arm_column: str, arms: Sequence[str]
) -> CrossedReadings:
    by_key = {(row[arm_column], row["reader"], row["case"]): row for row in rows}
    readers = sorted({row["reader"] for row in rows})
    cases = list(dict.fromkeys(row["case"] for row in rows))
    whole = [one for one in cases if all((arm, reader, one) in by_key for arm in arms for reader in readers)]
    shape = (len(arms), len(readers), len(whole))

    def column(name: str) -> np.ndarray:
        if name not in rows[0]:
            return np.empty(0)
        cells = [by_key[arm, reader, one][name] for arm in arms for reader in readers for one in whole]
        try:
            return np.asarray([float(cell) for cell in cells]).reshape(shape)
        except ValueError as error:
            raise UsageError(f"The file {file} has a {name} that is no number: write numbers alone.") from error

    truth = column("truth")[0, 0] == 1
    return CrossedReadings(
        finding=finding,
        numbers=tuple(range(1, len(whole) + 1)),
        truth=truth,
        ratings=column("rating"),
        present=column("present").astype(bool),
        seconds=column("seconds"),
        certainty=column("certainty"),
        left_out=len(cases) - len(whole),
    )


def _figure(name: str, parts: CaseParts, cases: int, alpha: float, covariances: Covariances) -> Figure:
    values = parts.values.reshape(len(ARMS), -1)
    result = obuchowski_rockette(values, covariance_of(parts, cases, covariances), alpha)
    return Figure(name, (tuple(values[0].tolist()), tuple(values[1].tolist())), result)


def _ratio(logs: Difference) -> Difference:
    """Return a difference of logarithms as a ratio; its standard error stays that of the logarithm."""
    return Difference(math.exp(logs.value), logs.se, logs.df, math.exp(logs.low), math.exp(logs.high), logs.p)


def _figure_json(one: Figure) -> dict[str, Any]:
    result = one.result
    return {
        "by_reader": _plain([list(part) for part in one.values]),
        "arms": _plain([asdict(arm) for arm in result.arms]),
        "difference": _plain(result.primary),
        "readers_random": result.random_readers is not None,
        "fixed_readers": _plain(result.fixed_readers),
        "components": _plain(result.components),
    }


def _plain(value: Any) -> Any:
    """Return JSON values without numbers that JSON lacks."""
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return float(f"{value:.9g}") if math.isfinite(value) else None
    if isinstance(value, dict):
        return {name: _plain(one) for name, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return _plain(asdict(value))
