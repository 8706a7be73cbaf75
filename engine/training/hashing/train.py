"""Train the hash layer on embeddings: continuous embeddings of one modality supervise the binary codes of another."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product

import numpy as np
import torch
import torch.nn.functional as F

from engine.model.hash_layer import HashLayer
from engine.training.encoders import loop
from engine.training.encoders.augment import jittered
from engine.training.hashing.losses import balance, decorrelation, nested, orthogonality, quantisation


@dataclass(frozen=True)
class HashingPlan:
    """How long and how hard; the weights of the losses, and the noise that keeps codes from trusting train too much.

    jitter        : length of the Gaussian noise added to embeddings of length 1, as a share of it
    orthogonality : weight of the layer's distance from an orthogonal one, which keeps every direction in the codes
    by_order      : modalities within which neighbours teach by their order alone; a tuned film encoder knows the
                    labels of its `train` films by heart, and a layer that learns them again loses what is general
    """

    steps: int = 1000
    batch: int = 256
    rate: float = 2e-3
    margin: float = 3.0
    order: float = 0.5
    jitter: float = 0.3
    quantisation: float = 0.05
    balance: float = 0.5
    decorrelation: float = 1.0
    orthogonality: float = 0.3
    by_order: tuple[str, ...] = ("cxr",)
    seed: int = 0


FROM_A_LAYER = HashingPlan(steps=250, rate=1e-3)  # where an earlier release's layer learns on


@dataclass(frozen=True)
class LabelledEmbeddings:
    """One modality's train embeddings z (n, 256) and findings held (n, findings) bool."""

    z: torch.Tensor
    has_finding: torch.Tensor


def centred(z: torch.Tensor, mean: torch.Tensor) -> torch.Tensor:
    """Remove a modality's mean and renormalise, so that modalities can be compared: (n, 256)."""
    return F.normalize(z - mean, dim=1)


def start(layer: HashLayer, data: dict[str, LabelledEmbeddings]) -> None:
    """Put each threshold at its modality's mean projection, so that bits begin balanced."""
    with torch.no_grad():
        for i, modality in enumerate(layer.modalities):
            layer.threshold[i] = data[modality].z.mean(0) @ layer.weight.T


def pair_loss(
    layer: HashLayer,
    data: dict[str, LabelledEmbeddings],
    means: dict[str, torch.Tensor],
    a: str,
    b: str,
    *,
    plan: HashingPlan,
    rng: np.random.Generator,
) -> torch.Tensor:
    """Loss of one random batch of modality a against one of modality b, both ways."""
    margin, order = (0.0, 1.0) if a == b and a in plan.by_order else (plan.margin, plan.order)
    batch = {side: torch.from_numpy(rng.integers(0, len(data[m].z), plan.batch)) for side, m in (("a", a), ("b", b))}
    za, zb = (jittered(data[m].z[batch[side]], plan.jitter) for side, m in (("a", a), ("b", b)))
    positive = data[a].has_finding[batch["a"]].float() @ data[b].has_finding[batch["b"]].float().T > 0
    target = centred(za, means[a]) @ centred(zb, means[b]).T
    ua, ub = layer(za, a), layer(zb, b)
    loss = nested(ua, ub, target, positive, margin=margin, order=order)
    loss = loss + nested(ub, ua, target.T, positive.T, margin=margin, order=order)
    for relaxed in (ua, ub):
        loss = loss + plan.quantisation * quantisation(relaxed) + plan.balance * balance(relaxed)
        loss = loss + plan.decorrelation * decorrelation(relaxed)
    return loss


def train(
    data: dict[str, LabelledEmbeddings],
    modalities: tuple[str, ...],
    plan: HashingPlan,
    log: loop.Log,
    weight: torch.Tensor | None = None,
) -> HashLayer:
    """Return the trained layer; every pair of modalities takes its turn at each step in random order.

    weight : (256, 256) to begin with; a random orthogonal one otherwise
    """
    torch.manual_seed(plan.seed)
    layer, rng = HashLayer(modalities), np.random.default_rng(plan.seed)
    if weight is not None:
        layer.weight.data.copy_(weight)
    start(layer, data)
    means = {m: data[m].z.mean(0) for m in modalities}
    pairs = list(product(modalities, repeat=2))
    optim = torch.optim.Adam(layer.parameters(), lr=plan.rate)
    schedule = loop.cosine(optim, plan.steps)
    for step in range(plan.steps):
        chosen = [pairs[i] for i in rng.choice(len(pairs), 4, replace=False)]
        loss = torch.stack([pair_loss(layer, data, means, a, b, plan=plan, rng=rng) for a, b in chosen]).mean()
        loss = loss + plan.orthogonality * orthogonality(layer.weight)
        loop.step(loss, layer, optim, schedule)
        if (step + 1) % 250 == 0:
            log.write(stage="hash", step=step + 1, loss=float(loss.detach()))
    return layer.eval()
