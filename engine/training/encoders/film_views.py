"""Films as the tuned blocks' training sees them: tokens after the frozen blocks, plain and of changed views.

The frozen blocks cost most of a step, so views are made once, a few of every training film, and a step drops patches of
one of them at random.
"""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import numpy as np
import torch

from engine.model.autocast import bfloat16_autocast
from engine.model.trunk import load_trunk, lower
from engine.training.data.prepared import Prepared, load
from engine.training.encoders import augment

PLAIN, VIEWS = "cxr-tokens.npy", "cxr-views.npy"
COUNT = 8  # views of a training film
BATCH = 32
KEPT_PATCHES = 0.4  # share of a film's patches seen in one training step


def lower_tokens(films: torch.Tensor, exact: bool) -> np.ndarray:
    """Grey films (b, 1, 224, 224) in 0 … 1 → tokens after the frozen blocks (b, 257, 384) float16."""
    with torch.inference_mode(), nullcontext() if exact else bfloat16_autocast("cpu"):
        return lower(load_trunk(), films).float().numpy().astype(np.float16)


def write_tokens(cache: Path, seed: int = 0) -> None:
    """Write cxr-tokens.npy (n, 257, 384) of all films and cxr-views.npy (views, train films, 257, 384), float16."""
    data, rng = load(cache, "cxr"), torch.Generator().manual_seed(seed)
    films, train = torch.from_numpy(data.inputs["x"])[:, None], data.where("train")
    plain = np.lib.format.open_memmap(cache / PLAIN, "w+", np.float16, (len(films), 257, 384))
    for i in range(0, len(films), BATCH):
        plain[i : i + BATCH] = lower_tokens(films[i : i + BATCH].float() / 255, exact=True)
    views = np.lib.format.open_memmap(cache / VIEWS, "w+", np.float16, (COUNT, len(train), 257, 384))
    for view in range(COUNT):
        for i in range(0, len(train), BATCH):
            seen = augment.films(films[train[i : i + BATCH]].float() / 255, rng)
            views[view, i : i + BATCH] = lower_tokens(seen, exact=False)


def load_tokens(cache: Path) -> Prepared:
    """Return all films as plain tokens, writing them and the views first where the cache has none."""
    if not ((cache / PLAIN).is_file() and (cache / VIEWS).is_file()):
        write_tokens(cache)
    return Prepared(load(cache, "cxr").rows, {"tokens": np.load(cache / PLAIN, mmap_mode="r+")})


class FilmViews:
    """Draws one random view of training films, with patches dropped."""

    def __init__(self, cache: Path, data: Prepared) -> None:
        self.views = np.load(cache / VIEWS, mmap_mode="r")
        train = data.where("train")
        self.position = np.full(len(data.rows), -1)
        self.position[train] = np.arange(len(train))

    def sample(self, index: np.ndarray, choice: np.random.Generator, noise: torch.Generator) -> dict[str, torch.Tensor]:
        """Return tokens of one view of each of the train rows `index`: (b, 1 + kept, 384)."""
        which = choice.integers(0, len(self.views), len(index))
        seen = torch.from_numpy(self.views[which, self.position[index]]).to(noise.device).float()
        return {"tokens": augment.drop_patches(seen, KEPT_PATCHES, noise)}
