"""A round's losses against hand-computed values, and what a round does to rated pairs, forgetting and bad raters."""

from __future__ import annotations

import io
import math

import numpy as np
import pytest
import torch

from engine.learning.fit import (
    FitPlan,
    FittedRound,
    Mapped,
    RatedPairs,
    State,
    contrastive_loss,
    fit,
    margin_of,
    named_studies,
    rated_loss,
)
from engine.model.hash_layer import HashLayer
from engine.model.packing import BITS
from engine.training.hashing.train import LabelledEmbeddings

KINDS = ("cxr", "ecg", "ppg", "text")
FINDINGS = 4
QUICK = FitPlan(steps=60, batch=24, named=12, pairs=64)


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    """Small steps on threads that other tests need too take many times as long."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def alike(*signs: int) -> torch.Tensor:
    """Relaxed bits whose every 64-bit stretch is the same: (n, 256) of ±1."""
    return torch.tensor(signs, dtype=torch.float32)[:, None].repeat(1, BITS)


def test_contrast_of_three_studies_by_hand():
    # Codes of all ones or all minus ones: similarity ±1 at every length. Study 0 shares with 1 alone, 2 with nobody.
    u, held = alike(1, 1, -1), torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    found = contrastive_loss(u, held, torch.zeros(3, dtype=torch.long), torch.ones(3), tau=1.0)
    one = -math.log(math.exp(1) / (math.exp(1) + math.exp(-1)))  # of 0 and of 1; study 2 has no positive and no part
    assert float(found) == pytest.approx(one, rel=1e-5)


def test_each_asking_modality_counts_alike_in_the_contrast():
    # Modality 0: one study, near its positive; modality 1: the same two studies once or three times over.
    held = torch.ones(2, 1)
    few = contrastive_loss(alike(1, -1), held, torch.tensor([0, 1]), torch.ones(2), tau=1.0)
    assert float(few) == pytest.approx(0.0, abs=1e-4)  # each has one study of the other modality, which it must choose
    weighted = contrastive_loss(
        alike(1, 1, -1),
        torch.tensor([[1.0, 0], [1.0, 0], [0, 1.0]]),
        torch.zeros(3, dtype=torch.long),
        torch.tensor([1.0, 0.0, 1.0]),
        tau=1.0,
    )
    assert float(weighted) == pytest.approx(-math.log(1 / (1 + math.exp(-2))), rel=1e-5)


def test_margin_lies_half_way_between_relevant_and_irrelevant_pairs():
    similarity, target = torch.tensor([0.9, 0.5, 0.1]), torch.tensor([1.0, 1.0, 0.0])
    assert float(margin_of(similarity, target, torch.ones(3))) == pytest.approx((0.7 + 0.1) / 2)
    assert float(margin_of(similarity, target, torch.tensor([1.0, 0.0, 1.0]))) == pytest.approx((0.9 + 0.1) / 2)
    assert float(margin_of(similarity, torch.ones(3), torch.ones(3))) == pytest.approx(0.5)  # one kind of mark only


def test_rated_loss_by_hand():
    # Similarities 1 (relevant) and −1 (irrelevant): margin 0, logits ±1 / slope.
    found = rated_loss(alike(1, 1), alike(1, -1), torch.tensor([1.0, 0.0]), torch.ones(2), slope=0.5)
    assert float(found) == pytest.approx(math.log(1 + math.exp(-2)), rel=1e-5)
    turned = rated_loss(alike(1, 1), alike(1, -1), torch.tensor([0.0, 1.0]), torch.ones(2), slope=0.5)
    assert float(turned) == pytest.approx(math.log(1 + math.exp(2)), rel=1e-5)
    ignored = rated_loss(alike(1, 1), alike(1, -1), torch.tensor([1.0, 1.0]), torch.tensor([1.0, 0.0]), slope=0.5)
    assert float(ignored) == pytest.approx(math.log(2), rel=1e-5)  # the margin is where the only counted pair lies


@pytest.fixture(scope="module")
def original() -> dict[str, LabelledEmbeddings]:
    """Studies of four findings in every modality: a direction each, with noise; a modality turns them its own way."""
    rng, out = np.random.default_rng(0), {}
    shared = rng.normal(size=(FINDINGS, 256))
    for kind in KINDS:
        own, which = rng.normal(size=(FINDINGS, 256)), rng.integers(0, FINDINGS, 80)
        z = (shared + 0.5 * own)[which] + 3.0 * rng.normal(size=(80, 256))
        z = (z / np.linalg.norm(z, axis=1, keepdims=True)).astype(np.float32)
        out[kind] = LabelledEmbeddings(torch.from_numpy(z), torch.from_numpy(np.eye(FINDINGS, dtype=bool)[which]))
    return out


@pytest.fixture(scope="module")
def layer() -> HashLayer:
    torch.manual_seed(0)
    return HashLayer(KINDS)


def identity() -> dict[str, np.ndarray]:
    return {kind: np.eye(256, dtype=np.float32) for kind in KINDS}


def ratings(
    original: dict[str, LabelledEmbeddings], n: int = 60, weight: float = 1.0, turned: bool = False
) -> RatedPairs:
    """ECG queries against films, marked by whether they share the finding."""
    rng = np.random.default_rng(1)
    q, s = rng.integers(0, 80, n), rng.integers(0, 80, n)
    a, b = original["ecg"], original["cxr"]
    held = a.has_finding.numpy()[q]
    relevant = (held & b.has_finding.numpy()[s]).any(1) ^ turned
    kinds = np.array(["ecg"] * n), np.array(["cxr"] * n)
    return RatedPairs(
        a.z.numpy()[q], b.z.numpy()[s], *kinds, relevant.astype(np.float32), np.full(n, weight, np.float32), held
    )


def similarity(fitted: FittedRound, layer: HashLayer, pairs: RatedPairs) -> np.ndarray:
    """Share of 256 bits that agree, of every pair, after a round: (p,)."""
    model = Mapped(layer, fitted.heads)
    model.layer.load_state_dict(
        {"weight": torch.from_numpy(fitted.weight), "threshold": torch.from_numpy(fitted.threshold)}
    )
    with torch.no_grad():
        a, b = (model(torch.from_numpy(z), m) > 0 for z, m in ((pairs.zq, "ecg"), (pairs.zs, "cxr")))
    return (a == b).float().mean(1).numpy()


def gap(fitted: FittedRound, layer: HashLayer, pairs: RatedPairs) -> float:
    found = similarity(fitted, layer, pairs)
    return float(found[pairs.target == 1].mean() - found[pairs.target == 0].mean())


def test_rated_pairs_part_more_with_their_ratings_than_without(original, layer):
    pairs = ratings(original)
    alone = {
        kind: LabelledEmbeddings(side.z[:40], torch.zeros_like(side.has_finding[:40]))
        for kind, side in original.items()
    }
    without = fit(layer, identity(), pairs.take(np.zeros(len(pairs), bool)), alone, QUICK)
    learnt = fit(layer, identity(), pairs, alone, QUICK)
    assert gap(learnt, layer, pairs) > gap(without, layer, pairs) + 0.1


def test_ratings_of_no_weight_change_nothing(original, layer):
    pairs = ratings(original, weight=0.0)
    plan = FitPlan(steps=5, batch=24, named=12, names=0.0)
    nobody = fit(layer, identity(), pairs.take(np.zeros(len(pairs), bool)), original, plan)
    distrusted = fit(layer, identity(), pairs, original, plan)
    # the draws of the steps differ, what is drawn from does not: both know the original pairs alone
    assert not named_studies(pairs)
    assert all(step["ratings"] == 0.0 for step in distrusted.history)
    assert all(step["ratings"] == 0.0 for step in nobody.history)


def test_a_named_study_is_every_query_and_a_relevant_neighbour(original):
    pairs = ratings(original)
    found = named_studies(pairs)
    assert len(found["ecg"].z) == len(pairs) and len(found["cxr"].z) == int(pairs.target.sum())
    nameless = RatedPairs(
        *(getattr(pairs, f) for f in ("zq", "zs", "mq", "ms", "target", "weight")), pairs.has_finding & False
    )
    assert named_studies(nameless) == {}


def test_the_same_seed_gives_the_same_round_and_what_it_began_with_is_left_alone(original, layer):
    before = layer.weight.detach().clone()
    one, other = (fit(layer, identity(), ratings(original), original, FitPlan(steps=4, batch=16)) for _ in range(2))
    np.testing.assert_array_equal(one.weight, other.weight)
    for kind in KINDS:
        np.testing.assert_array_equal(one.heads[kind], other.heads[kind])
    assert torch.equal(layer.weight, before)
    assert (one.weight != before.numpy()).any() and (one.heads["ecg"] != np.eye(256)).any()


def test_what_was_before_holds_the_codes_back(original, layer):
    free = fit(layer, identity(), ratings(original), original, FitPlan(steps=60, batch=24, before=0.0))
    held = fit(layer, identity(), ratings(original), original, FitPlan(steps=60, batch=24, before=30.0))
    old, z = Mapped(layer, identity()), original["ecg"].z
    moved = []
    for fitted in (free, held):
        model = Mapped(layer, fitted.heads)
        model.layer.load_state_dict(
            {"weight": torch.from_numpy(fitted.weight), "threshold": torch.from_numpy(fitted.threshold)}
        )
        with torch.no_grad():
            moved.append(float(((model(z, "ecg") > 0) != (old(z, "ecg") > 0)).float().mean()))
    assert moved[1] < moved[0] / 2


def test_what_saving_raises_ends_the_round_and_from_the_saved_state_it_learns_the_same(original, layer):
    plan, told = FitPlan(steps=25, batch=16), []
    whole = fit(layer, identity(), ratings(original), original, plan, save=lambda state: told.append(state["step"]))
    assert told == [10, 20, 25]
    kept = io.BytesIO()

    def stop(state: State) -> None:
        torch.save(state, kept)
        if state["step"] == 20:
            raise KeyboardInterrupt
        kept.seek(0)

    with pytest.raises(KeyboardInterrupt):
        fit(layer, identity(), ratings(original), original, plan, save=stop)
    kept.seek(0)
    saved = torch.load(kept, weights_only=True)
    resumed = fit(layer, identity(), ratings(original), original, plan, saved=saved)
    assert saved["step"] == 20 and resumed.history == whole.history
    assert (resumed.weight == whole.weight).all() and (resumed.threshold == whole.threshold).all()
    assert all((resumed.heads[name] == whole.heads[name]).all() for name in whole.heads)
