"""The lungs of a film: a small U-Net that outlines the right and the left one, and how sure it is.

It was learnt on outlines drawn by eye on adult `train` films (outlines.toml, train_lungs.py). "Right" is the patient's,
at the left of the picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import torch
from scipy import ndimage
from torch import nn
from torch.nn import functional as F

from engine.settings import MODELS

SIDE = 96  # pixels of what the network sees
WIDTHS = (12, 20, 32, 48, 64)
FILE = MODELS / "generators" / "film-lungs.safetensors"
GAMMAS = (0.75, 1.35)  # exposures between which a sure outline hardly changes
SHIFT = 4  # pixels of SIDE, likewise


class LungNet(nn.Module):
    """A U-Net from (n, 2, SIDE, SIDE), a film and its local contrast, to logits of the right and the left lung."""

    def __init__(self) -> None:
        super().__init__()
        ins = (2, *WIDTHS[:-1])
        self.down = nn.ModuleList(_block(a, b) for a, b in zip(ins, WIDTHS, strict=True))
        pairs = list(zip(WIDTHS[:0:-1], WIDTHS[-2::-1], strict=True))
        self.up = nn.ModuleList(_block(a + b, b) for a, b in pairs)
        self.out = nn.Conv2d(WIDTHS[0], 2, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return logits (n, 2, SIDE, SIDE)."""
        kept = []
        for i, block in enumerate(self.down):
            x = block(F.max_pool2d(x, 2) if i else x)
            kept.append(x)
        for block, skip in zip(self.up, kept[-2::-1], strict=True):
            grown = F.interpolate(x, scale_factor=2.0, mode="bilinear", align_corners=False)
            x = block(torch.cat([grown, skip], 1))
        return torch.as_tensor(self.out(x))


def _block(ins: int, outs: int) -> nn.Sequential:
    first, second = nn.Conv2d(ins, outs, 3, padding=1), nn.Conv2d(outs, outs, 3, padding=1)
    return nn.Sequential(first, nn.GroupNorm(4, outs), nn.SiLU(), second, nn.GroupNorm(4, outs), nn.SiLU())


def seen(film: np.ndarray) -> np.ndarray:
    """Return what the network sees of a film (h, w): grey between its 2nd and 98th percentile, and local contrast."""
    small = F.interpolate(
        torch.from_numpy(np.ascontiguousarray(film, np.float32))[None, None],
        (SIDE, SIDE),
        mode="bilinear",
        antialias=True,
        align_corners=False,
    )[0, 0].numpy()
    low, high = np.percentile(small, [2, 98])
    grey = np.clip((small - low) / max(high - low, 1e-3), 0, 1)
    return np.stack([grey * 2 - 1, 3 * (grey - ndimage.gaussian_filter(grey, SIDE / 10))]).astype(np.float32)


@dataclass(frozen=True, eq=False)
class Lungs:
    """Chances (2, h, w) that a pixel is of the right and of the left lung, and how sure the outline is, 0 … 1."""

    chances: np.ndarray
    agreement: float


@lru_cache(maxsize=1)
def load_net(file: Path = FILE) -> LungNet:
    """Read the shipped network."""
    from safetensors.torch import load_file

    net = LungNet()
    net.load_state_dict({name: value.float() for name, value in load_file(file).items()})
    return net.eval()


@torch.no_grad()
def outline(film: np.ndarray, net: LungNet | None = None) -> Lungs:
    """Outline the lungs of a film (h, w) in 0 … 1; the agreement is the overlap (Dice) of four ways to see the film."""
    net = net or load_net()
    plain = np.clip(film, 0, 1)
    views = [plain, *(plain**gamma for gamma in GAMMAS)]
    batch = [seen(view) for view in views]
    batch.append(np.roll(batch[0], SHIFT, axis=(1, 2)))
    logits = net(torch.from_numpy(np.stack(batch)))
    logits[3] = torch.roll(logits[3], (-SHIFT, -SHIFT), (1, 2))
    masks = (logits > 0).flatten(1).float()
    overlaps = [float(2 * (masks[0] * m).sum() / (masks[0].sum() + m.sum()).clamp(min=1)) for m in masks[1:]]
    mean = logits.mean(0, keepdim=True)
    large = F.interpolate(mean, film.shape, mode="bicubic", align_corners=False)[0]
    return Lungs(torch.sigmoid(large).numpy(), float(np.mean(overlaps)))
