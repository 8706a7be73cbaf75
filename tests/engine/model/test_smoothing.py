"""Certificates hold: against every flip that they allow, against the true radius of a line, and against attempts."""

from __future__ import annotations

import itertools

import numpy as np
import torch

from engine import settings
from engine.evaluate.robustness.attacks import Encoder
from engine.evaluate.robustness.certificates import attempt
from engine.evaluate.robustness.sample import inputs_of
from engine.intake.paths import read_paths
from engine.intake.upload import Answers
from engine.model.release import Release
from engine.model.smoothing import Rivals, SmoothedCode, certain_to_stay, from_counts, smoothed

BITS = 24


def _first(code: np.ndarray, rivals: Rivals, k: int) -> set[int]:
    """The first k of a search: one study of a patient, the nearest; of equals every one may be first."""
    far = (rivals.bits != code).sum(1)
    best = {patient: far[rivals.patients == patient].min() for patient in set(rivals.patients.tolist())}
    limit = sorted(best.values())[k - 1]
    sure = {i for i, d in enumerate(far) if d == best[rivals.patients[i]] and sum(b <= d for b in best.values()) <= k}
    return {i for i in sure if far[i] <= limit and (far[rivals.patients == rivals.patients[i]] == far[i]).sum() == 1}


def test_a_certain_neighbour_stays_under_every_flip_of_the_bits_that_may_flip() -> None:
    rng, certain = np.random.default_rng(0), 0
    for _ in range(12):
        centre = rng.random(BITS) < 0.5
        bits = np.stack([centre ^ (rng.random(BITS) < share) for share in rng.uniform(0.05, 0.6, 30)])
        rivals = Rivals(bits, rng.integers(0, 20, 30))
        radius = np.where(rng.random(BITS) < 0.25, 0.0, 1.0)
        code = SmoothedCode(centre, radius, 0.1, 400)
        loose = np.flatnonzero(code.uncertain(0.5))[:8]
        code = SmoothedCode(centre, np.where(np.isin(np.arange(BITS), loose), 0.0, 1.0), 0.1, 400)
        stays = certain_to_stay(code, 0.5, np.arange(30), rivals, 5)
        certain += int(stays.sum())
        for flips in itertools.product((False, True), repeat=len(loose)):
            changed = centre.copy()
            changed[loose] ^= np.array(flips, bool)
            assert set(np.flatnonzero(stays).tolist()) <= _first(changed, rivals, 5)
    assert certain > 5  # not a promise about nothing


def test_where_nothing_may_flip_the_first_are_certain_but_for_ties() -> None:
    bits = np.zeros((4, BITS), bool)
    for i, far in enumerate((1, 3, 3, 7)):
        bits[i, :far] = True
    code = SmoothedCode(np.zeros(BITS, bool), np.ones(BITS), 0.1, 400)
    rivals = Rivals(bits, np.arange(4))
    assert certain_to_stay(code, 0.5, np.arange(4), rivals, 2).tolist() == [True, False, False, False]
    assert certain_to_stay(code, 0.5, np.arange(4), rivals, 3).tolist() == [True, True, True, False]
    assert not certain_to_stay(code, 1.5, np.arange(4), rivals, 3).any()  # longer than anything certified


def test_a_radius_is_never_longer_than_the_way_to_the_line() -> None:
    rng, sigma, draws = np.random.default_rng(1), 0.1, 400
    distance = np.linspace(-0.3, 0.3, 256)  # of the recording from each bit's line, whose normals have length 1
    count = (distance + sigma * rng.standard_normal((draws, 256)) > 0).sum(0)
    code = from_counts(count, draws, sigma)
    assert (code.radius <= np.abs(distance)).all()
    clear = np.abs(distance) > 0.15
    assert (code.bits == (distance > 0))[clear].all() and (code.radius[clear] > 0.08).all()
    assert code.radius.max() < 2 * sigma  # 400 copies cannot say more


def test_attempts_inside_the_length_do_not_break_a_certificate_and_would_break_a_false_one(release: Release) -> None:
    study = read_paths([settings.DEMO / "ppg" / "syn-0001-e1-ppg.csv"], Answers(fs=125.0))
    encoder, one = Encoder(release, "ppg"), inputs_of(release, [study])
    code = smoothed(release, study)
    assert 0 < code.uncertain(0.1).sum() < 128
    assert not any(attempt(encoder, one, code, 0.1, seed=seed)[0] for seed in range(6))
    lie = SmoothedCode(code.bits, np.full(256, 100.0), code.sigma, code.draws)
    assert attempt(encoder, one, lie, 30.0, seed=0)[0]


def test_equal_seeds_draw_equal_copies_and_absent_values_get_no_noise(release: Release) -> None:
    study = read_paths([settings.DEMO / "ppg" / "syn-0001-e1-ppg.csv"], Answers(fs=125.0))
    done: list[int] = []
    first = smoothed(release, study, draws=100, progress=done.append)
    assert sum(done) == 100
    assert np.array_equal(first.radius, smoothed(release, study, draws=100).radius)
    inputs = inputs_of(release, [study])
    assert inputs.mask is not None and torch.equal(inputs.x * inputs.mask, inputs.x)
