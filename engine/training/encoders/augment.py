"""Random views of batches, on whatever device the batch is on. Each takes a torch.Generator: no global state."""

from __future__ import annotations

import torch
import torch.nn.functional as F


def _uniform(n: int, low: float, high: float, like: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    return torch.empty(n, device=like.device).uniform_(low, high, generator=rng)


def jittered(z: torch.Tensor, share: float, rng: torch.Generator | None = None) -> torch.Tensor:
    """Add Gaussian noise of length `share` to vectors of length 1 and renormalise: (n, f)."""
    noise = torch.randn(z.shape, device=z.device, dtype=z.dtype, generator=rng)
    return F.normalize(z + share * noise / z.shape[1] ** 0.5, dim=1)


def films(x: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """Flip, turn (8°), move, scale (78 … 102 %) and grade grey films: (b, 1, h, w) in 0 … 1 → the same."""
    b = len(x)
    scale, angle, aspect = (
        _uniform(b, 0.78, 1.02, x, rng),
        _uniform(b, -0.14, 0.14, x, rng),
        _uniform(b, 0.94, 1.06, x, rng),
    )
    flip = torch.where(torch.rand(b, device=x.device, generator=rng) < 0.5, -1.0, 1.0)
    room = 1.2 * (1 - scale).abs()
    cos, sin = scale * angle.cos(), scale * angle.sin()
    rows = [
        [cos * flip * aspect, -sin * aspect, _uniform(b, -1, 1, x, rng) * room],
        [sin * flip / aspect, cos / aspect, _uniform(b, -1, 1, x, rng) * room],
    ]
    affine = torch.stack([torch.stack(row, 1) for row in rows], 1)  # (b, 2, 3)
    grid = F.affine_grid(affine, list(x.shape), align_corners=False)
    moved = F.grid_sample(x, grid, mode="bilinear", padding_mode="zeros", align_corners=False).clamp(0, 1)
    gamma, contrast, level = (
        _uniform(b, *limits, x, rng).view(b, 1, 1, 1) for limits in ((-0.35, 0.35), (0.85, 1.15), (-0.07, 0.07))
    )
    return ((moved ** gamma.exp() - 0.5) * contrast + 0.5 + level).clamp(0, 1)


def drop_patches(tokens: torch.Tensor, keep: float, rng: torch.Generator) -> torch.Tensor:
    """Keep the class token and a random share of a film's patch tokens: (b, 1 + p, w) → (b, 1 + keep·p, w).

    As in FLIP (Li et al. 2023, arXiv:2212.00794): cheaper steps, and a view that differs at every step.
    """
    b, n, width = tokens.shape
    count = max(1, int(keep * (n - 1)))
    order = torch.rand(b, n - 1, device=tokens.device, generator=rng).argsort(1)[:, :count] + 1
    index = torch.cat([torch.zeros(b, 1, dtype=torch.long, device=tokens.device), order], 1)
    return torch.gather(tokens, 1, index[..., None].expand(-1, -1, width))


def traces(x: torch.Tensor, rng: torch.Generator, noise: float = 0.1, wander: float = 0.2) -> torch.Tensor:
    """Add white noise and slow baseline wander to z-scored traces (b, leads, n); empty leads stay empty."""
    b, _, n = x.shape
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
    return {
        **batch,
        "x": x * keep[..., None],
        "amplitude": amplitude * known,
        "flags": flags * torch.cat([keep, known], 1),
    }


def shift(x: torch.Tensor, rng: torch.Generator, max_shift: int) -> torch.Tensor:
    """Roll each full-length trace (b, leads, n) by up to `most` samples."""
    steps = torch.randint(-max_shift, max_shift + 1, (len(x),), device=x.device, generator=rng)
    index = (torch.arange(x.shape[2], device=x.device)[None] - steps[:, None]) % x.shape[2]
    return torch.gather(x, 2, index[:, None].expand_as(x))


def shorten(batch: dict[str, torch.Tensor], rng: torch.Generator, shortest: float = 0.2) -> dict[str, torch.Tensor]:
    """Cut half of the traces to a random length of at least `shortest` of what they have, keeping their start."""
    x, length = batch["x"], batch["length"]
    b, _, n = x.shape
    cut = torch.where(
        torch.rand(b, device=x.device, generator=rng) < 0.5,
        _uniform(b, shortest, 1, x, rng),
        torch.ones(b, device=x.device),
    )
    share = torch.minimum(length, torch.maximum(length * cut, torch.full_like(length, shortest)))
    real = (torch.arange(n, device=x.device)[None] < (share * n)[:, None]).to(x.dtype)
    return {**batch, "x": x * real[:, None], "length": share}
