"""Findings that words lie near in meaning, by the sentence vectors under the release's text head.

The shared space itself does not tell: what names no finding lies near the centre of all texts there, and so near many
findings. `casebind evaluate typed` prints how well the vectors do.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from engine.findings.names import all_names

# Cosine from which words are near a name: `casebind evaluate typed` chooses it on its `valid` phrases (0.494).
NEAR = 0.5
LETTERS = 6  # of a name; abbreviations mean nothing to the encoder


def near_in_meaning(text: str, most: int = 3) -> tuple[str, ...]:
    """Return at most so many findings with an English name near a text, the nearest first."""
    findings, cosines = _findings(), meaning_scores([text])[0]
    order = [at for at in np.argsort(-cosines, kind="stable") if cosines[at] >= NEAR]
    return tuple(dict.fromkeys(findings[at] for at in order))[:most]


def meaning_scores(texts: Sequence[str]) -> np.ndarray:
    """Return the cosines of texts to every English name of a finding, (texts, names)."""
    from engine.model.text import sentence_vectors

    return np.asarray(sentence_vectors(texts) @ _name_vectors().T)


@lru_cache(maxsize=1)
def _written() -> tuple[tuple[str, str], ...]:
    """Return (finding, English name) of every name that is a word."""
    english = (one for one in all_names() if one.language == "en" and len(one.written) >= LETTERS)
    return tuple((one.finding, one.written) for one in english)


def _findings() -> list[str]:
    return [finding for finding, _ in _written()]


@lru_cache(maxsize=1)
def _name_vectors() -> np.ndarray:
    from engine.model.text import sentence_vectors

    return sentence_vectors([written for _, written in _written()])
