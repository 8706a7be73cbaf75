"""What pre-training without labels is worth: findings read linearly from an encoder's features, on `valid`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.metrics.classifying import frequent_auroc
from engine.metrics.probe_fit import STRENGTHS, logistic_scores, standardised
from engine.model.models import Encoder
from engine.training.data.captions import many_hot
from engine.training.data.prepared import Prepared
from engine.training.encoders import loop
from engine.training.encoders.tune import features


@dataclass(frozen=True)
class ProbeResult:
    """Log-odds of findings scores (n, c) of `valid` studies, findings held (n, c) bool, patients (n,)."""

    scores: np.ndarray
    has_finding: np.ndarray
    patients: np.ndarray

    @property
    def auroc(self) -> float:
        """Mean AUROC over findings; 0.5 where none can be measured."""
        return frequent_auroc(self.scores, self.has_finding)[0]


def probed(encoder: Encoder, data: Prepared) -> ProbeResult:
    """Fit one logistic probe per finding on `train` and read `valid` with them.

    The strength of regularisation is the best one on `valid`, for every encoder that is compared.
    """
    held = many_hot(row.finding_set for row in data.rows)
    train, valid = (np.intersect1d(data.where(split), np.flatnonzero(held.any(1))) for split in ("train", "valid"))
    patients = np.array([data.rows[i].patient_id for i in valid])
    known = [i for i in range(held.shape[1]) if 0 < held[train, i].sum() < len(train)]
    if not known or not len(valid):
        return ProbeResult(np.zeros((len(valid), 0)), np.zeros((len(valid), 0), bool), patients)
    inputs = loop.tensors(data)
    x, y = standardised(*(features(encoder.to(loop.device()), inputs, index).cpu().numpy() for index in (train, valid)))
    tried = []
    for strength in STRENGTHS:
        scores = [logistic_scores(x, held[train, i], strength, y)[0] for i in known]
        tried.append(ProbeResult(np.stack(scores, 1), held[valid][:, known], patients))
    return max(tried, key=lambda one: one.auroc)


def linear_probe(encoder: Encoder, data: Prepared) -> float:
    """Return the mean AUROC over findings on `valid` of logistic probes fitted on `train`; 0.5 where none can be."""
    return probed(encoder, data).auroc
