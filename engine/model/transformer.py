"""The temporal transformer of ECG and PPG: strided patches, class token, pre-norm blocks, masked reconstruction.

MEDBind §2.1 embeds each time point linearly; here a token is a short patch, which keeps 10 s within two cores' reach.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

from engine.model.rhythm import RhythmPool

WIDTH, DEPTH, HEADS, PATCH, GRID = 384, 12, 6, 14, 37


class TransformerBlock(nn.Module):
    """Pre-norm self-attention and MLP, each scaled per channel (LayerScale, Touvron et al. 2021)."""

    def __init__(self, width: int = WIDTH, heads: int = HEADS) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width, eps=1e-6), nn.LayerNorm(width, eps=1e-6)
        self.q, self.k, self.v, self.proj = (nn.Linear(width, width) for _ in range(4))
        self.fc1, self.fc2 = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.scale1, self.scale2 = nn.Parameter(torch.ones(width)), nn.Parameter(torch.ones(width))

    def attend(self, x: torch.Tensor) -> torch.Tensor:
        """(b, tokens, width) → (b, tokens, width)."""
        b, n, d = x.shape
        q, k, v = (
            layer(x).view(b, n, self.heads, d // self.heads).transpose(1, 2) for layer in (self.q, self.k, self.v)
        )
        return self.proj(F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(b, n, d))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(b, tokens, width) → (b, tokens, width)."""
        x = x + self.scale1 * self.attend(self.norm1(x))
        return x + self.scale2 * self.fc2(F.gelu(self.fc1(self.norm2(x))))


class VisionTransformer(nn.Module):
    """ViT-S/14; `first` and `last` let the frozen lower blocks and the tuned upper ones run apart."""

    def __init__(self) -> None:
        super().__init__()
        self.cls_token = nn.Parameter(torch.zeros(1, 1, WIDTH))
        self.pos_embed = nn.Parameter(torch.zeros(1, 1 + GRID * GRID, WIDTH))
        self.patch = nn.Conv2d(3, WIDTH, PATCH, PATCH)
        self.blocks = nn.ModuleList(TransformerBlock() for _ in range(DEPTH))
        self.norm = nn.LayerNorm(WIDTH, eps=1e-6)

    def positions(self, rows: int, columns: int) -> torch.Tensor:
        """Return position embeddings for a grid, interpolated from 37 × 37: (1, 1 + rows·columns, width)."""
        cls, grid = self.pos_embed[:, :1], self.pos_embed[:, 1:]
        grid = grid.reshape(1, GRID, GRID, WIDTH).permute(0, 3, 1, 2)
        grid = F.interpolate(grid, size=(rows, columns), mode="bicubic", align_corners=False)
        return torch.cat([cls, grid.flatten(2).transpose(1, 2)], 1)

    def tokens(self, x: torch.Tensor) -> torch.Tensor:
        """(b, 3, h, w), ImageNet-normalised, sides multiples of 14 → (b, 1 + patches, width)."""
        z = self.patch(x)  # (b, width, h/14, w/14)
        positions = self.positions(z.shape[2], z.shape[3])
        z = z.flatten(2).transpose(1, 2)
        return torch.cat([self.cls_token.expand(len(z), -1, -1), z], 1) + positions

    def run(self, tokens: torch.Tensor, first: int, last: int) -> torch.Tensor:
        """Pass tokens through blocks first … last - 1."""
        for block in self.blocks[first:last]:
            tokens = block(tokens)
        return tokens

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(b, 3, h, w) → normalised tokens of the last block (b, 1 + patches, width)."""
        return self.norm(self.run(self.tokens(x), 0, DEPTH))


class TraceTransformer(nn.Module):
    """Encode (b, leads, n) traces; `flags` and `amplitude` enter as one further token.

    leads, length : shape of x          side    : width of the side input (0 = none)
    patch, stride : token size and hop in samples
    rhythm        : whether the features keep when beats fall (releases before r2 do not)
    """

    def __init__(
        self,
        leads: int,
        length: int,
        patch: int,
        stride: int,
        *,
        width: int,
        depth: int,
        heads: int,
        side: int,
        rhythm: bool = True,
    ) -> None:
        super().__init__()
        self.stride, self.tokens = stride, length // stride
        self.patch = nn.Conv1d(leads, width, patch, stride, padding=(patch - stride) // 2)
        self.position = nn.Parameter(torch.randn(1, self.tokens, width) * 0.02)
        self.cls = nn.Parameter(torch.randn(1, 1, width) * 0.02)
        self.mask_token = nn.Parameter(torch.zeros(1, 1, width))
        self.side = nn.Linear(side, width) if side else None
        self.blocks = nn.ModuleList(TransformerBlock(width, heads) for _ in range(depth))
        self.norm = nn.LayerNorm(width)
        self.rebuild = nn.Linear(width, leads * stride)
        self.rhythm = RhythmPool(width, self.tokens, length) if rhythm else None
        self.width = width

    @property
    def features(self) -> int:
        """Width of what `forward` returns."""
        return 2 * self.width + (0 if self.rhythm is None else RhythmPool.features)

    def encode(
        self, x: torch.Tensor, side: torch.Tensor | None = None, masked: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return class token (b, width) and time tokens (b, tokens, width); `masked` (b, tokens) bool hides tokens."""
        tokens = self.patch(x).transpose(1, 2)[:, : self.tokens]  # (b, tokens, width)
        if masked is not None:
            tokens = torch.where(masked[..., None], self.mask_token, tokens)
        parts = [self.cls.expand(len(x), -1, -1), tokens + self.position]
        if self.side is not None and side is not None:
            parts.append(self.side(side)[:, None])
        out = torch.cat(parts, 1)
        for block in self.blocks:
            out = block(out)
        out = self.norm(out)
        return out[:, 0], out[:, 1 : 1 + self.tokens]

    def forward(self, **inputs: torch.Tensor) -> torch.Tensor:
        """Model inputs → class token ‖ mean time token ‖ rhythm: (b, features).

        inputs : x (b, leads, n), length (b,); with a side token also amplitude (b, leads) and flags (b, 2·leads)
        """
        cls, tokens = self.encode_inputs(**inputs)
        x, length = inputs["x"], inputs["length"]
        seen = pool(cls, tokens, length)
        return seen if self.rhythm is None else torch.cat([seen, self.rhythm(tokens, length, x)], 1)

    def encode_inputs(self, **inputs: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Model inputs of `forward` → class token (b, width), time tokens (b, tokens, width)."""
        side = torch.cat([inputs["amplitude"], inputs["flags"]], 1) if self.side is not None else None
        return self.encode(inputs["x"], side)

    def reconstruct(self, tokens: torch.Tensor) -> torch.Tensor:
        """Time tokens (b, tokens, width) → the samples they cover (b, tokens, leads·stride)."""
        return self.rebuild(tokens)

    def targets(self, x: torch.Tensor) -> torch.Tensor:
        """Cut x (b, leads, n) into what `reconstruct` predicts: (b, tokens, leads·stride)."""
        b, leads, _ = x.shape
        cut = x[:, :, : self.tokens * self.stride].reshape(b, leads, self.tokens, self.stride)
        return cut.transpose(1, 2).reshape(b, self.tokens, leads * self.stride)


def pool(cls: torch.Tensor, tokens: torch.Tensor, length: torch.Tensor) -> torch.Tensor:
    """Class token ‖ mean of the recorded time tokens: (b, 2·width); `length` (b,) is the recorded share."""
    count = tokens.shape[1]
    steps = torch.arange(count, device=tokens.device)[None]
    real = (steps < (length[:, None] * count).clamp(min=1)).to(tokens.dtype)[..., None]
    return torch.cat([cls, (tokens * real).sum(1) / real.sum(1)], 1)
