"""Training of one language model on one outcome, with checkpoints that it goes on from after any stop.

The loss is cross-entropy with both outcomes weighing the same. Batches and dropout follow from seed and step alone, so
a training that was stopped ends with the weights that it would have had.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from engine.evaluate.outcomes.prompted import PromptedModel, PromptInputs
from engine.files import write_whole
from engine.training.encoders import loop

MODEL, CHECKPOINT = "model.safetensors", "checkpoint.safetensors"
EVERY = 20  # steps between two checkpoints
BUCKET = 8  # batches whose rows are ordered by length, so that little is padding
FORWARD = 32  # rows scored at a time
MOMENTS = ("step", "exp_avg", "exp_avg_sq")  # what AdamW keeps of a weight


@dataclass(frozen=True)
class OutcomeFitPlan:
    """How long and how fast: passes over `train`, rows a step, the highest rate, decay of weights."""

    epochs: int = 6
    batch: int = 16
    rate: float = 1e-3
    decay: float = 0.05

    def as_dict(self) -> dict[str, Any]:
        """Return it for JSON."""
        return asdict(self)


def batches(lengths: np.ndarray, size: int, rng: np.random.Generator) -> list[np.ndarray]:
    """Return one pass in batches of like length, in random order: lengths (n,) → places, `size` each."""
    order = rng.permutation(len(lengths))
    made: list[np.ndarray] = []
    for start in range(0, len(order), BUCKET * size):
        near = order[start : start + BUCKET * size]
        near = near[np.argsort(lengths[near], kind="stable")]
        made += [near[at : at + size] for at in range(0, len(near), size)]
    return [made[place] for place in rng.permutation(len(made))]


def fit(
    model: PromptedModel,
    inputs: PromptInputs,
    truth: np.ndarray,
    plan: OutcomeFitPlan,
    *,
    seed: int,
    folder: Path,
    every: int = EVERY,
    progress: Callable[[int, int, float], None] = lambda step, steps, loss: None,
) -> PromptedModel:
    """Train on rows and their outcomes (n,) bool, writing checkpoints into the folder; return the model.

    Where the folder holds a checkpoint of this training, it goes on from there. `every` is in steps; `progress` hears
    of every step: its number, how many there are, and the loss.
    """
    model.to(loop.device())
    optim = torch.optim.AdamW(model.groups(plan.rate, plan.decay), lr=plan.rate)
    lengths = np.array([len(one) for one in inputs.ids])
    a_pass = -(-len(lengths) // plan.batch)
    steps = a_pass * plan.epochs
    positive = torch.tensor(float((~truth).sum() / max(1, truth.sum())), device=loop.device())
    done = _resume(folder / CHECKPOINT, model, optim)
    for step in range(done, steps):
        if step == done or step % a_pass == 0:
            order = batches(lengths, plan.batch, np.random.default_rng([seed, step // a_pass]))
        torch.manual_seed(1_000_003 * seed + step)
        for group in optim.param_groups:
            group["lr"] = group["highest"] * loop.cosine_factor(step, steps)
        rows = order[step % a_pass]
        model.train()
        wanted = torch.from_numpy(truth[rows].astype(np.float32)).to(loop.device())
        loss = F.binary_cross_entropy_with_logits(model(inputs.take(rows)), wanted, pos_weight=positive)
        optim.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_([p for p in model.parameters() if p.requires_grad], 1.0)
        optim.step()
        if (step + 1) % every == 0:
            _keep(folder / CHECKPOINT, model, optim, step + 1)
        progress(step + 1, steps, float(loss.detach()))
    write_whole(folder / MODEL, save({k: v.cpu().contiguous() for k, v in model.learnt().items()}))
    (folder / CHECKPOINT).unlink(missing_ok=True)
    return model


@torch.no_grad()
def scores(model: PromptedModel, inputs: PromptInputs) -> np.ndarray:
    """Return log-odds of every row: (n,) float64; above 0 the outcome is the likelier where both weigh the same."""
    model.to(loop.device()).eval()
    order = np.argsort([len(one) for one in inputs.ids], kind="stable")
    out = np.zeros(len(order))
    for start in range(0, len(order), FORWARD):
        rows = order[start : start + FORWARD]
        out[rows] = model(inputs.take(rows)).double().cpu().numpy()
    return out


def _keep(file: Path, model: PromptedModel, optim: torch.optim.Optimizer, step: int) -> None:
    """Write weights, what the optimiser keeps of them, and the step, whole or not at all."""
    named = {name: one for name, one in model.named_parameters() if one.requires_grad}
    held = {f"weight:{name}": one.detach() for name, one in model.learnt().items()}
    for name, one in named.items():
        held |= {f"{moment}:{name}": optim.state[one][moment] for moment in MOMENTS if moment in optim.state[one]}
    write_whole(file, save({k: v.cpu().contiguous() for k, v in held.items()}, metadata={"step": str(step)}))


def _resume(file: Path, model: PromptedModel, optim: torch.optim.Optimizer) -> int:
    """Load a checkpoint and return the steps that are done; 0 without one, or where it is damaged."""
    try:
        with safe_open(file, framework="pt") as found:
            step = int(found.metadata()["step"])
            held = {name: found.get_tensor(name) for name in found.keys()}  # noqa: SIM118
    except (OSError, SafetensorError, KeyError, TypeError):
        return 0
    model.load_learnt({name.partition(":")[2]: one for name, one in held.items() if name.startswith("weight:")})
    for name, one in model.named_parameters():
        if f"exp_avg:{name}" in held:
            optim.state[one] = {moment: held[f"{moment}:{name}"].to(one.device) for moment in MOMENTS}
            optim.state[one]["step"] = held[f"step:{name}"]  # stays on the processor
    return step
