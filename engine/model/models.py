"""The encoders of a release: model inputs → features, one module per modality. Shapes stand where they change."""

from __future__ import annotations

from collections.abc import Collection

import torch
from torch import nn

from engine.modalities import resolve, spec_of
from engine.model import ecg, ppg, text
from engine.model.transformer import DEPTH, WIDTH, TraceTransformer, TransformerBlock
from engine.model.trunk import FROZEN_BLOCKS, load_trunk, lower

UPPER = DEPTH - FROZEN_BLOCKS  # blocks 9–12, tuned


class FilmEncoder(nn.Module):
    """Blocks 9–12 and the last norm, tuned; the frozen trunk below them is shared and not part of the weights.

    Features: the class token after each tuned block, and the mean patch token of the last: (b, 5·384).
    """

    features = (UPPER + 1) * WIDTH

    def __init__(self) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(TransformerBlock() for _ in range(UPPER))
        self.norm = nn.LayerNorm(WIDTH, eps=1e-6)

    def start_from_trunk(self) -> FilmEncoder:
        """Copy the foundation weights of blocks 9–12 and the last norm."""
        trunk = load_trunk()
        for mine, theirs in zip(self.blocks, trunk.blocks[FROZEN_BLOCKS:], strict=True):
            mine.load_state_dict(theirs.state_dict())
        self.norm.load_state_dict(trunk.norm.state_dict())
        return self

    def upper(self, tokens: torch.Tensor) -> torch.Tensor:
        """Tokens after block 8 (b, 257, 384) → features (b, 1920)."""
        parts = []
        for block in self.blocks:
            tokens = block(tokens)
            parts.append(self.norm(tokens[:, 0]))
        return torch.cat([*parts, self.norm(tokens)[:, 1:].mean(1)], 1)

    def lowered(self, x: torch.Tensor | None = None, tokens: torch.Tensor | None = None) -> torch.Tensor:
        """Grey films (b, 1, 224, 224) in 0 … 1 → their tokens after block 8 (b, 257, 384); known ones as they are."""
        if tokens is None and x is not None:
            tokens = lower(load_trunk(str(x.device)), x)
        if tokens is None:
            raise TypeError("FilmEncoder needs x or tokens")
        return tokens

    def forward(self, x: torch.Tensor | None = None, tokens: torch.Tensor | None = None) -> torch.Tensor:
        """Grey films (b, 1, 224, 224) in 0 … 1, or their tokens after block 8 (b, 257, 384) → features (b, 1920)."""
        return self.upper(self.lowered(x, tokens))


class EcgEncoder(TraceTransformer):
    """Twelve leads at 100 Hz in tokens of 100 ms hop; amplitudes and flags enter as one token.

    x (b, 12, 1000), amplitude (b, 12), flags (b, 24), length (b,) → features (b, 2·160 + 192).
    """

    def __init__(self, rhythm: bool = True) -> None:
        super().__init__(12, ecg.LENGTH, patch=20, stride=10, width=160, depth=5, heads=5, side=36, rhythm=rhythm)


class PpgEncoder(TraceTransformer):
    """One pulse wave at 125 Hz in tokens of 80 ms hop: x (b, 1, 1250), length (b,) → features (b, 2·96 + 192)."""

    def __init__(self, rhythm: bool = True) -> None:
        super().__init__(1, ppg.LENGTH, patch=30, stride=10, width=96, depth=4, heads=4, side=0, rhythm=rhythm)


class TextEncoder(nn.Module):
    """Sentence vectors pass through; the language model itself is frozen and runs in engine.model.text."""

    features = text.WIDTH

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """x (b, 384) → features (b, 384)."""
        return x


Encoder = FilmEncoder | TraceTransformer | TextEncoder


def encoder_for(modality: str, weights: Collection[str] | None = None) -> Encoder:
    """Return an untrained encoder; `weights` names those that it is to hold, where they may be an older release's."""
    kind = resolve(spec_of(modality).encoder)
    if weights is None or not issubclass(kind, EcgEncoder | PpgEncoder):
        encoder: Encoder = kind()
        return encoder
    return kind(rhythm=any("rhythm." in name for name in weights))
