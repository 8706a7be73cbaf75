"""Own pairs beside matched patients: findings, age and sex let a pair be found, and are taken out of the comparison."""

from __future__ import annotations

import numpy as np
import pytest

from engine.learning.adaptation_data import HELD, AdaptationData, KindPairs, SideFacts
from engine.learning.adaptation_metrics import holdout_pairs, own_pairs
from engine.learning.fit import RatedPairs
from engine.learning.pairing import MATCHED, YEARS
from engine.learning.round_data import RoundData
from engine.model.packing import pack

KINDS = ("cxr", "ecg")
PEOPLE, GROUPS = 400, 4
NOBODY = RatedPairs(
    *(np.zeros((0, 256), np.float32),) * 2, *(np.zeros(0, str),) * 2, *(np.zeros(0),) * 2, np.zeros((0, 1))
)


def hospital(own: float, seed: int = 0, *, twice: bool = False) -> AdaptationData:
    """Held-out pairs whose embeddings follow findings, sex and age, and by `own` something of the person alone."""
    rng = np.random.default_rng(seed)
    group, male, age = rng.integers(0, GROUPS, PEOPLE), rng.integers(0, 2, PEOPLE), rng.uniform(30, 80, PEOPLE)
    told = np.column_stack([2.0 * np.eye(GROUPS)[group], male, (age - 55) / 15, own * rng.normal(size=(PEOPLE, 8))])
    way = rng.normal(size=(told.shape[1], 256))
    sides = {}
    for kind in KINDS:
        z = told @ way + 3.0 * rng.normal(size=(PEOPLE, 256))
        sides[kind] = (z / np.linalg.norm(z, axis=1, keepdims=True)).astype(np.float32)
    facts = SideFacts(group.astype(np.int64), age, np.where(male, "M", "F"))
    patients = np.array([f"p{i // 2 if twice else i:03d}" for i in range(PEOPLE)])
    pairs = KindPairs(np.column_stack([np.arange(PEOPLE)] * 2), np.full(PEOPLE, HELD), patients)
    labels = RoundData(NOBODY, NOBODY, np.zeros(0, str), {}, {}, {}, 0)
    return AdaptationData(sides, {KINDS: pairs}, labels, dict.fromkeys(KINDS, facts))


def found_in(data: AdaptationData) -> dict[str, dict[str, object]]:
    ways = (lambda z, kind: z, lambda z, kind: pack(z > 0))
    return own_pairs(data, {"before": ways, "after": ways})


def test_a_visit_that_shares_findings_age_and_sex_alone_is_found_but_is_no_nearer_than_matched_ones():
    for name, one in found_in(hospital(own=0.0)).items():
        assert one["after"]["codes"]["r_at_10"][1] > 1.5 * one["chance"], name  # type: ignore[index]
        _, low, high = one["after"]["beyond"]  # type: ignore[index]
        assert low < 0.5 < high and one["beyond_gain"] == [0.0, 0.0, 0.0]


def test_what_a_visit_shares_beyond_them_is_seen():
    for one in found_in(hospital(own=0.5)).values():
        assert one["after"]["beyond"][1] > 0.6 and one["matched"] > 0.9 * PEOPLE  # type: ignore[index, operator]


def test_matched_patients_are_others_of_the_same_findings_and_sex_the_nearest_in_age_one_pair_each():
    data = hospital(own=0.0, twice=True)
    held, facts = holdout_pairs({"after": data}, KINDS), data.facts["cxr"]
    assert held is not None
    for row in range(0, PEOPLE, 7):
        chosen = np.flatnonzero(held.matched[row])
        others = np.flatnonzero(
            (facts.findings == facts.findings[row])
            & (facts.sex == facts.sex[row])
            & (held.patients != held.patients[row])
        )
        years = np.abs(facts.age[others] - facts.age[row])
        nearest: dict[str, float] = {}
        for who, apart in zip(held.patients[others], years, strict=True):
            nearest[who] = min(apart, nearest.get(who, np.inf))
        wanted = sorted(apart for apart in nearest.values() if apart <= YEARS)[:MATCHED]
        assert np.sort(np.abs(facts.age[chosen] - facts.age[row])) == pytest.approx(wanted)
        assert len(set(held.patients[chosen])) == len(chosen)


def test_patients_of_unknown_age_or_sex_are_matched_with_nobody():
    data = hospital(own=0.0)
    for facts in data.facts.values():
        facts.sex[:] = ""
    (one, _) = found_in(data).values()
    assert one["after"]["beyond"] is None and one["matched"] == 0 and one["beyond_gain"] is None  # type: ignore[index]
