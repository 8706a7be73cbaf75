"""Which studies of a workspace are pairs: of one visit by its number, else near in time, and how many came of what.

    visit  : both carry the same visit number
    day    : one patient, at most 24 hours apart, and not both have a number (MEDBind §3.1, as MIMIC-PAIR was made)
    window : the same within the hours that the site sets for two modalities

A study is in one pair at most with studies of another modality: the surest rule first, then the nearest in time. The
site's hours stand in pairing.toml in the workspace's folder:

    [window_hours]
    cxr-ecg = 72
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from engine.actor import Actor
from engine.errors import UsageError
from engine.modalities import MODALITIES
from engine.store.visit_pairs import RULES, PairCandidate, Rule, candidates
from engine.workspace.workspace import Workspace

FILE, TABLE = "pairing.toml", "window_hours"
DAY_HOURS = 24.0
LONGEST_HOURS = 24.0 * 366
# How an own pair is measured beside those of other patients of the same findings and sex: patients at most, the nearest
# in age, and how many years they may lie apart
MATCHED, YEARS = 10, 5.0
Windows = Mapping[tuple[str, str], float]


@dataclass(frozen=True)
class RuleCount:
    """What one rule made of one pair of modalities.

    pairs, patients : how many;  hours, longest : median and largest distance in time, None where no time is known
    untimed         : pairs of which a time of day is not known
    """

    kinds: str
    rule: Rule
    pairs: int
    patients: int
    hours: float | None
    longest: float | None
    untimed: int

    def as_json(self) -> dict[str, Any]:
        """Return the row as plain JSON."""
        return asdict(self)


def kinds() -> list[tuple[str, str]]:
    """Return every two modalities, in the order of the modalities."""
    return list(combinations(MODALITIES, 2))


def read_windows(file: Path) -> Windows:
    """Return hours of every two modalities, 0 where the file, or no file, says none.

    Raises UsageError where the file cannot be read, names no pair of modalities, or a number that is no time.
    """
    windows = dict.fromkeys(kinds(), 0.0)
    try:
        said = tomllib.loads(file.read_text("utf-8")) if file.is_file() else {}
    except (OSError, ValueError) as error:
        raise UsageError(f"The windows in {file.name} cannot be read ({error}): write them as TOML.") from error
    wrong = sorted(set(said) - {TABLE})
    if wrong or not isinstance(said.get(TABLE, {}), dict):
        raise UsageError(f"{file.name} may hold the table [{TABLE}] alone: write its lines as cxr-ecg = 72.")
    for name, hours in said.get(TABLE, {}).items():
        pair = next((one for one in kinds() if name in ("-".join(one), "-".join(reversed(one)))), None)
        if pair is None:
            names = ", ".join("-".join(one) for one in kinds())
            raise UsageError(f"{file.name} names {name}, which is no pair of modalities: choose from {names}.")
        if isinstance(hours, bool) or not isinstance(hours, int | float) or not 0 <= hours <= LONGEST_HOURS:
            raise UsageError(f"{file.name} gives {name} a window that is no number of hours up to a year: write one.")
        windows[pair] = float(hours)
    return windows


def find_pairs(workspace: Workspace, actor: Actor, release: str, windows: Windows | None = None) -> list[PairCandidate]:
    """Return the pairs among the studies that the actor may see and that a release has embedded, the surest first.

    windows : of the site; None for those in the workspace's folder
    """
    windows = read_windows(workspace.path / FILE) if windows is None else windows
    taken: set[tuple[str, str]] = set()  # study and the modality that it has its pair with
    found = []
    for one in candidates(workspace.database, actor, release, windows, DAY_HOURS):
        sides = {(one.first, one.b), (one.second, one.a)}
        if not taken & sides:
            taken |= sides
            found.append(one)
    return found


def table(pairs: Sequence[PairCandidate]) -> list[RuleCount]:
    """Return how many pairs came of each rule and how far apart they are, a row per pair of modalities and rule."""
    rows = []
    for (a, b), rule in ((pair, rule) for pair in kinds() for rule in RULES):
        mine = [one for one in pairs if (one.a, one.b, one.rule) == (a, b, rule)]
        timed = [one.hours for one in mine if one.hours is not None]
        median, longest = (round(float(np.median(timed)), 2), round(max(timed), 2)) if timed else (None, None)
        patients = len({one.patient_id for one in mine})
        if mine:
            rows.append(RuleCount(f"{a}-{b}", rule, len(mine), patients, median, longest, len(mine) - len(timed)))
    return rows
