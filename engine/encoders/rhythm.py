"""Rhythm pooling: time tokens → when the beats fall and how fast they come, which a class token and a mean forget.

Every token emits a beat train at some 50 Hz; its Fourier coefficients between 0.5 and 3.65 Hz keep rate, irregularity
and phase. Two simultaneous traces differ by a phase per frequency (the transit time), which a linear map can turn back;
the powers alone say the rate.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import nn

LOWEST_HZ, STEP_HZ, FREQUENCIES = 0.5, 0.05, 64  # 30 … 219 beats per minute, twice as fine as 10 s resolve
POINTS = 5  # of the beat train per token
WINDOW_S = 10.0
TIMING = 48  # dimensions of the timing code
STEPS_BPM, SOFT_BPM = tuple(range(45, 166, 8)), 12.0  # of the thermometer that says the rate, and how soft each is
SHARPNESS = 2.0  # of the rate's distribution before it is learnt: 1 for shares of power


def rhythm_rates() -> torch.Tensor:
    """Return the rates that a beat train is measured at, beats per minute: (64,)."""
    return 60 * (LOWEST_HZ + STEP_HZ * torch.arange(FREQUENCIES))


class RhythmPool(nn.Module):
    """Tokens (b, tokens, width) of a 10 s window → (b, 64): timing code ‖ rate as a thermometer."""

    features = TIMING + len(STEPS_BPM)

    def __init__(self, width: int, tokens: int, hidden: int = 64) -> None:
        super().__init__()
        self.near = nn.Conv1d(width, hidden, 3, padding=1)
        self.beats = nn.Conv1d(hidden, POINTS, 1)
        self.timing = nn.Linear(3 * FREQUENCIES, TIMING)
        self.harmonics = nn.Linear(FREQUENCIES, FREQUENCIES)
        nn.init.zeros_(self.harmonics.weight)
        nn.init.zeros_(self.harmonics.bias)
        time = (torch.arange(tokens * POINTS) + 0.5) * WINDOW_S / (tokens * POINTS)
        angle = 2 * math.pi * time[:, None] * rhythm_rates()[None] / 60
        self.register_buffer("time", time, persistent=False)  # (n,) s
        self.register_buffer("bpm", rhythm_rates(), persistent=False)  # (64,)
        self.register_buffer("steps", torch.tensor(STEPS_BPM).float(), persistent=False)  # (16,)
        self.register_buffer("waves", torch.cat([angle.cos(), angle.sin()], 1), persistent=False)  # (n, 128)

    def beat_train(self, tokens: torch.Tensor, length: torch.Tensor) -> torch.Tensor:
        """Return the learnt beat train, zero-mean and tapered to the recorded share `length` (b,): (b, n)."""
        raw = self.beats(F.gelu(self.near(tokens.transpose(1, 2)))).transpose(1, 2).flatten(1)  # (b, n)
        share = self.time[None] / (length[:, None] * WINDOW_S)  # type: ignore[index]
        taper = torch.sin(math.pi * share.clamp(max=1))  # 0 after the end
        mean = (raw * taper).sum(1, keepdim=True) / taper.sum(1, keepdim=True).clamp(min=1e-6)
        return (raw - mean) * taper

    def spectrum(self, tokens: torch.Tensor, length: torch.Tensor) -> torch.Tensor:
        """Return the beat train's coefficients of length 1, 64 cosines ‖ 64 sines: (b, 128)."""
        return F.normalize(self.beat_train(tokens, length) @ self.waves, dim=1)  # type: ignore[operator]

    def rates(self, powers: torch.Tensor) -> torch.Tensor:
        """Powers (b, 64) → logits of the rate's distribution over 30 … 219 beats per minute (b, 64)."""
        loud = torch.log(powers + 1e-4)
        return SHARPNESS * loud + self.harmonics(loud)

    def read(self, tokens: torch.Tensor, length: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the timing code of length 1 (b, 48) and the logits of the rate (b, 64), both float32."""
        with torch.autocast(tokens.device.type, enabled=False):  # phases want more than half-width products
            spectrum = self.spectrum(tokens.float(), length.float())
            cosine, sine = spectrum.split(FREQUENCIES, 1)
            powers = cosine**2 + sine**2  # (b, 64), summing to 1
            timing = self.timing(torch.cat([spectrum, F.normalize(powers, dim=1)], 1))
            return F.normalize(timing, dim=1), self.rates(powers)

    def forward(self, tokens: torch.Tensor, length: torch.Tensor) -> torch.Tensor:
        """Return timing code (of deviation 1) and the rate, one soft step at each of 45 … 165 bpm: (b, 64) float32.

        A thermometer makes the rate a strong and nearly linear part of the features, which a single number would not.
        """
        timing, logits = self.read(tokens, length)
        rate = logits.softmax(1) @ self.bpm  # type: ignore[operator]
        steps = torch.tanh((rate[:, None] - self.steps[None]) / SOFT_BPM)  # type: ignore[index]
        return torch.cat([timing * TIMING**0.5, steps], 1)
