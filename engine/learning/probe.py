"""What pre-training without labels is worth: findings read linearly from an encoder's features, on `valid`."""

from __future__ import annotations

import numpy as np

from engine.cohorts.captions import many_hot
from engine.cohorts.prepared import Prepared
from engine.encoders import loop
from engine.encoders.models import Encoder
from engine.encoders.tune import features, mean_auroc
from engine.measure.probe_fit import STRENGTHS, logistic_scores, standardised


def linear_probe(encoder: Encoder, data: Prepared) -> float:
    """Return the mean AUROC over findings on `valid` of logistic probes fitted on `train`; 0.5 where none can be.

    The strength of regularisation is the best one on `valid`, for every encoder that is compared.
    """
    held = many_hot(row.found for row in data.rows)
    train, valid = (np.intersect1d(data.where(split), np.flatnonzero(held.any(1))) for split in ("train", "valid"))
    known = [i for i in range(held.shape[1]) if 0 < held[train, i].sum() < len(train)]
    if not known or not len(valid):
        return 0.5
    inputs = loop.tensors(data)
    x, y = standardised(*(features(encoder.to(loop.device()), inputs, index).cpu().numpy() for index in (train, valid)))
    tried = []
    for strength in STRENGTHS:
        scores = [logistic_scores(x, held[train, i], strength, y)[0] for i in known]
        tried.append(mean_auroc(np.stack(scores, 1), held[valid][:, known])[0])
    return max(tried)
