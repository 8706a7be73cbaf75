"""Bind films, ECGs, PPGs and texts in one space: TMCL to text, EMCL and cycle between PPG and the ECG beside it.

Films and ECGs never share a patient in the open recordings: they meet through text and findings alone.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from engine.binding.heads import Bound
from engine.binding.losses import cycle, emcl, tmcl
from engine.cohorts.captions import Captions, choose, many_hot, true_of
from engine.cohorts.prepared import Prepared
from engine.encoders import loop
from engine.encoders.tune import view
from engine.measure.ranking import precision_at, ranked_relevance

EDGES = ("cxr", "ecg", "ppg")
LEAST_STUDIES, LEAST_PATIENTS = 20, 5  # for a data set to count in validation


@dataclass(frozen=True)
class Plan:
    """How long and how hard; weights of EMCL and cycle are switches for ablation (MEDBind-NM is emcl=0).

    live  : modalities whose encoders learn on; the others' features are computed once, in `views` random views
    pairs : simultaneous PPG and ECG windows per batch, m of eq. 2
    """

    epochs: int = 25
    steps: int = 40  # per epoch
    batch: int = 128
    pairs: int = 48
    rate: float = 1e-3
    encoder_share: float = 0.05
    live: tuple[str, ...] = ()
    views: int = 4
    emcl: float = 1.0
    cycle: float = 0.2
    seed: int = 0


class Binding(nn.Module):
    """Four bound encoders, together."""

    def __init__(self) -> None:
        super().__init__()
        self.ways = nn.ModuleDict({modality: Bound(modality) for modality in (*EDGES, "text")})

    def way(self, modality: str) -> Bound:
        """Return one modality's way into the space."""
        way = self.ways[modality]
        if not isinstance(way, Bound):
            raise TypeError(f"{modality} is not bound")
        return way


@dataclass
class Side:
    """One modality's data on the device, and what is needed to draw from it.

    views : (v, n, features) of a frozen encoder, the first without augmentation; None where the encoder learns on
    """

    modality: str
    data: Prepared
    inputs: dict[str, torch.Tensor]
    held: np.ndarray  # (n, findings) bool
    train: np.ndarray  # numbers of the train rows that have a caption
    views: torch.Tensor | None

    def batch(self, way: nn.Module, index: np.ndarray, draw: loop.Draw) -> torch.Tensor:
        """Return embeddings of one random view of each entry: (len(index), 256)."""
        if self.views is not None:
            pick = torch.from_numpy(draw.choice.integers(0, len(self.views), len(index)))
            return way.project(self.views[pick, torch.from_numpy(index)])  # type: ignore[operator]
        return way(**view(self.modality, loop.take(self.inputs, index), draw.noise))

    @torch.no_grad()
    def embed(self, way: nn.Module, index: np.ndarray) -> np.ndarray:
        """Return embeddings of entries without augmentation: (len(index), 256) float32."""
        if self.views is not None:
            return way.project(self.views[0, torch.from_numpy(index)]).cpu().numpy()  # type: ignore[operator]
        return embed(way, self.inputs, index)


@torch.no_grad()
def frozen_views(
    modality: str, encoder: nn.Module, inputs: dict[str, torch.Tensor], views: int, noise: torch.Generator
) -> torch.Tensor:
    """Return features of every entry in `views` views, the first plain: (views, n, features)."""
    encoder.eval()
    n = len(next(iter(inputs.values())))
    out = []
    for number in range(views):
        parts = []
        for start in range(0, n, 64):
            batch = loop.take(inputs, np.arange(start, min(start + 64, n)))
            with loop.fast():
                parts.append(encoder(**(view(modality, batch, noise) if number else batch)).float())
        out.append(torch.cat(parts))
    return torch.stack(out)


def side_of(modality: str, data: Prepared, encoder: nn.Module, captions: Captions, plan: Plan) -> Side:
    """Gather one modality for binding."""
    held = many_hot(row.found for row in data.rows)
    known = [i for i in data.where("train") if held[i].any() or data.rows[i].study_id in captions.of_study]
    inputs = loop.tensors(data)
    views = None
    if modality not in plan.live:
        views = frozen_views(modality, encoder, inputs, plan.views, loop.generator(plan.seed + 1))
    return Side(modality, data, inputs, held, np.array(known), views)


def text_loss(
    model: Binding, modality: str, side: Side, captions: Captions, vectors: torch.Tensor, plan: Plan, draw: loop.Draw
) -> torch.Tensor:
    """TMCL of one random batch of one modality, divided by the batch size."""
    index = draw.choice.choice(side.train, min(plan.batch, len(side.train)), replace=False)
    rows = [side.data.rows[i] for i in index]
    numbers = choose(rows, captions, draw.choice)
    positive = torch.from_numpy(true_of(numbers, captions, side.held[index])).to(vectors.device)
    z = side.batch(model.ways[modality], index, draw)
    text = model.ways["text"](x=vectors[torch.from_numpy(numbers)])
    return tmcl(text, z, positive) / len(index)


def paired(ppg: Prepared, ecg: Prepared, split: str) -> np.ndarray:
    """Return simultaneous windows as (pairs, 2) numbers into ppg and ecg."""
    beside = {row.pair: i for i, row in enumerate(ecg.rows) if row.pair}
    return np.array([(i, beside[r.pair]) for i, r in enumerate(ppg.rows) if r.split == split and r.pair in beside], int)


def edge_loss(model: Binding, sides: dict[str, Side], pairs: np.ndarray, plan: Plan, draw: loop.Draw) -> torch.Tensor:
    """EMCL and cycle consistency of simultaneous PPG and ECG windows, divided by their number."""
    chosen = pairs[draw.choice.choice(len(pairs), min(plan.pairs, len(pairs)), replace=False)]
    a, b = (sides[m].batch(model.ways[m], chosen[:, i], draw) for i, m in enumerate(("ppg", "ecg")))
    return (plan.emcl * emcl(a, b, plan.batch) + plan.cycle * cycle(a, b)) / len(chosen)


@torch.no_grad()
def embed(way: nn.Module, inputs: dict[str, torch.Tensor], index: np.ndarray, batch: int = 128) -> np.ndarray:
    """Return embeddings of entries without augmentation: (len(index), 256) float32."""
    way.eval()
    return (
        torch.cat([way(**loop.take(inputs, index[i : i + batch])) for i in range(0, len(index), batch)]).cpu().numpy()
    )


def within_precision(z: np.ndarray, data: Prepared, index: np.ndarray, held: np.ndarray) -> dict[str, float]:
    """P@5 by shared finding within each data set, never the same patient; small data sets are left out."""
    out = {}
    for dataset in sorted({data.rows[i].dataset for i in index}):
        at = np.array([j for j, i in enumerate(index) if data.rows[i].dataset == dataset and held[i].any()])
        patients = np.array([data.rows[index[j]].patient_id for j in at])
        if len(at) < LEAST_STUDIES or len(set(patients)) < LEAST_PATIENTS:
            continue
        relevant = (held[index[at]].astype(int) @ held[index[at]].T.astype(int)) > 0
        found = ranked_relevance(z[at] @ z[at].T, relevant, patients[:, None] != patients[None], 5)
        out[dataset] = float(np.nanmean(precision_at(found, 5)))
    return out


def validate(model: Binding, sides: dict[str, Side], captions: Captions) -> dict[str, float]:
    """P@5 on `valid`: neighbours within each modality's data sets, and studies found by one-finding texts.

    What cannot be measured, for want of studies, is left out.
    """
    out = {}
    words = sorted(captions.of_one)
    named = np.array([captions.of_one[word][0] for word in words])
    text = embed(model.ways["text"], {"x": torch.from_numpy(captions.vectors).to(loop.device())}, named)
    for modality, side in sides.items():
        index = side.data.where("valid")
        z = side.embed(model.ways[modality], index)
        scores = within_precision(z, side.data, index, side.held)
        if scores:
            out[modality] = float(np.mean(list(scores.values())))
        relevant = side.held[index].T[[list(captions.of_one).index(w) for w in words]]
        kept = relevant.sum(1) >= 5
        if kept.any():
            found = ranked_relevance(text[kept] @ z.T, relevant[kept], np.ones_like(relevant[kept]), 5)
            out[f"text_{modality}"] = float(precision_at(found, 5).mean())
    return out


def bind(model: Binding, datas: dict[str, Prepared], captions: Captions, plan: Plan, log: loop.Log) -> Binding:
    """Return the model of the epoch with the best mean of `validate`."""
    model.to(loop.device())
    sides = {m: side_of(m, datas[m], model.way(m).encoder, captions, plan) for m in EDGES}
    vectors = torch.from_numpy(captions.vectors).to(loop.device())
    pairs = paired(datas["ppg"], datas["ecg"], "train")
    draw = loop.Draw.seeded(plan.seed)
    encoders = [p for m in plan.live for p in model.way(m).encoder.parameters()]
    heads = [p for m in model.ways for p in model.way(m).head.parameters()]
    optim = torch.optim.AdamW(
        [{"params": heads, "lr": plan.rate}, {"params": encoders, "lr": plan.rate * plan.encoder_share}],
        weight_decay=0.1,
    )
    schedule, best, state = loop.cosine(optim, plan.epochs * plan.steps), -1.0, copy.deepcopy(model.state_dict())
    for epoch in range(plan.epochs):
        model.train()
        for _ in range(plan.steps):
            loss = torch.stack([text_loss(model, m, sides[m], captions, vectors, plan, draw) for m in EDGES]).sum()
            if len(pairs) and (plan.emcl or plan.cycle):
                loss = loss + edge_loss(model, sides, pairs, plan, draw)
            loop.step(loss, model, optim, schedule)
        scores = validate(model, sides, captions)
        mean = float(np.mean(list(scores.values()))) if scores else 0.0
        log.write(stage="bind", epoch=epoch + 1, loss=float(loss.detach()), valid=mean, **scores)
        if mean > best:
            best, state = mean, copy.deepcopy(model.state_dict())
    model.load_state_dict(state)
    return model
