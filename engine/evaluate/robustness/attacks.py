"""Attacks on codes: projected gradient descent on the relaxed bits, inside a largest change of every value.

Untargeted, every bit is driven away from the clean code (HAG: Yang et al. 2018, "Adversarial examples for Hamming space
search"); targeted, towards the code of a chosen study (DHTA: Bai et al. 2020, "Targeted attack for deep hashing based
retrieval"). Both maximise Σ tanh(uᵢ)·tᵢ for wanted bits t, the first with t the clean code's complement. An attacker
who knows a defence attacks through it: through the mean over several views of a recording, and through a fresh draw of
the random ones at every step (EOT: Athalye et al. 2018), for more steps and with momentum, since a step that sees one
draw alone is mostly noise: a defence that is attacked by too few looks better than it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field

import numpy as np
import torch

from engine.model.autocast import bfloat16_autocast
from engine.model.release import Release

BATCH = {"cxr": 4}  # films attacked at a time; traces: all
STEP = 2.5  # × epsilon ÷ steps: so that the edge is reached from anywhere inside (Madry et al. 2018)


@dataclass(frozen=True)
class Budget:
    """What an attacker may do.

    epsilon  : largest change of a value of x: grey levels as a share of white, or deviations of a trace
    steps    : of gradient descent from each of `restarts` random starts; the best end is kept for each recording
    momentum : share of the former steps' direction that a step keeps (Dong et al. 2018), so that draws of random views
               add up over the steps
    """

    epsilon: float
    steps: int = 20
    restarts: int = 2
    momentum: float = field(default=0.0, repr=False)  # of whoever names it, so that attacks that are kept stay known


@dataclass(frozen=True, eq=False)
class PreparedInputs:
    """Prepared recordings of one modality: x (n, …), the other inputs by name (n, …), and which values may change."""

    x: torch.Tensor
    others: dict[str, torch.Tensor] = field(default_factory=dict)
    mask: torch.Tensor | None = None

    def take(self, chosen: slice | Sequence[int]) -> PreparedInputs:
        """Return some of the recordings."""
        at = chosen if isinstance(chosen, slice) else list(chosen)
        mask = None if self.mask is None else self.mask[at]
        return PreparedInputs(self.x[at], {name: value[at] for name, value in self.others.items()}, mask)

    def holding(self, x: torch.Tensor) -> PreparedInputs:
        """Return the same recordings with another x."""
        return PreparedInputs(x, self.others, self.mask)


View = Callable[[PreparedInputs, torch.Generator], PreparedInputs]
"""What a defence makes of prepared recordings before they are encoded, of the same shapes; differentiable in x."""


def plain(inputs: PreparedInputs, _: torch.Generator) -> PreparedInputs:
    """Return recordings as they are: the view of a release without a defence."""
    return inputs


@dataclass(frozen=True, eq=False)
class Encoder:
    """One modality of one release, as an attacker who has its weights sees it."""

    release: Release
    modality: str

    def projections(self, inputs: PreparedInputs, *, fast: bool = False) -> torch.Tensor:
        """Return what becomes codes by its sign, differentiable in x: (n, 256).

        fast : in half precision where the processor has it, for gradients; codes are always made in whole precision
        """
        with bfloat16_autocast("cpu") if fast and self.modality == "cxr" else nullcontext():
            z = self.release.module(self.modality)(x=inputs.x, **inputs.others)
        return self.release.layer().project(self.release.mapping(self.modality)(z.float()), self.modality)

    def bits(self, inputs: PreparedInputs, view: View = plain, draws: int = 1, seed: int = 0) -> np.ndarray:
        """Return codes as bits (n, 256) bool: the sign of the mean projection over `draws` of a view."""
        bits: np.ndarray = self.values(inputs, view, draws, seed) > 0
        return bits

    def values(self, inputs: PreparedInputs, view: View = plain, draws: int = 1, seed: int = 0) -> np.ndarray:
        """Return the mean projection over `draws` of a view, in whole precision: (n, 256)."""
        drawn, parts = generator(seed), []
        for chunk in self.chunks(inputs):
            with torch.no_grad():
                made = [self.projections(view(chunk, drawn)) for _ in range(draws)]
            parts.append(torch.stack(made).mean(0).numpy())
        return np.concatenate(parts)

    def chunks(self, inputs: PreparedInputs) -> Iterator[PreparedInputs]:
        """Yield as many recordings as are encoded at a time."""
        size = BATCH.get(self.modality, max(1, len(inputs.x)))
        for start in range(0, len(inputs.x), size):
            yield inputs.take(slice(start, start + size))


def attacked(
    encoder: Encoder,
    inputs: PreparedInputs,
    wanted: np.ndarray,
    budget: Budget,
    *,
    views: Sequence[View] = (plain,),
    seed: int = 0,
    progress: Callable[[int], None] = lambda _: None,
) -> torch.Tensor:
    """Return recordings (n, …) changed by at most the budget so that their codes come near the wanted bits (n, 256).

    views    : what the attacker expects between the recording and the encoder; the mean over them is attacked
    progress : called with the number of recordings whose next step was done
    """
    parts, first = [], 0
    for number, chunk in enumerate(encoder.chunks(inputs)):
        aim = torch.from_numpy(np.where(wanted[first : first + len(chunk.x)], 1.0, -1.0).astype(np.float32))
        first += len(chunk.x)
        ends = []
        for restart in range(budget.restarts):
            drawn = generator(seed, number, restart)
            ends.append(_descent(encoder, chunk, aim, budget, views=views, drawn=drawn, progress=progress))
        best = torch.stack([score for _, score in ends]).argmax(0)  # (n,) restarts
        parts.append(torch.stack([x for x, _ in ends])[best, torch.arange(len(chunk.x))])
    return torch.cat(parts)


def noise(inputs: PreparedInputs, epsilon: float, seed: int = 0) -> torch.Tensor:
    """Return recordings (n, …) of which every value was changed by exactly epsilon, up or down by chance."""
    signs = torch.randint(0, 2, inputs.x.shape, generator=generator(seed)).float() * 2 - 1
    return _inside(inputs.x + epsilon * signs, inputs, epsilon)


def generator(*seed: int) -> torch.Generator:
    """Return a source of random numbers that depends on every part of the seed."""
    words = np.random.SeedSequence(seed).generate_state(1, np.uint64)
    return torch.Generator().manual_seed(int(words[0] >> np.uint64(1)))


def _descent(
    encoder: Encoder,
    inputs: PreparedInputs,
    aim: torch.Tensor,
    budget: Budget,
    *,
    views: Sequence[View],
    drawn: torch.Generator,
    progress: Callable[[int], None],
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the end of one descent (n, …), and how well it does what is wanted (n,)."""
    start = (torch.rand(inputs.x.shape, generator=drawn) * 2 - 1) * budget.epsilon
    x, direction = _inside(inputs.x + start, inputs, budget.epsilon), torch.zeros_like(inputs.x)
    for _ in range(budget.steps if budget.epsilon > 0 else 0):
        x.requires_grad_(True)
        gradient = torch.zeros_like(x)
        for view in views:
            relaxed = torch.tanh(encoder.projections(view(inputs.holding(x), drawn), fast=True))
            gradient += torch.autograd.grad((relaxed * aim).sum(), x)[0]
        length = gradient.flatten(1).abs().mean(1).clamp_min(1e-12).view(-1, *[1] * (x.ndim - 1))
        direction = budget.momentum * direction + gradient / length
        x = x.detach() + STEP * budget.epsilon / budget.steps * direction.sign()
        x = _inside(x, inputs, budget.epsilon)
        progress(len(x))
    with torch.no_grad():
        ends = [encoder.projections(view(inputs.holding(x), drawn), fast=True) for view in views]
    return x, torch.stack([(u.sign() * aim).sum(1) for u in ends]).mean(0)


def _inside(x: torch.Tensor, inputs: PreparedInputs, epsilon: float) -> torch.Tensor:
    """Return x moved back into what the attacker may do; films stay between black and white."""
    x = torch.minimum(torch.maximum(x, inputs.x - epsilon), inputs.x + epsilon)
    if inputs.mask is None:
        return x.clamp(0, 1)
    return torch.where(inputs.mask, x, inputs.x)
