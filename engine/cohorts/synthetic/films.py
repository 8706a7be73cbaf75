"""Synthetic chest films: a statistical model of shape and appearance, fitted on open adult films, then sampled.

As in active appearance models (Cootes et al., IEEE TPAMI 2001): films are aligned to their mean; principal components
of the warped films and of the warps make joint coefficients; a ridge regression on labels, view, age and sex gives
their mean and the residuals their covariance. A draw is a point of that Gaussian, never a film of the training set,
plus smooth texture of the size that the components leave out. The model itself is not shipped, only what it drew.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from PIL import Image
from torch.nn import functional

from engine.cohorts.synthetic.registration import align, invert, smooth, warp

SIDE = 224  # pixels of a synthetic film
GRID = 96  # pixels on which films are aligned
LOOKS, SHAPES = 140, 60  # principal components kept of appearance and of shape
TEMPERATURE = 0.85  # scale of the residual draw: a little inside the cloud, where films look whole
GRAIN = 0.06  # texture added, share of what the components leave out
MARGIN = 7  # pixels cut at each edge, where warps read beyond the film
RIDGE = 20.0
LABELS = ("No Finding", "Cardiomegaly", "Pleural Effusion", "Edema", "Pneumonia", "Lung Opacity", "Consolidation",
          "Atelectasis", "Pneumothorax", "Lung Lesion")


@dataclass(frozen=True, eq=False)
class FilmModel:
    """The fitted model; arrays are float32.

    look, look_axes    : mean (SIDE²,) and components (LOOKS, SIDE²) of films in the template's frame, 0..1
    shape_axes         : components (SHAPES, 2·GRID²) of the fields, pixels of the small grid; their mean is 0
    regression         : (features, LOOKS + SHAPES) coefficients given labels, view, age and sex
    spread             : (LOOKS + SHAPES, same) Cholesky factor of the residual covariance
    texture            : (SIDE, SIDE) standard deviation that the components leave out
    """

    look: np.ndarray
    look_axes: np.ndarray
    shape_axes: np.ndarray
    regression: np.ndarray
    spread: np.ndarray
    texture: np.ndarray


def load_films(recordings: Path) -> tuple[torch.Tensor, pd.DataFrame]:
    """Return the open adult `train` films of the NIH, (n, 1, SIDE, SIDE) float32 in 0..1, and their table."""
    table = pd.read_csv(recordings / "cxr" / "cxr.csv")
    table = table[(table.dataset == "nih-cxr14") & (table.split == "train")]
    table = table.assign(years=pd.to_numeric(table.age, errors="coerce"))
    table = table[table.years.between(18, 95) & table.labels.notna()].reset_index(drop=True)
    films = [np.asarray(Image.open(recordings / "cxr" / name).convert("L").resize((SIDE, SIDE), Image.Resampling.BOX))
             for name in table.file]
    stack = torch.from_numpy(np.stack(films)).float()[:, None] / 255
    whole = (stack[:, 0, :, :12].mean((1, 2)) > 0.02) & (stack.std((1, 2, 3)) > 0.12)  # no wide collimation, not flat
    return stack[whole], table[whole.numpy()].reset_index(drop=True)


def features(labels: str, view: str, years: float, sex: str) -> np.ndarray:
    """Return the regression's input row: constant, labels, view, age (decades from 50), sex."""
    held = set(labels.split(";"))
    return np.array([1.0, *(float(name in held) for name in LABELS), float(view == "AP"), (years - 50) / 10,
                     float(sex == "M")])


def fit(films: torch.Tensor, table: pd.DataFrame) -> FilmModel:
    """Return the model fitted on films (n, 1, SIDE, SIDE) and their table's labels, view, years and sex."""
    field = align(functional.interpolate(films, GRID, mode="area"))
    large = functional.interpolate(field, SIDE, mode="bilinear", align_corners=True) * ((SIDE - 1) / (GRID - 1))
    flat = warp(films, large).flatten(1).numpy()
    look = flat.mean(0)
    look_axes = _axes(flat - look, LOOKS)
    shape_axes = _axes(field.flatten(1).numpy(), SHAPES)
    looks, shapes = (flat - look) @ look_axes.T, field.flatten(1).numpy() @ shape_axes.T
    rest = (flat - look - looks @ look_axes).reshape(-1, 1, SIDE, SIDE)
    texture = np.median(np.abs(rest), axis=0)[0] * 1.48  # robust: letters and wires do not count
    rows = np.stack([features(*row) for row in zip(table.labels, table["view"], table.years, table.sex, strict=True)])
    target = np.hstack([looks, shapes])
    regression = np.linalg.solve(rows.T @ rows + RIDGE * np.diag([0.0] + [1.0] * (rows.shape[1] - 1)), rows.T @ target)
    residual = target - rows @ regression
    spread = np.linalg.cholesky(np.cov(residual.T) + 1e-6 * np.eye(target.shape[1]))
    return FilmModel(look, look_axes, shape_axes, regression, spread, texture)


def sample(model: FilmModel, row: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return one new film (SIDE, SIDE) uint8 for the feature row."""
    z = row @ model.regression + TEMPERATURE * model.spread @ rng.standard_normal(len(model.spread))
    picture = model.look + z[:LOOKS] @ model.look_axes
    grain = torch.from_numpy(rng.standard_normal((1, 1, SIDE, SIDE))).float()
    grain = smooth(grain, 0.8) / 0.35 + 0.6 * smooth(grain, 2.0) / 0.14
    flat = torch.from_numpy(picture.reshape(1, 1, SIDE, SIDE)).float()
    flat = flat + GRAIN * grain * torch.from_numpy(model.texture).float()
    field = torch.from_numpy((z[LOOKS:] @ model.shape_axes).reshape(1, 2, GRID, GRID)).float()
    back = functional.interpolate(invert(field), SIDE, mode="bilinear", align_corners=True) * ((SIDE - 1) / (GRID - 1))
    inner = warp(flat, back)[..., MARGIN:-MARGIN, MARGIN:-MARGIN]
    film = functional.interpolate(inner, SIDE, mode="bicubic")[0, 0].numpy()
    low, high = np.percentile(film, (0.5, 99.5))
    return (np.clip((film - low) / max(high - low, 1e-3), 0, 1) * 250).astype(np.uint8)


def standardise(films: torch.Tensor) -> torch.Tensor:
    """Return films (n, 1, SIDE, SIDE) as rows (n, 56²) of mean 0 and deviation 1."""
    small = functional.interpolate(films, 56, mode="area").flatten(1)
    return (small - small.mean(1, keepdim=True)) / small.std(1, keepdim=True)


def nearest_distance(film: np.ndarray, standard: torch.Tensor) -> float:
    """Return the root-mean-square difference of film (SIDE, SIDE) to the nearest standardised row; √2 is unrelated."""
    own = standardise(torch.from_numpy(film).float()[None, None] / 255)
    return float(((standard - own) ** 2).mean(1).min().sqrt())


def _axes(centred: np.ndarray, k: int) -> np.ndarray:
    """Return the k leading principal axes (k, d) of centred rows (n, d), n < d, through the (n, n) Gram matrix."""
    values, vectors = np.linalg.eigh(centred @ centred.T)
    leading = vectors[:, ::-1][:, :k] / np.sqrt(values[::-1][:k])
    return np.asarray((leading.T @ centred).astype(np.float32))
