"""Sites that learn together: what travels and comes back, sites that are away or send what does not fit, FedProx."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.errors import FederationError, UsageError
from engine.federation.plan import FederationPlan
from engine.federation.rounds import Learns, federate, learner
from engine.federation.state import SharedState, check_fits, from_arrays, state_of
from engine.learning.fit import RatedPairs, Replay
from engine.model.hash_layer import BITS
from engine.model.release import Release
from engine.training.hashing.train import LabelledEmbeddings

SHORT = FederationPlan(rounds=2, steps=3)
FINDINGS = 3


def unit(rng: np.random.Generator, n: int) -> np.ndarray:
    z = rng.normal(size=(n, BITS)).astype(np.float32)
    return z / np.linalg.norm(z, axis=1, keepdims=True)


def site(seed: int, plan: FederationPlan = SHORT) -> Learns:
    """A site with labelled studies and ratings of its own."""
    rng = np.random.default_rng(seed)
    held = torch.from_numpy(rng.random((20, FINDINGS)) < 0.5)
    replay: Replay = {m: LabelledEmbeddings(torch.from_numpy(unit(rng, 20)), held) for m in ("cxr", "ecg")}
    kinds, said = np.array(["cxr"] * 6), rng.random(6).round().astype(np.float32)
    pairs = RatedPairs(
        unit(rng, 6), unit(rng, 6), kinds, kinds, said, np.ones(6, np.float32), np.zeros((6, FINDINGS), bool)
    )
    return learner(pairs, replay, plan, seed)


@pytest.fixture(scope="module")
def start(release: Release) -> SharedState:
    """What every federation of the shipped release begins with."""
    return state_of(release)


def test_a_state_travels_as_arrays_and_numbers_and_comes_back_the_same(start: SharedState) -> None:
    again = from_arrays(start.ground, start.arrays())
    assert np.array_equal(again.vector(), start.vector())
    assert np.array_equal(start.with_vector(start.vector()).vector(), start.vector())
    assert start.bytes == 4 * start.vector().size < 2e6


def test_the_release_without_a_round_is_what_the_state_says(start: SharedState, release: Release) -> None:
    from engine.evaluate.federation.arms import mapped

    z = unit(np.random.default_rng(0), 8)
    for modality in release.modalities:
        with torch.no_grad():
            model = mapped(start)
            bits = model.layer.project(model.mapped(torch.from_numpy(z), modality), modality).numpy() > 0
        assert np.array_equal(np.packbits(bits, axis=1, bitorder="little"), release.codes(z, modality))


def test_one_site_alone_learns_what_it_would_have_learnt_by_itself(start: SharedState) -> None:
    alone = site(1)(site(1)(start, 0), 1)
    together, log = federate(start, {"Graz": site(1)}, {"Graz": 26.0}, SHORT)
    assert together.vector() == pytest.approx(alone.vector(), abs=1e-6)
    assert [one.sites for one in log] == [("Graz",), ("Graz",)]


def test_a_site_that_is_away_is_on_record_and_the_others_go_on(start: SharedState) -> None:
    def away(state: SharedState, number: int) -> SharedState:
        raise FederationError("Linz did not answer.")

    sites = {"Graz": site(1), "Linz": away, "Wels": site(2)}
    found, log = federate(start, sites, dict.fromkeys(sites, 1.0), SHORT)
    without, _ = federate(start, {"Graz": site(1), "Wels": site(2)}, {"Graz": 1.0, "Wels": 1.0}, SHORT)
    assert np.array_equal(found.vector(), without.vector())
    assert log[0].away == {"Linz": "Linz did not answer."}


def spoilt(change: str, state: SharedState) -> SharedState:
    if change == "numbers":
        return replace(state, weight=np.full_like(state.weight, np.nan))
    if change == "shape":
        return replace(state, weight=state.weight[:, :8])
    ground = state.ground
    if change == "release":
        return replace(state, ground=replace(ground, release="r1"))
    if change == "encoders":
        return replace(state, ground=replace(ground, encoders="0"))
    return replace(state, ground=replace(ground, findings="0"))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("numbers", "sent numbers that are none"),
        ("shape", "maps of another shape"),
        ("release", "learns on the encoders of r1"),
        ("encoders", "have every site install the same release"),
        ("findings", "another list of findings"),
    ],
)
def test_what_does_not_fit_is_never_put_together_with_the_rest(start: SharedState, change: str, said: str) -> None:
    with pytest.raises(FederationError, match=said):
        check_fits(spoilt(change, start), start, "Linz")
    sites = {"Graz": site(1), "Linz": lambda state, _: spoilt(change, state)}
    found, log = federate(start, sites, {"Graz": 1.0, "Linz": 1.0}, SHORT)
    assert np.isfinite(found.vector()).all() and said in log[0].away["Linz"]


def test_where_nobody_answers_the_sentence_says_why(start: SharedState) -> None:
    def away(state: SharedState, number: int) -> SharedState:
        raise FederationError("Linz did not answer.")

    with pytest.raises(UsageError, match=r"No site answered in round 1: Linz did not answer\."):
        federate(start, {"Linz": away}, {"Linz": 1.0}, SHORT)


def test_fedprox_keeps_what_a_site_learns_nearer_to_where_all_began(start: SharedState) -> None:
    moved = [
        np.linalg.norm(site(1, replace(SHORT, steps=20, proximal=p))(start, 0).vector() - start.vector())
        for p in (0, 10)
    ]
    assert moved[1] < moved[0]
