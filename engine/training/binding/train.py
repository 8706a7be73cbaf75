"""Bind films, ECGs, PPGs and texts in one space: TMCL to text, EMCL and cycle between real pairs, shared findings.

Switches, for ablations: `emcl=0, cycle=0` is MEDBind-NM; `modalities=("ecg",)` an ECG-CLIP; `findings=0, probe=0` the
losses of the paper alone.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from engine.model.heads import SPACE, Tower
from engine.training.binding import edges as edges_module
from engine.training.binding.losses import tmcl
from engine.training.binding.modality_sides import BindingSide, Inputs, inputs_of, side_of
from engine.training.binding.reduction import Reduction, reduction_of
from engine.training.binding.validate import validate
from engine.training.data.captions import Captions, draw_captions, true_of
from engine.training.data.prepared import Prepared
from engine.training.data.simultaneous import SimultaneousWindows
from engine.training.encoders import loop
from engine.training.encoders.augment import jittered

EDGES = ("cxr", "ecg", "ppg")
BOUND = (*EDGES, "text")
SCALE = 10.0  # of embeddings of length 1 before the linear probe


@dataclass(frozen=True)
class BindingPlan:
    """How long and how hard, and the weight of each loss; a weight of 0 leaves its loss out.

    modalities : those bound to text           live  : of these, the ones whose encoders learn on
    learn      : those whose heads learn; the others stay as they are, and hold the space where it is
    reduced    : those whose features are reduced first (engine.training.binding.reduction), and begin anew
    pairs      : real pairs per batch, m of eq. 2
    hard       : share of a text batch that are studies near the others without sharing a finding
    findings   : contrast by shared finding between two modalities        probe : findings read from the embedding
    words      : length of the noise added to sentence vectors of length 1, so that words nobody taught stay near
    middle     : holds every modality's mean embedding at the origin, so that none lies apart from the others
    erase      : whether view and sex are taken out of films' embeddings afterwards
    """

    epochs: int = 20
    steps: int = 40  # per epoch
    batch: int = 128
    pairs: int = 96
    rate: float = 1e-3
    encoder_share: float = 0.05
    decay: float = 0.1
    ema_decay: float = 0.99  # of the running mean of the weights, per step: it is what is validated and kept
    modalities: tuple[str, ...] = EDGES
    live: tuple[str, ...] = ()
    learn: tuple[str, ...] = BOUND
    reduced: tuple[str, ...] = ("cxr",)
    reduced_share: float = 0.3  # of the rate, for heads on reduced features
    views: int = 4
    hard: float = 0.25
    emcl: float = 1.0
    cycle: float = 0.2
    findings: float = 3.0
    probe: float = 3.0
    middle: float = 5.0
    words: float = 0.5
    erase: bool = True
    seed: int = 0

    def learns(self, *modalities: str) -> bool:
        """Whether the head of any of these learns."""
        return not set(self.learn).isdisjoint(modalities)

    def reduces(self, modality: str) -> bool:
        """Whether a modality's features are reduced before its head learns from them."""
        return modality in self.reduced and modality in self.learn and modality not in self.live


class Binding(nn.Module):
    """Four bound encoders, together."""

    def __init__(self) -> None:
        super().__init__()
        self.towers = nn.ModuleDict({modality: Tower(modality) for modality in BOUND})

    def tower(self, modality: str) -> Tower:
        """Return one modality's way into the space."""
        way = self.towers[modality]
        if not isinstance(way, Tower):
            raise TypeError(f"{modality} is not bound")
        return way


@dataclass
class Material:
    """All that is drawn from in training."""

    sides: dict[str, BindingSide]
    edges: list[edges_module.Edge]
    captions: Captions
    vectors: torch.Tensor
    hard_negatives: dict[
        str, np.ndarray
    ]  # per modality: for each train row its hardest negatives (train, k); empty at first


def gather(
    model: Binding,
    datas: dict[str, Prepared],
    windows: SimultaneousWindows | None,
    captions: Captions,
    plan: BindingPlan,
) -> Material:
    """Put everything on the device and compute frozen encoders' features.

    Simultaneous windows are seen as they are: a view that is moved or cut short would not be of the same moment.
    """

    def inputs(modality: str, arrays: dict[str, np.ndarray], views: int) -> Inputs:
        encoder, live = model.tower(modality).encoder, modality in plan.live
        return inputs_of(modality, encoder, arrays, live=live, views=views, seed=plan.seed + 1)

    sides = {m: side_of(inputs(m, datas[m].inputs, plan.views), datas[m], captions) for m in plan.modalities}
    cut: list[edges_module.Edge] = []
    if windows is not None and {"ppg", "ecg"} <= set(sides):
        train = np.flatnonzero(windows.splits == "train")
        a, b = (inputs(m, windows.inputs[m], 1) for m in ("ppg", "ecg"))
        cut = [edges_module.Edge(a, b, np.stack([train, train], 1))]
    rows = edges_module.row_edges(sides, {frozenset(("ppg", "ecg"))} if cut else set())
    return Material(sides, cut + rows, captions, torch.from_numpy(captions.vectors).to(loop.device()), {})


def nearest_unrelated(z: np.ndarray, has_finding: np.ndarray, k: int = 20) -> np.ndarray:
    """Return for each study the k nearest that share no finding with it: z (n, 256), held (n, findings) → (n, k)."""
    apart = has_finding.astype(np.float32) @ has_finding.T.astype(np.float32) == 0
    return np.argsort(np.where(apart, -(z @ z.T), np.inf), axis=1)[:, :k]


def draw_batch(
    side: BindingSide, hard_negatives: np.ndarray | None, plan: BindingPlan, choice: np.random.Generator
) -> np.ndarray:
    """Draw a batch of train rows without repetition: random ones, and hard negatives of them."""
    n = min(plan.batch, len(side.train))
    order = choice.permutation(len(side.train))
    if hard_negatives is None or not plan.hard:
        return side.train[order[:n]]
    anchors = order[: n - int(plan.hard * n)]
    hard = hard_negatives[anchors, choice.integers(0, hard_negatives.shape[1], len(anchors))]
    return side.train[list(dict.fromkeys([*anchors, *hard]))[:n]]


def text_loss(
    model: Binding, modality: str, material: Material, plan: BindingPlan, rngs: loop.Rngs
) -> tuple[torch.Tensor, ...]:
    """TMCL of one batch of one modality, divided by its size; also the batch's embeddings and findings."""
    side, captions = material.sides[modality], material.captions
    index = draw_batch(side, material.hard_negatives.get(modality), plan, rngs.choice)
    numbers = draw_captions([side.data.rows[i] for i in index], captions, rngs.choice)
    positive = torch.from_numpy(true_of(numbers, captions, side.has_finding[index])).to(material.vectors.device)
    z = side.batch(model.tower(modality), index, rngs)
    words = jittered(material.vectors[torch.from_numpy(numbers)], plan.words, rngs.noise)
    text = model.tower("text")(x=words)
    return tmcl(text, z, positive) / len(index), z, torch.from_numpy(side.has_finding[index]).to(z)


def probe_loss(probe: nn.Module, z: torch.Tensor, has_finding: torch.Tensor) -> torch.Tensor:
    """Binary cross-entropy of findings read linearly from embeddings; studies without any finding do not count."""
    known = has_finding.any(1)
    return F.binary_cross_entropy_with_logits(probe(SCALE * z[known]), has_finding[known])


def step_loss(
    model: Binding, probes: nn.ModuleDict, material: Material, plan: BindingPlan, rngs: loop.Rngs
) -> torch.Tensor:
    """All losses of one step: text and probe of every modality, every edge, two modalities by shared finding."""
    total = torch.zeros((), device=material.vectors.device)
    for modality in filter(lambda name: plan.learns(name, "text"), material.sides):
        text, z, held = text_loss(model, modality, material, plan, rngs)
        total = total + text + (plan.probe * probe_loss(probes[modality], z, held) if plan.probe else 0)
        total = total + plan.middle * (z.mean(0) ** 2).sum()
    if plan.emcl or plan.cycle:
        for one in (edge for edge in material.edges if plan.learns(edge.a.modality, edge.b.modality)):
            total = total + edges_module.edge_loss(
                model.towers, one, pairs=plan.pairs, n=plan.batch, weights=(plan.emcl, plan.cycle), rngs=rngs
            )
    if plan.findings:
        names = list(material.sides)
        a, b = (material.sides[names[i]] for i in rngs.choice.integers(0, len(names), 2))
        if edges_module.shared(a, b).any() and plan.learns(a.modality, b.modality):
            total = total + plan.findings * edges_module.finding_loss(model.towers, a, b, plan.batch, rngs)
    return total


def mine_hard_negatives(model: Binding, material: Material) -> None:
    """Find every train study's hardest negatives anew."""
    for modality, side in material.sides.items():
        material.hard_negatives[modality] = nearest_unrelated(
            side.embed(model.tower(modality), side.train), side.has_finding[side.train]
        )


def optimiser(model: Binding, probes: nn.Module, plan: BindingPlan) -> torch.optim.AdamW:
    """Heads and probes at the plan's rate, live encoders at a share of it."""
    heads = {m: [*model.tower(m).head.parameters()] for m in (*plan.modalities, "text") if plan.learns(m)}
    encoders = [p for m in plan.live for p in model.tower(m).encoder.parameters()]
    wide, reduced = ([p for m, own in heads.items() if plan.reduces(m) is of for p in own] for of in (False, True))
    return torch.optim.AdamW(
        [
            {"params": [*wide, *probes.parameters()], "lr": plan.rate},
            {"params": reduced, "lr": plan.rate * plan.reduced_share},
            {"params": encoders, "lr": plan.rate * plan.encoder_share},
        ],
        weight_decay=plan.decay,
    )


def reduce(model: Binding, side: BindingSide) -> Reduction:
    """Reduce the features of one modality's studies, and put a head on them: as they are, turned; return the map."""
    if side.views is None:
        raise TypeError("an encoder that learns on has no fixed features")
    train = side.data.where("train")
    datasets = np.array([side.data.rows[i].dataset for i in train])
    plain = side.views[0, torch.from_numpy(train)].cpu().numpy()
    found = reduction_of(plain, side.has_finding[train], datasets)
    found = Reduction(found.matrix.to(side.views), found.offset.to(side.views))
    side.views = found(side.views)
    head = nn.Linear(SPACE, SPACE, device=side.views.device)
    nn.init.orthogonal_(head.weight)
    nn.init.zeros_(head.bias)
    model.tower(side.modality).head = head
    return found


def bind(
    model: Binding,
    datas: dict[str, Prepared],
    windows: SimultaneousWindows | None,
    captions: Captions,
    *,
    plan: BindingPlan,
    log: loop.Log,
) -> Binding:
    """Gather the material and train; see `fit`. Heads on reduced features end as heads on features."""
    model.to(loop.device())
    material = gather(model, datas, windows, captions, plan)
    reductions = {m: reduce(model, side) for m, side in material.sides.items() if plan.reduces(m)}
    bound = fit(model, material, plan, log)
    for modality, reduction in reductions.items():
        tower = bound.tower(modality)
        tower.head = reduction.join(tower.head)
    return bound


def fit(model: Binding, material: Material, plan: BindingPlan, log: loop.Log) -> Binding:
    """Train on what is gathered; return the running mean of the weights at the end of the schedule.

    The figures on `valid` are logged, to choose between plans; they are too noisy to choose between epochs of one.
    """
    findings = next(iter(material.sides.values())).has_finding.shape[1]
    probes = nn.ModuleDict({m: nn.Linear(SPACE, findings) for m in material.sides}).to(loop.device())
    draw, optim = loop.Rngs.seeded(plan.seed), optimiser(model, probes, plan)
    schedule = loop.cosine(optim, plan.epochs * plan.steps)
    both, mean, step = nn.ModuleList([model, probes]), copy.deepcopy(model), 0
    for epoch in range(plan.epochs):
        model.train()
        for _ in range(plan.steps):
            loss = step_loss(model, probes, material, plan, draw)
            loop.step(loss, both, optim, schedule)
            step += 1
            loop.update_ema(mean, model, step, plan.ema_decay)
        scores = validate(mean.towers, material.sides, material.captions)
        value = float(np.mean(list(scores.values()))) if scores else 0.0
        log.write(stage="bind", epoch=epoch + 1, loss=float(loss.detach()), valid=value, **scores)
        if plan.hard:
            mine_hard_negatives(mean, material)
    return mean
