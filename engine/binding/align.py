"""Teach rhythm pooling on simultaneous PPG and ECG windows: EMCL (MEDBind eq. 2) on the spectra of their beat trains.

The transformers below stay as they are, so their tokens are computed once. Windows of one recording are in a batch
together: same heart, other moment, the negatives that are hardest to tell apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from engine.binding.losses import emcl
from engine.cohorts.simultaneous import Simultaneous
from engine.encoders import loop
from engine.encoders.rhythm import RhythmPool
from engine.encoders.transformer import TraceTransformer

EDGES = ("ppg", "ecg")


@dataclass(frozen=True)
class Plan:
    """How long and how hard; `recordings` × `moments` windows make a batch."""

    steps: int = 400
    recordings: int = 96
    moments: int = 2
    rate: float = 2e-3
    decay: float = 0.05
    seed: int = 0


@dataclass(frozen=True)
class Tokens:
    """Time tokens (n, tokens, width) float16 of each modality's windows and their recorded shares (n,)."""

    tokens: dict[str, torch.Tensor]
    length: dict[str, torch.Tensor]


@torch.no_grad()
def tokens_of(encoders: dict[str, TraceTransformer], windows: Simultaneous, batch: int = 64) -> Tokens:
    """Run the frozen transformers over all windows once."""
    tokens, length = {}, {}
    for modality in EDGES:
        encoder = encoders[modality].to(loop.device()).eval()
        inputs = {name: torch.from_numpy(array).to(loop.device()) for name, array in windows.inputs[modality].items()}
        parts = []
        for start in range(0, len(windows.patients), batch):
            one = loop.take(inputs, np.arange(start, min(start + batch, len(windows.patients))))
            with loop.fast():
                parts.append(encoder.read(**one)[1].half())
        tokens[modality], length[modality] = torch.cat(parts), inputs["length"].float()
    return Tokens(tokens, length)


def moments(encounters: np.ndarray, index: np.ndarray, plan: Plan, rng: np.random.Generator) -> np.ndarray:
    """Draw a batch: some recordings, of each as many different windows: (≤ recordings · moments,) numbers."""
    names, which = np.unique(encounters[index], return_inverse=True)
    chosen = rng.choice(len(names), min(plan.recordings, len(names)), replace=False)
    groups = [index[which == number] for number in chosen]
    return np.concatenate([rng.choice(of, min(plan.moments, len(of)), replace=False) for of in groups])


def align(
    encoders: dict[str, TraceTransformer], windows: Simultaneous, index: np.ndarray, plan: Plan, log: loop.Log
) -> None:
    """Fit `rhythm` of both encoders in place on the windows numbered by `index`; logs the loss."""
    seen, rng = tokens_of(encoders, windows), np.random.default_rng(plan.seed)
    torch.manual_seed(plan.seed)
    heads = nn.ModuleDict({m: nn.Linear(RhythmPool.features, RhythmPool.features) for m in EDGES}).to(loop.device())
    rhythms = {m: rhythm.train() for m in EDGES if (rhythm := encoders[m].rhythm) is not None}
    learn = nn.ModuleList([heads, *rhythms.values()])
    optim = loop.optimiser(learn, plan.rate, plan.decay)
    schedule = loop.cosine(optim, plan.steps)
    for step in range(plan.steps):
        chosen = torch.from_numpy(moments(windows.encounters, index, plan, rng))
        sides = []
        for m in EDGES:
            spectrum = rhythms[m](seen.tokens[m][chosen].float(), seen.length[m][chosen])
            sides.append(F.normalize(heads[m](spectrum), dim=1))
        loss = emcl(sides[0], sides[1], len(chosen)) / len(chosen)
        loop.step(loss, learn, optim, schedule)
        if (step + 1) % 100 == 0:
            log.write(stage="align", step=step + 1, loss=float(loss.detach()))
