"""How well whoever sees an update tells whose recordings it was learnt from.

The attack knows the state before, the update, and the recordings of the patient it asks about: the strongest that a
curious coordinator with a copy of a record could have. Its score is how much less the contrast of the patient's own
studies is after the update (a loss threshold, Yeom et al. 2018, section 3.2, on the difference). Carlini et al. 2022,
section 3, ask for the rate of true positives at a low rate of false ones, not for a mean.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from engine.evaluate.learning.collection import ReplayCollection, projected
from engine.learning.candidates import signs
from engine.learning.fit import Mapped
from engine.metrics.resampling import Estimate
from engine.model.hash_layer import BITS

FALSE_RATE = 0.01
TEMPERATURE = 0.1  # of the contrast, as rounds learn with it
DRAWS = 500


@dataclass(frozen=True, eq=False)
class Guesses:
    """Scores of those who were learnt from and of those who were not, (m,) and (k,); higher says learnt from."""

    members: np.ndarray
    others: np.ndarray


def attack(before: Mapped, after: Mapped, c: ReplayCollection, teach: np.ndarray, keep: np.ndarray) -> Guesses:
    """Return the scores of the patients of both kinds; teach, keep : places in the collection.

    Studies that are compared with are the kept patients' alone, those of the patient asked about left out.
    """
    fall = _loss(before, c, np.concatenate([teach, keep]), keep) - _loss(after, c, np.concatenate([teach, keep]), keep)
    return Guesses(
        _by_patient(fall[: len(teach)], c.patients[teach]), _by_patient(fall[len(teach) :], c.patients[keep])
    )


def true_rate(found: Sequence[Guesses], seed: int = 0) -> Estimate:
    """Return the rate of true positives at 1 % of false ones over several attacks, with a 95 % interval by patient.

    Every attack has a threshold of its own, as it has an update of its own.
    """
    rng, rates = np.random.default_rng(seed), []
    for draw in range(1 + DRAWS):
        hits, n = 0.0, 0
        for one in found:
            members, others = (_drawn(part, rng) if draw else part for part in (one.members, one.others))
            hits += float((members > np.quantile(others, 1 - FALSE_RATE, method="higher")).sum())
            n += len(members)
        rates.append(hits / n)
    low, high = np.percentile(rates[1:], [2.5, 97.5])
    return Estimate(rates[0], float(low), float(high), sum(len(one.members) for one in found))


def chance(found: Sequence[Guesses]) -> float:
    """Return the rate of true positives that no knowledge gives: above 1 % where few others set the threshold.

    Where all scores are alike, one more lies above the k-th highest of n with probability k ÷ (n + 1).
    """
    above = [len(one.others) - math.ceil((1 - FALSE_RATE) * (len(one.others) - 1)) for one in found]
    rates = [k / (len(one.others) + 1) for k, one in zip(above, found, strict=True)]
    return float(np.average(rates, weights=[len(one.members) for one in found]))


def roc_area(found: Sequence[Guesses]) -> float:
    """Return how often a member scores above another patient, mean over attacks by their size (the area of the ROC)."""
    areas = [float((one.members[:, None] > one.others[None]).mean()) for one in found]
    return float(np.average(areas, weights=[len(one.members) for one in found]))


def _drawn(values: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return np.asarray(rng.choice(values, len(values)))


def _loss(model: Mapped, c: ReplayCollection, asked: np.ndarray, gallery: np.ndarray) -> np.ndarray:
    """Return the supervised contrast of studies against a gallery's codes, (n,); NaN where nothing shares a finding."""
    _, bits = projected(model, c)
    relaxed, codes = np.tanh(bits[asked]), signs(bits)[gallery]
    logits = torch.from_numpy(relaxed @ codes.T / (BITS * TEMPERATURE))
    other = torch.from_numpy(c.patients[asked][:, None] != c.patients[gallery][None])
    share = torch.from_numpy(
        (c.has_finding[asked].astype(np.float32) @ c.has_finding[gallery].T.astype(np.float32)) > 0
    )
    wanted = (share & other).float()
    each = -(torch.log_softmax(logits.masked_fill(~other, -1e4), 1) * wanted).sum(1)
    found = (each / wanted.sum(1)).numpy()
    return np.asarray(found, np.float64)


def _by_patient(values: np.ndarray, patients: np.ndarray) -> np.ndarray:
    """Return the mean of each patient's values, those without any left out."""
    known = np.isfinite(values)
    names, of = np.unique(patients[known], return_inverse=True)
    return np.bincount(of, values[known], len(names)) / np.bincount(of, minlength=len(names))
