"""Random views of batches, on whatever device the batch is on. Each takes a torch.Generator: no global state."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F


def _uniform(n: int, low: float, high: float, like: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    return torch.empty(n, device=like.device).uniform_(low, high, generator=rng)


def films(x: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Turn ≤ 10°, zoom 0.85–1.15, shift ≤ 8 %, change contrast and brightness, add noise: (b, 1, h, w) in 0 … 1.

    Never mirrored: the side of the heart is a finding.
    """
    b = len(x)
    turn = _uniform(b, -10, 10, x, rng) * math.pi / 180
    zoom, dx, dy = _uniform(b, 0.85, 1.15, x, rng), _uniform(b, -0.16, 0.16, x, rng), _uniform(b, -0.16, 0.16, x, rng)
    cos, sin = torch.cos(turn) * zoom, torch.sin(turn) * zoom
    theta = torch.stack([torch.stack([cos, -sin, dx], 1), torch.stack([sin, cos, dy], 1)], 1)  # (b, 2, 3)
    x = F.grid_sample(x, F.affine_grid(theta, list(x.shape), align_corners=False), align_corners=False)
    gamma = torch.exp(_uniform(b, -0.35, 0.35, x, rng)).view(b, 1, 1, 1)
    scale, offset = _uniform(b, 0.8, 1.2, x, rng).view(b, 1, 1, 1), _uniform(b, -0.1, 0.1, x, rng).view(b, 1, 1, 1)
    x = x.clamp(0, 1) ** gamma * scale + offset
    return (x + 0.02 * torch.randn(x.shape, device=x.device, generator=rng)).clamp(0, 1)


def traces(x: torch.Tensor, rng: torch.Generator, noise: float = 0.1, wander: float = 0.2) -> torch.Tensor:
    """Add white noise and slow baseline wander to z-scored traces (b, leads, n); empty leads stay empty."""
    b, leads, n = x.shape
    alive = (x.abs().sum(2, keepdim=True) > 0).to(x.dtype)
    time = torch.linspace(0, 1, n, device=x.device)[None]
    phase, speed = _uniform(b, 0, 6.28, x, rng)[:, None], _uniform(b, 1, 25, x, rng)[:, None]  # 0.1 … 0.4 Hz over 10 s
    drift = torch.sin(phase + speed * time)[:, None] * _uniform(b, 0, wander, x, rng).view(b, 1, 1)
    level = _uniform(b, 0, noise, x, rng).view(b, 1, 1)
    return (x + drift + level * torch.randn(x.shape, device=x.device, generator=rng)) * alive


def drop_leads(batch: dict[str, torch.Tensor], rng: torch.Generator, share: float = 0.4) -> dict[str, torch.Tensor]:
    """In `share` of the ECGs keep a random subset of leads (often one), in half hide the amplitudes."""
    x, amplitude, flags = batch["x"], batch["amplitude"], batch["flags"]
    b = len(x)
    rate = _uniform(b, 0.1, 0.9, x, rng)[:, None]
    keep = (torch.rand(b, 12, device=x.device, generator=rng) < rate).float()
    keep[torch.arange(b), torch.randint(0, 12, (b,), device=x.device, generator=rng)] = 1
    keep = torch.where(torch.rand(b, 1, device=x.device, generator=rng) < share, keep, torch.ones_like(keep))
    has_left = ((flags[:, :12] * keep).sum(1, keepdim=True) > 0).float()
    keep = keep * has_left + (1 - has_left)  # a one-lead recording keeps its lead
    known = keep * (torch.rand(b, 1, device=x.device, generator=rng) < 0.5).float()
    return {**batch, "x": x * keep[..., None], "amplitude": amplitude * known, "flags": flags * torch.cat([keep, known], 1)}


def shift(x: torch.Tensor, rng: torch.Generator, most: int) -> torch.Tensor:
    """Roll each full-length trace (b, leads, n) by up to `most` samples."""
    steps = torch.randint(-most, most + 1, (len(x),), device=x.device, generator=rng)
    index = (torch.arange(x.shape[2], device=x.device)[None] - steps[:, None]) % x.shape[2]
    return torch.gather(x, 2, index[:, None].expand_as(x))


def shorten(batch: dict[str, torch.Tensor], rng: torch.Generator, shortest: float = 0.2) -> dict[str, torch.Tensor]:
    """Cut half of the traces to a random length of at least `shortest` of what they have, keeping their start."""
    x, length = batch["x"], batch["length"]
    b, _, n = x.shape
    cut = torch.where(torch.rand(b, device=x.device, generator=rng) < 0.5, _uniform(b, shortest, 1, x, rng), torch.ones(b, device=x.device))
    share = torch.minimum(length, torch.maximum(length * cut, torch.full_like(length, shortest)))
    real = (torch.arange(n, device=x.device)[None] < (share * n)[:, None]).to(x.dtype)
    return {**batch, "x": x * real[:, None], "length": share}
