"""The films that the generator learns from: the open adult `train` films of the NIH, as one array and a table."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image

SIDE = 224  # pixels of a synthetic film, its height and its width
ADULT_YEARS = (18, 95)
EDGE_GREY, MIN_SPREAD = 0.02, 0.12  # of 0 … 1: darker upper edges are wide collimation, flatter films hold nothing


def load_films(recordings: Path, split: str = "train") -> tuple[torch.Tensor, pd.DataFrame]:
    """Return the NIH's adult films of a split, (n, 1, SIDE, SIDE) float32 in 0 … 1, and their table.

    Films with wide collimation are left out: their black frame is no anatomy. The table gains `years`.
    """
    table = pd.read_csv(recordings / "cxr" / "cxr.csv")
    table = table[(table.dataset == "nih-cxr14") & (table.split == split)]
    table = table.assign(years=pd.to_numeric(table.age, errors="coerce"))
    table = table[table.years.between(*ADULT_YEARS) & table.labels.notna()].reset_index(drop=True)
    films = [read_film(recordings / "cxr" / name) for name in table.file]
    stack = torch.from_numpy(np.stack(films)).float()[:, None] / 255
    whole = (stack[:, 0, :, :12].mean((1, 2)) > EDGE_GREY) & (stack.std((1, 2, 3)) > MIN_SPREAD)
    return stack[whole], table[whole.numpy()].reset_index(drop=True)


def read_film(path: Path) -> np.ndarray:
    """Return a square film as (SIDE, SIDE) uint8."""
    with Image.open(path) as image:
        return np.asarray(image.convert("L").resize((SIDE, SIDE), Image.Resampling.LANCZOS))
