"""One round: the last linear map of every head and the hash layer learn from ratings and from the original pairs.

Encoders stay, so the map M of a modality is all that a retrained head would change: normalise(M·normalise(Wx + b)) is
normalise(MWx + Mb). Stored embeddings stay those of the base release, and going back is exact.

Three things are asked of the new codes, at every length (hashing paper §5, nested codes):
  original pairs   studies that share a finding are each other's nearest, among them studies whose finding a rater
                   named (supervised contrast, Khosla et al. 2020, eq. 2)
  rated pairs      relevant ones nearer than a margin, irrelevant ones further, weighted by the rater's reliability; the
                   margin lies between the two kinds of mark as the present codes place them, so it follows the codes
  the release before   codes of the original pairs stay near what they were, against forgetting
"""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from engine.model.hash_layer import HashLayer
from engine.model.packing import BITS, LENGTHS
from engine.training.encoders import loop
from engine.training.encoders.augment import jittered
from engine.training.hashing.losses import straight_through
from engine.training.hashing.train import LabelledEmbeddings

Replay = dict[str, LabelledEmbeddings]
FAR_BELOW = -1e4  # a logit that no softmax sees
SAVED_EVERY = 10  # steps between two states that a fit which was killed goes on from
State = dict[str, Any]


@dataclass(frozen=True, eq=False)
class RatedPairs:
    """Rated pairs, p of them.

    zq, zs : (p, 256) float32, stored embeddings of queries and neighbours, before any map
    mq, ms : (p,) str, their modalities
    target : (p,) float32, relevant 1, partly 0.5, irrelevant 0
    weight : (p,) float32, how far the rater is relied on, 0 … 1, times what the query's group weighs in a round that is
             balanced by groups
    held   : (p, findings) bool, the finding that the rater had in mind; no True where it is not known
    """

    zq: np.ndarray
    zs: np.ndarray
    mq: np.ndarray
    ms: np.ndarray
    target: np.ndarray
    weight: np.ndarray
    has_finding: np.ndarray

    def __len__(self) -> int:
        return len(self.target)

    def take(self, selection: np.ndarray) -> RatedPairs:
        """Return a part of the pairs, by mask or by places."""
        parts = (self.zq, self.zs, self.mq, self.ms, self.target, self.weight, self.has_finding)
        return RatedPairs(*(part[selection] for part in parts))


@dataclass(frozen=True)
class FitPlan:
    """How long and how hard, chosen on `valid` by `casebind evaluate active-learning`.

    batch, named : original studies, and studies whose finding a rater named, of each modality in a step
    pairs        : rated pairs in a step
    rate         : of the hash layer; the maps learn at a third of it
    temperature  : of the contrast; slope : of the rated pairs' logistic
    names        : weight of a named study as one that asks, an original one has 1
    balance      : by what groups count equally (engine.learning.group_balance); "" for as they come
    proximal     : of half the squared distance from where the round began, which keeps sites of a federation together
                   (FedProx, Li et al. 2020, eq. 2); 0 elsewhere
    """

    steps: int = 150
    batch: int = 48
    named: int = 32
    pairs: int = 128
    rate: float = 2e-3
    temperature: float = 0.1
    slope: float = 0.1
    jitter: float = 0.3
    ratings: float = 1.0
    names: float = 2.0
    before: float = 0.3
    seed: int = 0
    balance: str = ""
    proximal: float = 0.0


@dataclass(frozen=True, eq=False)
class FittedRound:
    """What a round has learnt: a (256, 256) map per modality, and the hash layer's weight and thresholds."""

    heads: dict[str, np.ndarray]
    weight: np.ndarray
    threshold: np.ndarray
    history: list[dict[str, float]]


class Mapped(nn.Module):
    """A map per modality before a hash layer; embeddings (n, 256) → relaxed bits (n, 256)."""

    def __init__(self, layer: HashLayer, heads: dict[str, np.ndarray]) -> None:
        super().__init__()
        self.layer = copy.deepcopy(layer).requires_grad_(True)
        self.heads = nn.ParameterDict({m: torch.tensor(head, dtype=torch.float32) for m, head in heads.items()})

    def mapped(self, z: torch.Tensor, modality: str) -> torch.Tensor:
        """Map and normalise: (n, 256) → (n, 256)."""
        return F.normalize(z @ self.heads[modality].T, dim=1)

    def forward(self, z: torch.Tensor, modality: str) -> torch.Tensor:
        """Map, normalise, hash."""
        return self.layer(self.mapped(z, modality), modality)


@dataclass(frozen=True, eq=False)
class Batch:
    """One step's studies of all modalities: relaxed bits u (n, 256) now and before, findings, modality, weight."""

    u: torch.Tensor
    before: torch.Tensor
    has_finding: torch.Tensor
    modality: torch.Tensor
    weight: torch.Tensor


def contrastive_loss(
    u: torch.Tensor, has_finding: torch.Tensor, modality: torch.Tensor, weight: torch.Tensor, tau: float
) -> torch.Tensor:
    """Supervised contrast between relaxed bits and codes, each modality's codes a gallery of its own; mean of lengths.

    u (n, 256), has_finding (n, findings) float, modality (n,) int, weight (n,) of each study as the one that asks
    """
    codes, others = straight_through(u), ~torch.eye(len(u), dtype=torch.bool)
    share = ((has_finding @ has_finding.T > 0) & others).float()
    kinds = [modality == kind for kind in modality.unique()]
    total = u.sum() * 0
    for mine in kinds:
        wanted = share[:, mine]
        asks = weight * (wanted.sum(1) > 0)
        # each asking modality counts alike, however many studies of it stand in the batch
        asks = sum(asks * one / (asks * one).sum().clamp(min=1e-6) for one in kinds)
        aim = wanted * (asks / wanted.sum(1).clamp(min=1))[:, None]
        for bits in LENGTHS:
            logits = (u[:, :bits] @ codes[mine, :bits].T / (bits * tau)).masked_fill(~others[:, mine], FAR_BELOW)
            total = total - (aim * torch.log_softmax(logits, 1)).sum()
    return total / len(LENGTHS) / len(kinds) ** 2


def margin_of(similarity: torch.Tensor, target: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Return the similarity half-way between relevant and irrelevant pairs as they lie now: (p,) → scalar."""
    kinds = (weight * target, weight * (1 - target))
    means = [(similarity * share).sum() / share.sum() for share in kinds if share.sum() > 0]
    return torch.stack(means).mean().detach() if means else similarity.new_zeros(())


def rated_loss(
    uq: torch.Tensor, us: torch.Tensor, target: torch.Tensor, weight: torch.Tensor, slope: float
) -> torch.Tensor:
    """Logistic loss of rated pairs' similarity, relaxed bits against codes, around the margin; mean of lengths."""
    total = uq.sum() * 0
    for bits in LENGTHS:
        similarity = (uq[:, :bits] * straight_through(us)[:, :bits]).mean(1)
        logits = (similarity - margin_of(similarity, target, weight)) / slope
        each = F.binary_cross_entropy_with_logits(logits, target, reduction="none")
        total = total + (each * weight).sum() / weight.sum().clamp(min=1e-6)
    return total / len(LENGTHS)


def named_studies(pairs: RatedPairs) -> dict[str, LabelledEmbeddings]:
    """Return the studies whose finding a rater named, by modality: every query, and a neighbour marked relevant.

    A study rated several times stands there as often as it was named.
    """
    known = pairs.has_finding.any(1) & (pairs.weight > 0)
    hits = known & (pairs.target == 1)
    out = {}
    for modality in np.unique(np.concatenate([pairs.mq, pairs.ms])):
        q, s = known & (pairs.mq == modality), hits & (pairs.ms == modality)
        z = np.concatenate([pairs.zq[q], pairs.zs[s]]).astype(np.float32)
        if len(z):
            held = np.concatenate([pairs.has_finding[q], pairs.has_finding[s]])
            out[str(modality)] = LabelledEmbeddings(torch.from_numpy(z), torch.from_numpy(held))
    return out


def fit(
    layer: HashLayer,
    heads: dict[str, np.ndarray],
    pairs: RatedPairs,
    replay: Replay,
    plan: FitPlan,
    *,
    asks: Mapping[str, torch.Tensor] | None = None,
    saved: State | None = None,
    save: Callable[[State], object] = lambda state: None,
) -> FittedRound:
    """Return what a round learns; from a saved state, what it would have learnt without having been stopped.

    layer, heads : of the release before, whose maps are the identity where it has none
    asks         : modality → (n,) float, what each original study weighs as one that asks; 1 for all without
    save         : called with the state, whose `step` counts those done, every SAVED_EVERY steps and after the last;
                   what it raises ends the round
    """
    torch.manual_seed(plan.seed)
    rng = np.random.default_rng(plan.seed)
    model, old, named = Mapped(layer, heads), Mapped(layer, heads).requires_grad_(False), named_studies(pairs)
    slow, quick = {"params": model.heads.parameters(), "lr": plan.rate / 3}, model.layer.parameters()
    optim = torch.optim.Adam([{"params": quick, "lr": plan.rate}, slow])
    schedule, history, first = loop.cosine(optim, plan.steps), [], 0
    parts_of_state: dict[str, Any] = {"model": model, "optim": optim, "schedule": schedule}
    if saved is not None:
        first, history = saved["step"], saved["history"]
        for name, part in parts_of_state.items():
            part.load_state_dict(saved[name])
        torch.set_rng_state(saved["noise"])
        rng.bit_generator.state = json.loads(saved["choices"])
    for step in range(first, plan.steps):
        batch = _batch(model, old, replay, named, plan=plan, rng=rng, asks=asks or {})
        parts = {
            "contrast": contrastive_loss(batch.u, batch.has_finding, batch.modality, batch.weight, plan.temperature),
            "before": plan.before * ((batch.u - batch.before) ** 2).mean(),
            "ratings": plan.ratings * _ratings(model, pairs.take(rng.permutation(len(pairs))[: plan.pairs]), plan),
        }
        if plan.proximal:
            parts["proximal"] = plan.proximal / 2 * _squared_distance(model, old)
        optim.zero_grad()
        sum(parts.values()).backward()  # type: ignore[union-attr]
        optim.step()
        schedule.step()
        history.append({name: float(part.detach()) for name, part in parts.items()})
        if (step + 1) % SAVED_EVERY == 0 or step + 1 == plan.steps:
            states = {name: part.state_dict() for name, part in parts_of_state.items()}
            drawn = {"noise": torch.get_rng_state(), "choices": json.dumps(rng.bit_generator.state)}
            save({"step": step + 1, "history": history, **states, **drawn})
    state = model.layer.state_dict()
    maps = {m: head.detach().numpy().copy() for m, head in model.heads.items()}
    return FittedRound(maps, state["weight"].numpy().copy(), state["threshold"].numpy().copy(), history)


def _squared_distance(model: Mapped, other: Mapped) -> torch.Tensor:
    """Return the squared distance between the numbers of two models of one shape."""
    pairs = zip(model.parameters(), other.parameters(), strict=True)
    return torch.stack([((mine - its) ** 2).sum() for mine, its in pairs]).sum()


def _batch(
    model: Mapped,
    old: Mapped,
    replay: Replay,
    named: Replay,
    *,
    plan: FitPlan,
    rng: np.random.Generator,
    asks: Mapping[str, torch.Tensor],
) -> Batch:
    """Draw original and named studies of every modality and hash them by the new and by the old model."""
    parts = []
    for number, modality in enumerate(replay):
        drawn = [_drawn(replay[modality], plan.batch, rng, asks.get(modality))]
        if modality in named and plan.names > 0:
            drawn.append(_drawn(named[modality], plan.named, rng, torch.full((len(named[modality].z),), plan.names)))
        z, held, weight = (torch.cat(part) for part in zip(*drawn, strict=True))
        z = jittered(z, plan.jitter)
        with torch.no_grad():
            before = old(z, modality)
        parts.append((model(z, modality), before, held.float(), torch.full((len(z),), number), weight))
    return Batch(*(torch.cat(part) for part in zip(*parts, strict=True)))


def _drawn(
    source: LabelledEmbeddings, most: int, rng: np.random.Generator, weight: torch.Tensor | None
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Draw studies: embeddings, findings, and what each weighs as one that asks."""
    chosen = torch.from_numpy(rng.permutation(len(source.z))[:most])
    weight = torch.ones(len(source.z)) if weight is None else weight
    return source.z[chosen], source.has_finding[chosen], weight[chosen]


def _ratings(model: Mapped, marked: RatedPairs, plan: FitPlan) -> torch.Tensor:
    """Hash both sides of every rated pair and return their loss."""
    if not len(marked) or not marked.weight.any():
        return torch.zeros(())
    uq, us = _hashed(model, marked.zq, marked.mq, plan), _hashed(model, marked.zs, marked.ms, plan)
    return rated_loss(uq, us, torch.from_numpy(marked.target), torch.from_numpy(marked.weight), plan.slope)


def _hashed(model: Mapped, z: np.ndarray, modality: np.ndarray, plan: FitPlan) -> torch.Tensor:
    """Relaxed bits of embeddings of mixed modalities: (p, 256) → (p, 256)."""
    u = torch.zeros(len(z), BITS)
    for kind in np.unique(modality):
        mine = torch.from_numpy(np.flatnonzero(modality == kind))
        u = u.index_put((mine,), model(jittered(torch.from_numpy(z)[mine], plan.jitter), str(kind)))
    return u
