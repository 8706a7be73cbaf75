"""Adapt an encoder to findings before binding: linear heads on its features, binary cross-entropy per finding.

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
from engine.training.encoders.finding_heads import FindingHeads

ViewSampler = Callable[[np.ndarray, np.random.Generator, torch.Generator], dict[str, torch.Tensor]]
"""Numbers of train rows → one random view of each."""
STANDARD = 256  # train rows, about, whose features say how heads standardise


@dataclass(frozen=True)
class TuningPlan:
    """How long and how hard; `encoder_share` is the encoder's rate over that of the heads.

    rarity     : power of a finding's rarity by which studies that have it weigh more
    by_dataset : a head for every data set, on standardised features, in place of one for all
    best       : ends with the epoch that is best on `valid`, in place of the last
    """

    epochs: int = 20
    batch: int = 64
    rate: float = 3e-4
    encoder_share: float = 0.1
    decay: float = 0.05
    ema_decay: float = 0.995  # of the running mean of weights, per step
    rarity: float = 0.5
    by_dataset: bool = False
    best: bool = True
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
    """Tune the encoder in place, ending with the running mean of its weights where the plan says so.

    sample_views : where views of train rows come from; None: from `data` itself
    """
    encoder.to(loop.device())
    held = many_hot(row.finding_set for row in data.rows)
    labelled = np.flatnonzero(held.any(1))
    inputs, rngs = loop.tensors(data), loop.Rngs.seeded(plan.seed)
    sample_views = sample_views or view_sampler(modality, inputs)
    train, valid = (np.intersect1d(data.where(s), labelled) for s in ("train", "valid"))
    dataset = dataset_numbers(data) if plan.by_dataset else np.zeros(len(held), int)
    valid = valid[dataset[valid] == np.bincount(dataset[valid], minlength=1).argmax()]  # scores of one head are ranked
    target, which = (torch.from_numpy(a).to(loop.device()) for a in (held.astype(np.float32), dataset))
    weight = (1 / target[train].mean(0).clamp(min=0.01)) ** plan.rarity
    both = nn.ModuleList([encoder, heads_for(encoder, inputs, train, target, which if plan.by_dataset else None)])
    optim = optimiser(both, plan)
    schedule = loop.cosine(optim, plan.epochs * max(1, len(train) // plan.batch))
    mean, best, state, step = copy.deepcopy(both), 0.0, copy.deepcopy(encoder.state_dict()), 0
    for epoch in range(plan.epochs):
        both.train()
        for index in loop.batches(train, plan.batch, rngs.choice):
            with loop.autocast():
                found = both[0](**sample_views(index, rngs.choice, rngs.noise))
            at = torch.from_numpy(index)
            logits = both[1](found.float(), which[at])
            loss = F.binary_cross_entropy_with_logits(logits, target[at], pos_weight=weight)
            loop.step(loss, both, optim, schedule)
            step += 1
            loop.update_ema(mean, both, step, plan.ema_decay)
        scores = mean[1](features(mean[0], inputs, valid), which[torch.from_numpy(valid)]).detach().cpu().numpy()
        auroc, count = frequent_auroc(scores, held[valid])
        log.write(stage="tune", epoch=epoch + 1, loss=float(loss.detach()), valid_auroc=auroc, findings=count)
        if auroc > best or not plan.best:
            best, state = auroc, copy.deepcopy(mean[0].state_dict())
    encoder.load_state_dict(state)


def dataset_numbers(data: Prepared) -> np.ndarray:
    """Return the number of each row's data set: (n,), 0 … sets − 1."""
    return np.unique([row.dataset for row in data.rows], return_inverse=True)[1]


def heads_for(
    encoder: Encoder,
    inputs: dict[str, torch.Tensor],
    train: np.ndarray,
    target: torch.Tensor,
    dataset: torch.Tensor | None,
) -> FindingHeads:
    """Return the heads that tuning begins with: one for all, or one for each data set on standardised features.

    train : numbers of the rows that are learnt from     target : (n, findings) 0 or 1     dataset : (n,) of each row
    """
    sets = 1 if dataset is None else int(dataset.max()) + 1
    heads = FindingHeads(encoder.features, target.shape[1], sets).to(loop.device())
    if dataset is not None:
        seen, of = features(encoder, inputs, train[:: max(1, len(train) // STANDARD)]), dataset[torch.from_numpy(train)]
        shares = [target[train][of == number].mean(0).nan_to_num(0.0) for number in range(sets)]
        heads.start_even(seen, torch.stack(shares))
    return heads


def optimiser(both: nn.ModuleList, plan: TuningPlan) -> torch.optim.AdamW:
    """AdamW over encoder and heads, the encoder at its share of the rate."""
    return torch.optim.AdamW(
        [
            {"params": both[0].parameters(), "lr": plan.rate * plan.encoder_share},
            {"params": both[1].parameters(), "lr": plan.rate},
        ],
        weight_decay=plan.decay,
    )
