"""Updates of sites put together: means by hand, hostile sites left out, noise as large as it is said to be."""

from __future__ import annotations

import numpy as np
import pytest

from engine.errors import UsageError
from engine.federation.aggregation import aggregate, averaged, clipped, multi_krum, noised, trimmed_mean

HONEST = np.array([[1.0, 0.0], [1.2, 0.1], [0.8, -0.1], [1.1, 0.0]])


def with_hostile(update: list[float], place: int) -> np.ndarray:
    return np.insert(HONEST, place, update, axis=0)


def test_a_mean_counts_sites_by_what_they_learnt_from() -> None:
    found = averaged(np.array([[0.0, 4.0], [1.0, 0.0]]), np.array([1, 3]))
    assert found.tolist() == [0.75, 1.0]


def test_a_trimmed_mean_leaves_the_extremes_of_every_number_out() -> None:
    found = trimmed_mean(np.array([[0.0, 9.0], [1.0, 1.0], [2.0, 2.0], [-7.0, 3.0]]), 1)
    assert found.tolist() == [0.5, 2.5]


@pytest.mark.parametrize("place", [0, 2, 4])
@pytest.mark.parametrize("update", [[-10.0, 0.0], [1e6, 1e6], [0.0, 5.0]])
def test_krum_leaves_a_hostile_site_out_wherever_it_stands(place: int, update: list[float]) -> None:
    updates = with_hostile(update, place)
    found = aggregate(updates, np.ones(5), "krum")
    assert found.left_out == (place,)
    assert found.update == pytest.approx(HONEST.mean(0))
    assert place not in multi_krum(updates, 1)


def test_a_plain_mean_follows_one_hostile_site_and_robust_rules_do_not() -> None:
    updates, honest = with_hostile([-100.0, 0.0], 3), HONEST.mean(0)
    far = {rule: np.linalg.norm(aggregate(updates, np.ones(5), rule).update - honest) for rule in ("mean", "krum")}
    assert far["mean"] > 10 > 0.01 > far["krum"]
    assert np.linalg.norm(aggregate(updates, np.ones(5), "trimmed").update - honest) < 0.2


def test_a_robust_rule_takes_no_sites_word_for_how_much_it_has() -> None:
    honest = aggregate(HONEST, np.ones(4), "krum")
    boasting = aggregate(HONEST, np.array([1.0, 1.0, 1.0, 1e9]), "krum")
    assert np.array_equal(honest.update, boasting.update)


def test_too_few_sites_for_a_robust_rule_are_one_sentence() -> None:
    with pytest.raises(UsageError, match="3 sites answered"):
        aggregate(HONEST[:3], np.ones(3), "krum")
    with pytest.raises(UsageError, match="4 sites answered"):
        aggregate(HONEST, np.ones(4), "trimmed", hostile=2)


def test_long_updates_are_shortened_and_short_ones_left_as_they_are() -> None:
    found = clipped(np.array([[3.0, 4.0], [0.3, 0.4]]), 1.0)
    assert found == pytest.approx(np.array([[0.6, 0.8], [0.3, 0.4]]))


def test_noise_is_as_large_as_is_said_and_no_site_moves_the_rest_by_more_than_its_share() -> None:
    rng = np.random.default_rng(0)
    updates = rng.normal(size=(5, 20_000))
    still = noised(updates, 2.0, 0.0, rng)
    spread = (noised(updates, 2.0, 0.5, rng) - still).std()
    assert spread == pytest.approx(0.5 * 2.0 / 5, rel=0.03)
    huge = updates.copy()
    huge[0] *= 1e6
    assert np.linalg.norm(noised(huge, 2.0, 0.0, rng) - still) <= 2 * 2.0 / 5
