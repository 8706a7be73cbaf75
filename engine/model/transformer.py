"""The temporal transformer of ECG and PPG: strided patches, class token, pre-norm blocks, masked reconstruction.

MEDBind §2.1 embeds each time point linearly; here a token is a short patch, which keeps 10 s within two cores' reach.
"""

from __future__ import annotations

import torch
from torch import nn

from engine.model.rhythm import RhythmPool
from engine.model.vit import TransformerBlock


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
