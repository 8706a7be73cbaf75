"""Does a detector that learnt from painted regions point at them on other patients' films, and at boxes of real ones?

The detector is a logistic regression per finding on the 256 patch tokens of the frozen trunk: a patch is positive where
at least half of it lies in the finding's outline. It learns from half of the patients and points at the other half, and
the other way round. The pointing game (Zhang et al., Int J Comput Vis 2018): a film is a hit where the patch with the
highest score touches the outline. Chance is the share of the film's patches that touch it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from engine.findings import findings as findings_of
from engine.metrics.resampling import measured_mean
from engine.model.cxr import SIDE, padding
from engine.model.region import GRID
from engine.reference import Polygon, mask_of
from engine.study import Film

if TYPE_CHECKING:
    from engine.evaluate.region import Boxed
    from engine.synthetic.checks.collect import CohortStudy

POSITIVE = 0.5  # share of a patch inside the outline from which it is positive
MAX_NEGATIVES = 20  # patches per positive one that are learnt from
MIN_FILMS = 5  # with a finding, on either side
STRENGTH = 0.01  # scikit-learn's C on standardised tokens


@dataclass(frozen=True, eq=False)
class Outlined:
    """Films with outlines of their findings.

    tokens   : (n, 256, width) float16, of the trunk's frozen blocks
    patients : (n,) str
    inside   : finding → (n, 256) share of each patch inside the outline; NaN rows where a film has none
    """

    tokens: np.ndarray
    patients: np.ndarray
    inside: dict[str, np.ndarray]

    def take(self, index: np.ndarray) -> Outlined:
        """Return the rows of a mask."""
        return Outlined(self.tokens[index], self.patients[index], {n: a[index] for n, a in self.inside.items()})


def patch_shares(polygons: Sequence[Polygon], shape: tuple[int, int]) -> np.ndarray:
    """Return (256,) the share of each patch of the letterboxed film inside some polygons on a film (rows, columns)."""
    from PIL import Image

    side, top, left = padding(*shape)
    square = np.zeros((side, side), np.float32)
    square[top : top + shape[0], left : left + shape[1]] = mask_of(polygons, shape)
    small = np.asarray(Image.fromarray(square).resize((SIDE, SIDE), Image.Resampling.BOX))
    step = SIDE // GRID
    return small.reshape(GRID, step, GRID, step).mean((1, 3)).reshape(-1)


def outlined(films: Sequence[Film], patients: Sequence[str], shares: Sequence[dict[str, np.ndarray]]) -> Outlined:
    """Return films with the patch shares (256,) of their findings by name."""
    from engine.model.trunk import lower_tokens

    parts = [lower_tokens(films[at : at + 16])[:, 1:].numpy().astype(np.float16) for at in range(0, len(films), 16)]
    names = sorted(set().union(*shares)) if shares else []
    none = np.full(GRID**2, np.nan)
    inside = {name: np.stack([one.get(name, none) for one in shares]) for name in names}
    return Outlined(np.concatenate(parts), np.asarray(patients), inside)


def of_cohort(items: Sequence[CohortStudy]) -> Outlined:
    """Return a cohort's films with the outlines that came with them."""
    films = [item.study.film for item in items]
    shares = []
    for item, film in zip(items, films, strict=True):
        polygons: dict[str, list[Polygon]] = {}
        for one in item.reference:
            for name in findings_of([one.label]) if one.polygons else ():
                polygons.setdefault(name, []).extend(one.polygons)
        shares.append({name: patch_shares(found, film.pixels.shape) for name, found in polygons.items()})
    return outlined(films, [item.patient for item in items], shares)


def of_boxes(boxed: Sequence[Boxed]) -> Outlined:
    """Return real films with the boxes that radiologists drew, a row a box."""
    shares = []
    for one in boxed:
        left, top, right, bottom = one.box
        corners = (left, top), (right, top), (right, bottom), (left, bottom)
        shares.append({one.finding: patch_shares([corners], one.film.pixels.shape)})
    return outlined([one.film for one in boxed], [one.patient for one in boxed], shares)


def learn(films: Outlined, finding: str, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return what scores a patch for a finding, scale (width,) and weights (width,): score = (token · scale) · weights.

    Patches that the outline only touches are left out.
    """
    from sklearn.linear_model import LogisticRegression

    share = np.nan_to_num(films.inside[finding])
    positive, outside = np.argwhere(share >= POSITIVE), np.argwhere(share == 0)
    rng = np.random.default_rng(seed)
    some = outside[rng.choice(len(outside), min(len(outside), MAX_NEGATIVES * len(positive)), replace=False)]
    rows = np.vstack([positive, some])
    x = films.tokens[rows[:, 0], rows[:, 1]].astype(np.float32)
    scale = 1 / np.maximum(x.std(0), 1e-6)
    y = np.arange(len(rows)) < len(positive)
    fitted = LogisticRegression(C=STRENGTH, class_weight="balanced", max_iter=200, tol=1e-3).fit(x * scale, y)
    return scale, fitted.coef_[0]


def hits(films: Outlined, finding: str, scale: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray, Any]:
    """Return of the films with a finding whether the highest patch touches its outline, chance, and the patients."""
    shown = ~np.isnan(films.inside[finding][:, 0])
    scores = (films.tokens[shown].astype(np.float32) * scale) @ weights
    touched = films.inside[finding][shown] > 0
    return touched[np.arange(len(scores)), scores.argmax(1)], touched.mean(1), films.patients[shown]


def halves(patients: np.ndarray) -> np.ndarray:
    """Return which studies belong to the first half, (n,) bool: every second patient in the order of their names."""
    names = {name: number for number, name in enumerate(sorted(set(patients)))}
    return np.array([names[name] % 2 == 0 for name in patients], bool)


def pointing(films: Outlined, boxed: Outlined | None = None) -> dict[str, Any]:
    """Return per finding the pointing game on the other half, and on real boxes by the detector of all the films.

    {"painted": rows, "boxes": rows} with rows of finding, hit rate with its interval by patient, chance, n.
    """
    first = halves(films.patients)
    sides = (films.take(first), films.take(~first))
    painted, real = [], []
    for finding, share in films.inside.items():
        shown = ~np.isnan(share[:, 0])
        if min((shown & first).sum(), (shown & ~first).sum()) < MIN_FILMS:
            continue
        found = [hits(b, finding, *learn(a, finding)) for a, b in (sides, sides[::-1])]
        painted.append(_row(finding, *(np.concatenate(parts) for parts in zip(*found, strict=True))))
        if boxed is not None and finding in boxed.inside:
            real.append(_row(finding, *hits(boxed, finding, *learn(films, finding))))
    return {"painted": painted, "boxes": real}


def check(items: Sequence[CohortStudy], path: Path) -> dict[str, Any]:
    """Return the pointing game of a cohort's films and of the boxes on the open recordings under `path`.

    Without outlines there is nothing to learn from, and no row.
    """
    if not any(one.polygons for item in items for one in item.reference):
        return {"painted": [], "boxes": []}
    return pointing(of_cohort(items), real_boxes(path))


def real_boxes(path: Path, splits: Sequence[str] = ("valid", "test")) -> Outlined | None:
    """Return the boxes of the NIH films of some splits; None where there is none."""
    from engine.evaluate.region import boxes

    found = [one for split in splits for one in boxes(path, split)]
    return of_boxes(found) if found else None


def _row(finding: str, hit: np.ndarray, chance: np.ndarray, patients: np.ndarray) -> dict[str, Any]:
    measured = measured_mean(hit.astype(float), list(patients)).as_dict()
    return {"finding": finding, "hit": measured, "chance": float(chance.mean()), "n": len(hit)}
