"""`casebind evaluate rerank`: codes alone beside the two re-rankings of the search, and beside the plain cosine."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from engine.evaluate.by_finding import BALANCED, Evaluator, per_query, retrieval_task
from engine.evaluate.evaluation_sides import EvaluationSide, load_evaluation_sides
from engine.evaluate.plots import intervals
from engine.metrics.rows import Measurement, ResultRow, distinct
from engine.modalities import MODALITIES
from engine.model.packing import LENGTHS, distances
from engine.model.release import Release
from engine.retrieval.rerank import asymmetric_scores, embedding_scores, pool_size
from engine.store.quantised import dequantised, quantised

K = 10
CODES = "codes"
NOTES = (
    "Relevance is a shared finding; queries never meet their own patient; one window per recording.",
    "Films and ECGs in these recordings share no patient: film–ECG figures rest on shared labels, not on patients.",
    f"The pool is the {pool_size(K)} nearest by Hamming distance, as in a search for {K}; what is outside keeps its "
    "place. Stored embeddings are read from 8 bits.",
    "'embedding, cosine' is not offered in the search: it ignores what the hash layer was taught.",
    "'gain' is the paired difference of mAP@10 to codes alone of the same length, with its 95 % interval by patient.",
)


def rerank_pool(codes: np.ndarray, scores: np.ndarray, allowed: np.ndarray, size: int) -> np.ndarray:
    """Return scores (q, g) that put the `size` nearest by code in the order of `scores`, before all others.

    codes, scores (q, g): higher is nearer; what is not allowed takes no place in the pool; equal codes by number.
    """
    order = np.argsort(-np.where(allowed, codes, -np.inf), axis=1, kind="stable")
    place = np.empty_like(order)
    np.put_along_axis(place, order, np.broadcast_to(np.arange(order.shape[1]), order.shape), 1)
    below = scores.min(initial=0.0) - 1.0
    return np.where(place < size, scores, below - place)


def methods(
    release: Release, a: EvaluationSide, b: EvaluationSide, bits: int, allowed: np.ndarray
) -> dict[str, np.ndarray]:
    """Return every method's scores (q, g) by name at one code length, float64."""
    asking = release.projections(a.z, a.modality).astype(np.float64)
    stored = dequantised(*quantised(b.z))
    packed = release.codes(a.z, a.modality), release.codes(b.z, b.modality)
    near = -distances(*packed, bits).astype(np.float64)
    scores = {
        "asymmetric": asymmetric_scores(asking, packed[1], bits),
        "embedding": embedding_scores(asking, release.projections(stored, b.modality).astype(np.float64)),
        "embedding, cosine": a.z.astype(np.float64) @ stored.T.astype(np.float64),
    }
    return {CODES: near, **{name: rerank_pool(near, one, allowed, pool_size(K)) for name, one in scores.items()}}


def rows_of(task: str, evaluator: Evaluator, bits: int, scores: dict[str, np.ndarray]) -> list[ResultRow]:
    """Return a row per method for one pair of modalities and one code length."""
    found = {}
    for name, one in scores.items():
        values = per_query(one, evaluator.task)
        found[name] = {metric: values[metric] for metric in ("mAP@10", "P@5", BALANCED)}
    chance, rows = {k: v for k, v in evaluator.chance().items() if k in found[CODES]}, []
    for name, values in found.items():
        gain = evaluator.figure("mAP@10", values["mAP@10"] - found[CODES]["mAP@10"])
        more: dict[str, Any] = {"bits": bits, "gain_map_at_10": gain.as_dict()}
        if name != CODES:
            more["gain"] = f"{gain.value:+.3f} ({gain.low:+.3f} to {gain.high:+.3f})"
        rows.append(
            ResultRow(task, f"{name} {bits}", evaluator.figures(values), distinct(evaluator.patients), chance, more)
        )
    return rows


def evaluate(release: Release, path: Path, split: str, cache: Path) -> Measurement:
    """Return a row per pair of modalities, code length and method."""
    return Measurement(
        "rerank", release.name, split, compared(release, load_evaluation_sides(release, path, split, cache)), NOTES
    )


def compared(release: Release, here: dict[str, EvaluationSide]) -> list[ResultRow]:
    """Return the rows of all pairs of modalities that are there."""
    rows: list[ResultRow] = []
    for a, b in product(MODALITIES, repeat=2):
        judge = Evaluator(retrieval_task(here[a].has_finding, here[b].has_finding, here[a].patients, here[b].patients))
        if judge.has_relevant.any():
            for bits in LENGTHS:
                rows += rows_of(f"{a}→{b}", judge, bits, methods(release, here[a], here[b], bits, judge.task.allowed))
    return rows


def draw(measurement: Measurement, folder: Path) -> list[Path]:
    """Draw mAP@10 and its balanced kin."""
    return intervals(measurement, ("mAP@10", BALANCED), folder)
