"""What is no finding and is taken out of film embeddings after binding: the projection of the film, and the sex.

Both are written plainly on a film, and both would order neighbours: nearest to an AP film come other AP films, of the
seriously ill in bed, whatever they show.
"""

from __future__ import annotations

import numpy as np
import torch

from engine.model.heads import Tower
from engine.training.binding.erasure import leace
from engine.training.binding.modality_sides import embed
from engine.training.data.prepared import Example, Prepared
from engine.training.encoders import loop

KNOWN = {"view": ("AP", "PA"), "sex": ("F", "M")}  # a fact of a film → its two values
FEWEST = 50  # films of either value that an erasure is fitted on, at least


def view_and_sex(rows: list[Example]) -> np.ndarray:
    """Return view and sex as numbers: (n, 2), 1 for the first value, 0 for the second, NaN where it is not told."""
    numbers = [{value: 1.0 - i for i, value in enumerate(values)} for values in KNOWN.values()]
    facts = [[getattr(row, fact) for fact in KNOWN] for row in rows]
    return np.array(
        [[of.get(fact, np.nan) for of, fact in zip(numbers, row, strict=True)] for row in facts], float
    ).reshape(-1, len(KNOWN))


def erase(tower: Tower, data: Prepared, log: loop.Log) -> None:
    """Take view and sex out of a film tower's embeddings by a change of its head, fitted on `train`.

    The map is linear, so it does the same to embeddings before and after they are made as long as 1. Where too few
    films tell both, the head stays as it is.
    """
    facts = view_and_sex(data.rows)
    index = np.intersect1d(data.where("train"), np.flatnonzero(np.isfinite(facts).all(1)))
    concepts = facts[index]
    if not len(index) or min(concepts.sum(0).min(), (1 - concepts).sum(0).min()) < FEWEST:
        log.write(stage="erase", films=0)
        return
    matrix = leace(embed(tower, loop.tensors(data), index), concepts, np.array([data.rows[i].dataset for i in index]))
    keep = torch.eye(len(matrix)) - torch.from_numpy(matrix).float()
    with torch.no_grad():
        for part in tower.head.parameters():  # weight (256, f) and bias (256,)
            part.copy_(keep.to(part) @ part)
    log.write(stage="erase", films=len(index))
