"""Rhythm pooling keeps when beats fall: powers say the rate, phases the moment; what is not recorded is silent."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from engine.model.models import encoder_for
from engine.model.rhythm import FREQUENCIES, POINTS, TIMING, RhythmPool, rhythm_rates
from engine.training.embedded import load_tower

TOKENS, SAMPLES = 100, 1000
FLAT = torch.zeros(1, 1, SAMPLES)


def pool_of_beats() -> RhythmPool:
    """A pool whose beat train is the token itself: width POINTS, each channel one point."""
    pool = RhythmPool(POINTS, TOKENS, SAMPLES, hidden=POINTS)
    with torch.no_grad():
        pool.near.weight.zero_(), pool.near.bias.fill_(5.0)  # far in the linear part of GELU
        pool.beats.weight.zero_(), pool.beats.bias.fill_(-5.0)
        for i in range(POINTS):
            pool.near.weight[i, i, 1] = 1.0
            pool.beats.weight[i, i, 0] = 1.0
    return pool


def beating(bpm: float, shift_s: float = 0.0) -> torch.Tensor:
    """Tokens of a smooth beat train: (1, 100, 5)."""
    time = (torch.arange(TOKENS * POINTS) + 0.5) * 10 / (TOKENS * POINTS)
    return torch.cos(2 * math.pi * bpm / 60 * (time - shift_s)).view(1, TOKENS, POINTS)


@pytest.mark.parametrize("bpm", [48, 75, 120, 180])
def test_the_strongest_power_is_at_the_rate(bpm: float) -> None:
    cosine, sine = pool_of_beats().spectrum(beating(bpm), torch.ones(1))[0].split(FREQUENCIES)
    assert float(rhythm_rates()[(cosine**2 + sine**2).argmax()]) == pytest.approx(bpm, abs=3)


def test_the_thermometer_rises_with_the_rate() -> None:
    found = [pool_of_beats()(beating(bpm), torch.ones(1), FLAT) for bpm in (50, 70, 90, 120, 150)]
    high = [int((one[0, TIMING:] > 0).sum()) for one in found]
    assert high == sorted(set(high)), "every rate reaches further than the one before, even before anything is learnt"


def test_a_later_start_turns_phases_and_leaves_powers() -> None:
    pool = pool_of_beats()
    one, later = (pool.spectrum(beating(75, shift), torch.ones(1))[0].detach() for shift in (0.0, 0.2))
    powers = [x[:FREQUENCIES] ** 2 + x[FREQUENCIES:] ** 2 for x in (one, later)]
    assert torch.allclose(powers[0], powers[1], atol=0.02)
    at = int((rhythm_rates() - 75).abs().argmin())
    turn = [math.atan2(float(x[FREQUENCIES + at]), float(x[at])) for x in (one, later)]
    assert (turn[1] - turn[0]) % (2 * math.pi) == pytest.approx(2 * math.pi * 75 / 60 * 0.2, abs=0.1)


def test_what_is_not_recorded_does_not_count() -> None:
    pool, tokens = pool_of_beats(), beating(75)
    other = tokens.clone()
    other[:, 50:] = torch.randn(1, 50, POINTS)
    half = torch.tensor([0.49])  # the token after the end is within reach of the convolution
    assert torch.allclose(pool(tokens, half, FLAT), pool(other, half, FLAT), atol=1e-4)
    assert not torch.allclose(pool(tokens, torch.ones(1), FLAT), pool(other, torch.ones(1), FLAT), atol=0.1)


@pytest.mark.parametrize("leads", [1, 12])
@pytest.mark.parametrize("bpm", [48, 75, 120])
def test_the_slopes_of_a_trace_say_its_rate_without_being_learnt(bpm: float, leads: int) -> None:
    time = torch.arange(SAMPLES) * 10 / SAMPLES
    beat = torch.exp(-0.5 * (((time * bpm / 60) % 1 - 0.5) / 0.08) ** 2)
    powers = pool_of_beats().slope_powers(beat.expand(1, leads, SAMPLES), torch.ones(1))[0]
    assert float(rhythm_rates()[powers[:32].argmax()]) == pytest.approx(bpm, abs=3)
    assert float(powers.sum()) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("modality", ["ecg", "ppg"])
def test_features_of_a_silent_trace_are_numbers(modality: str) -> None:
    encoder = encoder_for(modality).eval()
    leads, n = (12, 1000) if modality == "ecg" else (1, 1250)
    inputs = {"x": torch.zeros(2, leads, n), "length": torch.tensor([1.0, 0.2])}
    if modality == "ecg":
        inputs |= {"amplitude": torch.zeros(2, 12), "flags": torch.zeros(2, 24)}
    found = encoder(**inputs)
    assert found.shape == (2, encoder.features) and bool(torch.isfinite(found).all())


@pytest.mark.parametrize("modality", ["ecg", "ppg"])
def test_weights_of_releases_without_rhythm_still_load(modality: str, tmp_path: Path) -> None:
    old = {name: value for name, value in encoder_for(modality).state_dict().items() if "rhythm." not in name}
    save_file({**{f"encoder.{name}": value for name, value in old.items()}, **head_of(modality, old)}, tmp_path / "old")
    way = load_tower(tmp_path / "old", modality)
    assert way.head.in_features == way.encoder.features < encoder_for(modality).features
    assert all(torch.equal(way.encoder.state_dict()[name], value) for name, value in old.items())


def head_of(modality: str, weights: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """A head that is as wide as the features of an encoder with such weights."""
    width = encoder_for(modality, weights).features
    return {"head.weight": torch.zeros(256, width), "head.bias": torch.zeros(256)}
