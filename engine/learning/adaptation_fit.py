"""Bind a workspace's own pairs: the map of every modality first, then the hash layer, from stored embeddings.

The losses are those of the shipped binding (engine.training.binding.losses): EMCL and cycle between two recordings of
one visit (MEDBind eq. 2), TMCL between a recording and its report (eq. 1), contrast by shared finding between the
labelled studies. Maps start at those of the release before and are drawn back to them; pairs of patients set apart
choose the step at which they stop, so that where nothing can be learnt nothing changes.

Every step draws from its own number, so a fit that goes on from a saved state makes the same as one that never stopped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from engine.findings import is_shareable, sharing
from engine.learning.adaptation_data import LEARN, VALID, AdaptationData, Kinds
from engine.learning.fit import FittedRound, Mapped
from engine.learning.round_data import Pool
from engine.model.hash_layer import HashLayer
from engine.training.binding.edges import balanced
from engine.training.binding.losses import cycle, emcl, tmcl
from engine.training.encoders import loop
from engine.training.encoders.augment import jittered
from engine.training.hashing.losses import balance, nested, quantisation
from engine.training.hashing.train import centred

TEXT = "text"
SAME_TEXT = 0.9999  # cosine from which two texts are the same words (MEDBind §2.2: identical texts are positives)
MIN_PAIRS = 20  # to learn from, of two modalities; fewer are left out
MOST_VALID = 512  # pairs of two modalities that choose when to stop
Save = Callable[[dict[str, Any]], None]
State = dict[str, Any]


@dataclass(frozen=True)
class AdaptationPlan:
    """How long and how hard.

    pairs    : of two modalities in a step; batch : n of MEDBind eq. 2, and labelled studies in a step
    decay    : towards the maps before;  jitter : noise on embeddings, as a share of their length
    check    : steps between two looks at the pairs that choose when to stop; so often is the state saved
    findings, cycle          : weights of the losses beside EMCL and TMCL
    before, before_codes     : weights of staying near what maps and codes were
    encoders : whether the towers of films and ECGs are adapted too, which reads every stored one
    """

    steps: int = 600
    hash_steps: int = 300
    pairs: int = 96
    batch: int = 128
    rate: float = 5e-4
    hash_rate: float = 1e-3
    decay: float = 1.0
    jitter: float = 0.5
    check: int = 30
    findings: float = 0.5
    cycle: float = 0.2
    before: float = 3.0
    before_codes: float = 0.5
    seed: int = 0
    encoders: bool = False


class Maps(nn.Module):
    """The maps before plus what is added to them: embeddings (n, 256) → (n, 256) of length 1."""

    def __init__(self, heads: Mapping[str, np.ndarray]) -> None:
        super().__init__()
        self.start = {m: torch.tensor(head, dtype=torch.float32) for m, head in heads.items()}
        self.added = nn.ParameterDict({m: torch.zeros(256, 256) for m in heads})

    def forward(self, z: torch.Tensor, modality: str) -> torch.Tensor:
        """Map and normalise."""
        return F.normalize(z @ (self.start[modality] + self.added[modality]).T, dim=1)

    def before(self, z: torch.Tensor, modality: str) -> torch.Tensor:
        """Map as the release before does."""
        return F.normalize(z @ self.start[modality].T, dim=1)

    def heads(self) -> dict[str, np.ndarray]:
        """Return modality → (256, 256) float32."""
        return {m: (self.start[m] + added.detach()).numpy() for m, added in self.added.items()}


def fit_maps(
    heads: Mapping[str, np.ndarray], data: AdaptationData, plan: AdaptationPlan, *, saved: State | None, save: Save
) -> dict[str, np.ndarray]:
    """Return modality → map, the best by the pairs that choose when to stop.

    heads : maps of the release before
    saved : what `save` was given last by a fit that was stopped; None to begin
    save  : called after every check with everything that is needed to go on; what it raises ends the fit
    """
    model, batches = Maps(heads), _Batches(data, plan)
    optim = torch.optim.AdamW(model.added.parameters(), lr=plan.rate, weight_decay=plan.decay)
    schedule = loop.cosine(optim, plan.steps)
    best, least, first = _copy(model), batches.stopping_loss(model), 0
    if saved is not None:
        first, best, least = saved["step"], saved["best"], saved["least"]
        model.load_state_dict(saved["model"])
        optim.load_state_dict(saved["optim"])
        schedule.load_state_dict(saved["schedule"])
    for step in range(first, plan.steps if batches.teach else 0):
        loss = batches.loss(model, step)
        loop.step(loss, model, optim, schedule)
        if (step + 1) % plan.check == 0 or step + 1 == plan.steps:
            found = batches.stopping_loss(model)
            if found < least:
                best, least = _copy(model), found
            parts = (("model", model), ("optim", optim), ("schedule", schedule))
            save({"step": step + 1, "best": best, "least": least, **{name: one.state_dict() for name, one in parts}})
    model.load_state_dict(best)
    return model.heads()


def fit_hash(
    layer: HashLayer,
    heads: Mapping[str, np.ndarray],
    before: Mapping[str, np.ndarray],
    data: AdaptationData,
    plan: AdaptationPlan,
    *,
    saved: State | None,
    save: Save,
) -> FittedRound:
    """Return maps and the hash layer fitted to them, beginning with the layer and the maps before; as `fit_maps`."""
    model = Mapped(layer, dict(heads))
    old = Mapped(layer, dict(before)).requires_grad_(False)
    model.heads.requires_grad_(False)
    batches = _CodeBatches(model, old, data, plan)
    optim = torch.optim.Adam(model.layer.parameters(), lr=plan.hash_rate)
    schedule, first = loop.cosine(optim, plan.hash_steps), 0
    if saved is not None:
        first = saved["step"]
        model.load_state_dict(saved["model"])
        optim.load_state_dict(saved["optim"])
        schedule.load_state_dict(saved["schedule"])
    for step in range(first, plan.hash_steps if batches.teach else 0):
        loop.step(batches.loss(step), model, optim, schedule)
        if (step + 1) % plan.check == 0 or step + 1 == plan.hash_steps:
            parts = (("model", model), ("optim", optim), ("schedule", schedule))
            save({"step": step + 1, **{name: one.state_dict() for name, one in parts}})
    state = model.layer.state_dict()
    return FittedRound(dict(heads), state["weight"].numpy().copy(), state["threshold"].numpy().copy(), [])


def _copy(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in model.state_dict().items()}


def _seeded(plan: AdaptationPlan, stage: int, step: int) -> np.random.Generator:
    """Seed the noise of one step, and return its generator of choices."""
    torch.manual_seed((plan.seed * 10 + stage) * 1_000_000 + step)
    return np.random.default_rng([plan.seed, stage, step])


def _learnt(data: AdaptationData) -> list[Kinds]:
    """Return the two modalities of which there are pairs enough."""
    return [kinds for kinds, one in data.pairs.items() if len(one.of(LEARN)) >= MIN_PAIRS]


def _taken(data: AdaptationData, kinds: Kinds, rows: np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
    """Return the embeddings of some pairs, (p, 256) each."""
    a, b = (torch.from_numpy(np.array(data.sides[kind][rows[:, i]])) for i, kind in enumerate(kinds))
    return a, b


def pair_loss(
    model: Maps, data: AdaptationData, kinds: Kinds, rows: np.ndarray, *, plan: AdaptationPlan, jitter: float
) -> torch.Tensor:
    """Return the loss of some pairs: TMCL where one side is text, else EMCL and cycle; divided by their number."""
    plain = _taken(data, kinds, rows)
    a, b = (model(jittered(z, jitter) if jitter else z, kind) for z, kind in zip(plain, kinds, strict=True))
    if TEXT in kinds:
        words = plain[kinds.index(TEXT)]
        same = words @ words.T > SAME_TEXT
        text, z = (a, b) if kinds[0] == TEXT else (b, a)
        return tmcl(text, z, same) / len(rows)
    return (emcl(a, b, max(plan.batch, len(rows))) + plan.cycle * cycle(a, b)) / len(rows)


class _Batches:
    """Draws the steps of the maps, and looks at the pairs that choose when to stop."""

    def __init__(self, data: AdaptationData, plan: AdaptationPlan) -> None:
        self.data, self.plan, self.kinds = data, plan, _learnt(data)
        self.pools = {m: pool for m, pool in data.labels.replay.items() if pool.has_finding.any()}
        self.shared = [
            (a, b)
            for a in self.pools
            for b in self.pools
            if (self.pools[a].has_finding.any(0) & self.pools[b].has_finding.any(0) & is_shareable()).any()
        ]

    @property
    def teach(self) -> bool:
        """Whether there is anything to learn from: pairs enough of two modalities, or labelled studies."""
        return bool(self.kinds or self.pools)

    def loss(self, model: Maps, step: int) -> torch.Tensor:
        """Return one step's loss: every two modalities with pairs, one draw of shared findings, what was before."""
        plan, rng = self.plan, _seeded(self.plan, 0, step)
        total = torch.zeros(())
        for kinds in self.kinds:
            rows = self.data.pairs[kinds].of(LEARN)
            rows = rows[rng.choice(len(rows), min(plan.pairs, len(rows)), replace=False)]
            total = total + pair_loss(model, self.data, kinds, rows, plan=plan, jitter=plan.jitter)
        if self.shared and plan.findings:
            a, b = self.shared[int(rng.integers(len(self.shared)))]
            total = total + plan.findings * self._finding_loss(model, a, b, rng)
        return total + plan.before * self._kept(model, rng)

    def stopping_loss(self, model: Maps) -> float:
        """Return the mean loss of the pairs that choose when to stop; 0 where there are none."""
        found = []
        with torch.no_grad():
            for kinds in self.kinds:
                rows = self.data.pairs[kinds].of(VALID)[:MOST_VALID]
                if len(rows) > 1:
                    loss = float(pair_loss(model, self.data, kinds, rows, plan=self.plan, jitter=0.0))
                    found.append(loss / np.log(len(rows)))
        return float(np.mean(found)) if found else 0.0

    def _finding_loss(self, model: Maps, a: str, b: str, rng: np.random.Generator) -> torch.Tensor:
        """Contrast by shared finding; a patient is never their own positive (engine.training.binding.edges)."""
        one, other = self.pools[a], self.pools[b]
        both = one.has_finding.any(0) & other.has_finding.any(0) & is_shareable()
        i, j = (_balanced(pool, both, self.plan.batch, rng) for pool in (one, other))
        positive = sharing(one.has_finding[i] & both, other.has_finding[j] & both)
        positive &= one.patients[i][:, None] != other.patients[j][None]
        za, zb = (
            model(jittered(torch.from_numpy(pool.z[rows]), self.plan.jitter), kind)
            for pool, rows, kind in ((one, i, a), (other, j, b))
        )
        return tmcl(za, zb, torch.from_numpy(positive)) / len(i)

    def _kept(self, model: Maps, rng: np.random.Generator) -> torch.Tensor:
        """Mean squared move of labelled studies from where the release before has them."""
        total = torch.zeros(())
        for kind, pool in self.pools.items():
            z = torch.from_numpy(pool.z[rng.choice(len(pool), min(self.plan.batch, len(pool)), replace=False)])
            total = total + ((model(z, kind) - model.before(z, kind)) ** 2).sum(1).mean()
        return total / max(1, len(self.pools))


def _balanced(pool: Pool, both: np.ndarray, n: int, rng: np.random.Generator) -> np.ndarray:
    rows = np.flatnonzero(pool.has_finding[:, both].any(1))
    return balanced(pool.has_finding & both, rows, n, rng)


class _CodeBatches:
    """Draws the steps of the hash layer: pairs of visits and labelled studies, mapped."""

    def __init__(self, model: Mapped, old: Mapped, data: AdaptationData, plan: AdaptationPlan) -> None:
        self.model, self.old, self.data, self.plan = model, old, data, plan
        self.kinds, self.pools = _learnt(data), data.labels.replay
        with torch.no_grad():
            self.means = {m: self._mapped(pool.z, m).mean(0) for m, pool in self.pools.items()}
            for kinds in self.kinds:
                for z, kind in zip(_taken(data, kinds, data.pairs[kinds].of(LEARN)), kinds, strict=True):
                    self.means.setdefault(kind, self._mapped(z.numpy(), kind).mean(0))

    @property
    def teach(self) -> bool:
        """Whether there is anything to learn from: pairs enough of two modalities, or labelled studies."""
        return bool(self.kinds or self.pools)

    def loss(self, step: int) -> torch.Tensor:
        """Return the loss of one step: two pairs of modalities by visits, two by findings, what was before."""
        rng, plan = _seeded(self.plan, 1, step), self.plan
        losses = []
        for kinds in [self.kinds[i] for i in rng.permutation(len(self.kinds))[:2]]:
            rows = self.data.pairs[kinds].of(LEARN)
            chosen = rows[rng.choice(len(rows), min(plan.batch, len(rows)), replace=False)]
            za, zb = _taken(self.data, kinds, chosen)
            losses.append(self._nested(za, zb, kinds, torch.eye(len(chosen), dtype=torch.bool)))
        names = list(self.pools)
        for _ in range(2 if names else 0):
            a, b = (names[int(i)] for i in rng.integers(0, len(names), 2))
            i, j = (rng.choice(len(self.pools[m]), min(plan.batch, len(self.pools[m])), replace=False) for m in (a, b))
            held = [torch.from_numpy(self.pools[m].has_finding[rows]).float() for m, rows in ((a, i), (b, j))]
            za, zb = (torch.from_numpy(self.pools[m].z[rows]) for m, rows in ((a, i), (b, j)))
            losses.append(self._nested(za, zb, (a, b), held[0] @ held[1].T > 0))
        return torch.stack(losses).mean()

    def _nested(self, a: torch.Tensor, b: torch.Tensor, kinds: Kinds, positive: torch.Tensor) -> torch.Tensor:
        """Codes of one side learn from the mapped embeddings of the other, both ways, and stay near what they were."""
        za, zb = (self.model.mapped(jittered(z, self.plan.jitter / 2), m) for z, m in zip((a, b), kinds, strict=True))
        target = centred(za, self.means[kinds[0]]) @ centred(zb, self.means[kinds[1]]).T
        ua, ub = self.model.layer(za, kinds[0]), self.model.layer(zb, kinds[1])
        loss = nested(ua, ub, target, positive, margin=3.0, order=0.5)
        loss = loss + nested(ub, ua, target.T, positive.T, margin=3.0, order=0.5)
        for u in (ua, ub):
            loss = loss + 0.05 * quantisation(u) + 0.5 * balance(u)
        kept = [((u - self.old(z, m)) ** 2).mean() for u, z, m in ((ua, a, kinds[0]), (ub, b, kinds[1]))]
        return loss + self.plan.before_codes * (kept[0] + kept[1])

    def _mapped(self, z: np.ndarray, modality: str) -> torch.Tensor:
        return self.model.mapped(torch.from_numpy(np.asarray(z, np.float32)), modality)
