"""Adapt an encoder to findings before binding: a linear probe on its features, binary cross-entropy per finding.

Labels are positive-only, so an absent label weighs less than a present one; studies without labels are left out.
"""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from engine.metrics.classifying import frequent_auroc
from engine.model.models import Encoder
from engine.training.data.captions import many_hot
from engine.training.data.prepared import Prepared
from engine.training.encoders import augment, loop
from engine.training.encoders.film_views import KEPT_PATCHES

ViewSampler = Callable[[np.ndarray, np.random.Generator, torch.Generator], dict[str, torch.Tensor]]
"""Numbers of train rows → one random view of each."""


@dataclass(frozen=True)
class TuningPlan:
    """How long and how hard; `encoder_share` is the encoder's rate over the probe's."""

    epochs: int = 20
    batch: int = 64
    rate: float = 3e-4
    encoder_share: float = 0.1
    decay: float = 0.05
    ema_decay: float = 0.995  # of the running mean of weights, per step
    seed: int = 0


def view(modality: str, batch: dict[str, torch.Tensor], rng: torch.Generator) -> dict[str, torch.Tensor]:
    """One random view of a batch of any modality."""
    if modality == "cxr":
        return {"tokens": augment.drop_patches(batch["tokens"], KEPT_PATCHES, rng)}
    batch = {**batch, "x": augment.traces(augment.shift(batch["x"], rng, 50) if modality == "ecg" else batch["x"], rng)}
    return augment.drop_leads(batch, rng) if modality == "ecg" else augment.shorten(batch, rng)


@torch.no_grad()
def features(encoder: nn.Module, inputs: dict[str, torch.Tensor], index: np.ndarray, batch: int = 128) -> torch.Tensor:
    """Return an encoder's features without augmentation: (len(index), f)."""
    encoder.eval()
    with loop.autocast():
        parts = [encoder(**loop.take(inputs, index[i : i + batch])) for i in range(0, len(index), batch)]
    return torch.cat(parts).float()


def view_sampler(modality: str, inputs: dict[str, torch.Tensor]) -> ViewSampler:
    """Return what draws views from inputs at every step anew."""
    return lambda index, choice, noise: view(modality, loop.take(inputs, index), noise)


def tune(
    modality: str,
    encoder: Encoder,
    data: Prepared,
    plan: TuningPlan,
    log: loop.Log,
    *,
    sample_views: ViewSampler | None = None,
) -> None:
    """Tune the encoder in place, ending with the running mean of its weights at the best mean AUROC on `valid`.

    sample_views : where views of train rows come from; None: from `data` itself
    """
    encoder.to(loop.device())
    held = many_hot(row.finding_set for row in data.rows)
    labelled = np.flatnonzero(held.any(1))
    inputs, rng, noise = loop.tensors(data), np.random.default_rng(plan.seed), loop.generator(plan.seed)
    sample_views = sample_views or view_sampler(modality, inputs)
    train, valid = (np.intersect1d(data.where(s), labelled) for s in ("train", "valid"))
    target = torch.from_numpy(held.astype(np.float32)).to(loop.device())
    weight = (1 / target[train].mean(0).clamp(min=0.01)).sqrt()
    both = nn.ModuleList([encoder, nn.Linear(encoder.features, held.shape[1])]).to(loop.device())
    optim = optimiser(both, plan)
    schedule = loop.cosine(optim, plan.epochs * max(1, len(train) // plan.batch))
    mean, best, state, step = copy.deepcopy(both), 0.0, copy.deepcopy(encoder.state_dict()), 0
    for epoch in range(plan.epochs):
        both.train()
        for index in loop.batches(train, plan.batch, rng):
            with loop.autocast():
                found = both[0](**sample_views(index, rng, noise))
            logits = both[1](found.float())
            loss = F.binary_cross_entropy_with_logits(logits, target[torch.from_numpy(index)], pos_weight=weight)
            loop.step(loss, both, optim, schedule)
            step += 1
            loop.update_ema(mean, both, step, plan.ema_decay)
        scores = mean[1](features(mean[0], inputs, valid)).detach().cpu().numpy()
        auroc, count = frequent_auroc(scores, held[valid])
        log.write(stage="tune", epoch=epoch + 1, loss=float(loss.detach()), valid_auroc=auroc, findings=count)
        if auroc > best:
            best, state = auroc, copy.deepcopy(mean[0].state_dict())
    encoder.load_state_dict(state)


def optimiser(both: nn.ModuleList, plan: TuningPlan) -> torch.optim.AdamW:
    """AdamW over encoder and probe, the encoder at its share of the rate."""
    return torch.optim.AdamW(
        [
            {"params": both[0].parameters(), "lr": plan.rate * plan.encoder_share},
            {"params": both[1].parameters(), "lr": plan.rate},
        ],
        weight_decay=plan.decay,
    )
