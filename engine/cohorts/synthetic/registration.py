"""Align many films to their own mean, so that averaging and principal components stay sharp.

Diffeomorphic-like demons (Thirion, Med Image Anal 1998; one Gaussian for fluid and one for elastic smoothing), run on
all films at once. A field u maps template positions to film positions: film(x + u(x)) looks like template(x).
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch.nn import functional

ROUNDS = 3  # template updates
STEPS = 25  # demons steps a round
FLUID_PX, ELASTIC_PX = 2.0, 1.6  # smoothing of each step and of the whole field, pixels of the small grid


def smooth(images: torch.Tensor, sigma: float) -> torch.Tensor:
    """Return (n, c, h, w) images after a Gaussian of `sigma` pixels, edges replicated."""
    return _kernel(images.shape[-2], sigma) @ images @ _kernel(images.shape[-1], sigma).T


@lru_cache(maxsize=32)
def _kernel(n: int, sigma: float) -> torch.Tensor:
    """Return the (n, n) matrix of a Gaussian filter; a matrix product is the fastest small filter on a CPU."""
    radius = int(3 * sigma + 0.5)
    offsets = torch.arange(-radius, radius + 1)
    weights = torch.exp(-0.5 * (offsets / sigma) ** 2)
    reached = (torch.arange(n)[:, None] + offsets).clamp(0, n - 1)  # what lies outside is the edge
    return torch.zeros(n, n).scatter_add_(1, reached, (weights / weights.sum()).expand(n, -1))


def warp(images: torch.Tensor, field: torch.Tensor) -> torch.Tensor:
    """Return images (n, c, h, w) read at x + field; field (n, 2, h, w) in pixels, channel 0 is x."""
    h, w = images.shape[-2:]
    y, x = torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij")
    gx = 2 * (x + field[:, 0]) / (w - 1) - 1
    gy = 2 * (y + field[:, 1]) / (h - 1) - 1
    return functional.grid_sample(images, torch.stack([gx, gy], -1), align_corners=True, padding_mode="border")


def invert(field: torch.Tensor, rounds: int = 12) -> torch.Tensor:
    """Return the inverse field by fixed-point iteration v(y) = −u(y + v(y))."""
    inverse = -field
    for _ in range(rounds):
        inverse = -warp(field, inverse)
    return inverse


def normalise(images: torch.Tensor) -> torch.Tensor:
    """Return images (n, 1, h, w) with local mean removed and unit local contrast: exposure must not steer the fit."""
    high = images - smooth(images, 8.0)
    return high / (smooth(high**2, 12.0).sqrt() + 0.02)


def align(films: torch.Tensor) -> torch.Tensor:
    """Return the fields (n, 2, h, w) that carry films (n, 1, h, w) in 0..1 onto their common template."""
    shapes = normalise(films)
    field = torch.zeros(len(films), 2, *films.shape[-2:])
    for _ in range(ROUNDS):
        template = warp(shapes, field).mean(0, keepdim=True)
        template = template / template.std() * shapes.std()
        for chunk in torch.arange(len(films)).split(128):
            field[chunk] = _demons(shapes[chunk], template, field[chunk])
        field -= field.mean(0, keepdim=True)  # the template keeps the mean shape
    return field


def _demons(moving: torch.Tensor, template: torch.Tensor, field: torch.Tensor) -> torch.Tensor:
    """Return field after STEPS steps of demons from moving (n, 1, h, w) to template (1, 1, h, w)."""
    gy, gx = torch.gradient(template[0, 0])
    gradient = torch.stack([gx, gy])[None]
    energy = (gradient**2).sum(1, keepdim=True)
    for _ in range(STEPS):
        difference = template - warp(moving, field)
        force = difference * gradient / (energy + difference**2 + 1e-3)
        field = smooth(field + smooth(force, FLUID_PX), ELASTIC_PX)
    return field
