"""Self-supervised pre-training of ECG and PPG: masked reconstruction and patient-contrastive views.

ECG: random spans of tokens are hidden. PPG: whole pulses are hidden, with spans as long as the pulse's own period
(statistical priors on periodicity and pulse morphology, hashing paper §4, reference 17). Contrast: two views of one
patient attract.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from engine.model import ppg
from engine.model.transformer import TraceTransformer, pool
from engine.training.data.prepared import Prepared
from engine.training.encoders import augment, loop

PULSE_RANGE_S = (0.33, 1.5)  # 40 … 180 per minute


@dataclass(frozen=True)
class PretrainingPlan:
    """How long and how hard."""

    epochs: int = 60
    batch: int = 256
    rate: float = 1e-3
    mask_share: float = 0.4  # share of tokens masked
    tau: float = 0.1
    seed: int = 0


def pulse_period(x: torch.Tensor, fs: float) -> torch.Tensor:
    """Return each pulse wave's period in samples from its autocorrelation: (b, 1, n) → (b,)."""
    n = x.shape[2]
    spectrum = torch.fft.rfft(x[:, 0], 2 * n)
    correlation = torch.fft.irfft(spectrum.abs() ** 2)[:, :n]
    low, high = int(PULSE_RANGE_S[0] * fs), int(PULSE_RANGE_S[1] * fs)
    return low + correlation[:, low:high].argmax(1)


def mask_spans(b: int, tokens: int, width: torch.Tensor, share: float, rng: torch.Generator) -> torch.Tensor:
    """Hide spans of `width` (b,) tokens until about `share` of them are hidden: (b, tokens) bool."""
    where = torch.arange(tokens, device=width.device)[None, None]
    count = (share * tokens / width.float()).ceil().long().clamp(min=1)
    most = int(count.max())
    start = torch.rand(b, most, device=width.device, generator=rng) * (tokens - width[:, None]).clamp(min=1)
    live = torch.arange(most, device=width.device)[None] < count[:, None]
    inside = (where >= start[..., None].floor()) & (where < start[..., None].floor() + width[:, None, None])
    return (inside & live[..., None]).any(1)


def draw_mask(model: TraceTransformer, x: torch.Tensor, plan: PretrainingPlan, rng: torch.Generator) -> torch.Tensor:
    """Choose the tokens to hide: pulses for one-lead PPG, 0.25–1 s spans for ECG."""
    b = len(x)
    if x.shape[1] == 1:
        width = (pulse_period(x, ppg.FS) / model.stride).round().long().clamp(min=1)
    else:
        width = torch.randint(5, 21, (b,), device=x.device, generator=rng)
    return mask_spans(b, model.tokens, width, plan.mask_share, rng)


def patient_contrast(a: torch.Tensor, b: torch.Tensor, patients: torch.Tensor, tau: float) -> torch.Tensor:
    """Mean InfoNCE between two views; all views of one patient are positives (Kiyasseh et al. 2021, CLOCS)."""
    scores = F.normalize(a, dim=1) @ F.normalize(b, dim=1).T / tau
    same = patients[:, None] == patients[None]
    log_share = torch.log_softmax(scores, 1)
    return -((log_share * same).sum(1) / same.sum(1)).mean()


def _side(batch: dict[str, torch.Tensor]) -> torch.Tensor | None:
    return torch.cat([batch["amplitude"], batch["flags"]], 1) if "flags" in batch else None


def _view(batch: dict[str, torch.Tensor], rng: torch.Generator) -> dict[str, torch.Tensor]:
    """One random view of a batch of ECGs or PPGs."""
    batch = {**batch, "x": augment.traces(batch["x"], rng)}
    return augment.drop_leads(batch, rng) if "flags" in batch else augment.shorten(batch, rng)


def losses(
    model: TraceTransformer,
    batch: dict[str, torch.Tensor],
    patients: torch.Tensor,
    plan: PretrainingPlan,
    rng: torch.Generator,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Return (masked reconstruction, patient contrast) of one batch."""
    masked = draw_mask(model, batch["x"], plan, rng)
    with loop.autocast():
        tokens = model.reconstruct(model.encode(batch["x"], _side(batch), masked)[1]).float()
    real = model.targets(batch["x"])
    alive = masked & (real.abs().sum(2) > 0)  # padding is not worth guessing
    error = ((tokens - real) ** 2).mean(2)
    rebuilt = (error * alive).sum() / alive.sum().clamp(min=1)
    views = [_view(batch, rng) for _ in range(2)]
    with loop.autocast():
        a, b = (pool(*model.encode(v["x"], _side(v)), v["length"]) for v in views)
    return rebuilt, patient_contrast(a.float(), b.float(), patients, plan.tau)


def pretrain(model: TraceTransformer, data: Prepared, plan: PretrainingPlan, log: loop.Log) -> None:
    """Train the model in place on the `train` windows; logs both losses on `valid` every second epoch."""
    model.to(loop.device()).train()
    inputs, rng, noise = loop.tensors(data), np.random.default_rng(plan.seed), loop.generator(plan.seed)
    _, ids = np.unique([row.patient_id for row in data.rows], return_inverse=True)
    patients = torch.from_numpy(ids).to(loop.device())
    train, valid = data.where("train"), data.where("valid")
    optim = loop.optimiser(model, plan.rate)
    schedule = loop.cosine(optim, plan.epochs * max(1, len(train) // plan.batch))
    for epoch in range(plan.epochs):
        for index in loop.batches(train, plan.batch, rng):
            rebuilt, contrast = losses(model, loop.take(inputs, index), patients[torch.from_numpy(index)], plan, noise)
            loop.step(rebuilt + 0.2 * contrast, model, optim, schedule)
        if epoch % 2 == 1 or epoch == plan.epochs - 1:
            with torch.no_grad():
                index = valid[:192]
                rebuilt, contrast = losses(
                    model, loop.take(inputs, index), patients[torch.from_numpy(index)], plan, loop.generator(1)
                )
            log.write(stage="pretrain", epoch=epoch + 1, valid_rebuilt=float(rebuilt), valid_contrast=float(contrast))
