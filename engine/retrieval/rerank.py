"""Re-ranking: the nearest by Hamming distance, put in another order by what their codes have lost.

The pool is the POOL · k nearest by Hamming distance (LEAST_POOL at least), under the same mask, radius and rule of one
study per patient as without re-ranking; each patient's nearest study by Hamming distance stands for the patient. The k
first of the pool in the new order are returned; each keeps its Hamming distance and what is calibrated on it. Equal
scores, as equal codes or embeddings have, come in the order of the study ids.

asymmetric : Σ p·s over the code's bits; p is the query's signed distance from each bit's threshold (float), s = ±1 the
             stored bit (Gordo et al. 2014, asymmetric distances for binary embeddings)
embedding  : Σ tanh(p)·tanh(t) over all 256, where t is p of the stored 8-bit embedding: the cosine of what both codes
             were before the sign. The plain cosine of embeddings ignores what the hash layer was taught about pairs of
             modalities; `casebind evaluate rerank` prints it beside.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from engine.actor import Actor
from engine.retrieval.answer import Options
from engine.retrieval.mean import projection
from engine.store import codes, quantised
from engine.store.records import StoredQuery
from engine.study import Modality
from engine.workspace.workspace import Workspace

if TYPE_CHECKING:
    from engine.model.release import Release

POOL_FACTOR = 10  # times as many as are asked for
MIN_POOL = 100
Pool = list[tuple[int, int]]  # (ordinal, Hamming distance)


def pool_size(k: int) -> int:
    """Return how many are put in another order where k are asked for."""
    return max(MIN_POOL, POOL_FACTOR * k)


def asymmetric_scores(query: np.ndarray, codes: np.ndarray, bits: int) -> np.ndarray:
    """Projections of a query (256,) or of several (q, 256), and packed codes (n, bits / 8) uint8 → (n,) or (q, n)."""
    signs = np.unpackbits(codes, axis=1, count=bits, bitorder="little").astype(np.float32) * 2 - 1
    return np.asarray(query[..., :bits] @ signs.T)


def embedding_scores(query: np.ndarray, stored: np.ndarray) -> np.ndarray:
    """Projections of a query (256,) or of several (q, 256), and of stored embeddings (n, 256) → (n,) or (q, n)."""
    return np.asarray(np.tanh(query) @ np.tanh(stored).T)


def reranked(
    workspace: Workspace,
    release: Release,
    stored: StoredQuery,
    target: Modality,
    pool: Pool,
    *,
    options: Options,
    actor: Actor,
) -> Pool:
    """Return the pool in the order of the options' method.

    Studies that were deleted since the search come first, so that whoever reads their rows notices.
    """
    query, bits = projection(workspace, release, stored, actor=actor), options.bits
    ordinals = [ordinal for ordinal, _ in pool]
    if options.rerank == "asymmetric":
        found = codes.by_ordinal(workspace.database, (release.name, target), ordinals)
        here = [ordinal for ordinal in ordinals if ordinal in found]
        different, which = _different({at: found[at][: bits // 8] for at in here}, here, bits // 8, np.uint8)
        scores = asymmetric_scores(query, different, bits)[which]
    else:
        vectors = quantised.load(workspace.database, release.name, ordinals)
        here = [ordinal for ordinal in ordinals if ordinal in vectors]
        different, which = _different(vectors, here, 256, np.float32)
        scores = embedding_scores(query, release.projections(different, target))[which]
    far, held = dict(pool), set(here)
    gone = [ordinal for ordinal in ordinals if ordinal not in held]
    return [(ordinal, far[ordinal]) for ordinal in gone + _in_order(workspace, here, scores)]


def _in_order(workspace: Workspace, ordinals: Sequence[int], scores: np.ndarray) -> list[int]:
    """Return the ordinals by falling score, equal ones by study id; ids are read only where scores are equal."""
    _, which, counts = np.unique(scores, return_inverse=True, return_counts=True)
    tied = np.asarray(ordinals, np.int64)[counts[which] > 1] if len(ordinals) else np.empty(0, np.int64)
    names = workspace.snapshots.study_ids_of(tied) if tied.size else {}
    order = sorted(range(len(ordinals)), key=lambda place: (-scores[place], names.get(ordinals[place], "")))
    return [ordinals[place] for place in order]


def _different(
    vectors_by_ordinal: dict[int, np.ndarray], ordinals: Sequence[int], width: int, kind: type
) -> tuple[np.ndarray, np.ndarray]:
    """Return the different rows, and which of them each ordinal has.

    What is equal is summed once: the last digit of a sum depends on where among others it is computed.
    """
    rows = np.stack([vectors_by_ordinal[ordinal] for ordinal in ordinals]) if ordinals else np.empty((0, width), kind)
    different, which = np.unique(rows, axis=0, return_inverse=True)
    return different, which.reshape(-1)
