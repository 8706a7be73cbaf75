"""The flow in latent space: a U-shaped convolutional network with attention beside the Gaussian part.

Rectified flow (Liu et al., ICLR 2023; Lipman et al., ICLR 2023): x_t = (1 − t) x + t ε, the model learns ε − x and a
draw integrates it from t = 1 to 0. Conditions enter every block as scale and shift after layer norm over channels.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import nn

from engine.model.autocast import bfloat16_autocast
from engine.synthetic.cxr.codec import CHANNELS, FACTOR
from engine.synthetic.cxr.condition import WIDTH
from engine.synthetic.cxr.films import SIDE
from engine.synthetic.cxr.gaussian import GaussianPart

LATENT = SIDE // FACTOR  # 28 pixels a side
SIZE = CHANNELS * LATENT**2  # 3136 numbers a film
AXES = 256
FOLD = 2  # the network sees 2 × 2 latent pixels as channels
CONDITION_WIDTH = 256  # width of the embedded condition
HEAD = 64


def normed(x: torch.Tensor) -> torch.Tensor:
    """Layer norm over channels at the width it comes in: x (b, c, h, w) channels-last → the same."""
    with torch.autocast(x.device.type, enabled=False):
        return F.layer_norm(x.permute(0, 2, 3, 1), x.shape[1:2]).permute(0, 3, 1, 2)


class FlowBlock(nn.Module):
    """Norm, 3 × 3, norm told the condition, 3 × 3 from zero; attention where asked: (b, a, h, w) → (b, c, h, w)."""

    def __init__(self, a: int, c: int, attend: bool) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(a, c, 3, padding=1), nn.Conv2d(c, c, 3, padding=1)
        self.skip = nn.Conv2d(a, c, 1) if a != c else nn.Identity()
        self.told = nn.Linear(CONDITION_WIDTH, 2 * c)
        nn.init.zeros_(self.conv2.weight)
        self.attention = Attention(c) if attend else None

    def forward(self, x: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        """x (b, a, h, w), told (b, TOLD) → (b, c, h, w)."""
        scale, shift = self.told(condition)[:, :, None, None].chunk(2, 1)
        h = torch.addcmul(shift, normed(self.conv1(F.silu(normed(x)))), 1 + scale)
        x = self.skip(x) + self.conv2(F.silu(h))
        return x if self.attention is None else self.attention(x)


class Attention(nn.Module):
    """Self-attention over places, added to the input: (b, c, h, w) → the same."""

    def __init__(self, c: int) -> None:
        super().__init__()
        self.heads = c // HEAD
        self.qkv, self.out = nn.Linear(c, 3 * c), nn.Linear(c, c)
        nn.init.zeros_(self.out.weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(b, c, h, w) → (b, c, h, w)."""
        b, c, h, w = x.shape
        y = normed(x).permute(0, 2, 3, 1).reshape(b, h * w, c)
        q, k, v = self.qkv(y).view(b, h * w, 3, self.heads, c // self.heads).permute(2, 0, 3, 1, 4)
        y = F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(b, h * w, c)
        return x + self.out(y).view(b, h, w, c).permute(0, 3, 1, 2)


class Flow(nn.Module):
    """Velocity of latents: the Gaussian part plus a network on 14 × 14 folded latents and 7 × 7."""

    def __init__(self, wide: int = 256, deep: int = 384, depth: int = 2) -> None:
        super().__init__()
        self.gaussian = GaussianPart(SIZE, AXES)
        self.tell = nn.Sequential(
            nn.Linear(2 * 64 + WIDTH, CONDITION_WIDTH),
            nn.SiLU(),
            nn.Linear(CONDITION_WIDTH, CONDITION_WIDTH),
            nn.SiLU(),
        )
        self.enter = nn.Conv2d(CHANNELS * FOLD**2, wide, 3, padding=1)
        self.place = nn.Parameter(0.02 * torch.randn(1, wide, LATENT // FOLD, LATENT // FOLD))
        self.falling = nn.ModuleList(FlowBlock(wide, wide, i == depth - 1) for i in range(depth))
        self.down, self.up = nn.Conv2d(wide, deep, 2, 2), nn.Conv2d(deep, 4 * wide, 1)
        self.middle = nn.ModuleList(FlowBlock(deep, deep, True) for _ in range(depth))
        self.rising = nn.ModuleList(FlowBlock(wide if i else 2 * wide, wide, i == 0) for i in range(depth))
        self.leave = nn.Conv2d(wide, CHANNELS * FOLD**2, 3, padding=1)
        nn.init.zeros_(self.leave.weight)
        nn.init.zeros_(self.leave.bias)  # type: ignore[arg-type]

    def network(self, x: torch.Tensor, condition: torch.Tensor) -> torch.Tensor:
        """x (b, 4, 28, 28), told (b, TOLD) → what the Gaussian part misses (b, 4, 28, 28)."""
        x = F.pixel_unshuffle(x, FOLD).contiguous(memory_format=torch.channels_last)
        h = self.enter(x) + self.place.to(condition.dtype)
        for block in self.falling:
            h = block(h, condition)
        fine, h = h, self.down(h)
        for block in self.middle:
            h = block(h, condition)
        h = torch.cat([F.pixel_shuffle(self.up(h), 2), fine], 1).contiguous(memory_format=torch.channels_last)
        for block in self.rising:
            h = block(h, condition)
        return F.pixel_shuffle(self.leave(F.silu(h)), FOLD)

    def forward(self, x: torch.Tensor, t: torch.Tensor, conditions: torch.Tensor) -> torch.Tensor:
        """x (b, 4, 28, 28), t (b,) in 0 … 1, conditions (b, WIDTH) → velocity ε − x, float32 like x."""
        linear = self.gaussian.velocity(x.flatten(1), t[:, None], conditions).view_as(x)
        with bfloat16_autocast(x.device.type):
            rest = self.network(x, self.tell(torch.cat([waves(t), conditions], 1)))
        return linear + rest.float()


def waves(t: torch.Tensor, count: int = 64) -> torch.Tensor:
    """Embed times (b,) in 0 … 1 as (b, 2·count) sines and cosines of 1 … 1000 radians."""
    rates = torch.exp(torch.linspace(0, math.log(1000.0), count, device=t.device))
    angle = t[:, None] * rates
    return torch.cat([angle.sin(), angle.cos()], 1)
