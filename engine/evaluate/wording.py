"""Studies found by a finding in words, in phrases that training drew and in words that nobody taught.

Array → array, except where rows are made.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from engine.evaluate.evaluation_sides import embed_texts
from engine.evaluate.tables import EvaluationTable
from engine.evaluate.zero_shot import represented, unit
from engine.findings import vocabulary
from engine.metrics.classifying import auroc
from engine.metrics.ranking import precision_at, ranked_relevance
from engine.metrics.resampling import measured, weighted_mean
from engine.metrics.rows import ResultRow, distinct
from engine.model.release import Release

KINDS = {"phrases": "taught words", "unseen": "untaught words"}
MIN_STUDIES = 5  # studies that a finding needs


def mean_over_findings(values: np.ndarray, finding: np.ndarray) -> np.ndarray:
    """Values (..., phrases), finding (phrases,) number of each → mean over findings of the mean over their phrases."""
    names = np.unique(finding)
    return np.mean([values[..., finding == name].mean(-1) for name in names], axis=0)


def aurocs(scores: np.ndarray, right: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """AUROC of every phrase: scores, right (studies, phrases), weights (rounds, studies) → (rounds, phrases)."""
    return np.stack([auroc(scores[:, i], right[:, i], weights) for i in range(scores.shape[1])], 1)


def phrases_of(has_finding: np.ndarray, kind: str) -> tuple[list[str], np.ndarray]:
    """Return phrases of the findings that enough studies hold and lack, held (n, findings), and each one's finding."""
    said = [
        (phrase, number)
        for number, entry in enumerate(vocabulary().values())
        for phrase in entry[kind]
        if MIN_STUDIES <= has_finding[:, number].sum() <= len(has_finding) - MIN_STUDIES
    ]
    return [phrase for phrase, _ in said], np.array([number for _, number in said], int)


def rows_of(release: Release, task: str, side: EvaluationTable, cache: Path) -> list[ResultRow]:
    """Return AUROC and P@10 by words of the studies with a known finding; P@10's interval resamples findings."""
    side = side.take(np.asarray(side.has_finding.any(1)))
    rows: list[ResultRow] = []
    for kind, name in KINDS.items():
        phrases, finding = phrases_of(side.has_finding, kind)
        if not phrases:
            continue
        words = represented(release, embed_texts(release, phrases, cache), "text")
        right = side.has_finding[:, finding]
        for method, z in represented(release, side.z, side.modality).items():
            scores = unit(z) @ unit(words[method]).T  # (studies, phrases)
            rows.append(_row(f"{name}→{task}", method, scores, right, finding=finding, patients=side.patients))
    return rows


def _row(
    task: str, method: str, scores: np.ndarray, right: np.ndarray, *, finding: np.ndarray, patients: np.ndarray
) -> ResultRow:
    found = precision_at(ranked_relevance(scores.T, right.T, np.ones_like(right.T), 10), 10)
    weight = 1 / np.bincount(finding)[finding]  # every finding counts once
    figures = {
        "AUROC": measured(lambda w: mean_over_findings(aurocs(scores, right, w), finding), patients),
        "P@10": measured(lambda w: weighted_mean(found, w * weight), finding),
    }
    luck = {"AUROC": 0.5, "P@10": float(mean_over_findings(right.mean(0), finding))}
    return ResultRow(task, method, figures, distinct(patients), luck, {"phrases": len(finding)})
