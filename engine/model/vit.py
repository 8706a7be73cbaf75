"""A plain DINOv2 ViT-S/14 (Oquab et al. 2023, arXiv:2304.07193): patches, class token, twelve pre-norm blocks."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import nn

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
