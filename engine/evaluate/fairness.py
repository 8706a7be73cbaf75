"""`casebind evaluate fairness`: what a release gives to groups of people, and how much of a gap is chance.

A population is studies that ask one another; a pair is one that asks and one that answers, of different patients. A
pair is relevant where both share a finding, and let in where its distance is inside the operating point's radius.
Every population is of one data set, since sources and findings are confounded; data sets are compared in one of all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from engine.findings import sharing
from engine.metrics import fairness, fairness_codes, fairness_radii
from engine.metrics.classifying import reliability
from engine.metrics.fairness import AGES, Gap, Grouped
from engine.metrics.ranking import chance, precision_at, ranked_relevance
from engine.metrics.resampling import Estimate, Statistic
from engine.model.packing import distances, unpack
from engine.model.release import Release

BITS, POINT, K, BINS = 256, "balanced", 5, 10
PRECISION, LIFT, FOUND, LET_IN = "P@5", "P@5 above chance", "true-positive rate", "false-positive rate"
INSIDE, OWN, CALIBRATION, REFUSED = "inside the radius", "own group, above its share", "calibration error", "refused"
ODDS, READ, SET_BITS = "equalized odds", "read from codes", "bits that differ"
BASE_RATES = "base rates"
ORDER = tuple(name for _, _, name in AGES)
NOTES = (
    "Relevant is a pair that shares a finding; pairs are of different patients of one data set, except by data set. "
    "Chance is the share of relevant studies that a random order gives each query.",
    "Equalized odds is the larger gap of true- and false-positive rate inside the radius (Hardt, Price, Srebro 2016); "
    "demographic parity is the gap of all pairs inside it. True-positive rate, false-positive rate and calibration "
    "cannot all be equal while base rates differ (Kleinberg, Mullainathan, Raghavan 2016).",
    "Intervals are of 1,000 bootstraps by patient. A gap is beyond chance where it is larger than 95 % of the gaps "
    "that remain when groups are dealt anew between patients.",
    "Groups of fewer than 30 patients have figures, and nothing is claimed of them. Labels are positive-only.",
)


@dataclass(frozen=True, eq=False)
class Population:
    """Studies of one data set or workspace that ask one another, n of them.

    query, target     : modalities; source : the data set or cohort, "" for all
    asking, answering : (n, 32) uint8 packed codes; of a report that asks for traces they differ
    has_finding       : (n, findings) bool
    patients          : (n,) str
    facts             : what groups are made by → (n,) str, "" where it is not known
    """

    query: str
    target: str
    source: str
    asking: np.ndarray
    answering: np.ndarray
    has_finding: np.ndarray
    patients: np.ndarray
    facts: Mapping[str, Sequence[str]]

    @cached_property
    def distance(self) -> np.ndarray:
        """Hamming distances (n, n)."""
        return distances(self.asking, self.answering, BITS)

    @cached_property
    def relevant(self) -> np.ndarray:
        """Which pairs share a finding, (n, n) bool."""
        return sharing(self.has_finding, self.has_finding)

    @cached_property
    def allowed(self) -> np.ndarray:
        """Which pairs are of different patients, (n, n) bool."""
        return np.asarray(self.patients[:, None] != self.patients[None])


@dataclass(frozen=True, eq=False)
class PairRule:
    """What is said of a pair: whether it is inside, and its stated relevance by distance, (257,) float or None."""

    radius: int
    stated: np.ndarray | None


def pair_rule(release: Release, query: str, target: str) -> PairRule:
    """Return a release's rule for a pair of modalities at 256 bits and the usual operating point."""
    stated = [release.relevance(query, target, BITS, far) for far in range(BITS + 1)]
    return PairRule(release.radius(query, target, BITS, POINT), np.array(stated))


@dataclass(frozen=True, eq=False)
class Met:
    """What every query of a population met.

    statistics : figure → its statistic over queries
    nearest    : (n, 5) int numbers, −1 past the last
    radius     : within which a pair is inside
    """

    statistics: dict[str, Statistic]
    nearest: np.ndarray
    radius: int


def met(of: Population, rule: PairRule) -> Met:
    """Let the studies of a population ask one another."""
    numbers = np.broadcast_to(np.arange(len(of.patients)), of.allowed.shape)
    near = ranked_relevance(-of.distance, numbers, of.allowed, K)
    nearest = np.where(np.isfinite(near), near, -1).astype(int)
    hits = np.take_along_axis(of.relevant, np.maximum(nearest, 0), 1).astype(float)
    hits[nearest < 0] = np.nan
    asked = (of.relevant & of.allowed).any(1).astype(np.float64)
    precision = np.where(asked > 0, precision_at(hits, K), 0.0)
    luck = chance(of.relevant, of.allowed) * asked
    inside = (of.distance <= rule.radius) & of.allowed
    pairs = [part.sum(1).astype(np.float64) for part in (inside & of.relevant, of.relevant & of.allowed)]
    others = [part.sum(1).astype(np.float64) for part in (inside & ~of.relevant, ~of.relevant & of.allowed)]
    statistics = {
        PRECISION: fairness.ratio(precision, asked),
        LIFT: fairness.ratio(precision - luck, asked),
        FOUND: fairness.ratio(*pairs),
        LET_IN: fairness.ratio(*others),
        INSIDE: fairness.ratio(pairs[0] + others[0], pairs[1] + others[1]),
    }
    if rule.stated is not None:
        said = rule.stated[of.distance]
        rows = [reliability(p[a], r[a], BINS) for p, r, a in zip(said, of.relevant, of.allowed, strict=True)]
        statistics[CALIBRATION] = fairness.calibration(np.moveaxis(np.array(rows), 0, 1))
    return Met(statistics, nearest, rule.radius)


@dataclass(frozen=True, eq=False)
class Refusals:
    """Whether the gate refused each of m studies, with or without a label: patients (m,), refused (m,), facts."""

    patients: np.ndarray
    refused: np.ndarray
    facts: Mapping[str, Sequence[str]]


def section(of: Population, found: Met, by: str, refusals: Refusals | None = None) -> dict[str, Any] | None:
    """Return the figures of the groups that a fact makes, and their gaps; None where it makes fewer than two."""
    groups = fairness.grouped(of.facts[by], of.patients, ORDER)
    if len(groups.names) < 2:
        return None
    figures = {name: fairness.by_group(statistic, groups) for name, statistic in found.statistics.items()}
    gaps = {name: fairness.gap([statistic], groups) for name, statistic in found.statistics.items()}
    gaps[ODDS] = fairness.gap([found.statistics[FOUND], found.statistics[LET_IN]], groups)
    figures[OWN], gaps[OWN] = fairness.exposure(found.nearest, groups)
    if refusals is not None and by in refusals.facts:
        judged = fairness.grouped(refusals.facts[by], refusals.patients, groups.names)
        refused = fairness.ratio(refusals.refused.astype(np.float64), np.ones(len(refusals.refused)))
        figures[REFUSED], gaps[REFUSED] = fairness.by_group(refused, judged), fairness.gap([refused], judged)
    rows = [
        _group(groups, at, {name: of_all[at] for name, of_all in figures.items()}) for at in range(len(groups.names))
    ]
    return {
        "query": of.query,
        "target": of.target,
        "source": of.source,
        "by": by,
        "groups": rows,
        "gaps": {name: fairness.as_json(one) for name, one in gaps.items() if one is not None},
        "explained": explained(gaps),
        "codes": of_codes(of, groups),
        "radii": of_radii(of, groups, found.radius) if of.source else None,
    }


def of_radii(of: Population, groups: Grouped, common: int) -> dict[str, Any] | None:
    """Return what a radius per group does to patients who did not choose it; None where it cannot be tried."""
    trial = fairness_radii.tried(fairness_radii.Pairs(of.distance, of.relevant, of.allowed), groups, common)
    if trial is None:
        return None
    gaps = ("before", "after", "found_before", "found_after")
    return {
        "common": trial.common,
        "radii": trial.radii,
        **{name: fairness.as_json(getattr(trial, name)) for name in gaps},
        "kept_found": plain(trial.kept_found),
        "kept_precision": plain(trial.kept_precision),
        "offered": trial.offered,
    }


def sections(
    of: Population, rule: PairRule, facts: Sequence[str], refusals: Refusals | None = None
) -> Iterator[dict[str, Any]]:
    """Yield what each of these facts shows of a population, where it makes two groups."""
    found = met(of, rule)
    for by in facts:
        one = section(of, found, by, refusals) if by in of.facts else None
        if one is not None:
            yield one


def explained(gaps: Mapping[str, Gap | None]) -> str:
    """Return what a gap in precision comes from, as far as it is known: base rates, where none is left above chance."""
    raw, above = gaps.get(PRECISION), gaps.get(LIFT)
    return BASE_RATES if raw is not None and above is not None and raw.beyond and not above.beyond else ""


def _group(groups: Grouped, at: int, figures: Mapping[str, Estimate]) -> dict[str, Any]:
    return {
        "name": groups.names[at],
        "patients": groups.sizes[at],
        "studies": int((groups.member == at).sum()),
        "few": at not in groups.large,
        "figures": {name: plain(one) for name, one in figures.items()},
    }


def plain(one: Estimate) -> dict[str, float | int | None]:
    """Return a figure for JSON; what is no number is null."""
    return {name: v if np.isfinite(v) else None for name, v in one.as_dict().items()}


def of_codes(of: Population, groups: Grouped) -> dict[str, Any] | None:
    """Return what of the groups can be read from the codes of those who ask; None for fewer than two large groups."""
    bits = unpack(of.asking)
    balance, probes = fairness_codes.bit_balance(bits, groups), fairness_codes.probes(bits, groups)
    if balance is None:
        return None
    return {
        SET_BITS: {"value": balance.differing, "band": round(balance.band, 1), "of": balance.bits},
        READ: [
            {"group": one.name, **plain(one.auroc), "band": round(one.band, 4), "beyond": one.auroc.value > one.band}
            for one in probes
        ],
    }


def looked_at(sections: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """Return how many gaps were looked at, and how many are beyond their bands; one in twenty is so by chance."""
    gaps = [one for each in sections for one in each["gaps"].values()]
    return {"gaps": len(gaps), "beyond": sum(bool(one["beyond"]) for one in gaps)}
