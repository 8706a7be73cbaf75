"""Rounds in which groups count equally: the weights by hand, and what they do to a group that is rare."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from engine.errors import UsageError
from engine.learning.fit import FitPlan, FittedRound, Mapped, RatedPairs, fit
from engine.learning.group_balance import FEWEST, checked, groups_of, shares
from engine.metrics.ranking import precision_at, ranked_relevance
from engine.model.hash_layer import HashLayer
from engine.model.packing import BITS, distances, pack
from engine.training.hashing.train import LabelledEmbeddings

MANY, FEW, FINDINGS, K = 300, 30, 6, 10
SIGNAL = 0.4  # of a finding beside noise of length 1


def test_large_groups_weigh_alike_together_and_the_mean_stays_one() -> None:
    groups = ["A"] * 60 + ["B"] * 20 + [""] * 5 + ["C"] * (FEWEST - 1)
    weight = shares(groups)
    assert weight[:60].sum() == pytest.approx(weight[60:80].sum()) == pytest.approx(40)
    assert (weight[80:] == 1).all() and weight.mean() == pytest.approx(1)
    assert (shares([""] * 4) == 1).all() and len(shares([])) == 0


def test_groups_are_age_bands_or_sexes_and_what_is_not_known_is_none() -> None:
    ages, sexes = [17.0, 40.0, float("nan"), None], ["F", "M", "", "F"]
    assert groups_of("age", ages, sexes) == ["under 18", "40 to 64", "", ""]
    assert groups_of("sex", ages, sexes) == sexes and groups_of("", ages, sexes) == [""] * 4
    with pytest.raises(UsageError, match="balanced by 'view': use age or sex"):
        checked("view")


def people(n: int, shows: np.ndarray, rng: np.random.Generator) -> LabelledEmbeddings:
    """Return n studies of one finding each, which stands in their group's own directions under noise everywhere."""
    finding = rng.integers(0, FINDINGS, n)
    z = SIGNAL * shows[finding] + rng.normal(0, 1 / 16, (n, BITS))
    z /= np.linalg.norm(z, axis=1, keepdims=True)
    return LabelledEmbeddings(torch.from_numpy(z.astype(np.float32)), torch.from_numpy(np.eye(FINDINGS)[finding] > 0))


def precision(fitted: FittedRound, layer: HashLayer, asking: LabelledEmbeddings) -> float:
    """Return P@10 among the others of a group."""
    model = Mapped(layer, fitted.heads)
    model.layer.load_state_dict(
        {"weight": torch.from_numpy(fitted.weight), "threshold": torch.from_numpy(fitted.threshold)}
    )
    with torch.no_grad():
        codes = pack(model(asking.z, "ecg").numpy() > 0)
    relevant = (asking.has_finding.float() @ asking.has_finding.float().T > 0).numpy()
    found = ranked_relevance(-distances(codes, codes, BITS), relevant, ~np.eye(len(codes), dtype=bool), K)
    return float(precision_at(found, K).mean())


def test_a_rare_group_learns_more_where_groups_count_equally() -> None:
    """Groups show findings in other directions; one is a tenth of the other, so that as it comes it teaches less."""
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    common, rare = (rng.normal(0, 1 / 16, (FINDINGS, BITS)) for _ in range(2))
    layer = HashLayer(("ecg",))
    learning = [people(n, shows, rng) for n, shows in ((MANY, common), (FEW, rare))]
    replay = {
        "ecg": LabelledEmbeddings(
            *(torch.cat([getattr(one, name) for one in learning]) for name in ("z", "has_finding"))
        )
    }
    empty = np.empty((0, BITS), np.float32)
    none = RatedPairs(
        empty, empty, *(np.empty(0, str),) * 2, *(np.empty(0, np.float32),) * 2, np.empty((0, FINDINGS), bool)
    )
    asks = {"ecg": torch.from_numpy(shares(["many"] * MANY + ["few"] * FEW))}
    heads = {"ecg": np.eye(BITS, dtype=np.float32)}
    plan = FitPlan(steps=40, batch=66)
    as_they_come, equally = (fit(layer, heads, none, replay, plan, asks=one) for one in (None, asks))
    ours, theirs = people(120, rare, rng), people(120, common, rng)
    gained = precision(equally, layer, ours) - precision(as_they_come, layer, ours)
    lost = precision(as_they_come, layer, theirs) - precision(equally, layer, theirs)
    assert gained > 0.04 and lost < gained / 2
