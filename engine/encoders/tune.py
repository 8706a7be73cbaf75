"""Adapt an encoder to findings before binding: a linear probe on its features, binary cross-entropy per finding.

Labels are positive-only, so an absent label weighs less than a present one; studies without labels are left out.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from engine.cohorts.captions import many_hot
from engine.cohorts.prepared import Prepared
from engine.encoders import augment, loop
from engine.encoders.models import ENCODERS

KEPT_PATCHES = 0.4  # share of a film's patches seen in one training step


@dataclass(frozen=True)
class Plan:
    """How long and how hard; `start` is the share of the encoder's rate in the probe's."""

    epochs: int = 20
    batch: int = 64
    rate: float = 3e-4
    encoder_share: float = 0.1
    decay: float = 0.05
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
    with loop.fast():
        parts = [encoder(**loop.take(inputs, index[i : i + batch])) for i in range(0, len(index), batch)]
    return torch.cat(parts).float()


def mean_auroc(scores: np.ndarray, held: np.ndarray, least: int = 8) -> tuple[float, int]:
    """Mean area under the ROC curve over findings with at least `least` positives, and how many those are.

    0.5, chance, where there is no such finding.
    """
    from sklearn.metrics import roc_auc_score

    kept = [i for i in range(held.shape[1]) if least <= held[:, i].sum() <= len(held) - least]
    areas = [roc_auc_score(held[:, i], scores[:, i]) for i in kept]
    return float(np.mean(areas)) if areas else 0.5, len(kept)


def tune(modality: str, encoder: nn.Module, data: Prepared, plan: Plan, log: loop.Log) -> None:
    """Tune the encoder in place, ending at the epoch with the best mean AUROC on `valid`."""
    encoder.to(loop.device())
    held = many_hot(row.found for row in data.rows)
    labelled = np.flatnonzero(held.any(1))
    inputs, rng, noise = loop.tensors(data), np.random.default_rng(plan.seed), loop.generator(plan.seed)
    train, valid = (np.intersect1d(data.where(s), labelled) for s in ("train", "valid"))
    target = torch.from_numpy(held.astype(np.float32)).to(loop.device())
    weight = (1 / target[train].mean(0).clamp(min=0.01)).sqrt()
    probe = nn.Linear(ENCODERS[modality].features, held.shape[1]).to(loop.device())
    optim = torch.optim.AdamW(
        [
            {"params": encoder.parameters(), "lr": plan.rate * plan.encoder_share},
            {"params": probe.parameters(), "lr": plan.rate},
        ],
        weight_decay=plan.decay,
    )
    schedule = loop.cosine(optim, plan.epochs * max(1, len(train) // plan.batch))
    both, best, state = nn.ModuleList([encoder, probe]), 0.0, copy.deepcopy(encoder.state_dict())
    for epoch in range(plan.epochs):
        both.train()
        for index in loop.batches(train, plan.batch, rng):
            batch = view(modality, loop.take(inputs, index), noise)
            with loop.fast():
                found = encoder(**batch)
            logits = probe(found.float())
            loss = F.binary_cross_entropy_with_logits(logits, target[torch.from_numpy(index)], pos_weight=weight)
            loop.step(loss, both, optim, schedule)
        scores = probe(features(encoder, inputs, valid)).detach().cpu().numpy()
        auroc, count = mean_auroc(scores, held[valid])
        log.write(stage="tune", epoch=epoch + 1, loss=float(loss.detach()), valid_auroc=auroc, findings=count)
        if auroc > best:
            best, state = auroc, copy.deepcopy(encoder.state_dict())
    encoder.load_state_dict(state)
