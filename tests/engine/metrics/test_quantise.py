"""The hash baselines on shapes whose best code is known."""

import numpy as np
import pytest

from engine.metrics import quantise


def _turned_cube(seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Noisy corners of a cube, turned by a random rotation: the corners (n, 3) of ±1, the points (n, 3)."""
    rng = np.random.default_rng(seed)
    corners = rng.choice([-1.0, 1.0], (400, 3))
    turn, _ = np.linalg.qr(rng.standard_normal((3, 3)))
    return corners, (corners + 0.1 * rng.standard_normal(corners.shape)) @ turn


def test_itq_turns_a_cube_back_so_that_each_corner_has_its_own_code():
    corners, points = _turned_cube()
    bits = points @ quantise.itq(points, 3) > 0
    codes = {tuple(code) for code in bits}
    of_corner = {
        tuple(corner): {tuple(b) for b in bits[(corners == corner).all(1)]} for corner in np.unique(corners, axis=0)
    }
    assert len(codes) == 8 and all(len(found) == 1 for found in of_corner.values())


def quantisation_loss(train: np.ndarray, projection: np.ndarray) -> float:
    """Mean squared distance of projected embeddings from their signs (Gong & Lazebnik 2011, eq. 2)."""
    projected = train @ projection
    return float(((np.where(projected > 0, 1.0, -1.0) - projected) ** 2).mean())


def test_itq_loses_less_than_its_principal_directions():
    _, points = _turned_cube(1)
    lost = quantisation_loss(points, quantise.itq(points, 3))
    assert lost == pytest.approx(0.01, abs=0.005)  # the noise alone
    assert lost < quantisation_loss(points, quantise.principal(points, 3))


def test_itq_is_a_rotation_of_the_principal_directions():
    points = np.random.default_rng(0).standard_normal((200, 6)) * [5, 4, 3, 1, 1, 1]
    projection = quantise.itq(points, 3)
    assert np.allclose(projection.T @ projection, np.eye(3), atol=1e-8)
    directions = quantise.principal(points, 3)
    assert np.allclose(directions @ directions.T, projection @ projection.T, atol=1e-8)


def test_principal_directions_come_by_falling_variance():
    points = np.random.default_rng(0).standard_normal((500, 3)) * [1, 9, 3]
    assert np.abs(quantise.principal(points, 2)).argmax(0).tolist() == [1, 2]


def test_angle_decides_how_often_random_hyperplanes_agree():
    a, b = np.array([[1.0, 0]]), np.array([[1.0, 1]])  # 45°: they part a quarter of the bits
    planes = quantise.hyperplanes(2, 20_000)
    assert quantise.similarity(a @ planes > 0, b @ planes > 0)[0, 0] == pytest.approx(1 - 2 * 0.25, abs=0.02)


def test_sign_takes_the_first_coordinates():
    assert (np.array([[3.0, -2, 1]]) @ quantise.axes(3, 2)).tolist() == [[3, -2]]


def test_similarity_of_bits():
    a, b = np.array([[True, True, False, False]]), np.array([[True, True, True, False], [False, False, True, True]])
    assert quantise.similarity(a, b).tolist() == [[0.5, -1.0]]


def test_centring_removes_what_a_modality_shares():
    z = quantise.centred(np.array([[3.0, 1], [3, -1]]), np.array([3.0, 0]))
    assert z.tolist() == [[0, 1], [0, -1]]
