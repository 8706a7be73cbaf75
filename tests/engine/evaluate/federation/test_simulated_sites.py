"""A simulated federation on recordings that are drawn: sites, the table, and the attack on membership."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.evaluate.federation import simulate
from engine.evaluate.federation.arms import ALONE, BEFORE, NOISES, POOLED, TOGETHER, SimulationSetting
from engine.evaluate.federation.membership import Guesses, attack, chance, roc_area, true_rate
from engine.evaluate.federation.sites import joined, make_sites, share_out, teaching
from engine.evaluate.learning.collection import ReplayCollection, ReplayData
from engine.federation.plan import FederationPlan
from engine.findings import vocabulary
from engine.learning.fit import Mapped
from engine.metrics.rows import as_table
from engine.modalities import MODALITIES
from engine.model.hash_layer import BITS
from engine.model.release import Release

PEOPLE, FINDINGS, SIGNAL = 120, 4, 0.25


@pytest.fixture(scope="module")
def drawn(release: Release) -> ReplayData:
    """People with one study of every modality, which lies near the direction of what they have."""
    rng, known = np.random.default_rng(0), len(vocabulary())
    of = np.repeat(np.arange(PEOPLE), len(MODALITIES))
    held = np.zeros((PEOPLE, known), bool)
    held[np.arange(PEOPLE), rng.integers(0, FINDINGS, PEOPLE)] = True
    directions = rng.normal(size=(known, BITS))
    z = (SIGNAL * held[of].astype(float) @ directions + rng.normal(size=(len(of), BITS))).astype(np.float32)
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    kinds = np.tile(np.array(MODALITIES), PEOPLE)
    group = held[of].argmax(1).astype(str)
    c = ReplayCollection(kinds, np.char.add("p", of.astype(str)), group, z, held[of])
    return ReplayData(c, {}, Mapped(release.layer(), release.heads))


def test_a_patient_is_at_one_site_and_teaches_or_measures_never_both(drawn: ReplayData) -> None:
    c = drawn.collection
    site, teach = share_out(c, 4, 1), teaching(c, 1)
    found = make_sites(drawn, site, teach, 60, 1)
    people = [set(c.patients[np.concatenate([one.teaches, one.measures])]) for one in found]
    assert sum(map(len, people)) == len(set.union(*people)) == PEOPLE
    for one in found:
        assert set(c.patients[one.teaches]).isdisjoint(c.patients[one.measures])
        assert 0 < len(one.pairs) <= 60
    assert len({len(one.teaches) for one in found}) > 1, "sites are of one size"
    everything, replay = joined(found)
    assert len(everything) == sum(len(one.pairs) for one in found)
    assert sum(len(part.z) for part in replay.values()) == teach.sum()


def test_the_raters_of_a_hostile_site_mark_the_wrong_way_round_and_no_others_do(drawn: ReplayData) -> None:
    c = drawn.collection
    site, teach = share_out(c, 3, 2), teaching(c, 2)
    honest, hostile = (make_sites(drawn, site, teach, 90, 2, hostile=k) for k in (None, 1))
    for place, (one, other) in enumerate(zip(honest, hostile, strict=True)):
        same = one.pairs.target == other.pairs.target
        assert same.all() if place != 1 else not same.any()


def test_the_table_has_every_arm_and_learning_where_there_is_something_to_learn_gains(
    drawn: ReplayData, release: Release
) -> None:
    setting = SimulationSetting(2, 4, 40, 1, FederationPlan(rounds=1, steps=8))
    said: list[str] = []
    torch.set_num_threads(1)
    found = simulate.evaluate(drawn, release, "valid", setting, said.append)
    values = {
        row.method: row.figures["P@10"].value for row in found.rows if row.task == "all sites" and "P@10" in row.figures
    }
    assert {BEFORE, ALONE, POOLED, TOGETHER} <= set(values)
    assert min(values[POOLED], values[TOGETHER]) > values[BEFORE] + 0.02
    noise = [row for row in found.rows if row.task == "noise"]
    assert len(noise) == len(NOISES) and "ε" in noise[0].more["promises"]
    assert said == ["sites drawn the 1. time of 1"]
    assert "one hostile site" in as_table(found) and "membership" in as_table(found)


def test_whoever_was_learnt_by_heart_is_told_and_whoever_was_not_is_not() -> None:
    rng = np.random.default_rng(3)
    by_heart = Guesses(rng.normal(8, 1, 200), rng.normal(0, 1, 200))
    alike = Guesses(rng.normal(0, 1, 2000), rng.normal(0, 1, 2000))
    assert true_rate([by_heart]).value > 0.9 and roc_area([by_heart]) > 0.99
    rate = true_rate([alike])
    assert rate.low <= 0.02 and rate.value < 0.03 and roc_area([alike]) == pytest.approx(0.5, abs=0.03)


def test_nothing_is_told_of_an_update_that_changes_nothing(drawn: ReplayData) -> None:
    c = drawn.collection
    teach = teaching(c, 0)
    found = attack(drawn.model, drawn.model, c, np.flatnonzero(teach), np.flatnonzero(~teach))
    assert not found.members.any() and not found.others.any()
    assert true_rate([found]).value == 0


@pytest.mark.parametrize("others", [14, 60, 250])
def test_what_no_knowledge_gives_is_what_scores_by_chance_have(others: int) -> None:
    rng = np.random.default_rng(others)
    found = [Guesses(rng.normal(size=200), rng.normal(size=others)) for _ in range(400)]
    hits = [(one.members > np.quantile(one.others, 0.99, method="higher")).mean() for one in found]
    assert np.mean(hits) == pytest.approx(chance(found), abs=4 * np.std(hits) / len(hits) ** 0.5)
