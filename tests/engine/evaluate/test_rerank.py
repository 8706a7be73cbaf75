"""A pool is put in another order before all that is outside it, and what is not allowed takes no place in it."""

from __future__ import annotations

import numpy as np

from engine.evaluate.rerank import rerank_pool
from engine.metrics.ranking import ranked_relevance
from engine.retrieval.rerank import asymmetric_scores, embedding_scores


def order(codes: list[int], scores: list[float], allowed: list[bool], size: int) -> list[int]:
    """Return the numbers of the allowed entries in the order of the pooled scores."""
    there = np.array([allowed])
    found = rerank_pool(np.array([codes], float), np.array([scores]), there, size)
    ranked = ranked_relevance(found, np.arange(len(codes))[None], there, len(codes))[0]
    return ranked[np.isfinite(ranked)].astype(int).tolist()


def test_only_the_pool_changes_its_order() -> None:
    codes, scores = [-1, -2, -2, -3, -9], [0.1, 0.5, 0.3, 0.9, 1.0]
    assert order(codes, scores, [True] * 5, 3) == [1, 2, 0, 3, 4]
    assert order(codes, scores, [True] * 5, 5) == [4, 3, 1, 2, 0]
    assert order(codes, scores, [True, False, True, True, True], 3) == [3, 2, 0, 4]
    assert order(codes, [-5.0, -6.0, -7.0, 0.0, 0.0], [True] * 5, 2) == [0, 1, 2, 3, 4]


def test_asymmetric_scores_weigh_bits_by_how_sure_the_query_is() -> None:
    query = np.zeros(256)
    query[:3] = [0.1, -2.0, 1.0]
    codes = np.zeros((3, 32), np.uint8)
    codes[1, 0], codes[2, 0] = 0b001, 0b100  # bit 0 is on in the second, bit 2 in the third
    assert np.allclose(asymmetric_scores(query, codes, 64), [0.9, 1.1, 2.9])
    assert np.allclose(asymmetric_scores(np.stack([query, -query]), codes, 64), [[0.9, 1.1, 2.9], [-0.9, -1.1, -2.9]])


def test_embedding_scores_are_of_bits_before_the_sign() -> None:
    query, stored = np.array([0.5, -1.0]), np.array([[2.0, 0.0], [0.0, -3.0]])
    assert np.allclose(embedding_scores(query, stored), [np.tanh(0.5) * np.tanh(2), np.tanh(1) * np.tanh(3)])
