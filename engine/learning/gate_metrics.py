"""Before a round, after it and after one without ratings, on what it did not learn from: arrays → the gate's rows.

P@10 by shared finding at 256 bits; queries and gallery are held-out patients', never the same one's. A query counts
where the gallery holds a relevant study. Overall every pair of modalities counts alike. The AUC says how often, of two
rated pairs of the same modalities, the one marked relevant is nearer; "partly" counts half to either side.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from engine.findings import sharing, vocabulary
from engine.learning.fit import RatedPairs
from engine.learning.gate import GateRow, Section
from engine.learning.round_data import Pool
from engine.metrics.fairness import AGES
from engine.metrics.ranking import precision_at, ranked_relevance
from engine.metrics.resampling import draws
from engine.model.packing import BITS, distances

K = 10
MIN_SHOWN = 10  # studies of a label or group; fewer say nothing
Codes = Mapping[str, np.ndarray]  # modality → packed codes (n, 32) uint8


@dataclass(frozen=True, eq=False)
class GateQueries:
    """Queries of every pair of modalities, m of them: what each found before, after, and after a round without ratings.

    kind, patients (m,) str; study (m,) str, the same one for every modality it asks; before, after, without (m,) P@10,
    `without` NaN where it was not measured
    has_finding (m, findings) bool; sex, cohort (m,) str; age (m,) years
    """

    kind: np.ndarray
    study: np.ndarray
    patients: np.ndarray
    before: np.ndarray
    after: np.ndarray
    without: np.ndarray
    has_finding: np.ndarray
    sex: np.ndarray
    cohort: np.ndarray
    age: np.ndarray


def measure_queries(
    holdout: Mapping[str, Pool], before: Codes, after: Codes, without: Codes | None = None
) -> GateQueries | None:
    """Search with these sets of codes; None where no query has a relevant study to find."""
    sides = [before, after] if without is None else [before, after, without]
    parts = [part for a, b in product(holdout, repeat=2) for part in _pair(holdout, a, b, sides)]
    return GateQueries(*(np.concatenate(part) for part in zip(*parts, strict=True))) if parts else None


def _pair(holdout: Mapping[str, Pool], a: str, b: str, sides: Sequence[Codes]) -> Iterator[tuple[np.ndarray, ...]]:
    """Yield the columns of GateQueries of one pair of modalities, if it has any query."""
    q, s = holdout[a], holdout[b]
    relevant = sharing(q.has_finding, s.has_finding)
    allowed = q.patients[:, None] != s.patients[None]
    kept = (relevant & allowed).any(1)
    if not kept.any():
        return
    found = [
        precision_at(ranked_relevance(-distances(codes[a][kept], codes[b], BITS), relevant[kept], allowed[kept], K), K)
        for codes in sides
    ]
    found += [np.full(int(kept.sum()), np.nan)] * (3 - len(found))
    kind = np.full(int(kept.sum()), f"{a}>{b}")
    study = np.char.add(f"{a} ", np.flatnonzero(kept).astype(str))
    yield kind, study, q.patients[kept], *found, q.has_finding[kept], q.sex[kept], q.cohort[kept], q.age[kept]


def holdout_rows(queries: GateQueries | None) -> list[GateRow]:
    """Return the rows of the held-out studies: overall, by pair, group and label."""
    if queries is None:
        return []
    every = np.ones(len(queries.kind), bool)
    rows = [_row("overall", "", queries, every)]
    rows += [_row("pair", str(kind), queries, queries.kind == kind) for kind in dict.fromkeys(queries.kind.tolist())]
    groups = [(name, mine) for name, mine in _groups(queries) if _studies(queries, mine) >= MIN_SHOWN]
    labels = [(name, queries.has_finding[:, i]) for i, name in enumerate(vocabulary())]
    rows += [_row("group", name, queries, mine) for name, mine in groups]
    return rows + [_row("label", name, queries, mine) for name, mine in labels if _studies(queries, mine) >= MIN_SHOWN]


def _groups(found: GateQueries) -> Iterator[tuple[str, np.ndarray]]:
    """Yield (name, members) of every sex, age band and cohort, as figures of groups have them; "" is unknown."""
    for value in sorted(set(found.sex.tolist()) - {""}):
        yield f"sex {value}", found.sex == value
    for low, high, name in AGES:
        yield f"age {name}", (found.age >= low) & (found.age < high)
    for value in sorted(set(found.cohort.tolist())):
        yield f"cohort {value}", found.cohort == value


def _studies(found: GateQueries, mine: np.ndarray) -> int:
    """Return how many studies ask, each once however many modalities it asks."""
    return len(np.unique(found.study[mine]))


def _row(section: Section, name: str, found: GateQueries, mine: np.ndarray) -> GateRow:
    """Mean over pairs of modalities of their queries' P@10, with the interval of the difference by patient."""
    kinds, kind = np.unique(found.kind[mine], return_inverse=True)
    weights = np.concatenate([np.ones((1, int(mine.sum()))), draws(found.patients[mine])])
    sides = (found.before, found.after, found.without)
    before, after, without = (_by_kind(values[mine], kind, len(kinds), weights) for values in sides)
    return _gate_row((section, name, _studies(found, mine)), before, after, without)


def _gate_row(what: tuple[Section, str, int], before: np.ndarray, after: np.ndarray, without: np.ndarray) -> GateRow:
    """Return a row of figures (1 + draws,), the first of all and the others of drawn units; `without` may be NaN.

    what : section, name and n
    """
    row = GateRow(*what, float(before[0]), float(after[0]), *_difference(after, before))
    if np.isnan(without[0]):
        return row
    earned, low, high = _difference(after, without)
    return replace(row, without=float(without[0]), earned=earned, earned_low=low, earned_high=high)


def _difference(one: np.ndarray, other: np.ndarray) -> tuple[float, float, float]:
    """Return the difference of two figures and its 95 % interval over the draws; NaN where no draw has both."""
    spread = (one - other)[1:]
    spread = spread[np.isfinite(spread)]
    low, high = np.percentile(spread, [2.5, 97.5]) if len(spread) else (np.nan, np.nan)
    return float(one[0] - other[0]), float(low), float(high)


def _by_kind(values: np.ndarray, kind: np.ndarray, kinds: int, weights: np.ndarray) -> np.ndarray:
    """Mean over kinds of each kind's weighted mean: values (m,), kind (m,) int, weights (r, m) → (r,)."""
    member = np.zeros((len(values), kinds))
    member[np.arange(len(values)), kind] = 1
    drawn = weights @ member
    means = (weights @ (member * values[:, None])) / np.where(drawn > 0, drawn, 1)  # 0 where nobody of it was drawn
    return np.asarray(means.sum(1) / (drawn > 0).sum(1))


def rating_rows(
    pairs: RatedPairs, units: np.ndarray, before: np.ndarray, after: np.ndarray, without: np.ndarray | None = None
) -> list[GateRow]:
    """Return the row of the held-out ratings, none where no two pairs can be compared.

    before, after, without : (p,) int distances of the pairs; units : (p,) str that intervals are drawn by
    """
    weights = np.concatenate([np.ones((1, len(units))), draws(units)]) if len(units) else np.ones((1, 0))
    old, new = (auc(far, pairs, weights) for far in (before, after))
    if not len(units) or np.isnan(old[0]) or np.isnan(new[0]):
        return []
    bare = np.full(len(old), np.nan) if without is None else auc(without, pairs, weights)
    return [_gate_row(("ratings", "AUC", len(units)), old, new, bare)]


def auc(far: np.ndarray, pairs: RatedPairs, weights: np.ndarray) -> np.ndarray:
    """Share of (relevant, irrelevant) pairs of equal modalities with the relevant one nearer, ties half.

    far (p,) int distances 0 … 256; weights (r, p) draws, times each rater's reliability → (r,), NaN where undefined
    """
    kinds = np.char.add(np.char.add(pairs.mq, ">"), pairs.ms) if len(far) else np.empty(0, str)
    right, total = np.zeros(len(weights)), np.zeros(len(weights))
    for kind in np.unique(kinds):
        mine = kinds == kind
        bins = np.zeros((int(mine.sum()), BITS + 1))
        bins[np.arange(len(bins)), far[mine]] = 1
        w = weights[:, mine] * pairs.weight[mine]
        positive, negative = (w * pairs.target[mine]) @ bins, (w * (1 - pairs.target[mine])) @ bins
        further = negative.sum(1, keepdims=True) - negative.cumsum(1) + negative / 2
        right += (positive * further).sum(1)
        total += positive.sum(1) * negative.sum(1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(total > 0, right / total, np.nan))
