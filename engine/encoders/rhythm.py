"""Rhythm pooling: time tokens → the spectrum of a learnt beat train, so that timing survives pooling.

A class token and a mean say what a trace looks like, hardly when its beats fall. Here every token emits a beat train at
some 50 Hz; its Fourier coefficients between 0.5 and 3.65 Hz keep rate, irregularity and phase. Two simultaneous traces
then differ by a phase per frequency (the transit time), which a linear head can turn back; powers alone say the rate.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import nn

LOWEST_HZ, STEP_HZ, FREQUENCIES = 0.5, 0.05, 64  # 30 … 219 beats per minute, twice as fine as 10 s resolve
POINTS = 5  # of the beat train per token
WINDOW_S = 10.0


class RhythmPool(nn.Module):
    """Tokens (b, tokens, width) of a 10 s window → (b, 192): 64 cosines ‖ 64 sines, and 64 powers, both of length 1."""

    features = 3 * FREQUENCIES

    def __init__(self, width: int, tokens: int, hidden: int = 64) -> None:
        super().__init__()
        self.near = nn.Conv1d(width, hidden, 3, padding=1)
        self.beats = nn.Conv1d(hidden, POINTS, 1)
        time = (torch.arange(tokens * POINTS) + 0.5) * WINDOW_S / (tokens * POINTS)
        angle = 2 * math.pi * time[:, None] * (LOWEST_HZ + STEP_HZ * torch.arange(FREQUENCIES))[None]
        self.register_buffer("time", time, persistent=False)  # (n,) s
        self.register_buffer("waves", torch.cat([angle.cos(), angle.sin()], 1), persistent=False)  # (n, 128)

    def beat_train(self, tokens: torch.Tensor, length: torch.Tensor) -> torch.Tensor:
        """Return the learnt beat train, zero-mean and tapered to the recorded share `length` (b,): (b, n)."""
        raw = self.beats(F.gelu(self.near(tokens.transpose(1, 2)))).transpose(1, 2).flatten(1).float()  # (b, n)
        share = self.time[None] / (length[:, None].float() * WINDOW_S)  # type: ignore[index]
        taper = torch.sin(math.pi * share.clamp(max=1))  # 0 after the end
        mean = (raw * taper).sum(1, keepdim=True) / taper.sum(1, keepdim=True).clamp(min=1e-6)
        return (raw - mean) * taper

    def forward(self, tokens: torch.Tensor, length: torch.Tensor) -> torch.Tensor:
        """Return the beat train's spectrum, (b, 192) float32."""
        with torch.autocast(tokens.device.type, enabled=False):  # phases want more than half-width products
            spectrum = F.normalize(self.beat_train(tokens.float(), length) @ self.waves, dim=1)  # type: ignore[operator]
            cosine, sine = spectrum.split(FREQUENCIES, 1)
            return torch.cat([spectrum, F.normalize(cosine**2 + sine**2, dim=1)], 1)
