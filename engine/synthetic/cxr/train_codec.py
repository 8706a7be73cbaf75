"""Fit the autoencoder on crops of the training films: L1, perceptual and adversarial loss, a light Kullback–Leibler."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import torch
import torch.nn.functional as F

from engine.model.trunk import load_trunk
from engine.model.trunk import normalise as normalise_grey
from engine.synthetic.cxr.codec import Codec, Discriminator, channels_last
from engine.training.encoders import loop


@dataclass(frozen=True)
class CodecPlan:
    """Steps of `batch` crops of `crop` pixels; the discriminator joins after `alone` of them.

    kl, perceptual, adversarial : weights beside an L1 of 1
    looks : after which blocks of the film trunk features are compared
    """

    steps: int = 2200
    batch: int = 12
    crop: int = 112
    rate: float = 5e-4
    discriminator_start: float = 0.3
    kl: float = 3e-4
    perceptual: float = 0.1
    adversarial: float = 0.02
    perceptual_blocks: int = 3
    log_every: int = 100
    seed: int = 0


def crops(films: torch.Tensor, plan: CodecPlan, rng: torch.Generator) -> torch.Tensor:
    """Return a batch of crops (batch, 1, crop, crop), each slightly lighter or darker."""
    n, _, height, width = films.shape
    pick = torch.randint(n, (plan.batch,), generator=rng).tolist()
    top = torch.randint(height - plan.crop + 1, (plan.batch,), generator=rng).tolist()
    left = torch.randint(width - plan.crop + 1, (plan.batch,), generator=rng).tolist()
    cut = [films[p, :, y : y + plan.crop, x : x + plan.crop] for p, y, x in zip(pick, top, left, strict=True)]
    batch = torch.stack(cut)
    gamma = torch.exp(0.15 * torch.randn(plan.batch, 1, 1, 1, generator=rng))
    return batch.clamp(0, 1) ** gamma


def perceptual_features(films: torch.Tensor, blocks: int) -> torch.Tensor:
    """Return the trunk's tokens after its first blocks: (b, 1, h, w), sides multiples of 14 → (b, tokens, 384)."""
    trunk = load_trunk(str(films.device))
    tokens = trunk.run(trunk.tokens(normalise_grey(films)), 0, blocks)
    return F.layer_norm(tokens.float(), tokens.shape[-1:])


def divergence(mean: torch.Tensor, log_variance: torch.Tensor) -> torch.Tensor:
    """Mean Kullback–Leibler divergence per latent number from the standard normal, nats."""
    return 0.5 * (mean**2 + log_variance.exp() - 1 - log_variance).mean()


def train_codec(films: torch.Tensor, plan: CodecPlan, log: loop.Log, checkpoint: Path) -> Codec:
    """Fit on films (n, 1, h, w) in 0 … 1, write checkpoints to `keep`, return the codec with its latents normalised."""
    torch.manual_seed(plan.seed)
    rng = torch.Generator().manual_seed(plan.seed)
    codec = channels_last(Codec())
    judge = channels_last(Discriminator())
    optim = torch.optim.AdamW(codec.parameters(), lr=plan.rate, betas=(0.9, 0.99), weight_decay=0.0)
    optim_judge = torch.optim.AdamW(judge.parameters(), lr=plan.rate / 2, betas=(0.5, 0.99), weight_decay=0.0)
    schedule = loop.cosine(optim, plan.steps, warm=0.03)
    for number in range(1, plan.steps + 1):
        real = crops(films, plan, rng).to(memory_format=torch.channels_last)
        against = number > plan.discriminator_start * plan.steps
        with loop.autocast():
            mean, log_variance = codec.moments(real)
            made = codec.render(mean + torch.randn(mean.shape, generator=rng) * (0.5 * log_variance).exp())
            seen = F.mse_loss(
                perceptual_features(made, plan.perceptual_blocks),
                perceptual_features(real, plan.perceptual_blocks).detach(),
            )
            doubt = -judge(made).float().mean() if against else torch.zeros(())
        flat = (made - real).abs().mean()
        kl = divergence(mean, log_variance)
        loss = flat + plan.perceptual * seen + plan.kl * kl + plan.adversarial * doubt
        loop.step(loss, codec, optim, schedule)
        caught = _train_judge(judge, optim_judge, real, made.detach()) if against else 0.0
        if number % plan.log_every == 0 or number == plan.steps:
            parts = {"l1": flat, "seen": seen, "kl": kl, "doubt": doubt}
            log.write(stage="codec", step=number, caught=caught, **{name: one.item() for name, one in parts.items()})
            torch.save({"codec": codec.state_dict(), "judge": judge.state_dict(), "step": number}, checkpoint)
    return normalise(codec, films)


def _train_judge(judge: Discriminator, optim: torch.optim.Optimizer, real: torch.Tensor, made: torch.Tensor) -> float:
    """One hinge step of the discriminator; return its loss."""
    with loop.autocast():
        score_real, score_made = judge(real).float(), judge(made).float()
    loss = F.relu(1 - score_real).mean() + F.relu(1 + score_made).mean()
    optim.zero_grad(set_to_none=True)
    loss.backward()
    optim.step()
    return float(loss.detach())


@torch.no_grad()
def normalise(codec: Codec, films: torch.Tensor) -> Codec:
    """Set shift and scale so that the films' latents have mean 0 and variance 1 in every channel."""
    codec.eval()
    with loop.autocast():
        raw = torch.cat([codec.moments(part)[0] for part in films.split(32)])
    codec.shift.copy_(raw.mean((0, 2, 3))[None, :, None, None])
    codec.scale.copy_(raw.std((0, 2, 3))[None, :, None, None])
    return codec
