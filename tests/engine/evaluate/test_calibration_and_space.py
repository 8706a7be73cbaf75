"""Calibration, operating points, mixing and the map on pairs counted by hand."""

import numpy as np
import pytest

from engine.evaluate.calibration import binned, trade_off
from engine.evaluate.space import mixing
from engine.map.layout import t_sne
from engine.metrics.classifying import calibration_error


def test_trade_off_counts_what_lies_inside_each_radius():
    found, precision = trade_off(np.array([1, 2, 2, 4]), np.array([True, True, False, True]), 4)
    assert found == pytest.approx([0, 1 / 3, 2 / 3, 2 / 3, 1])
    assert np.isnan(precision[0]) and precision[1:] == pytest.approx([1, 2 / 3, 2 / 3, 3 / 4])


def test_reliability_of_queries_leaves_out_what_is_not_allowed():
    predicted = np.array([[0.15, 0.95], [0.15, 0.95]])
    relevant = np.array([[False, True], [True, True]])
    parts = binned(predicted, relevant, np.array([[True, True], [True, False]]))
    pairs, summed, happened = parts.sum(1)
    assert pairs[[1, 9]].tolist() == [2, 1] and happened[[1, 9]].tolist() == [1, 1]
    assert calibration_error(pairs, summed, happened) == pytest.approx((abs(0.3 - 1) + abs(0.95 - 1)) / 3)


def test_mixing_is_nothing_between_islands_and_all_between_twins():
    rng = np.random.default_rng(0)
    kinds, patients = np.repeat(["ecg", "cxr"], 30), np.array([f"p{i}" for i in range(60)])
    near = rng.standard_normal((30, 6)) * 0.01
    islands = np.concatenate([near + np.eye(6)[0], near + np.eye(6)[1]])
    assert mixing(islands, kinds, patients).max() == 0
    points = np.linalg.qr(rng.standard_normal((40, 40)))[0][:30]
    assert (mixing(np.concatenate([points, points]), kinds, patients, k=1) == 1).all()


def test_mixing_never_counts_the_own_patient():
    z, kinds = np.array([[1.0, 0], [0.99, 0.1], [0, 1.0]]), np.array(["ecg", "cxr", "ecg"])
    assert mixing(z, kinds, np.array(["a", "a", "b"]), k=1)[0] == 0


def test_the_map_keeps_islands_apart_and_is_repeatable():
    rng = np.random.default_rng(0)
    z = np.concatenate([rng.standard_normal((40, 8)) * 0.05 + np.eye(8)[i] for i in range(2)])
    points = t_sne(z)
    assert points.shape == (80, 2) and np.allclose(points, t_sne(z))
    centres = points[:40].mean(0), points[40:].mean(0)
    assert np.linalg.norm(points[:40] - centres[0], axis=1).max() < np.linalg.norm(centres[0] - centres[1])
