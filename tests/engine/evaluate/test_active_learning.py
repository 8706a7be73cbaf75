"""The replay of an oracle's ratings: whom it measures, what it marks, and the figures that follow from points."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from engine.evaluate import active_learning
from engine.evaluate.active_learning import Setting
from engine.evaluate.learning.collection import ReplayCollection, ReplayData, candidate_pairs, halves, projected
from engine.evaluate.learning.oracle import Rater, rate_pairs
from engine.evaluate.learning.replay import NAMELESS, NONE, ORIGINAL, Point, replay_arm
from engine.evaluate.learning.scores import Scores, gain, mean_estimate, scores
from engine.learning.fit import FitPlan, Mapped
from engine.learning.strategies import BEST, RANDOM
from engine.modalities import MODALITIES
from engine.model.hash_layer import HashLayer
from engine.training.hashing.train import LabelledEmbeddings
from tests.helpers.findings import in_vocabulary

FINDINGS, PATIENTS = 3, 24
ARMS = (NONE, ORIGINAL, RANDOM, BEST, NAMELESS)
SMALL = Setting(40, every=20, partitions=2, jobs=1, plan=FitPlan(steps=25, batch=12, named=12, pairs=32))


def made(n: int, seed: int, shared: np.ndarray, own: dict[str, np.ndarray]) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Embeddings (n, 256) of every modality by finding: what modalities share, and each modality's own way."""
    rng, out = np.random.default_rng(seed), {}
    for kind in MODALITIES:
        which = np.arange(n) % FINDINGS
        z = shared[which] + own[kind][which] + 0.5 * rng.normal(size=(n, 256))
        z /= np.linalg.norm(z, axis=1, keepdims=True)
        out[kind] = z.astype(np.float32), in_vocabulary(np.eye(FINDINGS, dtype=bool)[which])
    return out


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """As the replay itself computes; the count is put back for other tests."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def world() -> ReplayData:
    """Modalities that hardly agree on where a finding lies, and original pairs of another site that cannot teach it."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    shared = 0.2 * rng.normal(size=(FINDINGS, 256))
    own, other = ({kind: rng.normal(size=(FINDINGS, 256)) for kind in MODALITIES} for _ in range(2))
    sides, original = made(PATIENTS * 2, 1, shared, own), made(30, 2, shared, other)
    patients = np.array([f"p{i % PATIENTS}" for i in range(PATIENTS * 2)])
    c = ReplayCollection(
        np.concatenate([np.full(len(patients), kind) for kind in MODALITIES]),
        np.tile(patients, 4),
        np.full(4 * len(patients), "0"),
        *(np.concatenate([sides[kind][i] for kind in MODALITIES]) for i in (0, 1)),
    )
    replay = {
        str(k): LabelledEmbeddings(torch.from_numpy(z), torch.from_numpy(held)) for k, (z, held) in original.items()
    }
    identity = {kind: np.eye(256, dtype=np.float32) for kind in MODALITIES}
    return ReplayData(c, replay, Mapped(HashLayer(MODALITIES), identity))


@pytest.fixture(scope="module")
def runs(world: ReplayData) -> active_learning.Runs:
    return active_learning.replays(world, ARMS, SMALL)


@pytest.fixture(scope="module")
def lied(world: ReplayData) -> dict:
    return active_learning.adversary(world, world.collection, SMALL)


def test_half_of_the_patients_are_offered_and_all_studies_of_one_stay_together(world: ReplayData):
    offered = halves(world.collection.patients, 3)
    for patient in set(world.collection.patients):
        assert len(set(offered[world.collection.patients == patient].tolist())) == 1
    assert offered.mean() == pytest.approx(0.5, abs=0.05) and (halves(world.collection.patients, 4) != offered).any()


def test_raters_are_offered_studies_of_their_half_alone(world: ReplayData):
    offered = halves(world.collection.patients, 0)
    near = candidate_pairs(world.model, world.collection, offered)
    at = near.queries.ids.astype(int)
    assert offered[at].all() and len(at) == offered.sum()
    own = world.collection.patients[at]
    assert (own[near.q] != own[near.s]).all()


def test_measured_queries_are_of_patients_that_nobody_rated(world: ReplayData):
    points = replay_arm(world, RANDOM, 0, max_ratings=20, every=20, plan=SMALL.plan)
    rated = set(world.collection.patients[halves(world.collection.patients, 0)])
    for found in (points[0].whole, points[0].unseen):
        assert not rated & set(found.patient) and len(found.precision)


def test_the_oracle_marks_by_shared_findings_and_names_one_of_them(world: ReplayData):
    c, rng = world.collection, np.random.default_rng(0)
    q, s = rng.integers(0, len(c), 200), rng.integers(0, len(c), 200)
    said = rate_pairs(c, q, s, Rater(), rng)
    shared = (c.has_finding[q] & c.has_finding[s]).any(1)
    np.testing.assert_array_equal(said.target, shared.astype(np.float32))
    assert (said.has_finding.sum(1) == 1).all() and (said.has_finding & ~c.has_finding[q]).sum() == 0
    assert (said.has_finding & ~c.has_finding[s])[shared].sum() == 0
    turned = rate_pairs(c, q, s, Rater(flips=1.0, weight=0.2), np.random.default_rng(0))
    np.testing.assert_array_equal(turned.target, 1 - said.target)
    assert set(turned.weight.tolist()) == {np.float32(0.2)}
    some = rate_pairs(c, q, s, Rater(flips=0.3), np.random.default_rng(0))
    assert 0.2 < (some.target != said.target).mean() < 0.4


def test_precision_of_a_search_by_hand():
    # One film of patient a asks three ECGs: the nearest two are b's (shares) and c's (does not); its own is left out.
    bits = np.array([[1.0] * 256, [1.0] * 256, [1.0] * 255 + [-1], [1.0] * 200 + [-1] * 56])
    held = in_vocabulary(np.array([[True, False], [True, False], [True, False], [False, True]]))
    c = ReplayCollection(
        np.array(["cxr", "ecg", "ecg", "ecg"]), np.array(["a", "a", "b", "c"]), np.array(["0"] * 4), bits, held
    )
    found = scores(c, bits, np.array([True, False, False, False]), np.ones(4, bool))
    assert found.kind.tolist() == ["cxr>ecg"] and found.patient.tolist() == ["a"]
    assert found.precision.tolist() == [0.5] and found.average.tolist() == [1.0]


def test_gain_is_of_means_over_pairs_of_modalities():
    kinds, patients = np.array(["cxr>ecg", "cxr>ecg", "ecg>cxr"]), np.array(["a", "b", "a"])
    before = Scores(kinds, patients, np.array([0.2, 0.4, 0.5]), np.zeros(3))
    after = Scores(kinds, patients, np.array([0.4, 0.5, 0.5]), np.zeros(3))
    overall, pairs = gain([before], [after])
    assert overall.value == pytest.approx((0.45 + 0.5) / (0.3 + 0.5) - 1)
    assert pairs["cxr>ecg"].value == pytest.approx(0.5) and pairs["ecg>cxr"].value == 0 and pairs["cxr>ecg"].n == 2
    assert mean_estimate([before]).value == pytest.approx(0.4)


def test_ratings_teach_what_the_original_pairs_do_not(runs: active_learning.Runs):
    found = active_learning.summary(runs, 40)
    assert found["gain_at_40"] > 0.05 and found["gain"]["low"] > 0
    assert found["gain_over_original_pairs_alone"]["value"] > 0.03
    assert found["ratings_to_match_random"] in (20, 40, None)
    assert len(found["pairs"]) == 16
    assert found["worst_pair"]["value"] == min(pair["value"] for pair in found["pairs"].values())


def test_ratings_teach_less_where_no_finding_is_named(runs: active_learning.Runs):
    named, nameless = ([points[-1].whole for points in runs[arm]] for arm in (BEST, NAMELESS))
    assert mean_estimate(named).value > mean_estimate(nameless).value


def test_every_arm_has_a_point_for_every_round(runs: active_learning.Runs):
    for arm in ARMS[2:]:
        assert [[one.ratings for one in points] for points in runs[arm]] == [[20, 40]] * 2, arm
    assert [len(points) for points in runs[NONE]] == [1, 1]


def test_matching_random_is_the_first_round_that_reaches_its_end():
    def flat(*values: float) -> list[list[Point]]:
        made = [Scores(np.array(["cxr>ecg"]), np.array(["a"]), np.array([v]), np.array([v])) for v in values]
        return [[Point(50 * (i + 1), one, one, 0.5) for i, one in enumerate(made)]]

    runs = {"best": flat(0.1, 0.3, 0.5), "random": flat(0.1, 0.2, 0.3), "poor": flat(0.0, 0.1, 0.2)}
    assert active_learning.to_match(runs, "best", "random") == 100
    assert active_learning.to_match(runs, "poor", "random") is None


def test_a_rater_who_lies_is_stopped_by_the_gate_or_does_no_harm(lied: dict):
    assert lied["flips"] == 0.3
    for name in ("relied_on", "weighted"):
        assert lied[name]["kept_behind_gate"]["value"] >= 0.98
        assert lied[name]["kept_behind_gate"]["value"] >= min(1.0, lied[name]["kept"]["value"])


def test_the_gate_refuses_a_fall_overall_and_of_one_pair():
    n = 60
    kinds, patients = np.array(["cxr>ecg"] * n + ["ecg>cxr"] * n), np.array([f"p{i}" for i in range(n)] * 2)

    def level(one: float, other: float) -> Scores:
        return Scores(kinds, patients, np.array([one] * n + [other] * n), np.zeros(2 * n))

    assert not active_learning.refused(level(0.5, 0.5), level(0.495, 0.5))
    assert active_learning.refused(level(0.5, 0.5), level(0.48, 0.49))
    assert active_learning.refused(level(0.5, 0.5), level(0.48, 0.6))  # one pair falls, the mean does not


def test_table_and_plot_show_every_arm(runs: active_learning.Runs, lied: dict, tmp_path: Path):
    found = {
        **active_learning.summary(runs, 40),
        "curves": {arm: active_learning.curve(runs, arm) for arm in runs},
        "adversary": lied,
    }
    text = active_learning.as_table(found)
    assert all(arm in text for arm in runs) and "30% of the marks" in text
    active_learning.draw(found, tmp_path)
    assert (tmp_path / "active-learning.png").read_bytes()[:4] == b"\x89PNG"


def test_projections_of_the_identity_map_are_the_layers(world: ReplayData):
    z, bits = projected(world.model, world.collection)
    np.testing.assert_allclose(z, world.collection.z, atol=1e-6)
    mine = world.collection.modality == "ppg"
    with torch.no_grad():
        wanted = world.model.layer.project(torch.from_numpy(world.collection.z[mine]), "ppg").numpy()
    np.testing.assert_allclose(bits[mine], wanted, atol=1e-4)
