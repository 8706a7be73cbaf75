"""Films as the tuned blocks' training sees them: tokens after the frozen blocks, plain and of changed views.

The frozen blocks cost most of a step, so views are made once, a few of every training film, and a step drops patches of
one of them at random. Films of `test` are left out, and so are those of children beyond a number: over half of the open
films are of children of one hospital, and what would be learnt from them is that hospital. Those that are taken are
spread over the whole set: sets list films by what they show, and the first of them may all be normal.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from contextlib import nullcontext
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch

from engine.files import write_whole
from engine.model.autocast import bfloat16_autocast
from engine.model.trunk import load_trunk, lower
from engine.training.data.prepared import Prepared, load
from engine.training.encoders import augment

Listed = TypeVar("Listed")
PLAIN, VIEWS, WHOSE = "cxr-tokens.npy", "cxr-views.npy", "cxr-tokens.txt"
COUNT = 4  # changed views of a training film, beside the plain one
CHILDREN = ("kermany-paediatric", "kermany-paediatric-224")
MOST = {"train": 150, "valid": 50}  # films of each of these sets
BATCH = 32
TOKENS = (257, 384)  # of one film
KEPT_PATCHES = 0.4  # share of a film's patches seen in one training step


def learnt_from(films: Prepared) -> Prepared:
    """Return films of `train` and `valid`, children as far as they are taken, in their order."""
    sets: defaultdict[tuple[str, str], list[int]] = defaultdict(list)
    for number, row in enumerate(films.rows):
        if row.split in MOST:
            sets[row.dataset, row.split].append(number)
    kept = [
        number
        for (dataset, split), numbers in sets.items()
        for number in (spread(numbers, MOST[split]) if dataset in CHILDREN else numbers)
    ]
    kept.sort()
    return Prepared([films.rows[i] for i in kept], {name: array[kept] for name, array in films.inputs.items()})


def spread(listed: Sequence[Listed], most: int) -> list[Listed]:
    """Return all that is listed, or `most` of it at even distances from the first to the last."""
    if len(listed) <= most:
        return list(listed)
    return [listed[at] for at in np.linspace(0, len(listed) - 1, most).round().astype(int)]


def lower_tokens(films: torch.Tensor, exact: bool) -> np.ndarray:
    """Grey films (b, 1, 224, 224) in 0 … 1 → tokens after the frozen blocks (b, 257, 384) float16."""
    with torch.inference_mode(), nullcontext() if exact else bfloat16_autocast("cpu"):
        return lower(load_trunk(), films).float().numpy().astype(np.float16)


def write_tokens(data: Prepared, cache: Path, seed: int = 0) -> None:
    """Write cxr-tokens.npy (n, 257, 384) of all films and cxr-views.npy (views, train films, 257, 384), float16.

    Each file takes its name when it is whole; cxr-tokens.txt says last whose they are, a film a line.
    """
    (cache / WHOSE).unlink(missing_ok=True)
    films, train = torch.from_numpy(data.inputs["x"])[:, None], data.where("train")
    rng = torch.Generator().manual_seed(seed)
    plain = np.lib.format.open_memmap(_part(cache / PLAIN), "w+", np.float16, (len(films), *TOKENS))
    for i in range(0, len(films), BATCH):
        plain[i : i + BATCH] = lower_tokens(films[i : i + BATCH].float() / 255, exact=True)
    views = np.lib.format.open_memmap(_part(cache / VIEWS), "w+", np.float16, (COUNT, len(train), *TOKENS))
    for view in range(COUNT):
        for i in range(0, len(train), BATCH):
            seen = augment.films(films[train[i : i + BATCH]].float() / 255, rng)
            views[view, i : i + BATCH] = lower_tokens(seen, exact=False)
    for array, name in ((plain, PLAIN), (views, VIEWS)):
        array.flush()
        _part(cache / name).replace(cache / name)
    write_whole(cache / WHOSE, _whose(data))


def _whose(data: Prepared) -> bytes:
    return "\n".join(f"{row.split} {row.study_id}" for row in data.rows).encode()


def _part(file: Path) -> Path:
    return file.with_suffix(".part")


def _lie_there(data: Prepared, cache: Path) -> bool:
    """Whether tokens and views of just these films are in the cache."""
    if not (cache / WHOSE).is_file() or (cache / WHOSE).read_bytes() != _whose(data):
        return False
    wanted = {PLAIN: (len(data.rows), *TOKENS), VIEWS: (COUNT, len(data.where("train")), *TOKENS)}
    return all(
        (cache / name).is_file() and np.load(cache / name, mmap_mode="r").shape == shape
        for name, shape in wanted.items()
    )


def load_tokens(cache: Path) -> Prepared:
    """Return the films that are learnt from as plain tokens, writing them and the views first where they are not."""
    data = learnt_from(load(cache, "cxr"))
    if not _lie_there(data, cache):
        write_tokens(data, cache)
    return Prepared(data.rows, {"tokens": np.load(cache / PLAIN, mmap_mode="r+")})


class FilmViews:
    """Draws one random view of training films, the plain one among them, with patches dropped."""

    def __init__(self, cache: Path, data: Prepared) -> None:
        self.views, self.plain = np.load(cache / VIEWS, mmap_mode="r"), data.inputs["tokens"]
        train = data.where("train")
        self.position = np.full(len(data.rows), -1)
        self.position[train] = np.arange(len(train))

    def sample(self, index: np.ndarray, choice: np.random.Generator, noise: torch.Generator) -> dict[str, torch.Tensor]:
        """Return tokens of one view of each of the train rows `index`: (b, 1 + kept, 384)."""
        which = choice.integers(-1, len(self.views), len(index))  # −1: plain
        seen = np.where((which < 0)[:, None, None], self.plain[index], self.views[which, self.position[index]])
        tokens = torch.from_numpy(seen).to(noise.device).float()
        return {"tokens": augment.drop_patches(tokens, KEPT_PATCHES, noise)}
