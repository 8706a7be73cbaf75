"""Pairs of a collection that are counted: its labelled studies ask as a query would, and so do rated queries.

A study counts where its labels could have named the neighbour's finding: a pulse recording whose cohort labels rhythm
alone denies no pleural effusion. A neighbour without a finding has none to share and is not counted.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.actor import Actor
from engine.findings import abnormal, vocabulary
from engine.index.hamming import CodeArray, one_per_group
from engine.learning import decisions, reliability
from engine.metrics.counted import NEAREST, Observations
from engine.model.packing import LENGTHS
from engine.retrieval.calibration import origin_of
from engine.store.rated_studies import labelled_studies, load_sides, patient_numbers
from engine.workspace.workspace import Workspace

if TYPE_CHECKING:
    from engine.model.release import Release

COUNTING = Actor("casebind")  # the process itself
MOST_QUERIES, FEWEST_QUERIES = 400, 60  # of one modality and origin; more would tell no more
COMPARISONS = 40_000_000  # codes compared for one modality and origin, beyond which fewer queries are drawn
FINDING_BITS = {name: 1 << i for i, name in enumerate(vocabulary())}
Hits = tuple[np.ndarray, np.ndarray]  # positions and distances


@dataclass(frozen=True, eq=False)
class CountedQuery:
    """One who asks: its code (4,) uint64, its patients' numbers, the findings of its labels as bits, and whose it is.

    ratings : study id → (share that raters gave it, their weight)
    """

    modality: str
    words: np.ndarray
    groups: frozenset[int]
    findings: int
    patient: str
    source: str
    origin: str
    ratings: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    labelled: bool = True


@dataclass(frozen=True, eq=False)
class Target:
    """The permitted studies of one modality: codes, findings as bits (n,) int64, cohorts (n,)."""

    codes: CodeArray
    findings: np.ndarray
    cohorts: np.ndarray


@dataclass(frozen=True, eq=False)
class Seen:
    """What one pair of modalities showed at one code length.

    asking, hits : the queries, and the ten nearest of each
    parts        : (cohort of the neighbours, origin of the queries) → pairs
    """

    source: str
    into: str
    bits: int
    asking: list[CountedQuery]
    hits: list[Hits]
    parts: dict[tuple[str, str], Observations]

    @property
    def nearest(self) -> list[tuple[CountedQuery, int]]:
        """The labelled queries, each with the distance of its nearest."""
        asked = zip(self.asking, self.hits, strict=True)
        return [(query, int(far[0])) for query, (_, far) in asked if query.labelled and far.size]


def observe(queries: Sequence[CountedQuery], targets: Mapping[str, Target]) -> Iterator[Seen]:
    """Let every query ask every modality, and yield what each pair of modalities showed, at every code length."""
    covered = coverage(queries)
    for source, (into, target) in product(
        sorted({query.modality for query in queries} | set(targets)), targets.items()
    ):
        asking = [query for query in queries if query.modality == source]
        near = [_near(query, target.codes) for query in asking]
        for bits in LENGTHS:
            hits = [one[bits] for one in near]
            yield Seen(source, into, bits, asking, hits, dict(_observed(asking, hits, target, covered)))


def targets_of(workspace: Workspace, release: Release) -> dict[str, Target]:
    """Return the studies that can be found, by modality; those without labels have no findings."""
    denied = workspace.denied([], actor=COUNTING)
    known = {row.study_id: row for row in labelled_studies(workspace.database, COUNTING, release.name)}
    out = {}
    for modality in release.modalities:
        codes = workspace.codes(release.name, modality)
        codes = some_codes(codes, codes.mask(denied))
        rows = [known.get(str(study_id)) for study_id in codes.ids]
        findings = np.array([as_bits(row.labels) if row else 0 for row in rows], np.int64)
        out[modality] = Target(codes, findings, np.array([row.cohort if row else "" for row in rows], dtype=str))
    return {modality: target for modality, target in out.items() if target.codes.ids.size}


def own_queries(workspace: Workspace, release: Release, targets: Mapping[str, Target]) -> list[CountedQuery]:
    """Return labelled studies as queries, at most QUERIES of a modality and origin, drawn by a fixed seed."""
    rows = defaultdict(list)
    for row in labelled_studies(workspace.database, COUNTING, release.name):
        rows[row.modality, row.synthetic].append(row)
    rng, out = np.random.default_rng(0), []
    for (modality, synthetic), several in sorted(rows.items()):
        if modality not in targets:
            continue
        codes = targets[modality].codes
        at = {str(study_id): i for i, study_id in enumerate(codes.ids)}
        drawn = rng.permutation(len(several))[: _most(targets)]
        for row in (several[i] for i in sorted(drawn) if several[i].study_id in at):
            i = at[row.study_id]
            group = frozenset([int(codes.groups[i])])
            bits = as_bits(row.labels)
            words = codes.words[:, i].copy()
            out.append(CountedQuery(modality, words, group, bits, row.patient_id, row.cohort, origin_of(synthetic)))
    return out


def rated_queries(workspace: Workspace) -> list[CountedQuery]:
    """Return what raters said, as queries without labels of their own."""
    weights = {name: one.weight for name, one in reliability.of_workspace(workspace, COUNTING).items()}
    marks: dict[str, dict[str, list[tuple[float, float]]]] = defaultdict(lambda: defaultdict(list))
    for rating in decisions.judgements(workspace):
        decided = rating.strategy == decisions.ADJUDICATED
        value, weight = reliability.VALUE.get(rating.mark), 1.0 if decided else weights.get(rating.rater, 0.0)
        if value is not None and weight > 0:
            marks[rating.query_id][rating.study_id].append((value, weight))
    sides = load_sides(workspace.database, COUNTING, marks)
    out = []
    for query_id, pairs in sorted(marks.items()):
        side = sides.get(query_id)
        if side is None or side.words is None or not side.permitted:
            continue
        numbers = frozenset(patient_numbers(workspace.database, side.patients).values())
        rated = {study_id: _pooled(several) for study_id, several in pairs.items()}
        who = min(side.patients, default=query_id), "ratings", origin_of(side.synthetic)
        out.append(CountedQuery(side.modality, side.words, numbers, 0, *who, rated, labelled=False))
    return out


def coverage(queries: Sequence[CountedQuery]) -> dict[tuple[str, str], int]:
    """Return (modality, source) → the findings, as bits, that its labels name at all."""
    covered: dict[tuple[str, str], int] = defaultdict(int)
    for query in queries:
        covered[query.modality, query.source] |= query.findings
    return covered


def as_bits(labels: Sequence[str]) -> int:
    """Return the findings that labels mean, "normal" left out, as the bits of one number."""
    return sum(FINDING_BITS[name] for name in abnormal(labels))


def _near(query: CountedQuery, codes: CodeArray) -> dict[int, Hits]:
    """Return positions and distances of the ten nearest of other patients, one of each, by code length."""
    words = np.bitwise_count(codes.words ^ query.words[:, None]).cumsum(0, dtype=np.int64)
    own = np.isin(codes.groups, list(query.groups))
    out = {}
    for bits in LENGTHS:
        distance = np.where(own, 2 * bits, words[bits // 64 - 1])
        near = one_per_group(partial(_first, distance), NEAREST, codes.groups)
        real = near[1] <= bits
        out[bits] = near[0][real], near[1][real]
    return out


def _first(distance: np.ndarray, k: int) -> Hits:
    """Return positions and distances of the k smallest, equal ones by position."""
    if k < len(distance):
        edge = np.partition(distance, k - 1)[k - 1]
        places = np.flatnonzero(distance <= edge)
        places = places[np.argsort(distance[places], kind="stable")][:k]
    else:
        places = np.argsort(distance, kind="stable")
    return places, distance[places]


def _observed(
    asking: Sequence[CountedQuery], near: Sequence[Hits], target: Target, covered: Mapping[tuple[str, str], int]
) -> Iterator[tuple[tuple[str, str], Observations]]:
    """Yield (cohort of the neighbours, origin of the queries), and their pairs."""
    rows: dict[tuple[str, str], list[tuple[Any, ...]]] = defaultdict(list)
    for query, (places, distances) in zip(asking, near, strict=True):
        names = target.findings[places]
        agreeing = agreeing_with(names)
        could = covered[query.modality, query.source]
        for i, place in enumerate(places):
            if not names[i]:
                continue
            said = query.ratings.get(str(target.codes.ids[place]))
            if query.labelled and names[i] & could:
                share, weight = float(bool(names[i] & query.findings)), 1.0
            elif said is not None:
                share, weight = said
            else:
                continue
            row = int(distances[i]), int(agreeing[i]), share, weight, query.patient, query.source
            rows[str(target.cohorts[place]), query.origin].append(row)
    for part, pairs in sorted(rows.items()):
        yield part, Observations(*(np.array(column) for column in zip(*pairs, strict=True)))


def agreeing_with(findings: np.ndarray) -> np.ndarray:
    """Return of how many other neighbours each shares a finding, (k,) int64 bits → (k,) int."""
    shares = (findings[:, None] & findings[None]) != 0
    return np.asarray(shares.sum(1) - (findings != 0))


def _pooled(several: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """Return the weighted mean of several ratings of one pair, and their weight."""
    weight = sum(one for _, one in several)
    return sum(value * one for value, one in several) / weight, weight


def _most(targets: Mapping[str, Target]) -> int:
    """Return how many queries of one modality and origin are drawn."""
    n = sum(target.codes.ids.size for target in targets.values())
    return max(FEWEST_QUERIES, min(MOST_QUERIES, COMPARISONS // max(1, n)))


def some_codes(codes: CodeArray, mask: np.ndarray) -> CodeArray:
    """Return some of the codes."""
    words = np.ascontiguousarray(codes.words[:, mask])
    return CodeArray(codes.ids[mask], codes.ordinals[mask], codes.groups[mask], words)
