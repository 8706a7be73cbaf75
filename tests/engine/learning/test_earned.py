"""Marks given at random earn nothing: the same round without them is as good, and the page may not say otherwise."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from helpers.rounds import rate

from engine.actor import Actor
from engine.learning.fit import FitPlan, fit
from engine.learning.gate import GateRow
from engine.learning.round_data import gather_round_data
from engine.learning.round_worker import Coder, embedded, gate_rows
from engine.model.release import Release
from engine.workspace.workspace import Workspace

STEPS = 40  # of the fit; enough to move the codes


@pytest.fixture
def rows(workspace: Workspace, release: Release) -> dict[str, GateRow]:
    """The rows of all held-out studies and of the held-out marks, after 300 marks at the toss of a coin.

    By the luck of these seeds both raters agree with the labels a little more than not, so that their marks count.
    """
    rate(workspace, 150, who="Ada", flips=0.5, seed=11)
    rate(workspace, 150, who="Bo", flips=0.5, seed=12)
    data, threads = gather_round_data(workspace, Actor("Ada")), torch.get_num_threads()
    torch.set_num_threads(1)
    replay = {m: embedded(pool) for m, pool in data.replay.items()}
    none = data.learn.take(np.zeros(0, int))
    made = [
        Coder(release, fit(release.layer(), release.heads, pairs, replay, FitPlan(steps=STEPS)))
        for pairs in (data.learn, none)
    ]
    torch.set_num_threads(threads)
    return {
        row.section: row for row in gate_rows(release, made[0], data, made[1]) if row.section in ("overall", "ratings")
    }


def test_random_marks_earn_no_difference_beyond_chance(rows: dict[str, GateRow]) -> None:
    assert rows["ratings"].n >= 30 and rows["ratings"].verdict_on_ratings == "chance"
    assert rows["overall"].verdict_on_ratings != "more"
    low, high = rows["ratings"].earned_low, rows["ratings"].earned_high
    assert low is not None and high is not None and low < 0 < high
