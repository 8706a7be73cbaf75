"""Draw films for encounters: integrate the flow from noise, guided towards the labels, and decode."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch

from engine.synthetic.cxr.codec import CHANNELS, Codec
from engine.synthetic.cxr.condition import LABELS, condition, drop_labels
from engine.synthetic.cxr.flow import LATENT, Flow
from engine.synthetic.patients import Encounter
from engine.training.encoders import loop

Rngs = Sequence[np.random.Generator]
SHAPE = (CHANNELS, LATENT, LATENT)


# Weight of what the labels change in a drawing, 1 for none added (Ho and Salimans 2022); of several labels their mean.
# Set by how well readers of real films read the label from drawn ones, beside how well they read it on real `valid`.
GUIDANCE = {
    "No Finding": 1.5,
    "Edema": 1.5,
    "Pneumothorax": 1.5,
    "Lung Opacity": 1.5,
    "Consolidation": 2.5,
    "Pleural Other": 2.5,
    "Pneumonia": 4.0,
    "Pleural Effusion": 4.0,
    "Atelectasis": 4.5,
    "Lung Lesion": 4.5,
}
DEFAULT_GUIDANCE = 3.0


@dataclass(frozen=True)
class SamplingOptions:
    """How films are drawn.

    steps    : of Euler's method
    guidance : for every film, in place of that of its labels
    body     : share (as a correlation) of the noise that belongs to the person, so that follow-ups show the same body
    bend     : how much denser the steps are towards noise, 1 for even
    """

    steps: int = 28
    guidance: float | None = None
    body: float = 0.85
    bend: float = 2.0


def guidance_of(conditions: np.ndarray) -> np.ndarray:
    """Return the weight of the labels (n,) of conditions (n, WIDTH)."""
    weights = np.array([GUIDANCE.get(label, DEFAULT_GUIDANCE) for label in LABELS], np.float32)
    held = conditions[:, : len(LABELS)] > 0
    return np.where(held.any(1), held @ weights / np.maximum(held.sum(1), 1), 1.0).astype(np.float32)


def times(steps: int, bend: float) -> torch.Tensor:
    """Return steps + 1 falling times from 1 to 0, closer together near 1 for bend > 1 (Esser et al., ICML 2024)."""
    even = torch.linspace(1, 0, steps + 1)
    return bend * even / (1 + (bend - 1) * even)


def starting_noise(persons: Rngs, rngs: Rngs, body: float) -> torch.Tensor:
    """Return standard normal noise (n, 4, 28, 28), `body` of it (as a correlation) from each person."""
    rows = [
        body * person.standard_normal(SHAPE) + np.sqrt(1 - body**2) * rng.standard_normal(SHAPE)
        for person, rng in zip(persons, rngs, strict=True)
    ]
    return torch.from_numpy(np.stack(rows)).float()


@torch.no_grad()
def integrate(flow: Flow, noise: torch.Tensor, conditions: torch.Tensor, how: SamplingOptions) -> torch.Tensor:
    """Follow dx/dt = v(x, t, c) from noise at t = 1 to latents at t = 0: (n, 4, 28, 28), conditions (n, WIDTH)."""
    untold = torch.from_numpy(drop_labels(conditions.numpy()))
    weights = guidance_of(conditions.numpy()) if how.guidance is None else np.full(len(noise), how.guidance, np.float32)
    weight = torch.from_numpy(weights).view(-1, 1, 1, 1)
    at, x = times(how.steps, how.bend), noise
    for t, after in pairwise(at):
        both = flow(torch.cat([x, x]), t.expand(2 * len(x)), torch.cat([conditions, untold]))
        told, plain = both.chunk(2)
        x = x + (after - t) * (plain + weight * (told - plain))
    return x


@torch.no_grad()
def render(codec: Codec, latents: torch.Tensor) -> np.ndarray:
    """Decode latents (n, 4, 28, 28) → films (n, 224, 224) uint8."""
    with loop.autocast():
        films = torch.cat([codec.decode(part) for part in latents.split(16)])
    return (films[:, 0].clamp(0, 1) * 255).round().to(torch.uint8).numpy()


def draw_films(
    codec: Codec,
    flow: Flow,
    encounters: Sequence[Encounter],
    persons: Rngs,
    rngs: Rngs,
    *,
    how: SamplingOptions | None = None,
) -> np.ndarray:
    """Return one film an encounter, (n, 224, 224) uint8, from its labels, view, age and sex."""
    how = how or SamplingOptions()
    told = np.stack([condition(one.film, one.view, one.age, one.sex) for one in encounters])
    latents = integrate(flow, starting_noise(persons, rngs, how.body), torch.from_numpy(told), how)
    return render(codec, latents)
