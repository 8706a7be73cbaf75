"""What every training shares: device, seeds, batches, schedule, a log line per epoch."""

from __future__ import annotations

import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from engine.model.autocast import bfloat16_autocast
from engine.training.data.prepared import Prepared


def device() -> torch.device:
    """Return the accelerator where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def generator(seed: int) -> torch.Generator:
    """Return a seeded generator on the training device."""
    return torch.Generator(device()).manual_seed(seed)


@dataclass(frozen=True)
class Rngs:
    """The two sources of chance of a training: choices (numpy) and noise on the device (torch)."""

    choice: np.random.Generator
    noise: torch.Generator

    @classmethod
    def seeded(cls, seed: int) -> Rngs:
        """Return both, seeded alike."""
        return cls(np.random.default_rng(seed), generator(seed))


def autocast() -> torch.autocast:
    """Half-width matrix products for an encoder's passes, where the training device has them."""
    return bfloat16_autocast(device().type)


def tensors(prepared: Prepared) -> dict[str, torch.Tensor]:
    """Move a modality's inputs to the device: bytes stay bytes, halves stay halves until a batch is taken."""
    return {name: torch.from_numpy(array).to(device()) for name, array in prepared.inputs.items()}


def take(inputs: dict[str, torch.Tensor], index: np.ndarray) -> dict[str, torch.Tensor]:
    """Return a batch in float32; films from bytes to (b, 1, h, w) in 0 … 1."""
    at = torch.from_numpy(np.asarray(index)).to(device())
    batch = {name: tensor[at] for name, tensor in inputs.items()}
    return {k: v[:, None].float() / 255 if v.dtype == torch.uint8 else v.float() for k, v in batch.items()}


def batches(index: np.ndarray, size: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Yield shuffled batches; the last one is kept when it is at least half full."""
    order = rng.permutation(index)
    for start in range(0, len(order), size):
        if len(order) - start >= size // 2 or start == 0:
            yield order[start : start + size]


def optimiser(model: nn.Module, rate: float, decay: float = 0.05) -> torch.optim.AdamW:
    """AdamW over the parameters that learn; no decay on vectors."""
    learn = [p for p in model.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in learn if p.ndim > 1], "weight_decay": decay},
        {"params": [p for p in learn if p.ndim <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=rate)


def cosine(optim: torch.optim.Optimizer, steps: int, warm: float = 0.1) -> torch.optim.lr_scheduler.LambdaLR:
    """Linear warm-up, then cosine decay to zero."""
    return torch.optim.lr_scheduler.LambdaLR(optim, lambda step: cosine_factor(step, steps, warm))


def cosine_factor(step: int, steps: int, warm: float = 0.1) -> float:
    """Return by what the rate is multiplied at a step: rising over the first share `warm`, then falling to zero."""
    first = max(1, int(steps * warm))
    if step < first:
        return (step + 1) / first
    return 0.5 * (1 + math.cos(math.pi * (step - first) / max(1, steps - first)))


def step(loss: torch.Tensor, model: nn.Module, optim: torch.optim.Optimizer, schedule: Any) -> None:
    """One gradient step, clipped at norm 1."""
    optim.zero_grad(set_to_none=True)
    loss.backward()
    nn.utils.clip_grad_norm_([p for p in model.parameters() if p.requires_grad], 1.0)
    optim.step()
    schedule.step()


@torch.no_grad()
def update_ema(mean: nn.Module, model: nn.Module, step: int, decay: float) -> None:
    """Move the running mean of the weights towards the model's; it follows quickly at first."""
    decay = min(decay, (1 + step) / (10 + step))
    for slow, quick in zip(mean.parameters(), model.parameters(), strict=True):
        if quick.requires_grad:
            slow.lerp_(quick, 1 - decay)


class Log:
    """Append one JSON line per epoch to a file and to standard output."""

    def __init__(self, file: Path, **always: Any) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        self.file, self.always, self.started = file, always, time.monotonic()

    def write(self, **values: Any) -> None:
        """Write the values, floats rounded."""
        line = {**self.always, **values, "seconds": round(time.monotonic() - self.started, 1)}
        text = json.dumps({k: round(v, 4) if isinstance(v, float) else v for k, v in line.items()})
        print(text, flush=True)
        with self.file.open("a") as handle:
            handle.write(text + "\n")
