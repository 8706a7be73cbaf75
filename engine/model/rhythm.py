"""Rhythm pooling: time tokens → when the beats fall and how fast they come, which a class token and a mean forget.

Every token emits a beat train at some 50 Hz; its Fourier coefficients between 0.5 and 3.65 Hz keep rate, irregularity
and phase. Two simultaneous traces differ by a phase per frequency (the transit time), which a linear map can turn back;
the powers alone say the rate. The powers of the trace's own slopes are read beside them, which no patient can teach
wrongly.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import nn

MIN_HZ, STEP_HZ, FREQUENCIES = 0.5, 0.05, 64  # 30 … 219 beats per minute, twice as fine as 10 s resolve
POINTS = 5  # of the beat train per token
WINDOW_S = 10.0
TIMING = 48  # dimensions of the timing code
STEPS_BPM, SOFT_BPM = tuple(range(45, 166, 8)), 12.0  # of the thermometer that says the rate, and how soft each is
SHARPNESS = 2.0  # of the rate's distribution before it is learnt: 1 for shares of power
FOCUS = 4.0  # of the rate that is told: towards the likeliest of two rates, not between them


def rhythm_rates() -> torch.Tensor:
    """Return the rates that a beat train is measured at, beats per minute: (64,)."""
    return 60 * (MIN_HZ + STEP_HZ * torch.arange(FREQUENCIES))


def steepness(x: torch.Tensor) -> torch.Tensor:
    """Traces (b, leads, n) → how steeply they change (b, n): a pulse's rises, or the slopes of all leads together."""
    change = torch.diff(x, dim=2, prepend=x[:, :, :1])
    return change[:, 0].clamp(min=0) if x.shape[1] == 1 else change.abs().sum(1)


def slope_spectrum(x: torch.Tensor, length: torch.Tensor) -> torch.Tensor:
    """Traces (b, leads, n), recorded share (b,) → the coefficients of their steepness (b, 128), of length 1.

    Cosines ‖ sines at 0.5 … 3.65 Hz: when the beats fall and how fast they come, by no weight that was learnt.
    """
    steep = tapered(steepness(x.float()), length.float())
    return F.normalize(steep @ waves(x.shape[2]).to(steep), dim=1)


class RhythmPool(nn.Module):
    """Tokens (b, tokens, width) of a 10 s window → (b, 64): timing code ‖ rate as a thermometer.

    samples : of the trace that the tokens stand for, over WINDOW_S
    """

    features = TIMING + len(STEPS_BPM)

    def __init__(self, width: int, tokens: int, samples: int, hidden: int = 64) -> None:
        super().__init__()
        self.near = nn.Conv1d(width, hidden, 3, padding=1)
        self.beats = nn.Conv1d(hidden, POINTS, 1)
        self.timing = nn.Linear(3 * FREQUENCIES, TIMING)
        self.harmonics, self.slopes = (nn.Linear(FREQUENCIES, FREQUENCIES) for _ in range(2))
        for way in (self.harmonics, self.slopes):
            nn.init.zeros_(way.weight)
            nn.init.zeros_(way.bias)
        for name, count in (("waves", tokens * POINTS), ("fine", samples)):
            self.register_buffer(name, waves(count), persistent=False)  # (n, 128)
        self.register_buffer("bpm", rhythm_rates(), persistent=False)  # (64,)
        self.register_buffer("steps", torch.tensor(STEPS_BPM).float(), persistent=False)  # (16,)

    def beat_train(self, tokens: torch.Tensor, length: torch.Tensor) -> torch.Tensor:
        """Return the learnt beat train, zero-mean and tapered to the recorded share `length` (b,): (b, n)."""
        raw = self.beats(F.gelu(self.near(tokens.transpose(1, 2)))).transpose(1, 2).flatten(1)  # (b, n)
        return tapered(raw, length)

    def spectrum(self, tokens: torch.Tensor, length: torch.Tensor) -> torch.Tensor:
        """Return the beat train's coefficients of length 1, 64 cosines ‖ 64 sines: (b, 128)."""
        return F.normalize(self.beat_train(tokens, length) @ self.waves, dim=1)  # type: ignore[operator]

    def slope_powers(self, x: torch.Tensor, length: torch.Tensor) -> torch.Tensor:
        """Return the powers of a trace's steepness, x (b, leads, samples): (b, 64), 1 in all; 0 where it is flat."""
        steep = tapered(steepness(x.float()), length.float())
        return power(F.normalize(steep @ self.fine, dim=1))  # type: ignore[operator]

    def rates(self, powers: torch.Tensor, slopes: torch.Tensor) -> torch.Tensor:
        """Powers of beat train and slopes (b, 64) → logits of the rate over 30 … 219 beats per minute (b, 64)."""
        loud = torch.log(powers + 1e-4)
        return SHARPNESS * loud + self.harmonics(loud) + self.slopes(torch.log(slopes + 1e-4))

    def timing_and_rate(
        self, tokens: torch.Tensor, length: torch.Tensor, slopes: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the timing code of length 1 (b, 48) and the logits of the rate (b, 64), both float32."""
        with torch.autocast(tokens.device.type, enabled=False):  # phases want more than half-width products
            spectrum = self.spectrum(tokens.float(), length.float())
            powers = power(spectrum)
            timing = self.timing(torch.cat([spectrum, F.normalize(powers, dim=1)], 1))
            return F.normalize(timing, dim=1), self.rates(powers, slopes.float())

    def forward(self, tokens: torch.Tensor, length: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        """Return timing code (of deviation 1) and the rate, one soft step at each of 45 … 165 bpm: (b, 64) float32.

        A thermometer makes the rate a strong and nearly linear part of the features, which a single number would not.
        """
        with torch.autocast(tokens.device.type, enabled=False):
            slopes = self.slope_powers(x, length)
        timing, logits = self.timing_and_rate(tokens, length, slopes)
        rate = (FOCUS * logits).softmax(1) @ self.bpm  # type: ignore[operator]
        steps = torch.tanh((rate[:, None] - self.steps[None]) / SOFT_BPM)  # type: ignore[index]
        return torch.cat([timing * TIMING**0.5, steps], 1)


def times(count: int) -> torch.Tensor:
    """Return the middles of `count` equal parts of the window, s: (count,)."""
    return (torch.arange(count) + 0.5) * WINDOW_S / count


def waves(count: int) -> torch.Tensor:
    """Return cosines ‖ sines of the rhythm's frequencies at `count` instants of the window: (count, 128)."""
    angle = 2 * math.pi * times(count)[:, None] * rhythm_rates()[None] / 60
    return torch.cat([angle.cos(), angle.sin()], 1)


def tapered(raw: torch.Tensor, length: torch.Tensor) -> torch.Tensor:
    """Return rows (b, n) zero-mean and tapered to the recorded share `length` (b,), 0 after it."""
    share = times(raw.shape[1]).to(raw)[None] / (length[:, None] * WINDOW_S)
    taper = torch.sin(math.pi * share.clamp(max=1))
    mean = (raw * taper).sum(1, keepdim=True) / taper.sum(1, keepdim=True).clamp(min=1e-6)
    return (raw - mean) * taper


def power(spectrum: torch.Tensor) -> torch.Tensor:
    """Coefficients (b, 128), cosines ‖ sines → powers (b, 64)."""
    cosine, sine = spectrum.split(FREQUENCIES, 1)
    return cosine**2 + sine**2
