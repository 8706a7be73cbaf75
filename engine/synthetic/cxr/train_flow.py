"""Fit the flow on latents of the training films, seen turned, zoomed, shifted and lightened by small known amounts."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F

from engine.synthetic.cxr.codec import Codec, channels_last
from engine.synthetic.cxr.condition import LABELS, MOVES, UNCONDITIONAL, condition
from engine.synthetic.cxr.flow import Flow
from engine.training.encoders import loop

TURN_DEG, ZOOM, SHIFT, GAMMA = 3.0, 0.04, 0.03, 0.12  # spread (one standard deviation) of an augmenting move


@dataclass(frozen=True)
class FlowPlan:
    """Steps of `batch` latents; `views` moved copies of every film; labels `hidden` in a share of the rows.

    memory : of the running average of weights, which is what is kept
    size   : channels at 14 × 14 and at 7 × 7, blocks at each
    """

    steps: int = 3700
    batch: int = 32
    rate: float = 7e-4
    views: int = 6
    label_dropout: float = 0.12
    ema_decay: float = 0.997
    size: tuple[int, int, int] = (256, 384, 2)
    log_every: int = 100
    seed: int = 0


def conditions_of(table: pd.DataFrame) -> np.ndarray:
    """Return (n, WIDTH) conditions of the films' table; emphysema is read from the labels as published."""
    columns = (table[name] for name in ("labels", "labels_raw", "view", "years", "sex"))
    rows = []
    for held, raw, view, years, sex in zip(*columns, strict=True):
        labels = [label for label in (*str(held).split(";"), *str(raw).split("|")) if label in LABELS]
        rows.append(condition(labels, view, years, sex))
    return np.stack(rows)


def move(films: torch.Tensor, rng: torch.Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """Return films (n, 1, h, w) moved at random and by how much (n, MOVES), each in its standard deviations."""
    by = torch.randn(len(films), MOVES, generator=rng).clamp(-2, 2)
    angle, zoom = torch.deg2rad(by[:, 0] * TURN_DEG), torch.exp(by[:, 1] * ZOOM)
    cos, sin = angle.cos() * zoom, angle.sin() * zoom
    right, down = 2 * by[:, 2] * SHIFT, 2 * by[:, 3] * SHIFT
    matrix = torch.stack([torch.stack([cos, -sin, right], 1), torch.stack([sin, cos, down], 1)], 1)
    grid = F.affine_grid(matrix, list(films.shape), align_corners=False)
    moved = F.grid_sample(films, grid, mode="bicubic", padding_mode="border", align_corners=False).clamp(0, 1)
    return moved ** torch.exp(GAMMA * by[:, 4]).view(-1, 1, 1, 1), by


@torch.no_grad()
def latents_of(codec: Codec, films: torch.Tensor) -> torch.Tensor:
    """Return latents (n, 4, 28, 28) of films (n, 1, 224, 224)."""
    with loop.autocast():
        return torch.cat([codec.encode(part) for part in films.split(32)]).float()


def views_of(codec: Codec, films: torch.Tensor, plan: FlowPlan) -> tuple[torch.Tensor, torch.Tensor]:
    """Return latents ((1 + views)·n, 4, 28, 28) as half floats, films unmoved first, and their moves."""
    rng = torch.Generator().manual_seed(plan.seed)
    latents, moves = [latents_of(codec, films).half()], [torch.zeros(len(films), MOVES)]
    for _ in range(plan.views):
        moved, by = move(films, rng)
        latents.append(latents_of(codec, moved).half())
        moves.append(by)
    return torch.cat(latents), torch.cat(moves)


def train_flow(
    latents: torch.Tensor, conditions: torch.Tensor, plan: FlowPlan, log: loop.Log, checkpoint: Path
) -> Flow:
    """Fit on latents (n, 4, 28, 28) and conditions (n, WIDTH), checkpoints in `keep`; return the averaged flow."""
    torch.manual_seed(plan.seed)
    rng = torch.Generator().manual_seed(plan.seed)
    flow = channels_last(Flow(*plan.size))
    flow.gaussian.fit(latents.float().flatten(1), conditions)
    average = copy.deepcopy(flow)
    optim, total = loop.optimiser(flow, plan.rate, 0.01), 0.0
    schedule = loop.cosine(optim, plan.steps, warm=0.03)
    for number in range(1, plan.steps + 1):
        at = torch.randint(len(latents), (plan.batch,), generator=rng)
        x, told = latents[at].float(), drop_labels_at_random(conditions[at], plan.label_dropout, rng)
        noise = torch.randn(x.shape, generator=rng)
        t = torch.sigmoid(torch.randn(plan.batch, generator=rng))  # logit-normal times (Esser et al., ICML 2024)
        time = t.view(-1, 1, 1, 1)
        loss = F.mse_loss(flow((1 - time) * x + time * noise, t, told), noise - x)
        loop.step(loss, flow, optim, schedule)
        follow(average, flow, min(plan.ema_decay, (1 + number) / (10 + number)))
        total += loss.item()
        if number % plan.log_every == 0 or number == plan.steps:
            log.write(stage="flow", step=number, loss=total / plan.log_every)
            total = 0.0
            torch.save({"flow": average.state_dict(), "step": number}, checkpoint)
    return average.eval()


def drop_labels_at_random(conditions: torch.Tensor, share: float, rng: torch.Generator) -> torch.Tensor:
    """Return conditions (n, WIDTH) with the labels of a random share of rows untold."""
    hidden = torch.rand(len(conditions), generator=rng) < share
    told = conditions.clone()
    told[hidden, :UNCONDITIONAL] = 0
    told[hidden, UNCONDITIONAL] = 1
    return told


@torch.no_grad()
def follow(average: Flow, flow: Flow, decay: float) -> None:
    """Move the running average of the weights a step towards the flow's."""
    torch._foreach_lerp_(list(average.parameters()), list(flow.parameters()), 1 - decay)
