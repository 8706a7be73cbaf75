"""What an adaptation is worth, on held-out patients: own pairs found, labels found; before, after, and against ITQ.

A query is one study of a held-out pair; the gallery are the other sides of all held-out pairs of the same modalities.
R@k counts ties and equal texts fairly (engine.metrics.recall). Intervals are 95 %, by patient.

Findings, age and sex alone let a pair be found, without anything that film and ECG of one heart share. So the own study
is also compared with those of matched patients: the same findings in both studies, the same sex, the nearest in age.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np

from engine.findings import sharing
from engine.learning.adaptation_data import HELD, AdaptationData, Kinds, SideFacts
from engine.learning.adaptation_fit import SAME_TEXT, TEXT
from engine.learning.gate import MIN_STUDIES
from engine.learning.pairing import MATCHED, YEARS
from engine.learning.round_data import Pool
from engine.metrics.quantise import centred, itq, similarity
from engine.metrics.ranking import average_precision_at, ranked_relevance
from engine.metrics.recall import KS, chance_recall, expected_recall
from engine.metrics.resampling import draws, measured, weighted_mean
from engine.model.packing import BITS, distances

MOST_HELD = 4000  # held-out pairs of two modalities that are measured; of more, the first
K = 10  # of mAP, and of the recall that is compared
Mapped = Callable[[np.ndarray, str], np.ndarray]  # embeddings (n, 256), modality → mapped (n, 256), or codes (n, 32)
Ways = Mapping[str, tuple[Mapped, Mapped]]  # "before" and "after" → map and code of stored embeddings
Figure = list[float]  # estimate, low, high


@dataclass(frozen=True, eq=False)
class HoldoutPairs:
    """Held-out pairs of two modalities in one direction, p of them.

    asking, asked : "before" and "after" → (p, 256) embeddings of either side;  kinds : their modalities
    right         : (p, p) bool, what belongs together: own studies, and those whose text is the same
    matched       : (p, p) bool, pairs of the matched patients of a pair
    patients      : (p,) str;  drawn : bootstrap draws of them (rounds, p)
    """

    asking: Mapping[str, np.ndarray]
    asked: Mapping[str, np.ndarray]
    kinds: Kinds
    right: np.ndarray
    matched: np.ndarray
    patients: np.ndarray
    drawn: np.ndarray

    def turned(self) -> HoldoutPairs:
        """Return the other direction."""
        kinds = (self.kinds[1], self.kinds[0])
        return replace(self, asking=self.asked, asked=self.asking, kinds=kinds, right=self.right.T)

    def sides(self, when: str, way: Mapped) -> tuple[np.ndarray, np.ndarray]:
        """Return both sides "before" or "after", mapped or as codes."""
        return way(self.asking[when], self.kinds[0]), way(self.asked[when], self.kinds[1])

    def recall(self, scores: np.ndarray, k: int) -> np.ndarray:
        """Return R@k of every query (p,): scores (p, p), higher is nearer."""
        return expected_recall(scores, self.right, k)

    def nearer(self, scores: np.ndarray) -> np.ndarray:
        """Return how often each own study is nearer than those of matched patients (p,): a half is chance, NaN of none.

        scores : (p, p), higher is nearer
        """
        own, count = scores.diagonal()[:, None], self.matched.sum(1)
        won = (((own > scores) + 0.5 * (own == scores)) * self.matched).sum(1)
        return np.where(count > 0, won / np.maximum(count, 1), np.nan)

    def beyond(self, values: np.ndarray) -> Figure | None:
        """Return the mean of what `nearer` says of every query, or of its change; None with fewer than MIN_STUDIES."""
        asked = np.isfinite(values)
        if int(asked.sum()) < MIN_STUDIES:
            return None
        return _figure(values[asked], self.patients[asked], draws(self.patients[asked]))

    def figure(self, values: np.ndarray) -> Figure:
        """Return the mean of values per query (p,) with its interval."""
        return _figure(values, self.patients, self.drawn)

    def recalls(self, scores: np.ndarray) -> dict[str, Figure]:
        """Return R@1, R@5 and R@10."""
        return {f"r_at_{k}": self.figure(self.recall(scores, k)) for k in KS}


def holdout_pairs(times: Mapping[str, AdaptationData], kinds: Kinds) -> HoldoutPairs | None:
    """Return the held-out pairs of two modalities; None where they are fewer than MIN_STUDIES.

    times : "before" and "after" → the data with the embeddings of then; equal but for these
    """
    data = next(iter(times.values()))
    pairs = data.pairs[kinds]
    rows, patients = pairs.of(HELD)[:MOST_HELD], pairs.patients[pairs.part == HELD][:MOST_HELD]
    if len(rows) < MIN_STUDIES:
        return None
    z = [
        {when: np.array(one.sides[kind][rows[:, side]]) for when, one in times.items()}
        for side, kind in enumerate(kinds)
    ]
    right = np.eye(len(rows), dtype=bool)
    if TEXT in kinds:
        words = next(iter(z[kinds.index(TEXT)].values()))
        right = right | (words @ words.T > SAME_TEXT)
    matched = _matched([(data.facts[kind], rows[:, side]) for side, kind in enumerate(kinds)], patients)
    return HoldoutPairs(z[0], z[1], kinds, right, matched, patients, draws(patients))


def _matched(sides: Sequence[tuple[SideFacts, np.ndarray]], patients: np.ndarray) -> np.ndarray:
    """Return of every pair those of the patients it is matched with, (p, p) bool, one pair of each.

    sides : what is known of the studies of both modalities, and their rows there
    """
    age, sex = np.full(len(patients), np.nan), np.full(len(patients), "", "U1")
    same = patients[:, None] != patients[None]
    for facts, rows in sides:
        age, sex = np.where(np.isnan(age), facts.age[rows], age), np.where(sex == "", facts.sex[rows], sex)
        same &= facts.findings[rows][:, None] == facts.findings[rows][None]
    same &= (sex[:, None] == sex[None]) & (sex != "")[:, None]
    apart = np.where(same, np.abs(age[:, None] - age[None]), np.nan)
    out = np.zeros(same.shape, bool)
    for row, years in enumerate(apart):
        near = np.flatnonzero(years <= YEARS)
        near = near[np.argsort(years[near], kind="stable")]
        first = np.unique(patients[near], return_index=True)[1]
        out[row, near[np.sort(first)[:MATCHED]]] = True
    return out


def own_pairs(data: AdaptationData, ways: Ways, adapted: AdaptationData | None = None) -> dict[str, Any]:
    """Return "cxr>ecg" → figures of finding the own study, of every two modalities with enough held-out pairs.

    Each entry: n, chance of R@10, and for "before" and "after" R@1, 5, 10 of "codes" and "floats" as [estimate, low,
    high]; "itq" of the maps after; gain, the change of R@10 by codes. By codes as well: "beyond", how often the own
    study is nearer than those of matched patients, its change "beyond_gain", and how many queries have some, "matched".

    adapted : the data with the embeddings after, where encoders were adapted
    """
    out, times = {}, {"before": data, "after": adapted or data}
    for kinds in data.pairs:
        held = holdout_pairs(times, kinds)
        rotation = None if held is None else _rotation(times["after"], kinds, ways["after"][0])
        for one in () if held is None else (held, held.turned()):
            out[">".join(one.kinds)] = _found(one, ways, rotation)
    return out


def float_recall(data: AdaptationData, kinds: Kinds, mapped: Mapped) -> Figure | None:
    """Return R@10 of own pairs by mapped embeddings, the mean of both ways; None with too few held-out pairs."""
    held = holdout_pairs({"after": data}, kinds)
    if held is None:
        return None
    a, b = held.sides("after", mapped)
    return held.figure((held.recall(a @ b.T, K) + held.turned().recall(b @ a.T, K)) / 2)


def label_map(holdout: Mapping[str, Pool], ways: Ways, adapted: Mapping[str, Pool] | None = None) -> dict[str, Any]:
    """Return "cxr>ecg" → mAP@10 by shared finding before and after, by codes and by floats, on held-out patients."""
    out: dict[str, Any] = {}
    for a, b in product(holdout, repeat=2):
        q, s = holdout[a], holdout[b]
        relevant, allowed = sharing(q.has_finding, s.has_finding), q.patients[:, None] != s.patients[None]
        kept = (relevant & allowed).any(1)
        if int(kept.sum()) < MIN_STUDIES:
            continue
        entry: dict[str, Any] = {"n": int(kept.sum())}
        drawn = draws(q.patients[kept])
        for way, (mapped, coded) in ways.items():
            pools = (adapted or holdout) if way == "after" else holdout
            zq, zs = pools[a].z[kept], pools[b].z
            scores = {"codes": -distances(coded(zq, a), coded(zs, b), BITS), "floats": mapped(zq, a) @ mapped(zs, b).T}
            ranked = {name: ranked_relevance(one, relevant[kept], allowed[kept], K) for name, one in scores.items()}
            found = {name: average_precision_at(one, K) for name, one in ranked.items()}
            entry[way] = {name: _figure(one, q.patients[kept], drawn) for name, one in found.items()}
        out[f"{a}>{b}"] = entry
    return out


def _found(held: HoldoutPairs, ways: Ways, rotation: Mapped | None) -> dict[str, Any]:
    entry: dict[str, Any] = {"n": len(held.patients), "chance": round(float(chance_recall(held.right, K).mean()), 4)}
    ten, nearer = {}, {}
    for way, (mapped, coded) in ways.items():
        (a, b), codes = held.sides(way, mapped), -distances(*held.sides(way, coded), BITS).astype(float)
        entry[way] = {"codes": held.recalls(codes), "floats": held.recalls(a @ b.T)}
        ten[way], nearer[way] = held.recall(codes, K), held.nearer(codes)
        entry[way]["beyond"] = held.beyond(nearer[way])
    if rotation is not None:
        entry["itq"] = held.recalls(similarity(*held.sides("after", rotation)))
    entry |= {"matched": int(held.matched.any(1).sum()), "beyond_gain": held.beyond(nearer["after"] - nearer["before"])}
    return {**entry, "gain": held.figure(ten["after"] - ten["before"])}


def _rotation(data: AdaptationData, kinds: Kinds, mapped: Mapped) -> Mapped | None:
    """Return ITQ's bits of mapped embeddings, fitted on the pairs that are learnt from; None of too few."""
    rows = data.pairs[kinds].rows[data.pairs[kinds].part != HELD][:MOST_HELD]
    if 2 * len(rows) <= BITS:
        return None
    sides = {kind: mapped(np.array(data.sides[kind][rows[:, side]]), kind) for side, kind in enumerate(kinds)}
    means = {kind: z.mean(0) for kind, z in sides.items()}
    axes = itq(np.concatenate([centred(z, means[kind]) for kind, z in sides.items()]), BITS)
    return lambda z, kind: centred(mapped(z, kind), means[kind]) @ axes > 0


def _figure(values: np.ndarray, patients: np.ndarray, drawn: np.ndarray) -> Figure:
    """Return the mean with its interval, [estimate, low, high]."""
    found = measured(lambda weights: weighted_mean(values, weights), patients, drawn)
    return [round(found.value, 4), round(found.low, 4), round(found.high, 4)]
