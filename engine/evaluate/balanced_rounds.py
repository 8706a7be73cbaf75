"""`casebind evaluate balanced-rounds`: what a round in which groups of people count equally does to each group.

Half of the patients of a data set teach a round, as they come and with each group counting equally, and the other half
judges, and the other way round. So that there is an imbalance to mend, most patients of the group named `thinned` are
left out of the half that teaches; those who judge are as they are. No ratings are used: a round weighs the original
studies, and this measures those alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from engine.evaluate.evaluation_sides import first_windows
from engine.evaluate.plots import intervals
from engine.evaluate.tables import EvaluationTable, table
from engine.findings import sharing, vocabulary
from engine.learning.fit import FitPlan, RatedPairs, fit
from engine.learning.group_balance import By, groups_of, shares
from engine.learning.round_worker import Coder
from engine.metrics.fairness import Grouped, grouped
from engine.metrics.probe_fit import folds
from engine.metrics.ranking import precision_at, ranked_relevance
from engine.metrics.resampling import measured_mean
from engine.metrics.rows import Measurement, ResultRow, distinct
from engine.model.packing import BITS, distances
from engine.model.release import Release

KINDS: tuple[tuple[str, str, By, str], ...] = (  # modality, data set, what makes groups, the group that is thinned
    ("ecg", "PTB-XL", "age", "65 and over"),
    ("ecg", "PTB-XL", "sex", "F"),
)
K = 10
KEPT = 0.2  # of the thinned group's patients that teach
PLAIN, EQUALLY = "as they come", "groups count equally"
NOTES = (
    f"P@{K} by shared finding at {BITS} bits, among other patients of the same data set; of rounds without ratings. "
    f"Of the thinned group {KEPT:.0%} of those who would teach do.",
    "Patients who teach do not judge; both halves are asked. Differences have a 95 % interval by patient.",
)


def evaluate(release: Release, path: Path, split: str, cache: Path) -> Measurement:
    """Return each group's P@10 after a round as groups come and after one in which they count equally."""
    rows: list[ResultRow] = []
    for modality, dataset, by, thinned in KINDS:
        whole = first_windows(table(release, path, modality, split, cache=cache)).of(dataset)
        part = whole.take(np.flatnonzero(whole.has_finding.any(1)))
        people = [one.age for one in part.recordings], [one.sex for one in part.recordings]
        groups = grouped(groups_of(by, *people), part.patients)
        rows += _rows(f"{dataset} by {by}", groups, _judged(release, part, groups, thinned), thinned)
    return Measurement("balanced-rounds", release.name, split, rows, NOTES)


def _judged(release: Release, part: EvaluationTable, groups: Grouped, thinned: str) -> dict[str, np.ndarray]:
    """Return method → P@10 of every study (n,), by the round of the half that it does not teach; NaN without any."""
    half = folds(part.patients, 2)
    found = {name: np.full(len(half), np.nan) for name in (PLAIN, EQUALLY)}
    relevant = sharing(part.has_finding, part.has_finding)
    for number in (0, 1):
        judging = np.flatnonzero(half == number)
        teaching = _thinned(np.flatnonzero(half != number), groups, thinned)
        allowed = part.patients[judging][:, None] != part.patients[judging][None]
        right = relevant[np.ix_(judging, judging)]
        for name in found:
            codes = _round(release, part, teaching, groups if name == EQUALLY else None).codes(
                part.z[judging], part.modality
            )
            ranked = ranked_relevance(-distances(codes, codes, BITS), right, allowed, K)
            found[name][judging] = np.where((right & allowed).any(1), precision_at(ranked, K), np.nan)
    return found


def _thinned(teaching: np.ndarray, groups: Grouped, name: str) -> np.ndarray:
    """Leave most patients of a group out: numbers of entries."""
    mine = (
        groups.member[teaching] == groups.names.index(name) if name in groups.names else np.zeros(len(teaching), bool)
    )
    people = np.unique(groups.patients[teaching][mine])
    kept = np.random.default_rng(0).permutation(people)[: round(KEPT * len(people))]
    return np.asarray(teaching[~mine | np.isin(groups.patients[teaching], kept)])


def _round(release: Release, part: EvaluationTable, teaching: np.ndarray, groups: Grouped | None) -> Coder:
    """Return what a round without ratings learns from some entries, weighed by groups where they are given."""
    import torch

    from engine.training.hashing.train import LabelledEmbeddings

    used = part.take(teaching)
    replay = {part.modality: LabelledEmbeddings(torch.from_numpy(used.z), torch.from_numpy(used.has_finding))}
    weight = None
    if groups is not None:
        named = [groups.names[at] if at >= 0 else "" for at in groups.member[teaching]]
        weight = {part.modality: torch.from_numpy(shares(named))}
    return Coder(release, fit(release.layer(), release.heads, _no_ratings(), replay, FitPlan(), asks=weight))


def _no_ratings() -> RatedPairs:
    vectors, words, numbers = np.empty((0, BITS), np.float32), np.empty(0, str), np.empty(0, np.float32)
    held = np.empty((0, len(vocabulary())), bool)
    return RatedPairs(vectors, vectors, words, words, numbers, numbers, held)


def _rows(task: str, groups: Grouped, found: dict[str, np.ndarray], thinned: str) -> Iterator[ResultRow]:
    """Yield P@10 of each group by both rounds, and what counting equally changes."""
    asked = np.isfinite(found[PLAIN])
    for at, name in enumerate(groups.names):
        mine = asked & (groups.member == at)
        if not mine.any():
            continue
        people, where = groups.patients[mine], f"{task}: {name}{' (thinned)' if name == thinned else ''}"
        for method, values in found.items():
            yield ResultRow(where, method, {f"P@{K}": measured_mean(values[mine], people)}, distinct(people))
        change = measured_mean((found[EQUALLY] - found[PLAIN])[mine], people)
        yield ResultRow(where, f"{EQUALLY} − {PLAIN}", {"difference": change}, distinct(people))


def draw(measurement: Measurement, folder: Path) -> list[Path]:
    """Draw every group's P@10."""
    return intervals(measurement, (f"P@{K}",), folder)
