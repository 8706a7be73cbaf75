"""Bits, packing, nested prefixes and the hash layer's losses."""

import numpy as np
import pytest
import torch

from engine.model.hash_layer import HashLayer
from engine.model.packing import distances, pack, to_words, unpack
from engine.training.hashing import calibration
from engine.training.hashing.losses import (
    balance,
    code_similarity,
    decorrelation,
    margin_hinge,
    quantisation,
    straight_through,
)


def test_bit_i_is_byte_i_over_8_bit_i_mod_8_and_word_i_over_64():
    for bit in (0, 7, 8, 63, 64, 130, 255):
        signs = np.zeros((1, 256), bool)
        signs[0, bit] = True
        codes = pack(signs)
        assert codes[0, bit // 8] == 1 << (bit % 8)
        assert to_words(codes)[0, bit // 64] == np.uint64(1) << np.uint64(bit % 64)


def test_unpack_undoes_pack():
    signs = np.random.default_rng(0).random((9, 256)) < 0.5
    assert (unpack(pack(signs)) == signs).all()


@pytest.mark.parametrize("bits", [64, 128, 256])
def test_distances_count_differing_bits_of_the_prefix(bits):
    rng = np.random.default_rng(1)
    a, b = rng.random((5, 256)) < 0.5, rng.random((7, 256)) < 0.5
    expected = (a[:, None, :bits] != b[None, :, :bits]).sum(2)
    assert (distances(pack(a), pack(b), bits) == expected).all()


def test_a_threshold_per_modality_balances_its_bits():
    layer = HashLayer(("cxr", "ecg"))
    z = torch.nn.functional.normalize(torch.randn(400, 256, generator=torch.Generator().manual_seed(0)) + 3, dim=1)
    with torch.no_grad():
        layer.threshold[1] = z.mean(0) @ layer.weight.T
    share = (layer.project(z, "ecg") > 0).float().mean(0)
    assert share.min() > 0.35 and share.max() < 0.65
    assert (layer.project(z, "cxr") > 0).float().mean(0).max() > 0.9


def test_losses_by_hand():
    relaxed = torch.tensor([[1.0, -1.0], [1.0, 0.5]])
    assert quantisation(relaxed).item() == pytest.approx(0.25 / 4)
    assert balance(relaxed).item() == pytest.approx((1**2 + 0.25**2) / 2)
    assert decorrelation(torch.tensor([[1.0, 1.0], [-1.0, -1.0]])).item() == pytest.approx(1.0, abs=1e-4)
    assert decorrelation(torch.tensor([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])).item() == pytest.approx(
        0, abs=1e-6
    )


def test_code_similarity_is_one_minus_twice_the_hamming_share():
    a, b = torch.tensor([[1.0, 1.0, -1.0, -1.0]]), torch.tensor([[1.0, -1.0, -1.0, -1.0]])
    assert code_similarity(a, b, 4).item() == pytest.approx(1 - 2 * 1 / 4)
    assert code_similarity(a, b, 2).item() == pytest.approx(0)


def test_margin_hinge_is_zero_when_related_reach_and_unrelated_stay_below():
    target, positive = torch.tensor([[0.5, 0.5]]), torch.tensor([[True, False]])
    assert margin_hinge(torch.tensor([[0.3, 0.2]]), target, positive, margin=0.4).item() == pytest.approx(0)
    assert margin_hinge(torch.tensor([[0.1, 0.3]]), target, positive, margin=0.4).item() == pytest.approx(0.2 + 0.1)


def test_straight_through_is_binary_forward_and_identity_backward():
    x = torch.tensor([0.3, -0.2], requires_grad=True)
    y = straight_through(x)
    y.sum().backward()
    assert y.tolist() == [1.0, -1.0]
    assert x.grad.tolist() == [1.0, 1.0]


def test_calibration_of_known_distances():
    distance = np.array([10, 20, 20, 40])
    further = calibration.further_shares(distance, 64)
    assert further[9] == 1 and further[10] == 0.75 and further[20] == 0.25 and further[64] == 0
    assert calibration.radius(further, 0.25) == 19 and calibration.radius(further, 0.75) == 39
    curve = calibration.relevance_curve(distance, np.array([1, 1, 0, 0], bool), 64)
    assert curve[0] == 1 and curve[20] == 0.5 and curve[64] == 0 and (np.diff(curve) <= 0).all()
