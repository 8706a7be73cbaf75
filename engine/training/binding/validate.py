"""What plans of binding are chosen by: figures on `valid`, each between 0 and 1, and their mean."""

from __future__ import annotations

from itertools import permutations

import numpy as np
import torch

from engine.metrics.ranking import precision_at, ranked_relevance
from engine.training.binding.edges import shared
from engine.training.binding.modality_sides import BindingSide, embed
from engine.training.data.captions import Captions
from engine.training.data.prepared import Prepared
from engine.training.encoders import loop

MIN_STUDIES, MIN_PATIENTS = 20, 5  # for a data set to count
MIN_POSITIVES = 5  # studies that a finding needs


def within_precision(z: np.ndarray, data: Prepared, index: np.ndarray, has_finding: np.ndarray) -> dict[str, float]:
    """P@5 by shared finding within each data set, never the same patient; small data sets are left out."""
    out = {}
    for dataset in sorted({data.rows[i].dataset for i in index}):
        at = np.array([j for j, i in enumerate(index) if data.rows[i].dataset == dataset and has_finding[i].any()])
        patients = np.array([data.rows[index[j]].patient_id for j in at])
        if len(at) < MIN_STUDIES or len(set(patients)) < MIN_PATIENTS:
            continue
        relevant = (has_finding[index[at]].astype(int) @ has_finding[index[at]].T.astype(int)) > 0
        found = ranked_relevance(z[at] @ z[at].T, relevant, patients[:, None] != patients[None], 5)
        out[dataset] = float(np.nanmean(precision_at(found, 5)))
    return out


def separation(scores: np.ndarray, query: np.ndarray, target: np.ndarray) -> float:
    """Mean over findings of the chance that a query with it is nearer to a target with it than to one without.

    scores (q, g); query (q, findings), target (g, findings) bool. 0.5 is chance; NaN where no finding can be measured.
    Unlike P@k it does not gain from findings that are simply common.
    """
    out = []
    for finding in range(query.shape[1]):
        has, other = target[:, finding], ~target[:, finding] & target.any(1)
        rows = scores[query[:, finding]]
        if len(rows) < MIN_POSITIVES or has.sum() < MIN_POSITIVES or other.sum() < MIN_POSITIVES:
            continue
        above = (rows[:, has][:, :, None] > rows[:, other][:, None]).mean()
        out.append(float(above))
    return float(np.mean(out)) if out else float("nan")


def text_precision(text: np.ndarray, z: np.ndarray, has_finding: np.ndarray) -> float | None:
    """P@5 of studies found by one-finding texts (findings, 256); None where no finding has enough studies."""
    kept = has_finding.sum(0) >= MIN_POSITIVES
    if not kept.any():
        return None
    relevant = has_finding.T[kept]
    found = ranked_relevance(text[kept] @ z.T, relevant, np.ones_like(relevant), 5)
    return float(precision_at(found, 5).mean())


def validate(towers: torch.nn.ModuleDict, sides: dict[str, BindingSide], captions: Captions) -> dict[str, float]:
    """P@5 within each modality's data sets and by one-finding texts; separation by finding between modalities.

    What cannot be measured, for want of studies, is left out.
    """
    out: dict[str, float | None] = {}
    named = np.array([numbers[0] for numbers in captions.of_one.values()])
    text = embed(towers["text"], {"x": torch.from_numpy(captions.vectors).to(loop.device())}, named)
    index = {m: side.data.where("valid") for m, side in sides.items()}
    z = {m: side.embed(towers[m], index[m]) for m, side in sides.items()}  # type: ignore[arg-type]
    for m, side in sides.items():
        scores = within_precision(z[m], side.data, index[m], side.has_finding)
        out[m] = float(np.mean(list(scores.values()))) if scores else None
        out[f"text_{m}"] = text_precision(text, z[m], side.has_finding[index[m]])
    for a, b in permutations(sides, 2):
        both = shared(sides[a], sides[b])
        value = separation(z[a] @ z[b].T, sides[a].has_finding[index[a]] & both, sides[b].has_finding[index[b]] & both)
        out[f"{a}_{b}"] = None if np.isnan(value) else value
    return {name: value for name, value in out.items() if value is not None}
