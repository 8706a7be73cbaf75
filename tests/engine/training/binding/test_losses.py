"""The binding losses against values worked out by hand (MEDBind eq. 1 and 2)."""

import math

import pytest
import torch

from engine.training.binding.losses import cycle, emcl, identical, tmcl

E1, E2 = [1.0, 0.0], [0.0, 1.0]


def test_tmcl_of_two_pairs_is_eq_1_in_both_directions():
    text, z = torch.tensor([E1, E2]), torch.tensor([E1, E2])
    share = math.exp(1 / 0.5) / (math.exp(1 / 0.5) + math.exp(0))  # softmax of (1, 0) / τ
    expected = 4 * -math.log(share)  # two texts, two studies, symmetric
    assert tmcl(text, z, identical(["a", "b"]), tau=0.5).item() == pytest.approx(expected, rel=1e-6)


def test_tmcl_counts_identical_texts_as_positives():
    text, z = torch.tensor([E1, E1]), torch.tensor([E1, E2])
    # text → z: each row averages log-shares of both studies; z → text: both texts score alike, so each share is 1/2
    shares = torch.log_softmax(torch.tensor([1.0, 0.0]), 0)
    expected = -2 * shares.mean().item() + 2 * math.log(2)
    assert tmcl(text, z, identical(["same", "same"]), tau=1.0).item() == pytest.approx(expected, rel=1e-6)


def test_tmcl_ignores_a_row_without_positive():
    text, z = torch.tensor([E1, E2]), torch.tensor([E1, E2])
    positive = torch.tensor([[True, False], [False, False]])
    share = math.exp(1) / (math.exp(1) + 1)
    assert tmcl(text, z, positive, tau=1.0).item() == pytest.approx(-2 * math.log(share), rel=1e-6)


def test_identical_marks_equal_texts_only():
    assert identical(["a", "b", "a"]).tolist() == [[True, False, True], [False, True, False], [True, False, True]]


@pytest.mark.parametrize("n", [2, 8])
def test_emcl_divides_by_n_over_m_inside_the_logarithm(n):
    a = b = torch.tensor([E1, E2])
    one = -math.log(math.exp(1) / ((n / 2) * (math.exp(1) + 1)))
    assert emcl(a, b, n, tau=1.0).item() == pytest.approx(4 * one, rel=1e-6)


def test_emcl_without_pairs_is_zero_and_differentiable():
    a = torch.zeros((0, 4), requires_grad=True)
    loss = emcl(a, torch.zeros((0, 4)), 16)
    loss.backward()
    assert loss.item() == 0


def test_cycle_is_the_log_probability_of_coming_back():
    a = b = torch.tensor([E1, E2])
    p = math.exp(1) / (math.exp(1) + 1)
    back = p * p + (1 - p) * (1 - p)
    assert cycle(a, b, tau=1.0).item() == pytest.approx(-2 * math.log(back), rel=1e-6)


def test_cycle_rewards_matched_order():
    a = torch.eye(4)
    assert cycle(a, torch.eye(4)) < cycle(a, torch.ones(4, 4) / 2)
