"""Reliability by simulation: raters who flip more of their marks weigh less, one who guesses next to nothing."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from helpers.ratings import rating
from helpers.studies import fill

from engine.actor import Actor
from engine.learning.reliability import expected, of_workspace, reliability
from engine.store.records import MARKS, Rating
from engine.workspace.workspace import open_workspace

FLIPS = {"never": 0.0, "rarely": 0.1, "often": 0.3, "guesses": 0.5}


def simulated(flips: dict[str, float], pairs: int, seed: int, partly: float = 0.1) -> tuple[list[Rating], np.ndarray]:
    """Marks of raters who know the truth and flip a share of it; some marks are "partly"."""
    rng = np.random.default_rng(seed)
    truth = rng.random(pairs) < 0.4
    found = []
    for who, share in flips.items():
        for n, relevant in enumerate(truth):
            said = relevant != (rng.random() < share)
            mark = "partly" if rng.random() < partly else MARKS[0] if said else MARKS[2]
            found.append(rating(who, "q", f"s{n}", mark))
    return found, truth


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("labelled", [0.0, 0.2, 1.0])
def test_flips_come_out_in_order_and_a_guesser_near_nothing(labelled, seed):
    ratings, truth = simulated(FLIPS, 200, seed)
    known = {("q", f"s{n}"): bool(truth[n]) for n in range(round(labelled * 200))}
    found = reliability(ratings, known)
    weights = [found[who].weight for who in FLIPS]
    assert weights == sorted(weights, reverse=True) and len(set(weights)) == 4
    assert weights[0] > 0.75 and weights[-1] < 0.2
    for who, share in FLIPS.items():
        one = found[who]
        assert one.low <= one.share <= one.high and one.share == pytest.approx(1 - share, abs=0.12)
        assert one.n <= 200


def test_an_opponent_weighs_nothing_and_cannot_turn_the_others():
    ratings, _ = simulated({"ann": 0.05, "bob": 0.1, "cy": 0.1, "foe": 1.0}, 150, 3)
    found = reliability(ratings, {})
    assert found["foe"].weight == 0.0
    assert min(found[who].weight for who in ("ann", "bob", "cy")) > 0.6


def test_one_alone_keeps_the_prior_and_two_do_not():
    alone, _ = simulated({"ann": 0.0}, 50, 1)
    found = reliability(alone, {})["ann"]
    assert (found.weight, found.share, found.n) == (pytest.approx(0.6), pytest.approx(0.8), 0)
    assert found.low < 0.6 < found.high
    two, _ = simulated({"ann": 0.0, "bob": 0.0}, 50, 1)
    assert all(one.weight > 0.75 for one in reliability(two, {}).values())
    assert reliability([], {}) == {}


def test_partly_says_half_as_much():
    always = [rating("ann", "q", f"s{n}", "partly") for n in range(100)]
    firm = [rating("bob", "q", f"s{n}", MARKS[0] if n % 2 else MARKS[2]) for n in range(100)]
    found = reliability([*always, *firm], {("q", f"s{n}"): bool(n % 2) for n in range(100)})
    assert found["bob"].share == pytest.approx(108 / 110)
    assert found["ann"].share == pytest.approx((8 + 25) / (10 + 50))


def test_labels_of_the_workspace_are_what_is_expected(tmp_path: Path):
    with open_workspace(tmp_path / "ws", create=True) as place:
        fill(place)
        with place.database.write() as cursor:
            for study_id, labels in (
                ("s0000", ["Edema"]),
                ("s0001", ["Pulmonary edema"]),
                ("s0002", ["Pneumonia"]),
                ("s0003", []),
            ):
                cursor.execute("UPDATE studies SET labels = ? WHERE study_id = ?", [labels, study_id])
        for study_id, mark in (("s0001", "relevant"), ("s0002", "relevant"), ("s0003", "partly")):
            place.rate("s0000", study_id, mark, actor=Actor("ann"), release="r1")
        assert expected(place, Actor("ann"), place.all_ratings()) == {
            ("s0000", "s0001"): True,
            ("s0000", "s0002"): False,
        }
        found = of_workspace(place, Actor("ann"))["ann"]
        assert (found.n, found.share) == (2, pytest.approx(9 / 12))
