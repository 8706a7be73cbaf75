"""Teach rhythm pooling on simultaneous PPG and ECG windows: EMCL (MEDBind eq. 2) on their timing codes, and the rate.

The transformers below stay as they are, so their tokens are computed once. Windows of one recording are in a batch
together: same heart, other moment, the negatives that are hardest to tell apart.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from engine.model.rhythm import RhythmPool, rhythm_rates
from engine.model.transformer import TraceTransformer
from engine.training.binding.losses import emcl
from engine.training.data.simultaneous import SimultaneousWindows
from engine.training.encoders import loop

EDGES = ("ppg", "ecg")
BELL_BPM = 2.0  # deviation of the bell about a known rate


@dataclass(frozen=True)
class AlignmentPlan:
    """How long and how hard; `recordings` × `moments` windows make a batch."""

    steps: int = 900
    recordings: int = 96
    windows_per_recording: int = 2
    rate: float = 2e-3
    beats: float = 0.3  # weight of the rate, known from the ECG's R peaks
    decay: float = 0.05
    seed: int = 0


@dataclass(frozen=True)
class Tokens:
    """Of each modality's windows: time tokens (n, tokens, width) float16, recorded shares (n,), powers of their slopes
    (n, 64)."""

    tokens: dict[str, torch.Tensor]
    length: dict[str, torch.Tensor]
    slopes: dict[str, torch.Tensor]

    def timing_and_rate(
        self, modality: str, rhythm: RhythmPool, index: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return timing codes and logits of the rate of the windows numbered by index; see RhythmPool.read."""
        parts = (self.tokens[modality], self.length[modality], self.slopes[modality])
        return rhythm.timing_and_rate(*(part[index].float() for part in parts))


@torch.no_grad()
def tokens_of(encoders: dict[str, TraceTransformer], windows: SimultaneousWindows, batch: int = 64) -> Tokens:
    """Run the frozen transformers over all windows once."""
    tokens, length, slopes = {}, {}, {}
    for modality in EDGES:
        encoder = encoders[modality].to(loop.device()).eval()
        inputs = {name: torch.from_numpy(array).to(loop.device()) for name, array in windows.inputs[modality].items()}
        parts, steep = [], []
        for start in range(0, len(windows.patients), batch):
            one = loop.take(inputs, np.arange(start, min(start + batch, len(windows.patients))))
            with loop.autocast():
                parts.append(encoder.encode_inputs(**one)[1].half())
            if encoder.rhythm is not None:
                steep.append(encoder.rhythm.slope_powers(one["x"], one["length"]))
        tokens[modality], length[modality] = torch.cat(parts), inputs["length"].float()
        slopes[modality] = torch.cat(steep)
    return Tokens(tokens, length, slopes)


def draw_windows(
    encounters: np.ndarray, index: np.ndarray, plan: AlignmentPlan, rng: np.random.Generator
) -> np.ndarray:
    """Draw a batch: some recordings, of each as many different windows: (≤ recordings · moments,) numbers."""
    names, which = np.unique(encounters[index], return_inverse=True)
    chosen = rng.choice(len(names), min(plan.recordings, len(names)), replace=False)
    groups = [index[which == number] for number in chosen]
    return np.concatenate([rng.choice(of, min(plan.windows_per_recording, len(of)), replace=False) for of in groups])


def rate_loss(logits: torch.Tensor, bpm: torch.Tensor, rates: torch.Tensor) -> torch.Tensor:
    """Mean cross-entropy of logits of the rate (b, 64) with a narrow bell about the known rate (b,), NaN left out."""
    known = torch.isfinite(rates)
    aim = torch.softmax(-0.5 * ((bpm[None] - rates[known][:, None]) / BELL_BPM) ** 2, 1)
    return -(aim * logits[known].log_softmax(1)).sum(1).mean()


def align(
    encoders: dict[str, TraceTransformer],
    windows: SimultaneousWindows,
    index: np.ndarray,
    plan: AlignmentPlan,
    log: loop.Log,
    *,
    tokens: Tokens | None = None,
) -> None:
    """Fit `rhythm` of both encoders in place on the windows numbered by `index`; logs both losses.

    tokens : of all windows by these encoders, where they are known already
    """
    seen, rng = tokens_of(encoders, windows) if tokens is None else tokens, np.random.default_rng(plan.seed)
    known = torch.from_numpy(windows.rates).float().to(loop.device())
    rhythms = {m: rhythm.train() for m in EDGES if (rhythm := encoders[m].rhythm) is not None}
    learn, bpm = nn.ModuleList(rhythms.values()), rhythm_rates().to(loop.device())
    optim = loop.optimiser(learn, plan.rate, plan.decay)
    schedule = loop.cosine(optim, plan.steps)
    for step in range(plan.steps):
        chosen = torch.from_numpy(draw_windows(windows.encounters, index, plan, rng))
        read = [seen.timing_and_rate(m, rhythms[m], chosen) for m in EDGES]
        timing = emcl(read[0][0], read[1][0], len(chosen)) / len(chosen)
        rates = torch.stack([rate_loss(side[1], bpm, known[chosen]) for side in read]).sum()
        loop.step(timing + plan.beats * rates, learn, optim, schedule)
        if (step + 1) % 100 == 0:
            log.write(stage="align", step=step + 1, timing=float(timing.detach()), rates=float(rates.detach()))
